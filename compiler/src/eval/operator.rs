//! Arithmetic of values. Integers are exact; sizes that hold the batch size stay
//! symbolic.

use std::rc::Rc;

use crate::ast::{BinaryOp, UnaryOp};

use super::error::{Eval, Mistake, Stop, raise, refuse, type_error};
use super::interpreter::Interpreter;
use super::value::Value;

impl Interpreter<'_> {
    /// `left op right`
    pub(crate) fn binary(&mut self, op: BinaryOp, left: &Value, right: &Value) -> Eval<Value> {
        if left.is_unknown() || right.is_unknown() {
            return Ok(Value::Unknown);
        }
        for operand in [left, right] {
            if let Value::Opaque(opaque) = operand {
                return Err(super::modules::opaque_use(opaque));
            }
        }
        if let Some(result) = self.overloaded(op, left, right)? {
            return Ok(result);
        }
        let is_sequence =
            |value: &Value| matches!(value, Value::List(_) | Value::Tuple(_) | Value::Str(_));
        if op == BinaryOp::Mul && (is_sequence(left) || is_sequence(right)) {
            return self.repeat_sequence(left, right);
        }
        if matches!(left, Value::Tensor(_)) || matches!(right, Value::Tensor(_)) {
            return self.tensor_binary(op, left, right);
        }
        if matches!(left, Value::Batch(_)) || matches!(right, Value::Batch(_)) {
            return symbolic(op, left, right);
        }
        if let (Some(a), Some(b)) = (left.as_int(), right.as_int()) {
            return self.integers(op, a, b);
        }
        if let (Some(a), Some(b)) = (left.as_float(), right.as_float()) {
            return floats(op, a, b);
        }
        self.sequences(op, left, right)
    }

    /// `__add__` and friends of the program's classes.
    fn overloaded(&mut self, op: BinaryOp, left: &Value, right: &Value) -> Eval<Option<Value>> {
        let (name, reflected) = special_names(op);
        for (object, other, method) in [(left, right, name), (right, left, reflected)] {
            let Value::Instance(instance) = object else { continue };
            let Some(function) = instance.class.lookup(method) else { continue };
            let result = self.call_values(&function, vec![object.clone(), other.clone()])?;
            if !matches!(result, Value::NotImplemented) {
                return Ok(Some(result));
            }
        }
        Ok(None)
    }

    fn integers(&mut self, op: BinaryOp, a: i128, b: i128) -> Eval<Value> {
        let result = match op {
            BinaryOp::Add => a.checked_add(b),
            BinaryOp::Sub => a.checked_sub(b),
            BinaryOp::Mul => a.checked_mul(b),
            BinaryOp::Div => return floats(op, a as f64, b as f64),
            BinaryOp::FloorDiv => {
                nonzero(b == 0, "integer division or modulo by zero")?;
                floor_div(a, b)
            }
            BinaryOp::Mod => {
                nonzero(b == 0, "integer modulo by zero")?;
                floor_div(a, b).and_then(|q| q.checked_mul(b)).and_then(|p| a.checked_sub(p))
            }
            BinaryOp::Pow if b < 0 => return floats(op, a as f64, b as f64),
            BinaryOp::Pow => u32::try_from(b).ok().and_then(|b| a.checked_pow(b)),
            BinaryOp::LShift => u32::try_from(b)
                .ok()
                .and_then(|b| 2i128.checked_pow(b))
                .and_then(|p| a.checked_mul(p)),
            BinaryOp::RShift => u32::try_from(b).ok().map(|b| a >> b.min(127)),
            BinaryOp::BitAnd => Some(a & b),
            BinaryOp::BitOr => Some(a | b),
            BinaryOp::BitXor => Some(a ^ b),
            BinaryOp::MatMul => return Err(unsupported(op, &Value::Int(a), &Value::Int(b))),
        };
        result.map(Value::Int).ok_or_else(|| {
            refuse(Mistake::IntegerOverflow, "an integer exceeds 128 bits")
                .help("nasc computes sizes in 128 bits")
        })
    }

    fn sequences(&mut self, op: BinaryOp, left: &Value, right: &Value) -> Eval<Value> {
        match (op, left, right) {
            (BinaryOp::Add, Value::List(a), Value::List(b)) => {
                let joined = [a.borrow().as_slice(), b.borrow().as_slice()].concat();
                self.fuel.allocate(joined.len())?;
                Ok(Value::list(joined))
            }
            (BinaryOp::Add, Value::Tuple(a), Value::Tuple(b)) => {
                self.fuel.allocate(a.len() + b.len())?;
                Ok(Value::tuple([&a[..], &b[..]].concat()))
            }
            (BinaryOp::Mod, Value::Str(text), _) => {
                self.percent_format(text, right).map(Value::str)
            }
            (BinaryOp::Mul, _, _) => self.repeat_sequence(left, right),
            (BinaryOp::BitOr, Value::Dict(a), Value::Dict(b)) => {
                let mut merged = a.borrow().clone();
                for (key, pair) in b.borrow().iter() {
                    merged.insert(key.clone(), pair.clone());
                }
                Ok(Value::dict(merged))
            }
            (_, Value::Set(_), Value::Set(_)) => self.set_operation(op, left, right),
            _ => {
                if let (BinaryOp::Add, Some(a), Some(b)) = (op, left.as_str(), right.as_str()) {
                    self.fuel.allocate(a.len() + b.len())?;
                    return Ok(Value::str(format!("{a}{b}")));
                }
                if is_type(left) && is_type(right) {
                    return Ok(left.clone());
                }
                self.payload_binary(op, left, right)
            }
        }
    }

    /// Objects that derive from `list`, `tuple` and so on behave as these.
    fn payload_binary(&mut self, op: BinaryOp, left: &Value, right: &Value) -> Eval<Value> {
        let inner =
            |value: &Value| value.instance().and_then(|instance| instance.payload.borrow().clone());
        match (inner(left), inner(right)) {
            (None, None) => Err(unsupported(op, left, right)),
            (a, b) => {
                let a = a.unwrap_or_else(|| left.clone());
                let b = b.unwrap_or_else(|| right.clone());
                self.binary(op, &a, &b)
            }
        }
    }

    fn repeat_sequence(&mut self, left: &Value, right: &Value) -> Eval<Value> {
        let whole = |value: &Value| match value {
            Value::Tensor(tensor) => match tensor.data().as_deref() {
                Some([number]) if number.fract() == 0.0 => Some(*number as i128),
                _ => None,
            },
            other => other.as_int(),
        };
        let (sequence, count) = match (whole(left), whole(right)) {
            (_, Some(count)) => (left, count),
            (Some(count), _) => (right, count),
            _ if matches!((left, right), (Value::Batch(_), _) | (_, Value::Batch(_))) => {
                let message = "a list whose length depends on the batch size";
                return Err(refuse(Mistake::SymbolicArithmetic, message).help(
                    "nasc keeps the batch size symbolic; repeat a tensor with expand or repeat",
                ));
            }
            _ => return Err(unsupported(BinaryOp::Mul, left, right)),
        };
        let count = usize::try_from(count.max(0)).unwrap_or(usize::MAX);
        match sequence {
            Value::List(items) => {
                let items = items.borrow();
                self.fuel.allocate(items.len().saturating_mul(count))?;
                Ok(Value::list(repeated(&items, count)))
            }
            Value::Tuple(items) => {
                self.fuel.allocate(items.len().saturating_mul(count))?;
                Ok(Value::tuple(repeated(items, count)))
            }
            Value::Str(text) => {
                self.fuel.allocate(text.len().saturating_mul(count))?;
                Ok(Value::str(text.repeat(count)))
            }
            _ => Err(unsupported(BinaryOp::Mul, left, right)),
        }
    }

    fn set_operation(&mut self, op: BinaryOp, left: &Value, right: &Value) -> Eval<Value> {
        let (Value::Set(a), Value::Set(b)) = (left, right) else {
            return Err(unsupported(op, left, right));
        };
        let (a, b) = (a.borrow(), b.borrow());
        let mut result = super::ordered::OrderedMap::default();
        for (key, pair) in a.iter() {
            let keep = match op {
                BinaryOp::BitOr => true,
                BinaryOp::BitAnd => b.contains_key(key),
                BinaryOp::Sub | BinaryOp::BitXor => !b.contains_key(key),
                _ => return Err(unsupported(op, left, right)),
            };
            if keep {
                result.insert(key.clone(), pair.clone());
            }
        }
        if matches!(op, BinaryOp::BitOr | BinaryOp::BitXor) {
            for (key, pair) in b.iter().filter(|(key, _)| !a.contains_key(*key)) {
                result.insert(key.clone(), pair.clone());
            }
        }
        Ok(Value::Set(Rc::new(result.into())))
    }

    /// `-x`, `+x`, `~x`
    pub(crate) fn unary_value(&mut self, op: UnaryOp, value: &Value) -> Eval<Value> {
        match (op, value) {
            (_, Value::Unknown) => Ok(Value::Unknown),
            (UnaryOp::Neg, Value::Tensor(tensor)) => self.negate(tensor),
            (UnaryOp::Pos, Value::Tensor(_)) => Ok(value.clone()),
            (UnaryOp::Neg, Value::Float(number)) => Ok(Value::Float(-number)),
            (UnaryOp::Pos, Value::Float(number)) => Ok(Value::Float(*number)),
            (_, Value::Opaque(opaque)) => Err(super::modules::opaque_use(opaque)),
            (UnaryOp::Invert, Value::Tensor(tensor))
                if tensor.dtype() == crate::ir::DType::Bool =>
            {
                self.unary_op("logical_not", crate::ir::op::Unary::LogicalNot, tensor)
            }
            (_, Value::Batch(_)) => Err(symbolic_size("this operation on the batch size")),
            _ => {
                let Some(number) = value.as_int() else {
                    return Err(type_error(format!(
                        "bad operand type for unary operator: '{}'",
                        value.type_name()
                    )));
                };
                Ok(Value::Int(match op {
                    UnaryOp::Neg => number.saturating_neg(),
                    UnaryOp::Invert => !number,
                    UnaryOp::Pos | UnaryOp::Not => number,
                }))
            }
        }
    }
}

