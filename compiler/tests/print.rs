//! Printing a tree and parsing the text gives the tree again; a printed text prints as itself.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, clippy::panic)]

use std::path::{Path, PathBuf};

use nasc_compiler::ast::{Module, print, without_places};
use nasc_compiler::source::{FileId, SourceFile};
use nasc_compiler::syntax::{SourceLimits, SyntaxError, parse};
use proptest::prelude::*;

fn parsed(text: &str) -> Result<Module, SyntaxError> {
    parse(&SourceFile::new("test.py", text), FileId(0), &SourceLimits::standard())
}

/// What is wrong with the round trip of a text; nothing for a text that does not parse.
fn round_trip(text: &str) -> Result<bool, String> {
    let Ok(module) = parsed(text) else { return Ok(false) };
    let printed = print(&module);
    let again = parsed(&printed).map_err(|error| format!("{error} in:\n{printed}"))?;
    if without_places(module) != without_places(again.clone()) {
        return Err(format!("another tree comes of:\n{printed}"));
    }
    match print(&again) == printed {
        true => Ok(true),
        false => Err(format!("printed twice, the text differs:\n{printed}")),
    }
}

/// All Python files below a folder.
fn python_files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    let files = paths.flat_map(|path| match path.is_dir() {
        true => python_files(&path),
        false => vec![path],
    });
    files.filter(|path| path.extension().is_some_and(|end| end == "py")).collect()
}

