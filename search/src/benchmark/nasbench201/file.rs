//! The table's file: 1.2 MiB, written once by the import and checked each time it is read. Its form
//! is a magic, a version, two SHA-256 sums (of the text it was made from, of what follows), and the
//! rows by cell number, little-endian.

use super::{BenchmarkError, FIGURES, NAME, Row, Table};
use nasc_compiler::cell::Cell;
use sha2::{Digest as _, Sha256};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

const MAGIC: &[u8; 16] = b"nasc nasbench201";
const VERSION: u32 = 1;
/// Magic, version, two sums.
const HEAD: usize = 16 + 4 + 32 + 32;
const PAYLOAD: usize = Cell::COUNT * FIGURES * 4;

/// The table's file in the cache folder.
fn path(cache: &Path) -> PathBuf {
    cache.join("benchmarks").join(NAME).with_extension("table")
}

impl Table {
    /// Where [`Table::open`] looks in a cache folder.
    #[must_use]
    pub fn path(cache: &Path) -> PathBuf {
        path(cache)
    }

    /// Reads the table from a cache folder.
    ///
    /// # Errors
    /// [`BenchmarkError::Missing`] if it was never imported, [`BenchmarkError::Damaged`] if its sum
    /// is wrong.
    pub fn open(cache: &Path) -> Result<Self, BenchmarkError> {
        let path = path(cache);
        let bytes = std::fs::read(&path).map_err(|source| match source.kind() {
            ErrorKind::NotFound => BenchmarkError::Missing { path: path.clone() },
            _ => BenchmarkError::File { path: path.clone(), source },
        })?;
        Self::from_bytes(&bytes).map_err(|what| BenchmarkError::Damaged { path, what })
    }

    /// Writes the table into a cache folder; it appears under its name only when it is complete.
    ///
    /// # Errors
    /// [`BenchmarkError::File`].
    pub fn save(&self, cache: &Path) -> Result<PathBuf, BenchmarkError> {
        let path = path(cache);
        let write = || {
            let folder = path.parent().unwrap_or(Path::new("."));
            std::fs::create_dir_all(folder)?;
            let partial = path.with_extension(format!("partial-{}", std::process::id()));
            let mut file = std::fs::File::create(&partial)?;
            file.write_all(&self.to_bytes())?;
            file.sync_all()?;
            std::fs::rename(&partial, &path)
        };
        write().map_err(|source| BenchmarkError::File { path: path.clone(), source })?;
        Ok(path)
    }

    /// The file's content.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let payload: Vec<u8> =
            self.rows.iter().flatten().flat_map(|figure| figure.to_le_bytes()).collect();
        let mut bytes = Vec::with_capacity(HEAD + payload.len());
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&self.source);
        bytes.extend_from_slice(&Sha256::digest(&payload));
        bytes.extend_from_slice(&payload);
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, &'static str> {
        let (head, payload) = bytes.split_at_checked(HEAD).ok_or("it is too short")?;
        let head = head.strip_prefix(MAGIC.as_slice()).ok_or("it is another kind of file")?;
        let head =
            head.strip_prefix(&VERSION.to_le_bytes()).ok_or("another version of nasc wrote it")?;
        let (source, sum) = head.split_first_chunk::<32>().ok_or("it is too short")?;
        if payload.len() != PAYLOAD {
            return Err("it was cut off");
        }
        if Sha256::digest(payload).as_slice() != sum {
            return Err("its checksum is wrong");
        }
        Ok(Self { rows: payload.chunks_exact(FIGURES * 4).map(row).collect(), source: *source })
    }
}

fn row(bytes: &[u8]) -> Row {
    let mut row = [0; FIGURES];
    for (figure, bytes) in row.iter_mut().zip(bytes.chunks_exact(4)) {
        *figure = bytes.iter().rev().fold(0, |value, &byte| (value << 8) | u32::from(byte));
    }
    row
}
