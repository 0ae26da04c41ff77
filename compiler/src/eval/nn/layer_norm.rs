//! Normalisation over features, groups, single channels and neighbouring channels: LayerNorm,
//! RMSNorm, GroupNorm, InstanceNorm, LocalResponseNorm.

use crate::eval::builtins::native;
use crate::eval::error::{Eval, Fix, bad_argument};
use crate::eval::interpreter::Interpreter;
use crate::eval::library::Layer;
use crate::eval::native::{Args, Native, counts};
use crate::eval::object::Instance;
use crate::eval::value::{Source, Tensor, Value};
use crate::ir::op::{GroupNorm, InstanceNorm, LayerNorm, LocalResponseNorm, Op};
use crate::ir::{DType, Dim, Init, Shape, TensorType};

use super::conv::nearest_divisor;
use super::{
    int, kept, kept_float, parameter_dtype, register, register_buffer, start, this, tuple,
};

// Defaults: torch/nn/modules/normalization.py and instancenorm.py.
const LAYER_INIT: &str = "self, normalized_shape, eps=1e-05, elementwise_affine=True, bias=True, device=None, dtype=None";
const RMS_INIT: &str =
    "self, normalized_shape, eps=None, elementwise_affine=True, device=None, dtype=None";
const GROUP_INIT: &str =
    "self, num_groups, num_channels, eps=1e-05, affine=True, device=None, dtype=None";
const INSTANCE_INIT: &str = "self, num_features, eps=1e-05, momentum=0.1, affine=False, track_running_stats=False, device=None, dtype=None";
const RESPONSE_INIT: &str = "self, size, alpha=0.0001, beta=0.75, k=1.0";

/// Layers of this family.
pub(crate) const LAYER_NORMS: &[Layer] = &[
    Layer { name: "LayerNorm", base: "Module", methods: LAYER },
    Layer { name: "RMSNorm", base: "Module", methods: RMS },
    Layer { name: "GroupNorm", base: "Module", methods: GROUP },
    Layer { name: "InstanceNorm1d", base: "Module", methods: INSTANCE1D },
    Layer { name: "InstanceNorm2d", base: "Module", methods: INSTANCE2D },
    Layer { name: "InstanceNorm3d", base: "Module", methods: INSTANCE3D },
    Layer { name: "LocalResponseNorm", base: "Module", methods: RESPONSE },
];

const LAYER: &[Native] = &[
    native("LayerNorm.__init__", LAYER_INIT, initialise_layer),
    native("LayerNorm.forward", "self, input", forward_layer),
];
const RMS: &[Native] = &[
    native("RMSNorm.__init__", RMS_INIT, initialise_layer),
    native("RMSNorm.forward", "self, input", forward_layer),
];
const GROUP: &[Native] = &[
    native("GroupNorm.__init__", GROUP_INIT, initialise_group),
    native("GroupNorm.forward", "self, input", forward_group),
];
const INSTANCE1D: &[Native] = &[
    native("InstanceNorm1d.__init__", INSTANCE_INIT, initialise_instance),
    native("InstanceNorm1d.forward", "self, input", forward_instance),
];
const INSTANCE2D: &[Native] = &[
    native("InstanceNorm2d.__init__", INSTANCE_INIT, initialise_instance),
    native("InstanceNorm2d.forward", "self, input", forward_instance),
];
const INSTANCE3D: &[Native] = &[
    native("InstanceNorm3d.__init__", INSTANCE_INIT, initialise_instance),
    native("InstanceNorm3d.forward", "self, input", forward_instance),
];
const RESPONSE: &[Native] = &[
    native("LocalResponseNorm.__init__", RESPONSE_INIT, |_, args| {
        let module = this(args)?;
        start(&module);
        for (name, value) in args.named().filter(|(name, _)| *name != "self") {
            module.set(name, value.clone());
        }
        Ok(Value::None)
    }),
    native("LocalResponseNorm.forward", "self, input", |interpreter, args| {
        let module = this(args)?;
        let size = super::kept_counts(&module, "size", 1)?.first().copied().unwrap_or(1);
        let number = |name: &str| kept_float(&module, name);
        let (alpha, beta, k) = (number("alpha")?, number("beta")?, number("k")?);
        let op = Op::LocalResponseNorm(LocalResponseNorm { size, alpha, beta, k });
        interpreter.emit("local_response_norm", op, &[args.tensor("input")?])
    }),
];

