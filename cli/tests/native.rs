//! `nasc compile --emit c|exe` and `nasc verify`: the command compares what it compiled with the
//! runtime's evaluation before it writes, so a network whose C is wrong fails here.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use nasc_cli::{Environment, Output};
use nasc_compiler::CompileOptions;
use nasc_compiler::source::SourceFile;
use nasc_runtime::state::Elements;
use nasc_runtime::{checkpoint, init};

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
    let exit = nasc_cli::run(["nasc"].iter().chain(args), &environment, &mut output);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (exit, text(stdout), text(stderr))
}

fn has_compiler() -> bool {
    let found = Command::new("cc").arg("--version").output().is_ok();
    if !found {
        println!("skipped: there is no C compiler `cc` on this machine");
    }
    found
}

/// Writes the program and drawn weights; running statistics are drawn, too.
fn network(folder: &Path, text: &str, input: [u64; 3], entry: Option<&str>) -> PathBuf {
    let file = folder.join("net.py");
    fs::write(&file, text).unwrap();
    let [channels, height, width] = input;
    let mut options = CompileOptions::image(channels, height, width);
    options.entry = entry.map(str::to_owned);
    let source = SourceFile::new("net.py", text);
    let compiled = nasc_compiler::compile(&source, &options).unwrap();
    let mut state = init::initialize(&compiled.graph, 7);
    for (name, tensor) in &mut state.tensors {
        if let Elements::F32(elements) = &mut tensor.elements
            && name.contains("running")
        {
            let drawn = (0..).map(|index: u32| 0.5 + (index * 37 % 16) as f32 / 16.0);
            elements.iter_mut().zip(drawn).for_each(|(element, drawn)| *element = drawn);
        }
    }
    checkpoint::save(&state, &folder.join("weights.safetensors")).unwrap();
    file
}

fn compile(folder: &Path, input: &str, entry: Option<&str>, form: &str) -> (u8, String, String) {
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let (file, weights, out) = (path("net.py"), path("weights.safetensors"), path("out"));
    let mut args =
        vec!["compile", &file, "--weights", &weights, "--emit", form, "-o", &out, "--input", input];
    args.extend(entry.iter().flat_map(|entry| ["--entry", entry]));
    nasc(&args)
}

fn class(init: &[&str], forward: &[&str]) -> String {
    let lines = |lines: &[&str]| -> String {
        lines.iter().map(|line| format!("        {line}\n")).collect()
    };
    format!(
        "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n\n\n\
         class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n{}\n    \
         def forward(self, x):\n{}",
        lines(init),
        lines(forward)
    )
}

/// Networks of 3x8x8 inputs over the operations that the runtime has.
const NETWORKS: &[(&[&str], &[&str])] = &[
    (
        &[
            "self.a = nn.Conv2d(3, 12, 3, padding=(1, 2), stride=2, groups=3)",
            "self.b = nn.BatchNorm2d(12)",
            "self.c = nn.Conv2d(12, 40, 3, padding=2, dilation=2)",
            "self.d = nn.Conv2d(40, 40, 3, padding=1, groups=40)",
        ],
        &["return F.gelu(self.d(F.relu(self.c(F.leaky_relu(self.b(self.a(x)))))))"],
    ),
    (
        &[
            "self.a = nn.Conv2d(3, 5, 3, padding=1, padding_mode='reflect')",
            "self.b = nn.Conv2d(5, 5, 3, padding=2, padding_mode='circular')",
            "self.c = nn.ConvTranspose2d(5, 4, 3, stride=2, padding=1, output_padding=1)",
            "self.p = nn.MaxPool2d(3, 2, 1)",
            "self.q = nn.AdaptiveAvgPool2d((3, 5))",
        ],
        &[
            "x = self.c(self.b(self.a(x)))",
            "return torch.cat([self.p(x).flatten(1), self.q(x).flatten(1)], 1)",
        ],
    ),
    (
        &[
            "self.a = nn.Conv2d(3, 8, 3, padding=1)",
            "self.b = nn.BatchNorm2d(8)",
            "self.c = nn.Conv2d(8, 8, 3, padding=1)",
            "self.d = nn.Conv2d(3, 8, 1)",
            "self.n = nn.GroupNorm(2, 8)",
            "self.f = nn.Linear(8, 10)",
        ],
        &[
            "y = F.relu(self.c(F.silu(self.b(self.a(x)))) + self.d(x))",
            "y = self.n(y) * torch.sigmoid(y.mean((2, 3), keepdim=True))",
            "return self.f(y.mean((2, 3)))",
        ],
    ),
    (
        &[
            "self.q = nn.Linear(24, 72)",
            "self.n = nn.LayerNorm(24)",
            "self.l = nn.LSTM(24, 6, batch_first=True, bidirectional=True)",
            "self.g = nn.GRU(12, 5, batch_first=True)",
        ],
        &[
            "x = x.permute(0, 2, 1, 3).flatten(2)",
            "q, k, v = self.q(self.n(x)).chunk(3, -1)",
            "x = x + F.softmax(q @ k.transpose(1, 2) * 0.2, -1) @ v",
            "return self.g(self.l(x)[0])[0][:, -1]",
        ],
    ),
    (
        &["self.p = nn.PReLU(3)"],
        &[
            "y = F.pad(self.p(x)[:, :, ::2, 1:], (1, 2, 0, 1), value=0.5)",
            "y = torch.roll(torch.flip(y, [3]), 1, 2).repeat(1, 2, 1, 1)",
            "return (y - y.amax(1, keepdim=True)).abs().clamp(min=0.1).log().flatten(1)",
        ],
    ),
];

