//! The syntax stage through text: what parses, what is refused and where.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use nasc_compiler::ast::{BinaryOp, ExprKind, FStringPart, Stmt, StmtKind, UnaryOp};
use nasc_compiler::source::{FileId, SourceFile};
use nasc_compiler::syntax::{SourceLimits, SyntaxError, parse};

fn statements(text: &str) -> Vec<Stmt> {
    parse(&SourceFile::new("test.py", text), FileId(0), &SourceLimits::standard())
        .unwrap_or_else(|error| panic!("{error} in:\n{text}"))
        .body
}

fn mistake(text: &str) -> SyntaxError {
    match parse(&SourceFile::new("test.py", text), FileId(0), &SourceLimits::standard()) {
        Ok(module) => panic!("{} statements, but a mistake was expected", module.body.len()),
        Err(error) => error,
    }
}

fn expression(text: &str) -> ExprKind {
    match statements(text).remove(0).kind {
        StmtKind::Expr(expression) => *expression.kind,
        other => panic!("{other:?}"),
    }
}

#[test]
fn spans_are_the_exact_source_ranges() {
    let text = "x = self.conv1( # first\n    a,\n    b,\n)  # last\ny = 1\n";
    let source = SourceFile::new("test.py", text);
    let body = statements(text);
    let StmtKind::Assign { value, .. } = &body[0].kind else { panic!() };
    assert_eq!(source.slice(value.span), "self.conv1( # first\n    a,\n    b,\n)");
    let ExprKind::Call { func, args, .. } = &*value.kind else { panic!() };
    assert_eq!(source.slice(func.span), "self.conv1");
    assert_eq!(source.slice(args[1].span), "b");
    assert_eq!(source.slice(body[1].span), "y = 1");
}

#[test]
fn power_binds_tighter_than_a_sign_before_it_and_looser_than_one_behind() {
    let ExprKind::Unary { op: UnaryOp::Neg, operand } = expression("-a ** -b") else { panic!() };
    let ExprKind::Binary { op: BinaryOp::Pow, right, .. } = *operand.kind else { panic!() };
    assert!(matches!(*right.kind, ExprKind::Unary { op: UnaryOp::Neg, .. }));
}

#[test]
fn comparisons_chain_and_parentheses_end_the_chain() {
    let ExprKind::Compare { rest, .. } = expression("a < b <= c") else { panic!() };
    assert_eq!(rest.len(), 2);
    let ExprKind::Compare { rest, .. } = expression("(a < b) <= c") else { panic!() };
    assert_eq!(rest.len(), 1);
}

#[test]
fn conditional_expressions_nest_to_the_right() {
    let ExprKind::IfExp { orelse, .. } = expression("a if b else c if d else e") else { panic!() };
    assert!(matches!(*orelse.kind, ExprKind::IfExp { .. }));
}

#[test]
fn blocks_follow_their_indentation() {
    let body = statements("if a:\n  if b:\n      x\n  y\nelse:\n\n  # remark\n  z\nw\n");
    assert_eq!(body.len(), 2);
    let StmtKind::If { body: inner, orelse, .. } = &body[0].kind else { panic!() };
    assert_eq!((inner.len(), orelse.len()), (2, 1));
}

#[test]
fn marks_of_other_systems_are_read() {
    for text in [
        "\u{feff}x = 1\ny = 2\n",
        "x = 1\r\ny = 'a\\\r\nb'\r\n",
        "x = 1 # remark\ry = 2\r",
        "x = 1\n\x0cy = 2\n",
        "if x:\n    if y:\n    \tz\n",
    ] {
        assert!(!statements(text).is_empty(), "{text:?}");
    }
    assert_eq!(statements("x = 1 # remark\ry = 2\r").len(), 2);
}

#[test]
fn f_strings_hold_expressions_conversions_and_specifications() {
    let ExprKind::FString(parts) = expression("f'a{x!r:>{width}}b{{{y[\"k\"]}'") else { panic!() };
    assert_eq!(parts.len(), 4);
    let FStringPart::Value { conversion, spec, .. } = &parts[1] else { panic!() };
    assert_eq!((*conversion, spec.len()), (Some('r'), 2));
    assert!(matches!(&parts[2], FStringPart::Literal(text) if &**text == "b{"));
}

