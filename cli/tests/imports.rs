//! Networks spread over several files, checked through the command line.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::path::Path;

use nasc_cli::{Environment, Output};

const LAYERS: &str = "import torch.nn as nn\nfrom .sizes import *\n\n\
    class Block(nn.Module):\n    def __init__(self, channels):\n        super().__init__()\n        \
    self.conv = nn.Conv2d(channels, WIDTH, 3, padding=1)\n\n    \
    def forward(self, x):\n        return self.conv(x)\n";
const NET: &str = "import torch\nimport torch.nn as nn\nfrom .layers import Block\n\n\
    class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        \
    self.block = Block(3)\n        self.head = nn.Linear(16, 10)\n\n    \
    def forward(self, x):\n        return self.head(self.block(x).mean((2, 3)))\n";

fn write(folder: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

fn check(file: &Path, arguments: &[&str]) -> (u8, serde_json::Value) {
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let mut output = Output {
        stdout: &mut stdout,
        stderr: &mut stderr,
        color: false,
        width: 80,
        terminal: false,
    };
    let environment = Environment { cache: file.to_owned(), hub: None };
    let file = file.display().to_string();
    let line = ["nasc", "check", &file, "--format", "json"];
    let code = nasc_cli::run(line.iter().chain(arguments), &environment, &mut output);
    (code, serde_json::from_slice(&stdout).unwrap())
}

#[test]
fn a_package_is_found_from_any_file_in_it() {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        &[
            ("models/__init__.py", "from .net import Net\n"),
            ("models/sizes.py", "WIDTH = 16\n_HIDDEN = 1\n"),
            ("models/layers.py", LAYERS),
            ("models/net.py", NET),
            ("main.py", "import models.net\n\ndef net():\n    return models.net.Net()\n"),
        ],
    );
    for file in ["models/net.py", "models/__init__.py", "main.py"] {
        let entry: &[&str] = if file == "models/__init__.py" { &["--entry", "Net()"] } else { &[] };
        let (code, report) = check(&folder.path().join(file), entry);
        assert_eq!((code, &report["params"]), (0, &serde_json::json!(618)), "{file}: {report}");
    }
}

#[test]
fn a_mistake_in_an_imported_file_is_placed_there() {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        &[
            ("models/__init__.py", ""),
            ("models/sizes.py", "WIDTH = 16\n"),
            ("models/layers.py", &LAYERS.replace("(channels, WIDTH", "(channels + 1, WIDTH")),
            ("models/net.py", NET),
        ],
    );
    let (code, report) = check(&folder.path().join("models/net.py"), &[]);
    let diagnostic = &report["diagnostics"][0];
    assert_eq!((code, &diagnostic["line"]), (1, &serde_json::json!(10)), "{report}");
    assert!(diagnostic["file"].as_str().unwrap().ends_with("layers.py"), "{report}");
}

#[test]
fn an_import_that_is_nowhere_matters_only_where_it_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let text = "import somewhere\nfrom elsewhere import thing\n".to_owned() + NET;
    let text =
        text.replace("from .layers import Block\n", "").replace("Block(3)", "nn.Conv2d(3, 16, 1)");
    write(folder.path(), &[("net.py", &text)]);
    assert_eq!(check(&folder.path().join("net.py"), &[]).0, 0);
    let used = text.replace("nn.Conv2d(3, 16, 1)", "thing(3)");
    write(folder.path(), &[("net.py", &used)]);
    let (code, report) = check(&folder.path().join("net.py"), &[]);
    assert_eq!(code, 1);
    assert_eq!(report["diagnostics"][0]["code"], "nasc::eval::unsupported_module", "{report}");
}
