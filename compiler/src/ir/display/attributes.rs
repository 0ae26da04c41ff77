//! Attributes of operations as `{k=3, s=2, p=1}`. What has its default value is left out, equal
//! entries of a list are written once.

use std::fmt;

use crate::ir::op::{
    Activation, Binary, Conv, Distribution, DropoutKind, Op, Pad, PadMode, PaddingMode, Pool,
    PoolMode, Recurrent, RecurrentCell, ReduceKind, Scalar,
};

/// Names and values in the order in which they are written.
pub(super) struct Attributes(Vec<(&'static str, String)>);

impl fmt::Display for Attributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<String> = self
            .0
            .iter()
            .map(|(name, value)| match value.as_str() {
                "" => (*name).to_string(),
                value => format!("{name}={value}"),
            })
            .collect();
        write!(f, "{{{}}}", words.join(", "))
    }
}

impl Attributes {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn with(mut self, name: &'static str, value: impl ToString) -> Attributes {
        self.0.push((name, value.to_string()));
        self
    }

    /// Leaves the attribute out if `written` is false.
    fn when(self, written: bool, name: &'static str, value: impl ToString) -> Attributes {
        if written { self.with(name, value) } else { self }
    }

    /// A name without a value.
    fn flag(self, set: bool, name: &'static str) -> Attributes {
        self.when(set, name, "")
    }

    pub(super) fn of(op: &Op) -> Attributes {
        let none = Attributes(Vec::new());
        match op {
            Op::Conv(op) => conv(none, op),
            Op::Linear(_) | Op::MatMul | Op::Contiguous => none,
            Op::BatchNorm(op) => none
                .with("eps", op.eps)
                .with("momentum", op.momentum.map_or("none".to_string(), |m| m.to_string()))
                .flag(!op.affine, "no_affine")
                .flag(!op.track_running_stats, "no_statistics"),
            Op::Dropout(op) => match op.kind {
                DropoutKind::Element => none.with("p", op.p),
                DropoutKind::Channel => none.with("p", op.p).flag(true, "channel"),
                DropoutKind::Alpha => none.with("p", op.p).flag(true, "alpha"),
            },
            Op::Pool(op) => pool(none, op),
            Op::AdaptivePool(op) => {
                let sizes = op.output.iter().map(|size| {
                    size.map_or_else(|| "same".to_string(), |extent| extent.to_string())
                });
                none.with("out", list(sizes))
            }
            Op::Activation(op) => activation(none, *op),
            Op::Softmax(op) => none.with("dim", op.dim),
            Op::Recurrent(op) => recurrent(none, op),
            Op::Reshape(op) => none.with("shape", &op.shape),
            Op::Permute(op) => none.with("order", list(op.order.iter())),
            Op::Cat(op) => none.with("dim", op.dim),
            Op::Expand(op) => none.with("shape", &op.shape),
            Op::Slice(op) => none
                .with("dim", op.dim)
                .with("start", op.start)
                .when(op.end.is_some(), "end", op.end.unwrap_or(0))
                .when(op.step != 1, "step", op.step),
            Op::Unary(_)
            | Op::Binary(_)
            | Op::PRelu
            | Op::Where
            | Op::Embedding(_)
            | Op::Bilinear(_) => none,
            Op::Scalar(op) => scalar(none, op),
            Op::Reduce(op) => reduce_kind(none, op.kind)
                .when(!op.dims.is_empty(), "dims", list(op.dims.iter()))
                .flag(op.keep_dim, "keep_dim"),
            Op::Full(op) => none.with("value", op.value),
            Op::LayerNorm(op) => none.with("shape", list(op.normalized_shape.iter())).when(
                op.eps.is_some(),
                "eps",
                op.eps.unwrap_or(0.0),
            ),
            Op::GroupNorm(op) => none.with("groups", op.num_groups).with("eps", op.eps),
            Op::InstanceNorm(op) => none.with("eps", op.eps),
            Op::LocalResponseNorm(op) => none
                .with("size", op.size)
                .with("alpha", op.alpha)
                .with("beta", op.beta)
                .with("k", op.k),
            Op::Glu(op) => none.with("dim", op.dim),
            Op::Attention(op) => none
                .flag(op.mask, "mask")
                .flag(op.is_causal, "causal")
                .when(op.dropout != 0.0, "dropout", op.dropout)
                .when(op.scale.is_some(), "scale", op.scale.unwrap_or(0.0)),
            Op::LpPool(op) => none
                .with("norm", op.norm)
                .with("k", sizes(&op.kernel))
                .with("s", sizes(&op.stride))
                .flag(op.ceil_mode, "ceil"),
            Op::Unfold(op) => none
                .with("k", sizes(&op.kernel))
                .with("s", sizes(&op.stride))
                .with("p", sizes(&op.padding))
                .when(!all(&op.dilation, 1), "d", sizes(&op.dilation)),
            Op::Pad(op) => pad(none, op),
            Op::Interpolate(op) => none
                .with("out", list(op.output.iter()))
                .with("mode", format!("{:?}", op.mode).to_lowercase())
                .flag(op.align_corners, "align_corners"),
            Op::PixelShuffle(op) => none.with("factor", op.factor),
            Op::Split(op) => none.with("dim", op.dim).with("sizes", list(op.sizes.iter())),
            Op::Roll(op) => {
                none.with("by", list(op.shifts.iter().map(|(dim, by)| format!("{dim}:{by}"))))
            }
            Op::Flip(op) => none.with("dims", list(op.dims.iter())),
            Op::Repeat(op) => none.with("times", list(op.repeats.iter())),
            Op::Index(op) => none.with("dim", op.dim),
            Op::Gather(op) => none.with("dim", op.dim),
            Op::Scatter(op) => none.with("dim", op.dim),
            Op::Einsum(op) => {
                let operands: Vec<String> = op.operands.iter().map(String::from_iter).collect();
                none.with("labels", operands.join(",") + "->" + &String::from_iter(&op.output))
            }
            Op::MaskedFill(op) => none.with("value", op.value),
            Op::Clamp(op) => none.when(op.min.is_some(), "min", op.min.unwrap_or(0.0)).when(
                op.max.is_some(),
                "max",
                op.max.unwrap_or(0.0),
            ),
            Op::Arange(op) => none.with("from", op.start).with("to", op.end).with("step", op.step),
            Op::Random(op) => match op.distribution {
                Distribution::Bernoulli(p) => none.with("p", p),
                Distribution::Uniform | Distribution::Normal => none,
            },
            Op::Cumulate(op) => none.with("dim", op.dim),
            Op::ArgExtreme(op) => none
                .when(op.dim.is_some(), "dim", op.dim.unwrap_or(0))
                .flag(op.keep_dim, "keep_dim"),
            Op::TopK(op) => none
                .when(op.k.is_some(), "k", op.k.unwrap_or(0))
                .with("dim", op.dim)
                .flag(!op.largest, "smallest"),
            Op::Triangle(op) => none.with("diagonal", op.diagonal),
            Op::Windows(op) => none.with("dim", op.dim).with("size", op.size).with("step", op.step),
            Op::Cast(op) => none.with("to", op.dtype),
        }
    }
}

