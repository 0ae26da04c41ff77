//! Selection by value or by a tensor of positions: `topk`, `sort`, `argsort`, `gather`, `scatter`.

use crate::eval::builtins::native;
use crate::eval::error::{Eval, Mistake, refuse, type_error};
use crate::eval::interpreter::Interpreter;
use crate::eval::native::{Args, Native};
use crate::eval::value::{Source, Tensor, Value};
use crate::ir::op::{Gather, Op, Scatter, TopK};
use crate::ir::{Init, Shape, TensorType};

const TOP: &str = "input, k, dim=-1, largest=True, sorted=True";
const SCATTER: &str = "input, dim, index, src=None, *, value=None, reduce=None";
const SORT: &str = "input, dim=-1, descending=False, stable=False";

/// Functions of `torch`.
pub(crate) const SELECTIONS: &[Native] = &[
    native("torch.topk", TOP, top),
    native("torch.sort", SORT, sort),
    native("torch.argsort", SORT, argsort),
    native("torch.gather", "input, dim, index, *, sparse_grad=False", gather),
    native("torch.scatter", SCATTER, scatter),
    native("torch.scatter_add", "input, dim, index, src", scatter),
];

/// Methods of tensors.
pub(super) const METHODS: &[Native] = &[
    native("Tensor.topk", TOP, top),
    native("Tensor.sort", SORT, sort),
    native("Tensor.argsort", SORT, argsort),
    native("Tensor.gather", "input, dim, index, *, sparse_grad=False", gather),
    native("Tensor.scatter", SCATTER, scatter),
    native("Tensor.scatter_add", "input, dim, index, src", scatter),
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

/// `scatter(dim, index, src)`, with a number for the source, or adding.
fn scatter(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let (input, index) = (args.tensor("input")?, args.tensor("index")?);
    let name = if args.function.ends_with("scatter_add") { "scatter_add" } else { "scatter" };
    let reduce = args.value("reduce").as_str();
    if reduce.as_deref().is_some_and(|reduce| reduce != "add") {
        let what = "nasc supports only scatter that replaces or adds";
        return Err(refuse(Mistake::UnsupportedArgument, what));
    }
    let add = name == "scatter_add" || reduce.is_some();
    let dim = args.dim("dim", input.rank())?;
    let source = match (args.value("src"), args.value("value")) {
        (Value::Tensor(source), _) => source,
        (Value::None, number) | (number, _) => {
            let Some(number) = number.as_float() else {
                return Err(type_error("scatter needs a source or a value"));
            };
            let source = TensorType { dtype: input.dtype(), shape: Shape(index.dims()) };
            Tensor::new(source, Source::Fill(Init::Constant(number)))
        }
    };
    interpreter.emit(name, Op::Scatter(Scatter { dim, add }), &[input, index, source])
}
