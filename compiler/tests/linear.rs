//! Work grows in proportion to a program: counted in steps and elements of the budget, not in time.
#![allow(clippy::unwrap_used)]

use nasc_compiler::source::SourceFile;
use nasc_compiler::{CompileOptions, Limits, compile};

/// A network of this many layers made in a loop.
fn deep(layers: u64) -> String {
    format!(
        "import torch.nn as nn\nclass Net(nn.Module):\n    def __init__(self):\n        \
         super().__init__()\n        layers = []\n        for i in range({layers}):\n            \
         layers.append(nn.Conv2d(3, 3, 3, padding=1))\n        self.body = nn.Sequential(*layers)\n    \
         def forward(self, x):\n        return self.body(x)\n"
    )
}

/// A network that applies one layer in this many lines.
fn long(lines: u64) -> String {
    let applied = "        x = self.conv(x)\n".repeat(usize::try_from(lines).unwrap());
    format!(
        "import torch.nn as nn\nclass Net(nn.Module):\n    def __init__(self):\n        \
         super().__init__()\n        self.conv = nn.Conv2d(3, 3, 3, padding=1)\n    \
         def forward(self, x):\n{applied}        return x\n"
    )
}

/// The smallest limit under which a program compiles.
fn least(text: &str, limited: impl Fn(u64) -> Limits) -> u64 {
    let source = SourceFile::new("net.py", text);
    let (mut low, mut high) = (0, 4_000_000);
    while low + 1 < high {
        let middle = (low + high) / 2;
        let mut options = CompileOptions::image(3, 8, 8);
        options.limits = limited(middle);
        match compile(&source, &options) {
            Ok(_) => high = middle,
            Err(_) => low = middle,
        }
    }
    high
}

fn steps(steps: u64) -> Limits {
    Limits { steps, ..Limits::standard() }
}

fn elements(elements: u64) -> Limits {
    Limits { elements, ..Limits::standard() }
}

/// Twice as many layers more cost twice as much more.
fn assert_linear(program: fn(u64) -> String, limited: fn(u64) -> Limits) {
    let cost = |size: u64| least(&program(size), limited);
    let (small, middle, large) = (cost(100), cost(200), cost(400));
    assert!(small < middle && middle < 100_000, "{small} {middle}");
    assert_eq!((middle - small) * 2, large - middle);
}

#[test]
fn steps_grow_with_the_layers() {
    assert_linear(deep, steps);
}

#[test]
fn steps_grow_with_the_lines() {
    assert_linear(long, steps);
}

#[test]
fn elements_grow_with_the_layers_and_lines() {
    assert_linear(deep, elements);
    assert_linear(long, elements);
}

#[test]
fn ten_thousand_layers_are_within_the_standard_limits() {
    for text in [deep(10_000), long(10_000)] {
        let compiled = compile(&SourceFile::new("net.py", text), &CompileOptions::image(3, 8, 8));
        assert_eq!(compiled.unwrap().graph.nodes.len(), 10_000);
    }
}
