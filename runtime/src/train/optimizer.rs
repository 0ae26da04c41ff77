//! `Optimizer`: how weights follow gradients over a whole training. One update is the backend's
//! business; how rates change, the schedule's.

use super::require;
use super::schedule::Rates;
use crate::backend::{AdamStep, SgdStep, UpdateRule};
use crate::error::RuntimeError;

/// How weights follow gradients.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Optimizer {
    /// Stochastic gradient descent as `torch.optim.SGD`.
    Sgd {
        /// Learning rate, above 0.
        learning_rate: f64,
        /// Momentum, 0 or more.
        momentum: f64,
        /// L2 penalty, 0 or more.
        weight_decay: f64,
        /// Share of a gradient that the momentum does not take up; 0 for most uses.
        dampening: f64,
        /// Nesterov's variant; needs momentum and no dampening.
        nesterov: bool,
    },
    /// Adam as `torch.optim.Adam`, or `AdamW` if `decoupled`.
    Adam {
        /// Learning rate, above 0.
        learning_rate: f64,
        /// Decay of the means of the gradient and of its square, 0 to below 1.
        betas: [f64; 2],
        /// Added to the root of the mean square, above 0.
        epsilon: f64,
        /// Weight decay, 0 or more.
        weight_decay: f64,
        /// Whether weights shrink by themselves, not through the gradient (AdamW).
        decoupled: bool,
    },
}

impl Optimizer {
    /// Stochastic gradient descent without weight decay.
    pub fn sgd(learning_rate: f64, momentum: f64) -> Optimizer {
        let (weight_decay, dampening, nesterov) = (0.0, 0.0, false);
        Optimizer::Sgd { learning_rate, momentum, weight_decay, dampening, nesterov }
    }

    /// AdamW with the constants of PyTorch.
    pub fn adamw(learning_rate: f64) -> Optimizer {
        let betas = [0.9, 0.999];
        Optimizer::Adam { learning_rate, betas, epsilon: 1e-8, weight_decay: 0.01, decoupled: true }
    }

    /// The rate that schedules are factors of.
    pub fn learning_rate(&self) -> f64 {
        match self {
            Optimizer::Sgd { learning_rate, .. } | Optimizer::Adam { learning_rate, .. } => {
                *learning_rate
            }
        }
    }

    /// Numbers that are kept for each parameter.
    pub(crate) fn moments(&self) -> u64 {
        match *self {
            Optimizer::Sgd { momentum: 0.0, .. } => 0,
            Optimizer::Sgd { .. } => 1,
            Optimizer::Adam { .. } => 2,
        }
    }

    /// The constants of a step.
    pub(super) fn rule(&self, rates: Rates) -> UpdateRule {
        match *self {
            Optimizer::Sgd { learning_rate, momentum, weight_decay, dampening, nesterov } => {
                let learning_rate = learning_rate * rates.factor;
                let momentum = rates.momentum.unwrap_or(momentum);
                let step = SgdStep { learning_rate, momentum, weight_decay, dampening, nesterov };
                UpdateRule::Sgd(step)
            }
            Optimizer::Adam { learning_rate, betas, epsilon, weight_decay, decoupled } => {
                let learning_rate = learning_rate * rates.factor;
                let betas = [rates.momentum.unwrap_or(betas[0]), betas[1]];
                let step = AdamStep { learning_rate, betas, epsilon, weight_decay, decoupled };
                UpdateRule::Adam(step)
            }
        }
    }

    pub(super) fn validate(&self) -> Result<(), RuntimeError> {
        let rate = self.learning_rate();
        require("learning_rate", rate, rate.is_finite() && rate > 0.0, "a number above 0")?;
        let not_negative =
            |name, x: f64| require(name, x, x.is_finite() && x >= 0.0, "a number not below 0");
        match *self {
            Optimizer::Sgd { momentum, weight_decay, dampening, nesterov, .. } => {
                not_negative("momentum", momentum)?;
                not_negative("weight_decay", weight_decay)?;
                not_negative("dampening", dampening)?;
                let sound = !nesterov || (momentum > 0.0 && dampening == 0.0);
                require("nesterov", nesterov, sound, "false without momentum or with dampening")
            }
            Optimizer::Adam { betas: [first, second], epsilon, weight_decay, .. } => {
                not_negative("weight_decay", weight_decay)?;
                let share = |x: f64| (0.0..1.0).contains(&x);
                require("the first beta", first, share(first), "at least 0 and below 1")?;
                require("the second beta", second, share(second), "at least 0 and below 1")?;
                require("epsilon", epsilon, epsilon.is_finite() && epsilon > 0.0, "above 0")
            }
        }
    }
}
