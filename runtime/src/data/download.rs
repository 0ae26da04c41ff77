//! Fetches an archive into the cache directory: to a temporary file, checked, then renamed.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use md5::{Digest, Md5};

use super::error::DataError;
use super::hash::hexadecimal;
use super::options::{DataProgress, DataStage, ProgressSink, RemoteArchive};
use crate::replace;

/// A server that says nothing for this long is given up.
const SILENCE: Duration = Duration::from_secs(60);
/// Larger than any archive known here; bounds what a wrong address can write.
const LARGEST: u64 = 4 << 30;

/// The archive's path in `cache_dir`, after fetching it if it is not there.
pub(super) fn fetch(
    archive: &RemoteArchive,
    cache_dir: &Path,
    progress: ProgressSink<'_>,
) -> Result<PathBuf, DataError> {
    let place = cache_dir.join(&archive.file_name);
    if place.is_file() {
        return Ok(place);
    }
    fs::create_dir_all(cache_dir).map_err(DataError::io("make the folder", cache_dir.display()))?;
    let write_failed = || DataError::io("write", place.display());
    let mut file = replace::temporary(cache_dir).map_err(write_failed())?;
    let found = stream(archive, &place, file.as_file_mut(), progress)?;
    if !found.eq_ignore_ascii_case(&archive.md5) {
        let expected = archive.md5.clone();
        return Err(DataError::Checksum { file: archive.url.clone(), expected, found });
    }
    file.as_file().sync_all().map_err(write_failed())?;
    file.persist(&place).map_err(|failure| write_failed()(failure.error))?;
    tracing::info!(url = archive.url, place = %place.display(), "downloaded");
    Ok(place)
}

/// Copies the body to `file` and gives its MD5 in hexadecimal.
fn stream(
    archive: &RemoteArchive,
    place: &Path,
    file: &mut fs::File,
    progress: ProgressSink<'_>,
) -> Result<String, DataError> {
    let network = |cause: String| DataError::Network {
        url: archive.url.clone(),
        cause,
        place: place.to_path_buf(),
    };
    let mut response = agent(&archive.url)
        .get(&archive.url)
        .call()
        .map_err(|failure| network(failure.to_string()))?;
    let total = response.body().content_length();
    let mut body = response.body_mut().with_config().limit(LARGEST).reader();
    let mut hash = Md5::new();
    let mut buffer = vec![0; 1 << 16];
    let mut done = 0_u64;
    loop {
        let read = body.read(&mut buffer).map_err(|failure| network(failure.to_string()))?;
        let Some(chunk) = buffer.get(..read).filter(|chunk| !chunk.is_empty()) else { break };
        file.write_all(chunk).map_err(DataError::io("write", place.display()))?;
        hash.update(chunk);
        done = done.saturating_add(read as u64);
        progress(DataProgress { stage: DataStage::Download, done, total });
    }
    match total {
        Some(expected) if expected != done => {
            let expected = expected.to_string();
            Err(DataError::Length { file: archive.url.clone(), expected, found: done })
        }
        _ => Ok(hexadecimal(&hash.finalize())),
    }
}

/// Bytes arrive as they are: an archive that is already compressed is not asked for in another coding.
fn agent(url: &str) -> ureq::Agent {
    let config = ureq::Agent::config_builder()
        .accept_encoding("identity")
        .timeout_connect(Some(SILENCE))
        .timeout_recv_response(Some(SILENCE))
        .timeout_per_read(Some(SILENCE));
    // A proxy of the surroundings cannot reach a server on this machine.
    let config = if url.starts_with("http://127.0.0.1:") { config.proxy(None) } else { config };
    config.build().new_agent()
}
