//! The table of NAS-Bench-201 through the command line, with an invented one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "../../search/src/tests/invented_table.rs"]
mod invented_table;

use std::path::Path;

use nasc_cli::{Environment, Output};

fn nasc(folder: &Path, arguments: &[&str]) -> (u8, String, String) {
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let mut output = Output {
        stdout: &mut stdout,
        stderr: &mut stderr,
        color: false,
        width: 80,
        terminal: false,
    };
    let environment = Environment { cache: folder.join("cache"), hub: None };
    let arguments = std::iter::once("nasc").chain(arguments.iter().copied());
    let code = nasc_cli::run(arguments, &environment, &mut output);
    (code, String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

/// A folder whose cache holds the invented table.
fn imported() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let csv = folder.path().join("table.csv");
    std::fs::write(&csv, invented_table::invented_csv()).unwrap();
    let csv = csv.display().to_string();
    let (code, said, errors) = nasc(folder.path(), &["benchmark", "import", "nasbench201", &csv]);
    assert_eq!(code, 0, "{errors}");
    assert!(said.contains("15,625 cells, 1.2 MiB"), "{said}");
    folder
}

const CELL: &str = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|";

#[test]
fn an_imported_table_is_asked_about_a_cell_and_about_a_file() {
    let folder = imported();
    let (code, said, _) = nasc(folder.path(), &["benchmark", "query", CELL]);
    assert_eq!(code, 0);
    let row = |name: &str| said.lines().find(|line| line.trim_start().starts_with(name)).unwrap();
    // 50 + 6 × 5 in the invented table, and less than one of noise.
    assert!(row("validation accuracy").contains("80."), "{said}");
    assert_eq!(row("rank").split_whitespace().collect::<Vec<_>>(), ["rank", "1", "1", "1"]);

    let file = folder.path().join("cell.py");
    let text = "from torch import nn\n\n\nclass Cell(nn.Module):\n    def forward(self, x):\n        return x\n";
    std::fs::write(&file, text).unwrap();
    let file = file.display().to_string();
    let one = ["benchmark", "query", &file, "--dataset", "cifar100"];
    let (code, said, errors) = nasc(folder.path(), &one);
    assert_eq!(code, 0, "{errors}");
    assert!(
        said.starts_with("|none~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|\n"),
        "{said}"
    );
    assert!(!said.contains("imagenet"), "{said}");
}

#[test]
fn a_cell_that_computes_what_another_does_says_which() {
    let folder = imported();
    let twin = "|none~0|+|skip_connect~0|none~1|+|none~0|none~1|skip_connect~2|";
    let (_, said, _) = nasc(folder.path(), &["benchmark", "query", twin]);
    let first = "|none~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|";
    assert!(said.contains(&format!("computes the same as {first}")), "{said}");
}

#[test]
fn a_search_of_the_table_tells_ranks_and_is_resumed_and_shown() {
    let folder = imported();
    let config = folder.path().join("search.toml");
    std::fs::write(&config, "preset = \"nasc\"\ngenerations = 3\noffspring = 80\n").unwrap();
    let config = config.display().to_string();
    let out = folder.path().join("run").display().to_string();
    let search = ["search", "--benchmark", "nasbench201", "--dataset", "cifar100", "--proposer"];
    let more = ["evolution", "--population", "30", "--config", &config, "--out", &out];
    let (code, said, errors) = nasc(folder.path(), &[&search[..], &more].concat());
    assert_eq!(code, 0, "{errors}");
    assert!(errors.contains("on cifar100, fitness by validation accuracy"), "{errors}");
    let lines: Vec<Vec<&str>> =
        said.lines().map(|line| line.split_whitespace().collect()).collect();
    let row = |queries: &str| lines.iter().find(|line| line.first() == Some(&queries)).unwrap();
    assert_eq!(row("queries"), &["queries", "different", "validation", "rank", "test", "rank"]);
    let rank = |queries: &str| row(queries)[4].replace(',', "").parse::<u32>().unwrap();
    assert!(rank("241") <= rank("200"), "{said}");
    assert!(said.contains("chosen cell: |"), "{said}");

    let (code, again, _) = nasc(folder.path(), &["search", "--resume", &out]);
    let (_, shown, _) = nasc(folder.path(), &["show", &out]);
    assert_eq!((code, ranks(&again)), (0, ranks(&said)));
    assert_eq!(ranks(&shown), ranks(&said));
    let other = ["search", "--resume", &out, "--benchmark", "nasbench201", "--dataset", "cifar10"];
    let (code, _, errors) = nasc(folder.path(), &other);
    assert_eq!(code, 2);
    assert!(errors.contains("begun with nasbench201/cifar100"), "{errors}");
}

/// The part of a summary that comes from the table.
fn ranks(summary: &str) -> Vec<&str> {
    summary.lines().skip_while(|line| !line.contains("different  ")).collect()
}

#[test]
fn what_is_missing_or_wrong_is_named_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |arguments: &[&str], words: &str| {
        let (code, _, errors) = nasc(folder.path(), arguments);
        assert_eq!(code, 2, "{errors}");
        assert!(errors.contains(words), "{errors}");
    };
    let search = ["search", "--benchmark", "nasbench201", "--proposer", "random"];
    refused(&search, "nasc benchmark import");
    refused(&["search", "--dataset", "cifar10"], "--benchmark");
    refused(&["benchmark", "query", CELL], "nasc benchmark import nasbench201");
    refused(&["benchmark", "query", "|conv~0|"], "is no cell; it has the form |op~0|");
    refused(
        &["benchmark", "query", CELL, "--dataset", "mnist"],
        "cifar10, cifar100, imagenet16-120",
    );
    let csv = folder.path().join("other.csv");
    std::fs::write(&csv, "arch,accuracy\n").unwrap();
    let csv = csv.display().to_string();
    refused(&["benchmark", "import", "nasbench201", &csv], "its head names no column");
    refused(&["benchmark", "import", "nasbench301", &csv], "`nasbench301` is no benchmark");
}