#[test]
fn the_c_of_many_operations_computes_what_the_runtime_computes() {
    if !has_compiler() {
        return;
    }
    for (init, forward) in NETWORKS {
        let folder = tempfile::tempdir().unwrap();
        network(folder.path(), &class(init, forward), [3, 8, 8], None);
        let (exit, text, remark) = compile(folder.path(), "3x8x8", None, "c");
        assert_eq!(exit, 0, "{init:?}: {remark}");
        assert!(text.contains("compared on 64 drawn inputs"), "{init:?}: {text}{remark}");
        assert!(text.contains("arena: "), "{text}");
    }
}

#[test]
fn the_c_of_the_examples_has_no_warnings_and_verifies() {
    if !has_compiler() {
        return;
    }
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    for (name, entry) in
        [("first_net", None), ("lenet", None), ("resnet20", Some("resnet20()")), ("mixer", None)]
    {
        let folder = tempfile::tempdir().unwrap();
        let text = fs::read_to_string(examples.join(format!("{name}.py"))).unwrap();
        network(folder.path(), &text, [3, 32, 32], entry);
        let (exit, text, remark) = compile(folder.path(), "3x32x32", entry, "c");
        assert_eq!(exit, 0, "{name}: {text}{remark}");
        let strict = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror"];
        let out = folder.path().join("out");
        let mut cc = Command::new("cc");
        cc.current_dir(&out).args(strict).args(["-c", "model.c", "test.c"]);
        assert!(cc.status().unwrap().success(), "{name}");
        let (exit, text, _) = nasc(&["verify", out.to_str().unwrap()]);
        assert_eq!(exit, 0, "{name}: {text}");

        let source = fs::read_to_string(out.join("model.c")).unwrap();
        let wrong = source.trim_end().strip_suffix('}').unwrap().to_owned();
        fs::write(out.join("model.c"), wrong + "    output[0] += 1.0f;\n}\n").unwrap();
        assert_ne!(nasc(&["verify", out.to_str().unwrap()]).0, 0, "{name}");
    }
}

#[test]
fn an_executable_classifies_images_and_explains_what_it_cannot_read() {
    if !has_compiler() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let text = class(
        &["self.c = nn.Conv2d(1, 8, 3)", "self.f = nn.Linear(288, 10)"],
        &["return self.f(F.relu(self.c(x)).flatten(1))"],
    );
    network(folder.path(), &text, [1, 8, 8], None);
    let (exit, text, remark) = compile(folder.path(), "1x8x8", None, "exe");
    assert_eq!(exit, 0, "{remark}");
    assert!(text.contains("images of digits"), "{text}");
    let program = folder.path().join("out");
    assert_eq!(nasc(&["verify", program.to_str().unwrap()]).0, 0);

    let image = folder.path().join("grey.png");
    fs::write(&image, GREY).unwrap();
    let run = |args: &[&str]| Command::new(&program).args(args).output().unwrap();
    let json = run(&["--json", image.to_str().unwrap()]);
    let line: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    let classes = line["classes"].as_array().unwrap();
    let sum: f64 = classes.iter().map(|class| class["probability"].as_f64().unwrap()).sum();
    assert_eq!(classes.len(), 10);
    assert!((sum - 1.0).abs() < 1e-4, "{sum}");
    assert!(run(&[folder.path().to_str().unwrap()]).status.success());

    let program_text = folder.path().join("net.py");
    let refused = run(&[program_text.to_str().unwrap()]);
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("neither PNG nor JPEG"));
}

/// A grey PNG of 1x1 pixels.
const GREY: &[u8] = &[
    0x89, b'P', b'N', b'G', 13, 10, 26, 10, 0, 0, 0, 13, b'I', b'H', b'D', b'R', 0, 0, 0, 1, 0, 0,
    0, 1, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 13, b'I', b'D', b'A', b'T', 0x78, 1, 1, 2, 0, 0xfd,
    0xff, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, b'I', b'E', b'N', b'D', 0, 0, 0, 0,
];

#[test]
fn places_and_weights_that_do_not_fit_are_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let linear = |width: u32| {
        class(&[&format!("self.f = nn.Linear(64, {width})")], &["return self.f(x.flatten(1))"])
    };
    network(folder.path(), &linear(10), [1, 8, 8], None);
    let out = folder.path().join("out");
    fs::write(&out, "a file").unwrap();
    let (exit, _, remark) = compile(folder.path(), "1x8x8", None, "c");
    assert_eq!(exit, 2);
    assert!(remark.contains("it is a file; name a folder"), "{remark}");
    fs::remove_file(&out).unwrap();
    fs::create_dir(&out).unwrap();
    let (exit, _, remark) = compile(folder.path(), "1x8x8", None, "exe");
    assert_eq!(exit, 2);
    assert!(remark.contains("it is a folder; name a file"), "{remark}");
    fs::write(folder.path().join("net.py"), linear(12)).unwrap();
    let (exit, _, remark) = compile(folder.path(), "1x8x8", None, "c");
    assert_eq!(exit, 2);
    assert!(remark.contains("f.weight"), "{remark}");
    assert_eq!(fs::read_dir(&out).unwrap().count(), 0);
}

#[test]
fn an_operation_without_c_is_refused_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let text = class(
        &["self.f = nn.Linear(64, 10)"],
        &["x = x.flatten(1)", "return self.f(x + torch.randn(64))"],
    );
    network(folder.path(), &text, [1, 8, 8], None);
    let (exit, _, remark) = compile(folder.path(), "1x8x8", None, "c");
    assert_eq!(exit, 1, "{remark}");
    assert!(remark.contains("net.py:13") && remark.contains("random numbers"), "{remark}");
    assert!(!folder.path().join("out").exists());
}
