//! Random walks through the recogniser: none gets stuck, and what comes out compiles to the
//! target's signature within its budgets.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use nasc_compiler::ir::{Dim, Shape};
use nasc_compiler::source::SourceFile;
use nasc_compiler::{CompileOptions, compile, cost};
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::ShapeConstraint;
use crate::llm::ShapeTarget;
use crate::llm::constraint::Constraint;

/// Pieces as a tokenizer of code has them.
const PIECES: &[&str] = &[
    "        ",
    "       ",
    "    ",
    " ",
    "\n",
    "\n\n",
    "\n       ",
    ")\n",
    "()\n",
    "(x)\n",
    "self",
    " self",
    ".self",
    ".",
    "self.",
    " =",
    " nn",
    ".nn",
    " = nn.",
    "nn.",
    "Conv",
    "Conv2d(",
    "2",
    "d",
    "d(",
    "Linear",
    "Linear(",
    "Batch",
    "Norm",
    "BatchNorm2d(",
    "Max",
    "Pool",
    "MaxPool2d(2",
    ", ",
    ",",
    " kernel",
    "_size",
    "kernel_size=3",
    "=3",
    "=",
    " stride=2",
    "stride",
    " padding",
    "padding=1",
    "=1",
    "1",
    "3",
    "16",
    "32",
    "64",
    "128",
    "512",
    "1024",
    "10",
    "47",
    "100",
    "0",
    "5",
    "0.5",
    ")",
    "(",
    "ReLU",
    "ReLU()\n",
    "Dropout(0.",
    "Drop",
    "out",
    "Flatten()\n",
    "GELU",
    "Sigmoid",
    "Adaptive",
    "Avg",
    "conv",
    "conv1",
    "conv2",
    "fc",
    "fc1",
    "bn1",
    "pool",
    "relu",
    "1 = nn.",
    " x",
    " = F.relu(",
    "F",
    ".relu",
    "(self.",
    "(x",
    "))\n",
    "torch",
    "flatten",
    "return x\n",
    " return",
    "def",
    " forward",
    "\n    def forward(self, x):\n",
    "train",
    "eval",
    "é",
    "",
];
/// Pieces of names that collide with each other, with Python and with `nn.Module`.
const COLLIDING: &[&str] = &[
    "to",
    "train",
    "type",
    "t",
    "half",
    "eval",
    "class",
    "in",
    "is",
    "x",
    "xx",
    "xxxxxxx",
    "x ",
    "to ",
    "x = nn.",
    "xxxxxxxxxxxxxxxx",
    "forward",
    "apply",
    "if",
    "a",
    "s",
    "_",
    "parameters",
    "state_dict",
    "match",
    "case",
];

fn target(input: [u64; 3], classes: u64, max_params: u64, max_macs: u64) -> ShapeTarget {
    ShapeTarget { input, classes, max_params, max_macs, convolutions: 0 }
}

fn with_convolutions(convolutions: u64, target: ShapeTarget) -> ShapeTarget {
    ShapeTarget { convolutions, ..target }
}

fn targets() -> Vec<ShapeTarget> {
    vec![
        target([1, 8, 8], 10, 100_000, 1_000_000),
        target([3, 32, 32], 10, 1_000_000, 50_000_000),
        target([3, 64, 64], 100, 2_000_000, 100_000_000),
        target([1, 28, 28], 47, 50_000, 2_000_000),
        target([3, 32, 20], 10, 2_000, 30_000),
        target([2, 1, 5], 2, 0, 0),
        with_convolutions(2, target([3, 32, 32], 10, 1_000_000, 5_000_000)),
        with_convolutions(4, target([1, 8, 8], 10, 100_000, 1_000_000)),
        with_convolutions(3, target([3, 32, 20], 10, 2_000, 30_000)),
    ]
}

fn characters() -> Vec<String> {
    (' '..='~').chain(['\n']).map(String::from).collect()
}

