//! The optimiser over the block of parameters: gradients of all members are summed, clipped and
//! followed in one pass, a cache-sized piece at a time. Not here: rates (`train::Schedule`).

use crate::backend::{AdamStep, SgdStep, TrainStep, UpdateRule, clip_factor};
use crate::kernel::vector::simd;

/// Floats of a piece, whose summed gradient stays in the first-level cache.
const PIECE: usize = 1024;

/// What an optimiser keeps between steps.
#[derive(Debug, Default)]
pub struct Moments {
    /// SGD's momentum, or Adam's mean of gradients; empty until it is needed.
    pub first: Vec<f32>,
    /// Adam's mean of squared gradients; empty until it is needed.
    pub second: Vec<f32>,
    /// Updates so far.
    pub updates: u64,
}

/// A rule with its constants ready for one update.
#[derive(Debug, Clone, Copy)]
enum Ready {
    Plain { rate: f32, decay: f32 },
    Momentum { rate: f32, decay: f32, keep: f32, take: f32, ahead: Option<f32> },
    Adam(ReadyAdam),
}

/// Adam's constants with the corrections for the zeros that its means begin with.
#[derive(Debug, Clone, Copy)]
struct ReadyAdam {
    rate: f32,
    root_correction: f32,
    betas: [f32; 2],
    news: [f32; 2],
    epsilon: f32,
    penalty: f32,
    shrink: f32,
}

impl Moments {
    /// One step; `gradients` are summed. Allocates in the first step only.
    pub fn update(&mut self, values: &mut [f32], gradients: &[&[f32]], step: &TrainStep) {
        let clip = step.clip_norm.map_or(1.0, |most| clip_factor(norm(gradients), most) as f32);
        let rule = self.ready(values.len(), &step.rule);
        self.updates += 1;
        let (mut first, mut second) = (self.first.chunks_mut(PIECE), self.second.chunks_mut(PIECE));
        let mut gradient = [0.0; PIECE];
        simd(|| {
            for (piece, values) in values.chunks_mut(PIECE).enumerate() {
                let gradient = gradient.get_mut(..values.len()).unwrap_or_default();
                sum(gradient, gradients, piece * PIECE, clip);
                let first = first.next().unwrap_or_default();
                follow(values, gradient, first, second.next().unwrap_or_default(), &rule);
            }
        });
    }

    /// The constants of this update; makes room for what the rule keeps.
    fn ready(&mut self, len: usize, rule: &UpdateRule) -> Ready {
        match rule {
            UpdateRule::Sgd(sgd) if sgd.momentum == 0.0 => {
                Ready::Plain { rate: sgd.learning_rate as f32, decay: sgd.weight_decay as f32 }
            }
            UpdateRule::Sgd(sgd) => {
                let fresh = self.first.is_empty();
                self.first.resize(len, 0.0);
                momentum(sgd, fresh)
            }
            UpdateRule::Adam(adam) => {
                self.first.resize(len, 0.0);
                self.second.resize(len, 0.0);
                Ready::Adam(ReadyAdam::new(adam, self.updates + 1))
            }
        }
    }
}

fn momentum(sgd: &SgdStep, fresh: bool) -> Ready {
    let (keep, take) = if fresh { (0.0, 1.0) } else { (sgd.momentum, 1.0 - sgd.dampening) };
    Ready::Momentum {
        rate: sgd.learning_rate as f32,
        decay: sgd.weight_decay as f32,
        keep: keep as f32,
        take: take as f32,
        ahead: sgd.nesterov.then_some(sgd.momentum as f32),
    }
}

impl ReadyAdam {
    // PyTorch: torch/optim/adam.py, _single_tensor_adam
    fn new(adam: &AdamStep, update: u64) -> ReadyAdam {
        let correction = adam.betas.map(|beta| 1.0 - beta.powf(update as f64));
        let [first, second] = correction;
        let (penalty, shrink) = if adam.decoupled {
            (0.0, 1.0 - adam.learning_rate * adam.weight_decay)
        } else {
            (adam.weight_decay, 1.0)
        };
        ReadyAdam {
            rate: (adam.learning_rate / first) as f32,
            root_correction: second.sqrt() as f32,
            betas: adam.betas.map(|beta| beta as f32),
            news: adam.betas.map(|beta| (1.0 - beta) as f32),
            epsilon: adam.epsilon as f32,
            penalty: penalty as f32,
            shrink: shrink as f32,
        }
    }
}

/// Euclidean norm of the sum of the gradients.
fn norm(gradients: &[&[f32]]) -> f64 {
    let len = gradients.first().map_or(0, |first| first.len());
    let mut total = 0.0;
    let mut piece = [0.0; PIECE];
    simd(|| {
        for start in (0..len).step_by(PIECE) {
            let piece = piece.get_mut(..PIECE.min(len - start)).unwrap_or_default();
            sum(piece, gradients, start, 1.0);
            total += piece.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>();
        }
    });
    total.sqrt()
}

/// The sum of the gradients from float `start`, times `scale`.
#[inline(always)]
fn sum(out: &mut [f32], gradients: &[&[f32]], start: usize, scale: f32) {
    for (member, gradient) in gradients.iter().enumerate() {
        let gradient = gradient.get(start..start + out.len()).unwrap_or_default();
        let pairs = out.iter_mut().zip(gradient);
        if member == 0 {
            pairs.for_each(|(out, &gradient)| *out = gradient);
        } else {
            pairs.for_each(|(out, &gradient)| *out += gradient);
        }
    }
    if scale != 1.0 {
        out.iter_mut().for_each(|out| *out *= scale);
    }
}

// PyTorch: torch/optim/sgd.py, _single_tensor_sgd; torch/optim/adam.py, _single_tensor_adam
#[inline(always)]
fn follow(
    values: &mut [f32],
    gradient: &[f32],
    first: &mut [f32],
    second: &mut [f32],
    rule: &Ready,
) {
    let pairs = values.iter_mut().zip(gradient);
    match *rule {
        Ready::Plain { rate, decay } => {
            pairs.for_each(|(value, gradient)| *value -= rate * (gradient + decay * *value));
        }
        Ready::Momentum { rate, decay, keep, take, ahead: None } => {
            for ((value, gradient), velocity) in pairs.zip(first) {
                *velocity = keep * *velocity + take * (gradient + decay * *value);
                *value -= rate * *velocity;
            }
        }
        Ready::Momentum { rate, decay, keep, take, ahead: Some(ahead) } => {
            for ((value, gradient), velocity) in pairs.zip(first) {
                let gradient = gradient + decay * *value;
                *velocity = keep * *velocity + take * gradient;
                *value -= rate * (gradient + ahead * *velocity);
            }
        }
        Ready::Adam(adam) => {
            for (((value, gradient), mean), square) in pairs.zip(first).zip(second) {
                adam.follow(value, *gradient, mean, square);
            }
        }
    }
}

impl ReadyAdam {
    #[inline(always)]
    fn follow(&self, value: &mut f32, gradient: f32, mean: &mut f32, square: &mut f32) {
        let [_, keep] = self.betas;
        let [new_mean, new_square] = self.news;
        let gradient = gradient + self.penalty * *value;
        *mean += new_mean * (gradient - *mean);
        *square = keep * *square + new_square * gradient * gradient;
        let root = square.sqrt() / self.root_correction + self.epsilon;
        *value = *value * self.shrink - self.rate * (*mean / root);
    }
}
