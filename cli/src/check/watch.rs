//! `nasc check --watch`: checks again whenever a file that was read has changed, until Ctrl-C.
//! Files are looked at, not subscribed to: that works on every disk, and an editor that replaces a
//! file is seen as well.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use super::{CheckArgs, Round};
use crate::cli::print_error;
use crate::error::{CliError, Exit};
use crate::interrupt;
use crate::output::Output;

/// Time between two looks at the files.
const PAUSE: Duration = Duration::from_millis(150);

/// What a file was like when it was looked at; `None` if it was not there.
type Stamp = Option<(SystemTime, u64)>;

/// The files of a round as they were before it.
#[derive(Debug, PartialEq, Eq)]
struct Snapshot(BTreeMap<PathBuf, Stamp>);

impl Snapshot {
    fn of(files: impl IntoIterator<Item = PathBuf>) -> Snapshot {
        Snapshot(files.into_iter().map(|path| (path.clone(), stamp(&path))).collect())
    }

    fn is_current(&self) -> bool {
        self.0.iter().all(|(path, was)| stamp(path) == *was)
    }
}

fn stamp(path: &PathBuf) -> Stamp {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

/// Checks until Ctrl-C; the exit code is that of the last round.
pub(super) fn run(args: &CheckArgs, output: &mut Output<'_>) -> Result<Exit, CliError> {
    let interrupt = interrupt::watch();
    until(args, output, &mut || {
        std::thread::sleep(PAUSE);
        interrupt.flow()
    })
}

/// Checks, and again after each pause in which a file changed, until a pause breaks.
fn until(
    args: &CheckArgs,
    output: &mut Output<'_>,
    pause: &mut dyn FnMut() -> ControlFlow<()>,
) -> Result<Exit, CliError> {
    let mut files = args.files.clone();
    loop {
        clear(output)?;
        // taken before the files are read: what is written meanwhile is seen as a change
        let mut before = Snapshot::of(files.clone());
        let exit = match super::round(args, output) {
            Ok(Round { exit, read }) => {
                files = args.files.iter().cloned().chain(read).collect();
                for path in &files {
                    before.0.entry(path.clone()).or_insert_with(|| stamp(path));
                }
                exit
            }
            Err(error) if error.is_broken_pipe() => return Err(error),
            Err(error) => {
                print_error(&error, output);
                Exit::Machine
            }
        };
        output.remark(format!("watching {}; Ctrl-C ends", counted(before.0.len())))?;
        while before.is_current() {
            if pause().is_break() {
                return Ok(exit);
            }
        }
    }
}

/// `3 files`
fn counted(files: usize) -> String {
    if files == 1 { "one file".to_owned() } else { format!("{files} files") }
}

/// An empty screen, where there is one.
fn clear(output: &mut Output<'_>) -> Result<(), CliError> {
    if output.terminal {
        write!(output.stderr, "\x1b[2J\x1b[H")?;
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        check: CheckArgs,
    }

    const RIGHT: &str = "import torch.nn as nn\nfrom width import WIDTH\n\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.fc = nn.Linear(64, WIDTH)\n\n    def forward(self, x):\n        return self.fc(x)\n";

    /// What `--watch` prints while `edits` happen one after the other.
    fn watched(folder: &std::path::Path, edits: &[(&str, Option<&str>)]) -> (Exit, String) {
        let file = folder.join("net.py");
        let line = ["check", file.to_str().unwrap(), "--input", "64", "--watch"];
        let args = Line::try_parse_from(line).unwrap().check;
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let mut output = Output {
            stdout: &mut stdout,
            stderr: &mut stderr,
            color: false,
            width: 100,
            terminal: false,
        };
        let mut edits = edits.iter();
        let exit = until(&args, &mut output, &mut || {
            let Some((name, text)) = edits.next() else { return ControlFlow::Break(()) };
            match text {
                Some(text) => std::fs::write(folder.join(name), text).unwrap(),
                None => std::fs::remove_file(folder.join(name)).unwrap(),
            }
            ControlFlow::Continue(())
        });
        let printed =
            format!("{}{}", String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap());
        (exit.unwrap(), printed)
    }

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("net.py"), RIGHT).unwrap();
        std::fs::write(folder.path().join("width.py"), "WIDTH = 10\n").unwrap();
        folder
    }

    #[test]
    fn a_change_of_the_file_or_of_what_it_imports_is_checked_again() {
        let folder = folder();
        let broken = RIGHT.replace("64", "6400");
        let edits = [("width.py", Some("WIDTH = 1000\n")), ("net.py", Some(broken.as_str()))];
        let (exit, printed) = watched(folder.path(), &edits);
        assert!(printed.contains("650") && printed.contains("65,000"), "{printed}");
        assert!(printed.contains("nasc::shape::"), "{printed}");
        assert_eq!(printed.matches("watching 2 files").count(), 3, "{printed}");
        assert_eq!(exit, Exit::Program);
    }

    #[test]
    fn a_file_that_goes_and_comes_back_does_not_end_the_watch() {
        let folder = folder();
        let (exit, printed) = watched(folder.path(), &[("net.py", None), ("net.py", Some(RIGHT))]);
        assert!(printed.contains("error: "), "{printed}");
        assert_eq!(printed.matches("watching").count(), 3, "{printed}");
        assert_eq!(exit, Exit::Success);
    }

    #[test]
    fn nothing_is_checked_again_while_nothing_changes() {
        let (_, printed) = watched(folder().path(), &[]);
        assert_eq!(printed.matches("watching").count(), 1, "{printed}");
    }
}
