//! `nasc model pull` against a hub on loopback: what it asks for, what it keeps, and bad answers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};

use nasc_cli::{Environment, Output};

/// A hub with one file. It serves ranges, as the real one does, and writes down what it was asked for.
struct Hub {
    address: String,
    asked: Arc<Mutex<Vec<String>>>,
}

const PATH: &str = "/org/repo/resolve/main/folder/tiny.gguf";

impl Hub {
    fn with(content: &'static [u8]) -> Hub {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                // a client that has gone is its own business
                let _ = stream.and_then(|stream| answer(stream, content, &log));
            }
        });
        Hub { address, asked }
    }

    fn pull(&self, cache: &Path, name: &str) -> (u8, String, String) {
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let mut output = Output {
            stdout: &mut stdout,
            stderr: &mut stderr,
            color: false,
            width: 80,
            terminal: false,
        };
        let environment = Environment { cache: cache.to_owned(), hub: Some(self.address.clone()) };
        let code = nasc_cli::run(["nasc", "model", "pull", name], &environment, &mut output);
        (code, String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn answer(mut stream: TcpStream, content: &[u8], log: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let path = line.split_whitespace().nth(1).unwrap_or_default().to_owned();
    let mut range = None;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        let header = header.trim().to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(bytes) = header.strip_prefix("range: bytes=") {
            range = Some(bytes.to_owned());
        }
    }
    log.lock().unwrap().push(format!("{path} {}", range.clone().unwrap_or_default()));
    if path != PATH {
        return stream.write_all(
            b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        );
    }
    let range = range.unwrap_or_else(|| "0-".to_owned());
    let (first, last) = range.split_once('-').unwrap();
    let first: usize = first.parse().unwrap();
    let last = last.parse().unwrap_or(content.len() - 1);
    let body = content.get(first..=last).unwrap_or_default();
    let head = format!(
        "HTTP/1.1 206 Partial Content\r\ncontent-length: {}\r\ncontent-range: bytes {first}-{last}/{}\r\n\
         etag: \"0123abcd\"\r\nx-repo-commit: 4567cdef\r\nconnection: close\r\n\r\n",
        body.len(),
        content.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)
}

#[test]
fn a_model_is_fetched_once_and_listed() {
    let cache = tempfile::tempdir().unwrap();
    let hub = Hub::with(b"GGUF and the rest of a model");
    let (code, told, errors) = hub.pull(cache.path(), "org/repo/folder/tiny.gguf");
    assert_eq!(code, 0, "{errors}");
    let path = Path::new(told.trim());
    assert!(path.starts_with(cache.path().join("models")), "{told}");
    assert_eq!(std::fs::read(path).unwrap(), b"GGUF and the rest of a model");
    assert!(errors.contains("nasc search --model"), "{errors}");
    assert!(hub.asked().iter().all(|asked| asked.starts_with(PATH)), "{:?}", hub.asked());

    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let mut output = Output {
        stdout: &mut stdout,
        stderr: &mut stderr,
        color: false,
        width: 80,
        terminal: false,
    };
    let environment = Environment { cache: cache.path().to_owned(), hub: None };
    assert_eq!(nasc_cli::run(["nasc", "model", "list"], &environment, &mut output), 0);
    let listed = String::from_utf8(stdout).unwrap();
    assert!(listed.contains("tiny.gguf") && listed.contains("28 bytes"), "{listed}");
}

#[test]
fn what_is_not_there_or_no_model_is_an_error_with_a_remedy() {
    let cache = tempfile::tempdir().unwrap();
    let hub = Hub::with(b"<html>sign in first</html>");
    let (code, _, errors) = hub.pull(cache.path(), "org/repo/other.gguf");
    assert_eq!(code, 2);
    assert!(errors.contains("other.gguf") && errors.contains("--model FILE.gguf"), "{errors}");
    let (code, _, errors) = hub.pull(cache.path(), "org/repo/folder/tiny.gguf");
    assert_eq!(code, 2);
    assert!(errors.contains("no GGUF file"), "{errors}");
    let blobs = cache.path().join("models/hub/models--org--repo/blobs");
    let kept = std::fs::read_dir(blobs).unwrap().map(|entry| entry.unwrap().file_name());
    let kept: Vec<_> = kept.filter(|name| !name.to_string_lossy().ends_with(".lock")).collect();
    assert!(kept.is_empty(), "what is no model is not kept: {kept:?}");
    let (code, _, errors) = hub.pull(cache.path(), "tiny.gguf");
    assert_eq!(code, 2);
    assert!(errors.contains("ORG/REPO/FILE.gguf"), "{errors}");
}
