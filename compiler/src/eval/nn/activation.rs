//! Activations, softmax and dropout, as layers and as functions.

use crate::eval::builtins::native;
use crate::eval::error::{Eval, bad_argument};
use crate::eval::interpreter::Interpreter;
use crate::eval::library::Layer;
use crate::eval::native::Args;
use crate::eval::value::{Tensor, Value};
use crate::ir::op::{Activation, Binary, DropoutKind};
use crate::ir::{Dim, Init, Shape};

use super::{kept, parameter_dtype, register, start, this};

/// Signature of `F.dropout`.
pub(super) const DROPOUT: &str = "input, p=0.5, training=True, inplace=False";

const PLAIN: &str = "self, inplace=False";
const NOTHING: &str = "self";

macro_rules! activations {
    ($($name:literal, $init:literal, $forward:literal, $signature:expr, $apply:expr;)*) => {
        /// Layers of this family.
        pub(crate) const ACTIVATIONS: &[Layer] = &[$(Layer {
            name: $name,
            base: "Module",
            methods: &[
                native($init, $signature, initialise),
                native($forward, "self, input", $apply),
            ],
        }),*];
    };
}

activations! {
    "ReLU", "ReLU.__init__", "ReLU.forward", PLAIN, forward;
    "ReLU6", "ReLU6.__init__", "ReLU6.forward", PLAIN, forward;
    "LeakyReLU", "LeakyReLU.__init__", "LeakyReLU.forward", "self, negative_slope=0.01, inplace=False", forward;
    "ELU", "ELU.__init__", "ELU.forward", "self, alpha=1.0, inplace=False", forward;
    "SELU", "SELU.__init__", "SELU.forward", PLAIN, forward;
    "CELU", "CELU.__init__", "CELU.forward", "self, alpha=1.0, inplace=False", forward;
    "GELU", "GELU.__init__", "GELU.forward", "self, approximate='none'", forward;
    "SiLU", "SiLU.__init__", "SiLU.forward", PLAIN, forward;
    "Mish", "Mish.__init__", "Mish.forward", PLAIN, forward;
    "Sigmoid", "Sigmoid.__init__", "Sigmoid.forward", NOTHING, forward;
    "Tanh", "Tanh.__init__", "Tanh.forward", NOTHING, forward;
    "Hardswish", "Hardswish.__init__", "Hardswish.forward", PLAIN, forward;
    "Hardsigmoid", "Hardsigmoid.__init__", "Hardsigmoid.forward", PLAIN, forward;
    "Hardtanh", "Hardtanh.__init__", "Hardtanh.forward", "self, min_val=-1.0, max_val=1.0, inplace=False", forward;
    "Softplus", "Softplus.__init__", "Softplus.forward", "self, beta=1.0, threshold=20.0", forward;
    "Softsign", "Softsign.__init__", "Softsign.forward", NOTHING, forward;
    "LogSigmoid", "LogSigmoid.__init__", "LogSigmoid.forward", NOTHING, forward;
    "GLU", "GLU.__init__", "GLU.forward", "self, dim=-1", glu_forward;
    "PReLU", "PReLU.__init__", "PReLU.forward", "self, num_parameters=1, init=0.25, device=None, dtype=None", prelu_forward;
    "Softmax", "Softmax.__init__", "Softmax.forward", "self, dim=None", softmax_forward;
    "LogSoftmax", "LogSoftmax.__init__", "LogSoftmax.forward", "self, dim=None", softmax_forward;
    "Softmax2d", "Softmax2d.__init__", "Softmax2d.forward", NOTHING, softmax_forward;
    "Dropout", "Dropout.__init__", "Dropout.forward", "self, p=0.5, inplace=False", dropout_forward;
    "Dropout1d", "Dropout1d.__init__", "Dropout1d.forward", "self, p=0.5, inplace=False", dropout_forward;
    "Dropout2d", "Dropout2d.__init__", "Dropout2d.forward", "self, p=0.5, inplace=False", dropout_forward;
    "Dropout3d", "Dropout3d.__init__", "Dropout3d.forward", "self, p=0.5, inplace=False", dropout_forward;
    "AlphaDropout", "AlphaDropout.__init__", "AlphaDropout.forward", "self, p=0.5, inplace=False", dropout_forward;
}

