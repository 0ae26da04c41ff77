//! `nasc check --fix` on files: what is written, and what is left alone.
#![allow(clippy::unwrap_used)]

use std::fs;

use nasc_cli::{Environment, Output};

const BROKEN: &str = "import torch.nn as nn\r\n\r\n\r\nclass Net(nn.Module):  # Größe\r\n    def __init__(self):\r\n        super().__init__()\r\n        self.fc = nn.Linear(60,   10)\t# odd\r\n\r\n    def forward(self, x):\r\n        return self.fc(x.flatten(1))";

fn nasc(args: &[&str]) -> (u8, String, String) {
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let mut output = Output {
        stdout: &mut stdout,
        stderr: &mut stderr,
        color: false,
        width: 80,
        terminal: false,
    };
    let environment = Environment { cache: "no-cache".into(), hub: None };
    let exit = nasc_cli::run(["nasc", "check"].iter().chain(args), &environment, &mut output);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (exit, text(stdout), text(stderr))
}

#[test]
fn a_fix_changes_nothing_but_the_mistake() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.py");
    fs::write(&path, BROKEN).unwrap();
    let file = path.to_str().unwrap();

    let (exit, diff, _) = nasc(&[file, "--input", "1x8x8", "--fix", "--diff"]);
    assert_eq!(exit, 1);
    assert!(diff.contains("-        self.fc = nn.Linear(60,   10)\t# odd\r\n"), "{diff}");
    assert_eq!(fs::read_to_string(&path).unwrap(), BROKEN);

    let (exit, table, remark) = nasc(&[file, "--input", "1x8x8", "--fix"]);
    assert_eq!(exit, 0, "{remark}");
    assert!(remark.contains("mended by one edit"), "{remark}");
    assert!(table.contains("[N, 10]"), "{table}");
    assert_eq!(fs::read_to_string(&path).unwrap(), BROKEN.replace("60", "64"));

    assert_eq!(nasc(&[file, "--input", "1x8x8", "--fix", "--diff"]).0, 0);
}

#[test]
fn the_number_of_classes_is_a_mistake_that_can_be_mended() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.py");
    fs::write(&path, BROKEN).unwrap();
    let file = path.to_str().unwrap();
    assert_eq!(nasc(&[file, "--input", "1x8x8", "--classes", "7", "--fix"]).0, 0);
    let expected = BROKEN.replace("60,   10", "64,   7");
    assert_eq!(fs::read_to_string(&path).unwrap(), expected);
}

#[test]
fn a_file_that_no_edit_mends_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.py");
    let text = BROKEN.replace("x.flatten(1)", "x + unknown_thing(3)");
    fs::write(&path, &text).unwrap();
    let (exit, _, report) = nasc(&[path.to_str().unwrap(), "--fix"]);
    assert_eq!(exit, 1);
    assert!(report.contains("unknown_name"), "{report}");
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
}
