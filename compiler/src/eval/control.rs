//! Statements that steer: loops, `with`, `assert`, `raise`, `try`.

use std::rc::Rc;

use crate::ast::{ExceptHandler, Expr, Stmt};

use super::error::{Eval, Exception, Mistake, Stop, raise, silent, type_error};
use super::interpreter::{Flow, Interpreter};
use super::scope::Scope;
use super::value::Value;

impl Interpreter<'_> {
    pub(super) fn for_loop(
        &mut self,
        target: &Expr,
        iter: &Expr,
        body: &[Stmt],
        orelse: &[Stmt],
        scope: &Rc<Scope>,
    ) -> Eval<Flow> {
        let iterable = self.expression(iter, scope)?;
        self.visit(iter.span);
        let mut iterator = self.iterate(&iterable).map_err(|stop| stop.at(iter.span))?;
        while let Some(item) = self.next(&mut iterator).map_err(|stop| stop.at(iter.span))? {
            self.fuel.step()?;
            self.assign(target, item, scope)?;
            match self.block(body, scope)? {
                Flow::Next | Flow::Continue => {}
                Flow::Break => return Ok(Flow::Next),
                Flow::Return(value) => return Ok(Flow::Return(value)),
            }
        }
        self.block(orelse, scope)
    }

    pub(super) fn while_loop(
        &mut self,
        test: &Expr,
        body: &[Stmt],
        orelse: &[Stmt],
        scope: &Rc<Scope>,
    ) -> Eval<Flow> {
        while self.condition(test, scope)? {
            self.fuel.step()?;
            match self.block(body, scope)? {
                Flow::Next | Flow::Continue => {}
                Flow::Break => return Ok(Flow::Next),
                Flow::Return(value) => return Ok(Flow::Return(value)),
            }
        }
        self.block(orelse, scope)
    }

    pub(super) fn with(
        &mut self,
        items: &[(Expr, Option<Expr>)],
        body: &[Stmt],
        scope: &Rc<Scope>,
    ) -> Eval<Flow> {
        let mut managers = Vec::new();
        for (context, target) in items {
            let manager = self.expression(context, scope)?;
            self.visit(context.span);
            let entered = self.enter_context(&manager)?;
            if let Some(target) = target {
                self.assign(target, entered, scope)?;
            }
            managers.push(manager);
        }
        let result = self.block(body, scope);
        for manager in managers.iter().rev() {
            self.exit_context(manager)?;
        }
        result
    }

    fn enter_context(&mut self, manager: &Value) -> Eval<Value> {
        match manager {
            Value::Instance(instance) => match instance.class.lookup("__enter__") {
                Some(function) => self.call_values(&function, vec![manager.clone()]),
                None => Err(type_error(format!(
                    "'{}' object does not support the context manager protocol",
                    manager.type_name()
                ))),
            },
            Value::Iterator(iterator) => {
                let mut iterator = Rc::clone(iterator);
                Ok(self.next(&mut iterator)?.unwrap_or(Value::None))
            }
            Value::Unknown => Err(silent()),
            other => Ok(other.clone()),
        }
    }

    fn exit_context(&mut self, manager: &Value) -> Eval<()> {
        if let Value::Instance(instance) = manager
            && let Some(function) = instance.class.lookup("__exit__")
        {
            let nothing = vec![manager.clone(), Value::None, Value::None, Value::None];
            self.call_values(&function, nothing)?;
        }
        Ok(())
    }

    pub(super) fn assert(
        &mut self,
        test: &Expr,
        message: Option<&Expr>,
        scope: &Rc<Scope>,
    ) -> Eval<()> {
        let value = self.expression(test, scope)?;
        if value.is_unknown() || matches!(value, Value::Tensor(_)) {
            return Ok(());
        }
        if self.truth(&value)? {
            return Ok(());
        }
        let text = match message {
            Some(message) => {
                let value = self.expression(message, scope)?;
                format!("assertion failed: {}", self.text_of(&value)?)
            }
            None => String::from("assertion failed"),
        };
        Err(raise(Mistake::AssertionFailed, "AssertionError", text))
    }

    pub(super) fn raise_statement(
        &mut self,
        exc: Option<&Expr>,
        scope: &Rc<Scope>,
    ) -> Eval<Box<Stop>> {
        let Some(exc) = exc else {
            let again = self.handling.last().cloned();
            return Ok(again.map_or_else(
                || raise(Mistake::Raised, "RuntimeError", "No active exception to reraise"),
                |exception| Box::new(Stop::Raise(exception)),
            ));
        };
        let mut value = self.expression(exc, scope)?;
        if let Value::Class(_) = value {
            value = self.call_values(&value, Vec::new())?;
        }
        self.exception_of(value)
    }

    /// The exception that raising a value starts.
    fn exception_of(&mut self, value: Value) -> Eval<Box<Stop>> {
        let Some(instance) = value.instance().filter(|i| i.class.is_native("BaseException")) else {
            return Ok(match value {
                Value::Unknown => silent(),
                Value::Opaque(opaque) => super::modules::opaque_use(&opaque),
                _ => type_error("exceptions must derive from BaseException"),
            });
        };
        let natives = instance.class.mro().filter(|class| class.native);
        let class = natives.filter_map(|class| super::exceptions::static_name(&class.name)).next();
        let text = self.text_of(&value)?;
        let name = &instance.class.name;
        let message = if text.is_empty() {
            format!("raises {name}")
        } else {
            format!("raises {name}: {text}")
        };
        let mut exception = Exception::new(Mistake::Raised, class.unwrap_or("Exception"), message);
        exception.value = Some(value);
        Ok(Box::new(Stop::Raise(exception)))
    }

    pub(super) fn try_statement(
        &mut self,
        body: &[Stmt],
        handlers: &[ExceptHandler],
        orelse: &[Stmt],
        scope: &Rc<Scope>,
    ) -> Eval<Flow> {
        self.protected += usize::from(!handlers.is_empty());
        let result = self.block(body, scope);
        self.protected -= usize::from(!handlers.is_empty());
        let exception = match result {
            Ok(Flow::Next) => return self.block(orelse, scope),
            Ok(flow) => return Ok(flow),
            Err(stop) => match *stop {
                Stop::Raise(exception) => exception,
                other => return Err(Box::new(other)),
            },
        };
        for handler in handlers {
            if self.catches(handler, &exception, scope)? {
                return self.handle(handler, exception, scope);
            }
        }
        Err(Box::new(Stop::Raise(exception)))
    }

    fn handle(
        &mut self,
        handler: &ExceptHandler,
        exception: Exception,
        scope: &Rc<Scope>,
    ) -> Eval<Flow> {
        if let Some(name) = &handler.name {
            let value = self.exception_value(&exception)?;
            scope.assign(name, value);
        }
        self.handling.push(exception);
        let result = self.block(&handler.body, scope);
        self.handling.pop();
        result
    }

    fn catches(
        &mut self,
        handler: &ExceptHandler,
        exception: &Exception,
        scope: &Rc<Scope>,
    ) -> Eval<bool> {
        let Some(expr) = &handler.exception else { return Ok(true) };
        let wanted = match self.expression(expr, scope)? {
            Value::Tuple(items) => items.to_vec(),
            other => vec![other],
        };
        let class = match exception.value.as_ref().and_then(Value::instance) {
            Some(instance) => Rc::clone(&instance.class),
            None => self.exception_class(exception.class)?,
        };
        Ok(wanted.iter().any(|wanted| match wanted {
            Value::Class(wanted) => class.derives_from(wanted),
            _ => false,
        }))
    }

    fn exception_value(&mut self, exception: &Exception) -> Eval<Value> {
        if let Some(value) = &exception.value {
            return Ok(value.clone());
        }
        let class = self.exception_class(exception.class)?;
        let text = Value::str(exception.message.as_str());
        self.call_values(&Value::Class(class), vec![text])
    }
}
