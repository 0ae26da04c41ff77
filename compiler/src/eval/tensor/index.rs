//! Subscripts of tensors: integers, slices, `None`, `...`.

use crate::ast::BinaryOp;
use crate::eval::error::{Eval, Mistake, Stop, misfit, raise, refuse, type_error};
use crate::eval::interpreter::Interpreter;
use crate::eval::item::slice_bounds;
use crate::eval::value::{Tensor, Value};
use crate::ir::op::{Index, Op};
use crate::ir::{Dim, Shape};
use crate::shape::ShapeError;

impl Interpreter<'_> {
    /// `tensor[index]`
    pub(crate) fn tensor_item(&mut self, tensor: &Tensor, index: &Value) -> Eval<Value> {
        let parts = match index {
            Value::Tuple(items) => items.to_vec(),
            other => vec![other.clone()],
        };
        if let (Some(data), [part]) = (tensor.data(), parts.as_slice())
            && let (1, Some(number)) = (tensor.rank(), part.as_int())
        {
            let position = crate::eval::item::position(number, data.len())
                .ok_or_else(|| out_of_bounds(number, 0, data.len() as u64))?;
            let number = data.get(position).copied().unwrap_or(0.0);
            return Ok(super::constant::scalar(number, tensor.dtype()));
        }
        let parts = without_ellipsis(parts, tensor.rank())?;
        let selects = |part: &Value| matches!(part, Value::Tensor(_) | Value::List(_));
        let Some(position) = parts.iter().position(selects) else {
            return self.apply_index(tensor, &parts);
        };
        if parts.iter().filter(|part| selects(part)).count() > 1 {
            return self.several_selections(tensor, &parts);
        }
        self.select(tensor, parts, position)
    }

    /// `tensor[:, indices]`: a list or a tensor of indices at one place.
    fn select(&mut self, tensor: &Tensor, mut parts: Vec<Value>, position: usize) -> Eval<Value> {
        let indices = match parts.get(position) {
            Some(Value::Tensor(indices)) => indices.clone(),
            Some(Value::List(items)) => {
                let items = items.borrow().clone();
                let numbers: Option<Vec<f64>> =
                    items.iter().map(|item| item.as_int().map(|n| n as f64)).collect();
                let Some(numbers) = numbers else { return Err(unsupported_index(&Value::None)) };
                match super::constant::vector(numbers, crate::ir::DType::I64) {
                    Value::Tensor(indices) => indices,
                    _ => return Ok(Value::Unknown),
                }
            }
            _ => return Ok(Value::Unknown),
        };
        if indices.dtype() == crate::ir::DType::Bool {
            return Err(crate::eval::iterate::data_dependent("the number of chosen elements"));
        }
        if let Some(part) = parts.get_mut(position) {
            *part = Value::Slice(std::rc::Rc::new([Value::None, Value::None, Value::None]));
        }
        let dim = parts
            .iter()
            .take(position)
            .filter(|part| part.is_none() || matches!(part, Value::Slice(_)))
            .count();
        if parts.iter().any(|part| part.as_int().is_some()) {
            return Err(unsupported_index(&Value::Tensor(indices)));
        }
        match self.apply_index(tensor, &parts)? {
            Value::Tensor(rest) => {
                let op = Op::Index(Index { dim });
                self.emit("index", op, &[rest, indices])
            }
            other => Ok(other),
        }
    }

    /// `tensor[i, j]` with two tensors at the front: one index into both dimensions.
    fn several_selections(&mut self, tensor: &Tensor, parts: &[Value]) -> Eval<Value> {
        let dims = tensor.dims();
        let ([Value::Tensor(rows), Value::Tensor(columns)], [first, second, ..]) =
            (parts, dims.as_slice())
        else {
            return Err(unsupported_index(parts.first().unwrap_or(&Value::None)));
        };
        let (Dim::Known(first), Dim::Known(second)) = (first, second) else {
            return Err(unsupported_index(&Value::Tensor(rows.clone())));
        };
        let width = Value::Int(i128::from(*second));
        let rows = self.binary(BinaryOp::Mul, &Value::Tensor(rows.clone()), &width)?;
        let place = self.binary(BinaryOp::Add, &rows, &Value::Tensor(columns.clone()))?;
        let mut flat = vec![Dim::Known(first.saturating_mul(*second))];
        flat.extend(dims.iter().skip(2));
        match (self.reshape_to("index", tensor, Shape(flat))?, place) {
            (Value::Tensor(flat), Value::Tensor(place)) => {
                self.emit("index", Op::Index(Index { dim: 0 }), &[flat, place])
            }
            _ => Ok(Value::Unknown),
        }
    }

    fn apply_index(&mut self, tensor: &Tensor, parts: &[Value]) -> Eval<Value> {
        let mut current = tensor.clone();
        let mut dim = 0;
        // What becomes of each dimension: `None` drops it, `Some(true)` inserts one before it.
        let mut plan = Vec::new();
        for part in parts {
            match part {
                Value::None => plan.push(Step::Insert),
                Value::Slice(bounds) => {
                    match self.slice_dim(&current, dim, bounds)? {
                        Value::Tensor(next) => current = next,
                        _ => return Ok(Value::Unknown),
                    }
                    plan.push(Step::Keep);
                    dim += 1;
                }
                Value::Unknown => return Ok(Value::Unknown),
                other => {
                    let Some(number) = other.as_int() else { return Err(unsupported_index(other)) };
                    let start = index_position(&current, dim, number)?;
                    match self.narrow(&current, dim, start, Some(start + 1), 1)? {
                        Value::Tensor(next) => current = next,
                        _ => return Ok(Value::Unknown),
                    }
                    plan.push(Step::Drop);
                    dim += 1;
                }
            }
        }
        self.reshape_by(&current, &plan)
    }

    fn reshape_by(&mut self, tensor: &Tensor, plan: &[Step]) -> Eval<Value> {
        if plan.iter().all(|step| matches!(step, Step::Keep)) {
            return Ok(Value::Tensor(tensor.clone()));
        }
        let dims = tensor.dims();
        let mut rest = dims.iter().copied();
        let mut shape = Vec::new();
        for step in plan {
            match step {
                Step::Insert => shape.push(Dim::Known(1)),
                Step::Keep => shape.extend(rest.next()),
                Step::Drop => {
                    rest.next();
                }
            }
        }
        shape.extend(rest);
        self.reshape_to("index", tensor, Shape(shape))
    }

    fn slice_dim(&mut self, tensor: &Tensor, dim: usize, bounds: &[Value; 3]) -> Eval<Value> {
        let Some(extent) = tensor.dims().get(dim).copied() else {
            return Err(too_many_indices(tensor.rank()));
        };
        let whole = |bound: &Value| bound.is_none();
        if bounds.iter().all(whole) {
            return Ok(Value::Tensor(tensor.clone()));
        }
        let length = match extent {
            Dim::Known(extent) => usize::try_from(extent).unwrap_or(usize::MAX),
            Dim::Batch { factor } => return self.slice_batch(tensor, dim, factor, bounds),
        };
        let (start, stop, step) = slice_bounds(bounds, length)?;
        if step < 0 {
            return Err(crate::eval::error::value_error("step must be greater than zero"));
        }
        let number = |value: i128| u64::try_from(value).unwrap_or(0);
        let (start, stop, step) = (number(start), number(stop.max(start)), number(step));
        if start == 0 && stop == length as u64 && step == 1 {
            return Ok(Value::Tensor(tensor.clone()));
        }
        self.narrow(tensor, dim, start, Some(stop), step)
    }

    /// A slice of the batch dimension is known only where it is all of it.
    fn slice_batch(
        &mut self,
        tensor: &Tensor,
        dim: usize,
        factor: u64,
        bounds: &[Value; 3],
    ) -> Eval<Value> {
        let [start, stop, step] = bounds;
        let from_start = start.is_none() || start.as_int() == Some(0);
        let to_end = stop.is_none() || matches!(stop, Value::Batch(f) if *f == factor);
        if from_start && to_end && (step.is_none() || step.as_int() == Some(1)) {
            return Ok(Value::Tensor(tensor.clone()));
        }
        let number = |value: &Value| value.as_int().and_then(|number| u64::try_from(number).ok());
        match (from_start, number(start), to_end, number(stop)) {
            (true, _, _, Some(end)) if step.is_none() => self.narrow(tensor, dim, 0, Some(end), 1),
            _ => Err(refuse(
                Mistake::SymbolicArithmetic,
                "a part of the batch has no shape for every batch size",
            )
            .help("treat all samples of the batch alike")),
        }
    }
}

