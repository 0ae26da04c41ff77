//! Selection by value or by a tensor of positions: `topk`, `sort`, `argsort`, `gather`.

use crate::eval::builtins::native;
use crate::eval::error::{Eval, Mistake, refuse};
use crate::eval::interpreter::Interpreter;
use crate::eval::native::{Args, Native};
use crate::eval::value::Value;
use crate::ir::op::{Gather, Op, TopK};

const TOP: &str = "input, k, dim=-1, largest=True, sorted=True";
const SORT: &str = "input, dim=-1, descending=False, stable=False";

/// Functions of `torch`.
pub(crate) const SELECTIONS: &[Native] = &[
    native("torch.topk", TOP, top),
    native("torch.sort", SORT, sort),
    native("torch.argsort", SORT, argsort),
    native("torch.gather", "input, dim, index, *, sparse_grad=False", gather),
];

/// Methods of tensors.
pub(super) const METHODS: &[Native] = &[
    native("Tensor.topk", TOP, top),
    native("Tensor.sort", SORT, sort),
    native("Tensor.argsort", SORT, argsort),
    native("Tensor.gather", "input, dim, index, *, sparse_grad=False", gather),
];

fn selected(
    interpreter: &mut Interpreter<'_>,
    args: &Args,
    k: Option<u64>,
    largest: bool,
) -> Eval<Vec<Value>> {
    let tensor = args.tensor("input")?;
    if tensor.rank() == 0 {
        return Err(refuse(Mistake::UnsupportedArgument, "nasc does not sort a lone number"));
    }
    let dim = args.dim("dim", tensor.rank())?;
    let name = args.function.rsplit('.').next().unwrap_or(args.function);
    let mut results = interpreter.emit_all(name, Op::TopK(TopK { k, dim, largest }), &[tensor])?;
    results.resize(2, Value::Unknown);
    Ok(results)
}

fn top(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let (k, largest) = (args.count("k", 0)?, args.bool(interpreter, "largest")?);
    Ok(Value::tuple(selected(interpreter, args, Some(k), largest)?))
}

fn sort(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let descending = args.bool(interpreter, "descending")?;
    Ok(Value::tuple(selected(interpreter, args, None, descending)?))
}

fn argsort(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let descending = args.bool(interpreter, "descending")?;
    let results = selected(interpreter, args, None, descending)?;
    Ok(results.into_iter().nth(1).unwrap_or(Value::Unknown))
}

fn gather(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let (input, index) = (args.tensor("input")?, args.tensor("index")?);
    let dim = args.dim("dim", input.rank())?;
    interpreter.emit("gather", Op::Gather(Gather { dim }), &[input, index])
}
