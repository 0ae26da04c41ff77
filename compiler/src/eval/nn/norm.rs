//! Batch normalisation and its functional twin.

use crate::eval::builtins::native;
use crate::eval::error::Eval;
use crate::eval::interpreter::Interpreter;
use crate::eval::library::Layer;
use crate::eval::native::{Args, Native};
use crate::eval::value::{Source, Tensor, Value};
use crate::ir::op::{BatchNorm, Op};
use crate::ir::{DType, Dim, Init, Shape, TensorType};

use super::{int, kept, kept_float, parameter_dtype, register, register_buffer, start, this};

/// Signature of `F.batch_norm`.
pub(super) const FUNCTION: &str = "input, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-05";

// Defaults: torch/nn/modules/batchnorm.py, _BatchNorm.__init__.
const INIT: &str = "self, num_features, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True, device=None, dtype=None";

/// Layers of this family.
pub(crate) const NORMALISATIONS: &[Layer] = &[
    Layer { name: "BatchNorm1d", base: "Module", methods: BATCH1D },
    Layer { name: "BatchNorm2d", base: "Module", methods: BATCH2D },
    Layer { name: "BatchNorm3d", base: "Module", methods: BATCH3D },
];

const BATCH1D: &[Native] = &[
    native("BatchNorm1d.__init__", INIT, initialise),
    native("BatchNorm1d.forward", "self, input", forward),
    native("BatchNorm1d.reset_parameters", "self", |_, _| Ok(Value::None)),
];
const BATCH2D: &[Native] = &[
    native("BatchNorm2d.__init__", INIT, initialise),
    native("BatchNorm2d.forward", "self, input", forward),
    native("BatchNorm2d.reset_parameters", "self", |_, _| Ok(Value::None)),
];
const BATCH3D: &[Native] = &[
    native("BatchNorm3d.__init__", INIT, initialise),
    native("BatchNorm3d.forward", "self, input", forward),
    native("BatchNorm3d.reset_parameters", "self", |_, _| Ok(Value::None)),
];

fn initialise(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let module = this(args)?;
    start(&module);
    let features = args.count("num_features", 0)?;
    let affine = args.bool(interpreter, "affine")?;
    let tracks = args.bool(interpreter, "track_running_stats")?;
    for (name, value) in [
        ("num_features", int(features)),
        ("eps", Value::Float(args.float("eps")?)),
        ("momentum", args.optional_float("momentum")?.map_or(Value::None, Value::Float)),
        ("affine", Value::Bool(affine)),
        ("track_running_stats", Value::Bool(tracks)),
    ] {
        module.set(name, value);
    }
    let dtype = parameter_dtype(args)?;
    let shape = [features];
    let one = affine.then_some((&shape[..], dtype, Init::Constant(1.0)));
    let zero = affine.then_some((&shape[..], dtype, Init::Constant(0.0)));
    register(&module, "weight", one)?;
    register(&module, "bias", zero)?;
    let buffer = |shape: Shape, dtype: DType, value: f64| {
        let tensor_type = TensorType { dtype, shape };
        tracks.then(|| Tensor::new(tensor_type, Source::Fill(Init::Constant(value))))
    };
    register_buffer(&module, "running_mean", buffer(Shape::known(&shape), dtype, 0.0));
    register_buffer(&module, "running_var", buffer(Shape::known(&shape), dtype, 1.0));
    register_buffer(&module, "num_batches_tracked", buffer(Shape(vec![]), DType::I64, 0.0));
    Ok(Value::None)
}

fn forward(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let module = this(args)?;
    let ranks = match super::spatial_rank(args.function) {
        1 => vec![2, 3],
        2 => vec![4],
        _ => vec![5],
    };
    let affine = module.parameter("weight").zip(module.parameter("bias"));
    let statistics = module.buffer("running_mean").zip(module.buffer("running_var"));
    let statistics = statistics.zip(module.buffer("num_batches_tracked"));
    let features = kept(&module, "num_features").as_int().unwrap_or(0);
    let op = BatchNorm {
        num_features: u64::try_from(features).unwrap_or(0),
        eps: kept_float(&module, "eps")?,
        momentum: kept(&module, "momentum").as_float(),
        affine: affine.is_some(),
        track_running_stats: statistics.is_some(),
        ranks,
    };
    let mut operands = vec![args.tensor("input")?];
    operands.extend(affine.into_iter().flat_map(|(weight, bias)| [weight, bias]));
    operands.extend(statistics.into_iter().flat_map(|((mean, var), count)| [mean, var, count]));
    interpreter.emit("batch_norm", Op::BatchNorm(op), &operands)
}

fn filled_like(tensor: &Tensor, value: f64) -> Tensor {
    Tensor::new(tensor.tensor_type(), Source::Fill(Init::Constant(value)))
}

/// `F.batch_norm`; the batch counter of the layer has no place in it.
pub(super) fn function(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let input = args.tensor("input")?;
    // one without the other is completed, as a scale or an offset alone
    let affine = match (args.optional_tensor("weight")?, args.optional_tensor("bias")?) {
        (Some(weight), None) => Some((weight.clone(), filled_like(&weight, 0.0))),
        (None, Some(bias)) => Some((filled_like(&bias, 1.0), bias)),
        (weight, bias) => weight.zip(bias),
    };
    let statistics =
        args.optional_tensor("running_mean")?.zip(args.optional_tensor("running_var")?);
    let features = match input.dims().get(1) {
        Some(Dim::Known(extent)) => *extent,
        _ => 0,
    };
    let op = BatchNorm {
        num_features: features,
        eps: args.float("eps")?,
        momentum: args.optional_float("momentum")?,
        affine: affine.is_some(),
        track_running_stats: statistics.is_some(),
        ranks: Vec::new(),
    };
    let mut operands = vec![input];
    operands.extend(affine.into_iter().flat_map(|(weight, bias)| [weight, bias]));
    if let Some((mean, var)) = statistics {
        let counter = TensorType { dtype: DType::I64, shape: Shape(Vec::new()) };
        let counter = Tensor::new(counter, Source::Fill(Init::Constant(0.0)));
        operands.extend([mean, var, counter]);
    }
    interpreter.emit("batch_norm", Op::BatchNorm(op), &operands)
}