/// A program written by draws from `pieces`, or by single characters where none of them is
/// accepted, until it is complete or its ending is forced.
fn walk(target: &ShapeTarget, pieces: &[&str], rng: &mut ChaCha8Rng) -> String {
    let mut constraint = ShapeConstraint::new(target, rng.random_range(0..700));
    let mut text = constraint.head().to_owned();
    let mut alphabet = characters();
    for _ in 0..2_000 {
        if constraint.is_complete() {
            return text;
        }
        if let Some(ending) = constraint.forced_ending() {
            constraint.advance(&ending);
            assert!(constraint.is_complete(), "{text}<<<{ending}");
            return text + &ending;
        }
        let drawn = (0..12).filter_map(|_| pieces.choose(rng).copied());
        let drawn = drawn.map(str::to_owned).find(|piece| constraint.accepts(piece));
        let piece = drawn.unwrap_or_else(|| {
            alphabet.shuffle(rng);
            let found = alphabet.iter().find(|piece| constraint.accepts(piece));
            found.unwrap_or_else(|| panic!("no character is accepted after\n{text}")).clone()
        });
        constraint.advance(&piece);
        text.push_str(&piece);
    }
    panic!("neither complete nor forced after\n{text}")
}

/// Compiles, and gives the target's classes within budgets of at least the cheapest network.
fn check(target: &ShapeTarget, text: &str) {
    let [channels, height, width] = target.input;
    let options = CompileOptions::image(channels, height, width);
    let compiled = compile(&SourceFile::new("net.py", text), &options)
        .unwrap_or_else(|errors| panic!("{errors:?}\n{text}"));
    let graph = compiled.graph.graph();
    let shape = &graph.tensor_type(graph.outputs[0]).unwrap().shape;
    assert_eq!(*shape, Shape(vec![Dim::N, Dim::Known(target.classes)]), "{text}");
    let cost = cost::analyze(&compiled.graph);
    let cheapest = (target.input[0] + target.classes + 2) * target.classes;
    assert!(cost.params <= target.max_params.max(cheapest), "{} parameters\n{text}", cost.params);
    assert!(cost.macs <= target.max_macs.max(cheapest), "{} MACs\n{text}", cost.macs);
    assert!(text.matches("nn.Conv2d(").count() + text.matches("nn.Linear(").count() >= 2);
    assert!(text.matches(" = nn.").count() <= 24, "{text}");
}

fn walks(pieces: &[&str], count: u64) {
    for seed in 0..count {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        for target in targets() {
            let text = walk(&target, pieces, &mut rng);
            check(&target, &text);
        }
    }
}

#[test]
fn walks_by_single_characters_compile() {
    walks(&[], 200);
}

#[test]
fn walks_by_tokens_compile() {
    walks(PIECES, 600);
}

#[test]
fn walks_by_colliding_names_compile() {
    let pieces = [PIECES, COLLIDING, COLLIDING, COLLIDING].concat();
    walks(&pieces, 200);
}

#[test]
fn from_every_place_of_a_program_the_ending_completes_it() {
    let target = target([3, 32, 32], 10, 1_000_000, 50_000_000);
    let text = "        self.conv1 = nn.Conv2d(3, 32, kernel_size=3, stride=2, padding=1)\n        \
                self.norm = nn.BatchNorm2d(32)\n        self.act = nn.LeakyReLU(0.05)\n        \
                self.conv2 = nn.Conv2d(32, 64, 3, 2)\n        self.pool = nn.MaxPool2d(2, 2)\n        \
                self.train1 = nn.AdaptiveAvgPool2d(2)\n        self.drop = nn.Dropout(0.5)\n        \
                self.fc1 = nn.Linear(256, 128)\n        self.fc2 = nn.Linear(128, 10)\n\n    \
                def forward(self, x):\n        x = self.conv1(x)\n        x = self.norm(x)\n        \
                x = self.act(x)\n        x = F.relu(self.conv2(x))\n        x = self.pool(x)\n        \
                x = self.train1(x)\n        x = self.drop(x)\n        x = torch.flatten(x, 1)\n        \
                x = F.relu(self.fc1(x))\n        x = self.fc2(x)\n        return x\n";
    for end in 0..=text.len() {
        let mut constraint = ShapeConstraint::new(&target, 1_000);
        for character in text[..end].chars() {
            assert!(constraint.accepts(&character.to_string()), "{}", &text[..end]);
            constraint.advance(&character.to_string());
        }
        let ending = constraint.ending();
        assert_eq!(ending.is_empty(), end == text.len());
        check(&target, &format!("{}{}{ending}", constraint.head(), &text[..end]));
    }
}

