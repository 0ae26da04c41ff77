//! Stochastic gradient descent on the device.

use candle_core::backprop::GradStore;
use candle_core::{Result, Tensor};

use super::Parameter;
use crate::backend::SgdStep;

/// One step: g ← g + λp; b ← μb + g (b = g at first); g ← g + μb for Nesterov, else b; p ← p − γg.
// PyTorch: torch/optim/sgd.py, _single_tensor_sgd, dampening 0
pub(super) fn update(
    params: &mut [Parameter],
    gradients: &GradStore,
    step: &SgdStep,
) -> Result<()> {
    for param in params {
        let Some(var) = param.var.clone() else { continue };
        let Some(gradient) = gradients.get(var.as_tensor()) else { continue };
        let value = var.as_detached_tensor();
        let mut gradient = gradient.detach();
        if step.weight_decay != 0.0 {
            gradient = (gradient + (&value * step.weight_decay)?)?;
        }
        if step.momentum != 0.0 {
            gradient = with_momentum(param, gradient, step)?;
        }
        var.set(&(value - (gradient * step.learning_rate)?)?)?;
    }
    Ok(())
}

fn with_momentum(param: &mut Parameter, gradient: Tensor, step: &SgdStep) -> Result<Tensor> {
    let buffer = match param.momentum.take() {
        Some(old) => ((old * step.momentum)? + &gradient)?,
        None => gradient.clone(),
    };
    param.momentum = Some(buffer.clone());
    if step.nesterov { gradient + (buffer * step.momentum)? } else { Ok(buffer) }
}