fn repeated(items: &[Value], count: usize) -> Vec<Value> {
    std::iter::repeat_n(items, count).flatten().cloned().collect()
}

/// Types joined by `|` in annotations.
fn is_type(value: &Value) -> bool {
    matches!(value, Value::Class(_) | Value::Native(_) | Value::None | Value::DType(_))
}

fn special_names(op: BinaryOp) -> (&'static str, &'static str) {
    match op {
        BinaryOp::Add => ("__add__", "__radd__"),
        BinaryOp::Sub => ("__sub__", "__rsub__"),
        BinaryOp::Mul => ("__mul__", "__rmul__"),
        BinaryOp::Div => ("__truediv__", "__rtruediv__"),
        BinaryOp::FloorDiv => ("__floordiv__", "__rfloordiv__"),
        BinaryOp::Mod => ("__mod__", "__rmod__"),
        BinaryOp::Pow => ("__pow__", "__rpow__"),
        BinaryOp::MatMul => ("__matmul__", "__rmatmul__"),
        BinaryOp::LShift => ("__lshift__", "__rlshift__"),
        BinaryOp::RShift => ("__rshift__", "__rrshift__"),
        BinaryOp::BitAnd => ("__and__", "__rand__"),
        BinaryOp::BitOr => ("__or__", "__ror__"),
        BinaryOp::BitXor => ("__xor__", "__rxor__"),
    }
}