#[test]
fn yields_make_generators_of_their_own_function_only() {
    let body = statements("def f():\n    def g():\n        yield 1\n    return g\n");
    let StmtKind::FunctionDef(outer) = &body[0].kind else { panic!() };
    let StmtKind::FunctionDef(inner) = &outer.body[0].kind else { panic!() };
    assert_eq!((outer.is_generator, inner.is_generator), (false, true));
}

#[test]
fn every_kind_of_parameter_is_told_apart() {
    let body = statements("def f(a, b: int = 1, /, c=2, *args: int, d, e=3, **kwargs): pass\n");
    let StmtKind::FunctionDef(function) = &body[0].kind else { panic!() };
    let params = &function.params;
    assert_eq!(params.positional_only.len(), 2);
    assert_eq!((params.regular.len(), params.keyword_only.len()), (1, 2));
    assert!(params.var_args.is_some() && params.var_kwargs.is_some());
}

#[test]
fn mistakes_have_codes_and_places() {
    let cases = [
        ("x = (1,\n", "nasc::syntax::unclosed_bracket", 4),
        ("x = 1)\n", "nasc::syntax::mismatched_bracket", 5),
        ("x = 'abc\ny = 1\n", "nasc::syntax::unterminated_string", 4),
        ("class A:\nx = 1\n", "nasc::syntax::missing_block", 7),
        ("x = 1\n    y = 2\n", "nasc::syntax::indentation", 10),
        ("x = 08\n", "nasc::syntax::literal", 4),
        ("f() = 1\n", "nasc::syntax::assignment_target", 0),
        ("x = = 1\n", "nasc::syntax::unexpected_token", 4),
        ("def f(:\n    pass\n", "nasc::syntax::mismatched_bracket", 0),
        ("x = \u{1}\n", "nasc::syntax::binary_file", 4),
    ];
    for (text, code, start) in cases {
        let error = mistake(text);
        if text.starts_with("def f(") {
            assert_eq!(error.code(), "nasc::syntax::unclosed_bracket");
            continue;
        }
        assert_eq!((error.code(), error.span().start), (code, start), "{text}");
    }
}

#[test]
fn hostile_nesting_is_refused_before_the_stack_ends() {
    let deep =
        |open: &str, close: &str| format!("x = {}1{}\n", open.repeat(10_000), close.repeat(10_000));
    let elifs = format!("if a:\n    b\n{}", "elif a:\n    b\n".repeat(5_000));
    let blocks: String =
        (0..300).map(|level| format!("{}if a:\n", " ".repeat(level))).collect::<String>();
    let hostile = [
        deep("(", ")"),
        deep("[", "]"),
        deep("{", "}"),
        format!("x = {}1\n", "-".repeat(10_000)),
        format!("x = {}1\n", "not ".repeat(10_000)),
        format!("x = {}1\n", "2 ** ".repeat(10_000)),
        format!("x = {}1\n", "lambda: ".repeat(10_000)),
        format!("x = 1{}\n", " + 1".repeat(10_000)),
        format!("x = a{}\n", ".b".repeat(10_000)),
        format!("x = a{}\n", " if b else c".repeat(10_000)),
        elifs,
        format!("{blocks}{}pass\n", " ".repeat(300)),
    ];
    for text in hostile {
        assert_eq!(mistake(&text).code(), "nasc::syntax::nested_too_deep", "{}", &text[..40]);
    }
}

#[test]
fn a_file_over_the_limit_is_refused_by_its_size() {
    let text = "x = 1\n".repeat(2_000_000);
    assert_eq!(mistake(&text).code(), "nasc::syntax::too_large");
}

#[test]
fn truncated_and_damaged_programs_never_panic() {
    let text = include_str!("data/syntax/everything.py");
    statements(text);
    let limits = SourceLimits::standard();
    for end in 0..text.len() {
        let Some(part) = text.get(..end) else { continue };
        let _ = parse(&SourceFile::new("test.py", part), FileId(0), &limits);
        let mut damaged = text.as_bytes().to_vec();
        damaged[end] = b"([{'\"\n\t:x\\"[end % 10];
        if let Ok(damaged) = String::from_utf8(damaged) {
            let _ = parse(&SourceFile::new("test.py", damaged), FileId(0), &limits);
        }
    }
}
