//! Linear, Identity, Flatten, Unflatten, PixelShuffle, and `nn.Parameter`.

use crate::eval::builtins::native;
use crate::eval::error::{Eval, Fix, bad_argument, type_error};
use crate::eval::interpreter::Interpreter;
use crate::eval::library::Layer;
use crate::eval::native::{Args, CallArgs, Native};
use crate::eval::value::{Source, Tensor, Value};
use crate::ir::op::{Linear, Op, PixelShuffle};
use crate::ir::{DType, Dim, Init, Shape, TensorType};

use super::{int, kept, parameter_dtype, register, start, this};

/// Layers of this family.
pub(crate) const LINEAR_LAYERS: &[Layer] = &[
    Layer { name: "Linear", base: "Module", methods: LINEAR },
    Layer { name: "Identity", base: "Module", methods: IDENTITY },
    Layer { name: "Flatten", base: "Module", methods: FLATTEN },
    Layer { name: "Unflatten", base: "Module", methods: UNFLATTEN },
    Layer { name: "PixelShuffle", base: "Module", methods: PIXEL_SHUFFLE },
    Layer { name: "Parameter", base: "", methods: PARAMETER },
];

const LINEAR: &[Native] = &[
    native(
        "Linear.__init__",
        "self, in_features, out_features, bias=True, device=None, dtype=None",
        initialise,
    ),
    native("Linear.forward", "self, input", forward),
    native("Linear.reset_parameters", "self", |_, _| Ok(Value::None)),
];

const IDENTITY: &[Native] = &[
    native("Identity.__init__", "self, *args, **kwargs", |_, args| {
        start(&*this(args)?);
        Ok(Value::None)
    }),
    native("Identity.forward", "self, input", |_, args| Ok(args.value("input"))),
];

const FLATTEN: &[Native] = &[
    native("Flatten.__init__", "self, start_dim=1, end_dim=-1", |_, args| {
        let module = this(args)?;
        start(&module);
        module.set("start_dim", Value::Int(args.int("start_dim")?));
        module.set("end_dim", Value::Int(args.int("end_dim")?));
        Ok(Value::None)
    }),
    native("Flatten.forward", "self, input", |interpreter, args| {
        let module = this(args)?;
        let values = vec![
            Value::Tensor(args.tensor("input")?),
            kept(&module, "start_dim"),
            kept(&module, "end_dim"),
        ];
        call_torch(interpreter, "torch.flatten", values)
    }),
];

const UNFLATTEN: &[Native] = &[
    native("Unflatten.__init__", "self, dim, unflattened_size", |_, args| {
        let module = this(args)?;
        start(&module);
        module.set("dim", args.value("dim"));
        module.set("unflattened_size", args.value("unflattened_size"));
        Ok(Value::None)
    }),
    native("Unflatten.forward", "self, input", |interpreter, args| {
        let module = this(args)?;
        let method = interpreter.attribute(&args.value("input"), "unflatten")?;
        let values = vec![kept(&module, "dim"), kept(&module, "unflattened_size")];
        interpreter.call_values(&method, values)
    }),
];

const PIXEL_SHUFFLE: &[Native] = &[
    native("PixelShuffle.__init__", "self, upscale_factor", |_, args| {
        let module = this(args)?;
        start(&module);
        module.set("upscale_factor", int(args.count("upscale_factor", 1)?));
        Ok(Value::None)
    }),
    native("PixelShuffle.forward", "self, input", |interpreter, args| {
        let factor = kept(&*this(args)?, "upscale_factor");
        let values = vec![Value::Tensor(args.tensor("input")?), factor];
        call_torch(interpreter, "torch.nn.functional.pixel_shuffle", values)
    }),
];

const PARAMETER: &[Native] =
    &[native("Parameter.__make__", "data=None, requires_grad=True", parameter)];

fn call_torch(interpreter: &mut Interpreter<'_>, name: &str, values: Vec<Value>) -> Eval<Value> {
    match crate::eval::library::function(name) {
        Some(function) => interpreter.call_native(function, CallArgs::positional(values)),
        None => Err(type_error(format!("{name} is missing"))),
    }
}

