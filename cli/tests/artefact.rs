//! `nasc compile`: networks without weights, weights that do not fit, full disks.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

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

/// The path of a file in a folder as an argument.
fn place(folder: &Path, name: &str) -> String {
    folder.join(name).display().to_string()
}

/// A network of 1x8x8 images whose `forward` returns this.
fn written(folder: &Path, layer: &str, result: &str) -> String {
    let net = place(folder, "net.py");
    let text = format!(
        "import torch\nimport torch.nn as nn\n\nclass Net(nn.Module):\n    def __init__(self):\n        \
         super().__init__()\n        self.layer = {layer}\n\n    def forward(self, x):\n        \
         return {result}\n"
    );
    std::fs::write(&net, text).unwrap();
    net
}

/// Drawn weights of the network in `net.py`.
fn weights(folder: &Path) -> String {
    use nasc_compiler::source::SourceFile;
    use nasc_compiler::{CompileOptions, compile};
    let text = std::fs::read_to_string(folder.join("net.py")).unwrap();
    let options = CompileOptions::image(1, 8, 8);
    let graph = compile(&SourceFile::new("net.py", text), &options).unwrap().graph;
    let path = folder.join("weights.safetensors");
    nasc_runtime::checkpoint::save(&nasc_runtime::init::initialize(&graph, 1), &path).unwrap();
    path.display().to_string()
}

const FORMS: [&str; 5] = ["onnx", "json", "pytorch", "rust", "c"];

#[test]
fn a_network_whose_tensors_no_state_dict_holds_needs_no_weights() {
    let folder = tempfile::tempdir().unwrap();
    let net = written(
        folder.path(),
        "nn.Softmax(1)\n        self.register_buffer('scale', torch.ones(10), persistent=False)",
        "self.layer(x.flatten(1)[:, :10] * self.scale)",
    );
    for form in FORMS {
        let out = place(folder.path(), form);
        let (code, said, errors) =
            nasc(folder.path(), &["compile", &net, "--input", "1x8x8", "--emit", form, "-o", &out]);
        assert!(code == 0 && Path::new(&out).exists(), "{form}: {said}{errors}");
    }
}

#[test]
fn weights_that_do_not_fit_are_listed_with_their_shapes() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path(), "nn.Linear(64, 10)", "self.layer(x.flatten(1))");
    let weights = weights(folder.path());
    let net = written(folder.path(), "nn.Linear(64, 12)", "self.layer(x.flatten(1))");
    let out = place(folder.path(), "net.onnx");
    let common = ["compile", &net, "--input", "1x8x8", "--weights", &weights, "-o", &out];
    let (code, _, errors) = nasc(folder.path(), &common);
    assert_eq!(code, 2, "{errors}");
    let shapes = "layer.weight (f32[10, 64] in the weights, f32[12, 64] in the network)";
    assert!(errors.contains(shapes) && !Path::new(&out).exists(), "{errors}");
}

#[cfg(unix)]
#[test]
fn a_full_disk_leaves_nothing_half_written() {
    let folder = tempfile::tempdir().unwrap();
    let net = written(folder.path(), "nn.Linear(64, 200)", "self.layer(x.flatten(1))[:, :10]");
    let weights = weights(folder.path());
    let (place_of_results, temporary) = (folder.path().join("results"), folder.path().join("tmp"));
    std::fs::create_dir_all(&temporary).unwrap();
    for form in FORMS.into_iter().filter(|form| *form != "json") {
        std::fs::create_dir_all(&place_of_results).unwrap();
        let out = place(&place_of_results, form);
        // A limit on the size of a file stands for the full disk; the signal of it is ignored.
        let limited = std::process::Command::new("sh")
            .args(["-c", "trap '' XFSZ; ulimit -f 16; exec \"$@\"", "sh"])
            .arg(env!("CARGO_BIN_EXE_nasc"))
            .args(["compile", &net, "--input", "1x8x8", "--weights", &weights])
            .args(["--emit", form, "-o", &out])
            .env("TMPDIR", &temporary)
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&limited.stderr).into_owned();
        assert_eq!(limited.status.code(), Some(2), "{form}: {told}");
        assert!(told.contains("cannot write"), "{form}: {told}");
        for rest in [&place_of_results, &temporary] {
            let left: Vec<_> = std::fs::read_dir(rest).unwrap().map(Result::unwrap).collect();
            assert!(left.is_empty(), "{form}: {left:?}");
        }
    }
}
