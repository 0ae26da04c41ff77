//! The affine map of the last dimension, with explicit gradients on the CPU.

use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor};

use super::execute::{at, first};
use super::{native, tensors};
use crate::kernel::linear::{self, Extents};

/// Input `[..., in]`, weight `[out, in]`, bias `[out]` if there is one.
pub(super) fn linear(operands: &[Tensor]) -> Result<Tensor> {
    let (input, weight) = (first(operands)?, at(operands, 1)?);
    let (out, features) = weight.dims2()?;
    let rows = input.contiguous()?.reshape(((), features))?;
    let mut result = if tensors::is_native(input) {
        let extents = Extents { rows: rows.dim(0)?, in_features: features, out_features: out };
        rows.apply_op2(&weight.contiguous()?, LinearOp(extents))?
    } else {
        rows.matmul(&weight.t()?)?
    };
    if let Some(bias) = operands.get(2) {
        result = native::add_channels(&result, bias)?;
    }
    let mut dims = input.dims().to_vec();
    if let Some(last) = dims.last_mut() {
        *last = out;
    }
    result.reshape(dims)
}

struct LinearOp(Extents);

impl CustomOp2 for LinearOp {
    fn name(&self) -> &'static str {
        "nasc-linear"
    }

    fn cpu_fwd(
        &self,
        input: &CpuStorage,
        layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let weight = tensors::slice(weight, weight_layout)?;
        let out = linear::forward(&self.0, tensors::slice(input, layout)?, weight);
        Ok((CpuStorage::F32(out), (self.0.rows, self.0.out_features).into()))
    }

    fn bwd(
        &self,
        input: &Tensor,
        weight: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let tensor = |values: Vec<f32>, like: &Tensor| {
            Tensor::from_vec(values, like.dims(), like.device()).map(Some)
        };
        let (for_input, for_weight) = tensors::with_slice(gradient, |gradient| {
            let for_input = tensors::with_slice(weight, |weight| {
                input.track_op().then(|| linear::input_gradient(&self.0, weight, gradient))
            })?;
            let for_weight = tensors::with_slice(input, |input| {
                weight.track_op().then(|| linear::weight_gradient(&self.0, input, gradient))
            })?;
            Ok::<_, candle_core::Error>((for_input, for_weight))
        })??;
        let for_input = for_input.map_or(Ok(None), |values| tensor(values, input))?;
        let for_weight = for_weight.map_or(Ok(None), |values| tensor(values, weight))?;
        Ok((for_input, for_weight))
    }
}
