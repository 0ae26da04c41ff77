//! A whole search through the command line, with canned answers for the language model.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::path::Path;

use nasc_cli::{Environment, Output};

fn network(channels: usize) -> String {
    format!(
        "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        \
         self.conv1 = nn.Conv2d(1, {channels}, 3, padding=1)\n        \
         self.fc1 = nn.Linear({}, 10)\n\n    def forward(self, x):\n        \
         x = F.relu(self.conv1(x))\n        x = torch.flatten(x, 1)\n        \
         return self.fc1(x)\n",
        channels * 64
    )
}

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

fn searched(folder: &Path, name: &str) -> (u8, String, String) {
    let script = folder.join("answers.txt");
    let broken = network(6).replace("384, 10", "383, 10");
    let answers = [network(2), network(4), "no network".to_owned(), broken, network(8)];
    std::fs::write(&script, answers.join("\n=== completion\n")).unwrap();
    let model = format!("scripted:{}", script.display());
    let out = folder.join(name).display().to_string();
    nasc(folder, &["search", "--model", &model, "--out", &out, "--seed", "3"])
}

/// The lines of a summary that do not depend on time.
fn lasting(summary: &str) -> Vec<&str> {
    let timed = ["run ", "next", "  wall", "    "];
    summary.lines().filter(|line| !timed.iter().any(|start| line.starts_with(start))).collect()
}

#[test]
fn a_search_ends_with_an_archive_of_trained_networks_and_repeats_itself() {
    let folder = tempfile::tempdir().unwrap();
    let (code, first, errors) = searched(folder.path(), "first");
    assert_eq!(code, 0, "{errors}");
    let row = |name: &str| first.lines().find(|line| line.contains(name)).unwrap().to_owned();
    assert!(row("best validation accuracy").contains('9'), "{first}");
    assert!(row("next:").contains("nasc show"), "{first}");
    let figure = |name: &str| -> u64 {
        let row = row(name);
        row.split_whitespace().find_map(|word| word.parse().ok()).unwrap()
    };
    // the random phase's two rounds of eight are not among the trained
    assert!(figure("trained ") <= 48 && figure("scored untrained") <= 16, "{first}");
    assert_eq!(figure("trained ") + figure("scored untrained"), figure("checked"), "{first}");
    assert!(first.contains("decoding shape") && first.contains("threads"), "{first}");
    let (_, second, _) = searched(folder.path(), "second");
    assert_eq!(lasting(&first), lasting(&second));
}

#[test]
fn a_folder_that_holds_a_run_is_not_searched_into() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(searched(folder.path(), "run").0, 0);
    let (code, _, errors) = searched(folder.path(), "run");
    assert_eq!(code, 2);
    assert!(errors.contains("run"), "{errors}");
}

#[test]
fn a_model_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (code, _, errors) = nasc(folder.path(), &["search", "--proposer", "model"]);
    assert_eq!(code, 2);
    assert!(errors.contains("scripts/fetch-model.sh"), "{errors}");
    let out = folder.path().join("run").display().to_string();
    let both = ["search", "--proposer", "mutate", "--model", "a.gguf", "--out", &out];
    let (code, _, errors) = nasc(folder.path(), &both);
    assert_eq!(code, 2);
    assert!(errors.contains("mutate uses no language model"), "{errors}");
    assert!(!folder.path().join("run").exists());
}

#[test]
fn a_run_is_resumed_without_arguments_and_refuses_those_that_contradict_it() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(searched(folder.path(), "run").0, 0);
    let run = folder.path().join("run").display().to_string();
    let (code, alone, errors) = nasc(folder.path(), &["search", "--resume", &run]);
    assert_eq!(code, 0, "{errors}");
    assert!(alone.contains("best validation accuracy"), "{alone}");
    let model = format!("scripted:{}", folder.path().join("answers.txt").display());
    let other = folder.path().join("other.toml");
    std::fs::write(&other, "[training]\nepochs = 7\n").unwrap();
    let (other, same) = (other.display().to_string(), folder.path().join("same.toml"));
    std::fs::write(&same, "preset = \"quick\"\n").unwrap();
    let same = same.display().to_string();
    let agreeing = ["--seed", "3", "--data", "digits", "--out", &run, "--model", &model];
    let agree: [&[&str]; 3] = [&agreeing, &["--preset", "quick"], &["--config", &same]];
    for arguments in agree {
        let (code, _, errors) =
            nasc(folder.path(), &[&["search", "--resume", &run], arguments].concat());
        assert_eq!(code, 0, "{arguments:?}: {errors}");
    }
    for (arguments, parts) in [
        (["--seed", "4"], ["--seed", "begun with 3"]),
        (["--preset", "paper"], ["--preset", "begun with quick"]),
        (["--decoding", "free"], ["--decoding", "begun with shape"]),
        (["--data", "cifar10"], ["--data", "begun with digits"]),
        (["--gpu-layers", "9"], ["--gpu-layers", "begun with 0"]),
        (["--threads", "77"], ["--threads", "begun with "]),
        (["--out", "elsewhere"], ["--out", &run]),
        (["--config", &other], ["`training.epochs` is 7", "and 6 in the run"]),
    ] {
        let (code, _, errors) =
            nasc(folder.path(), &[&["search", "--resume", &run][..], &arguments].concat());
        assert_eq!(code, 2, "{arguments:?}");
        assert!(parts.iter().all(|part| errors.contains(part)), "{arguments:?}: {errors}");
    }
    let script = format!("scripted:{other}");
    let (code, _, errors) = nasc(folder.path(), &["search", "--resume", &run, "--model", &script]);
    assert_eq!(code, 2);
    assert!(errors.contains("--model") && errors.contains(&model), "{errors}");
}

