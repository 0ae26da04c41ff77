//! Pooling layers and their functional twins.

use crate::eval::builtins::native;
use crate::eval::error::{Eval, Mistake, refuse, type_error};
use crate::eval::interpreter::Interpreter;
use crate::eval::library::Layer;
use crate::eval::native::{Args, counts};
use crate::eval::value::{Tensor, Value};
use crate::ir::op::{AdaptivePool, Op, Pool, PoolMode};

use super::{kept, spatial_rank, start, this};

/// Signature of `F.max_pool2d`.
pub(super) const MAX: &str =
    "input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False";

/// Signature of `F.avg_pool2d`.
pub(super) const AVERAGE: &str = "input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None";

const MAX_INIT: &str =
    "self, kernel_size, stride=None, padding=0, dilation=1, return_indices=False, ceil_mode=False";
const AVERAGE_INIT: &str = "self, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None";
const ADAPTIVE_INIT: &str = "self, output_size, return_indices=False";

macro_rules! pools {
    ($($name:literal, $init:literal, $forward:literal, $signature:expr, $apply:expr;)*) => {
        /// Layers of this family.
        pub(crate) const POOLS: &[Layer] = &[$(Layer {
            name: $name,
            base: "Module",
            methods: &[
                native($init, $signature, initialise),
                native($forward, "self, input", $apply),
            ],
        }),*];
    };
}

pools! {
    "MaxPool1d", "MaxPool1d.__init__", "MaxPool1d.forward", MAX_INIT, forward;
    "MaxPool2d", "MaxPool2d.__init__", "MaxPool2d.forward", MAX_INIT, forward;
    "MaxPool3d", "MaxPool3d.__init__", "MaxPool3d.forward", MAX_INIT, forward;
    "AvgPool1d", "AvgPool1d.__init__", "AvgPool1d.forward", AVERAGE_INIT, forward;
    "AvgPool2d", "AvgPool2d.__init__", "AvgPool2d.forward", AVERAGE_INIT, forward;
    "AvgPool3d", "AvgPool3d.__init__", "AvgPool3d.forward", AVERAGE_INIT, forward;
    "AdaptiveAvgPool1d", "AdaptiveAvgPool1d.__init__", "AdaptiveAvgPool1d.forward", ADAPTIVE_INIT, adaptive_forward;
    "AdaptiveAvgPool2d", "AdaptiveAvgPool2d.__init__", "AdaptiveAvgPool2d.forward", ADAPTIVE_INIT, adaptive_forward;
    "AdaptiveAvgPool3d", "AdaptiveAvgPool3d.__init__", "AdaptiveAvgPool3d.forward", ADAPTIVE_INIT, adaptive_forward;
    "AdaptiveMaxPool1d", "AdaptiveMaxPool1d.__init__", "AdaptiveMaxPool1d.forward", ADAPTIVE_INIT, adaptive_forward;
    "AdaptiveMaxPool2d", "AdaptiveMaxPool2d.__init__", "AdaptiveMaxPool2d.forward", ADAPTIVE_INIT, adaptive_forward;
    "AdaptiveMaxPool3d", "AdaptiveMaxPool3d.__init__", "AdaptiveMaxPool3d.forward", ADAPTIVE_INIT, adaptive_forward;
}

/// Keeps every argument under its name, as PyTorch does.
fn initialise(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let module = this(args)?;
    start(&module);
    for (name, value) in args.named().filter(|(name, _)| *name != "self") {
        module.set(name, value.clone());
    }
    if args.bool(interpreter, "return_indices")? {
        return Err(unsupported_indices());
    }
    if module.attribute("kernel_size").is_some() {
        let stride = kept(&module, "stride");
        let missing = stride.is_none();
        module.set("stride", if missing { args.value("kernel_size") } else { stride });
    }
    Ok(Value::None)
}

fn unsupported_indices() -> Box<crate::eval::error::Stop> {
    refuse(Mistake::UnsupportedArgument, "nasc does not support return_indices of poolings")
        .help("leave return_indices out")
}

fn mode_of(function: &str) -> PoolMode {
    if function.to_lowercase().contains("max") { PoolMode::Max } else { PoolMode::Average }
}

fn forward(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let module = this(args)?;
    let value = |name: &str| kept(&module, name);
    pool(interpreter, args.function, args.tensor("input")?, &value)
}

/// `F.max_pool2d` and `F.avg_pool2d`.
pub(super) fn function(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    if args.bool(interpreter, "return_indices")? {
        return Err(unsupported_indices());
    }
    let value = |name: &str| args.value(name);
    pool(interpreter, args.function, args.tensor("input")?, &value)
}

fn pool(
    interpreter: &mut Interpreter<'_>,
    function: &str,
    input: Tensor,
    value: &dyn Fn(&str) -> Value,
) -> Eval<Value> {
    let rank = spatial_rank(function);
    let mode = mode_of(function);
    let numbers = |name: &str, default: Value, least: i128| {
        let given = value(name);
        // An empty stride means the kernel, too.
        let empty = matches!(&given, Value::Tuple(items) if items.is_empty());
        let chosen = if given.is_none() || empty { default } else { given };
        counts(function, name, &chosen, rank, least)
    };
    let divisor_override = match value("divisor_override") {
        Value::None => None,
        other => other.as_int().and_then(|divisor| u64::try_from(divisor).ok()),
    };
    let include = value("count_include_pad");
    let ceil_mode = value("ceil_mode");
    let op = Op::Pool(Pool {
        mode,
        kernel: numbers("kernel_size", Value::None, 1)?,
        stride: numbers("stride", value("kernel_size"), 1)?,
        padding: numbers("padding", Value::Int(0), 0)?,
        dilation: numbers("dilation", Value::Int(1), 1)?,
        ceil_mode: !ceil_mode.is_none() && interpreter.truth(&ceil_mode)?,
        count_include_pad: include.is_none() || interpreter.truth(&include)?,
        divisor_override,
    });
    let name = function.rsplit('.').next().unwrap_or(function);
    interpreter.emit(name, op, &[input])
}

fn adaptive_forward(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let size = kept(&*this(args)?, "output_size");
    adaptive_pool(interpreter, args.function, args.tensor("input")?, &size)
}

/// `F.adaptive_avg_pool2d` and relatives.
pub(super) fn adaptive(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    adaptive_pool(interpreter, args.function, args.tensor("input")?, &args.value("output_size"))
}

fn adaptive_pool(
    interpreter: &mut Interpreter<'_>,
    function: &str,
    input: Tensor,
    size: &Value,
) -> Eval<Value> {
    let rank = spatial_rank(function);
    let items: Vec<Value> = match size {
        Value::Tuple(items) => items.to_vec(),
        Value::List(items) => items.borrow().clone(),
        other => vec![other.clone(); rank],
    };
    let items = match items.as_slice() {
        [only] => vec![only.clone(); rank],
        _ => items,
    };
    if items.len() != rank {
        return Err(type_error(format!("{function}: output_size needs one number or {rank}")));
    }
    let output = items
        .iter()
        .map(|item| match item {
            Value::None => Ok(None),
            other => counts(function, "output_size", other, 1, 0).map(|list| list.first().copied()),
        })
        .collect::<Eval<_>>()?;
    let op = Op::AdaptivePool(AdaptivePool { mode: mode_of(function), output });
    let name = function.rsplit('.').next().unwrap_or(function);
    interpreter.emit(name, op, &[input])
}
