//! PNG and JPEG to NCHW bytes, on several threads. The first image fixes shape and channels.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Cursor, Seek};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;

use image::{ImageDecoder, ImageReader, Limits};

use super::dataset::ImageShape;
use super::error::DataError;
use super::guard::guarded;
use super::options::{DataProgress, DataStage, ProgressSink};
use super::picture::resized;

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
    Ok(shape_of(&decoder))
}

fn shape_of(decoder: &impl ImageDecoder) -> ImageShape {
    let (width, height) = decoder.dimensions();
    let channels = if decoder.color_type().has_color() { 3 } else { 1 };
    ImageShape { channels, height: height as usize, width: width as usize }
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
    let one = |index, encoded: &E, out: &mut [u8]| {
        guarded(|| decode_one(encoded.as_ref(), out, shape, file, index))
            .unwrap_or_else(|| Err(undecodable(file, index, "the decoder stopped".to_owned())))
    };
    in_parallel(encoded, shape, file, limits, progress, one)
}

/// Decodes picture files of any size to one shape. The result is NCHW; errors are as in [`decode`].
pub(super) fn decode_files(
    paths: &[PathBuf],
    shape: ImageShape,
    limits: DecodeLimits,
    progress: ProgressSink<'_>,
) -> Result<Vec<u8>, DataError> {
    let one = |_, path: &PathBuf, out: &mut [u8]| {
        let file = path.display().to_string();
        let encoded = fs::read(path).map_err(DataError::io("read", &file))?;
        decode_resized(&encoded, out, shape, &file)
    };
    let first = paths.first().map(|path| path.display().to_string()).unwrap_or_default();
    in_parallel(paths, shape, &first, limits, progress, one)
}

/// Shape of the picture in a file, without decoding it.
pub(super) fn probe_file(path: &Path) -> Result<ImageShape, DataError> {
    let name = path.display().to_string();
    let file = File::open(path).map_err(DataError::io("read", &name))?;
    let cause = |failure: image::ImageError| undecodable(&name, 0, failure.to_string());
    let reader = ImageReader::new(BufReader::new(file)).with_guessed_format();
    let reader = limited(reader.map_err(DataError::io("read", &name))?);
    let decoder = reader.into_decoder().map_err(cause)?;
    Ok(shape_of(&decoder))
}

/// Makes `shape` bytes of each item with `one`, on several threads.
fn in_parallel<E: Sync>(
    items: &[E],
    shape: ImageShape,
    file: &str,
    limits: DecodeLimits,
    progress: ProgressSink<'_>,
    one: impl Fn(usize, &E, &mut [u8]) -> Result<(), DataError> + Sync,
) -> Result<Vec<u8>, DataError> {
    let bytes = items.len().saturating_mul(shape.elements());
    if bytes as u64 > limits.memory {
        let (file, bytes) = (file.to_owned(), bytes as u64);
        return Err(DataError::TooLarge { file, bytes, limit: limits.memory });
    }
    let mut pixels = vec![0; bytes];
    let outputs = pixels.chunks_mut(CHUNK.saturating_mul(shape.elements()).max(1));
    let jobs = Mutex::new(items.chunks(CHUNK).zip(outputs).enumerate());
    let stop = AtomicBool::new(false);
    let (sender, receiver) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..limits.threads.get() {
            let (sender, jobs, stop, one) = (sender.clone(), &jobs, &stop, &one);
            scope.spawn(move || {
                // Chunks are handed out in order and each is finished, so that the earliest
                // failing image is always among those reported.
                while !stop.load(Ordering::Relaxed) {
                    let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).next();
                    let Some((chunk, (items, out))) = job else { break };
                    let result = decode_chunk(chunk * CHUNK, items, out, shape, one);
                    stop.fetch_or(result.is_err(), Ordering::Relaxed);
                    if sender.send(result).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        collect(&receiver, items.len() as u64, progress)
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

fn decode_chunk<E>(
    start: usize,
    items: &[E],
    out: &mut [u8],
    shape: ImageShape,
    one: impl Fn(usize, &E, &mut [u8]) -> Result<(), DataError>,
) -> Result<usize, (usize, DataError)> {
    let outputs = out.chunks_exact_mut(shape.elements().max(1));
    for (offset, (item, out)) in items.iter().zip(outputs).enumerate() {
        let index = start + offset;
        one(index, item, out).map_err(|failure| (index, failure))?;
    }
    Ok(items.len())
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

/// Decodes one picture of any size to the shape of `out`.
pub(super) fn decode_resized(
    encoded: &[u8],
    out: &mut [u8],
    shape: ImageShape,
    file: &str,
) -> Result<(), DataError> {
    let cause = |failure: image::ImageError| undecodable(file, 0, failure.to_string());
    let decoded = guarded(|| {
        let decoder = reader(encoded)?.into_decoder()?;
        image::DynamicImage::from_decoder(decoder)
    });
    let stopped = || undecodable(file, 0, "the decoder stopped".to_owned());
    let image = resized(decoded.ok_or_else(stopped)?.map_err(cause)?, shape);
    match shape.channels {
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
    Ok(limited(ImageReader::new(Cursor::new(encoded)).with_guessed_format()?))
}

fn limited<R: BufRead + Seek>(mut reader: ImageReader<R>) -> ImageReader<R> {
    let mut limits = Limits::default();
    limits.max_image_width = Some(1 << 14);
    limits.max_image_height = Some(1 << 14);
    reader.limits(limits);
    reader
}

fn undecodable(file: &str, index: usize, cause: String) -> DataError {
    DataError::Decode { file: file.to_owned(), index, cause }
}