#[test]
fn a_mistake_in_a_configuration_has_its_file_line_and_column() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.toml");
    let path = file.display().to_string();
    for (text, told) in [
        ("preset = \"paper\"\n[training]\nepoch = 3\n", ":3:1: `training.epoch`: unknown field"),
        ("[training]\n  epochs = 0\n", ":2:3: `training.epochs` = 0"),
        ("offspring = 3\nseed 4\n", ":2:"),
    ] {
        std::fs::write(&file, text).unwrap();
        let (code, _, errors) = nasc(folder.path(), &["search", "--config", &path]);
        assert_eq!(code, 2);
        assert!(errors.contains(&format!("{path}{told}")), "{text}: {errors}");
    }
}

/// The number of the best network, from the summary's `next:` line, and its cell.
fn best(folder: &Path, run: &str) -> (String, String) {
    let (_, summary, _) = nasc(folder, &["show", run, "--top", "1"]);
    let lines: Vec<&str> = summary.lines().collect();
    let head = lines.iter().position(|line| line.trim_start().starts_with("network  ")).unwrap();
    let mut words =
        lines[head + 1..].iter().find(|line| !line.is_empty()).unwrap().split_whitespace();
    (words.next().unwrap().to_owned(), words.next().unwrap().to_owned())
}

#[test]
fn a_candidate_is_shown_with_its_lineage_verdict_and_source() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(searched(folder.path(), "run").0, 0);
    let run = folder.path().join("run").display().to_string();
    let show = |number: &str| nasc(folder.path(), &["show", &run, "--candidate", number]);
    let (best, _) = best(folder.path(), &run);
    let (code, told, errors) = show(&best);
    assert_eq!(code, 0, "{errors}");
    for part in
        ["verdict", "evaluated", "fitness", "test accuracy", "train loss", "ancestor", "source:"]
    {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(told.contains("self.conv1 = nn.Conv2d(1,"), "{told}");
    let all: Vec<String> = (0..64).map(|number| show(&number.to_string()).1).collect();
    let broken = all.iter().find(|told| told.contains("compile: ")).unwrap();
    assert!(broken.contains("line 15: ") && broken.contains("[nasc::shape::"), "{broken}");
    assert!(all.iter().any(|told| told.contains("no_code: the completion holds no network")));
    assert!(all[0].contains("evaluated, not trained") && !all[0].contains("ancestor"));
    let (code, _, errors) = show("9999");
    assert_eq!(code, 2);
    assert!(errors.contains("no candidate 9999"), "{errors}");
}

#[test]
fn weights_that_are_damaged_or_missing_are_told_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(searched(folder.path(), "run").0, 0);
    let run = folder.path().join("run").display().to_string();
    let (best, cell) = best(folder.path(), &run);
    let file = format!("{run}/weights/{:06}.safetensors", best.parse::<u64>().unwrap());
    let remedy =
        format!("nasc show {run} --source {best} > net.py && nasc train net.py --data digits");
    let out = folder.path().join("net.onnx").display().to_string();
    let elite = format!("{run}/{cell}");
    let damages: [(&str, &dyn Fn()); 2] = [
        ("are damaged", &|| std::fs::write(&file, b"no weights").unwrap()),
        ("are missing", &|| std::fs::remove_file(&file).unwrap()),
    ];
    for (told, damage) in damages {
        damage();
        let (code, _, errors) = nasc(folder.path(), &["show", &run]);
        assert_eq!(code, 0, "{errors}");
        assert!(errors.contains(told) && errors.contains(&remedy), "{errors}");
        let (code, _, errors) = nasc(folder.path(), &["compile", &elite, "-o", &out]);
        assert_eq!(code, 2);
        assert!(errors.contains(told) && errors.contains(&remedy), "{errors}");
        let all = folder.path().join(told).display().to_string();
        let (code, _, errors) = nasc(folder.path(), &["compile", &run, "--all", "-o", &all]);
        assert_eq!(code, 1);
        assert!(errors.contains(told) && errors.contains(&remedy), "{errors}");
        let index = std::fs::read_to_string(format!("{all}/index.json")).unwrap();
        assert!(index.contains("\"file\": \"cell-"), "the others are written: {index}");
    }
}

#[test]
fn damaged_weights_do_not_keep_a_search_from_its_end() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(searched(folder.path(), "run").0, 0);
    let run = folder.path().join("run").display().to_string();
    let (best, _) = best(folder.path(), &run);
    let file = format!("{run}/weights/{:06}.safetensors", best.parse::<u64>().unwrap());
    std::fs::write(&file, b"no weights").unwrap();
    // as if it had been cut off before the tests
    let database = rusqlite::Connection::open(format!("{run}/run.sqlite")).unwrap();
    database.execute("UPDATE candidates SET test_accuracy = NULL", []).unwrap();
    drop(database);
    let (code, told, errors) = nasc(folder.path(), &["search", "--resume", &run]);
    assert_eq!(code, 0, "{errors}");
    assert!(told.contains(&format!("network {best} is not tested")), "{told}");
    assert!(errors.contains("are damaged"), "{errors}");
}
