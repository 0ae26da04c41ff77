//! The optimiser on the device, parameter by parameter.

use candle_core::backprop::GradStore;
use candle_core::{Result, Tensor};

use super::Parameter;
use crate::backend::{AdamStep, SgdStep, TrainStep, UpdateRule, clip_factor};

/// What an optimiser keeps of one parameter.
#[derive(Debug, Clone, Default)]
pub(super) struct Moments {
    /// SGD's momentum, or Adam's mean of gradients.
    pub first: Option<Tensor>,
    /// Adam's mean of squared gradients.
    pub second: Option<Tensor>,
}

impl Moments {
    /// First and second.
    pub fn both(&self) -> [Option<&Tensor>; 2] {
        [self.first.as_ref(), self.second.as_ref()]
    }
}

/// One step, the `update`th from 1.
pub(super) fn update(
    params: &mut [Parameter],
    gradients: &GradStore,
    step: &TrainStep,
    update: u64,
) -> Result<()> {
    let clip = match step.clip_norm {
        Some(most) => clip_factor(norm(params, gradients)?, most),
        None => 1.0,
    };
    for param in params {
        let Some(var) = param.var.clone() else { continue };
        let Some(gradient) = gradients.get(var.as_tensor()) else { continue };
        let value = var.as_detached_tensor();
        let mut gradient = gradient.detach();
        if clip != 1.0 {
            gradient = (gradient * clip)?;
        }
        let moments = &mut param.moments;
        var.set(&match &step.rule {
            UpdateRule::Sgd(sgd) => follow(value, gradient, moments, sgd)?,
            UpdateRule::Adam(adam) => follow_adam(value, gradient, moments, adam, update)?,
        })?;
    }
    Ok(())
}

/// Euclidean norm of all gradients together.
fn norm(params: &[Parameter], gradients: &GradStore) -> Result<f64> {
    let mut total = 0.0;
    let trained = params.iter().filter_map(|param| param.var.as_ref());
    for gradient in trained.filter_map(|var| gradients.get(var.as_tensor())) {
        total += f64::from(gradient.detach().sqr()?.sum_all()?.to_scalar::<f32>()?);
    }
    Ok(total.sqrt())
}

/// g ← g + λp; b ← μb + (1 − τ)g (b = g at first); g ← g + μb for Nesterov, else b; p ← p − γg.
// PyTorch: torch/optim/sgd.py, _single_tensor_sgd
fn follow(value: Tensor, gradient: Tensor, moments: &mut Moments, sgd: &SgdStep) -> Result<Tensor> {
    let mut gradient = penalized(gradient, &value, sgd.weight_decay)?;
    if sgd.momentum != 0.0 {
        let buffer = match moments.first.take() {
            Some(old) => ((old * sgd.momentum)? + (&gradient * (1.0 - sgd.dampening))?)?,
            None => gradient.clone(),
        };
        moments.first = Some(buffer.clone());
        gradient = if sgd.nesterov { (gradient + (buffer * sgd.momentum)?)? } else { buffer };
    }
    value - (gradient * sgd.learning_rate)?
}

fn penalized(gradient: Tensor, value: &Tensor, decay: f64) -> Result<Tensor> {
    if decay == 0.0 { Ok(gradient) } else { gradient + (value * decay)? }
}

// PyTorch: torch/optim/adam.py, _single_tensor_adam
fn follow_adam(
    value: Tensor,
    gradient: Tensor,
    moments: &mut Moments,
    adam: &AdamStep,
    update: u64,
) -> Result<Tensor> {
    let [first, second] = adam.betas;
    let (gradient, value) = if adam.decoupled {
        (gradient, (value * (1.0 - adam.learning_rate * adam.weight_decay))?)
    } else {
        (penalized(gradient, &value, adam.weight_decay)?, value)
    };
    let square = (gradient.sqr()? * (1.0 - second))?;
    let mean = (gradient * (1.0 - first))?;
    let mean = blend(moments.first.take(), first, mean)?;
    let square = blend(moments.second.take(), second, square)?;
    let correction = |beta: f64| 1.0 - beta.powf(update as f64);
    let root = ((square.sqrt()? / correction(second).sqrt())? + adam.epsilon)?;
    let change = ((&mean / root)? * (adam.learning_rate / correction(first)))?;
    *moments = Moments { first: Some(mean), second: Some(square) };
    value - change
}

/// `keep` of the old mean and the new part; the first mean is the new part alone.
fn blend(old: Option<Tensor>, keep: f64, new: Tensor) -> Result<Tensor> {
    match old {
        Some(old) => (old * keep)? + new,
        None => Ok(new),
    }
}