/// Keeps every argument under its name; checks what PyTorch checks.
fn initialise(_: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let module = this(args)?;
    start(&module);
    for (name, value) in args.named().filter(|(name, _)| *name != "self") {
        module.set(name, value.clone());
    }
    if args.function.contains("Dropout") {
        let p = args.float("p")?;
        if !(0.0..=1.0).contains(&p) {
            let help = if p > 1.0 && p <= 100.0 {
                format!("write the probability as a fraction: p={}", p / 100.0)
            } else {
                String::from("write a probability from 0 to 1")
            };
            let shown = args.value("p");
            let shown = shown.as_int().map_or_else(|| p.to_string(), |number| number.to_string());
            return Err(bad_argument(format!(
                "dropout probability has to be between 0 and 1, but got {shown}"
            ))
            .help(help));
        }
    }
    if args.function.starts_with("PReLU") {
        let count = args.count("num_parameters", 1)?;
        let init = Init::Constant(args.float("init")?);
        register(&module, "weight", Some((&[count], parameter_dtype(args)?, init)))?;
    }
    Ok(Value::None)
}

/// The activation that a layer or function of this name is; parameters come from `value`.
fn activation_of(name: &str, value: &dyn Fn(&str) -> Value) -> Eval<Option<Activation>> {
    let number = |parameter: &str| {
        let given = value(parameter);
        given.as_float().ok_or_else(|| {
            crate::eval::error::type_error(format!(
                "{name}: {parameter} must be a number, not {}",
                given.type_name()
            ))
        })
    };
    let lower = name.to_lowercase().replace('_', "");
    Ok(Some(match lower.as_str() {
        "relu" => Activation::Relu,
        "relu6" => Activation::Relu6,
        "leakyrelu" => Activation::LeakyRelu { negative_slope: number("negative_slope")? },
        "elu" => Activation::Elu { alpha: number("alpha")? },
        "selu" => Activation::Selu,
        "celu" => Activation::Celu { alpha: number("alpha")? },
        "gelu" => Activation::Gelu { tanh: is_tanh(&value("approximate"))? },
        "silu" => Activation::Silu,
        "mish" => Activation::Mish,
        "sigmoid" => Activation::Sigmoid,
        "tanh" => Activation::Tanh,
        "hardswish" => Activation::Hardswish,
        "hardsigmoid" => Activation::Hardsigmoid,
        "hardtanh" => Activation::Hardtanh { min: number("min_val")?, max: number("max_val")? },
        "softplus" => {
            Activation::Softplus { beta: number("beta")?, threshold: number("threshold")? }
        }
        "softsign" => Activation::Softsign,
        "logsigmoid" => Activation::LogSigmoid,
        _ => return Ok(None),
    }))
}

fn is_tanh(approximate: &Value) -> Eval<bool> {
    match approximate.as_str().as_deref() {
        Some("tanh") => Ok(true),
        Some("none") => Ok(false),
        _ => Err(bad_argument("approximate argument must be either none or tanh.")),
    }
}

fn forward(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let module = this(args)?;
    let name = args.function.split('.').next().unwrap_or(args.function);
    let value = |parameter: &str| kept(&module, parameter);
    apply(interpreter, name, args, &value)
}

/// `F.relu` and the other functions of one tensor.
pub(super) fn function(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let name = args.function.rsplit('.').next().unwrap_or(args.function);
    let value = |parameter: &str| args.value(parameter);
    apply(interpreter, name, args, &value)
}

fn apply(
    interpreter: &mut Interpreter<'_>,
    name: &str,
    args: &Args,
    value: &dyn Fn(&str) -> Value,
) -> Eval<Value> {
    let tensor =
        args.tensor("input").map_err(|stop| wrong_input(*stop, name, &args.value("input")))?;
    let in_place = value("inplace");
    let in_place = !in_place.is_none() && interpreter.truth(&in_place)?;
    match activation_of(name, value)? {
        Some(activation) => interpreter.activation(activation, &tensor, in_place),
        None => Ok(Value::Unknown),
    }
}

/// PyTorch's words for an input that is no tensor.
fn wrong_input(
    stop: crate::eval::error::Stop,
    name: &str,
    input: &Value,
) -> Box<crate::eval::error::Stop> {
    match stop {
        crate::eval::error::Stop::Raise(_) => {
            let error = crate::eval::error::type_error(format!(
                "{}(): argument 'input' (position 1) must be Tensor, not {}",
                name.to_lowercase(),
                input.type_name()
            ));
            match input {
                Value::None => {
                    error.help("the module before it returns None: end its `forward` with `return`")
                }
                Value::Tuple(_) => {
                    error.help("the module before it returns a tuple: take one item of it")
                }
                _ => error,
            }
        }
        other => Box::new(other),
    }
}

