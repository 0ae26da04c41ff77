//! Expressions: pairs of the grammar to nodes. Precedence lies in `operation`, literals in `string`.

use std::sync::Arc;

use pest::iterators::{Pair, Pairs};

use super::grammar::Rule;
use super::{Builder, Result, SyntaxError};
use crate::ast::{
    Comprehension, Expr, ExprKind, FunctionDef, Keyword, Name, Parameter, Parameters, Stmt,
    StmtKind,
};
use crate::source::Span;

/// A node at a place.
pub(super) fn expr(kind: ExprKind, span: Span) -> Expr {
    Expr { kind: Box::new(kind), span }
}

/// Whether a pair is one of the keywords that only structure an expression.
fn is_keyword(pair: &Pair<'_, Rule>) -> bool {
    matches!(
        pair.as_rule(),
        Rule::kw_if
            | Rule::kw_else
            | Rule::kw_for
            | Rule::kw_in
            | Rule::kw_from
            | Rule::kw_yield
            | Rule::kw_lambda
            | Rule::kw_async
            | Rule::kw_as
            | Rule::equals
    )
}

/// The children of a pair without structuring keywords.
pub(super) fn children<'i>(pair: Pair<'i, Rule>) -> impl Iterator<Item = Pair<'i, Rule>> {
    pair.into_inner().filter(|child| !is_keyword(child))
}

