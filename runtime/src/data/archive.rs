//! Reads named members of a `.tar.gz` into memory. Nothing is written to disk, so a path in the
//! archive cannot lead anywhere.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::rc::Rc;

use flate2::read::GzDecoder;

use super::error::DataError;
use super::files::Files;
use super::options::{DataProgress, DataStage, ProgressSink};

/// Whether the file begins as gzip does (RFC 1952, section 2.3.1).
pub(super) fn is_gzip(path: &Path) -> bool {
    let mut start = [0; 2];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut start));
    read.is_ok() && start == [0x1f, 0x8b]
}

/// Counts the compressed bytes that pass.
struct Counted<R> {
    inner: R,
    count: Rc<Cell<u64>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.count.set(self.count.get().saturating_add(read as u64));
        Ok(read)
    }
}

/// Reads every member whose last path component is `wanted`; the rest is skipped. The archive is
/// read to its end, so that the checksum of gzip is verified.
pub(super) fn read(
    path: &Path,
    wanted: &dyn Fn(&str) -> bool,
    memory_limit: u64,
    progress: ProgressSink<'_>,
) -> Result<Files, DataError> {
    let file = path.display().to_string();
    let damaged = |source| DataError::Archive { file: file.clone(), source };
    let source = File::open(path).map_err(DataError::io("open", &file))?;
    let total = source.metadata().ok().map(|metadata| metadata.len());
    let count = Rc::new(Cell::new(0));
    let counted = Counted { inner: source, count: Rc::clone(&count) };
    let mut tar = tar::Archive::new(GzDecoder::new(io::BufReader::with_capacity(1 << 16, counted)));
    let mut members = BTreeMap::new();
    let mut left = memory_limit;
    for entry in tar.entries().map_err(damaged)? {
        let mut entry = entry.map_err(damaged)?;
        progress(DataProgress { stage: DataStage::Unpack, done: count.get(), total });
        let Some(name) = member_name(&entry).filter(|name| wanted(name)) else { continue };
        let bytes = entry.size();
        left = left.checked_sub(bytes).ok_or_else(|| DataError::TooLarge {
            file: format!("{file}: {name}"),
            bytes,
            limit: memory_limit,
        })?;
        members.insert(name, read_member(&mut entry, bytes, &file)?);
    }
    io::copy(&mut tar.into_inner(), &mut io::sink()).map_err(damaged)?;
    progress(DataProgress { stage: DataStage::Unpack, done: count.get(), total });
    Ok(Files::Archive { path: path.to_path_buf(), members })
}

/// The last path component of a regular file.
fn member_name(entry: &tar::Entry<'_, impl Read>) -> Option<String> {
    if !entry.header().entry_type().is_file() {
        return None;
    }
    Some(entry.path().ok()?.file_name()?.to_str()?.to_owned())
}

fn read_member(entry: &mut impl Read, bytes: u64, file: &str) -> Result<Vec<u8>, DataError> {
    let mut content = Vec::new();
    let damaged = |source| DataError::Archive { file: file.to_owned(), source };
    entry.read_to_end(&mut content).map_err(damaged)?;
    let found = content.len() as u64;
    if found != bytes {
        return Err(DataError::Length {
            file: file.to_owned(),
            expected: bytes.to_string(),
            found,
        });
    }
    Ok(content)
}
