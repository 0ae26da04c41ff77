//! `Backend`: what executes a plan. It owns the parameters and the optimiser's state, since they live
//! on its device. The trainer decides on batches, rates and limits.

pub mod candle;
pub mod cpu;

use crate::error::RuntimeError;
use crate::state::StateDict;

/// A mini-batch of images.
#[derive(Debug, Clone, Copy)]
pub struct Batch<'a> {
    /// Normalised pixels, NCHW.
    pub images: &'a [f32],
    /// One class per image; their number is the batch size.
    pub labels: &'a [u32],
}

/// What one batch gave.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BatchOutcome {
    /// Mean cross-entropy in nats.
    pub loss: f64,
    /// Images whose largest logit is the label's.
    pub correct: usize,
}

/// Constants of stochastic gradient descent for one step, as `torch.optim.SGD` has them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SgdStep {
    /// Learning rate.
    pub learning_rate: f64,
    /// Momentum; 0 keeps no state.
    pub momentum: f64,
    /// L2 penalty, added to the gradient.
    pub weight_decay: f64,
    /// Whether Nesterov's variant is used.
    pub nesterov: bool,
}

/// Executes one plan. Steps are deterministic on the CPU for a seed.
pub trait Backend {
    /// Replaces all parameters and buffers and forgets the optimiser's state.
    ///
    /// # Errors
    /// [`RuntimeError::State`] if names, shapes or types differ.
    fn load(&mut self, state: &StateDict) -> Result<(), RuntimeError>;

    /// Forward, backward and update in training mode. The outcome is from before the update. If the
    /// loss is not finite, nothing is updated.
    ///
    /// # Errors
    /// If the device fails.
    fn train_step(
        &mut self,
        batch: Batch<'_>,
        step: &SgdStep,
    ) -> Result<BatchOutcome, RuntimeError>;

    /// Forward in evaluation mode.
    ///
    /// # Errors
    /// If the device fails.
    fn evaluate(&mut self, batch: Batch<'_>) -> Result<BatchOutcome, RuntimeError>;

    /// Logits of `count` images in evaluation mode, row after row.
    ///
    /// # Errors
    /// If the device fails.
    fn predict(&mut self, images: &[f32], count: usize) -> Result<Vec<f32>, RuntimeError>;

    /// Gradients of the mean cross-entropy with respect to the trainable parameters, in training
    /// mode and without an update.
    ///
    /// # Errors
    /// If the device fails.
    fn gradients(&mut self, batch: Batch<'_>) -> Result<StateDict, RuntimeError>;

    /// A copy of what the state dict holds.
    ///
    /// # Errors
    /// If the device fails.
    fn state(&self) -> Result<StateDict, RuntimeError>;
}
