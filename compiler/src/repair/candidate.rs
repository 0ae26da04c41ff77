//! Remedies as edits of a text. One remedy gives several candidates: a number can be written where
//! it is passed, or where the variable that is passed got its value.

use super::call::{Argument, Call, MAIN, expression_at, is_primary};
use super::edit::Edit;
use super::statement::{constructor_start, sources_of, top};
use crate::ast::visit::expressions_of;
use crate::ast::{BinaryOp, Expr, ExprKind, Module};
use crate::diagnostic::Remedy;
use crate::source::{SourceFile, Span};
use crate::syntax::{self, SourceLimits};

/// Edits that belong together.
type Candidate = Vec<Edit>;

/// How many steps a value is followed from variable to variable.
const STEPS: usize = 3;

/// Most combinations of the parts of a remedy.
const COMBINATIONS: usize = 12;

/// The candidates for some remedies, most likely first.
pub(super) fn candidates(source: &SourceFile, remedies: &[Remedy]) -> Vec<Candidate> {
    // Of a text that does not parse, no remedy is known.
    let Ok(module) = syntax::parse(source, MAIN, &SourceLimits::standard()) else {
        return Vec::new();
    };
    let finder = Finder { source, module };
    remedies.iter().flat_map(|remedy| finder.candidates(remedy)).collect()
}

struct Finder<'a> {
    source: &'a SourceFile,
    module: Module,
}