fn list<T: ToString>(entries: impl Iterator<Item = T>) -> String {
    let words: Vec<String> = entries.map(|entry| entry.to_string()).collect();
    format!("[{}]", words.join(", "))
}

/// `3` for equal entries, `[3, 5]` otherwise.
fn sizes<T: fmt::Display + PartialEq>(entries: &[T]) -> String {
    match entries {
        [first, rest @ ..] if rest.iter().all(|entry| entry == first) => first.to_string(),
        _ => list(entries.iter()),
    }
}

fn all(entries: &[u64], value: u64) -> bool {
    entries.iter().all(|&entry| entry == value)
}

fn conv(attributes: Attributes, op: &Conv) -> Attributes {
    let padding: Vec<String> = op
        .padding
        .iter()
        .map(|&(before, after)| match before == after {
            true => before.to_string(),
            false => format!("{before}+{after}"),
        })
        .collect();
    let extra = op.transposed.as_deref().unwrap_or_default();
    let mode = match op.padding_mode {
        PaddingMode::Zeros => "zeros",
        PaddingMode::Reflect => "reflect",
        PaddingMode::Replicate => "replicate",
        PaddingMode::Circular => "circular",
    };
    attributes
        .with("k", sizes(&op.kernel))
        .with("s", sizes(&op.stride))
        .with("p", sizes(&padding))
        .when(!all(&op.dilation, 1), "d", sizes(&op.dilation))
        .when(op.groups != 1, "groups", op.groups)
        .when(op.padding_mode != PaddingMode::Zeros, "mode", mode)
        .when(!all(extra, 0), "output_padding", sizes(extra))
}

