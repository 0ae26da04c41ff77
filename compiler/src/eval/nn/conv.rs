//! Convolutions: Conv1d to Conv3d, their transposed forms, and the functional twins.

use crate::eval::builtins::native;
use crate::eval::error::{Eval, Fix, Stop, bad_argument};
use crate::eval::interpreter::Interpreter;
use crate::eval::library::Layer;
use crate::eval::native::{Args, Native, counts};
use crate::eval::object::Instance;
use crate::eval::value::{Tensor, Value};
use crate::ir::Init;
use crate::ir::op::{Conv, Op, PaddingMode};

use super::{int, kept, kept_counts, parameter_dtype, register, spatial_rank, start, this, tuple};

/// Signature of `F.conv2d`.
pub(super) const FUNCTION: &str =
    "input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1";

/// Signature of `F.conv_transpose2d`.
pub(super) const TRANSPOSED: &str =
    "input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1";

const INIT: &str = "self, in_channels, out_channels, kernel_size, stride=1, padding=0, dilation=1, groups=1, bias=True, padding_mode='zeros', device=None, dtype=None";

const TRANSPOSED_INIT: &str = "self, in_channels, out_channels, kernel_size, stride=1, padding=0, output_padding=0, groups=1, bias=True, dilation=1, padding_mode='zeros', device=None, dtype=None";

/// Layers of this family.
pub(crate) const CONVOLUTIONS: &[Layer] = &[
    Layer { name: "Conv1d", base: "Module", methods: CONV1D },
    Layer { name: "Conv2d", base: "Module", methods: CONV2D },
    Layer { name: "Conv3d", base: "Module", methods: CONV3D },
    Layer { name: "ConvTranspose1d", base: "Module", methods: TRANSPOSE1D },
    Layer { name: "ConvTranspose2d", base: "Module", methods: TRANSPOSE2D },
    Layer { name: "ConvTranspose3d", base: "Module", methods: TRANSPOSE3D },
];

const CONV1D: &[Native] = &[
    native("Conv1d.__init__", INIT, initialise),
    native("Conv1d.forward", "self, input", forward),
    native("Conv1d.reset_parameters", "self", |_, _| Ok(Value::None)),
];
const CONV2D: &[Native] = &[
    native("Conv2d.__init__", INIT, initialise),
    native("Conv2d.forward", "self, input", forward),
    native("Conv2d.reset_parameters", "self", |_, _| Ok(Value::None)),
];
const CONV3D: &[Native] = &[
    native("Conv3d.__init__", INIT, initialise),
    native("Conv3d.forward", "self, input", forward),
    native("Conv3d.reset_parameters", "self", |_, _| Ok(Value::None)),
];
const TRANSPOSE1D: &[Native] = &[
    native("ConvTranspose1d.__init__", TRANSPOSED_INIT, initialise),
    native("ConvTranspose1d.forward", "self, input, output_size=None", forward),
];
const TRANSPOSE2D: &[Native] = &[
    native("ConvTranspose2d.__init__", TRANSPOSED_INIT, initialise),
    native("ConvTranspose2d.forward", "self, input, output_size=None", forward),
];
const TRANSPOSE3D: &[Native] = &[
    native("ConvTranspose3d.__init__", TRANSPOSED_INIT, initialise),
    native("ConvTranspose3d.forward", "self, input, output_size=None", forward),
];

/// Adds the usual remedy where a true division made a float.
fn whole(stop: Box<Stop>, args: &Args) -> Box<Stop> {
    let is_float = args.named().any(|(_, value)| matches!(value, Value::Float(_)));
    let help = "use `//` for a division that gives an integer";
    if is_float { stop.help(help).fix(Fix::FloorDivision) } else { stop }
}

fn initialise(_: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    construct(args).map_err(|stop| whole(stop, args))
}

