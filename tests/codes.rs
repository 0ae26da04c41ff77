//! Every code has a program that shows it and a page that explains it, and no page or file is left
//! over.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fs;

use nasc_tests::directive::marks;
use nasc_tests::{find, folder};

/// Codes that no filetest can show.
const NOT_SHOWN: &[&str] = &[
    // No program is known that makes nasc build such a graph.
    "nasc::shape::operand_count",
    "nasc::shape::invalid_graph",
    // Their files would be large or no text; `bad_input.rs` makes them.
    "nasc::syntax::too_large",
    "nasc::syntax::binary_file",
    "nasc::train::out_of_memory",
];

fn codes() -> BTreeSet<String> {
    let compiler =
        [nasc_compiler::syntax::CODES, nasc_compiler::EVAL_CODES, nasc_compiler::shape::CODES];
    let all = compiler.iter().chain(nasc_cli::CODES).flat_map(|codes| codes.iter());
    all.map(ToString::to_string).collect()
}

#[test]
fn every_code_has_a_filetest_and_every_mark_a_code() {
    let mut shown: BTreeSet<String> = NOT_SHOWN.iter().map(ToString::to_string).collect();
    for path in find::programs(&folder()).unwrap() {
        let text = fs::read_to_string(&path).unwrap();
        shown.extend(marks(&text).into_iter().map(|(_, _, code)| format!("nasc::{code}")));
        let report = fs::read_to_string(path.with_extension("stderr")).unwrap_or_default();
        shown.extend(report.lines().filter(|line| line.starts_with("nasc::")).map(str::to_owned));
    }
    let codes = codes();
    let missing: Vec<&String> = codes.difference(&shown).collect();
    let unknown: Vec<&String> = shown.difference(&codes).collect();
    assert!(missing.is_empty(), "codes without a filetest: {missing:?}");
    assert!(unknown.is_empty(), "marks without a code: {unknown:?}");
}

#[test]
fn every_code_has_a_page_and_every_page_a_code() {
    let pages: BTreeSet<String> =
        nasc_cli::pages().iter().map(|(code, _)| (*code).to_owned()).collect();
    let codes = codes();
    let missing: Vec<&String> = codes.difference(&pages).collect();
    let unknown: Vec<&String> = pages.difference(&codes).collect();
    assert!(missing.is_empty(), "codes without a page in docs/codes: {missing:?}");
    assert!(unknown.is_empty(), "pages without a code: {unknown:?}");
    for (code, page) in nasc_cli::pages() {
        assert!(page.starts_with(&format!("# {code}\n\n")), "{code}: the page has another title");
    }
}

#[test]
fn no_expected_output_is_left_without_its_program() {
    for path in find::outputs(&folder()).unwrap() {
        let program = path.with_extension("py");
        assert!(program.is_file(), "{} belongs to no program", path.display());
        let extension = path.extension().unwrap().to_string_lossy().into_owned();
        assert!(nasc_tests::run::EXTENSIONS.contains(&extension.as_str()), "{}", path.display());
    }
}
