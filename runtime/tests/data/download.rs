//! Downloads from a server on loopback.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::thread;

use nasc_runtime::data::{self, DataError, DataOptions, DataProgress, DataStage, RemoteArchive};
use tempfile::TempDir;

use crate::cifar::{archive, assert_small_cifar};
use crate::support::{self, assert_message};

/// Answers one request with `head` and `body`, then closes; gives its address.
fn serve(head: String, body: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        let mut byte = [0];
        while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() > 0 {
            request.push(byte[0]);
        }
        // The client may hang up before it has read everything.
        let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
    });
    format!("http://{address}/archive.tar.gz")
}

fn ok(length: usize) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n")
}

/// A small archive and its MD5.
fn body() -> (Vec<u8>, String) {
    use md5::Digest;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("archive");
    archive(&path);
    let bytes = fs::read(path).unwrap();
    let hash = md5::Md5::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    (bytes, hash)
}

fn options(cache_dir: &Path, url: String, md5: &str) -> DataOptions {
    let file_name = "cifar-10-binary.tar.gz".to_owned();
    let cifar10 = RemoteArchive { url, file_name, md5: md5.to_owned() };
    DataOptions { cifar10, ..support::whole(cache_dir) }
}

fn open(options: &DataOptions) -> Result<data::Dataset, DataError> {
    data::open("cifar10", options, &mut |_| {})
}

fn assert_empty(folder: &TempDir) {
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
    assert!(left.is_empty(), "a failed download leaves nothing: {left:?}");
}

#[test]
fn an_archive_is_fetched_once_and_kept() {
    let cache = tempfile::tempdir().unwrap();
    let below = cache.path().join("made/when/needed");
    let (bytes, hash) = body();
    let options = options(&below, serve(ok(bytes.len()), bytes.clone()), &hash.to_uppercase());
    let mut last = None;
    let mut progress = |progress: DataProgress| {
        if progress.stage == DataStage::Download {
            last = Some(progress);
        }
    };
    assert_small_cifar(&data::open("cifar10", &options, &mut progress).unwrap());
    let total = bytes.len() as u64;
    let all = DataProgress { stage: DataStage::Download, done: total, total: Some(total) };
    assert_eq!(last, Some(all));
    assert_eq!(fs::read(below.join("cifar-10-binary.tar.gz")).unwrap(), bytes);
    // The server is gone by now.
    assert_small_cifar(&open(&options).unwrap());
}

#[test]
fn a_wrong_checksum_is_told_and_nothing_is_kept() {
    let cache = tempfile::tempdir().unwrap();
    let (bytes, hash) = body();
    let expected = RemoteArchive::cifar10().md5;
    let options = options(cache.path(), serve(ok(bytes.len()), bytes), &expected);
    assert_message(open(&options), &["checksum", &expected, &hash, "fetch it again"]);
    assert_empty(&cache);
}

#[test]
fn a_body_that_stops_early_is_told_and_nothing_is_kept() {
    let cache = tempfile::tempdir().unwrap();
    let (bytes, hash) = body();
    let half = bytes[..bytes.len() / 2].to_vec();
    let options = options(cache.path(), serve(ok(bytes.len()), half), &hash);
    let place = cache.path().join("cifar-10-binary.tar.gz");
    assert_message(open(&options), &["127.0.0.1", "failed", place.to_str().unwrap()]);
    assert_empty(&cache);
}

#[test]
fn a_refusal_is_told() {
    let cache = tempfile::tempdir().unwrap();
    let head = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let refused = options(cache.path(), serve(head.to_owned(), Vec::new()), "");
    assert_message(open(&refused), &["404", "place it at"]);
    // A port where nobody listens any more.
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let unreachable = options(cache.path(), format!("http://{free}/a"), "");
    assert_message(open(&unreachable), &["127.0.0.1", "check the connection"]);
    assert_empty(&cache);
}

#[test]
fn a_redirection_is_followed() {
    let cache = tempfile::tempdir().unwrap();
    let (bytes, hash) = body();
    let target = serve(ok(bytes.len()), bytes);
    let head = format!(
        "HTTP/1.1 302 Found\r\nLocation: {target}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
    let options = options(cache.path(), serve(head, Vec::new()), &hash);
    assert_small_cifar(&open(&options).unwrap());
}