fn construct(args: &Args) -> Eval<Value> {
    let module = this(args)?;
    start(&module);
    let rank = spatial_rank(args.function);
    let is_transposed = args.function.contains("Transpose");
    let (input, output) = (args.count("in_channels", 0)?, args.count("out_channels", 0)?);
    let groups = args.int("groups")?;
    if groups <= 0 {
        return Err(bad_argument("groups must be a positive integer"));
    }
    let groups = args.count("groups", 1)?;
    check_groups(input, output, groups)?;
    let kernel = args.counts("kernel_size", rank, 1)?;
    let stride = args.counts("stride", rank, 1)?;
    let dilation = args.counts("dilation", rank, 1)?;
    check_padding(args, &stride)?;
    let padding = match args.value("padding").as_str() {
        Some(text) => Value::Str(text),
        None => tuple(&args.counts("padding", rank, 0)?),
    };
    let output_padding = counts(args.function, "output_padding", &or_zero(args), rank, 0)?;
    for (name, value) in [
        ("in_channels", int(input)),
        ("out_channels", int(output)),
        ("kernel_size", tuple(&kernel)),
        ("stride", tuple(&stride)),
        ("padding", padding),
        ("dilation", tuple(&dilation)),
        ("output_padding", tuple(&output_padding)),
        ("groups", int(groups)),
        ("transposed", Value::Bool(is_transposed)),
        ("padding_mode", args.value("padding_mode")),
    ] {
        module.set(name, value);
    }
    let channels = if is_transposed { [input, output / groups] } else { [output, input / groups] };
    add_parameters(&module, args, &channels, &kernel, output)
}

fn or_zero(args: &Args) -> Value {
    match args.value("output_padding") {
        Value::None => Value::Int(0),
        other => other,
    }
}

fn check_groups(input: u64, output: u64, groups: u64) -> Eval<()> {
    for (name, channels) in [("in_channels", input), ("out_channels", output)] {
        if !channels.is_multiple_of(groups) {
            let value = nearest_divisor(common_divisor(input, output), groups);
            return Err(bad_argument(format!("{name} must be divisible by groups"))
                .help(format!(
                    "{name} = {channels} is not divisible by groups = {groups}; write groups = {value}"
                ))
                .fix(Fix::Argument { name: "groups", value }));
        }
    }
    Ok(())
}

/// The divisor of `number` that is nearest to `wanted`, the larger of two; 1 if none is near.
pub(super) fn nearest_divisor(number: u64, wanted: u64) -> u64 {
    const FARTHEST: u64 = 4096;
    let fits = |divisor: &u64| *divisor > 0 && number.is_multiple_of(*divisor);
    let mut candidates =
        (0..=FARTHEST).flat_map(|far| [wanted.saturating_add(far), wanted.saturating_sub(far)]);
    candidates.find(fits).unwrap_or(1)
}

fn common_divisor(left: u64, right: u64) -> u64 {
    if right == 0 { left } else { common_divisor(right, left % right) }
}

fn check_padding(args: &Args, stride: &[u64]) -> Eval<()> {
    let mode = args.string("padding_mode")?;
    if !matches!(&*mode, "zeros" | "reflect" | "replicate" | "circular") {
        return Err(bad_argument(format!(
            "padding_mode must be one of 'zeros', 'reflect', 'replicate', 'circular', but got padding_mode='{mode}'"
        )));
    }
    match args.value("padding").as_str().as_deref() {
        None | Some("valid") => Ok(()),
        Some("same") if stride.iter().all(|&stride| stride == 1) => Ok(()),
        Some("same") => {
            Err(bad_argument("padding='same' is not supported for strided convolutions")
                .help("write the padding as a number"))
        }
        Some(other) => Err(bad_argument(format!(
            "Invalid padding string '{other}', should be one of 'valid', 'same'"
        ))),
    }
}

fn add_parameters(
    module: &Instance,
    args: &Args,
    channels: &[u64; 2],
    kernel: &[u64],
    out_channels: u64,
) -> Eval<Value> {
    let dtype = parameter_dtype(args)?;
    let shape: Vec<u64> = channels.iter().chain(kernel).copied().collect();
    // torch/nn/modules/conv.py, _ConvNd.reset_parameters: kaiming_uniform with a = sqrt(5) is
    // U(-1/sqrt(fan_in), 1/sqrt(fan_in)), and so is the bias.
    let fan_in = shape.iter().skip(1).fold(1f64, |product, &extent| product * extent as f64);
    let bound = if fan_in > 0.0 { 1.0 / fan_in.sqrt() } else { 0.0 };
    let init = Init::Uniform { low: -bound, high: bound };
    register(module, "weight", Some((&shape, dtype, init.clone())))?;
    let has_bias = !matches!(args.value("bias"), Value::Bool(false) | Value::None)
        && args.value("bias").as_int() != Some(0);
    let bias_shape = [out_channels];
    register(module, "bias", has_bias.then_some((&bias_shape, dtype, init)))?;
    Ok(Value::None)
}

