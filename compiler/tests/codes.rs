//! Every code of the shape stage has a program that shows it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::disallowed_methods)]

use std::collections::BTreeSet;
use std::path::Path;

use nasc_compiler::shape::CODES;

#[test]
fn every_code_has_a_filetest_and_every_mark_a_code() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/filetests/shape");
    let mut marked = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "py") {
            let text = std::fs::read_to_string(path).unwrap();
            for mark in text.split("# error: [").skip(1) {
                marked.insert(format!("nasc::{}", mark.split(']').next().unwrap()));
            }
        }
    }
    let (reachable, internal) = CODES.split_at(CODES.len() - 2);
    assert_eq!(internal, ["nasc::shape::operand_count", "nasc::shape::invalid_graph"]);
    let expected: BTreeSet<String> = reachable.iter().map(ToString::to_string).collect();
    assert_eq!(marked, expected);
}
