//! Reductions: sums, means, spreads, extremes and where they lie; running sums.

use crate::eval::error::{Eval, Mistake, refuse};
use crate::eval::interpreter::Interpreter;
use crate::eval::native::Args;
use crate::eval::value::Value;
use crate::ir::op::{ArgExtreme, Binary, Cumulate, Op, Reduce, ReduceKind};

/// `sum`, `mean`, `amax` and so on by the name they were called with.
pub(super) fn reduce(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let tensor = args.tensor("input")?;
    let name = args.function.rsplit('.').next().unwrap_or(args.function);
    let kind = kind_of(interpreter, args, name)?;
    if let (Some(data), ReduceKind::Sum, true) = (tensor.data(), kind, args.value("dim").is_none())
    {
        return Ok(super::constant::scalar(data.iter().sum(), tensor.dtype()));
    }
    let dims = args.dims("dim", tensor.rank())?;
    let keep_dim = args.bool(interpreter, "keepdim")?;
    interpreter.emit(name, Op::Reduce(Reduce { kind, dims, keep_dim }), &[tensor])
}

fn kind_of(interpreter: &mut Interpreter<'_>, args: &Args, name: &str) -> Eval<ReduceKind> {
    Ok(match name {
        "sum" => ReduceKind::Sum,
        "mean" => ReduceKind::Mean,
        "amax" | "max" => ReduceKind::Max,
        "amin" | "min" => ReduceKind::Min,
        "prod" => ReduceKind::Product,
        "logsumexp" => ReduceKind::LogSumExp,
        "norm" => {
            if args.value("p").as_float().is_some_and(|p| p != 2.0) {
                return Err(refuse(
                    Mistake::UnsupportedArgument,
                    "nasc supports only the norm with p = 2",
                ));
            }
            ReduceKind::Norm
        }
        "var" | "std" => {
            let unbiased = args.value("unbiased");
            let sample = unbiased.is_none() || interpreter.truth(&unbiased)?;
            let correction = match args.optional_int("correction")? {
                Some(correction) => u64::try_from(correction).unwrap_or(0),
                None => u64::from(sample),
            };
            if name == "var" {
                ReduceKind::Variance { correction }
            } else {
                ReduceKind::Deviation { correction }
            }
        }
        "all" => ReduceKind::All,
        _ => ReduceKind::Any,
    })
}

/// `max` and `min`: of all elements, along a dimension (with positions), or of two tensors.
pub(super) fn extreme(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let largest = args.function.ends_with("max");
    let dim = args.value("dim");
    if matches!(dim, Value::Tensor(_)) {
        let op = if largest { Binary::Maximum } else { Binary::Minimum };
        return interpreter.combine(op, &args.value("input"), &dim);
    }
    let values = reduce(interpreter, args)?;
    if dim.is_none() {
        return Ok(values);
    }
    let positions = positions(interpreter, args, largest)?;
    Ok(Value::tuple(vec![values, positions]))
}

fn positions(interpreter: &mut Interpreter<'_>, args: &Args, largest: bool) -> Eval<Value> {
    let tensor = args.tensor("input")?;
    let dim = match args.value("dim") {
        Value::None => None,
        _ => Some(args.dim("dim", tensor.rank())?),
    };
    let keep_dim = args.bool(interpreter, "keepdim")?;
    let op = Op::ArgExtreme(ArgExtreme { largest, dim, keep_dim });
    interpreter.emit("argmax", op, &[tensor])
}

/// `argmax` and `argmin`.
pub(super) fn arg_extreme(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    positions(interpreter, args, args.function.ends_with("argmax"))
}

/// `cumsum` and `cumprod`.
pub(super) fn cumulate(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let tensor = args.tensor("input")?;
    let dim = args.dim("dim", tensor.rank())?;
    let product = args.function.ends_with("cumprod");
    interpreter.emit("cumsum", Op::Cumulate(Cumulate { dim, product }), &[tensor])
}
