//! Decoded images kept on disk, named by the hash of what they were decoded from.
//!
//! Layout: magic, header length (u32), header (JSON), then per split labels (u32) and pixels, then
//! the SHA-256 of all before; integers little endian. A file that fails any check is rebuilt.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::arrange::RawParts;
use super::dataset::{ImageShape, Split};
use super::error::DataError;
use super::hash::hexadecimal;
use crate::replace;

const MAGIC: &[u8; 8] = b"NASCIMG\0";
const VERSION: u32 = 1;
const HASH_BYTES: u64 = 32;
/// A thousand class names fit many times.
const LONGEST_HEADER: u32 = 1 << 20;

/// What the pixels behind it are.
#[derive(Debug, Serialize, Deserialize)]
struct Header {
    version: u32,
    channels: usize,
    height: usize,
    width: usize,
    pixel_max: u8,
    class_names: Vec<String>,
    has_validation: bool,
    /// Images of train, validation and test.
    images: [usize; 3],
}

/// The cache file for data decoded from these source files.
pub(super) fn place(cache_dir: &Path, sources: &[PathBuf]) -> Result<PathBuf, DataError> {
    let mut hash = Sha256::new();
    hash.update(VERSION.to_le_bytes());
    for path in sources {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        hash.update(Sha256::digest(name));
        hash.update(content_hash(path).map_err(DataError::io("read", path.display()))?);
    }
    let name = hexadecimal(&hash.finalize());
    Ok(cache_dir.join(format!("{}.images", name.get(..32).unwrap_or(&name))))
}

/// As [`place`], for pictures that are found by their folders and brought to one size: `key` names both.
/// Size and time of a file stand for its content, so that many need not be read.
pub(super) fn place_of_pictures(
    cache_dir: &Path,
    sources: &[PathBuf],
    key: &str,
) -> Result<PathBuf, DataError> {
    let mut hash = Sha256::new();
    hash.update(VERSION.to_le_bytes());
    hash.update(Sha256::digest(key));
    for path in sources {
        let metadata = fs::metadata(path).map_err(DataError::io("read", path.display()))?;
        let modified = metadata.modified().ok();
        let changed = modified.and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
        hash.update(Sha256::digest(path.to_string_lossy().as_bytes()));
        hash.update(metadata.len().to_le_bytes());
        hash.update(changed.unwrap_or_default().as_nanos().to_le_bytes());
    }
    let name = hexadecimal(&hash.finalize());
    Ok(cache_dir.join(format!("{}.images", name.get(..32).unwrap_or(&name))))
}

fn content_hash(path: &Path) -> io::Result<[u8; 32]> {
    let mut source = Hashing { inner: File::open(path)?, hash: Sha256::new() };
    io::copy(&mut source, &mut io::sink())?;
    Ok(source.hash.finalize().into())
}

/// The stored parts, or `None` if there is no intact file of this version.
pub(super) fn load(path: &Path) -> Option<RawParts> {
    match read(path) {
        Ok(parts) => Some(parts),
        Err(failure) if failure.kind() == io::ErrorKind::NotFound => None,
        Err(failure) => {
            tracing::warn!(path = %path.display(), %failure, "cache of decoded images is unusable; decoding again");
            None
        }
    }
}

/// Stores the parts. A failure costs only the time to decode again, so it is an event, not an error.
pub(super) fn store(path: &Path, parts: &RawParts) {
    if let Err(failure) = write(path, parts) {
        tracing::warn!(path = %path.display(), %failure, "decoded images could not be cached");
    }
}

