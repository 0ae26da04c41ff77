//! `Method`: how a network is trained, in the plain values that command lines and configuration files
//! hold, and the two recipes that are known by name.

use serde::{Deserialize, Serialize};

use super::config::TrainConfig;
use super::optimizer::Optimizer;
use super::schedule::{OneCycle, Schedule, WarmUp};
use crate::data::{Augmentation, ImageShape, Normalization};

/// An optimiser by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OptimizerName {
    /// Stochastic gradient descent.
    Sgd,
    /// Adam; weight decay is an L2 penalty.
    Adam,
    /// Adam with decoupled weight decay.
    Adamw,
}

/// A schedule by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ScheduleName {
    /// The learning rate stays.
    Constant,
    /// It is multiplied by a factor every few epochs.
    Step,
    /// It falls along half a cosine.
    Cosine,
    /// It rises and falls, and momentum falls and rises.
    OneCycle,
}

/// A method by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Recipe {
    /// The protocol of the LLMatic paper.
    Paper,
    /// Few epochs to a good accuracy.
    Fast,
}

impl Recipe {
    /// The method for images of this shape.
    pub fn method(self, shape: ImageShape) -> Method {
        match self {
            Recipe::Paper => Method::PAPER,
            Recipe::Fast => Method::fast(shape),
        }
    }
}

/// How a network is trained, beside epochs, batch size, learning rate and momentum. What is left out of a
/// configuration file is that of the recipe `paper`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Method {
    /// The optimiser.
    pub optimizer: OptimizerName,
    /// Weight decay.
    pub weight_decay: f64,
    /// Nesterov's momentum.
    pub nesterov: bool,
    /// Dampening of SGD's momentum.
    pub dampening: f64,
    /// Adam's second beta; the first is the momentum.
    pub beta2: f64,
    /// Adam's epsilon.
    pub epsilon: f64,
    /// The schedule.
    pub schedule: ScheduleName,
    /// Epochs between two changes of the schedule `step`.
    pub step_epochs: f64,
    /// Factor of the schedule `step`.
    pub step_factor: f64,
    /// Epochs of linear warm-up before the schedule.
    pub warm_up_epochs: f64,
    /// Label smoothing.
    pub label_smoothing: f64,
    /// Largest norm of the gradients; 0 is no limit.
    pub clip_norm: f64,
    /// Mirror every second image.
    pub flip: bool,
    /// Pixels that images are shifted by at most.
    pub crop: u32,
    /// Side of the square that is taken out.
    pub cut_out: u32,
    /// Epochs without progress after which training ends; 0 is never.
    pub early_stop: u32,
    /// Whether the weights of the best epoch are kept.
    pub keep_best: bool,
    /// Whether pixels are scaled by mean and deviation of the data, not to -1 to 1.
    pub normalize_by_data: bool,
}

impl Default for Method {
    fn default() -> Method {
        Method::PAPER
    }
}

impl Method {
    /// The protocol of the LLMatic paper: plain SGD on images as they are.
    pub const PAPER: Method = Method {
        optimizer: OptimizerName::Sgd,
        weight_decay: 0.0,
        nesterov: false,
        dampening: 0.0,
        beta2: 0.999,
        epsilon: 1e-8,
        schedule: ScheduleName::Constant,
        step_epochs: 30.0,
        step_factor: 0.1,
        warm_up_epochs: 0.0,
        label_smoothing: 0.0,
        clip_norm: 0.0,
        flip: false,
        crop: 0,
        cut_out: 0,
        early_stop: 0,
        keep_best: false,
        normalize_by_data: false,
    };

    /// What the fast trainings of CIFAR-10 have in common and any network can use: Nesterov's momentum
    /// with weight decay, one cycle of the rate, smoothed labels, and images that are mirrored, shifted by
    /// an eighth and cut out by a quarter of their height. Grey images are taken for writing, which has no
    /// mirror image.
    // Page, "How to Train Your ResNet", 2018-2019; Coleman et al., "DAWNBench", 2017. Clipping is for
    // networks without normalisation, which their rates would let diverge.
    pub fn fast(shape: ImageShape) -> Method {
        Method {
            weight_decay: 5e-4,
            nesterov: true,
            schedule: ScheduleName::OneCycle,
            label_smoothing: 0.1,
            clip_norm: 1.0,
            flip: shape.channels == 3,
            crop: (shape.height / 8) as u32,
            cut_out: if shape.channels == 3 { (shape.height / 4) as u32 } else { 0 },
            normalize_by_data: true,
            ..Method::PAPER
        }
    }

    /// `config` trained by this method.
    pub fn apply(&self, config: TrainConfig, learning_rate: f64, momentum: f64) -> TrainConfig {
        let some = |value: u32| (value > 0).then_some(value as usize);
        TrainConfig {
            optimizer: self.optimizer(learning_rate, momentum),
            schedule: self.schedule(),
            warm_up: WarmUp { epochs: self.warm_up_epochs, ..WarmUp::NONE },
            label_smoothing: self.label_smoothing,
            clip_norm: (self.clip_norm != 0.0).then_some(self.clip_norm),
            augmentation: Augmentation {
                flip: self.flip,
                crop: self.crop as usize,
                cut_out: self.cut_out as usize,
            },
            early_stop: some(self.early_stop),
            keep_best: self.keep_best,
            normalization: if self.normalize_by_data {
                Normalization::DataStatistics
            } else {
                Normalization::Symmetric
            },
            ..config
        }
    }

    fn optimizer(&self, learning_rate: f64, momentum: f64) -> Optimizer {
        let &Method { weight_decay, dampening, nesterov, epsilon, .. } = self;
        let decoupled = match self.optimizer {
            OptimizerName::Sgd => {
                return Optimizer::Sgd {
                    learning_rate,
                    momentum,
                    weight_decay,
                    dampening,
                    nesterov,
                };
            }
            OptimizerName::Adam => false,
            OptimizerName::Adamw => true,
        };
        let betas = [momentum, self.beta2];
        Optimizer::Adam { learning_rate, betas, epsilon, weight_decay, decoupled }
    }

    fn schedule(&self) -> Schedule {
        match self.schedule {
            ScheduleName::Constant => Schedule::Constant,
            ScheduleName::Step => {
                Schedule::Step { epochs: self.step_epochs, factor: self.step_factor }
            }
            ScheduleName::Cosine => Schedule::Cosine { floor: 0.0 },
            ScheduleName::OneCycle => Schedule::OneCycle(OneCycle::default()),
        }
    }
}