impl Finder<'_> {
    fn candidates(&self, remedy: &Remedy) -> Vec<Candidate> {
        match remedy {
            Remedy::Argument { call, name, value } => self.argument(*call, name, *value),
            Remedy::Flatten { call, declared } => self.flatten(*call, *declared),
            Remedy::Rank { call, spatial } => self.rank(*call, *spatial).into_iter().collect(),
            Remedy::Callee { call, name } => self.callee(*call, name).into_iter().collect(),
            Remedy::Keyword { call, wrong, right } => self.words(*call, wrong, right),
            Remedy::Name { place, wrong, right } => self.words(*place, wrong, right),
            Remedy::LastSize { call, value } => self.last_size(*call, *value),
            Remedy::TransposeRight { call } => self.transpose_right(*call),
            Remedy::FloorDivision { call } => self.floor_division(*call),
            Remedy::SuperInit { before } => self.super_init(*before).into_iter().collect(),
            Remedy::Import { statement } => {
                let place = top(&self.module);
                let insert = |span| vec![Edit { span, text: format!("{statement}\n") }];
                place.map(at_start).map(insert).into_iter().collect()
            }
            Remedy::All(parts) => self.all(parts),
        }
    }

    /// Every combination of the candidates of the parts.
    fn all(&self, parts: &[Remedy]) -> Vec<Candidate> {
        let mut combined: Vec<Candidate> = vec![Vec::new()];
        for part in parts {
            let candidates = self.candidates(part);
            let longer = combined
                .iter()
                .flat_map(|known| candidates.iter().map(|more| [known.as_slice(), more].concat()));
            combined = longer.take(COMBINATIONS).collect();
        }
        combined
    }

    fn argument(&self, call: Span, name: &str, value: i64) -> Vec<Candidate> {
        let Some(expr) = expression_at(self.source, call) else { return Vec::new() };
        match Call::of(&expr).and_then(|call| call.argument(name)) {
            Some(Argument::Given(given)) => self.value(given, value, STEPS),
            Some(Argument::Left { before, separator }) => {
                vec![vec![Edit { span: before, text: format!("{separator}{name}={value}") }]]
            }
            None => Vec::new(),
        }
    }

    /// A value in place of an expression, or of what the variable there gets its value from.
    fn value(&self, given: &Expr, value: i64, steps: usize) -> Vec<Candidate> {
        if matches!(&*given.kind, ExprKind::Starred(_)) {
            return Vec::new();
        }
        let mut found = vec![vec![Edit { span: given.span, text: value.to_string() }]];
        if let (ExprKind::Name(name), 1..) = (&*given.kind, steps) {
            for source in sources_of(&self.module, name, given.span) {
                found.extend(self.value(source, value, steps - 1));
            }
        }
        found
    }

    /// `x.flatten(1)` for the first argument, or a layer before the one in a container.
    fn flatten(&self, call: Span, declared: Option<Span>) -> Vec<Candidate> {
        let mut found = Vec::new();
        let expr = expression_at(self.source, call);
        if let Some(first) = expr.as_ref().and_then(Call::of).and_then(|call| call.args.first()) {
            found.push(vec![self.method(first, "flatten(1)")]);
        }
        let layer = declared.and_then(|span| expression_at(self.source, span));
        if let Some(layer) = layer.as_ref().and_then(Call::of) {
            let func = self.source.slice(layer.func.span);
            let prefix =
                func.rsplit_once('.').map_or(String::new(), |(head, _)| format!("{head}."));
            let text = format!("{prefix}Flatten(), ");
            found.push(vec![Edit { span: at_start(layer.span), text }]);
        }
        found
    }

    /// `.NAME` behind an expression, in brackets where it needs some.
    fn method(&self, expr: &Expr, name: &str) -> Edit {
        if is_primary(expr) {
            return Edit { span: at_end(expr.span), text: format!(".{name}") };
        }
        let text = format!("({}).{name}", self.source.slice(expr.span));
        Edit { span: expr.span, text }
    }

    /// `Conv2d` for `Conv1d`.
    fn rank(&self, call: Span, spatial: usize) -> Option<Candidate> {
        let expr = expression_at(self.source, call)?;
        let call = Call::of(&expr)?;
        let stem = call.callee()?.strip_suffix('d')?.strip_suffix(['1', '2', '3'])?;
        let text = format!("{stem}{spatial}d");
        Some(vec![Edit { span: last_name(call.func)?, text }])
    }

    fn callee(&self, place: Span, name: &str) -> Option<Candidate> {
        let expr = expression_at(self.source, place)?;
        let func = Call::of(&expr).map_or(&expr, |call| call.func);
        let span = if name.contains('.') { func.span } else { last_name(func)? };
        Some(vec![Edit { span, text: name.to_owned() }])
    }

    /// A word in place of another, at each of its places within a span.
    fn words(&self, place: Span, wrong: &str, right: &str) -> Vec<Candidate> {
        let text = self.source.slice(place);
        let is_part = |c: char| c.is_alphanumeric() || c == '_';
        let starts = text.match_indices(wrong).filter(|(start, _)| {
            let before = text.get(..*start).and_then(|text| text.chars().next_back());
            let after = text.get(start + wrong.len()..).and_then(|text| text.chars().next());
            !before.is_some_and(is_part) && !after.is_some_and(is_part)
        });
        let offset = |length: usize| place.start.saturating_add(u32::try_from(length).unwrap_or(0));
        starts
            .map(|(start, _)| Span {
                start: offset(start),
                end: offset(start + wrong.len()),
                ..place
            })
            .map(|span| vec![Edit { span, text: right.to_owned() }])
            .collect()
    }

    /// The last size of `x.view(..)`, written one by one or as a tuple.
    fn last_size(&self, call: Span, value: i64) -> Vec<Candidate> {
        let Some(expr) = expression_at(self.source, call) else { return Vec::new() };
        let last = Call::of(&expr).and_then(|call| call.args.last());
        let size = last.and_then(|last| match &*last.kind {
            ExprKind::Tuple(items) | ExprKind::List(items) => items.last(),
            _ => Some(last),
        });
        size.map_or_else(Vec::new, |size| self.value(size, value, STEPS))
    }

    /// Behind the right operand of each matrix product within a span.
    fn transpose_right(&self, place: Span) -> Vec<Candidate> {
        let Some(expr) = expression_at(self.source, place) else { return Vec::new() };
        let operands = below(&expr).into_iter().filter_map(right_operand);
        operands.map(|right| vec![self.method(right, "transpose(-2, -1)")]).collect()
    }

    /// `//` for each `/` of a call's arguments; of the file where they have none.
    fn floor_division(&self, place: Span) -> Vec<Candidate> {
        let within = expression_at(self.source, place);
        let near = within.as_ref().map_or_else(Vec::new, |expr| self.divisions(&below(expr)));
        if !near.is_empty() {
            return vec![near];
        }
        let everywhere = crate::ast::visit::all_expressions(&self.module.body);
        let edits = self.divisions(&everywhere);
        edits.into_iter().map(|edit| vec![edit]).collect()
    }

    fn divisions(&self, expressions: &[&Expr]) -> Vec<Edit> {
        let slash = |expr: &&Expr| {
            let ExprKind::Binary { op: BinaryOp::Div, left, right } = &*expr.kind else {
                return None;
            };
            let between = Span { start: left.span.end, end: right.span.start, ..expr.span };
            let offset = u32::try_from(self.source.slice(between).find('/')?).ok()?;
            let start = between.start + offset;
            let span = Span { start, end: start + 1, ..expr.span };
            Some(Edit { span, text: "//".to_owned() })
        };
        expressions.iter().filter_map(slash).collect()
    }

    /// On a line of its own, as far in as the statement that it stands before.
    fn super_init(&self, before: Span) -> Option<Candidate> {
        let first = constructor_start(&self.module, before)?;
        let line = self.source.text().get(..first.start as usize)?.rsplit('\n').next()?;
        let indent = Some(line).filter(|line| line.trim().is_empty())?;
        let span = at_start(first);
        Some(vec![Edit { span, text: format!("super().__init__()\n{indent}") }])
    }
}

fn at_start(span: Span) -> Span {
    Span { end: span.start, ..span }
}

fn at_end(span: Span) -> Span {
    Span { start: span.end, ..span }
}

/// Where the last name of `a.b.c` stands.
fn last_name(func: &Expr) -> Option<Span> {
    match &*func.kind {
        ExprKind::Name(_) => Some(func.span),
        ExprKind::Attribute { attr_span, .. } => Some(*attr_span),
        _ => None,
    }
}

/// An expression and all below it.
fn below(expr: &Expr) -> Vec<&Expr> {
    let mut found = Vec::new();
    let mut waiting = vec![expr];
    while let Some(expr) = waiting.pop() {
        found.push(expr);
        waiting.extend(expressions_of(expr));
    }
    found
}

/// The right operand of a matrix product: `a @ b`, `torch.matmul(a, b)`, `a.matmul(b)`.
fn right_operand(expr: &Expr) -> Option<&Expr> {
    if let ExprKind::Binary { op: BinaryOp::MatMul, right, .. } = &*expr.kind {
        return Some(right);
    }
    let call = Call::of(expr)?;
    matches!(call.callee()?, "matmul" | "bmm" | "mm").then(|| call.args.last()).flatten()
}
