//! Statements: pairs of the grammar to nodes.

use std::sync::Arc;

use pest::iterators::{Pair, Pairs};

use super::expression::expr;
use super::grammar::Rule;
use super::{Builder, Result, SyntaxError, operation};
use crate::ast::{
    Alias, ClassDef, ExceptHandler, Expr, ExprKind, FunctionDef, Name, Parameters, Stmt, StmtKind,
};
use crate::source::Span;

impl Builder<'_> {
    /// The statements among pairs.
    pub(super) fn statements(&mut self, pairs: Pairs<'_, Rule>) -> Result<Vec<Stmt>> {
        pairs.filter(|pair| pair.as_rule() != Rule::EOI).map(|pair| self.statement(pair)).collect()
    }

    fn statement(&mut self, pair: Pair<'_, Rule>) -> Result<Stmt> {
        let span = self.span(&pair);
        let kind = match pair.as_rule() {
            Rule::if_statement => return self.if_statement(pair),
            Rule::for_statement => self.for_statement(pair)?,
            Rule::while_statement => self.while_statement(pair)?,
            Rule::try_statement => self.try_statement(pair)?,
            Rule::with_statement => self.with_statement(pair)?,
            Rule::function_definition => self.function(pair, Vec::new())?,
            Rule::class_definition => self.class(pair, Vec::new())?,
            Rule::decorated => self.decorated(pair)?,
            Rule::expression_statement => self.expression_statement(pair)?,
            _ => self.simple(pair)?,
        };
        Ok(Stmt { kind, span })
    }

    fn suite(&mut self, pair: Pair<'_, Rule>) -> Result<Vec<Stmt>> {
        self.depth += 1;
        if self.depth > self.limits.max_nesting {
            return Err(self.too_deep(self.limits.max_nesting, &pair));
        }
        let body = self.statements(pair.into_inner());
        self.depth -= 1;
        body
    }

    /// The suite within a clause such as `else: ..`.
    fn clause_suite(&mut self, pair: Pair<'_, Rule>) -> Result<Vec<Stmt>> {
        match pair.into_inner().find(|child| child.as_rule() == Rule::suite) {
            Some(suite) => self.suite(suite),
            None => Ok(Vec::new()),
        }
    }

    /// `if` with its `elif` clauses: each is an `If` alone in the `orelse` of the one before.
    fn if_statement(&mut self, pair: Pair<'_, Rule>) -> Result<Stmt> {
        let whole = self.span(&pair);
        if pair.clone().into_inner().count() > self.limits.max_chain {
            return Err(self.too_deep(self.limits.max_chain, &pair));
        }
        let mut branches: Vec<(Expr, Vec<Stmt>, Span)> = Vec::new();
        let mut orelse = Vec::new();
        let mut test = None;
        for child in pair.into_inner() {
            let start = self.span(&child).start;
            match child.as_rule() {
                Rule::named => test = Some(self.expr(child)?),
                Rule::suite => {
                    let body = self.suite(child)?;
                    branches.extend(test.take().map(|test| (test, body, whole)));
                }
                Rule::elif_clause => {
                    let (test, body, start) = self.elif(child)?;
                    branches.push((test, body, Span { start, ..whole }));
                }
                Rule::else_clause => orelse = self.clause_suite(child)?,
                _ => debug_assert!(start >= whole.start, "children lie within their statement"),
            }
        }
        while let Some((test, body, span)) = branches.pop() {
            let statement = Stmt { kind: StmtKind::If { test, body, orelse }, span };
            if branches.is_empty() {
                return Ok(statement);
            }
            orelse = vec![statement];
        }
        Ok(Stmt { kind: StmtKind::Pass, span: whole })
    }

    fn elif(&mut self, pair: Pair<'_, Rule>) -> Result<(Expr, Vec<Stmt>, u32)> {
        let mut test = expr(ExprKind::None, self.span(&pair));
        let (mut body, mut start) = (Vec::new(), test.span.start);
        for child in pair.into_inner() {
            match child.as_rule() {
                Rule::kw_elif => start = self.span(&child).start,
                Rule::named => test = self.expr(child)?,
                Rule::suite => body = self.suite(child)?,
                _ => {}
            }
        }
        Ok((test, body, start))
    }

    fn for_statement(&mut self, pair: Pair<'_, Rule>) -> Result<StmtKind> {
        let nothing = expr(ExprKind::None, self.span(&pair));
        let (mut target, mut iter) = (nothing.clone(), nothing);
        let (mut body, mut orelse) = (Vec::new(), Vec::new());
        for child in pair.into_inner() {
            match child.as_rule() {
                Rule::for_header => {
                    for part in child.into_inner() {
                        match part.as_rule() {
                            Rule::target_list => target = self.target(part)?,
                            Rule::starred_list => iter = self.expr(part)?,
                            _ => {}
                        }
                    }
                }
                Rule::suite => body = self.suite(child)?,
                Rule::else_clause => orelse = self.clause_suite(child)?,
                _ => {}
            }
        }
        Ok(StmtKind::For { target, iter, body, orelse })
    }

    fn while_statement(&mut self, pair: Pair<'_, Rule>) -> Result<StmtKind> {
        let mut test = expr(ExprKind::None, self.span(&pair));
        let (mut body, mut orelse) = (Vec::new(), Vec::new());
        for child in pair.into_inner() {
            match child.as_rule() {
                Rule::named => test = self.expr(child)?,
                Rule::suite => body = self.suite(child)?,
                Rule::else_clause => orelse = self.clause_suite(child)?,
                _ => {}
            }
        }
        Ok(StmtKind::While { test, body, orelse })
    }

    fn try_statement(&mut self, pair: Pair<'_, Rule>) -> Result<StmtKind> {
        let (mut body, mut handlers) = (Vec::new(), Vec::new());
        let (mut orelse, mut finalbody) = (Vec::new(), Vec::new());
        for child in pair.into_inner() {
            match child.as_rule() {
                Rule::suite => body = self.suite(child)?,
                Rule::except_clause => handlers.push(self.handler(child)?),
                Rule::else_clause => orelse = self.clause_suite(child)?,
                Rule::finally_clause => finalbody = self.clause_suite(child)?,
                _ => {}
            }
        }
        Ok(StmtKind::Try { body, handlers, orelse, finalbody })
    }

    fn handler(&mut self, pair: Pair<'_, Rule>) -> Result<ExceptHandler> {
        let span = self.span(&pair);
        let mut handler = ExceptHandler { exception: None, name: None, body: Vec::new(), span };
        for child in pair.into_inner() {
            match child.as_rule() {
                Rule::except_header => {
                    for part in child.into_inner() {
                        match part.as_rule() {
                            Rule::name => handler.name = Some(Arc::from(part.as_str())),
                            Rule::starred_list => handler.exception = Some(self.expr(part)?),
                            _ => {}
                        }
                    }
                }
                Rule::suite => handler.body = self.suite(child)?,
                _ => {}
            }
        }
        Ok(handler)
    }

    fn with_statement(&mut self, pair: Pair<'_, Rule>) -> Result<StmtKind> {
        let (mut items, mut body) = (Vec::new(), Vec::new());
        for child in pair.into_inner() {
            match child.as_rule() {
                Rule::with_header => {
                    for item in child.into_inner() {
                        items.push(self.with_item(item)?);
                    }
                }
                Rule::suite => body = self.suite(child)?,
                _ => {}
            }
        }
        Ok(StmtKind::With { items, body })
    }

    fn with_item(&mut self, pair: Pair<'_, Rule>) -> Result<(Expr, Option<Expr>)> {
        let mut context = expr(ExprKind::None, self.span(&pair));
        let mut target = None;
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::expression => context = self.expr(part)?,
                Rule::kw_as => {}
                _ => target = Some(self.target(part)?),
            }
        }
        Ok((context, target))
    }

    fn decorated(&mut self, pair: Pair<'_, Rule>) -> Result<StmtKind> {
        let mut decorators = Vec::new();
        for child in pair.into_inner() {
            match child.as_rule() {
                Rule::decorator => decorators.push(self.only(child)?),
                Rule::class_definition => return self.class(child, decorators),
                _ => return self.function(child, decorators),
            }
        }
        Ok(StmtKind::Pass)
    }

    fn function(&mut self, pair: Pair<'_, Rule>, decorators: Vec<Expr>) -> Result<StmtKind> {
        let mut function = FunctionDef {
            name: Arc::from(""),
            name_span: self.span(&pair),
            params: Parameters::default(),
            body: Vec::new(),
            decorators,
            returns: None,
            is_generator: false,
            is_async: false,
        };
        for child in pair.into_inner() {
            match child.as_rule() {
                Rule::async_marker => function.is_async = true,
                Rule::function_header => self.function_header(child, &mut function)?,
                Rule::suite => {
                    self.generators.push(false);
                    function.body = self.suite(child)?;
                    function.is_generator = self.generators.pop().unwrap_or(false);
                }
                _ => {}
            }
        }
        Ok(StmtKind::FunctionDef(Arc::new(function)))
    }

    fn function_header(&mut self, pair: Pair<'_, Rule>, function: &mut FunctionDef) -> Result<()> {
        for child in pair.into_inner() {
            match child.as_rule() {
                Rule::name => {
                    function.name_span = self.span(&child);
                    function.name = Arc::from(child.as_str());
                }
                Rule::parameters => function.params = self.parameters(child)?,
                _ => function.returns = Some(self.only(child)?),
            }
        }
        Ok(())
    }

    fn class(&mut self, pair: Pair<'_, Rule>, decorators: Vec<Expr>) -> Result<StmtKind> {
        let mut class = ClassDef {
            name: Arc::from(""),
            name_span: self.span(&pair),
            bases: Vec::new(),
            keywords: Vec::new(),
            body: Vec::new(),
            decorators,
        };
        for child in pair.into_inner() {
            match child.as_rule() {
                Rule::class_header => {
                    for part in child.into_inner() {
                        if part.as_rule() == Rule::name {
                            class.name_span = self.span(&part);
                            class.name = Arc::from(part.as_str());
                        } else {
                            (class.bases, class.keywords) = self.arguments(part)?;
                        }
                    }
                }
                Rule::suite => class.body = self.suite(child)?,
                _ => {}
            }
        }
        Ok(StmtKind::ClassDef(Arc::new(class)))
    }

    /// An expression alone, or one of the three kinds of assignment.
    fn expression_statement(&mut self, pair: Pair<'_, Rule>) -> Result<StmtKind> {
        let mut inner = pair.into_inner();
        let Some(first) = inner.next() else { return Ok(StmtKind::Pass) };
        let first = self.expr(first)?;
        let Some(second) = inner.next() else { return Ok(StmtKind::Expr(first)) };
        match second.as_rule() {
            Rule::annotated => {
                let mut parts = second.into_inner();
                let annotation = parts.next().map(|part| self.expr(part)).transpose()?;
                let value = parts.next().map(|part| self.expr(part)).transpose()?;
                let annotation = annotation.unwrap_or_else(|| expr(ExprKind::None, first.span));
                Ok(StmtKind::AnnAssign { target: assignable(first)?, annotation, value })
            }
            Rule::augmented => {
                let mut parts = second.into_inner();
                let operator = parts.next().map_or("", |part| part.as_str());
                let op = operation::augmented(operator);
                let value = parts.next().map(|part| self.expr(part)).transpose()?;
                let value = value.unwrap_or_else(|| expr(ExprKind::None, first.span));
                Ok(StmtKind::AugAssign { target: assignable(first)?, op, value })
            }
            _ => {
                let mut values = vec![first, self.only(second)?];
                for assigned in inner {
                    values.push(self.only(assigned)?);
                }
                let value = values.pop().unwrap_or_else(|| {
                    expr(ExprKind::None, Span { file: self.file, start: 0, end: 0 })
                });
                let targets = values.into_iter().map(assignable).collect::<Result<_>>()?;
                Ok(StmtKind::Assign { targets, value })
            }
        }
    }

    fn target(&mut self, pair: Pair<'_, Rule>) -> Result<Expr> {
        assignable(self.expr(pair)?)
    }

    fn simple(&mut self, pair: Pair<'_, Rule>) -> Result<StmtKind> {
        Ok(match pair.as_rule() {
            Rule::return_statement => StmtKind::Return(self.operands(pair)?.into_iter().next()),
            Rule::pass_statement => StmtKind::Pass,
            Rule::break_statement => StmtKind::Break,
            Rule::continue_statement => StmtKind::Continue,
            Rule::raise_statement => {
                let mut operands = self.operands(pair)?.into_iter();
                StmtKind::Raise { exc: operands.next(), cause: operands.next() }
            }
            Rule::assert_statement => {
                let span = self.span(&pair);
                let mut operands = self.operands(pair)?.into_iter();
                let test = operands.next().unwrap_or_else(|| expr(ExprKind::None, span));
                StmtKind::Assert { test, message: operands.next() }
            }
            Rule::global_statement => StmtKind::Global(names(pair)),
            Rule::nonlocal_statement => StmtKind::Nonlocal(names(pair)),
            Rule::del_statement => {
                let operands = self.operands(pair)?;
                StmtKind::Delete(operands.into_iter().flat_map(tuple_items).collect())
            }
            Rule::import_statement => {
                let aliases = pair.into_inner().filter(|child| child.as_rule() != Rule::kw_import);
                StmtKind::Import(aliases.map(|alias| self.alias(alias)).collect())
            }
            _ => self.import_from(pair),
        })
    }

    /// The expressions of a simple statement.
    fn operands(&mut self, pair: Pair<'_, Rule>) -> Result<Vec<Expr>> {
        pair.into_inner()
            .filter(|child| {
                matches!(child.as_rule(), Rule::expression | Rule::starred_list | Rule::target_list)
            })
            .map(|child| self.expr(child))
            .collect()
    }

    fn alias(&self, pair: Pair<'_, Rule>) -> Alias {
        let span = self.span(&pair);
        let mut alias = Alias { name: Arc::from(""), asname: None, span };
        for child in pair.into_inner() {
            match child.as_rule() {
                Rule::dotted_name => alias.name = dotted(&child),
                Rule::name if alias.name.is_empty() => alias.name = Arc::from(child.as_str()),
                Rule::name => alias.asname = Some(Arc::from(child.as_str())),
                _ => {}
            }
        }
        alias
    }

    fn import_from(&self, pair: Pair<'_, Rule>) -> StmtKind {
        let (mut module, mut names, mut level) = (None, Vec::new(), 0);
        for child in pair.into_inner() {
            match child.as_rule() {
                Rule::dots => level = u32::try_from(child.into_inner().count()).unwrap_or(u32::MAX),
                Rule::dotted_name => module = Some(dotted(&child)),
                Rule::import_star => {
                    let span = self.span(&child);
                    names.push(Alias { name: Arc::from("*"), asname: None, span });
                }
                Rule::import_alias => names.push(self.alias(child)),
                _ => {}
            }
        }
        StmtKind::ImportFrom { module, names, level }
    }
}

