//! `nasc compile`: forms of a model, networks of a run, and what is refused.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::path::Path;

use nasc_cli::{Environment, Output};
use serde_json::Value;

const NETWORK: &str = "import torch.nn as nn\n\nclass Net(nn.Module):\n    def __init__(self):\n        \
     super().__init__()\n        self.conv = nn.Conv2d(1, 4, 3)\n        \
     self.norm = nn.BatchNorm2d(4)\n        self.fc = nn.Linear(4 * 36, 10)\n    \
     def forward(self, x):\n        \
     return self.fc(self.norm(self.conv(x)).relu().flatten(1))\n";

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

/// A folder with `net.py` and the weights of a fresh network.
fn prepared() -> (tempfile::TempDir, String, String) {
    use nasc_compiler::source::SourceFile;
    use nasc_compiler::{CompileOptions, compile};
    let folder = tempfile::tempdir().unwrap();
    let net = folder.path().join("net.py");
    std::fs::write(&net, NETWORK).unwrap();
    let source = SourceFile::new("net.py", NETWORK);
    let graph = compile(&source, &CompileOptions::image(1, 8, 8)).unwrap().graph;
    let weights = folder.path().join("weights.safetensors");
    let state = nasc_runtime::init::initialize(&graph, 1);
    nasc_runtime::checkpoint::save(&state, &weights).unwrap();
    (folder, net.display().to_string(), weights.display().to_string())
}

/// Whether bytes hold a text, as the strings of an ONNX file do.
fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn onnx_folds_batch_norms_and_says_where_it_comes_from() {
    let (folder, net, weights) = prepared();
    let out = folder.path().join("net.onnx").display().to_string();
    let common = ["compile", &net, "--weights", &weights, "--input", "1x8x8", "-o", &out];
    let (code, said, errors) = nasc(folder.path(), &[&common[..], &["--data", "digits"]].concat());
    assert_eq!(code, 0, "{errors}");
    assert!(said.contains("opset 17"), "{said}");
    let bytes = std::fs::read(&out).unwrap();
    assert!(holds(&bytes, "nasc.labels") && holds(&bytes, "0,1,2,3,4,5,6,7,8,9"));
    assert!(holds(&bytes, "nasc.source_sha256") && !holds(&bytes, "BatchNormalization"));
    let options = ["--no-fold", "--with-preprocessing", "--opset", "21"];
    let (code, said, errors) = nasc(folder.path(), &[&common[..], &options[..]].concat());
    assert_eq!(code, 0, "{errors}");
    assert!(said.contains("opset 21"), "{said}");
    let bytes = std::fs::read(&out).unwrap();
    assert!(holds(&bytes, "BatchNormalization") && holds(&bytes, "Transpose"));
}

