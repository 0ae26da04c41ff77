//! The conventions on one small network, worked out by hand.
#![allow(clippy::unwrap_used)]

use nasc_compiler::cost::{Convention, analyze_as};
use nasc_compiler::source::SourceFile;
use nasc_compiler::{CompileOptions, compile};

fn counts(layers: &str, forward: &str) -> Vec<u64> {
    let text = format!(
        "import torch.nn as nn\nimport torch.nn.functional as F\n\n\nclass Own(nn.Conv2d):\n    pass\n\n\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.layer = {layers}\n\n    def forward(self, x):\n        return {forward}\n"
    );
    let source = SourceFile::new("net.py", text);
    let compiled = compile(&source, &CompileOptions::image(4, 8, 8)).unwrap();
    let all = Convention::ALL.iter();
    all.map(|&convention| analyze_as(&compiled.graph, convention).macs).collect()
}

// Order: nasc, torch, fvcore, thop, ptflops, torchinfo, calflops.

#[test]
fn a_convolution_and_its_bias() {
    let macs = 6 * 64 * 4 * 9;
    let bias = 6 * 64;
    assert_eq!(
        counts("nn.Conv2d(4, 6, 3, padding=1)", "self.layer(x)"),
        [macs, macs, macs, macs, macs + bias, macs + bias, macs]
    );
    // thop and ptflops know no derived classes
    assert_eq!(
        counts("Own(4, 6, 3, padding=1)", "self.layer(x)"),
        [macs, macs, macs, 0, 0, macs + bias, macs]
    );
    // hooks see no functions
    assert_eq!(
        counts("nn.Conv2d(4, 6, 3)", "F.conv2d(x, self.layer.weight, padding=1)"),
        [macs, macs, macs, 0, 0, 0, macs]
    );
}

#[test]
fn a_transposed_convolution() {
    let macs = 4 * 64 * 6 * 4;
    let (bias, output) = (6 * 256, 6 * 256 * 4 * 4);
    let positions = (4 * 6 * 4 + 6) * 256;
    assert_eq!(
        counts("nn.ConvTranspose2d(4, 6, 2, stride=2)", "self.layer(x)"),
        [macs, macs, macs, output, macs + bias, positions, macs]
    );
}

#[test]
fn a_linear_layer_at_many_positions() {
    let (macs, bias) = (4 * 8 * 8 * 5, 4 * 8 * 5);
    assert_eq!(
        counts("nn.Linear(8, 5)", "self.layer(x)"),
        [macs, macs, macs, macs, macs + bias, 8 * 5 + 5, macs]
    );
}

#[test]
fn normalisation_activation_and_pooling() {
    let input = 4 * 64;
    assert_eq!(
        counts("nn.BatchNorm2d(4)", "self.layer(x)"),
        [0, 0, 2 * input, 4 * input, 2 * input, 8, 0]
    );
    assert_eq!(counts("nn.ReLU()", "self.layer(x)"), [0, 0, 0, 0, 2 * input, 0, 0]);
    assert_eq!(counts("nn.ReLU()", "F.relu(x)"), [0, 0, 0, 0, input, 0, 0]);
    assert_eq!(
        counts("nn.AdaptiveAvgPool2d(1)", "self.layer(x)"),
        [0, 0, input, input + 4, 2 * input, 0, 0]
    );
    assert_eq!(
        counts("nn.Softmax(dim=1)", "self.layer(x)"),
        [0, 0, 0, 3 * input - 64, input, 0, 0]
    );
}

#[test]
fn recurrent_layers() {
    // 8 steps of 4 · 8 features, gates · hidden · (features + hidden) each
    let layer = |name: &str| {
        counts(
            &format!("nn.{name}(32, 5, batch_first=True)"),
            "self.layer(x.transpose(1, 2).flatten(2))",
        )
    };
    for (name, gates) in [("RNN", 1), ("GRU", 3), ("LSTM", 4)] {
        let macs = 8 * gates * 5 * (32 + 5);
        // FlopCounterMode sees the matrix products of GRU and RNN, and LSTM as one operation
        let torch = if name == "LSTM" { 0 } else { macs };
        let parameters = 8 * gates * 5 * (32 + 5 + 2);
        assert_eq!(layer(name), [macs, torch, 0, macs, 0, parameters, 0], "{name}");
    }
}

#[test]
fn every_convention_has_one_row_for_a_family_and_says_what_it_counts() {
    for convention in Convention::ALL {
        let mut families: Vec<_> = convention.rows().iter().map(|row| row.family).collect();
        let rows = families.len();
        families.sort_unstable();
        families.dedup();
        assert_eq!(families.len(), rows, "{convention:?}");
        assert!(convention.statement().contains("FLOP"), "{convention:?}");
    }
}
