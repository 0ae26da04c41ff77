//! Types of tensors: element type, dimensions, shapes. A dimension is a known number or a
//! multiple of the symbolic batch size `N`. Deliberately not here: rules of operations (`shape`).

use std::fmt;

/// Element type of a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DType {
    /// 32-bit float, PyTorch's default.
    F32,
    /// 64-bit float.
    F64,
    /// 16-bit IEEE float.
    F16,
    /// bfloat16.
    Bf16,
    /// 64-bit integer, PyTorch's `long`.
    I64,
    /// 32-bit integer.
    I32,
    /// Unsigned byte.
    U8,
    /// Boolean.
    Bool,
}

impl DType {
    /// Bytes of one element.
    #[must_use]
    pub const fn size_in_bytes(self) -> u64 {
        match self {
            DType::F64 | DType::I64 => 8,
            DType::F32 | DType::I32 => 4,
            DType::F16 | DType::Bf16 => 2,
            DType::U8 | DType::Bool => 1,
        }
    }

    /// Short name, as in `f32`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            DType::F32 => "f32",
            DType::F64 => "f64",
            DType::F16 => "f16",
            DType::Bf16 => "bf16",
            DType::I64 => "i64",
            DType::I32 => "i32",
            DType::U8 => "u8",
            DType::Bool => "bool",
        }
    }

    /// Whether gradients can flow through it.
    #[must_use]
    pub const fn is_float(self) -> bool {
        matches!(self, DType::F32 | DType::F64 | DType::F16 | DType::Bf16)
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One dimension: a known extent, or a multiple of the batch size `N`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dim {
    /// A known extent.
    Known(u64),
    /// `factor · N`; the factor is never zero.
    Batch {
        /// What `N` is multiplied by.
        factor: u64,
    },
}

impl Dim {
    /// The batch dimension `N` itself.
    pub const N: Dim = Dim::Batch { factor: 1 };

    /// The extent if it is known.
    #[must_use]
    pub const fn known(self) -> Option<u64> {
        match self {
            Dim::Known(extent) => Some(extent),
            Dim::Batch { .. } => None,
        }
    }

    /// The extent when the batch holds `batch` samples; saturates instead of overflowing.
    #[must_use]
    pub const fn at_batch(self, batch: u64) -> u64 {
        match self {
            Dim::Known(extent) => extent,
            Dim::Batch { factor } => factor.saturating_mul(batch),
        }
    }

    /// The product, if it is a known number or a multiple of `N` that fits 64 bits.
    #[must_use]
    pub fn checked_mul(self, other: Dim) -> Option<Dim> {
        match (self, other) {
            (Dim::Known(a), Dim::Known(b)) => a.checked_mul(b).map(Dim::Known),
            (Dim::Known(0), Dim::Batch { .. }) | (Dim::Batch { .. }, Dim::Known(0)) => {
                Some(Dim::Known(0))
            }
            (Dim::Known(a), Dim::Batch { factor }) | (Dim::Batch { factor }, Dim::Known(a)) => {
                factor.checked_mul(a).map(|factor| Dim::Batch { factor })
            }
            (Dim::Batch { .. }, Dim::Batch { .. }) => None,
        }
    }

    /// The quotient, if the division leaves no remainder whatever `N` is.
    #[must_use]
    pub fn checked_div(self, other: Dim) -> Option<Dim> {
        match (self, other) {
            (Dim::Known(a), Dim::Known(b)) if b != 0 && a.is_multiple_of(b) => {
                Some(Dim::Known(a / b))
            }
            (Dim::Batch { factor }, Dim::Known(b)) if b != 0 && factor.is_multiple_of(b) => {
                Some(Dim::Batch { factor: factor / b })
            }
            (Dim::Batch { factor: a }, Dim::Batch { factor: b }) if a.is_multiple_of(b) => {
                Some(Dim::Known(a / b))
            }
            (Dim::Known(0), Dim::Batch { .. }) => Some(Dim::Known(0)),
            _ => None,
        }
    }
}

impl fmt::Display for Dim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Dim::Known(extent) => write!(f, "{extent}"),
            Dim::Batch { factor: 1 } => f.write_str("N"),
            Dim::Batch { factor } => write!(f, "{factor}N"),
        }
    }
}

/// The dimensions of a tensor, outermost first.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Shape(pub Vec<Dim>);

impl Shape {
    /// A shape of known extents.
    #[must_use]
    pub fn known(extents: &[u64]) -> Shape {
        Shape(extents.iter().copied().map(Dim::Known).collect())
    }

    /// Number of dimensions.
    #[must_use]
    pub fn rank(&self) -> usize {
        self.0.len()
    }

    /// Number of elements; `None` if it is no multiple of one `N` or exceeds 64 bits.
    #[must_use]
    pub fn elements(&self) -> Option<Dim> {
        self.0.iter().try_fold(Dim::Known(1), |product, &dim| product.checked_mul(dim))
    }

    /// Number of elements with `batch` samples; saturates.
    #[must_use]
    pub fn elements_at(&self, batch: u64) -> u64 {
        self.0.iter().fold(1, |product: u64, dim| product.saturating_mul(dim.at_batch(batch)))
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (index, dim) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            write!(f, "{dim}")?;
        }
        f.write_str("]")
    }
}

/// Element type and shape.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TensorType {
    /// Element type.
    pub dtype: DType,
    /// Dimensions.
    pub shape: Shape,
}

impl TensorType {
    /// A 32-bit float tensor of this shape.
    #[must_use]
    pub fn f32(shape: Shape) -> TensorType {
        TensorType { dtype: DType::F32, shape }
    }

    /// Bytes with `batch` samples; saturates.
    #[must_use]
    pub fn bytes_at(&self, batch: u64) -> u64 {
        self.shape.elements_at(batch).saturating_mul(self.dtype.size_in_bytes())
    }
}

impl fmt::Display for TensorType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.dtype, self.shape)
    }
}
