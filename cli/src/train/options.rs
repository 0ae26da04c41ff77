//! The options that say how a network is trained, and their values where they are left out.

use std::num::NonZeroUsize;
use std::time::Duration;

use clap::{Args, ValueEnum};
use nasc_runtime::data::{Dataset, ImageShape};
use nasc_runtime::train::{Method, OptimizerName, Recipe, ScheduleName, TrainConfig};

use crate::error::CliError;

/// SGD's learning rate for one image a step (Nasir et al., LLMatic, arXiv 2306.01102, section 4),
/// scaled linearly with the batch (Goyal et al., arXiv 1706.02677).
const PAPER_RATE_PER_IMAGE: f64 = 0.001;
/// Peak of the recipe `fast` for one image a step: 0.4 for batches of 512 (Page, "How to Train Your
/// ResNet", part 3).
const FAST_RATE_PER_IMAGE: f64 = 0.4 / 512.0;
/// Adam's learning rate in PyTorch and in the paper that describes it.
const ADAM_RATE: f64 = 0.001;
/// Steps that an epoch of the recipe `fast` has at least where the data allow it.
const FAST_STEPS: usize = 32;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum RecipeArg {
    /// Plain SGD on images as they are: learning rate 0.001 times the batch size, momentum 0.9,
    /// batches of 32 (the protocol of the LLMatic paper).
    Paper,
    /// A good accuracy in few epochs: SGD with Nesterov's momentum and weight decay, one-cycle
    /// schedule, label smoothing, clipping; images are shifted, and colour images also mirrored and
    /// cut out; batches of up to 512.
    Fast,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum OptimizerArg {
    /// Stochastic gradient descent.
    Sgd,
    /// Adam; weight decay is an L2 penalty.
    Adam,
    /// Adam with decoupled weight decay.
    Adamw,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ScheduleArg {
    /// The learning rate stays as it is.
    Constant,
    /// It is multiplied by --step-factor every --step-epochs epochs.
    Step,
    /// It falls to 0 along half a cosine.
    Cosine,
    /// It rises from 1/25 of --lr for 3/10 of the steps, then falls to nearly 0; momentum does the
    /// opposite between 0.85 and 0.95.
    OneCycle,
}

// No doc comment: it would become the text of the command that these are flattened into.
#[derive(Debug, Args)]
#[command(next_help_heading = "How to train")]
pub(super) struct MethodArgs {
    /// Passes over the training images.
    #[arg(long, default_value_t = 10)]
    pub(super) epochs: usize,
    /// What the options below are if they are left out.
    #[arg(long, value_enum, default_value_t = RecipeArg::Paper)]
    recipe: RecipeArg,
    /// Images of a step [default: that of the recipe].
    #[arg(long)]
    batch_size: Option<NonZeroUsize>,
    /// How weights follow gradients [default: sgd].
    #[arg(long, value_enum)]
    optimizer: Option<OptimizerArg>,
    /// Learning rate; the largest one where a schedule changes it [default: in proportion to the batch
    /// size for SGD, 0.001 for Adam].
    #[arg(long)]
    lr: Option<f64>,
    /// Momentum of SGD, or first beta of Adam.
    #[arg(long, default_value_t = 0.9)]
    momentum: f64,
    /// Use Nesterov's momentum; --nesterov=false does not.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    nesterov: Option<bool>,
    /// Share of a gradient that SGD's momentum does not take up.
    #[arg(long)]
    dampening: Option<f64>,
    /// Weight decay: an L2 penalty for sgd and adam, decoupled for adamw.
    #[arg(long)]
    weight_decay: Option<f64>,
    /// How the learning rate changes, step by step.
    #[arg(long, value_enum)]
    schedule: Option<ScheduleArg>,
    /// Epochs between two changes of --schedule step.
    #[arg(long, default_value_t = 30.0, value_name = "EPOCHS")]
    step_epochs: f64,
    /// What --schedule step multiplies the learning rate by.
    #[arg(long, default_value_t = 0.1, value_name = "FACTOR")]
    step_factor: f64,
    /// Epochs in which the learning rate first rises from a tenth, before the schedule begins.
    #[arg(long, value_name = "EPOCHS")]
    warm_up: Option<f64>,
    /// Share of the target that is spread evenly over all classes, 0 to below 1.
    #[arg(long, value_name = "SHARE")]
    label_smoothing: Option<f64>,
    /// Scale gradients down to this joint norm if theirs is larger; 0 never does.
    #[arg(long, value_name = "NORM")]
    clip_norm: Option<f64>,
    /// Mirror every second image, at random; --flip=false does not.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    flip: Option<bool>,
    /// Shift images by up to this many pixels each way: pad with black, then crop at random.
    #[arg(long, value_name = "PIXELS")]
    crop: Option<u32>,
    /// Take a square of this side out of each image, at random.
    #[arg(long, value_name = "PIXELS")]
    cut_out: Option<u32>,
    /// Scale pixels by mean and deviation of the training images, not to -1 to 1.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    normalize_by_data: Option<bool>,
    /// Stop after this many epochs without a better validation accuracy; 0 never does.
    #[arg(long, default_value_t = 0, value_name = "EPOCHS")]
    early_stop: u32,
    /// Write the weights of the epoch with the best validation accuracy, not those of the last.
    #[arg(long)]
    keep_best: bool,
    /// Stop after this time, such as 90s, 10m or 1.5h; also in the middle of a step.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    max_time: Option<Duration>,
    /// Stop after this many steps.
    #[arg(long, value_name = "STEPS")]
    max_steps: Option<usize>,
    /// Seed of the first weights, the order of the images, augmentation and dropout.
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

impl MethodArgs {
    /// The training for a data set.
    pub(super) fn config(&self, data: &Dataset) -> Result<TrainConfig, CliError> {
        let images = data.train().len();
        self.config_for(data.shape(), images)
    }

    /// Mistakes that no data set mends, found before one is fetched.
    pub(super) fn check(&self) -> Result<(), CliError> {
        let shape = ImageShape { channels: 3, height: 32, width: 32 };
        self.config_for(shape, 50_000).map(|_| ())
    }

    fn config_for(&self, shape: ImageShape, images: usize) -> Result<TrainConfig, CliError> {
        let method = self.method(shape);
        let batch = self.batch_size.unwrap_or_else(|| self.usual_batch(images));
        let rate = self.lr.unwrap_or_else(|| self.usual_rate(&method, batch));
        let plain = TrainConfig::sgd(self.epochs, batch, rate, self.momentum, self.seed);
        let config = TrainConfig {
            time_limit: self.max_time,
            step_limit: self.max_steps,
            ..method.apply(plain, rate, self.momentum)
        };
        config.validate()?;
        Ok(config)
    }

    fn usual_batch(&self, images: usize) -> NonZeroUsize {
        let size = match self.recipe {
            RecipeArg::Paper => 32,
            RecipeArg::Fast => (images / FAST_STEPS + 1).next_power_of_two().clamp(32, 512),
        };
        NonZeroUsize::new(size).unwrap_or(NonZeroUsize::MIN)
    }

    fn usual_rate(&self, method: &Method, batch: NonZeroUsize) -> f64 {
        match (method.optimizer, self.recipe) {
            (OptimizerName::Adam | OptimizerName::Adamw, _) => ADAM_RATE,
            (OptimizerName::Sgd, RecipeArg::Paper) => PAPER_RATE_PER_IMAGE * batch.get() as f64,
            (OptimizerName::Sgd, RecipeArg::Fast) => FAST_RATE_PER_IMAGE * batch.get() as f64,
        }
    }

    /// The recipe with the options that were given.
    fn method(&self, shape: ImageShape) -> Method {
        let base = match self.recipe {
            RecipeArg::Paper => Recipe::Paper,
            RecipeArg::Fast => Recipe::Fast,
        }
        .method(shape);
        let optimizer = self.optimizer.map_or(base.optimizer, OptimizerArg::name);
        let is_sgd = optimizer == OptimizerName::Sgd;
        Method {
            optimizer,
            weight_decay: self.weight_decay.unwrap_or(base.weight_decay),
            nesterov: self.nesterov.unwrap_or(base.nesterov && is_sgd),
            dampening: self.dampening.unwrap_or(base.dampening),
            schedule: self.schedule.map_or(base.schedule, ScheduleArg::name),
            step_epochs: self.step_epochs,
            step_factor: self.step_factor,
            warm_up_epochs: self.warm_up.unwrap_or(base.warm_up_epochs),
            label_smoothing: self.label_smoothing.unwrap_or(base.label_smoothing),
            clip_norm: self.clip_norm.unwrap_or(base.clip_norm),
            flip: self.flip.unwrap_or(base.flip),
            crop: self.crop.unwrap_or(base.crop),
            cut_out: self.cut_out.unwrap_or(base.cut_out),
            early_stop: self.early_stop,
            keep_best: self.keep_best,
            normalize_by_data: self.normalize_by_data.unwrap_or(base.normalize_by_data),
            ..base
        }
    }
}

impl OptimizerArg {
    fn name(self) -> OptimizerName {
        match self {
            OptimizerArg::Sgd => OptimizerName::Sgd,
            OptimizerArg::Adam => OptimizerName::Adam,
            OptimizerArg::Adamw => OptimizerName::Adamw,
        }
    }
}

impl ScheduleArg {
    fn name(self) -> ScheduleName {
        match self {
            ScheduleArg::Constant => ScheduleName::Constant,
            ScheduleArg::Step => ScheduleName::Step,
            ScheduleArg::Cosine => ScheduleName::Cosine,
            ScheduleArg::OneCycle => ScheduleName::OneCycle,
        }
    }
}

/// `90`, `90s`, `10m`, `1.5h`.
fn duration(text: &str) -> Result<Duration, String> {
    let units = [("ms", 1e-3), ("s", 1.0), ("m", 60.0), ("h", 3600.0)];
    let unit = units.iter().find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?, *seconds)));
    let (number, seconds) = unit.unwrap_or((text, 1.0));
    let wrong = || format!("`{text}` is no time; write for example 90s, 10m or 1.5h");
    let number: f64 = number.trim().parse().map_err(|_| wrong())?;
    Duration::try_from_secs_f64(number * seconds).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::duration;
    use std::time::Duration;

    #[test]
    fn times_are_read() {
        assert_eq!(duration("90"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("1.5h"), Ok(Duration::from_secs(5400)));
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert!(duration("soon").is_err() && duration("-1s").is_err() && duration("s").is_err());
    }
}