fn names(pair: Pair<'_, Rule>) -> Vec<Name> {
    pair.into_inner()
        .filter(|child| child.as_rule() == Rule::name)
        .map(|child| Arc::from(child.as_str()))
        .collect()
}

fn dotted(pair: &Pair<'_, Rule>) -> Name {
    pair.as_str().split_whitespace().collect::<String>().into()
}

fn tuple_items(value: Expr) -> Vec<Expr> {
    match *value.kind {
        ExprKind::Tuple(items) => items,
        kind => vec![Expr { kind: Box::new(kind), span: value.span }],
    }
}

/// The expression, if it can stand left of `=`.
fn assignable(target: Expr) -> Result<Expr> {
    let found = match &*target.kind {
        ExprKind::Name(_) | ExprKind::Attribute { .. } | ExprKind::Subscript { .. } => {
            return Ok(target);
        }
        ExprKind::Starred(_) | ExprKind::Tuple(_) | ExprKind::List(_) => {
            return Ok(target);
        }
        ExprKind::Call { .. } => "a call",
        ExprKind::Compare { .. } => "a comparison",
        ExprKind::Binary { .. } | ExprKind::Unary { .. } | ExprKind::BoolOp { .. } => {
            "an operation"
        }
        ExprKind::Bool(_) | ExprKind::None | ExprKind::Ellipsis => "a constant",
        _ => "this expression",
    };
    Err(SyntaxError::Target { found, span: target.span })
}