/// How an operator is written.
pub(crate) fn symbol(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Add => "+",
        BinaryOp::Sub => "-",
        BinaryOp::Mul => "*",
        BinaryOp::Div => "/",
        BinaryOp::FloorDiv => "//",
        BinaryOp::Mod => "%",
        BinaryOp::Pow => "**",
        BinaryOp::MatMul => "@",
        BinaryOp::LShift => "<<",
        BinaryOp::RShift => ">>",
        BinaryOp::BitAnd => "&",
        BinaryOp::BitOr => "|",
        BinaryOp::BitXor => "^",
    }
}

/// Python's complaint about operands that do not fit.
pub(crate) fn unsupported(op: BinaryOp, left: &Value, right: &Value) -> Box<Stop> {
    let verb = symbol(op);
    let text = if op == BinaryOp::Add && left.as_str().is_some() {
        format!("can only concatenate str (not \"{}\") to str", right.type_name())
    } else {
        format!(
            "unsupported operand type(s) for {verb}: '{}' and '{}'",
            left.type_name(),
            right.type_name()
        )
    };
    type_error(text)
}

fn nonzero(zero: bool, message: &str) -> Eval<()> {
    if zero {
        return Err(raise(Mistake::DivisionByZero, "ZeroDivisionError", message));
    }
    Ok(())
}

