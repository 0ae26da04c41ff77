//! `Backend`: what executes a plan. It owns the parameters and the optimiser's state, since they live
//! on its device. The trainer decides on batches, rates and limits.

pub mod candle;
pub mod cpu;
mod moments;

use std::time::Instant;

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
    /// Share of a gradient that the momentum does not take up; the first step takes all of it.
    pub dampening: f64,
    /// Whether Nesterov's variant is used.
    pub nesterov: bool,
}

/// Constants of Adam for one step, as `torch.optim.Adam` and `AdamW` have them.
// Kingma and Ba, "Adam: A Method for Stochastic Optimization", 2015, algorithm 1;
// Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2019, algorithm 2.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamStep {
    /// Learning rate.
    pub learning_rate: f64,
    /// Decay of the means of the gradient and of its square.
    pub betas: [f64; 2],
    /// Added to the root of the mean square.
    pub epsilon: f64,
    /// Weight decay: an L2 penalty, or with `decoupled` a shrinking of the weights.
    pub weight_decay: f64,
    /// Whether weights shrink by themselves (AdamW).
    pub decoupled: bool,
}

/// How weights follow their gradients in one step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum UpdateRule {
    /// Stochastic gradient descent.
    Sgd(SgdStep),
    /// Adam or AdamW.
    Adam(AdamStep),
}

/// Constants of one training step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrainStep {
    /// How weights follow their gradients.
    pub rule: UpdateRule,
    /// Gradients are scaled so that their joint Euclidean norm is at most this, as
    /// `torch.nn.utils.clip_grad_norm_` does.
    pub clip_norm: Option<f64>,
    /// Share of the target that is spread evenly over all classes, 0 to 1.
    // Szegedy et al., "Rethinking the Inception Architecture for Computer Vision", 2016, section 7.
    pub label_smoothing: f64,
}

impl From<SgdStep> for TrainStep {
    fn from(step: SgdStep) -> TrainStep {
        TrainStep { rule: UpdateRule::Sgd(step), clip_norm: None, label_smoothing: 0.0 }
    }
}

impl From<AdamStep> for TrainStep {
    fn from(step: AdamStep) -> TrainStep {
        TrainStep { rule: UpdateRule::Adam(step), clip_norm: None, label_smoothing: 0.0 }
    }
}

/// The factor that `clip_grad_norm_` scales gradients of this norm by.
// PyTorch: torch/nn/utils/clip_grad.py, _clip_grads_with_norm_
pub(crate) fn clip_factor(norm: f64, most: f64) -> f64 {
    (most / (norm + 1e-6)).min(1.0)
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
        step: &TrainStep,
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

    /// From then on steps and evaluations end with [`RuntimeError::TimeLimit`], also in the middle of
    /// a pass; a step that ended so has changed nothing. `None` lifts the limit.
    fn set_deadline(&mut self, deadline: Option<Instant>);

    /// Whether all parameters and buffers are finite numbers.
    ///
    /// # Errors
    /// If the device fails.
    fn is_finite(&self) -> Result<bool, RuntimeError>;

    /// What training needs besides the state dict to go on as if it had not been stopped: the
    /// optimiser's state and that of dropout.
    ///
    /// # Errors
    /// If the device fails.
    fn training_state(&self) -> Result<StateDict, RuntimeError>;

    /// Takes up what [`Backend::training_state`] gave. Comes after [`Backend::load`], which forgets it.
    ///
    /// # Errors
    /// [`RuntimeError::Checkpoint`] if it is the state of another network or backend.
    fn load_training_state(&mut self, state: &StateDict) -> Result<(), RuntimeError>;
}