fn initialise(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let module = this(args)?;
    start(&module);
    let sizes = || Ok((args.count("in_features", 0)?, args.count("out_features", 0)?));
    let (input, output) = sizes().map_err(|stop: Box<crate::eval::error::Stop>| {
        let is_float = args.named().any(|(_, value)| matches!(value, Value::Float(_)));
        let help = "use `//` for a division that gives an integer";
        if is_float { stop.help(help).fix(Fix::FloorDivision) } else { stop }
    })?;
    module.set("in_features", int(input));
    module.set("out_features", int(output));
    // torch/nn/modules/linear.py, Linear.reset_parameters: kaiming_uniform with a = sqrt(5) is
    // U(-1/sqrt(in_features), 1/sqrt(in_features)), and so is the bias.
    let bound = if input > 0 { 1.0 / (input as f64).sqrt() } else { 0.0 };
    let init = Init::Uniform { low: -bound, high: bound };
    let dtype = parameter_dtype(args)?;
    register(&module, "weight", Some((&[output, input], dtype, init.clone())))?;
    let has_bias = args.bool(interpreter, "bias")?;
    register(&module, "bias", has_bias.then_some((&[output], dtype, init)))?;
    Ok(Value::None)
}

fn forward(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let module = this(args)?;
    let Some(weight) = module.parameter("weight") else {
        return Err(type_error("the linear layer has no weight"));
    };
    apply(interpreter, args.tensor("input")?, weight, module.parameter("bias"))
}

/// `F.linear(input, weight, bias)`
pub(super) fn function(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let bias = args.optional_tensor("bias")?;
    apply(interpreter, args.tensor("input")?, args.tensor("weight")?, bias)
}

fn apply(
    interpreter: &mut Interpreter<'_>,
    input: Tensor,
    weight: Tensor,
    bias: Option<Tensor>,
) -> Eval<Value> {
    let dims = weight.dims();
    let [Dim::Known(out_features), Dim::Known(in_features)] = dims.as_slice() else {
        return Err(bad_argument("the weight of a linear map must have two known dimensions"));
    };
    let op = Op::Linear(Linear {
        in_features: *in_features,
        out_features: *out_features,
        bias: bias.is_some(),
    });
    let mut operands = vec![input, weight];
    operands.extend(bias);
    interpreter.emit("linear", op, &operands)
}

/// `[*, C r², H, W]` to `[*, C, H r, W r]`.
pub(super) fn pixel_shuffle(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let factor = args.count("upscale_factor", 1)?;
    let op = Op::PixelShuffle(PixelShuffle { factor, inverse: false });
    interpreter.emit("pixel_shuffle", op, &[args.tensor("input")?])
}

/// `nn.Parameter(data, requires_grad=True)`
pub(super) fn parameter(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let requires_grad = args.bool(interpreter, "requires_grad")?;
    let (tensor_type, source) = match args.value("data") {
        Value::None => (
            TensorType { dtype: DType::F32, shape: Shape::known(&[0]) },
            Source::Fill(Init::Constant(0.0)),
        ),
        Value::Unknown => return Ok(Value::Unknown),
        _ => {
            let data = args.tensor("data")?;
            let source = data.0.source.borrow().clone();
            (data.tensor_type(), initial(source))
        }
    };
    Ok(Value::Tensor(Tensor::parameter(tensor_type, source, requires_grad)))
}

/// How a parameter starts whose data came from somewhere.
fn initial(source: Source) -> Source {
    match source {
        Source::Fill(init) => Source::Fill(init),
        Source::Data(data) => {
            // Several different elements have no name yet; their mean keeps the scale.
            let mean = data.iter().sum::<f64>() / data.len().max(1) as f64;
            Source::Fill(Init::Constant(mean))
        }
        Source::Graph(_) | Source::Param(_) => Source::Fill(Init::Constant(0.0)),
    }
}
