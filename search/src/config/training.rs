//! The trainer's form of `TrainingConfig`.

use super::TrainingConfig;
use nasc_runtime::train::TrainConfig;
use std::num::NonZeroUsize;
use std::time::Duration;

impl TrainingConfig {
    /// The same training with another batch size, its learning rate scaled linearly (Goyal et al.,
    /// arXiv 1706.02677). For the paper's preset a size of 1 is what the authors' code does.
    #[must_use]
    pub fn with_batch_size(self, batch_size: u32) -> Self {
        let per_example = self.learning_rate / f64::from(self.batch_size.max(1));
        Self { batch_size, learning_rate: per_example * f64::from(batch_size), ..self }
    }

    /// What the trainer takes, for a candidate of this seed.
    #[must_use]
    pub fn train_config(&self, seed: u64) -> TrainConfig {
        let whole = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        let batch = NonZeroUsize::new(whole(self.batch_size)).unwrap_or(NonZeroUsize::MIN);
        let (rate, momentum) = (self.learning_rate, self.momentum);
        let plain = TrainConfig::sgd(whole(self.epochs), batch, rate, momentum, seed);
        let limit = self.max_seconds.and_then(|limit| Duration::try_from_secs_f64(limit).ok());
        TrainConfig { time_limit: limit, ..self.method.apply(plain, rate, momentum) }
    }
}