/// Weight of ones and bias of zeros, or their absence.
fn affine(
    module: &Instance,
    args: &Args,
    shape: &[u64],
    has_weight: bool,
    has_bias: bool,
) -> Eval<()> {
    let dtype = parameter_dtype(args)?;
    register(module, "weight", has_weight.then_some((shape, dtype, Init::Constant(1.0))))?;
    register(module, "bias", has_bias.then_some((shape, dtype, Init::Constant(0.0))))
}

fn extents(function: &str, value: &Value) -> Eval<Vec<u64>> {
    let rank = match value {
        Value::Tuple(items) => items.len(),
        Value::List(items) => items.borrow().len(),
        _ => 1,
    };
    counts(function, "normalized_shape", value, rank, 0)
}

fn initialise_layer(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let module = this(args)?;
    start(&module);
    let shape = extents(args.function, &args.value("normalized_shape"))?;
    module.set("normalized_shape", tuple(&shape));
    module.set("eps", args.value("eps"));
    let has_weight = args.bool(interpreter, "elementwise_affine")?;
    module.set("elementwise_affine", Value::Bool(has_weight));
    if args.function.starts_with("RMS") {
        let dtype = parameter_dtype(args)?;
        let ones = (shape.as_slice(), dtype, Init::Constant(1.0));
        register(&module, "weight", has_weight.then_some(ones))?;
        return Ok(Value::None);
    }
    let has_bias = has_weight && args.bool(interpreter, "bias")?;
    affine(&module, args, &shape, has_weight, has_bias)?;
    Ok(Value::None)
}

fn forward_layer(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let module = this(args)?;
    let shape = extents(args.function, &kept(&module, "normalized_shape"))?;
    let eps = kept(&module, "eps").as_float();
    let parameters = (module.parameter("weight"), module.parameter("bias"));
    let is_rms = args.function.starts_with("RMS");
    layer(interpreter, args.tensor("input")?, shape, parameters, eps, is_rms)
}

fn layer(
    interpreter: &mut Interpreter<'_>,
    input: Tensor,
    normalized_shape: Vec<u64>,
    (weight, bias): (Option<Tensor>, Option<Tensor>),
    eps: Option<f64>,
    root_mean_square: bool,
) -> Eval<Value> {
    let op = Op::LayerNorm(LayerNorm {
        normalized_shape,
        eps,
        weight: weight.is_some(),
        bias: bias.is_some(),
        root_mean_square,
    });
    let mut operands = vec![input];
    operands.extend(weight);
    operands.extend(bias);
    interpreter.emit(if root_mean_square { "rms_norm" } else { "layer_norm" }, op, &operands)
}

/// `F.layer_norm` and `F.rms_norm`.
pub(super) fn layer_function(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let shape = extents(args.function, &args.value("normalized_shape"))?;
    let parameters = (args.optional_tensor("weight")?, args.optional_tensor("bias")?);
    let is_rms = args.function.ends_with("rms_norm");
    layer(
        interpreter,
        args.tensor("input")?,
        shape,
        parameters,
        args.optional_float("eps")?,
        is_rms,
    )
}

