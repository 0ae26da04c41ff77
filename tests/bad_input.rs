//! Input that is wrong in ways that no file beside a filetest can hold: each gets a clear error,
//! the right exit code, and no panic.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::fs;
use std::path::PathBuf;

use nasc_cli::Environment;
use nasc_tests::subtest::{Ran, nasc};
use tempfile::TempDir;

const NET: &str = "import torch.nn as nn\n\n\nclass Net(nn.Module):\n    def __init__(self):\n        \
    super().__init__()\n        self.fc = nn.Linear(64, 10)\n\n    def forward(self, x):\n        \
    return self.fc(x.flatten(1))\n";

/// A folder with one file in it, and commands that run with an empty cache.
struct World {
    folder: TempDir,
}

impl World {
    fn new() -> World {
        World { folder: tempfile::tempdir().unwrap() }
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.folder.path().join(name);
        fs::write(&path, content).unwrap();
        path.display().to_string()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn nasc(&self, args: &[&str]) -> Ran {
        let environment = Environment { cache: self.path("cache"), hub: None };
        nasc(args, &environment)
    }

    fn check(&self, content: impl AsRef<[u8]>) -> Ran {
        let file = self.file("net.py", content);
        self.nasc(&["check", &file])
    }
}

fn refused(ran: &Ran, exit: u8, words: &str) {
    assert_eq!(ran.exit, exit, "{}", ran.stderr);
    assert!(ran.stderr.contains(words), "{}", ran.stderr);
    assert!(ran.stderr.len() < 4_000, "the report has {} bytes", ran.stderr.len());
}

#[test]
fn files_that_are_no_programs_are_refused() {
    let world = World::new();
    refused(&world.check(""), 1, "nasc::eval::no_network");
    refused(&world.check([0x80, 0x02, 0xff]), 2, "is not a text file: byte 0");
    refused(&world.check("x = \0\n"), 1, "nasc::syntax::binary_file");
    refused(&world.check("x = 1\n".repeat(2_000_000)), 1, "nasc::syntax::too_large");
    let folder = world.folder.path().display().to_string();
    refused(&world.nasc(&["check", &folder]), 2, "is a folder");
}

#[test]
fn hostile_programs_end_with_a_report() {
    let world = World::new();
    let nested = format!("x = {}1{}\n", "(".repeat(10_000), ")".repeat(10_000));
    refused(&world.check(nested), 1, "nasc::syntax::nested_too_deep");
    let endless =
        NET.replace("        self.fc", "        while True:\n            pass\n        self.fc");
    refused(&world.check(endless), 1, "nasc::eval::out_of_fuel");
    let growing = NET.replace("return", "while True:\n            x = x + 1\n        return");
    refused(&world.check(growing), 1, "nasc::eval::out_of_memory");
    let recursive = format!("def f(n):\n    return f(n + 1)\n\n\nf(0)\n{NET}");
    refused(&world.check(recursive), 1, "nasc::eval::too_deep");
}

#[test]
fn a_layer_of_a_million_million_parameters_checks_and_is_not_trained() {
    let world = World::new();
    let wide = NET.replace(
        "nn.Linear(64, 10)",
        "nn.Sequential(nn.Linear(64, 10**10), nn.Linear(10**10, 10))",
    );
    let file = world.file("net.py", wide);
    let checked = world.nasc(&["check", &file, "--input", "1x8x8"]);
    assert_eq!(checked.exit, 0, "{}", checked.stderr);
    let out = world.path("weights.safetensors").display().to_string();
    let trained = world.nasc(&["train", &file, "--out", &out]);
    refused(&trained, 1, "nasc::train::out_of_memory");
    assert!(!world.path("weights.safetensors").exists());
}

#[test]
fn data_that_cannot_be_read_are_named() {
    let world = World::new();
    let file = world.file("net.py", NET);
    let missing = world.path("nowhere").display().to_string();
    refused(&world.nasc(&["train", &file, "--data", &missing]), 2, "no data at");
    let truncated = world.path("cifar-10-batches-bin");
    fs::create_dir(&truncated).unwrap();
    for part in 1..=5 {
        fs::write(truncated.join(format!("data_batch_{part}.bin")), [0; 1000]).unwrap();
    }
    fs::write(truncated.join("test_batch.bin"), [0; 1000]).unwrap();
    let ran = world.nasc(&["train", &file, "--data", &truncated.display().to_string()]);
    refused(&ran, 2, "error: ");
}

#[test]
fn a_search_without_a_model_edits_networks_and_says_how_to_get_one() {
    let world = World::new();
    let out = world.path("run").display().to_string();
    let text = "preset = \"quick\"\ngenerations = 2\noffspring = 2\n[random_phase]\noffspring = 2\n\
                max_rounds = 1\n[training]\nepochs = 1\nmax_train_examples = 50\n";
    let config = world.file("search.toml", text);
    let ran = world.nasc(&["search", "--config", &config, "--out", &out]);
    assert_eq!(ran.exit, 0, "{}", ran.stderr);
    for said in ["no language model at", "--proposer mutate", "scripts/fetch-model.sh"] {
        assert!(ran.stderr.contains(said), "{}", ran.stderr);
    }
    let shown = world.nasc(&["show", &out, "--source", "3"]);
    assert!(shown.stdout.contains("class Net(nn.Module)"), "{}", shown.stdout);
}

#[test]
fn a_search_for_which_a_model_is_asked_is_refused_without_one() {
    let world = World::new();
    let out = world.path("run").display().to_string();
    refused(&world.nasc(&["search", "--proposer", "model", "--out", &out]), 2, "fetch-model.sh");
    assert!(!world.path("run").exists(), "nothing is written before the model is there");
}

#[test]
fn a_wrong_name_of_a_hub_model_is_refused_before_the_network() {
    let world = World::new();
    refused(&world.nasc(&["model", "pull", "model.gguf"]), 2, "ORG/REPO/FILE.gguf");
}