impl Builder<'_> {
    /// Any expression.
    pub(super) fn expr(&mut self, pair: Pair<'_, Rule>) -> Result<Expr> {
        match pair.as_rule() {
            Rule::starred_list | Rule::target_list => self.list_or_one(pair),
            Rule::named => self.named(pair),
            Rule::expression => self.conditional(pair),
            Rule::operation => self.operation(pair),
            Rule::postfix => self.postfix(pair),
            Rule::lambda => self.lambda(pair),
            Rule::yield_expression => self.yielded(pair),
            Rule::starred | Rule::starred_target | Rule::star_argument => {
                let span = self.span(&pair);
                Ok(expr(ExprKind::Starred(self.only(pair)?), span))
            }
            Rule::annotation
            | Rule::default
            | Rule::returns
            | Rule::dict_value
            | Rule::mapping_argument
            | Rule::dict_spread
            | Rule::slice_upper
            | Rule::slice_step
            | Rule::condition
            | Rule::yield_from => self.only(pair),
            _ => self.atom(pair),
        }
    }

    /// The one expression within a pair.
    pub(super) fn only(&mut self, pair: Pair<'_, Rule>) -> Result<Expr> {
        let span = self.span(&pair);
        match children(pair).next() {
            Some(child) => self.expr(child),
            None => Ok(expr(ExprKind::None, span)),
        }
    }

    /// One expression, or a tuple if there is a comma.
    fn list_or_one(&mut self, pair: Pair<'_, Rule>) -> Result<Expr> {
        let span = self.span(&pair);
        let is_tuple = pair.clone().into_inner().any(|child| child.as_rule() == Rule::comma);
        let mut items = self.items(pair)?;
        match items.pop() {
            Some(only) if !is_tuple => Ok(only),
            last => {
                items.extend(last);
                Ok(expr(ExprKind::Tuple(items), span))
            }
        }
    }

    fn items(&mut self, pair: Pair<'_, Rule>) -> Result<Vec<Expr>> {
        children(pair)
            .filter(|child| child.as_rule() != Rule::comma)
            .map(|child| self.expr(child))
            .collect()
    }

    fn named(&mut self, pair: Pair<'_, Rule>) -> Result<Expr> {
        let span = self.span(&pair);
        let mut inner = pair.into_inner();
        match (inner.next(), inner.next()) {
            (Some(walrus), Some(value)) => {
                let target = self.first_name(walrus);
                let value = self.expr(value)?;
                Ok(expr(ExprKind::NamedExpr { target, value }, span))
            }
            (Some(only), None) => self.expr(only),
            (None, _) => Ok(expr(ExprKind::None, span)),
        }
    }

    /// The text of the first name within a pair.
    pub(super) fn first_name(&self, pair: Pair<'_, Rule>) -> Name {
        let found = pair.into_inner().find(|child| child.as_rule() == Rule::name);
        Arc::from(found.map_or("", |child| child.as_str()))
    }

    /// `a if b else c if d else e`, folded from the right.
    fn conditional(&mut self, pair: Pair<'_, Rule>) -> Result<Expr> {
        let parts: Vec<Pair<'_, Rule>> = children(pair.clone()).collect();
        if parts.len() > 2 * self.limits.max_chain {
            return Err(self.too_deep(self.limits.max_chain, &pair));
        }
        let mut parts: Vec<Expr> =
            parts.into_iter().map(|part| self.expr(part)).collect::<Result<_>>()?;
        let mut result = parts.pop().unwrap_or_else(|| expr(ExprKind::None, self.span(&pair)));
        while let (Some(test), Some(body)) = (parts.pop(), parts.pop()) {
            let span = body.span.to(result.span);
            result = expr(ExprKind::IfExp { test, body, orelse: result }, span);
        }
        Ok(result)
    }

    fn lambda(&mut self, pair: Pair<'_, Rule>) -> Result<Expr> {
        let span = self.span(&pair);
        let mut params = Parameters::default();
        let mut body = Vec::new();
        self.generators.push(false);
        for child in children(pair) {
            if child.as_rule() == Rule::lambda_parameters {
                params = self.parameters(child)?;
            } else {
                let value = self.expr(child)?;
                let span = value.span;
                body.push(Stmt { kind: StmtKind::Return(Some(value)), span });
            }
        }
        let is_generator = self.generators.pop().unwrap_or(false);
        let function = FunctionDef {
            name: Arc::from("<lambda>"),
            name_span: span,
            params,
            body,
            decorators: Vec::new(),
            returns: None,
            is_generator,
            is_async: false,
        };
        Ok(expr(ExprKind::Lambda(Arc::new(function)), span))
    }

    /// The parameters of a function or lambda, sorted into their kinds.
    pub(super) fn parameters(&mut self, pair: Pair<'_, Rule>) -> Result<Parameters> {
        let mut parameters = Parameters::default();
        let mut keyword_only = false;
        for child in pair.into_inner() {
            let span = self.span(&child);
            let marker = child.clone().into_inner().next().map(|first| first.as_rule());
            let parameter = self.parameter(child)?;
            match marker {
                Some(Rule::double_star) => parameters.var_kwargs = Some(parameter),
                Some(Rule::star) => {
                    keyword_only = true;
                    if !parameter.name.is_empty() {
                        parameters.var_args = Some(parameter);
                    }
                }
                Some(Rule::slash) => {
                    parameters.positional_only = std::mem::take(&mut parameters.regular);
                }
                _ if keyword_only => parameters.keyword_only.push(parameter),
                _ => parameters.regular.push(Parameter { span, ..parameter }),
            }
        }
        Ok(parameters)
    }

    fn parameter(&mut self, pair: Pair<'_, Rule>) -> Result<Parameter> {
        let span = self.span(&pair);
        let mut parameter =
            Parameter { name: Arc::from(""), annotation: None, default: None, span };
        for child in pair.into_inner() {
            match child.as_rule() {
                Rule::name => parameter.name = Arc::from(child.as_str()),
                Rule::annotation => parameter.annotation = Some(self.only(child)?),
                Rule::default => parameter.default = Some(self.only(child)?),
                _ => {}
            }
        }
        Ok(parameter)
    }

    fn yielded(&mut self, pair: Pair<'_, Rule>) -> Result<Expr> {
        if let Some(flag) = self.generators.last_mut() {
            *flag = true;
        }
        let span = self.span(&pair);
        let kind = match children(pair).next() {
            Some(child) if child.as_rule() == Rule::yield_from => {
                ExprKind::YieldFrom(self.only(child)?)
            }
            Some(child) => ExprKind::Yield(Some(self.expr(child)?)),
            None => ExprKind::Yield(None),
        };
        Ok(expr(kind, span))
    }

    /// An atom with its calls, subscripts and attributes.
    pub(super) fn postfix(&mut self, pair: Pair<'_, Rule>) -> Result<Expr> {
        if pair.clone().into_inner().count() > self.limits.max_chain {
            return Err(self.too_deep(self.limits.max_chain, &pair));
        }
        let whole = self.span(&pair);
        let mut awaited = false;
        let mut result: Option<Expr> = None;
        for child in pair.into_inner() {
            let span = Span { end: self.span(&child).end, ..whole };
            result = Some(match (child.as_rule(), result.take()) {
                (Rule::awaited, _) => {
                    awaited = true;
                    continue;
                }
                (_, None) => self.atom(child)?,
                (_, Some(value)) => {
                    let start = if awaited { value.span } else { whole };
                    let span = Span { end: span.end, ..start };
                    self.trailer(value, child, span)?
                }
            });
        }
        let result = result.unwrap_or_else(|| expr(ExprKind::None, whole));
        Ok(if awaited { expr(ExprKind::Await(result), whole) } else { result })
    }

    fn trailer(&mut self, value: Expr, pair: Pair<'_, Rule>, span: Span) -> Result<Expr> {
        let kind = match pair.as_rule() {
            Rule::call => {
                let (args, keywords) = match pair.into_inner().next() {
                    Some(arguments) => self.arguments(arguments)?,
                    None => (Vec::new(), Vec::new()),
                };
                ExprKind::Call { func: value, args, keywords }
            }
            Rule::subscript => ExprKind::Subscript { value, index: self.subscript(pair)? },
            _ => {
                let name = pair.into_inner().next();
                let attr_span = name.as_ref().map_or(span, |name| self.span(name));
                let attr = Arc::from(name.map_or("", |name| name.as_str()));
                ExprKind::Attribute { value, attr, attr_span }
            }
        };
        Ok(expr(kind, span))
    }

    /// Positional and keyword arguments.
    pub(super) fn arguments(&mut self, pair: Pair<'_, Rule>) -> Result<(Vec<Expr>, Vec<Keyword>)> {
        let (mut args, mut keywords) = (Vec::new(), Vec::new());
        for argument in pair.into_inner() {
            let span = self.span(&argument);
            let mut inner = argument.into_inner().peekable();
            let Some(first) = inner.next() else { continue };
            match first.as_rule() {
                Rule::keyword_argument => {
                    let name = Some(self.first_name(first.clone()));
                    let value = match first.into_inner().nth(2) {
                        Some(value) => self.expr(value)?,
                        None => expr(ExprKind::None, span),
                    };
                    keywords.push(Keyword { name, value, span });
                }
                Rule::mapping_argument => {
                    keywords.push(Keyword { name: None, value: self.only(first)?, span });
                }
                _ if inner.peek().is_some() => {
                    let element = self.expr(first)?;
                    let clauses = self.clauses(inner)?;
                    args.push(expr(ExprKind::GeneratorExp { element, clauses }, span));
                }
                _ => args.push(self.expr(first)?),
            }
        }
        Ok((args, keywords))
    }

    fn subscript(&mut self, pair: Pair<'_, Rule>) -> Result<Expr> {
        let span = self.span(&pair);
        let is_tuple = pair.clone().into_inner().any(|child| child.as_rule() == Rule::comma);
        let mut items = Vec::new();
        for child in pair.into_inner().filter(|child| child.as_rule() != Rule::comma) {
            items.push(self.subscript_item(child)?);
        }
        match (items.pop(), is_tuple) {
            (Some(only), false) => Ok(only),
            (last, _) => {
                items.extend(last);
                Ok(expr(ExprKind::Tuple(items), span))
            }
        }
    }

    fn subscript_item(&mut self, pair: Pair<'_, Rule>) -> Result<Expr> {
        let span = self.span(&pair);
        let mut lower = None;
        for child in pair.into_inner() {
            if child.as_rule() == Rule::slice_rest {
                let (mut upper, mut step) = (None, None);
                for bound in child.into_inner() {
                    match bound.as_rule() {
                        Rule::slice_upper => upper = Some(self.only(bound)?),
                        _ => step = Some(self.only(bound)?),
                    }
                }
                return Ok(expr(ExprKind::Slice { lower, upper, step }, span));
            }
            lower = Some(self.expr(child)?);
        }
        Ok(lower.unwrap_or_else(|| expr(ExprKind::None, span)))
    }

    fn clauses<'i>(
        &mut self,
        pairs: impl Iterator<Item = Pair<'i, Rule>>,
    ) -> Result<Vec<Comprehension>> {
        pairs.map(|pair| self.clause(pair)).collect()
    }

    fn clause(&mut self, pair: Pair<'_, Rule>) -> Result<Comprehension> {
        let span = self.span(&pair);
        let nothing = || expr(ExprKind::None, span);
        let (mut target, mut iter, mut conditions) = (nothing(), nothing(), Vec::new());
        for child in children(pair) {
            match child.as_rule() {
                Rule::target_list => target = self.expr(child)?,
                Rule::condition => conditions.push(self.only(child)?),
                _ => iter = self.expr(child)?,
            }
        }
        Ok(Comprehension { target, iter, conditions })
    }

    /// What operators and trailers apply to.
    fn atom(&mut self, pair: Pair<'_, Rule>) -> Result<Expr> {
        let span = self.span(&pair);
        let kind = match pair.as_rule() {
            Rule::group => return self.group(pair),
            Rule::list => self.list(pair)?,
            Rule::braces => self.braces(pair)?,
            Rule::strings => self.strings(pair)?,
            Rule::number => self.number(&pair)?,
            Rule::ellipsis => ExprKind::Ellipsis,
            Rule::literal => match pair.as_str() {
                "True" => ExprKind::Bool(true),
                "False" => ExprKind::Bool(false),
                _ => ExprKind::None,
            },
            _ => ExprKind::Name(Arc::from(pair.as_str())),
        };
        Ok(expr(kind, span))
    }

    /// `(a)`, `(a, b)`, `()`, `(a for ..)`. The span of a lone expression stays its own.
    fn group(&mut self, pair: Pair<'_, Rule>) -> Result<Expr> {
        let span = self.span(&pair);
        let is_tuple = pair.clone().into_inner().any(|child| child.as_rule() == Rule::comma);
        let (mut items, clauses) = self.items_and_clauses(pair.into_inner())?;
        match items.pop() {
            Some(element) if !clauses.is_empty() => {
                Ok(expr(ExprKind::GeneratorExp { element, clauses }, span))
            }
            Some(only) if !is_tuple => Ok(Expr { span, ..only }),
            last => {
                items.extend(last);
                Ok(expr(ExprKind::Tuple(items), span))
            }
        }
    }

    fn list(&mut self, pair: Pair<'_, Rule>) -> Result<ExprKind> {
        let (mut items, clauses) = self.items_and_clauses(pair.into_inner())?;
        if clauses.is_empty() {
            return Ok(ExprKind::List(items));
        }
        Ok(match items.pop() {
            Some(element) => ExprKind::ListComp { element, clauses },
            None => ExprKind::List(items),
        })
    }

    fn items_and_clauses(
        &mut self,
        pairs: Pairs<'_, Rule>,
    ) -> Result<(Vec<Expr>, Vec<Comprehension>)> {
        let (mut items, mut clauses) = (Vec::new(), Vec::new());
        for child in pairs {
            match child.as_rule() {
                Rule::comma => {}
                Rule::comprehension => clauses.push(self.clause(child)?),
                _ => items.push(self.expr(child)?),
            }
        }
        Ok((items, clauses))
    }

    /// A dictionary if its first item has a value or spreads a mapping, else a set.
    fn braces(&mut self, pair: Pair<'_, Rule>) -> Result<ExprKind> {
        let (mut entries, mut clauses) = (Vec::new(), Vec::new());
        for child in pair.into_inner() {
            match child.as_rule() {
                Rule::comprehension => clauses.push(self.clause(child)?),
                _ => entries.push(self.brace_item(child)?),
            }
        }
        let is_dict = entries.iter().all(|(_, value)| value.is_some());
        if clauses.is_empty() {
            return self.dict_or_set(entries, is_dict);
        }
        match entries.pop() {
            Some((Some(key), Some(value))) => Ok(ExprKind::DictComp { key, value, clauses }),
            Some((Some(element), None)) => Ok(ExprKind::SetComp { element, clauses }),
            Some((None, Some(value))) => Err(SyntaxError::Literal {
                reason: "a dictionary comprehension cannot spread a mapping".to_owned(),
                span: value.span,
            }),
            Some((None, None)) | None => Ok(ExprKind::Dict(Vec::new())),
        }
    }

    fn dict_or_set(
        &mut self,
        entries: Vec<(Option<Expr>, Option<Expr>)>,
        is_dict: bool,
    ) -> Result<ExprKind> {
        if is_dict {
            let pairs = entries.into_iter().filter_map(|(key, value)| Some((key, value?)));
            return Ok(ExprKind::Dict(pairs.collect()));
        }
        let mut items = Vec::new();
        for (key, value) in entries {
            match (key, value) {
                (Some(item), None) => items.push(item),
                (_, Some(value)) => {
                    let reason = "a set and a dictionary cannot be mixed".to_owned();
                    return Err(SyntaxError::Literal { reason, span: value.span });
                }
                (None, None) => {}
            }
        }
        Ok(ExprKind::Set(items))
    }

    /// Key and value; no key for `**mapping`, no value for the element of a set.
    fn brace_item(&mut self, pair: Pair<'_, Rule>) -> Result<(Option<Expr>, Option<Expr>)> {
        let mut inner = pair.into_inner();
        let Some(first) = inner.next() else { return Ok((None, None)) };
        if first.as_rule() == Rule::dict_spread {
            return Ok((None, Some(self.only(first)?)));
        }
        let key = self.expr(first)?;
        let value = inner.next().map(|value| self.only(value)).transpose()?;
        Ok((Some(key), value))
    }
}
