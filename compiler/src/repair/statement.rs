//! Places in a file that are found by what is defined there: functions around a place, calls of
//! them, variables, the first import.

use crate::ast::visit::{all_expressions, parts_of};
use crate::ast::{Expr, ExprKind, FunctionDef, Module, Parameter, Stmt, StmtKind};
use crate::source::Span;

use super::call::{Argument, Call};

/// A function around a place, and the name by which it is called.
pub(super) struct Enclosing<'a> {
    pub def: &'a FunctionDef,
    /// The class if the function is a constructor, else the function itself.
    pub called: &'a str,
    /// Whether the first parameter is the object.
    pub is_method: bool,
}

/// The innermost function around a place.
pub(super) fn enclosing(body: &[Stmt], place: Span) -> Option<Enclosing<'_>> {
    within(body, place, None)
}

fn within<'a>(body: &'a [Stmt], place: Span, class: Option<&'a str>) -> Option<Enclosing<'a>> {
    let around = |span: Span| span.start <= place.start && place.end <= span.end;
    let statement = body.iter().find(|statement| around(statement.span))?;
    match &statement.kind {
        StmtKind::ClassDef(def) => within(&def.body, place, Some(&def.name)),
        StmtKind::FunctionDef(def) => within(&def.body, place, None).or_else(|| {
            let called = class.filter(|_| &*def.name == "__init__").unwrap_or(&def.name);
            Some(Enclosing { def, called, is_method: class.is_some() })
        }),
        _ => {
            let (_, blocks) = parts_of(statement)?;
            blocks.into_iter().find_map(|block| within(block, place, class))
        }
    }
}

/// The values that a variable gets around a place: in calls of the function whose parameter it is,
/// as its default, or by the one assignment of the file.
pub(super) fn sources_of<'a>(module: &'a Module, name: &str, place: Span) -> Vec<&'a Expr> {
    let mut found = Vec::new();
    if let Some(function) = enclosing(&module.body, place)
        && let Some((position, parameter)) = parameter(&function, name)
    {
        for expr in all_expressions(&module.body) {
            let Some(call) = Call::of(expr) else { continue };
            let is_meant = call.callee() == Some(function.called);
            match is_meant.then(|| call.argument_at(name, position)).flatten() {
                Some(Argument::Given(value)) => found.push(value),
                Some(Argument::Left { .. }) => found.extend(&parameter.default),
                None => {}
            }
        }
        if found.is_empty() {
            found.extend(&parameter.default);
        }
        found.sort_by_key(|value| value.span);
        found.dedup_by_key(|value| value.span);
    }
    found.extend(assigned(&module.body, name));
    found
}

fn parameter<'a>(function: &Enclosing<'a>, name: &str) -> Option<(Option<usize>, &'a Parameter)> {
    let params = &function.def.params;
    let positional = params.positional_only.iter().chain(&params.regular);
    let mut positional = positional.skip(usize::from(function.is_method)).enumerate();
    let by_position = positional.find(|(_, parameter)| &*parameter.name == name);
    let by_name = || params.keyword_only.iter().find(|parameter| &*parameter.name == name);
    by_position
        .map(|(position, parameter)| (Some(position), parameter))
        .or_else(|| by_name().map(|parameter| (None, parameter)))
}

/// The values of simple assignments to a variable, anywhere in the file.
fn assigned<'a>(body: &'a [Stmt], name: &str) -> Vec<&'a Expr> {
    let mut blocks = vec![body];
    let mut found = Vec::new();
    while let Some(block) = blocks.pop() {
        for statement in block {
            if let StmtKind::Assign { targets, value } = &statement.kind
                && let [target] = targets.as_slice()
                && matches!(&*target.kind, ExprKind::Name(known) if &**known == name)
            {
                found.push(value);
            }
            blocks.extend(parts_of(statement).into_iter().flat_map(|(_, below)| below));
        }
    }
    found
}

/// Where a statement can be put at the top of the file: before its first import, or first.
pub(super) fn top(module: &Module) -> Option<Span> {
    let is_import = |statement: &&Stmt| {
        matches!(statement.kind, StmtKind::Import(_))
            || matches!(&statement.kind, StmtKind::ImportFrom { module, .. } if module.as_deref() != Some("__future__"))
    };
    let first = module.body.iter().find(is_import).or(module.body.first())?;
    Some(Span { end: first.span.start, ..first.span })
}

/// The first statement of the constructor around a place, its documentation left out.
pub(super) fn constructor_start(module: &Module, place: Span) -> Option<Span> {
    let function = enclosing(&module.body, place).filter(|f| &*f.def.name == "__init__")?;
    let is_text = |statement: &&Stmt| matches!(&statement.kind, StmtKind::Expr(expr) if matches!(&*expr.kind, ExprKind::Str(_)));
    let first = function.def.body.iter().find(|statement| !is_text(statement))?;
    Some(Span { end: first.span.start, ..first.span })
}
