//! Window pooling and adaptive pooling of 1 to 3 spatial dimensions.
//! Formula: `pooling_output_shape_pad_lr` in PyTorch's aten/src/ATen/native/Pool.h.

use super::conv::channel_dim;
use super::{ShapeError, only};
use crate::ir::op::{AdaptivePool, LpPool, Pool, PoolMode};
use crate::ir::{DType, Dim, Shape, TensorType};

/// `[N, C, ...]` or `[C, ...]` to the same rank.
pub(super) fn pool(pool: &Pool, operands: &[&TensorType]) -> Result<TensorType, ShapeError> {
    let input = only(operands)?;
    expect_number(input.dtype)?;
    let first_spatial = channel_dim(&input.shape, pool.kernel.len())? + 1;
    let mut dims: Vec<Dim> = input.shape.0.iter().copied().take(first_spatial).collect();
    let spatial = input.shape.0.iter().copied().enumerate().skip(first_spatial);
    for (position, (dim, extent)) in spatial.enumerate() {
        let window = window(pool, position);
        window.expect_within(pool, dim, extent, &input.shape)?;
        dims.push(window.output(dim, extent, &input.shape)?);
    }
    Ok(TensorType { dtype: input.dtype, shape: Shape(dims) })
}

/// `[N, C, ...]` or `[C, ...]` to the requested spatial extents.
pub(super) fn adaptive_pool(
    pool: &AdaptivePool,
    operands: &[&TensorType],
) -> Result<TensorType, ShapeError> {
    let input = only(operands)?;
    expect_number(input.dtype)?;
    let first_spatial = channel_dim(&input.shape, pool.output.len())? + 1;
    let mut dims: Vec<Dim> = input.shape.0.iter().copied().take(first_spatial).collect();
    let spatial = input.shape.0.iter().copied().enumerate().skip(first_spatial);
    for ((dim, extent), wanted) in spatial.zip(&pool.output) {
        if extent == Dim::Known(0) {
            let input = input.shape.clone();
            return Err(ShapeError::EmptySpatialDim { dim, window: 1, padded: 0, input });
        }
        dims.push(wanted.map_or(extent, Dim::Known));
    }
    Ok(TensorType { dtype: input.dtype, shape: Shape(dims) })
}

/// As average pooling without padding, which it is made of.
pub(super) fn lp_pool(
    lp_pool: &LpPool,
    operands: &[&TensorType],
) -> Result<TensorType, ShapeError> {
    let spatial = lp_pool.kernel.len();
    let average = Pool {
        mode: PoolMode::Average,
        kernel: lp_pool.kernel.clone(),
        stride: lp_pool.stride.clone(),
        padding: vec![0; spatial],
        dilation: vec![1; spatial],
        ceil_mode: lp_pool.ceil_mode,
        count_include_pad: true,
        divisor_override: None,
    };
    pool(&average, operands)
}

fn expect_number(dtype: DType) -> Result<(), ShapeError> {
    if dtype == DType::Bool {
        return Err(ShapeError::DtypeMismatch { expected: "float", found: dtype });
    }
    Ok(())
}

/// One spatial dimension of a pooling.
struct Window {
    kernel: u64,
    stride: u64,
    padding: u64,
    dilation: u64,
    ceil_mode: bool,
}

fn window(pool: &Pool, position: usize) -> Window {
    let at = |values: &[u64], default: u64| values.get(position).copied().unwrap_or(default);
    Window {
        kernel: at(&pool.kernel, 1),
        stride: at(&pool.stride, 1).max(1),
        padding: at(&pool.padding, 0),
        dilation: at(&pool.dilation, 1),
        ceil_mode: pool.ceil_mode,
    }
}

impl Window {
    /// Average pooling in three dimensions refuses a window larger than the input, whatever the
    /// padding: `pool3d_shape_check` with `check_input_size`, aten/src/ATen/native/Pool.h.
    fn expect_within(
        &self,
        pool: &Pool,
        dim: usize,
        extent: Dim,
        input: &Shape,
    ) -> Result<(), ShapeError> {
        let checked = pool.mode == PoolMode::Average && pool.kernel.len() == 3;
        match extent {
            Dim::Known(extent) if checked && extent < self.kernel => {
                let (window, input) = (self.kernel, input.clone());
                Err(ShapeError::EmptySpatialDim { dim, window, padded: extent, input })
            }
            Dim::Known(_) | Dim::Batch { .. } => Ok(()),
        }
    }

    fn output(&self, dim: usize, extent: Dim, input: &Shape) -> Result<Dim, ShapeError> {
        if self.padding > self.kernel / 2 {
            return Err(ShapeError::PoolPadding { padding: self.padding, kernel: self.kernel });
        }
        match extent {
            Dim::Known(extent) => self.known(dim, extent, input),
            Dim::Batch { .. } if self.keeps_extent() => Ok(extent),
            Dim::Batch { .. } => Err(ShapeError::BatchDependent {
                what: format!("its window moves along dimension {dim} of {input}"),
            }),
        }
    }

    fn reach(&self) -> u64 {
        self.dilation.saturating_mul(self.kernel.saturating_sub(1)).saturating_add(1)
    }

    fn keeps_extent(&self) -> bool {
        self.stride == 1 && self.padding.saturating_mul(2) == self.reach() - 1
    }

    fn known(&self, dim: usize, extent: u64, input: &Shape) -> Result<Dim, ShapeError> {
        let padded = extent.saturating_add(self.padding.saturating_mul(2));
        let window = self.reach();
        let last_start = i128::from(padded) - i128::from(window);
        let rounding = if self.ceil_mode { i128::from(self.stride) - 1 } else { 0 };
        let stride = i128::from(self.stride);
        let mut output = (last_start + rounding).div_euclid(stride) + 1;
        // the last window starts inside the input or the left padding
        let limit = i128::from(extent) + i128::from(self.padding);
        if self.ceil_mode && (output - 1) * stride >= limit {
            output -= 1;
        }
        match u64::try_from(output) {
            Ok(output) if output > 0 && extent > 0 => Ok(Dim::Known(output)),
            Ok(_) | Err(_) => {
                Err(ShapeError::EmptySpatialDim { dim, window, padded, input: input.clone() })
            }
        }
    }
}