fn initialise_group(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let module = this(args)?;
    start(&module);
    let (groups, channels) = (args.count("num_groups", 1)?, args.count("num_channels", 0)?);
    if !channels.is_multiple_of(groups) {
        return Err(bad_argument(format!(
            "num_channels ({channels}) must be divisible by num_groups ({groups})"
        ))
        .help(format!("write num_groups = {}", nearest_divisor(channels, groups)))
        .fix(Fix::Argument { name: "num_groups", value: nearest_divisor(channels, groups) }));
    }
    let is_affine = args.bool(interpreter, "affine")?;
    module.set("num_groups", int(groups));
    module.set("num_channels", int(channels));
    module.set("eps", Value::Float(args.float("eps")?));
    module.set("affine", Value::Bool(is_affine));
    affine(&module, args, &[channels], is_affine, is_affine)?;
    Ok(Value::None)
}

fn forward_group(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let module = this(args)?;
    let groups = super::kept_counts(&module, "num_groups", 1)?.first().copied().unwrap_or(1);
    let parameters = module.parameter("weight").zip(module.parameter("bias"));
    group(interpreter, args.tensor("input")?, groups, parameters, kept_float(&module, "eps")?)
}

fn group(
    interpreter: &mut Interpreter<'_>,
    input: Tensor,
    num_groups: u64,
    parameters: Option<(Tensor, Tensor)>,
    eps: f64,
) -> Eval<Value> {
    let of_weight = parameters.as_ref().and_then(|(weight, _)| weight.dims().first().copied());
    let channels = of_weight.or_else(|| input.dims().get(1).copied());
    let num_channels = channels.and_then(Dim::known).unwrap_or(0);
    let affine = parameters.is_some();
    let op = Op::GroupNorm(GroupNorm { num_groups, num_channels, eps, affine });
    let mut operands = vec![input];
    operands.extend(parameters.into_iter().flat_map(|(weight, bias)| [weight, bias]));
    interpreter.emit("group_norm", op, &operands)
}

/// `F.group_norm`
pub(super) fn group_function(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let parameters = args.optional_tensor("weight")?.zip(args.optional_tensor("bias")?);
    let groups = args.count("num_groups", 1)?;
    group(interpreter, args.tensor("input")?, groups, parameters, args.float("eps")?)
}

fn initialise_instance(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let module = this(args)?;
    start(&module);
    let features = args.count("num_features", 0)?;
    let is_affine = args.bool(interpreter, "affine")?;
    let tracks = args.bool(interpreter, "track_running_stats")?;
    module.set("num_features", int(features));
    module.set("eps", Value::Float(args.float("eps")?));
    affine(&module, args, &[features], is_affine, is_affine)?;
    let buffer = |shape: Shape, dtype: DType, value: f64| {
        let tensor_type = TensorType { dtype, shape };
        tracks.then(|| Tensor::new(tensor_type, Source::Fill(Init::Constant(value))))
    };
    let shape = Shape::known(&[features]);
    register_buffer(&module, "running_mean", buffer(shape.clone(), DType::F32, 0.0));
    register_buffer(&module, "running_var", buffer(shape, DType::F32, 1.0));
    register_buffer(&module, "num_batches_tracked", buffer(Shape(vec![]), DType::I64, 0.0));
    Ok(Value::None)
}

fn forward_instance(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let module = this(args)?;
    let parameters = module.parameter("weight").zip(module.parameter("bias"));
    let statistics = module.buffer("running_mean").zip(module.buffer("running_var"));
    let statistics = statistics.zip(module.buffer("num_batches_tracked"));
    let features = super::kept_counts(&module, "num_features", 1)?;
    let op = Op::InstanceNorm(InstanceNorm {
        num_features: features.first().copied().unwrap_or(0),
        spatial: super::spatial_rank(args.function),
        eps: kept_float(&module, "eps")?,
        affine: parameters.is_some(),
        track_running_stats: statistics.is_some(),
    });
    let mut operands = vec![args.tensor("input")?];
    operands.extend(parameters.into_iter().flat_map(|(weight, bias)| [weight, bias]));
    operands.extend(statistics.into_iter().flat_map(|((mean, var), count)| [mean, var, count]));
    interpreter.emit("instance_norm", op, &operands)
}