/// Hashes what passes.
struct Hashing<T> {
    inner: T,
    hash: Sha256,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.hash.update(buffer.get(..read).unwrap_or_default());
        Ok(read)
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hash.update(bytes.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

fn read(path: &Path) -> io::Result<RawParts> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    let inner = BufReader::with_capacity(1 << 20, file);
    let mut source = Hashing { inner, hash: Sha256::new() };
    let (header, header_bytes) = read_header(&mut source)?;
    let shape =
        ImageShape { channels: header.channels, height: header.height, width: header.width };
    let body = payload_bytes(&header, shape).ok_or_else(|| invalid("sizes overflow"))?;
    if length != header_bytes.saturating_add(body).saturating_add(HASH_BYTES) {
        return Err(invalid("wrong length"));
    }
    let [train, validation, test] = header.images;
    let train = read_split(&mut source, train, shape)?;
    let validation = read_split(&mut source, validation, shape)?;
    let test = read_split(&mut source, test, shape)?;
    let mut stored = [0; HASH_BYTES as usize];
    source.inner.read_exact(&mut stored)?;
    if source.hash.finalize().as_slice() != stored {
        return Err(invalid("wrong checksum"));
    }
    Ok(RawParts {
        shape,
        pixel_max: header.pixel_max,
        class_names: header.class_names,
        train,
        validation: header.has_validation.then_some(validation),
        test,
    })
}

/// The header and the bytes up to its end.
fn read_header(source: &mut impl Read) -> io::Result<(Header, u64)> {
    let mut start = [0; 12];
    source.read_exact(&mut start)?;
    let (magic, length) = start.split_first_chunk::<8>().ok_or_else(|| invalid("no header"))?;
    let length = length.first_chunk().map_or(0, |length| u32::from_le_bytes(*length));
    if magic != MAGIC || length > LONGEST_HEADER {
        return Err(invalid("not a cache of decoded images"));
    }
    let mut json = vec![0; length as usize];
    source.read_exact(&mut json)?;
    let header: Header = serde_json::from_slice(&json).map_err(|_| invalid("unreadable header"))?;
    if header.version != VERSION {
        return Err(invalid("another version"));
    }
    Ok((header, 12 + u64::from(length)))
}

/// Bytes of all labels and pixels.
fn payload_bytes(header: &Header, shape: ImageShape) -> Option<u64> {
    let per_image = (shape.elements() as u64).checked_add(4)?;
    let images =
        header.images.iter().try_fold(0_u64, |sum, &images| sum.checked_add(images as u64))?;
    images.checked_mul(per_image)
}

fn read_split(source: &mut impl Read, images: usize, shape: ImageShape) -> io::Result<Split> {
    let mut labels = vec![0; images * 4];
    source.read_exact(&mut labels)?;
    let (labels, _) = labels.as_chunks::<4>();
    let labels = labels.iter().map(|label| u32::from_le_bytes(*label)).collect();
    let mut pixels = vec![0; images * shape.elements()];
    source.read_exact(&mut pixels)?;
    Ok(Split::new(pixels, labels))
}

fn write(path: &Path, parts: &RawParts) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let file = replace::temporary(folder)?;
    let inner = BufWriter::with_capacity(1 << 20, file);
    let mut sink = Hashing { inner, hash: Sha256::new() };
    write_header(&mut sink, parts)?;
    for split in [Some(&parts.train), parts.validation.as_ref(), Some(&parts.test)] {
        write_split(&mut sink, split)?;
    }
    let Hashing { mut inner, hash } = sink;
    inner.write_all(&hash.finalize())?;
    let file = inner.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|failure| failure.error)?;
    Ok(())
}

fn write_header(sink: &mut impl Write, parts: &RawParts) -> io::Result<()> {
    let header = Header {
        version: VERSION,
        channels: parts.shape.channels,
        height: parts.shape.height,
        width: parts.shape.width,
        pixel_max: parts.pixel_max,
        class_names: parts.class_names.clone(),
        has_validation: parts.validation.is_some(),
        images: [
            parts.train.len(),
            parts.validation.as_ref().map_or(0, Split::len),
            parts.test.len(),
        ],
    };
    let json = serde_json::to_vec(&header)?;
    let length = u32::try_from(json.len()).map_err(|_| invalid("header too long"))?;
    sink.write_all(MAGIC)?;
    sink.write_all(&length.to_le_bytes())?;
    sink.write_all(&json)
}

fn write_split(sink: &mut impl Write, split: Option<&Split>) -> io::Result<()> {
    let Some(split) = split else { return Ok(()) };
    let labels: Vec<u8> = split.labels().iter().flat_map(|label| label.to_le_bytes()).collect();
    sink.write_all(&labels)?;
    sink.write_all(split.images())
}
