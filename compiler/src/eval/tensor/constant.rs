//! Small constants: arithmetic on known elements, `item`, `tolist`.

use crate::ast::BinaryOp;
use crate::eval::error::{Eval, type_error};
use crate::eval::interpreter::Interpreter;
use crate::eval::iterate::data_dependent;
use crate::eval::value::{Source, Tensor, Value};
use crate::ir::{DType, Dim, Shape, TensorType};

impl Interpreter<'_> {
    /// The number that a tensor of one element holds.
    pub(crate) fn tensor_number(&mut self, tensor: &Tensor) -> Eval<f64> {
        match tensor.data().as_deref() {
            Some([number]) => Ok(*number),
            Some(_) => Err(crate::eval::error::raise(
                crate::eval::error::Mistake::TypeMismatch,
                "RuntimeError",
                "only a tensor with one element can be converted to a Python number",
            )),
            None => Err(data_dependent("the value of a tensor")),
        }
    }

    /// `tensor.item()`
    pub(crate) fn tensor_item_value(&mut self, tensor: &Tensor) -> Eval<Value> {
        let number = self.tensor_number(tensor)?;
        Ok(number_value(number, tensor.dtype()))
    }

    /// `tensor.tolist()`
    pub(crate) fn tensor_list(&mut self, tensor: &Tensor) -> Eval<Value> {
        match (tensor.data(), tensor.rank()) {
            (Some(data), 1) => {
                let dtype = tensor.dtype();
                Ok(Value::list(data.iter().map(|&number| number_value(number, dtype)).collect()))
            }
            (Some(_), 0) => self.tensor_item_value(tensor),
            _ => Err(data_dependent("the value of a tensor")),
        }
    }

    /// Whether a constant is computed now: while the network is built, and single numbers always.
    pub(crate) fn folds(&self, tensor: &Tensor) -> bool {
        self.module_stack.is_empty() || tensor.data().is_some_and(|data| data.len() == 1)
    }

    /// Arithmetic where all elements are known.
    pub(crate) fn constant_binary(
        &mut self,
        op: BinaryOp,
        left: &Value,
        right: &Value,
    ) -> Eval<Option<Value>> {
        let (Some(a), Some(b)) = (elements(left), elements(right)) else { return Ok(None) };
        let dims = |value: &Value| match value {
            Value::Tensor(tensor) => tensor.dims(),
            _ => Vec::new(),
        };
        let length = match (a.len(), b.len()) {
            (1, n) | (n, 1) => n,
            (n, _) if dims(left) == dims(right) => n,
            _ => return Ok(None),
        };
        let sized = [(left, a.len()), (right, b.len())];
        let tensors = sized.iter().filter_map(|(value, count)| match value {
            Value::Tensor(tensor) if *count == length => Some(tensor),
            _ => None,
        });
        let Some(tensor) = tensors.max_by_key(|tensor| tensor.rank()) else { return Ok(None) };
        if length > 1 && !self.module_stack.is_empty() {
            return Ok(None);
        }
        self.fuel.allocate(length)?;
        let at = |data: &[f64], index: usize| {
            data.get(if data.len() == 1 { 0 } else { index }).copied().unwrap_or(0.0)
        };
        let mut data = Vec::with_capacity(length);
        for index in 0..length {
            let (x, y) = (at(&a, index), at(&b, index));
            data.push(match op {
                BinaryOp::Add => x + y,
                BinaryOp::Sub => x - y,
                BinaryOp::Mul => x * y,
                BinaryOp::Div => x / y,
                BinaryOp::FloorDiv => (x / y).floor(),
                BinaryOp::Mod => x - (x / y).floor() * y,
                BinaryOp::Pow => x.powf(y),
                _ => return Ok(None),
            });
        }
        let mut tensor_type = tensor.tensor_type();
        let is_float = |value: &Value| match value {
            Value::Tensor(tensor) => tensor.dtype().is_float(),
            other => matches!(other, Value::Float(_)),
        };
        if (is_float(left) || is_float(right) || op == BinaryOp::Div)
            && !tensor_type.dtype.is_float()
        {
            tensor_type.dtype = DType::F32;
        }
        Ok(Some(Value::Tensor(Tensor::new(tensor_type, Source::Data(data.into())))))
    }
}

/// A number as Python sees an element of this type.
fn number_value(number: f64, dtype: DType) -> Value {
    match dtype {
        DType::F32 | DType::F64 | DType::F16 | DType::Bf16 => Value::Float(number),
        DType::Bool => Value::Bool(number != 0.0),
        DType::I64 | DType::I32 | DType::U8 => Value::Int(number as i128),
    }
}

fn elements(value: &Value) -> Option<Vec<f64>> {
    match value {
        Value::Tensor(tensor) => tensor.data().map(|data| data.to_vec()),
        other => other.as_float().map(|number| vec![number]),
    }
}

/// A constant vector.
pub(crate) fn vector(data: Vec<f64>, dtype: DType) -> Value {
    let shape = Shape(vec![Dim::Known(data.len() as u64)]);
    Value::Tensor(Tensor::new(TensorType { dtype, shape }, Source::Data(data.into())))
}

/// A constant without dimensions.
pub(crate) fn scalar(number: f64, dtype: DType) -> Value {
    let tensor_type = TensorType { dtype, shape: Shape(Vec::new()) };
    Value::Tensor(Tensor::new(tensor_type, Source::Data(vec![number].into())))
}

/// Complains about an element that is no number.
pub(crate) fn not_a_number(value: &Value) -> Box<crate::eval::error::Stop> {
    if matches!(value, Value::Batch(_)) {
        return crate::eval::error::refuse(
            crate::eval::error::Mistake::SymbolicArithmetic,
            "a number that depends on the batch size cannot be an element or a bound here",
        )
        .help("write it without the batch size: the batch may have any size");
    }
    type_error(format!("a tensor cannot be made of {}", value.type_name()))
}
