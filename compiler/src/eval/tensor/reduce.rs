//! Reductions: sum, mean, largest and smallest elements.

use crate::eval::error::Eval;
use crate::eval::interpreter::Interpreter;
use crate::eval::native::Args;
use crate::eval::value::Value;
use crate::ir::op::{Binary, Op, Reduce, ReduceKind};

/// `sum`, `mean`, `amax`, `amin` by the name they were called with.
pub(super) fn reduce(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let tensor = args.tensor("input")?;
    let name = args.function.rsplit('.').next().unwrap_or(args.function);
    let kind = match name {
        "sum" => ReduceKind::Sum,
        "mean" => ReduceKind::Mean,
        "amax" | "max" => ReduceKind::Max,
        _ => ReduceKind::Min,
    };
    if let (Some(data), ReduceKind::Sum, true) = (tensor.data(), kind, args.value("dim").is_none())
    {
        return Ok(super::constant::scalar(data.iter().sum(), tensor.dtype()));
    }
    let dims = args.dims("dim", tensor.rank())?;
    let keep_dim = args.bool(interpreter, "keepdim")?;
    interpreter.emit(name, Op::Reduce(Reduce { kind, dims, keep_dim }), &[tensor])
}

/// `max` and `min`: of all elements, along a dimension (with indices), or of two tensors.
pub(super) fn extreme(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let is_max = args.function.ends_with("max");
    let dim = args.value("dim");
    if matches!(dim, Value::Tensor(_)) {
        let op = if is_max { Binary::Maximum } else { Binary::Minimum };
        return interpreter.combine(op, &args.value("input"), &dim);
    }
    let values = reduce(interpreter, args)?;
    if dim.is_none() {
        return Ok(values);
    }
    let indices = Value::opaque("torch.max indices");
    Ok(Value::tuple(vec![values, indices]))
}