fn softmax_forward(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let module = this(args)?;
    let dim = match args.function.starts_with("Softmax2d") {
        true => Value::Int(1),
        false => kept(&module, "dim"),
    };
    let tensor = args.tensor("input")?;
    interpreter.softmax(&tensor, &dim, args.function.starts_with("Log"))
}

/// `F.softmax` and `F.log_softmax`.
pub(super) fn softmax(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let tensor = args.tensor("input")?;
    interpreter.softmax(&tensor, &args.value("dim"), args.function.ends_with("log_softmax"))
}

fn kind_of(function: &str) -> DropoutKind {
    let lower = function.to_lowercase();
    if lower.contains("alpha") {
        DropoutKind::Alpha
    } else if lower.contains("1d") || lower.contains("2d") || lower.contains("3d") {
        DropoutKind::Channel
    } else {
        DropoutKind::Element
    }
}

fn dropout_forward(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let p = super::kept_float(&*this(args)?, "p")?;
    let tensor = args.tensor("input")?;
    interpreter.dropout(&tensor, p, kind_of(args.function))
}

/// `F.dropout(input, p, training)`: with `training=False` nothing happens in either mode.
pub(super) fn dropout(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let tensor = args.tensor("input")?;
    let p = args.float("p")?;
    let training = args.value("training");
    let off = matches!(training, Value::Bool(false)) && interpreter.training;
    if off {
        return Ok(Value::Tensor(tensor));
    }
    interpreter.dropout(&tensor, p, kind_of(args.function))
}

fn glu_forward(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let dim = kept(&*this(args)?, "dim").as_int().unwrap_or(-1);
    gate(interpreter, &args.tensor("input")?, dim)
}

/// `F.glu(input, dim)`
pub(super) fn glu(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    gate(interpreter, &args.tensor("input")?, args.int("dim")?)
}

/// First half times the sigmoid of the second.
fn gate(interpreter: &mut Interpreter<'_>, tensor: &Tensor, dim: i128) -> Eval<Value> {
    let dim = crate::eval::native::normalise_dim(dim, tensor.rank())?;
    let half = match tensor.dims().get(dim) {
        Some(Dim::Known(extent)) if extent.is_multiple_of(2) => extent / 2,
        Some(extent) => {
            return Err(bad_argument(format!(
                "Halving dimension must be even, but dimension {dim} is size {extent}"
            )));
        }
        None => return Err(bad_argument("glu does not support tensors without dimensions")),
    };
    let left = interpreter.narrow(tensor, dim, 0, Some(half), 1)?;
    let right = interpreter.narrow(tensor, dim, half, Some(half * 2), 1)?;
    let Value::Tensor(right) = right else { return Ok(Value::Unknown) };
    let right = interpreter.activation(Activation::Sigmoid, &right, false)?;
    interpreter.combine(Binary::Mul, &left, &right)
}

/// max(0, x) + weight · min(0, x)
fn prelu_forward(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let module = this(args)?;
    let tensor = args.tensor("input")?;
    let Some(weight) = module.parameter("weight") else { return Ok(Value::Unknown) };
    let count = match weight.dims().as_slice() {
        [Dim::Known(count)] => *count,
        _ => 1,
    };
    let mut shape = vec![Dim::Known(1); tensor.rank().max(1)];
    if let (true, Some(channels)) = (count > 1, shape.get_mut(1)) {
        *channels = Dim::Known(count);
    }
    let weight = reshaped(interpreter, &weight, Shape(shape))?;
    let input = Value::Tensor(tensor);
    let zero = Value::Int(0);
    let positive = interpreter.combine(Binary::Maximum, &input, &zero)?;
    let negative = interpreter.combine(Binary::Minimum, &input, &zero)?;
    let scaled = interpreter.combine(Binary::Mul, &negative, &weight)?;
    interpreter.combine(Binary::Add, &positive, &scaled)
}

/// A parameter under another shape is a node of the graph.
fn reshaped(interpreter: &mut Interpreter<'_>, weight: &Tensor, shape: Shape) -> Eval<Value> {
    interpreter.reshape_to("prelu", weight, shape)
}
