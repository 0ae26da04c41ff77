//! Attributes of element-wise operations, and their names.

/// Element-wise activations with their parameters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Activation {
    /// max(x, 0)
    Relu,
    /// min(max(x, 0), 6)
    Relu6,
    /// x for x > 0, else slope · x
    LeakyRelu {
        /// Slope on the negative side.
        negative_slope: f64,
    },
    /// x for x > 0, else α (eˣ − 1)
    Elu {
        /// Scale of the negative side.
        alpha: f64,
    },
    /// The self-normalising ELU.
    Selu,
    /// max(0, x) + min(0, α (e^(x/α) − 1))
    Celu {
        /// Scale of the negative side.
        alpha: f64,
    },
    /// x Φ(x)
    Gelu {
        /// Whether Φ is approximated with tanh.
        tanh: bool,
    },
    /// x σ(x)
    Silu,
    /// x tanh(softplus(x))
    Mish,
    /// σ(x)
    Sigmoid,
    /// tanh(x)
    Tanh,
    /// x · relu6(x + 3) / 6
    Hardswish,
    /// relu6(x + 3) / 6
    Hardsigmoid,
    /// x clamped
    Hardtanh {
        /// Lower bound.
        min: f64,
        /// Upper bound.
        max: f64,
    },
    /// log(1 + e^(βx)) / β, linear above the threshold
    Softplus {
        /// Sharpness.
        beta: f64,
        /// Where it becomes linear.
        threshold: f64,
    },
    /// x / (1 + |x|)
    Softsign,
    /// log σ(x)
    LogSigmoid,
    /// x for |x| > λ, else 0
    Hardshrink {
        /// The bound.
        lambda: f64,
    },
    /// x moved towards 0 by λ
    Softshrink {
        /// The distance.
        lambda: f64,
    },
    /// x − tanh(x)
    Tanhshrink,
    /// x above the threshold, else a number
    Threshold {
        /// The threshold.
        threshold: f64,
        /// What stands below it.
        value: f64,
    },
    /// Leaky ReLU whose slope is drawn in training and the mean in evaluation
    Rrelu {
        /// Smallest slope.
        lower: f64,
        /// Largest slope.
        upper: f64,
    },
}

/// Element-wise functions of one tensor that are no activation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unary {
    /// −x
    Neg,
    /// |x|
    Abs,
    /// eˣ
    Exp,
    /// ln x
    Log,
    /// √x
    Sqrt,
    /// 1/√x
    Rsqrt,
    /// x²
    Square,
    /// sin x
    Sin,
    /// cos x
    Cos,
    /// tan x
    Tan,
    /// 1/x
    Reciprocal,
    /// The next integer below.
    Floor,
    /// The next integer above.
    Ceil,
    /// The nearest integer.
    Round,
    /// −1, 0 or 1.
    Sign,
    /// The error function.
    Erf,
    /// eˣ − 1
    Expm1,
    /// ln(1 + x)
    Log1p,
    /// The logarithm to base 2.
    Log2,
    /// Whether x is zero.
    LogicalNot,
}

/// Arithmetic of two operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Binary {
    /// left + right
    Add,
    /// left − right
    Sub,
    /// left · right
    Mul,
    /// left / right
    Div,
    /// left to the power of right
    Pow,
    /// The larger one.
    Maximum,
    /// The smaller one.
    Minimum,
    /// left / right, rounded down.
    FloorDivide,
    /// Remainder with the sign of the right operand.
    Remainder,
    /// Whether they are equal.
    Equal,
    /// Whether they differ.
    NotEqual,
    /// Whether left < right.
    Less,
    /// Whether left ≤ right.
    LessEqual,
    /// Whether left > right.
    Greater,
    /// Whether left ≥ right.
    GreaterEqual,
    /// Whether both are true.
    LogicalAnd,
    /// Whether one is true.
    LogicalOr,
    /// Whether just one is true.
    LogicalXor,
}

/// Arithmetic with a number.
#[derive(Debug, Clone, PartialEq)]
pub struct Scalar {
    /// Operation.
    pub op: Binary,
    /// The number.
    pub value: f64,
    /// Whether the number was a Python `float`; an `int` leaves integer tensors integers.
    pub is_float: bool,
    /// Whether the number is the left operand.
    pub reversed: bool,
}

impl Activation {
    /// Name of the functional form.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Activation::Relu => "relu",
            Activation::Relu6 => "relu6",
            Activation::LeakyRelu { .. } => "leaky_relu",
            Activation::Elu { .. } => "elu",
            Activation::Selu => "selu",
            Activation::Celu { .. } => "celu",
            Activation::Gelu { .. } => "gelu",
            Activation::Silu => "silu",
            Activation::Mish => "mish",
            Activation::Sigmoid => "sigmoid",
            Activation::Tanh => "tanh",
            Activation::Hardswish => "hardswish",
            Activation::Hardsigmoid => "hardsigmoid",
            Activation::Hardtanh { .. } => "hardtanh",
            Activation::Softplus { .. } => "softplus",
            Activation::Softsign => "softsign",
            Activation::LogSigmoid => "logsigmoid",
            Activation::Hardshrink { .. } => "hardshrink",
            Activation::Softshrink { .. } => "softshrink",
            Activation::Tanhshrink => "tanhshrink",
            Activation::Threshold { .. } => "threshold",
            Activation::Rrelu { .. } => "rrelu",
        }
    }
}

impl Unary {
    /// Name of the function.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Unary::Neg => "neg",
            Unary::Abs => "abs",
            Unary::Exp => "exp",
            Unary::Log => "log",
            Unary::Sqrt => "sqrt",
            Unary::Rsqrt => "rsqrt",
            Unary::Square => "square",
            Unary::Sin => "sin",
            Unary::Cos => "cos",
            Unary::Tan => "tan",
            Unary::Reciprocal => "reciprocal",
            Unary::Floor => "floor",
            Unary::Ceil => "ceil",
            Unary::Round => "round",
            Unary::Sign => "sign",
            Unary::Erf => "erf",
            Unary::Expm1 => "expm1",
            Unary::Log1p => "log1p",
            Unary::Log2 => "log2",
            Unary::LogicalNot => "logical_not",
        }
    }
}

impl Binary {
    /// Name of the function.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Binary::Add => "add",
            Binary::Sub => "sub",
            Binary::Mul => "mul",
            Binary::Div => "div",
            Binary::Pow => "pow",
            Binary::Maximum => "maximum",
            Binary::Minimum => "minimum",
            Binary::FloorDivide => "floor_divide",
            Binary::Remainder => "remainder",
            Binary::Equal => "eq",
            Binary::NotEqual => "ne",
            Binary::Less => "lt",
            Binary::LessEqual => "le",
            Binary::Greater => "gt",
            Binary::GreaterEqual => "ge",
            Binary::LogicalAnd => "logical_and",
            Binary::LogicalOr => "logical_or",
            Binary::LogicalXor => "logical_xor",
        }
    }
}

/// Attributes of a restriction to a range.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Clamp {
    /// Lower bound.
    pub min: Option<f64>,
    /// Upper bound.
    pub max: Option<f64>,
}

/// Attributes of the replacement of elements by a number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MaskedFill {
    /// The number.
    pub value: f64,
}

/// Attributes of a gated linear unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Glu {
    /// Dimension that is halved, not negative.
    pub dim: usize,
}
