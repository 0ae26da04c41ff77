//! The parts of statements and expressions, for whoever looks for a node in a tree.
//! Deliberately not here: order of evaluation.

use super::{Comprehension, Expr, ExprKind, FStringPart, FunctionDef, Keyword, Stmt, StmtKind};

/// The expressions that an expression consists of. The default values of a lambda and its body
/// are among them.
#[must_use]
pub fn expressions_of(expr: &Expr) -> Vec<&Expr> {
    match &*expr.kind {
        ExprKind::Name(_)
        | ExprKind::Int(_)
        | ExprKind::Float(_)
        | ExprKind::Imaginary(_)
        | ExprKind::Str(_)
        | ExprKind::Bytes(_)
        | ExprKind::Bool(_)
        | ExprKind::None
        | ExprKind::Ellipsis => Vec::new(),
        ExprKind::FString(parts) => parts.iter().flat_map(of_part).collect(),
        ExprKind::Tuple(items) | ExprKind::List(items) | ExprKind::Set(items) => {
            items.iter().collect()
        }
        ExprKind::Dict(entries) => {
            entries.iter().flat_map(|(key, value)| key.iter().chain([value])).collect()
        }
        ExprKind::Unary { operand, .. } => vec![operand],
        ExprKind::Binary { left, right, .. } => vec![left, right],
        ExprKind::BoolOp { values, .. } => values.iter().collect(),
        ExprKind::Compare { left, rest } => {
            [left].into_iter().chain(rest.iter().map(|(_, right)| right)).collect()
        }
        ExprKind::Call { func, args, keywords } => {
            [func].into_iter().chain(args).chain(values(keywords)).collect()
        }
        ExprKind::Attribute { value, .. } | ExprKind::NamedExpr { value, .. } => vec![value],
        ExprKind::Subscript { value, index } => vec![value, index],
        ExprKind::Slice { lower, upper, step } => lower.iter().chain(upper).chain(step).collect(),
        ExprKind::Starred(value) | ExprKind::YieldFrom(value) | ExprKind::Await(value) => {
            vec![value]
        }
        ExprKind::IfExp { test, body, orelse } => vec![test, body, orelse],
        ExprKind::Lambda(def) => {
            let results = def.body.iter().flat_map(parts_of).flat_map(|part| part.0);
            defaults(def).chain(results).collect()
        }
        ExprKind::ListComp { element, clauses }
        | ExprKind::SetComp { element, clauses }
        | ExprKind::GeneratorExp { element, clauses } => {
            [element].into_iter().chain(of_clauses(clauses)).collect()
        }
        ExprKind::DictComp { key, value, clauses } => {
            [key, value].into_iter().chain(of_clauses(clauses)).collect()
        }
        ExprKind::Yield(value) => value.iter().collect(),
    }
}

/// The expressions of a statement and the blocks below it.
pub type Parts<'a> = (Vec<&'a Expr>, Vec<&'a [Stmt]>);

/// What a statement consists of. `Some` always; the `Option` lets it be flattened.
#[must_use]
pub fn parts_of(statement: &Stmt) -> Option<Parts<'_>> {
    let none: Vec<&Expr> = Vec::new();
    Some(match &statement.kind {
        StmtKind::FunctionDef(def) => {
            let around = def.decorators.iter().chain(&def.returns).chain(defaults(def));
            (around.collect(), vec![&def.body])
        }
        StmtKind::ClassDef(def) => {
            let around = def.decorators.iter().chain(&def.bases).chain(values(&def.keywords));
            (around.collect(), vec![&def.body])
        }
        StmtKind::Return(value) => (value.iter().collect(), Vec::new()),
        StmtKind::Assign { targets, value } => {
            (targets.iter().chain([value]).collect(), Vec::new())
        }
        StmtKind::AugAssign { target, value, .. } => (vec![target, value], Vec::new()),
        StmtKind::AnnAssign { target, annotation, value } => {
            ([target, annotation].into_iter().chain(value).collect(), Vec::new())
        }
        StmtKind::For { target, iter, body, orelse } => (vec![target, iter], vec![body, orelse]),
        StmtKind::While { test, body, orelse } | StmtKind::If { test, body, orelse } => {
            (vec![test], vec![body, orelse])
        }
        StmtKind::With { items, body } => (
            items.iter().flat_map(|(item, name)| [item].into_iter().chain(name)).collect(),
            vec![body],
        ),
        StmtKind::Raise { exc, cause } => (exc.iter().chain(cause).collect(), Vec::new()),
        StmtKind::Try { body, handlers, orelse, finalbody } => {
            let caught = handlers.iter().filter_map(|handler| handler.exception.as_ref());
            let handled = handlers.iter().map(|handler| handler.body.as_slice());
            let blocks = [body.as_slice()].into_iter().chain(handled);
            (caught.collect(), blocks.chain([orelse.as_slice(), finalbody]).collect())
        }
        StmtKind::Assert { test, message } => {
            ([test].into_iter().chain(message).collect(), Vec::new())
        }
        StmtKind::Delete(targets) => (targets.iter().collect(), Vec::new()),
        StmtKind::Expr(value) => (vec![value], Vec::new()),
        StmtKind::Import(_)
        | StmtKind::ImportFrom { .. }
        | StmtKind::Global(_)
        | StmtKind::Nonlocal(_)
        | StmtKind::Pass
        | StmtKind::Break
        | StmtKind::Continue => (none, Vec::new()),
    })
}

/// All expressions below some statements, outermost first.
#[must_use]
pub fn all_expressions(body: &[Stmt]) -> Vec<&Expr> {
    let mut blocks = vec![body];
    let mut found = Vec::new();
    while let Some(block) = blocks.pop() {
        for (expressions, below) in block.iter().filter_map(parts_of) {
            blocks.extend(below);
            let mut waiting = expressions;
            while let Some(expr) = waiting.pop() {
                found.push(expr);
                waiting.extend(expressions_of(expr));
            }
        }
    }
    found
}

fn defaults(def: &FunctionDef) -> impl Iterator<Item = &Expr> {
    let params = &def.params;
    let all = params.positional_only.iter().chain(&params.regular).chain(&params.keyword_only);
    all.filter_map(|parameter| parameter.default.as_ref())
}

fn values(keywords: &[Keyword]) -> impl Iterator<Item = &Expr> {
    keywords.iter().map(|keyword| &keyword.value)
}

fn of_clauses(clauses: &[Comprehension]) -> impl Iterator<Item = &Expr> {
    clauses
        .iter()
        .flat_map(|clause| [&clause.target, &clause.iter].into_iter().chain(&clause.conditions))
}

fn of_part(part: &FStringPart) -> Vec<&Expr> {
    match part {
        FStringPart::Literal(_) => Vec::new(),
        FStringPart::Value { value, spec, .. } => {
            [value].into_iter().chain(spec.iter().flat_map(of_part)).collect()
        }
    }
}
