//! Padding and resampling of images; embeddings and attention, which have nothing to keep either.

use crate::eval::builtins::native;
use crate::eval::error::{Eval, Mistake, bad_argument, refuse};
use crate::eval::interpreter::Interpreter;
use crate::eval::library::Layer;
use crate::eval::native::{Args, CallArgs, Native, counts};
use crate::eval::value::{Tensor, Value};
use crate::ir::op::{
    Attention, Embedding, Interpolate, InterpolateMode, LocalResponseNorm, Op, Pad, PadMode, Unfold,
};
use crate::ir::{Dim, Init};

use super::{kept, parameter_dtype, register, start, this};

/// Signature of `F.pad`.
pub(super) const PAD: &str = "input, pad, mode='constant', value=None";
/// Signature of `F.interpolate`.
pub(super) const INTERPOLATE: &str = "input, size=None, scale_factor=None, mode='nearest', align_corners=None, recompute_scale_factor=None, antialias=False";
/// Signature of `F.scaled_dot_product_attention`.
pub(super) const ATTENTION: &str = "query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None, enable_gqa=False";

/// Layers of this family.
pub(crate) const IMAGE_LAYERS: &[Layer] = &[
    Layer { name: "ZeroPad2d", base: "Module", methods: ZERO_PAD },
    Layer { name: "ReflectionPad2d", base: "Module", methods: REFLECTION_PAD },
    Layer { name: "ReplicationPad2d", base: "Module", methods: REPLICATION_PAD },
    Layer { name: "Upsample", base: "Module", methods: UPSAMPLE },
    Layer { name: "Embedding", base: "Module", methods: EMBEDDING },
];

const ZERO_PAD: &[Native] = &[
    native("ZeroPad2d.__init__", "self, padding", keep),
    native("ZeroPad2d.forward", "self, input", pad_forward),
];
const REFLECTION_PAD: &[Native] = &[
    native("ReflectionPad2d.__init__", "self, padding", keep),
    native("ReflectionPad2d.forward", "self, input", pad_forward),
];
const REPLICATION_PAD: &[Native] = &[
    native("ReplicationPad2d.__init__", "self, padding", keep),
    native("ReplicationPad2d.forward", "self, input", pad_forward),
];
const UPSAMPLE: &[Native] = &[
    native(
        "Upsample.__init__",
        "self, size=None, scale_factor=None, mode='nearest', align_corners=None, recompute_scale_factor=None",
        keep,
    ),
    native("Upsample.forward", "self, input", |interpreter, args| {
        let module = this(args)?;
        resample(interpreter, &args.tensor("input")?, &|name| kept(&module, name))
    }),
];
const EMBEDDING: &[Native] = &[
    native(
        "Embedding.__init__",
        "self, num_embeddings, embedding_dim, padding_idx=None, max_norm=None, norm_type=2.0, scale_grad_by_freq=False, sparse=False, device=None, dtype=None",
        |_, args| {
            keep_all(args)?;
            let shape = [args.count("num_embeddings", 0)?, args.count("embedding_dim", 0)?];
            // torch/nn/modules/sparse.py, Embedding.reset_parameters.
            let init = Init::Normal { mean: 0.0, std: 1.0 };
            register(&*this(args)?, "weight", Some((&shape, parameter_dtype(args)?, init)))?;
            Ok(Value::None)
        },
    ),
    native(
        "Embedding.from_pretrained",
        "embeddings, freeze=True, padding_idx=None, max_norm=None, norm_type=2.0, scale_grad_by_freq=False, sparse=False",
        from_pretrained,
    ),
    native("Embedding.forward", "self, input", |interpreter, args| {
        let module = this(args)?;
        let Some(weight) = module.parameter("weight") else { return Ok(Value::Unknown) };
        let padding = kept(&module, "padding_idx").as_int();
        look_up(interpreter, args.tensor("input")?, weight, padding)
    }),
];

/// `nn.Embedding.from_pretrained(embeddings)`: a table that does not learn unless it is asked to.
fn from_pretrained(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let table = args.tensor("embeddings")?;
    let dims: Vec<Value> = table.dims().into_iter().map(Value::dim).collect();
    if dims.len() != 2 {
        return Err(bad_argument("Embeddings parameter is expected to be 2-dimensional"));
    }
    let Some(class) = interpreter.layer_class("Embedding") else { return Ok(Value::Unknown) };
    let padding = (crate::ast::Name::from("padding_idx"), args.value("padding_idx"));
    let call = CallArgs { positional: dims, keywords: vec![padding] };
    let made = interpreter.instantiate(&class, call)?;
    if let Some(weight) = made.module().and_then(|module| module.parameter("weight")) {
        weight.0.requires_grad.set(!args.bool(interpreter, "freeze")?);
    }
    Ok(made)
}