enum Step {
    Keep,
    Drop,
    Insert,
}

/// Replaces `...` by as many full slices as are missing.
pub(super) fn without_ellipsis(parts: Vec<Value>, rank: usize) -> Eval<Vec<Value>> {
    let used = parts.iter().filter(|p| !matches!(p, Value::None | Value::Ellipsis)).count();
    if used > rank {
        return Err(too_many_indices(rank));
    }
    let full = || Value::Slice(std::rc::Rc::new([Value::None, Value::None, Value::None]));
    let mut result = Vec::with_capacity(parts.len());
    for part in parts {
        match part {
            Value::Ellipsis => result.extend((used..rank).map(|_| full())),
            other => result.push(other),
        }
    }
    Ok(result)
}

fn too_many_indices(rank: usize) -> Box<Stop> {
    raise(
        Mistake::IndexOutOfRange,
        "IndexError",
        format!("too many indices for tensor of dimension {rank}"),
    )
}

fn out_of_bounds(index: i128, dim: usize, extent: u64) -> Box<Stop> {
    if let Ok(index) = u64::try_from(index) {
        return misfit(ShapeError::IndexOutOfRange { dim, index, extent });
    }
    raise(
        Mistake::IndexOutOfRange,
        "IndexError",
        format!("index {index} is out of bounds for dimension {dim} with size {extent}"),
    )
}

pub(super) fn index_position(tensor: &Tensor, dim: usize, number: i128) -> Eval<u64> {
    match tensor.dims().get(dim) {
        Some(Dim::Known(extent)) => {
            let length = i128::from(*extent);
            let index = if number < 0 { number + length } else { number };
            u64::try_from(index)
                .ok()
                .filter(|index| index < extent)
                .ok_or_else(|| out_of_bounds(number, dim, *extent))
        }
        Some(Dim::Batch { factor }) => {
            u64::try_from(number).ok().filter(|index| index < factor).ok_or_else(|| {
                refuse(Mistake::SymbolicArithmetic, "this sample exists only for some batch sizes")
                    .help("treat all samples of the batch alike")
            })
        }
        None => Err(too_many_indices(tensor.rank())),
    }
}

fn unsupported_index(index: &Value) -> Box<Stop> {
    match index {
        Value::Tensor(_) | Value::List(_) => refuse(
            Mistake::UnsupportedFunction,
            "nasc does not support indexing a tensor with a tensor or a list",
        )
        .help("use slices, chunk, split or torch.stack"),
        Value::Batch(_) => {
            refuse(Mistake::SymbolicArithmetic, "an index must not depend on the batch size")
        }
        other => type_error(format!("a tensor cannot be indexed with {}", other.type_name())),
    }
}
