//! Evaluation of expressions.

use std::rc::Rc;

use crate::ast::{Comprehension, Expr, ExprKind, FStringPart, Keyword, Name, UnaryOp};

use super::error::{Eval, Fix, Mistake, raise, refuse, type_error};
use super::interpreter::Interpreter;
use super::native::CallArgs;
use super::ordered::OrderedMap;
use super::scope::{Found, Scope, ScopeKind, target_locals};
use super::value::Value;

impl Interpreter<'_> {
    /// Evaluates an expression.
    pub(crate) fn expression(&mut self, expr: &Expr, scope: &Rc<Scope>) -> Eval<Value> {
        if let Some(value) = constant(expr) {
            return Ok(value);
        }
        self.fuel.step()?;
        self.fuel.enter()?;
        let result = self.evaluate(expr, scope);
        self.fuel.leave();
        result.map_err(|stop| stop.at(expr.span))
    }

    fn evaluate(&mut self, expr: &Expr, scope: &Rc<Scope>) -> Eval<Value> {
        match &*expr.kind {
            ExprKind::Name(name) => self.lookup(name, scope),
            ExprKind::Int(_)
            | ExprKind::Float(_)
            | ExprKind::Str(_)
            | ExprKind::Bytes(_)
            | ExprKind::Bool(_)
            | ExprKind::None
            | ExprKind::Ellipsis => Ok(constant(expr).unwrap_or(Value::None)),
            ExprKind::Imaginary(_) => {
                Err(refuse(Mistake::UnsupportedSyntax, "nasc does not know complex numbers"))
            }
            ExprKind::FString(parts) => self.fstring(parts, scope).map(Value::str),
            ExprKind::Tuple(items) => self.items(items, scope).map(Value::tuple),
            ExprKind::List(items) => self.items(items, scope).map(Value::list),
            ExprKind::Set(items) => {
                let items = self.items(items, scope)?;
                self.make_set(items)
            }
            ExprKind::Dict(entries) => self.dict_display(entries, scope),
            ExprKind::Unary { op, operand } => self.unary(expr, *op, operand, scope),
            ExprKind::Binary { op, left, right } => {
                let left = self.expression(left, scope)?;
                let right = self.expression(right, scope)?;
                self.visit(expr.span);
                self.binary(*op, &left, &right)
            }
            ExprKind::BoolOp { is_and, values } => self.bool_op(*is_and, values, scope),
            ExprKind::Compare { left, rest } => self.comparison(expr, left, rest, scope),
            ExprKind::Call { func, args, keywords } => {
                self.call_expression(expr, func, args, keywords, scope)
            }
            ExprKind::Attribute { value, attr, .. } => {
                let object = self.expression(value, scope)?;
                self.visit(expr.span);
                self.attribute(&object, attr)
            }
            ExprKind::Subscript { value, index } => {
                let object = self.expression(value, scope)?;
                if self.is_typing(&object) {
                    return Ok(object);
                }
                let index = self.expression(index, scope)?;
                self.visit(expr.span);
                self.item(&object, &index)
            }
            ExprKind::Slice { lower, upper, step } => {
                let lower = self.optional_expression(lower.as_ref(), scope)?;
                let upper = self.optional_expression(upper.as_ref(), scope)?;
                let step = self.optional_expression(step.as_ref(), scope)?;
                Ok(Value::Slice(Rc::new([lower, upper, step])))
            }
            ExprKind::IfExp { test, body, orelse } => {
                let chosen = if self.condition(test, scope)? { body } else { orelse };
                self.expression(chosen, scope)
            }
            ExprKind::Lambda(def) => self.make_function(def, scope),
            ExprKind::ListComp { element, clauses } => self
                .comprehension(&[element], clauses, scope)
                .map(|items| Value::list(first(items))),
            ExprKind::GeneratorExp { element, clauses } => self
                .comprehension(&[element], clauses, scope)
                .map(|items| Value::items(first(items))),
            ExprKind::SetComp { element, clauses } => {
                let items = self.comprehension(&[element], clauses, scope)?;
                self.make_set(first(items))
            }
            ExprKind::DictComp { key, value, clauses } => {
                let pairs = self.comprehension(&[key, value], clauses, scope)?;
                self.make_dict(pairs.into_iter().filter_map(pair))
            }
            ExprKind::NamedExpr { target, value } => {
                let value = self.expression(value, scope)?;
                scope.assign(target, value.clone());
                Ok(value)
            }
            ExprKind::Yield(value) => {
                let value = self.optional_expression(value.as_ref(), scope)?;
                self.yield_value(value)
            }
            ExprKind::YieldFrom(value) => {
                let iterable = self.expression(value, scope)?;
                for item in self.collect(&iterable)? {
                    self.yield_value(item)?;
                }
                Ok(Value::None)
            }
            ExprKind::Starred(_) => Err(type_error("can't use starred expression here")),
            ExprKind::Await(_) => {
                Err(refuse(Mistake::UnsupportedSyntax, "nasc does not run coroutines"))
            }
        }
    }

    fn optional_expression(&mut self, expr: Option<&Expr>, scope: &Rc<Scope>) -> Eval<Value> {
        expr.map_or(Ok(Value::None), |expr| self.expression(expr, scope))
    }

    fn yield_value(&mut self, value: Value) -> Eval<Value> {
        self.fuel.allocate(1)?;
        match self.yields.last_mut() {
            Some(values) => values.push(value),
            None => return Err(type_error("'yield' outside function")),
        }
        Ok(Value::None)
    }

    /// Looks a name up: local, enclosing, global, built-in.
    pub(crate) fn lookup(&mut self, name: &Name, scope: &Rc<Scope>) -> Eval<Value> {
        match scope.find(name) {
            Found::Value(value) => self.resolved(name, value, scope),
            Found::Unassigned => Err(raise(
                Mistake::UnassignedName,
                "UnboundLocalError",
                format!(
                    "cannot access local variable '{name}' where it is not associated with a value"
                ),
            )
            .help(format!("assign `{name}` on every path that leads here"))),
            Found::Missing => {
                let found = match self.starred(name, scope)? {
                    Some(value) => Some(value),
                    None => self.builtin(name)?,
                };
                found.ok_or_else(|| self.unknown_name(name, scope))
            }
        }
    }

    fn unknown_name(&self, name: &str, scope: &Rc<Scope>) -> Box<super::error::Stop> {
        let error =
            raise(Mistake::UnknownName, "NameError", format!("name '{name}' is not defined"));
        if let Some(import) = super::modules::usual_import(name) {
            let fix = Fix::Import(import.to_string());
            return error.help(format!("write `{import}` at the top of the file")).fix(fix);
        }
        let names = scope.names();
        let known = names.iter().map(|name| &**name);
        let close = super::suggest::closest(name, known)
            .or_else(|| super::suggest::closest(name, super::builtins::names()));
        match close {
            Some(close) => {
                let (wrong, right) = (name.to_string(), close.to_string());
                error.help(format!("did you mean `{close}`?")).fix(Fix::Name { wrong, right })
            }
            None => error.help("define it before this line"),
        }
    }

    /// Evaluates items of a display or of arguments; `*a` is spread.
    pub(crate) fn items(&mut self, items: &[Expr], scope: &Rc<Scope>) -> Eval<Vec<Value>> {
        self.fuel.allocate(items.len())?;
        let mut values = Vec::with_capacity(items.len());
        for item in items {
            match &*item.kind {
                ExprKind::Starred(inner) => {
                    let iterable = self.expression(inner, scope)?;
                    let spread = self.collect(&iterable).map_err(|stop| stop.at(item.span))?;
                    values.extend(spread);
                }
                _ => values.push(self.expression(item, scope)?),
            }
        }
        Ok(values)
    }

    fn dict_display(&mut self, entries: &[(Option<Expr>, Expr)], scope: &Rc<Scope>) -> Eval<Value> {
        self.fuel.allocate(entries.len())?;
        let mut map = OrderedMap::default();
        for (key, value) in entries {
            match key {
                Some(key) => {
                    let key = self.expression(key, scope)?;
                    let value = self.expression(value, scope)?;
                    map.insert(self.key(&key)?, (key, value));
                }
                None => {
                    let mapping = self.expression(value, scope)?;
                    for (key, value) in self.mapping_items(&mapping)? {
                        map.insert(self.key(&key)?, (key, value));
                    }
                }
            }
        }
        Ok(Value::dict(map))
    }

    fn unary(
        &mut self,
        expr: &Expr,
        op: UnaryOp,
        operand: &Expr,
        scope: &Rc<Scope>,
    ) -> Eval<Value> {
        let value = self.expression(operand, scope)?;
        self.visit(expr.span);
        match op {
            UnaryOp::Not if value.is_unknown() => Ok(Value::Unknown),
            UnaryOp::Not => Ok(Value::Bool(!self.truth(&value)?)),
            UnaryOp::Neg | UnaryOp::Pos | UnaryOp::Invert => self.unary_value(op, &value),
        }
    }

    fn bool_op(&mut self, is_and: bool, values: &[Expr], scope: &Rc<Scope>) -> Eval<Value> {
        let mut last = Value::None;
        for (position, expr) in values.iter().enumerate() {
            last = self.expression(expr, scope)?;
            let is_last = position + 1 == values.len();
            if !is_last && self.truth(&last).map_err(|stop| stop.at(expr.span))? != is_and {
                return Ok(last);
            }
        }
        Ok(last)
    }

    fn comparison(
        &mut self,
        expr: &Expr,
        left: &Expr,
        rest: &[(crate::ast::CompareOp, Expr)],
        scope: &Rc<Scope>,
    ) -> Eval<Value> {
        let mut left = self.expression(left, scope)?;
        let mut result = Value::Bool(true);
        for (position, (op, right)) in rest.iter().enumerate() {
            let right = self.expression(right, scope)?;
            self.visit(expr.span);
            result = self.compare(*op, &left, &right)?;
            let is_last = position + 1 == rest.len();
            if !is_last && !self.truth(&result)? {
                return Ok(result);
            }
            left = right;
        }
        Ok(result)
    }

    fn call_expression(
        &mut self,
        expr: &Expr,
        func: &Expr,
        args: &[Expr],
        keywords: &[Keyword],
        scope: &Rc<Scope>,
    ) -> Eval<Value> {
        if let ExprKind::Name(name) = &*func.kind
            && let Some(value) = self.special_call(name, args, scope)?
        {
            return Ok(value);
        }
        let function = self.expression(func, scope)?;
        if let Some(value) = self.ignored_call(&function) {
            return Ok(value);
        }
        let mut call = CallArgs::positional(self.items(args, scope)?);
        self.keyword_arguments(keywords, &mut call, scope)?;
        let outer = self.site;
        self.visit(expr.span);
        let result = self.call(&function, call);
        self.site = outer;
        match result {
            Err(stop) => self.recover_layer(&function, stop.at(expr.span)),
            ok => ok,
        }
    }

    /// `super()` and `locals()` look at the scope that calls them.
    fn special_call(
        &mut self,
        name: &str,
        args: &[Expr],
        scope: &Rc<Scope>,
    ) -> Eval<Option<Value>> {
        match name {
            "super" if args.is_empty() => match scope.enclosing_method() {
                Some((class, object)) => {
                    let object = super::value::SuperObject { class, object };
                    Ok(Some(Value::Super(Rc::new(object))))
                }
                None => Err(raise(Mistake::TypeMismatch, "RuntimeError", "super(): no arguments")),
            },
            "locals" if args.is_empty() && scope.kind == ScopeKind::Function => {
                let names = super::scope::parameter_order(scope);
                let pairs = names.into_iter().filter_map(|name| {
                    let value = scope.get(&name)?;
                    Some((Value::Str(name), value))
                });
                self.make_dict(pairs).map(Some)
            }
            _ => Ok(None),
        }
    }

    fn keyword_arguments(
        &mut self,
        keywords: &[Keyword],
        call: &mut CallArgs,
        scope: &Rc<Scope>,
    ) -> Eval<()> {
        for keyword in keywords {
            let value = self.expression(&keyword.value, scope)?;
            match &keyword.name {
                Some(name) => call.keywords.push((Name::clone(name), value)),
                None => {
                    for (key, value) in self.mapping_items(&value)? {
                        let Some(name) = key.as_str() else {
                            return Err(type_error("keywords must be strings"));
                        };
                        call.keywords.push((name, value));
                    }
                }
            }
        }
        Ok(())
    }

    /// Evaluates the elements of a comprehension in a scope of its own.
    fn comprehension(
        &mut self,
        elements: &[&Expr],
        clauses: &[Comprehension],
        scope: &Rc<Scope>,
    ) -> Eval<Vec<Vec<Value>>> {
        let targets: Vec<&Expr> = clauses.iter().map(|clause| &clause.target).collect();
        let locals = Rc::new(target_locals(&targets));
        let inner = Scope::new(ScopeKind::Function, locals, Some(Rc::clone(scope)));
        let iterable = match clauses.first() {
            Some(clause) => self.expression(&clause.iter, scope)?,
            None => return Ok(Vec::new()),
        };
        let mut results = Vec::new();
        self.clauses(elements, clauses, Some(iterable), &inner, &mut results)?;
        Ok(results)
    }

    fn clauses(
        &mut self,
        elements: &[&Expr],
        clauses: &[Comprehension],
        iterable: Option<Value>,
        scope: &Rc<Scope>,
        results: &mut Vec<Vec<Value>>,
    ) -> Eval<()> {
        let Some((clause, rest)) = clauses.split_first() else {
            self.fuel.allocate(elements.len())?;
            let values = elements.iter().map(|element| self.expression(element, scope));
            results.push(values.collect::<Eval<_>>()?);
            return Ok(());
        };
        let iterable = match iterable {
            Some(iterable) => iterable,
            None => self.expression(&clause.iter, scope)?,
        };
        self.visit(clause.iter.span);
        let mut iterator = self.iterate(&iterable).map_err(|stop| stop.at(clause.iter.span))?;
        while let Some(item) = self.next(&mut iterator)? {
            self.fuel.step()?;
            self.assign(&clause.target, item, scope)?;
            if self.all_hold(&clause.conditions, scope)? {
                self.clauses(elements, rest, None, scope, results)?;
            }
        }
        Ok(())
    }

    fn all_hold(&mut self, conditions: &[Expr], scope: &Rc<Scope>) -> Eval<bool> {
        for condition in conditions {
            if !self.condition(condition, scope)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn fstring(&mut self, parts: &[FStringPart], scope: &Rc<Scope>) -> Eval<String> {
        let mut text = String::new();
        for part in parts {
            match part {
                FStringPart::Literal(literal) => text.push_str(literal),
                FStringPart::Value { value, conversion, spec } => {
                    let value = self.expression(value, scope)?;
                    let spec = self.fstring(spec, scope)?;
                    text.push_str(&self.format_value(&value, *conversion, &spec)?);
                }
            }
        }
        self.fuel.allocate(text.len() / 8)?;
        Ok(text)
    }
}

fn constant(expr: &Expr) -> Option<Value> {
    Some(match &*expr.kind {
        ExprKind::Int(number) => Value::Int(*number),
        ExprKind::Float(number) => Value::Float(*number),
        ExprKind::Str(text) => Value::Str(std::sync::Arc::clone(text)),
        ExprKind::Bytes(bytes) => Value::Bytes(std::sync::Arc::clone(bytes)),
        ExprKind::Bool(flag) => Value::Bool(*flag),
        ExprKind::None => Value::None,
        ExprKind::Ellipsis => Value::Ellipsis,
        _ => return None,
    })
}

fn first(rows: Vec<Vec<Value>>) -> Vec<Value> {
    rows.into_iter().flatten().collect()
}

fn pair(row: Vec<Value>) -> Option<(Value, Value)> {
    let mut row = row.into_iter();
    Some((row.next()?, row.next()?))
}