/// How many files of a folder go round; panics at the first that does not.
fn all_go_round(folder: &Path) -> usize {
    let mut passed = 0;
    for path in python_files(folder) {
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        match round_trip(&text) {
            Ok(parses) => passed += usize::from(parses),
            Err(problem) => panic!("{}: {problem}", path.display()),
        }
    }
    passed
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[test]
fn examples_and_filetests_go_round() {
    assert!(all_go_round(&repository().join("examples")) >= 6);
    assert!(all_go_round(&repository().join("tests/filetests")) > 100);
}

/// The sources that `scripts/fetch-oracle.sh` fetched, where it did.
#[test]
fn public_networks_go_round() {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let Some(sources) = cache.or(home).map(|cache| cache.join("nasc/oracle")) else { return };
    if !sources.is_dir() {
        eprintln!("skipped: there is no folder {}", sources.display());
        return;
    }
    let networks =
        ["torchvision/torchvision/models", "pytorchcv", "vit_pytorch", "timm/timm/layers"];
    assert!(networks.iter().map(|name| all_go_round(&sources.join(name))).sum::<usize>() > 100);
}

#[test]
fn layout_is_canonical() {
    let cases = [
        ("x=( ( a+b ) )*c", "x = (a + b) * c\n"),
        ("x = a ** -b ** c", "x = a ** -b ** c\n"),
        ("x = (a ** b) ** c", "x = (a ** b) ** c\n"),
        ("x = a - (b - c)", "x = a - (b - c)\n"),
        ("x = not (a == b) and (c or d)", "x = not a == b and (c or d)\n"),
        ("x = (a < b) < c", "x = (a < b) < c\n"),
        ("x = a if b else (c if d else e)", "x = a if b else c if d else e\n"),
        ("x = (a if b else c) if d else e", "x = (a if b else c) if d else e\n"),
        ("f ((x for x in y), *z, k = 1)", "f((x for x in y), *z, k=1)\n"),
        ("f(x for x in y if z)", "f(x for x in y if z)\n"),
        ("a, *b = c", "(a, *b) = c\n"),
        ("x[1:, ..., ::2, (a, b)]", "x[1:, ..., ::2, (a, b)]\n"),
        ("x[a,]", "x[a,]\n"),
        ("(1).real; 1.5.real; (await x).y", "(1).real\n(1.5).real\n(await x).y\n"),
        ("x = 'it\\'s' \"a\\n\"", "x = \"it'sa\\n\"\n"),
        ("if a: b\nelse:\n  if c: d\n  else: e", "if a:\n    b\nelif c:\n    d\nelse:\n    e\n"),
        ("with (a, b): c", "with a, b:\n    c\n"),
        ("with (a).b as (c, d): e", "with a.b as (c, d):\n    e\n"),
        ("with (a, b) as c: e", "with ((a, b) as c):\n    e\n"),
        ("del (a, b)", "del a, b\n"),
        ("del (a, b),", "del (a, b),\n"),
        (
            "def f(a, /, b: int=1, *, c=2, **k) -> d: pass",
            "def f(a, /, b: int = 1, *, c=2, **k) -> d:\n    pass\n",
        ),
        ("x = lambda: (yield)", "x = lambda: (yield)\n"),
        ("x = lambda a, *b: a", "x = lambda a, *b: a\n"),
        ("x[(lambda: 1):2]", "x[(lambda: 1):2]\n"),
        ("from .. import (a as b, c,)", "from .. import a as b, c\n"),
    ];
    for (text, expected) in cases {
        let printed = print(&parsed(text).unwrap());
        assert!(printed.starts_with(expected), "{text}\nprints as\n{printed}");
        assert_eq!(round_trip(text), Ok(true));
    }
}

#[test]
fn strings_within_f_strings_go_round() {
    for text in [
        r#"f"{x}""#,
        r#"f"{d['a']}{{}}\{{""#,
        r#"f'{d["a"]!r:>{width}}' "b" f"{y=}""#,
        r#"f'''{f"{d['a']}" + "{}"}'''"#,
        r#"f"{ {1: 2}[1] } {(lambda x: x)(1)} {x if y else z:,.2f}""#,
        "f'{a}' '\\n\\x00\\'\"{}\\\\'",
        "b'a\\xff\\'' b\"\\\"\"",
        "rf'\\d{x}'",
        "f''",
        "x = 1e400, 1e16, 0.1, 3j, 1e400j, 0xff",
    ] {
        assert_eq!(round_trip(text), Ok(true), "{text}");
    }
}

/// Source text of an expression, random in form.
fn expression() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "a",
        "b.c",
        "1",
        "2.5",
        "'t'",
        "None",
        "...",
        "f'{a}'",
        "()",
        "[]",
        "{}",
        "x[:, 1:2]",
    ]);
    leaf.prop_map(String::from).prop_recursive(5, 40, 3, |inner| {
        let sign = prop::sample::select(vec![
            "+", "-", "*", "/", "//", "%", "**", "@", "<<", "&", "|", "^", "<", "==", "in",
            "not in", "is", "is not", "and", "or",
        ]);
        let form = prop::sample::select(vec![
            "-{}",
            "not {}",
            "~{}",
            "({})",
            "[{}, {}]",
            "({},)",
            "{{}: {}}",
            "{{}, {}}",
            "f({}, *{}, k={})",
            "({}).m",
            "({})[{}]",
            "({})[{}:{}]",
            "{} if {} else {}",
            "lambda x={}: {}",
            "[{} for x in ({}) if ({})]",
            "({} for x, y in ({}))",
            "(w := {})",
            "(yield {})",
            "await ({})",
            "({})({})",
            "{{**({}), 'k': {}}}",
        ]);
        prop_oneof![
            (inner.clone(), sign, inner.clone()).prop_map(|(l, sign, r)| format!("{l} {sign} {r}")),
            (form, prop::collection::vec(inner, 3)).prop_map(|(form, parts)| filled(form, &parts)),
        ]
    })
}

/// A form with its holes filled from left to right.
fn filled(form: &str, parts: &[String]) -> String {
    let mut parts = parts.iter();
    let mut text = String::new();
    let mut rest = form;
    while let Some((before, behind)) = rest.split_once("{}") {
        text.push_str(before);
        text.push_str(parts.next().map_or("", String::as_str));
        rest = behind;
    }
    text + rest
}

proptest! {
    #[test]
    fn random_expressions_go_round(text in expression()) {
        let outcome = round_trip(&format!("x = {text}"));
        prop_assert!(outcome.is_ok(), "{text}\n{}", outcome.unwrap_err());
    }
}
