//! Calls in a text, and which of their arguments belongs to which parameter.

use crate::ast::{Expr, ExprKind, Keyword, StmtKind};
use crate::eval::signature_of;
use crate::source::{FileId, SourceFile, Span};
use crate::syntax::{self, SourceLimits};

/// The file that may be edited.
pub(super) const MAIN: FileId = FileId(0);

/// The expression that a span of the file asked about holds.
pub(super) fn expression_at(source: &SourceFile, span: Span) -> Option<Expr> {
    if span.file != MAIN || span.is_empty() {
        return None;
    }
    let range = span.start as usize..span.end as usize;
    let parsed = syntax::parse_block(source, MAIN, &SourceLimits::standard(), range).ok()?;
    match parsed.body.into_iter().next()?.kind {
        StmtKind::Expr(value) | StmtKind::Return(Some(value)) => Some(value),
        StmtKind::Assign { value, .. } => Some(value),
        _ => None,
    }
}

/// A call with its parts.
pub(super) struct Call<'a> {
    pub func: &'a Expr,
    pub args: &'a [Expr],
    pub keywords: &'a [Keyword],
    pub span: Span,
}

/// Where an argument stands, or where it would.
pub(super) enum Argument<'a> {
    Given(&'a Expr),
    /// Text to insert before the closing bracket is `, name=value`, without the comma if the call
    /// has no arguments.
    Left {
        before: Span,
        separator: &'static str,
    },
}

impl<'a> Call<'a> {
    pub(super) fn of(expr: &'a Expr) -> Option<Call<'a>> {
        match &*expr.kind {
            ExprKind::Call { func, args, keywords } => {
                Some(Call { func, args, keywords, span: expr.span })
            }
            _ => None,
        }
    }

    /// The last name of what is called: `Conv2d` of `nn.Conv2d(..)`.
    pub(super) fn callee(&self) -> Option<&'a str> {
        match &*self.func.kind {
            ExprKind::Name(name) | ExprKind::Attribute { attr: name, .. } => Some(name),
            _ => None,
        }
    }

    /// The argument for a parameter of a layer or function that nasc knows.
    pub(super) fn argument(&self, parameter: &str) -> Option<Argument<'a>> {
        let names = signature_of(self.callee()?)?;
        let position = names.iter().position(|name| *name == parameter)?;
        self.argument_at(parameter, Some(position))
    }

    /// The argument for a parameter of this name, the one at `position` if it is not named.
    pub(super) fn argument_at(
        &self,
        parameter: &str,
        position: Option<usize>,
    ) -> Option<Argument<'a>> {
        let named = |keyword: &&Keyword| keyword.name.as_deref() == Some(parameter);
        if let Some(keyword) = self.keywords.iter().find(named) {
            return Some(Argument::Given(&keyword.value));
        }
        let is_spread = |expr: &Expr| matches!(&*expr.kind, ExprKind::Starred(_));
        if self.args.iter().any(is_spread) || self.keywords.iter().any(|k| k.name.is_none()) {
            return None;
        }
        if let Some(given) = position.and_then(|position| self.args.get(position)) {
            return Some(Argument::Given(given));
        }
        let end = self.span.end.saturating_sub(1);
        let empty = self.args.is_empty() && self.keywords.is_empty();
        let before = Span { start: end, end, ..self.span };
        Some(Argument::Left { before, separator: if empty { "" } else { ", " } })
    }
}

/// Whether a method can be called on the text of an expression without brackets around it.
pub(super) fn is_primary(expr: &Expr) -> bool {
    matches!(
        &*expr.kind,
        ExprKind::Name(_)
            | ExprKind::Call { .. }
            | ExprKind::Attribute { .. }
            | ExprKind::Subscript { .. }
    )
}
