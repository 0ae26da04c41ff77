//! The binary killed in the middle of a search, at several places, and resumed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
#![cfg(unix)]

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

fn network(channels: usize) -> String {
    format!(
        "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        \
         self.conv1 = nn.Conv2d(1, {channels}, 3, padding=1)\n        \
         self.fc1 = nn.Linear({}, 10)\n\n    def forward(self, x):\n        \
         x = torch.flatten(F.relu(self.conv1(x)), 1)\n        return self.fc1(x)\n",
        channels * 64
    )
}

/// `nasc search` in a folder with a small configuration.
fn search_with(folder: &Path, arguments: &[&str]) -> Command {
    let config = folder.join("search.toml");
    let text = "preset = \"quick\"\ngenerations = 4\noffspring = 3\n\
                [random_phase]\noffspring = 3\nmax_rounds = 1\n\
                [training]\nepochs = 1\nmax_train_examples = 200\n";
    std::fs::write(&config, text).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_nasc"));
    command.arg("search").args(arguments);
    // a run knows the rest itself
    if !arguments.contains(&"--resume") {
        command.arg("--config").arg(config).args(["--seed", "7"]);
    }
    command
}

/// The same with canned answers for the language model.
fn search(folder: &Path, arguments: &[&str]) -> Command {
    let script = folder.join("answers.txt");
    let answers: Vec<String> = (1..6).map(network).collect();
    std::fs::write(&script, answers.join("\n=== completion\n")).unwrap();
    let mut command = search_with(folder, arguments);
    if !arguments.contains(&"--resume") {
        command.arg("--model").arg(format!("scripted:{}", script.display()));
    }
    command
}

/// What a run found, without its times.
fn lasting(summary: &str) -> BTreeSet<String> {
    let timed = [
        "run ",
        "next",
        "  wall",
        "    language",
        "    compile",
        "    training",
        "    test",
        "    other",
        "generation",
        "digits",
    ];
    let lines = summary.lines().filter(|line| !timed.iter().any(|start| line.starts_with(start)));
    lines.map(str::to_owned).collect()
}

fn finished(mut command: Command) -> BTreeSet<String> {
    let done = command.output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    lasting(&String::from_utf8(done.stdout).unwrap())
}

/// Kills the search once it has said that `generations` are over; it is in the next one then.
fn killed_after(generations: usize, mut command: Command) {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let seen = lines.filter(|line| line.starts_with("generation")).take(generations).count();
    assert_eq!(seen, generations);
    child.kill().unwrap();
    assert!(!child.wait().unwrap().success());
}

#[test]
fn a_killed_search_goes_on_and_ends_as_if_it_had_not_been_killed() {
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("whole").display().to_string();
    let expected = finished(search(folder.path(), &["--out", &whole]));
    assert!(expected.iter().any(|line| line.contains("best validation accuracy")));

    let cut = folder.path().join("cut").display().to_string();
    killed_after(1, search(folder.path(), &["--out", &cut]));
    killed_after(1, search(folder.path(), &["--resume", &cut]));
    assert_eq!(finished(search(folder.path(), &["--resume", &cut])), expected);
}

#[test]
fn a_killed_search_without_a_language_model_goes_on_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let evolution = ["--proposer", "evolution", "--population", "4", "--sample", "2", "--out"];
    let begun = |out: &str| search_with(folder.path(), &[&evolution[..], &[out]].concat());
    let whole = folder.path().join("whole").display().to_string();
    let expected = finished(begun(&whole));
    let cut = folder.path().join("cut").display().to_string();
    killed_after(1, begun(&cut));
    killed_after(1, search_with(folder.path(), &["--resume", &cut]));
    assert_eq!(finished(search_with(folder.path(), &["--resume", &cut])), expected);
}

#[test]
fn a_full_disk_stops_a_search_with_the_reason_and_it_can_be_resumed() {
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("whole").display().to_string();
    let expected = finished(search(folder.path(), &["--out", &whole]));
    let out = folder.path().join("full").display().to_string();
    // A limit on the size of a file stands for the full disk; the signal of it is ignored.
    let inner = search(folder.path(), &["--out", &out]);
    let words: Vec<_> = std::iter::once(inner.get_program()).chain(inner.get_args()).collect();
    let mut limited = Command::new("sh");
    limited.args(["-c", "trap '' XFSZ; ulimit -f 200; exec \"$@\"", "sh"]).args(words);
    let stopped = limited.output().unwrap();
    let told = String::from_utf8_lossy(&stopped.stderr).into_owned();
    assert_eq!(stopped.status.code(), Some(2), "{told}");
    assert!(told.contains("disk"), "{told}");
    assert_eq!(finished(search(folder.path(), &["--resume", &out])), expected);
}