fn floor_div(a: i128, b: i128) -> Option<i128> {
    let quotient = a.checked_div(b)?;
    let exact = a.checked_rem(b)? == 0;
    Some(if !exact && (a < 0) != (b < 0) { quotient - 1 } else { quotient })
}

fn floats(op: BinaryOp, a: f64, b: f64) -> Eval<Value> {
    Ok(Value::Float(match op {
        BinaryOp::Add => a + b,
        BinaryOp::Sub => a - b,
        BinaryOp::Mul => a * b,
        BinaryOp::Div => {
            nonzero(b == 0.0, "division by zero")?;
            a / b
        }
        BinaryOp::FloorDiv => {
            nonzero(b == 0.0, "float floor division by zero")?;
            (a / b).floor()
        }
        BinaryOp::Mod => {
            nonzero(b == 0.0, "float modulo")?;
            a - (a / b).floor() * b
        }
        BinaryOp::Pow => a.powf(b),
        _ => return Err(unsupported(op, &Value::Float(a), &Value::Float(b))),
    }))
}

fn symbolic_size(what: &str) -> Box<Stop> {
    refuse(Mistake::SymbolicArithmetic, format!("{what} has no value for every batch size"))
        .help("nasc keeps the batch size symbolic: only multiples of it can be computed")
}

/// Arithmetic with multiples of the batch size.
fn symbolic(op: BinaryOp, left: &Value, right: &Value) -> Eval<Value> {
    let batch =
        |factor: Option<u64>| factor.map(|f| if f == 0 { Value::Int(0) } else { Value::Batch(f) });
    let small = |value: &Value| value.as_int().and_then(|number| u64::try_from(number).ok());
    let result = match (op, left, right) {
        (BinaryOp::Mul, Value::Batch(f), other) | (BinaryOp::Mul, other, Value::Batch(f)) => {
            batch(small(other).and_then(|number| f.checked_mul(number)))
        }
        (BinaryOp::FloorDiv, Value::Batch(a), Value::Batch(b)) => {
            Some(Value::Int(i128::from(a / b)))
        }
        (BinaryOp::Div, Value::Batch(a), Value::Batch(b)) => {
            Some(Value::Float(*a as f64 / *b as f64))
        }
        (BinaryOp::Mod, Value::Batch(a), Value::Batch(b)) if a % b == 0 => Some(Value::Int(0)),
        (BinaryOp::FloorDiv, Value::Batch(f), other) => match small(other) {
            Some(divisor) if divisor > 0 && f % divisor == 0 => batch(Some(f / divisor)),
            _ => None,
        },
        (BinaryOp::Mod, Value::Batch(f), other) => match small(other) {
            Some(divisor) if divisor > 0 && f % divisor == 0 => Some(Value::Int(0)),
            _ => None,
        },
        (BinaryOp::Add, Value::Batch(a), Value::Batch(b)) => batch(a.checked_add(*b)),
        (BinaryOp::Sub, Value::Batch(a), Value::Batch(b)) => batch(a.checked_sub(*b)),
        (BinaryOp::Add | BinaryOp::Sub, Value::Batch(f), other) if small(other) == Some(0) => {
            Some(Value::Batch(*f))
        }
        (BinaryOp::Add, other, Value::Batch(f)) if small(other) == Some(0) => {
            Some(Value::Batch(*f))
        }
        _ => None,
    };
    if left.as_float().is_none() && !matches!(left, Value::Batch(_))
        || right.as_float().is_none() && !matches!(right, Value::Batch(_))
    {
        return Err(unsupported(op, left, right));
    }
    result.ok_or_else(|| symbolic_size(&format!("the batch size under `{}`", symbol(op))))
}