fn forward(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let module = this(args)?;
    let rank = spatial_rank(args.function);
    let is_transposed = args.function.contains("Transpose");
    let Some(weight) = module.parameter("weight") else {
        return Err(crate::eval::error::type_error("the convolution has no weight"));
    };
    let call = Call {
        subject: args.function,
        rank,
        input: args.tensor("input")?,
        weight,
        bias: module.parameter("bias"),
        stride: kept_counts(&module, "stride", rank)?,
        padding: kept(&module, "padding"),
        dilation: kept_counts(&module, "dilation", rank)?,
        groups: kept_counts(&module, "groups", 1)?.first().copied().unwrap_or(1),
        mode: kept(&module, "padding_mode"),
        output_padding: match is_transposed {
            true => Some(kept_counts(&module, "output_padding", rank)?),
            false => None,
        },
    };
    call.emit(interpreter)
}

/// `F.conv2d` and relatives.
pub(super) fn function(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    if args.value("input").is_unknown() || args.value("weight").is_unknown() {
        return Ok(Value::Unknown);
    }
    let rank = spatial_rank(args.function);
    let call = Call {
        subject: args.function,
        rank,
        input: args.tensor("input")?,
        weight: args.tensor("weight")?,
        bias: args.optional_tensor("bias")?,
        stride: args.counts("stride", rank, 1)?,
        padding: args.value("padding"),
        dilation: args.counts("dilation", rank, 1)?,
        groups: args.count("groups", 1)?,
        mode: Value::str("zeros"),
        output_padding: match args.function.contains("transpose") {
            true => Some(args.counts("output_padding", rank, 0)?),
            false => None,
        },
    };
    call.emit(interpreter)
}

/// One application of a convolution.
struct Call {
    subject: &'static str,
    rank: usize,
    input: Tensor,
    weight: Tensor,
    bias: Option<Tensor>,
    stride: Vec<u64>,
    padding: Value,
    dilation: Vec<u64>,
    groups: u64,
    mode: Value,
    output_padding: Option<Vec<u64>>,
}

impl Call {
    fn emit(self, interpreter: &mut Interpreter<'_>) -> Eval<Value> {
        let shape: Vec<u64> = self.weight.dims().iter().filter_map(|dim| dim.known()).collect();
        let [first, second, kernel @ ..] = shape.as_slice() else {
            return Err(bad_argument("the weight of a convolution has too few dimensions"));
        };
        if kernel.len() != self.rank {
            return Err(bad_argument(format!(
                "the weight of a {}-d convolution must have {} dimensions",
                self.rank,
                self.rank + 2
            )));
        }
        let grouped = second.saturating_mul(self.groups);
        let (in_channels, out_channels) =
            if self.output_padding.is_some() { (*first, grouped) } else { (grouped, *first) };
        let op = Op::Conv(Conv {
            in_channels,
            out_channels,
            kernel: kernel.to_vec(),
            stride: self.stride.clone(),
            padding: self.paddings(kernel)?,
            dilation: self.dilation.clone(),
            groups: self.groups,
            bias: self.bias.is_some(),
            padding_mode: self.padding_mode(),
            transposed: self.output_padding.clone(),
        });
        let mut operands = vec![self.input, self.weight];
        operands.extend(self.bias);
        interpreter.emit(self.subject, op, &operands)
    }

    fn paddings(&self, kernel: &[u64]) -> Eval<Vec<(u64, u64)>> {
        match self.padding.as_str().as_deref() {
            Some("same") => Ok(kernel
                .iter()
                .zip(&self.dilation)
                .map(|(&kernel, &dilation)| {
                    // torch/nn/modules/conv.py: the odd element goes to the right.
                    let total = dilation.saturating_mul(kernel.saturating_sub(1));
                    (total / 2, total - total / 2)
                })
                .collect()),
            Some(_) => Ok(vec![(0, 0); kernel.len()]),
            None => {
                let both = counts(self.subject, "padding", &self.padding, kernel.len(), 0)?;
                Ok(both.into_iter().map(|padding| (padding, padding)).collect())
            }
        }
    }

    fn padding_mode(&self) -> PaddingMode {
        match self.mode.as_str().as_deref() {
            Some("reflect") => PaddingMode::Reflect,
            Some("replicate") => PaddingMode::Replicate,
            Some("circular") => PaddingMode::Circular,
            _ => PaddingMode::Zeros,
        }
    }
}