fn keep_all(args: &Args) -> Eval<()> {
    let module = this(args)?;
    start(&module);
    for (name, value) in args.named().filter(|(name, _)| *name != "self") {
        module.set(name, value.clone());
    }
    Ok(())
}

fn keep(_: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    keep_all(args)?;
    Ok(Value::None)
}

/// `F.embedding(input, weight)`
pub(super) fn embedding(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let padding = args.optional_int("padding_idx")?;
    look_up(interpreter, args.tensor("input")?, args.tensor("weight")?, padding)
}

fn look_up(
    interpreter: &mut Interpreter<'_>,
    input: Tensor,
    weight: Tensor,
    padding: Option<i128>,
) -> Eval<Value> {
    let dims = weight.dims();
    let [Dim::Known(num_embeddings), Dim::Known(embedding_dim)] = dims.as_slice() else {
        return Err(bad_argument("'weight' must be 2-D"));
    };
    let padding_idx = padding.and_then(|index| {
        let rows = i128::from(*num_embeddings);
        u64::try_from(if index < 0 { index + rows } else { index }).ok()
    });
    let op =
        Embedding { num_embeddings: *num_embeddings, embedding_dim: *embedding_dim, padding_idx };
    interpreter.emit("embedding", Op::Embedding(op), &[input, weight])
}

fn pad_forward(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let padding = match kept(&*this(args)?, "padding") {
        single @ Value::Int(_) => Value::tuple(vec![single; 4]),
        several => several,
    };
    let mode = match args.function.split('.').next() {
        Some("ReflectionPad2d") => PadMode::Reflect,
        Some("ReplicationPad2d") => PadMode::Replicate,
        _ => PadMode::Constant(0.0),
    };
    apply_padding(interpreter, args.tensor("input")?, &padding, mode)
}

/// `F.pad(input, pad, mode, value)`
pub(super) fn pad(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let value = args.optional_float("value")?.unwrap_or(0.0);
    let mode = match &*args.string("mode")? {
        "constant" => PadMode::Constant(value),
        "reflect" => PadMode::Reflect,
        "replicate" => PadMode::Replicate,
        "circular" => PadMode::Circular,
        other => return Err(bad_argument(format!("Unrecognised padding mode {other}"))),
    };
    apply_padding(interpreter, args.tensor("input")?, &args.value("pad"), mode)
}

/// PyTorch lists the last dimension first.
fn apply_padding(
    interpreter: &mut Interpreter<'_>,
    input: Tensor,
    padding: &Value,
    mode: PadMode,
) -> Eval<Value> {
    let mut numbers = Vec::new();
    for item in interpreter.collect(padding)? {
        let number = item.as_int().and_then(|number| i64::try_from(number).ok());
        numbers.push(number.ok_or_else(|| {
            crate::eval::error::type_error(format!(
                "pad(): argument 'pad' must be tuple of ints, but found {}",
                item.type_name()
            ))
        })?);
    }
    if numbers.len() % 2 != 0 || numbers.len() > 2 * input.rank() {
        return Err(bad_argument(
            "Padding length must be divisible by 2 and at most twice the number of dimensions of the input",
        ));
    }
    let mut pairs: Vec<(i64, i64)> = numbers
        .chunks(2)
        .filter_map(|pair| Some((pair.first().copied()?, pair.get(1).copied()?)))
        .collect();
    pairs.reverse();
    interpreter.emit("pad", Op::Pad(Pad { padding: pairs, mode }), &[input])
}

/// `F.interpolate`
pub(super) fn interpolate(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    resample(interpreter, &args.tensor("input")?, &|name| args.value(name))
}

fn resample(
    interpreter: &mut Interpreter<'_>,
    input: &Tensor,
    value: &dyn Fn(&str) -> Value,
) -> Eval<Value> {
    let mode = interpolation(value("mode").as_str().as_deref().unwrap_or(""), input.rank())?;
    let align = value("align_corners");
    let align_corners = !align.is_none() && interpreter.truth(&align)?;
    let output = output_extents(input, value)?;
    let op = Op::Interpolate(Interpolate { output, mode, align_corners });
    interpreter.emit("interpolate", op, std::slice::from_ref(input))
}