fn pool(attributes: Attributes, op: &Pool) -> Attributes {
    attributes
        .with("k", sizes(&op.kernel))
        .with("s", sizes(&op.stride))
        .with("p", sizes(&op.padding))
        .when(!all(&op.dilation, 1), "d", sizes(&op.dilation))
        .flag(op.ceil_mode, "ceil")
        .flag(op.mode == PoolMode::Average && !op.count_include_pad, "exclude_pad")
        .when(op.divisor_override.is_some(), "divisor", op.divisor_override.unwrap_or(0))
}

fn activation(attributes: Attributes, op: Activation) -> Attributes {
    match op {
        Activation::LeakyRelu { negative_slope } => attributes.with("slope", negative_slope),
        Activation::Elu { alpha } | Activation::Celu { alpha } => attributes.with("alpha", alpha),
        Activation::Gelu { tanh } => attributes.flag(tanh, "tanh"),
        Activation::Hardtanh { min, max } => attributes.with("min", min).with("max", max),
        Activation::Softplus { beta, threshold } => {
            attributes.with("beta", beta).with("threshold", threshold)
        }
        Activation::Relu
        | Activation::Relu6
        | Activation::Selu
        | Activation::Silu
        | Activation::Mish
        | Activation::Sigmoid
        | Activation::Tanh
        | Activation::Hardswish
        | Activation::Hardsigmoid
        | Activation::Softsign
        | Activation::Tanhshrink
        | Activation::LogSigmoid => attributes,
        Activation::Hardshrink { lambda } | Activation::Softshrink { lambda } => {
            attributes.with("lambda", lambda)
        }
        Activation::Threshold { threshold, value } => {
            attributes.with("threshold", threshold).with("value", value)
        }
        Activation::Rrelu { lower, upper } => attributes.with("lower", lower).with("upper", upper),
    }
}

fn recurrent(attributes: Attributes, op: &Recurrent) -> Attributes {
    attributes
        .with("hidden", op.hidden_size)
        .when(op.num_layers != 1, "layers", op.num_layers)
        .flag(op.batch_first, "batch_first")
        .flag(op.bidirectional, "bidirectional")
        .flag(op.cell == RecurrentCell::RnnRelu, "relu")
        .flag(op.initial_state, "initial_state")
        .when(op.dropout != 0.0, "dropout", op.dropout)
}

fn scalar(attributes: Attributes, op: &Scalar) -> Attributes {
    let attributes = if op.is_float {
        attributes.with("value", format!("{:?}", op.value))
    } else {
        attributes.with("value", op.value)
    };
    // the order of commutative operands does not show
    let ordered = match op.op {
        Binary::Sub
        | Binary::Div
        | Binary::Pow
        | Binary::FloorDivide
        | Binary::Remainder
        | Binary::Less
        | Binary::LessEqual
        | Binary::Greater
        | Binary::GreaterEqual => true,
        Binary::Add
        | Binary::Mul
        | Binary::Maximum
        | Binary::Minimum
        | Binary::Equal
        | Binary::NotEqual
        | Binary::LogicalAnd
        | Binary::LogicalOr
        | Binary::LogicalXor => false,
    };
    attributes.flag(op.reversed && ordered, "reversed")
}

fn pad(attributes: Attributes, op: &Pad) -> Attributes {
    let padding = list(op.padding.iter().map(|(before, after)| format!("{before}+{after}")));
    let attributes = attributes.with("p", padding);
    match op.mode {
        PadMode::Constant(value) => attributes.when(value != 0.0, "value", value),
        PadMode::Reflect => attributes.with("mode", "reflect"),
        PadMode::Replicate => attributes.with("mode", "replicate"),
        PadMode::Circular => attributes.with("mode", "circular"),
    }
}

fn reduce_kind(attributes: Attributes, kind: ReduceKind) -> Attributes {
    match kind {
        ReduceKind::Variance { correction } | ReduceKind::Deviation { correction } => {
            attributes.with("correction", correction)
        }
        ReduceKind::Sum
        | ReduceKind::Mean
        | ReduceKind::Max
        | ReduceKind::Min
        | ReduceKind::Product
        | ReduceKind::Norm
        | ReduceKind::LogSumExp
        | ReduceKind::All
        | ReduceKind::Any => attributes,
    }
}
