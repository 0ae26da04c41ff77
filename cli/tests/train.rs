//! Training through the command line: stopped and resumed, evaluated, asked about pictures.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};

use nasc_cli::{Environment, Output};

const NETWORK: &str = "import torch
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.drop = nn.Dropout(0.1)
        self.fc1 = nn.Linear(256, 10)

    def forward(self, x):
        x = F.relu(self.norm(self.conv1(x)))
        return self.fc1(self.drop(torch.flatten(x, 1)))
";

struct Bench {
    folder: tempfile::TempDir,
    net: String,
}

impl Bench {
    fn new() -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let net = folder.path().join("net.py");
        fs::write(&net, NETWORK).unwrap();
        Bench { net: net.display().to_string(), folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Code and output of a command.
    fn nasc(&self, arguments: &[&str]) -> (u8, String, String) {
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let mut output = Output {
            stdout: &mut stdout,
            stderr: &mut stderr,
            color: false,
            width: 80,
            terminal: false,
        };
        let environment = Environment { cache: self.path("cache"), hub: None };
        let arguments = std::iter::once("nasc").chain(arguments.iter().copied());
        let code = nasc_cli::run(arguments, &environment, &mut output);
        (code, String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
    }

    /// A training of three epochs by the recipe `fast`.
    fn train(&self, out: &Path, more: &[&str]) -> (u8, String, String) {
        let out = out.display().to_string();
        let base = ["train", &self.net, "--recipe", "fast", "--epochs", "3", "--out", &out];
        self.nasc(&[&base, more].concat())
    }
}

#[test]
fn a_stopped_training_is_resumed_to_the_same_weights() {
    let bench = Bench::new();
    let (whole, parts) = (bench.path("whole.safetensors"), bench.path("parts.safetensors"));
    let (code, told, errors) = bench.train(&whole, &["--keep-best"]);
    assert_eq!(code, 0, "{errors}");
    assert!(!bench.path("whole.checkpoint").exists());

    let (code, stopped, errors) = bench.train(&parts, &["--keep-best", "--max-steps", "50"]);
    assert_eq!(code, 0, "{errors}");
    assert!(stopped.contains("stopped after 50 steps"), "{stopped}");
    let (code, _, errors) = bench.train(&parts, &["--resume", "--keep-best", "--lr", "0.5"]);
    assert_eq!(code, 2);
    assert!(errors.contains("other data or options"), "{errors}");
    let (code, resumed, errors) = bench.train(&parts, &["--resume", "--keep-best"]);
    assert_eq!(code, 0, "{errors}");
    assert!(resumed.contains("resumed after 2 epochs and 50 steps"), "{resumed}");
    assert_eq!(fs::read(&whole).unwrap(), fs::read(&parts).unwrap());
    let test = |text: &str| text.lines().find(|line| line.starts_with("test")).unwrap().to_owned();
    assert_eq!(test(&told), test(&resumed));
    let (code, _, errors) = bench.train(&parts, &["--resume", "--keep-best"]);
    assert_eq!(code, 2);
    assert!(errors.contains("there is no") && errors.contains("parts.checkpoint"), "{errors}");
}

#[test]
fn weights_are_evaluated_and_asked_about_pictures() {
    let bench = Bench::new();
    let weights = bench.path("net.safetensors");
    let (code, told, errors) = bench.train(&weights, &[]);
    assert_eq!(code, 0, "{errors}");
    let weights = weights.display().to_string();
    let (code, evaluated, errors) = bench.nasc(&["eval", &bench.net, "--weights", &weights]);
    assert_eq!(code, 0, "{errors}");
    // the file of the weights knows that pixels were scaled by the data
    let figures = evaluated.trim().trim_end_matches(" of 296 images");
    assert!(told.contains(figures), "{evaluated} is not in {told}");
    let split = ["eval", &bench.net, "--weights", &weights, "--split", "validation", "--json"];
    let (_, json, _) = bench.nasc(&split);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((json["images"].as_u64(), json["split"].as_str()), (Some(297), Some("validation")));
    let classes = json["classes"].as_array().unwrap();
    let correct: u64 = classes.iter().map(|class| class["correct"].as_u64().unwrap()).sum();
    assert!((json["accuracy"].as_f64().unwrap() - correct as f64 / 297.0).abs() < 1e-9);

    let picture = bench.path("three.png");
    let digits = nasc_runtime::data::digits().unwrap();
    let three = digits.test().labels().iter().position(|&label| label == 3).unwrap();
    let pixels = digits.test().image(three).unwrap().iter().map(|&pixel| pixel.min(15) * 17);
    let pixels: Vec<u8> = pixels.collect();
    image::save_buffer(&picture, &pixels, 8, 8, image::ColorType::L8).unwrap();
    let picture = picture.display().to_string();
    let ask = ["predict", &bench.net, "--weights", &weights, &picture];
    let (code, answer, errors) = bench.nasc(&ask);
    assert_eq!(code, 0, "{errors}");
    assert!(answer.starts_with(&format!("{picture}: 3 ")), "{answer}");
    let (_, json, _) = bench.nasc(&[&ask[..], &["--json", "--top", "10"]].concat());
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["class"], "3");
    let shares = json["probabilities"].as_array().unwrap().iter();
    let sum: f64 = shares.map(|entry| entry["probability"].as_f64().unwrap()).sum();
    assert!((sum - 1.0).abs() < 1e-6, "{sum}");

    fs::write(&picture, b"no picture").unwrap();
    let (code, _, errors) = bench.nasc(&ask);
    assert_eq!(code, 2);
    assert!(errors.contains("three.png") && errors.contains("cannot be decoded"), "{errors}");
}

#[test]
fn wrong_options_are_refused_before_the_data_are_opened() {
    let bench = Bench::new();
    let out = bench.path("net.safetensors");
    for (options, part) in [
        (&["--lr", "0"][..], "learning_rate"),
        (&["--label-smoothing", "1"], "label_smoothing"),
        (&["--warm-up", "2"], "one-cycle"),
        (&["--schedule", "step", "--step-factor", "0"], "step factor"),
        (&["--clip-norm=-1"], "clip_norm"),
        (&["--max-time", "soon"], "10m"),
        (&["--nesterov", "--momentum", "0"], "nesterov"),
    ] {
        let (code, _, errors) = bench.train(&out, &[options, &["--data", "nowhere"]].concat());
        assert_eq!(code, 2, "{options:?}");
        assert!(errors.contains(part), "{options:?}: {errors}");
    }
}

/// A process of its own, since Ctrl-C goes to a process.
#[cfg(unix)]
#[test]
fn control_c_leaves_a_checkpoint() {
    use std::io::{BufRead as _, BufReader};
    use std::process::{Command, Stdio};

    let bench = Bench::new();
    let out = bench.path("net.safetensors").display().to_string();
    let command = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nasc"));
        let base = ["train", &bench.net, "--epochs", "4000", "--out", &out, "--threads", "1"];
        command.args(base).args(more).stdout(Stdio::piped()).stderr(Stdio::null());
        command.env("NASC_CACHE", bench.path("cache"));
        command
    };
    let mut child = command(&[]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.starts_with("epoch")));
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let rest: Vec<String> = lines.collect();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(rest.iter().any(|line| line.starts_with("stopped after")), "{rest:?}");
    assert!(bench.path("net.checkpoint").is_file() && bench.path("net.safetensors").is_file());
    let resumed = command(&["--resume", "--max-time", "0s"]).output().unwrap();
    let told = String::from_utf8(resumed.stdout).unwrap();
    assert!(resumed.status.success() && told.contains("resumed after"), "{told}");
}
