//! Comparison of values: equality, identity, order, membership. Sizes that hold the batch size are
//! compared only where every batch size gives the same answer.

use std::cmp::Ordering;
use std::rc::Rc;

use crate::ast::CompareOp;

use super::error::{Eval, silent, type_error};
use super::interpreter::Interpreter;
use super::object::Instance;
use super::value::Value;

impl Interpreter<'_> {
    /// `left op right` of a comparison.
    pub(crate) fn compare(&mut self, op: CompareOp, left: &Value, right: &Value) -> Eval<Value> {
        let truth = match op {
            CompareOp::Is => self.identical(left, right),
            CompareOp::IsNot => !self.identical(left, right),
            _ if left.is_unknown() || right.is_unknown() => return Ok(Value::Unknown),
            CompareOp::In => self.contains(right, left)?,
            CompareOp::NotIn => !self.contains(right, left)?,
            CompareOp::Eq
            | CompareOp::NotEq
            | CompareOp::Lt
            | CompareOp::LtE
            | CompareOp::Gt
            | CompareOp::GtE => {
                if matches!(left, Value::Tensor(_)) || matches!(right, Value::Tensor(_)) {
                    return self.tensor_compare(op, left, right);
                }
                return self.compare_values(op, left, right).map(Value::Bool);
            }
        };
        Ok(Value::Bool(truth))
    }

    fn compare_values(&mut self, op: CompareOp, left: &Value, right: &Value) -> Eval<bool> {
        match op {
            CompareOp::Eq => self.equal(left, right),
            CompareOp::NotEq => self.equal(left, right).map(|same| !same),
            CompareOp::Lt => self.order(left, right).map(|o| o == Some(Ordering::Less)),
            CompareOp::LtE => {
                self.order(left, right).map(|o| matches!(o, Some(Ordering::Less | Ordering::Equal)))
            }
            CompareOp::Gt => self.order(left, right).map(|o| o == Some(Ordering::Greater)),
            CompareOp::GtE => self
                .order(left, right)
                .map(|o| matches!(o, Some(Ordering::Greater | Ordering::Equal))),
            CompareOp::Is | CompareOp::IsNot | CompareOp::In | CompareOp::NotIn => Ok(false),
        }
    }

    /// Whether two values are equal.
    pub(crate) fn equal(&mut self, left: &Value, right: &Value) -> Eval<bool> {
        self.fuel.step()?;
        if left.is_unknown() || right.is_unknown() {
            return Err(silent());
        }
        Ok(match (left, right) {
            (Value::Batch(a), Value::Batch(b)) => a == b,
            (Value::Batch(factor), other) | (other, Value::Batch(factor)) => {
                return batch_equals(*factor, other);
            }
            (Value::Opaque(opaque), _) | (_, Value::Opaque(opaque)) => {
                return Err(super::modules::opaque_use(opaque));
            }
            (Value::Tuple(a), Value::Tuple(b)) => self.equal_items(a, b)?,
            (Value::List(a), Value::List(b)) => {
                let (a, b) = (a.borrow().clone(), b.borrow().clone());
                self.equal_items(&a, &b)?
            }
            (Value::Dict(a), Value::Dict(b)) => {
                let (a, b) = (a.borrow().clone(), b.borrow().clone());
                if a.len() != b.len() {
                    return Ok(false);
                }
                for (key, (_, value)) in a.iter() {
                    match b.get(key) {
                        Some((_, other)) if self.equal(value, other)? => {}
                        _ => return Ok(false),
                    }
                }
                true
            }
            (Value::Set(a), Value::Set(b)) => {
                let (a, b) = (a.borrow(), b.borrow());
                a.len() == b.len() && a.keys().all(|key| b.contains_key(key))
            }
            (Value::Range(a), Value::Range(b)) => a == b,
            (Value::DType(a), Value::DType(b)) => a == b,
            (Value::Module(a), Value::Module(b)) => a == b,
            (Value::Package(a), Value::Package(b)) => Rc::ptr_eq(a, b),
            (Value::Bytes(a), Value::Bytes(b)) => a == b,
            _ => return self.equal_objects(left, right),
        })
    }

    fn equal_objects(&mut self, left: &Value, right: &Value) -> Eval<bool> {
        if let Value::Instance(instance) = left
            && let Some(function) = instance.class.lookup("__eq__")
        {
            let result = self.call_values(&function, vec![left.clone(), right.clone()])?;
            return match result {
                Value::NotImplemented => Ok(self.identical(left, right)),
                other => self.truth(&other),
            };
        }
        if let (Value::Instance(a), Value::Instance(b)) = (left, right)
            && Rc::ptr_eq(&a.class, &b.class)
            && a.class.lookup("__is_dataclass__").is_some()
        {
            return self.equal_fields(a, b);
        }
        if let (Some(a), Some(b)) = (left.as_int(), right.as_int()) {
            return Ok(a == b);
        }
        if let (Some(a), Some(b)) = (left.as_float(), right.as_float()) {
            return Ok(a == b);
        }
        if let (Some(a), Some(b)) = (left.as_str(), right.as_str()) {
            return Ok(a == b);
        }
        Ok(self.identical(left, right))
    }

    /// Dataclasses of one class are equal if their fields are.
    fn equal_fields(&mut self, a: &Instance, b: &Instance) -> Eval<bool> {
        for (name, _) in self.dataclass_fields(&a.class) {
            let pair = a.attribute(&name).zip(b.attribute(&name));
            if !pair.map_or(Ok(false), |(a, b)| self.equal(&a, &b))? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn equal_items(&mut self, a: &[Value], b: &[Value]) -> Eval<bool> {
        if a.len() != b.len() {
            return Ok(false);
        }
        for (a, b) in a.iter().zip(b) {
            if !self.equal(a, b)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// `left is right`
    pub(crate) fn identical(&self, left: &Value, right: &Value) -> bool {
        match (left, right) {
            (Value::None, Value::None)
            | (Value::Ellipsis, Value::Ellipsis)
            | (Value::NotImplemented, Value::NotImplemented) => true,
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::Int(a), Value::Int(b)) => a == b,
            (Value::Str(a), Value::Str(b)) => a == b,
            (Value::Batch(a), Value::Batch(b)) => a == b,
            (Value::List(a), Value::List(b)) => Rc::ptr_eq(a, b),
            (Value::Dict(a), Value::Dict(b)) | (Value::Set(a), Value::Set(b)) => Rc::ptr_eq(a, b),
            (Value::Tuple(a), Value::Tuple(b)) => Rc::ptr_eq(a, b) || a.is_empty() && b.is_empty(),
            (Value::Function(a), Value::Function(b)) => Rc::ptr_eq(a, b),
            (Value::Class(a), Value::Class(b)) => Rc::ptr_eq(a, b),
            (Value::Instance(a), Value::Instance(b)) => Rc::ptr_eq(a, b),
            (Value::Tensor(a), Value::Tensor(b)) => Rc::ptr_eq(&a.0, &b.0),
            (Value::Native(a), Value::Native(b)) => std::ptr::eq(*a, *b),
            (Value::Module(a), Value::Module(b)) => a == b,
            (Value::Package(a), Value::Package(b)) => Rc::ptr_eq(a, b),
            (Value::DType(a), Value::DType(b)) => a == b,
            (Value::Partial(a), Value::Partial(b)) => Rc::ptr_eq(a, b),
            (Value::Bound(a), Value::Bound(b)) => Rc::ptr_eq(a, b),
            _ => false,
        }
    }

    /// Order of two values; `None` where neither is less (NaN).
    pub(crate) fn order(&mut self, left: &Value, right: &Value) -> Eval<Option<Ordering>> {
        self.fuel.step()?;
        let single = |value: &Value| match value {
            Value::Tensor(tensor) => match tensor.data().as_deref() {
                Some([number]) => Some(*number),
                _ => None,
            },
            other => other.as_float(),
        };
        if let (true, Some(a), Some(b)) = (
            matches!(left, Value::Tensor(_)) || matches!(right, Value::Tensor(_)),
            single(left),
            single(right),
        ) {
            return Ok(a.partial_cmp(&b));
        }
        if let (Some(a), Some(b)) = (left.as_int(), right.as_int()) {
            return Ok(Some(a.cmp(&b)));
        }
        if let (Some(a), Some(b)) = (left.as_float(), right.as_float()) {
            return Ok(a.partial_cmp(&b));
        }
        if let (Some(a), Some(b)) = (left.as_str(), right.as_str()) {
            return Ok(Some(a.cmp(&b)));
        }
        match (left, right) {
            (Value::Unknown, _) | (_, Value::Unknown) => Err(silent()),
            (Value::Opaque(opaque), _) | (_, Value::Opaque(opaque)) => {
                Err(super::modules::opaque_use(opaque))
            }
            (Value::Batch(a), Value::Batch(b)) => Ok(Some(a.cmp(b))),
            (Value::Batch(factor), other) => batch_order(*factor, other),
            (other, Value::Batch(factor)) => {
                Ok(batch_order(*factor, other)?.map(Ordering::reverse))
            }
            (Value::Tuple(a), Value::Tuple(b)) => self.order_items(a, b),
            (Value::List(a), Value::List(b)) => {
                let (a, b) = (a.borrow().clone(), b.borrow().clone());
                self.order_items(&a, &b)
            }
            _ => Err(type_error(format!(
                "'<' not supported between instances of '{}' and '{}'",
                left.type_name(),
                right.type_name()
            ))),
        }
    }

    fn order_items(&mut self, a: &[Value], b: &[Value]) -> Eval<Option<Ordering>> {
        for (a, b) in a.iter().zip(b) {
            if !self.equal(a, b)? {
                return self.order(a, b);
            }
        }
        Ok(Some(a.len().cmp(&b.len())))
    }

    /// `item in container`
    pub(crate) fn contains(&mut self, container: &Value, item: &Value) -> Eval<bool> {
        match container {
            Value::Dict(entries) | Value::Set(entries) => {
                let key = self.key(item)?;
                Ok(entries.borrow().contains_key(&key))
            }
            Value::Str(text) => match item.as_str() {
                Some(part) => Ok(text.contains(&*part)),
                None => Err(type_error(format!(
                    "'in <string>' requires string as left operand, not {}",
                    item.type_name()
                ))),
            },
            Value::Range(range) => Ok(item.as_int().is_some_and(|number| {
                let offset = number - range.start;
                offset % range.step == 0 && range.get(offset / range.step).is_some()
            })),
            Value::Instance(instance) => {
                if let Some(function) = instance.class.lookup("__contains__") {
                    let result =
                        self.call_values(&function, vec![container.clone(), item.clone()])?;
                    return self.truth(&result);
                }
                let payload = instance.payload.borrow().clone();
                match payload {
                    Some(payload) => self.contains(&payload, item),
                    None => self.contains_item(container, item),
                }
            }
            Value::Opaque(opaque) => Err(super::modules::opaque_use(opaque)),
            _ => self.contains_item(container, item),
        }
    }

    fn contains_item(&mut self, container: &Value, item: &Value) -> Eval<bool> {
        for candidate in self.collect(container)? {
            if self.identical(&candidate, item) || self.equal(&candidate, item)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Whether `factor · N` equals a number for every `N ≥ 1`; refused if it depends.
fn batch_equals(factor: u64, other: &Value) -> Eval<bool> {
    match other.as_float() {
        None => Ok(false),
        Some(number) if number < factor as f64 || number % factor as f64 != 0.0 => Ok(false),
        Some(_) => Err(super::iterate::data_dependent("a comparison with the batch size")),
    }
}

/// Order of `factor · N` against a number where it is the same for every `N ≥ 1`.
fn batch_order(factor: u64, other: &Value) -> Eval<Option<Ordering>> {
    match other.as_float() {
        Some(number) if number < factor as f64 => Ok(Some(Ordering::Greater)),
        Some(_) => Err(super::iterate::data_dependent("a comparison with the batch size")),
        None => Err(type_error(format!(
            "'<' not supported between instances of 'int' and '{}'",
            other.type_name()
        ))),
    }
}
