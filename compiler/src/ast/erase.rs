//! Takes the places out of a tree, so that trees of texts that are laid out differently compare.

use std::sync::Arc;

use super::{
    Comprehension, Expr, ExprKind, FStringPart, FunctionDef, Keyword, Module, Parameter, Stmt,
    StmtKind,
};
use crate::source::{FileId, Span};

const NOWHERE: Span = Span { file: FileId(0), start: 0, end: 0 };

/// The same tree with every place at the beginning of file 0.
#[must_use]
pub fn without_places(mut module: Module) -> Module {
    statements(&mut module.body);
    module
}

fn statements(body: &mut [Stmt]) {
    body.iter_mut().for_each(statement);
}

fn expressions<'a>(list: impl IntoIterator<Item = &'a mut Expr>) {
    list.into_iter().for_each(expression);
}

fn statement(statement: &mut Stmt) {
    statement.span = NOWHERE;
    match &mut statement.kind {
        StmtKind::FunctionDef(def) => function(Arc::make_mut(def)),
        StmtKind::ClassDef(def) => {
            let def = Arc::make_mut(def);
            def.name_span = NOWHERE;
            expressions(def.bases.iter_mut().chain(&mut def.decorators));
            keywords(&mut def.keywords);
            statements(&mut def.body);
        }
        StmtKind::Return(value) => expressions(value),
        StmtKind::Assign { targets, value } => expressions(targets.iter_mut().chain([value])),
        StmtKind::AugAssign { target, value, .. } => expressions([target, value]),
        StmtKind::AnnAssign { target, annotation, value } => {
            expressions([target, annotation].into_iter().chain(value));
        }
        StmtKind::For { target, iter, body, orelse } => {
            expressions([target, iter]);
            [body, orelse].into_iter().for_each(|body| statements(body));
        }
        StmtKind::While { test, body, orelse } | StmtKind::If { test, body, orelse } => {
            expression(test);
            [body, orelse].into_iter().for_each(|body| statements(body));
        }
        StmtKind::With { items, body } => {
            for (context, target) in items {
                expressions([context].into_iter().chain(target));
            }
            statements(body);
        }
        StmtKind::Raise { exc, cause } => expressions(exc.iter_mut().chain(cause)),
        StmtKind::Try { body, handlers, orelse, finalbody } => {
            for handler in handlers {
                handler.span = NOWHERE;
                expressions(&mut handler.exception);
                statements(&mut handler.body);
            }
            [body, orelse, finalbody].into_iter().for_each(|body| statements(body));
        }
        StmtKind::Assert { test, message } => expressions([test].into_iter().chain(message)),
        StmtKind::Import(aliases) | StmtKind::ImportFrom { names: aliases, .. } => {
            aliases.iter_mut().for_each(|alias| alias.span = NOWHERE);
        }
        StmtKind::Delete(targets) => expressions(targets),
        StmtKind::Expr(value) => expression(value),
        StmtKind::Global(_)
        | StmtKind::Nonlocal(_)
        | StmtKind::Pass
        | StmtKind::Break
        | StmtKind::Continue => {}
    }
}

fn function(def: &mut FunctionDef) {
    def.name_span = NOWHERE;
    let params = &mut def.params;
    let positional = params.positional_only.iter_mut().chain(&mut params.regular);
    let variadic = params.var_args.iter_mut().chain(&mut params.var_kwargs);
    positional.chain(&mut params.keyword_only).chain(variadic).for_each(parameter);
    expressions(def.decorators.iter_mut().chain(&mut def.returns));
    statements(&mut def.body);
}

fn parameter(parameter: &mut Parameter) {
    parameter.span = NOWHERE;
    expressions(parameter.annotation.iter_mut().chain(&mut parameter.default));
}

fn keywords(keywords: &mut [Keyword]) {
    for keyword in keywords {
        keyword.span = NOWHERE;
        expression(&mut keyword.value);
    }
}

fn clauses(clauses: &mut [Comprehension]) {
    for clause in clauses {
        expressions(
            [&mut clause.target, &mut clause.iter].into_iter().chain(&mut clause.conditions),
        );
    }
}

fn parts(parts: &mut [FStringPart]) {
    for part in parts {
        if let FStringPart::Value { value, spec, .. } = part {
            expression(value);
            self::parts(spec);
        }
    }
}

fn expression(expr: &mut Expr) {
    expr.span = NOWHERE;
    match &mut *expr.kind {
        ExprKind::FString(pieces) => parts(pieces),
        ExprKind::Tuple(items) | ExprKind::List(items) | ExprKind::Set(items) => expressions(items),
        ExprKind::Dict(entries) => {
            entries.iter_mut().for_each(|(key, value)| expressions(key.iter_mut().chain([value])));
        }
        ExprKind::Unary { operand: value, .. }
        | ExprKind::NamedExpr { value, .. }
        | ExprKind::Starred(value)
        | ExprKind::YieldFrom(value)
        | ExprKind::Await(value) => expression(value),
        ExprKind::Binary { left, right, .. } => expressions([left, right]),
        ExprKind::BoolOp { values, .. } => expressions(values),
        ExprKind::Compare { left, rest } => {
            expressions([left].into_iter().chain(rest.iter_mut().map(|(_, right)| right)));
        }
        ExprKind::Call { func, args, keywords: named } => {
            expressions([func].into_iter().chain(args));
            keywords(named);
        }
        ExprKind::Attribute { value, attr_span, .. } => {
            *attr_span = NOWHERE;
            expression(value);
        }
        ExprKind::Subscript { value, index } => expressions([value, index]),
        ExprKind::Slice { lower, upper, step } => {
            expressions(lower.iter_mut().chain(upper).chain(step));
        }
        ExprKind::IfExp { test, body, orelse } => expressions([test, body, orelse]),
        ExprKind::Lambda(def) => function(Arc::make_mut(def)),
        ExprKind::ListComp { element, clauses: list }
        | ExprKind::SetComp { element, clauses: list }
        | ExprKind::GeneratorExp { element, clauses: list } => {
            expression(element);
            clauses(list);
        }
        ExprKind::DictComp { key, value, clauses: list } => {
            expressions([key, value]);
            clauses(list);
        }
        ExprKind::Yield(value) => expressions(value),
        ExprKind::Name(_)
        | ExprKind::Int(_)
        | ExprKind::Float(_)
        | ExprKind::Imaginary(_)
        | ExprKind::Str(_)
        | ExprKind::Bytes(_)
        | ExprKind::Bool(_)
        | ExprKind::None
        | ExprKind::Ellipsis => {}
    }
}
