//! A model file before llama.cpp sees it: is it there, is it GGUF, what is its fingerprint?
//! Deliberately not here: what the file says about the model.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::llm::LanguageModelError;

/// First bytes of a GGUF file, as the format's specification says.
const MAGIC: &[u8] = b"GGUF";

/// Name and fingerprint of a model file: `SmolLM2-135M-Instruct.Q4_1 (sha256 0123456789ab)`.
///
/// # Errors
/// [`LanguageModelError::Load`] when the file cannot be read or is not GGUF.
pub fn describe(path: &Path, told: &mut dyn FnMut(u64, u64)) -> Result<String, LanguageModelError> {
    let load = |reason: String| LanguageModelError::Load { path: path.to_path_buf(), reason };
    let mut file = open(path).map_err(&load)?;
    let digest = fingerprint(&mut file, told).map_err(|error| load(error.to_string()))?;
    let name = path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy();
    Ok(format!("{name} (sha256 {digest})"))
}

/// Opens a GGUF file, or says what is wrong with it.
fn open(path: &Path) -> Result<File, String> {
    let mut file = File::open(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        _ => error.to_string(),
    })?;
    if file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
        return Err("it is a folder".to_owned());
    }
    let mut start = [0; MAGIC.len()];
    match file.read_exact(&mut start) {
        Ok(()) if start == MAGIC => Ok(file),
        Ok(()) => Err("it is not a GGUF file".to_owned()),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            Err("it is too short for a GGUF file".to_owned())
        }
        Err(error) => Err(error.to_string()),
    }
}

/// The first twelve digits of the SHA-256 of a file whose magic has been read.
fn fingerprint(file: &mut File, told: &mut dyn FnMut(u64, u64)) -> io::Result<String> {
    let (mut done, total) = (0, file.metadata()?.len());
    let mut hasher = Sha256::new();
    hasher.update(MAGIC);
    let mut buffer = vec![0; 1 << 20];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        hasher.update(buffer.get(..read).unwrap_or_default());
        done += read as u64;
        told(done, total);
    }
    Ok(hasher.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect())
}
