//! PNG and JPEG to NCHW bytes, on several threads. The first image fixes shape and channels.

use std::io::Cursor;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;

use image::{ImageDecoder, ImageReader, Limits};

use super::dataset::ImageShape;
use super::error::DataError;
use super::guard::guarded;
use super::options::{DataProgress, DataStage, ProgressSink};

/// Images a thread takes at a time: some milliseconds of work at 32x32.
const CHUNK: usize = 256;

/// What all decoding shares.
#[derive(Debug, Clone, Copy)]
pub(super) struct DecodeLimits {
    pub(super) threads: NonZeroUsize,
    pub(super) memory: u64,
}

/// Shape of the first image of `file`: three channels if it has colour, else one.
pub(super) fn probe(encoded: &[u8], file: &str) -> Result<ImageShape, DataError> {
    let cause = |failure: image::ImageError| undecodable(file, 0, failure.to_string());
    let decoder = reader(encoded).map_err(cause)?.into_decoder().map_err(cause)?;
    let (width, height) = decoder.dimensions();
    let channels = if decoder.color_type().has_color() { 3 } else { 1 };
    Ok(ImageShape { channels, height: height as usize, width: width as usize })
}

/// Decodes all images, which must have the same size. The result is NCHW.
///
/// The error is that of the first image that has one, whatever the number of threads.
pub(super) fn decode<E: AsRef<[u8]> + Sync>(
    encoded: &[E],
    shape: ImageShape,
    file: &str,
    limits: DecodeLimits,
    progress: ProgressSink<'_>,
) -> Result<Vec<u8>, DataError> {
    let bytes = encoded.len().saturating_mul(shape.elements());
    if bytes as u64 > limits.memory {
        let (file, bytes) = (file.to_owned(), bytes as u64);
        return Err(DataError::TooLarge { file, bytes, limit: limits.memory });
    }
    let mut pixels = vec![0; bytes];
    let outputs = pixels.chunks_mut(CHUNK.saturating_mul(shape.elements()).max(1));
    let jobs = Mutex::new(encoded.chunks(CHUNK).zip(outputs).enumerate());
    let stop = AtomicBool::new(false);
    let (sender, receiver) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..limits.threads.get() {
            let (sender, jobs, stop) = (sender.clone(), &jobs, &stop);
            scope.spawn(move || {
                // Chunks are handed out in order and each is finished, so that the earliest
                // failing image is always among those reported.
                while !stop.load(Ordering::Relaxed) {
                    let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).next();
                    let Some((chunk, (encoded, out))) = job else { break };
                    let result = decode_chunk(chunk * CHUNK, encoded, out, shape, file);
                    stop.fetch_or(result.is_err(), Ordering::Relaxed);
                    if sender.send(result).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        collect(&receiver, encoded.len() as u64, progress)
    })?;
    Ok(pixels)
}

/// Reports progress until all threads are done, and keeps the failure of the smallest index.
fn collect(
    receiver: &mpsc::Receiver<Result<usize, (usize, DataError)>>,
    total: u64,
    progress: ProgressSink<'_>,
) -> Result<(), DataError> {
    let mut done = 0;
    let mut first: Option<(usize, DataError)> = None;
    for result in receiver {
        match result {
            Ok(images) => {
                done += images as u64;
                progress(DataProgress { stage: DataStage::Decode, done, total: Some(total) });
            }
            Err(failure) if first.as_ref().is_none_or(|first| failure.0 < first.0) => {
                first = Some(failure);
            }
            Err(_) => {}
        }
    }
    first.map_or(Ok(()), |(_, failure)| Err(failure))
}

fn decode_chunk<E: AsRef<[u8]>>(
    start: usize,
    encoded: &[E],
    out: &mut [u8],
    shape: ImageShape,
    file: &str,
) -> Result<usize, (usize, DataError)> {
    for (offset, (encoded, out)) in
        encoded.iter().zip(out.chunks_exact_mut(shape.elements().max(1))).enumerate()
    {
        let index = start + offset;
        guarded(|| decode_one(encoded.as_ref(), out, shape, file, index))
            .unwrap_or_else(|| Err(undecodable(file, index, "the decoder stopped".to_owned())))
            .map_err(|failure| (index, failure))?;
    }
    Ok(encoded.len())
}

fn decode_one(
    encoded: &[u8],
    out: &mut [u8],
    expected: ImageShape,
    file: &str,
    index: usize,
) -> Result<(), DataError> {
    let cause = |failure: image::ImageError| undecodable(file, index, failure.to_string());
    let decoder = reader(encoded).map_err(cause)?.into_decoder().map_err(cause)?;
    let (width, height) = decoder.dimensions();
    let colour = decoder.color_type().has_color();
    // Grey among colour images is spread over three channels; colour among grey would lose something.
    let channels = if colour && expected.channels == 1 { 3 } else { expected.channels };
    let found = ImageShape { channels, height: height as usize, width: width as usize };
    if found != expected {
        return Err(DataError::ImageShape { file: file.to_owned(), index, expected, found });
    }
    let image = image::DynamicImage::from_decoder(decoder).map_err(cause)?;
    match expected.channels {
        1 => planes(image.into_luma8().as_raw(), out, 1),
        channels => planes(image.into_rgb8().as_raw(), out, channels),
    }
    Ok(())
}

/// Interleaved pixels to one plane per channel.
fn planes(interleaved: &[u8], out: &mut [u8], channels: usize) {
    let plane = (out.len() / channels.max(1)).max(1);
    for (channel, out) in out.chunks_exact_mut(plane).enumerate() {
        let values = interleaved.iter().skip(channel).step_by(channels.max(1));
        out.iter_mut().zip(values).for_each(|(out, &value)| *out = value);
    }
}

/// A reader that recognises the format by content and refuses absurd sizes.
fn reader(encoded: &[u8]) -> Result<ImageReader<Cursor<&[u8]>>, image::ImageError> {
    let mut reader = ImageReader::new(Cursor::new(encoded)).with_guessed_format()?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(1 << 14);
    limits.max_image_height = Some(1 << 14);
    reader.limits(limits);
    Ok(reader)
}

fn undecodable(file: &str, index: usize, cause: String) -> DataError {
    DataError::Decode { file: file.to_owned(), index, cause }
}
