//! How the learning rate changes over a training: the schedules of `torch.optim.lr_scheduler`, counted
//! in steps.

use std::f64::consts::PI;

use super::require;
use crate::error::RuntimeError;

/// A factor of the learning rate for every step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Schedule {
    /// Always 1.
    Constant,
    /// A power of `factor`, one more after each `epochs` epochs (`StepLR`).
    Step {
        /// Epochs between two changes, above 0.
        epochs: f64,
        /// What the rate is multiplied by, above 0.
        factor: f64,
    },
    /// From 1 to `floor` along half a cosine (`CosineAnnealingLR`).
    // Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", 2017, eq. 5.
    Cosine {
        /// The last factor, 0 to 1.
        floor: f64,
    },
    /// Up to 1 and down to nearly nothing, while momentum goes down and up (`OneCycleLR`).
    // Smith and Topin, "Super-Convergence", 2018; the defaults are PyTorch's.
    OneCycle(OneCycle),
}

/// Constants of [`Schedule::OneCycle`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OneCycle {
    /// Share of the steps in which the rate rises, above 0 and below 1.
    pub rise: f64,
    /// The first factor is 1 over this.
    pub first_divisor: f64,
    /// The last factor is the first over this.
    pub last_divisor: f64,
    /// Smallest and largest momentum (for Adam the first beta); `None` leaves it as it is.
    pub momentum: Option<[f64; 2]>,
    /// Straight lines instead of half cosines.
    pub linear: bool,
}

impl Default for OneCycle {
    fn default() -> OneCycle {
        let momentum = Some([0.85, 0.95]);
        OneCycle { rise: 0.3, first_divisor: 25.0, last_divisor: 1e4, momentum, linear: false }
    }
}

/// A linear rise before the schedule (`LinearLR`, followed by it in a `SequentialLR`).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WarmUp {
    /// Length in epochs; 0 is none.
    pub epochs: f64,
    /// The first factor, above 0 and at most 1.
    pub start: f64,
}

/// What a schedule decides for a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rates {
    /// What the learning rate is multiplied by.
    pub factor: f64,
    /// Momentum or first beta; `None` leaves it as it is.
    pub momentum: Option<f64>,
}

impl Schedule {
    /// The rates of step `step` of `total`.
    pub fn rates(&self, step: usize, total: usize, per_epoch: usize) -> Rates {
        let factor = match *self {
            Schedule::Constant => 1.0,
            Schedule::Step { epochs, factor } => {
                let length = steps_of(epochs, per_epoch).max(1);
                factor.powf((step / length) as f64)
            }
            Schedule::Cosine { floor } => {
                let progress = step as f64 / total.max(1) as f64;
                floor + (1.0 - floor) * 0.5 * (1.0 + (PI * progress).cos())
            }
            Schedule::OneCycle(cycle) => return cycle.rates(step, total),
        };
        Rates { factor, momentum: None }
    }

    pub(super) fn validate(&self, warm_up: WarmUp) -> Result<(), RuntimeError> {
        let share = |x: f64| (0.0..=1.0).contains(&x);
        match *self {
            Schedule::Constant => {}
            Schedule::Step { epochs, factor } => {
                require("step epochs", epochs, epochs > 0.0, "above 0")?;
                require("step factor", factor, factor > 0.0 && factor.is_finite(), "above 0")?;
            }
            Schedule::Cosine { floor } => require("floor", floor, share(floor), "0 to 1")?,
            Schedule::OneCycle(cycle) => {
                let rise = cycle.rise;
                require("rise", rise, rise > 0.0 && rise < 1.0, "above 0 and below 1")?;
                let no_warm_up = warm_up.epochs == 0.0;
                let required = "0 with the one-cycle schedule, which begins with a rise of its own";
                require("warm-up", warm_up.epochs, no_warm_up, required)?;
            }
        }
        let length = warm_up.epochs;
        require("warm-up", length, length.is_finite() && length >= 0.0, "not below 0")?;
        let start = warm_up.start;
        require("warm-up start", start, start > 0.0 && start <= 1.0, "above 0 and at most 1")
    }
}

impl OneCycle {
    // PyTorch: torch/optim/lr_scheduler.py, OneCycleLR.get_lr
    fn rates(&self, step: usize, total: usize) -> Rates {
        let first = 1.0 / self.first_divisor;
        let last = first / self.last_divisor;
        let peak = self.rise * total as f64 - 1.0;
        let end = total as f64 - 1.0;
        let step = step as f64;
        let [low, high] = self.momentum.unwrap_or_default();
        let (factor, momentum) = if step <= peak {
            let share = step / peak;
            (self.between(first, 1.0, share), self.between(high, low, share))
        } else {
            let share = (step - peak) / (end - peak).max(f64::MIN_POSITIVE);
            (self.between(1.0, last, share), self.between(low, high, share))
        };
        Rates { factor, momentum: self.momentum.map(|_| momentum) }
    }

    fn between(&self, start: f64, end: f64, share: f64) -> f64 {
        if self.linear {
            return start + (end - start) * share;
        }
        end + (start - end) / 2.0 * (1.0 + (PI * share).cos())
    }
}

impl WarmUp {
    /// No rise.
    pub const NONE: WarmUp = WarmUp { epochs: 0.0, start: 0.1 };

    /// The rates of step `step` of `total`: of the rise, then of `schedule` over the other steps.
    pub fn rates(&self, schedule: &Schedule, step: usize, total: usize, per_epoch: usize) -> Rates {
        let length = steps_of(self.epochs, per_epoch).min(total);
        if step < length {
            let share = step as f64 / length as f64;
            return Rates { factor: self.start + (1.0 - self.start) * share, momentum: None };
        }
        schedule.rates(step - length, total - length, per_epoch)
    }
}

/// Epochs as a whole number of steps.
fn steps_of(epochs: f64, per_epoch: usize) -> usize {
    (epochs * per_epoch as f64).round() as usize
}