/// Which modes there are for inputs of a rank: torch/nn/functional.py, `interpolate`.
const MODES: &[(&str, InterpolateMode, std::ops::RangeInclusive<usize>)] = &[
    ("nearest", InterpolateMode::Nearest, 3..=5),
    ("nearest-exact", InterpolateMode::NearestExact, 3..=5),
    ("area", InterpolateMode::Area, 3..=5),
    ("linear", InterpolateMode::Linear, 3..=3),
    ("bilinear", InterpolateMode::Linear, 4..=4),
    ("bicubic", InterpolateMode::Bicubic, 4..=4),
    ("trilinear", InterpolateMode::Linear, 5..=5),
];

fn interpolation(name: &str, rank: usize) -> Eval<InterpolateMode> {
    let fitting = MODES.iter().filter(|(_, _, ranks)| ranks.contains(&rank));
    if let Some((_, mode, _)) = fitting.clone().find(|(known, ..)| *known == name) {
        return Ok(*mode);
    }
    let known = MODES.iter().any(|(known, ..)| *known == name);
    let message = match known {
        true => format!("mode='{name}' is not for inputs of {rank} dimensions"),
        false => format!("mode='{name}' is no mode of interpolation"),
    };
    let error = crate::eval::error::raise(Mistake::BadArgument, "NotImplementedError", message);
    let names: Vec<&str> = fitting.map(|(name, ..)| *name).collect();
    Err(match names.is_empty() {
        true => {
            error.help("interpolate takes inputs of 3, 4 or 5 dimensions, batch and channels first")
        }
        false => error.help(format!("write one of {}", names.join(", "))),
    })
}

fn output_extents(input: &Tensor, value: &dyn Fn(&str) -> Value) -> Eval<Vec<u64>> {
    let spatial: Vec<Dim> = input.dims().into_iter().skip(2).collect();
    if !value("size").is_none() {
        return counts("interpolate", "size", &value("size"), spatial.len(), 1);
    }
    let factors: Vec<f64> = match value("scale_factor") {
        Value::Tuple(items) => items.iter().filter_map(Value::as_float).collect(),
        Value::List(items) => items.borrow().iter().filter_map(Value::as_float).collect(),
        other => match other.as_float() {
            Some(factor) => vec![factor; spatial.len()],
            None => return Err(bad_argument("either size or scale_factor should be defined")),
        },
    };
    if factors.len() != spatial.len() {
        return Err(bad_argument("scale_factor must have one number per spatial dimension"));
    }
    let scaled = spatial.iter().zip(factors).map(|(dim, factor)| match dim {
        Dim::Known(extent) => Ok((*extent as f64 * factor).floor() as u64),
        Dim::Batch { .. } => Err(refuse(
            Mistake::SymbolicArithmetic,
            "a spatial extent must not depend on the batch size",
        )),
    });
    scaled.collect()
}

/// `F.scaled_dot_product_attention`
pub(super) fn attention(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    if args.bool(interpreter, "enable_gqa")? {
        return Err(refuse(Mistake::UnsupportedArgument, "nasc does not support enable_gqa"));
    }
    let mask = args.optional_tensor("attn_mask")?;
    let op = Op::Attention(Attention {
        mask: mask.is_some(),
        is_causal: args.bool(interpreter, "is_causal")?,
        dropout: args.float("dropout_p")?,
        scale: args.optional_float("scale")?,
    });
    let mut operands = vec![args.tensor("query")?, args.tensor("key")?, args.tensor("value")?];
    operands.extend(mask);
    interpreter.emit("scaled_dot_product_attention", op, &operands)
}

/// `F.local_response_norm`
pub(super) fn local_response_norm(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let op = LocalResponseNorm {
        size: args.count("size", 1)?,
        alpha: args.float("alpha")?,
        beta: args.float("beta")?,
        k: args.float("k")?,
    };
    interpreter.emit("local_response_norm", Op::LocalResponseNorm(op), &[args.tensor("input")?])
}

/// `F.unfold`: windows of images as columns.
pub(super) fn unfold(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let pair = |name: &str, least: i128| -> Eval<[u64; 2]> {
        let numbers = args.counts(name, 2, least)?;
        Ok([numbers.first().copied().unwrap_or(1), numbers.get(1).copied().unwrap_or(1)])
    };
    let op = Unfold {
        kernel: pair("kernel_size", 1)?,
        dilation: pair("dilation", 1)?,
        padding: pair("padding", 0)?,
        stride: pair("stride", 1)?,
    };
    interpreter.emit("unfold", Op::Unfold(op), &[args.tensor("input")?])
}
