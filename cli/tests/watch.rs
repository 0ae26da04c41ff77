//! The live page over loopback: it answers with the run's data, tells when there is nothing new, and to
//! this machine alone; a search that goes on beside it is seen.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use nasc_cli::watch::Live;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use support::{nasc, searched};

/// Status, head and body of an answer.
fn ask(port: u16, request: &str) -> (u16, String, String) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split_whitespace().nth(1).unwrap().parse().unwrap();
    (status, head.to_owned(), body.to_owned())
}

fn get(port: u16, path: &str, more: &str) -> (u16, String, String) {
    ask(
        port,
        &format!(
            "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n{more}\r\n"
        ),
    )
}

/// Serves a folder while the work goes on.
fn served(directory: &Path, work: impl FnOnce(u16)) {
    let mut live = Live::bind(directory, 0, None).unwrap();
    let (port, done) = (live.port(), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let server = scope.spawn(|| live.serve(|| done.load(Ordering::Relaxed)).unwrap());
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| work(port)));
        done.store(true, Ordering::Relaxed);
        server.join().unwrap();
        if let Err(panic) = result {
            std::panic::resume_unwind(panic);
        }
    });
}

fn tag(head: &str) -> String {
    let line = head.lines().find(|line| line.to_lowercase().starts_with("etag:")).unwrap();
    line.split_once(':').unwrap().1.trim().to_owned()
}

#[test]
fn the_page_and_its_data_are_served_and_only_what_is_new() {
    let folder = tempfile::tempdir().unwrap();
    let run = searched(folder.path(), "run", &[]);
    served(Path::new(&run), |port| {
        let (status, head, body) = get(port, "/", "");
        assert_eq!(status, 200);
        assert!(head.contains("text/html") && head.contains("default-src 'none'"), "{head}");
        assert!(body.contains("\"live\":true") && body.contains("data.json"));
        let (status, head, body) = get(port, "/data.json", "");
        assert_eq!(status, 200, "{body}");
        let known = format!("If-None-Match: {}\r\n", tag(&head));
        assert_eq!(get(port, "/data.json", &known).0, 304);
        assert_eq!(get(port, "/run.sqlite", "").0, 404);
        let post = format!(
            "POST / HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        );
        assert_eq!(ask(port, &post).0, 405);
        let foreign = "GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n";
        assert_eq!(ask(port, foreign).0, 403);
    });
}

#[test]
fn runs_that_come_while_it_is_served_are_seen_and_not_disturbed() {
    let folder = tempfile::tempdir().unwrap();
    let all = folder.path().join("all");
    searched(folder.path(), "all/1", &[]);
    served(&all, |port| {
        let (_, head, before) = get(port, "/data.json", "");
        let second = searched(folder.path(), "all/2", &["--seed", "2"]);
        let known = format!("If-None-Match: {}\r\n", tag(&head));
        let (status, _, after) = get(port, "/data.json", &known);
        assert_eq!(status, 200);
        assert!(before.contains("\"compares\":false") && after.contains("\"compares\":true"));
        let (code, _, errors) = nasc(folder.path(), &["show", &second]);
        assert_eq!(code, 0, "{errors}");
    });
}

#[test]
fn a_folder_without_a_run_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (code, _, errors) = nasc(folder.path(), &["watch", &folder.path().display().to_string()]);
    assert_eq!(code, 2);
    assert!(errors.contains("holds no run"), "{errors}");
}