#[test]
fn the_asked_for_convolutions_come_first_and_nothing_chokes_the_network() {
    for convolutions in 0..=4 {
        let target =
            with_convolutions(convolutions, target([3, 32, 32], 10, 1_000_000, 50_000_000));
        let mut constraint = ShapeConstraint::new(&target, 1_000);
        assert_eq!(constraint.accepts("        self.fc = nn.Linear("), convolutions == 0);
        assert_eq!(constraint.accepts("        self.f = nn.Flatten("), convolutions == 0);
        let ending = constraint.ending();
        let before = ending.split("nn.Linear(").next().unwrap();
        assert_eq!(before.matches("nn.Conv2d(").count() as u64, convolutions, "{ending}");
        constraint.advance("        self.c = nn.Conv2d(3, ");
        assert!(!constraint.accepts("7,") && constraint.accepts("8,"));
    }
}

fn after(text: &str) -> ShapeConstraint {
    let mut constraint = ShapeConstraint::new(&target([3, 32, 32], 10, 1_000_000, 50_000_000), 400);
    assert!(text.is_empty() || constraint.accepts(text), "{text}");
    constraint.advance(text);
    constraint
}

#[test]
fn rejected_is_what_breaks_the_shape_or_the_discipline() {
    let conv = "        self.c = nn.Conv2d(3, 8, kernel_size=3)\n        self.";
    for (text, refused, taken) in [
        ("        self.c = nn.Conv2d(", "1", "3"),
        ("        self.c = nn.Linear(", "3,", "3072,"),
        ("        self.c = nn.Linear(3072, ", "10)", "64)"),
        ("        self.c = nn.Linear(3072, ", "400)", "300)"),
        ("        self.c = nn.Conv2d(3, ", "513", "512"),
        ("        self.", "train = ", "train1 = "),
        (conv, "c = ", "d = "),
        (conv, "d = nn.BatchNorm2d(3", "d = nn.BatchNorm2d(8)\n"),
        (conv, "d = nn.BatchNorm1d(", "d = nn.ReLU()\n"),
        (
            conv,
            "d = nn.Linear(7200, 10)\n\n    def forward(self, x):\n        x = self.c(x)\n        x = self.d",
            "d = nn.Linear(7200, 10)\n\n    def forward(self, x):\n        x = F.relu(self.c(x))\n        x = torch.f",
        ),
        (
            conv,
            "d = nn.ReLU()\n        self.e = nn.ReLU",
            "d = nn.ReLU()\n        self.e = nn.GELU",
        ),
        (
            conv,
            "d = nn.Dropout(0.1)\n        self.e = nn.Dropout2d",
            "d = nn.Dropout(0.1)\n        self.e = nn.Conv2d(8",
        ),
        (conv, "d = nn.MaxPool2d(9", "d = nn.MaxPool2d(2"),
        (conv, "d = nn.ReLU()\n\n    def", "d = nn.ReLU()\n        self"),
    ] {
        assert!(!after(text).accepts(refused), "{text}<<<{refused}");
        assert!(after(text).accepts(taken), "{text}<<<{taken}");
    }
}

#[test]
fn pieces_that_are_empty_or_beyond_ascii_are_refused() {
    let constraint = after("        self.");
    assert!(!constraint.accepts("") && !constraint.accepts("é") && !constraint.accepts("aé"));
}

#[test]
fn the_ending_is_forced_when_the_tokens_run_short() {
    let target = target([1, 8, 8], 10, 100_000, 1_000_000);
    let mut constraint = ShapeConstraint::new(&target, 100);
    assert_eq!(constraint.forced_ending(), None);
    for _ in 0..60 {
        constraint.advance("é");
    }
    let ending = constraint.forced_ending().expect("40 tokens do not suffice for three lines");
    assert!(ending.ends_with("        return x\n"), "{ending}");
}
