//! How the learning rate changes over a training.

/// A factor of the learning rate for every step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schedule {
    /// Always 1.
    Constant,
    /// From 1 to 0 along half a cosine, step by step.
    // Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", 2017, eq. 5.
    Cosine,
}

impl Schedule {
    /// The factor of step `step` of `total`.
    pub fn factor(self, step: usize, total: usize) -> f64 {
        match self {
            Schedule::Constant => 1.0,
            Schedule::Cosine => {
                let progress = step as f64 / total.max(1) as f64;
                0.5 * (1.0 + (std::f64::consts::PI * progress).cos())
            }
        }
    }
}
