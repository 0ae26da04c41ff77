//! Texts derived at random from `grammar/network.gbnf` lie inside `grammar/python.pest`.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

#[path = "support/gbnf.rs"]
mod gbnf;

use gbnf::{Draw, Grammar};
use nasc_compiler::ast::{StmtKind, print};
use nasc_compiler::source::{FileId, SourceFile};
use nasc_compiler::syntax::{SourceLimits, parse};

const GRAMMAR: &str = include_str!("../../grammar/network.gbnf");

/// What decoding writes before the grammar begins.
const HEAD: &str = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n\n\
                    class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n";

#[test]
fn every_derived_text_is_in_the_python_subset() {
    let grammar = Grammar::read(GRAMMAR);
    for seed in 0..500 {
        let text = format!("{HEAD}{}", grammar.derive("root", &mut Draw::new(seed)));
        let source = SourceFile::new("derived.py", text.as_str());
        let module = parse(&source, FileId(0), &SourceLimits::standard())
            .unwrap_or_else(|error| panic!("{error} in:\n{text}"));
        let StmtKind::ClassDef(class) = &module.body[3].kind else {
            panic!("no class in:\n{text}")
        };
        assert_eq!(class.body.len(), 2, "{text}");
        assert_eq!(print(&module).matches("self.").count(), text.matches("self.").count());
    }
}

#[test]
fn every_rule_is_reached() {
    let grammar = Grammar::read(GRAMMAR);
    let text: String = (0..300).map(|seed| grammar.derive("root", &mut Draw::new(seed))).collect();
    for word in [
        "Conv2d(",
        "Linear(",
        "BatchNorm1d(",
        "Dropout2d(",
        "kernel_size=",
        "stride=",
        "padding=",
        "AdaptiveAvgPool2d(",
        "LeakyReLU(0.",
        "Flatten()",
        "torch.flatten(x, 1)",
        "F.relu(self.",
    ] {
        assert!(text.contains(word), "{word}");
    }
}

#[test]
fn repetitions_classes_and_alternatives_are_derived() {
    let grammar = Grammar::read("root ::= (\"a\" | x)+ \"\\n\"\n# note\nx ::= [b-d]{2,3} \"e\"?\n");
    for seed in 0..200 {
        let text = grammar.derive("root", &mut Draw::new(seed));
        let line = text.strip_suffix('\n').unwrap();
        assert!(
            !line.is_empty() && line.bytes().all(|byte| (b'a'..=b'e').contains(&byte)),
            "{line}"
        );
    }
}