#[test]
fn the_graph_as_json_names_operations_parameters_and_values() {
    let (folder, net, weights) = prepared();
    let out = folder.path().join("net.json").display().to_string();
    let (code, _, errors) = nasc(
        folder.path(),
        &["compile", &net, "--weights", &weights, "--input", "1x8x8", "--emit", "json", "-o", &out],
    );
    assert_eq!(code, 0, "{errors}");
    let graph: Value = serde_json::from_slice(&std::fs::read(&out).unwrap()).unwrap();
    assert_eq!(
        (graph["format"].as_str(), graph["version"].as_u64()),
        (Some("nasc-graph"), Some(1))
    );
    let names: Vec<&str> = graph["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| node["op"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["conv2d", "batch_norm", "relu", "reshape", "linear"]);
    let conv = &graph["nodes"][0];
    assert_eq!(conv["attributes"]["kernel_size"], serde_json::json!([3, 3]));
    assert_eq!(conv["attributes"]["output_padding"], Value::Null);
    assert_eq!(conv["outputs"][0]["shape"], serde_json::json!(["N", 4, 6, 6]));
    let params = graph["params"].as_array().unwrap();
    let weight = params.iter().find(|param| param["name"] == "conv.weight").unwrap();
    assert_eq!(conv["inputs"][1], weight["value"]);
    assert_eq!(graph["outputs"][0], graph["nodes"][4]["outputs"][0]["value"]);
}

#[test]
fn the_files_for_pytorch_are_the_text_and_the_weights() {
    let (folder, net, weights) = prepared();
    let out = folder.path().join("torch");
    let (code, _, errors) = nasc(
        folder.path(),
        &[
            "compile",
            &net,
            "--weights",
            &weights,
            "--input",
            "1x8x8",
            "--emit",
            "pytorch",
            "-o",
            &out.display().to_string(),
        ],
    );
    assert_eq!(code, 0, "{errors}");
    assert_eq!(std::fs::read_to_string(out.join("net.py")).unwrap(), NETWORK);
    let names = nasc_runtime::checkpoint::load(&out.join("weights.safetensors")).unwrap();
    assert!(names.tensors.contains_key("norm.num_batches_tracked"));
}

#[test]
fn the_crate_in_rust_passes_its_own_test() {
    let (folder, _, _) = prepared();
    let net = folder.path().join("net.py");
    let text = "import torch\nimport torch.nn as nn\n\nclass Net(nn.Module):\n    \
        def __init__(self):\n        super().__init__()\n        \
        self.conv = nn.Conv2d(1, 4, 3, stride=2, padding=1)\n        \
        self.norm = nn.BatchNorm2d(4)\n        self.wide = nn.Conv2d(4, 4, 3, padding=1, groups=2)\n        \
        self.scale = nn.LayerNorm(4)\n        self.fc = nn.Linear(16, 10)\n    \
        def forward(self, x):\n        x = self.norm(self.conv(x)).relu()\n        \
        y = nn.functional.gelu(self.wide(x)) + torch.sigmoid(x)\n        \
        x = torch.cat([x, y], 1)[:, 2:6]\n        \
        x = self.scale(nn.functional.max_pool2d(x, 2).permute(0, 2, 3, 1))\n        \
        a, b = x.flatten(1).split(8, 1)\n        x = torch.cat([a.softmax(1), b * x.mean((1, 2, 3)).unsqueeze(1)], 1)\n        \
        return self.fc(x)\n";
    std::fs::write(&net, text).unwrap();
    use nasc_compiler::source::SourceFile;
    use nasc_compiler::{CompileOptions, compile};
    let graph =
        compile(&SourceFile::new("net.py", text), &CompileOptions::image(1, 8, 8)).unwrap().graph;
    let weights = folder.path().join("weights.safetensors");
    let state = nasc_runtime::init::initialize(&graph, 1);
    nasc_runtime::checkpoint::save(&state, &weights).unwrap();
    let out = folder.path().join("crate");
    let (code, said, errors) = nasc(
        folder.path(),
        &[
            "compile",
            &net.display().to_string(),
            "--weights",
            &weights.display().to_string(),
            "--input",
            "1x8x8",
            "--emit",
            "rust",
            "-o",
            &out.display().to_string(),
        ],
    );
    assert_eq!(code, 0, "{errors}");
    assert!(said.contains("crate nasc_net"), "{said}");
    let done = std::process::Command::new(env!("CARGO"))
        .args(["test", "--offline", "--quiet"])
        .env("CARGO_TARGET_DIR", folder.path().join("target"))
        .current_dir(&out)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(done.status.success(), "{told}{}", String::from_utf8_lossy(&done.stderr));
    assert!(told.contains("1 passed"), "{told}");
}

/// Changes the bytes of a float tensor in a file.
fn damage(path: &Path, weights: &str, name: &str) {
    let state = nasc_runtime::checkpoint::load(Path::new(weights)).unwrap();
    let start: Vec<u8> =
        state.floats(name).unwrap().iter().take(4).flat_map(|x| x.to_le_bytes()).collect();
    let mut bytes = std::fs::read(path).unwrap();
    let place = bytes.windows(start.len()).position(|window| window == start).unwrap();
    bytes[place..place + 4].copy_from_slice(&9.0_f32.to_le_bytes());
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn an_onnx_file_proves_itself_and_a_damaged_one_does_not() {
    let (folder, net, weights) = prepared();
    let path = folder.path().join("net.onnx");
    let out = path.display().to_string();
    for more in [&[][..], &["--with-preprocessing", "--data", "digits"], &["--data", "digits"]] {
        let common = ["compile", &net, "--weights", &weights, "--input", "1x8x8", "-o", &out];
        let (code, said, errors) = nasc(folder.path(), &[&common[..], more].concat());
        assert_eq!(code, 0, "{more:?}: {errors}");
        assert!(said.contains("compared on ") && said.contains("same class 100.0 %"), "{said}");
        let (code, said, errors) = nasc(folder.path(), &["verify", &out]);
        assert_eq!(code, 0, "{more:?}: {said}{errors}");
        assert!(said.contains("8 test vectors"), "{said}");
        let images = said.contains("1,000 images of digits: same class 100.0 %");
        assert!(images || more.len() == 1, "{more:?}: {said}");
    }
    damage(&path, &weights, "fc.weight");
    let (code, said, errors) = nasc(folder.path(), &["verify", &out]);
    assert!(code == 1 && errors.contains("not those"), "{said}{errors}");
    std::fs::write(&path, "no model").unwrap();
    assert_eq!(nasc(folder.path(), &["verify", &out]).0, 2);
}

#[test]
fn a_graph_as_json_proves_itself_with_its_weights() {
    let (folder, net, weights) = prepared();
    let path = folder.path().join("net.json");
    let out = path.display().to_string();
    let (code, said, errors) = nasc(
        folder.path(),
        &["compile", &net, "--weights", &weights, "--input", "1x8x8", "--emit", "json", "-o", &out],
    );
    assert!(code == 0 && said.contains("compared on 1,000 images of digits"), "{said}{errors}");
    let (code, _, errors) = nasc(folder.path(), &["verify", &out]);
    assert!(code == 2 && errors.contains("--weights"), "{errors}");
    let (code, said, errors) = nasc(folder.path(), &["verify", &out, "--weights", &weights]);
    assert!(code == 0 && said.contains("8 test vectors"), "{said}{errors}");
    let text = std::fs::read_to_string(&path).unwrap();
    let wrong = text.replace(r#""op":"relu""#, r#""op":"silu""#);
    assert_ne!(text, wrong);
    std::fs::write(&path, wrong).unwrap();
    let (code, said, _) = nasc(folder.path(), &["verify", &out, "--weights", &weights]);
    assert_eq!(code, 1, "{said}");
}

#[test]
fn folders_prove_themselves_and_damaged_ones_do_not() {
    let (folder, net, weights) = prepared();
    for (form, file) in [("pytorch", "weights.safetensors"), ("rust", "src/weights.bin")] {
        let out = folder.path().join(form);
        let path = out.display().to_string();
        let common = ["compile", &net, "--weights", &weights, "--input", "1x8x8", "-o", &path];
        let (code, said, errors) = nasc(folder.path(), &[&common[..], &["--emit", form]].concat());
        assert!(code == 0 && said.contains("compared on 1,000 images of digits"), "{said}{errors}");
        let (code, said, errors) = nasc(folder.path(), &["verify", &path]);
        assert_eq!(code, 0, "{said}{errors}");
        assert!(said.contains("1,000 test vectors"), "{said}");
        damage(&out.join(file), &weights, "fc.weight");
        let (code, said, errors) = nasc(folder.path(), &["verify", &path]);
        assert!(code == 1 && errors.contains("not those"), "{said}{errors}");
    }
    let empty = folder.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    let (code, _, errors) = nasc(folder.path(), &["verify", &empty.display().to_string()]);
    assert!(code == 2 && errors.contains("holds no model.c"), "{errors}");
}

#[test]
fn what_does_not_fit_is_refused_and_nothing_is_written() {
    let (folder, net, weights) = prepared();
    let out = folder.path().join("net.onnx").display().to_string();
    let try_with = |more: &[&str]| {
        let (code, _, errors) =
            nasc(folder.path(), &[&["compile", &net, "--input", "1x8x8"], more].concat());
        (code, errors)
    };
    let (code, errors) = try_with(&["-o", &out]);
    assert!(code == 2 && errors.contains("needs weights"), "{errors}");
    let (code, errors) = try_with(&["--weights", &weights, "-o", &out, "--fit-ram", "1M"]);
    assert!(code == 2 && errors.contains("holds no run"), "{errors}");
    let (code, errors) = try_with(&["--weights", &net, "-o", &out]);
    assert_eq!(code, 2, "{errors}");
    let (code, errors) = try_with(&["--weights", &weights, "-o", &out, "--opset", "12"]);
    assert!(code != 0 && errors.contains("13 to 21"), "{errors}");
    assert!(!Path::new(&out).exists());
    let (code, errors) =
        try_with(&["--weights", &weights, "-o", &folder.path().display().to_string()]);
    assert!(code == 2 && errors.contains("is a folder"), "{errors}");
    let (code, errors) =
        try_with(&["--weights", &weights, "-o", &out, "--with-preprocessing", "--mean", "0.1,0.2"]);
    assert!(code != 0 && errors.contains("2 means"), "{errors}");
}

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

/// A small search with canned answers.
fn searched(folder: &Path) -> String {
    let script = folder.join("answers.txt");
    std::fs::write(&script, [network(2), network(8)].join("\n=== completion\n")).unwrap();
    let model = format!("scripted:{}", script.display());
    let run = folder.join("run").display().to_string();
    let (code, _, errors) =
        nasc(folder, &["search", "--model", &model, "--out", &run, "--seed", "3"]);
    assert_eq!(code, 0, "{errors}");
    run
}

#[test]
fn networks_of_a_run_are_exported_one_by_one_or_all_with_an_index() {
    let folder = tempfile::tempdir().unwrap();
    let run = searched(folder.path());
    let out = folder.path().join("archive");
    let all = ["compile", &run, "--all", "--emit", "onnx", "-o", &out.display().to_string()];
    let (code, said, errors) = nasc(folder.path(), &all);
    assert_eq!(code, 0, "{errors}");
    let index: Value =
        serde_json::from_slice(&std::fs::read(out.join("index.json")).unwrap()).unwrap();
    // elites that were never trained have no weights, which is said
    let (without, networks): (Vec<&Value>, Vec<&Value>) =
        index["networks"].as_array().unwrap().iter().partition(|entry| entry["file"].is_null());
    for entry in without {
        let remark = format!("cell {}: the search kept no weights", entry["cell"]);
        assert!(errors.contains(&remark), "{errors}");
    }
    assert!(
        !networks.is_empty() && said.contains(&format!("{} networks", networks.len())),
        "{said}"
    );
    for entry in &networks {
        let file = std::fs::read(out.join(entry["file"].as_str().unwrap())).unwrap();
        assert_eq!(entry["bytes"].as_u64(), Some(file.len() as u64));
        assert!(holds(&file, "nasc.parents") && holds(&file, "nasc.labels"));
        assert!(entry["accuracy"].as_f64().unwrap() > 0.0 && entry["macs"].as_u64().unwrap() > 0);
        assert!(
            entry["params"].as_u64() > Some(0) && entry["peak_activation_bytes"].as_u64() > Some(0)
        );
    }
    let cell = format!("{run}/{}", networks[0]["cell"]);
    let one = folder.path().join("one");
    let (code, _, errors) = nasc(
        folder.path(),
        &["compile", &cell, "--emit", "pytorch", "-o", &one.display().to_string()],
    );
    assert_eq!(code, 0, "{errors}");
    assert!(std::fs::read_to_string(one.join("net.py")).unwrap().starts_with("import torch\n"));

    let (code, _, errors) =
        nasc(folder.path(), &["compile", &format!("{run}/99999"), "-o", "x.onnx"]);
    assert!(
        code == 2 && errors.contains("no network in cell 99999; its archive holds"),
        "{errors}"
    );
    let (code, _, errors) = nasc(folder.path(), &["compile", &run, "-o", "x.onnx"]);
    assert!(code == 2 && errors.contains("--all"), "{errors}");
}

#[test]
fn a_network_without_parameters_needs_no_weights() {
    let folder = tempfile::tempdir().unwrap();
    let net = folder.path().join("net.py");
    let text = "import torch.nn as nn\n\nclass Net(nn.Module):\n    def forward(self, x):\n        \
                return x.flatten(1).relu()\n";
    std::fs::write(&net, text).unwrap();
    let out = folder.path().join("net.onnx").display().to_string();
    let net = net.display().to_string();
    let (code, said, errors) =
        nasc(folder.path(), &["compile", &net, "--input", "1x4x4", "-o", &out]);
    assert!(code == 0 && said.contains("opset 17"), "{said}{errors}");
}

/// RAM and flash of a line `cell 3 (0.1234) needs 1.5 KiB of RAM and 900 bytes of flash`.
fn needs(line: &str) -> [f64; 2] {
    let words: Vec<&str> = line.split_whitespace().collect();
    let size = |unit: &str| match unit {
        "bytes" => 1.0,
        "KiB" => 1024.0,
        _ => panic!("{line}"),
    };
    let at = words.iter().position(|word| *word == "needs").unwrap();
    let read = |at: usize| words[at].parse::<f64>().unwrap() * size(words[at + 1]);
    [read(at + 1), read(at + 6)]
}

#[test]
fn the_most_accurate_network_that_fits_a_device_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let run = searched(folder.path());
    let out = folder.path().join("c").display().to_string();
    let fit = |ram: &str, flash: &str| {
        let arguments = ["compile", &run, "--emit", "c", "-o", &out];
        let limits = ["--fit-ram", ram, "--fit-flash", flash];
        nasc(folder.path(), &[&arguments[..], &limits[..]].concat())
    };
    let (code, said, errors) = fit("1M", "1M");
    assert_eq!(code, 0, "{errors}");
    let [ram, flash] = needs(said.lines().next().unwrap());
    let source = std::fs::read_to_string(Path::new(&out).join("model.c")).unwrap();
    assert!(source.contains("arena"), "{said}");
    // a device that the best network is too large for gets a smaller one, or is told how much is needed
    std::fs::remove_dir_all(&out).unwrap();
    let (code, said, errors) = fit("1M", &format!("{}", flash as u64 / 2));
    if code == 0 {
        assert!(needs(said.lines().next().unwrap())[1] <= flash / 2.0);
        assert!(errors.contains("too much"), "{errors}");
    }
    let (code, _, errors) = fit(&format!("{}", ram as u64), "100");
    assert!(code == 2 && errors.contains("no network of the run fits; the nearest"), "{errors}");
}
