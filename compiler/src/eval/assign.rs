//! Assignment to targets: names, attributes, subscripts, unpacking, `op=`, `del`.

use std::rc::Rc;

use crate::ast::{BinaryOp, Expr, ExprKind};

use super::error::{Eval, Mistake, Stop, raise, type_error};
use super::interpreter::Interpreter;
use super::scope::Scope;
use super::value::Value;

impl Interpreter<'_> {
    /// Binds a target.
    pub(crate) fn assign(&mut self, target: &Expr, value: Value, scope: &Rc<Scope>) -> Eval<()> {
        match &*target.kind {
            ExprKind::Name(name) => {
                scope.assign(name, value);
                Ok(())
            }
            ExprKind::Attribute { value: object, attr, .. } => {
                let object = self.expression(object, scope)?;
                self.visit(target.span);
                self.set_attribute(&object, attr, value)
            }
            ExprKind::Subscript { value: object, index } => {
                let object = self.expression(object, scope)?;
                let index = self.expression(index, scope)?;
                self.visit(target.span);
                self.set_item(&object, &index, value)
            }
            ExprKind::Tuple(targets) | ExprKind::List(targets) => {
                self.unpack(targets, &value, scope)
            }
            ExprKind::Starred(inner) => self.assign(inner, value, scope),
            _ => Err(type_error("cannot assign to this expression")),
        }
    }

    fn unpack(&mut self, targets: &[Expr], value: &Value, scope: &Rc<Scope>) -> Eval<()> {
        if value.is_unknown() {
            for target in targets {
                self.assign(target, Value::Unknown, scope)?;
            }
            return Ok(());
        }
        let items = self.collect(value).map_err(|stop| cannot_unpack(*stop, value))?;
        let star = targets.iter().position(|t| matches!(&*t.kind, ExprKind::Starred(_)));
        match star {
            None => {
                check_count(targets.len(), items.len(), false)?;
                for (target, item) in targets.iter().zip(items) {
                    self.assign(target, item, scope)?;
                }
            }
            Some(star) => {
                let after = targets.len() - star - 1;
                check_count(star + after, items.len(), true)?;
                let middle_end = items.len() - after;
                let (front, rest) = items.split_at(star);
                let (middle, back) = rest.split_at(middle_end - star);
                let middle = Value::list(middle.to_vec());
                let values = front.iter().cloned().chain([middle]).chain(back.iter().cloned());
                for (target, item) in targets.iter().zip(values) {
                    self.assign(target, item, scope)?;
                }
            }
        }
        Ok(())
    }

    /// `target op= value`
    pub(crate) fn augmented_assign(
        &mut self,
        target: &Expr,
        op: BinaryOp,
        value: &Expr,
        scope: &Rc<Scope>,
    ) -> Eval<()> {
        let old = self.expression(target, scope)?;
        let right = self.expression(value, scope)?;
        self.visit(target.span.to(value.span));
        let site = self.site;
        let new = self.in_place(op, &old, &right).map_err(|stop| stop.at(site))?;
        self.assign(target, new, scope)
    }

    fn in_place(&mut self, op: BinaryOp, old: &Value, right: &Value) -> Eval<Value> {
        if let (BinaryOp::Add, Value::List(items)) = (op, old) {
            let more = self.collect(right)?;
            self.fuel.allocate(more.len())?;
            items.borrow_mut().extend(more);
            return Ok(old.clone());
        }
        if let (BinaryOp::Add, Value::Instance(instance)) = (op, old)
            && let Some(function) = instance.class.lookup("__iadd__")
        {
            return self.call_values(&function, vec![old.clone(), right.clone()]);
        }
        let new = self.binary(op, old, right)?;
        // `@=` makes a new tensor
        if let (Value::Tensor(old_tensor), Value::Tensor(new)) = (old, &new)
            && op != BinaryOp::MatMul
        {
            let subject = format!("{}=", super::operator::symbol(op));
            if self.misfits_in_place(&subject, old_tensor, new) {
                return Ok(old.clone());
            }
        }
        if let (Value::Tensor(old_tensor), Value::Tensor(new)) = (old, &new)
            && !old_tensor.0.parameter
        {
            self.replace_in_place(old_tensor, new)?;
            return Ok(old.clone());
        }
        Ok(new)
    }

    /// `del target`
    pub(crate) fn delete(&mut self, target: &Expr, scope: &Rc<Scope>) -> Eval<()> {
        match &*target.kind {
            ExprKind::Name(name) => {
                if scope.delete(name) {
                    return Ok(());
                }
                Err(raise(
                    Mistake::UnknownName,
                    "NameError",
                    format!("name '{name}' is not defined"),
                ))
            }
            ExprKind::Attribute { value, attr, .. } => {
                let object = self.expression(value, scope)?;
                self.delete_attribute(&object, attr)
            }
            ExprKind::Subscript { value, index } => {
                let object = self.expression(value, scope)?;
                let index = self.expression(index, scope)?;
                self.delete_item(&object, &index)
            }
            ExprKind::Tuple(items) | ExprKind::List(items) => {
                items.iter().try_for_each(|item| self.delete(item, scope))
            }
            _ => Err(type_error("cannot delete this expression")),
        }
    }
}

fn cannot_unpack(stop: Stop, value: &Value) -> Box<Stop> {
    match stop {
        Stop::Raise(_) => raise(
            Mistake::Unpack,
            "TypeError",
            format!("cannot unpack non-iterable {} object", value.type_name()),
        ),
        other => Box::new(other),
    }
}

fn check_count(expected: usize, found: usize, at_least: bool) -> Eval<()> {
    if found == expected || (at_least && found > expected) {
        return Ok(());
    }
    let message = if found > expected {
        format!("too many values to unpack (expected {expected}, got {found})")
    } else if at_least {
        format!("not enough values to unpack (expected at least {expected}, got {found})")
    } else {
        format!("not enough values to unpack (expected {expected}, got {found})")
    };
    let plural = if found == 1 { "name" } else { "names" };
    Err(raise(Mistake::Unpack, "ValueError", message)
        .help(format!("write {found} {plural} on the left")))
}
