//! The rules a configuration must satisfy, checked once; a run takes the checked form only.

use super::{
    AxisConfig, CentroidConfig, ConfigError, NetworkArchiveConfig, OperatorConfig, SearchConfig,
};
use crate::archive::{Axis, CentroidParams};
use crate::measures::Descriptor;
use nasc_runtime::RuntimeError;
use std::ops::Deref;
use std::time::Duration;

/// A configuration that satisfies every rule; read it like a [`SearchConfig`].
#[derive(Debug, Clone, PartialEq)]
pub struct CheckedConfig {
    config: SearchConfig,
    axes: Vec<Axis>,
}

impl Deref for CheckedConfig {
    type Target = SearchConfig;

    fn deref(&self) -> &SearchConfig {
        &self.config
    }
}

impl CheckedConfig {
    /// The configuration, to be changed and checked again.
    #[must_use]
    pub fn into_config(self) -> SearchConfig {
        self.config
    }

    /// The axes of the network archive.
    #[must_use]
    pub fn network_axes(&self) -> &[Axis] {
        &self.axes
    }

    /// The descriptors of the network archive, in the order of its axes.
    #[must_use]
    pub fn descriptors(&self) -> Vec<Descriptor> {
        self.network_archive.axes.iter().map(|axis| axis.descriptor).collect()
    }

    /// How the network archive's centroids are found.
    #[must_use]
    pub fn network_centroids(&self) -> CentroidParams {
        let NetworkArchiveConfig { cells, samples, rounds, .. } = self.network_archive;
        centroid_params(CentroidConfig { cells, samples, rounds }, self.axes.len())
    }

    /// How the prompt archive's centroids are found: it has two descriptors.
    #[must_use]
    pub fn prompt_centroids(&self) -> CentroidParams {
        centroid_params(self.prompt_archive, 2)
    }
}

const fn centroid_params(config: CentroidConfig, dimensions: usize) -> CentroidParams {
    CentroidParams {
        count: config.cells as usize,
        dimensions,
        samples: config.samples as usize,
        rounds: config.rounds as usize,
    }
}

fn refuse<T>(
    key: &str,
    value: impl ToString,
    requirement: impl Into<String>,
) -> Result<T, ConfigError> {
    Err(ConfigError::Value {
        key: key.to_owned(),
        value: value.to_string(),
        requirement: requirement.into(),
    })
}

fn positive(key: &str, value: u32) -> Result<(), ConfigError> {
    if value == 0 { refuse(key, value, "it must be at least 1") } else { Ok(()) }
}

fn at_most(key: &str, value: u32, most: u32) -> Result<(), ConfigError> {
    positive(key, value)?;
    if value <= most {
        return Ok(());
    }
    refuse(key, value, format!("it must be at most {most}"))
}

fn share(key: &str, value: f64) -> Result<(), ConfigError> {
    if (0.0..=1.0).contains(&value) { Ok(()) } else { refuse(key, value, "it must lie in [0, 1]") }
}

fn temperature(key: &str, value: f64) -> Result<(), ConfigError> {
    if value > 0.0 && value <= 1.0 { Ok(()) } else { refuse(key, value, "it must lie in (0, 1]") }
}

fn finite(key: &str, value: f64) -> Result<(), ConfigError> {
    if value.is_finite() { Ok(()) } else { refuse(key, value, "it must be finite") }
}

impl SearchConfig {
    /// Checks every rule.
    ///
    /// # Errors
    /// [`ConfigError::Value`] for the first rule that is broken.
    pub fn check(self) -> Result<CheckedConfig, ConfigError> {
        self.check_sizes()?;
        self.check_operators()?;
        self.check_temperatures()?;
        self.check_training()?;
        self.check_budget()?;
        let axes = self.check_axes()?;
        Ok(CheckedConfig { config: self, axes })
    }

    fn check_sizes(&self) -> Result<(), ConfigError> {
        positive("generations", self.generations)?;
        positive("offspring", self.offspring)?;
        at_most("proposer.population", self.proposer.population, 1_000_000)?;
        at_most("proposer.sample", self.proposer.sample, 1_000_000)?;
        positive("random_phase.offspring", self.random_phase.offspring)?;
        positive("random_phase.networks", self.random_phase.networks)?;
        positive("random_phase.prompt_individuals", self.random_phase.prompt_individuals)?;
        positive("mutation.parents", self.mutation.parents)?;
        positive("crossover.parents", self.crossover.parents)?;
        self.check_centroids()?;
        positive("language_model.max_tokens", self.language_model.max_tokens)?;
        positive("language_model.batch", self.language_model.batch)
    }

    /// Fitting centroids takes cells × samples × rounds distances, which must end.
    fn check_centroids(&self) -> Result<(), ConfigError> {
        let networks = &self.network_archive;
        let prompts = &self.prompt_archive;
        at_most("network_archive.cells", networks.cells, 10_000)?;
        at_most("prompt_archive.cells", prompts.cells, 10_000)?;
        at_most("network_archive.samples", networks.samples, 1_000_000)?;
        at_most("prompt_archive.samples", prompts.samples, 1_000_000)?;
        at_most("network_archive.rounds", networks.rounds, 10_000)?;
        at_most("prompt_archive.rounds", prompts.rounds, 10_000)
    }

    fn check_operators(&self) -> Result<(), ConfigError> {
        let OperatorConfig { mutation, crossover } = self.operators;
        share("operators.mutation", mutation)?;
        share("operators.crossover", crossover)?;
        if (mutation + crossover - 1.0).abs() > 1e-9 {
            return refuse(
                "operators",
                format!("{{ mutation = {mutation}, crossover = {crossover} }}"),
                "the probabilities must add up to 1",
            );
        }
        at_most("population.prompts", self.population.prompts, 1_000_000)?;
        at_most("population.networks", self.population.networks, 1_000_000)?;
        share("population.temperature_step", self.population.temperature_step)
    }

    fn check_temperatures(&self) -> Result<(), ConfigError> {
        share("mutation.curious_share", self.mutation.curious_share)?;
        share("mutation.own_temperature_share", self.mutation.own_temperature_share)?;
        share("mutation.temperature_spread", self.mutation.temperature_spread)?;
        temperature("random_phase.temperature", self.random_phase.temperature)?;
        temperature("crossover.temperature", self.crossover.temperature)?;
        temperature("temperature.min", self.temperature.min)?;
        temperature("temperature.max", self.temperature.max)?;
        share("temperature.step", self.temperature.step)?;
        if self.temperature.min > self.temperature.max {
            return refuse(
                "temperature.min",
                self.temperature.min,
                "it must not exceed the maximum",
            );
        }
        let neighbours = &self.crossover.neighbours;
        if neighbours.is_empty() || neighbours.contains(&0) {
            return refuse(
                "crossover.neighbours",
                format!("{neighbours:?}"),
                "it must list counts of at least 1",
            );
        }
        finite("curiosity.entered", self.curiosity.entered)?;
        finite("curiosity.not_entered", self.curiosity.not_entered)?;
        finite("curiosity.untrainable", self.curiosity.untrainable)
    }

    fn check_training(&self) -> Result<(), ConfigError> {
        let training = &self.training;
        positive("training.epochs", training.epochs)?;
        positive("training.batch_size", training.batch_size)?;
        positive("training.max_train_examples", training.max_train_examples.unwrap_or(1))?;
        positive("training.max_fitness_examples", training.max_fitness_examples.unwrap_or(1))?;
        if !(training.learning_rate > 0.0 && training.learning_rate.is_finite()) {
            return refuse("training.learning_rate", training.learning_rate, "it must be above 0");
        }
        if !(0.0..1.0).contains(&training.momentum) {
            return refuse("training.momentum", training.momentum, "it must lie in [0, 1)");
        }
        let seconds = training.max_seconds.unwrap_or(1.0);
        if Duration::try_from_secs_f64(seconds).is_err() || seconds == 0.0 {
            return refuse("training.max_seconds", seconds, "it must be above 0");
        }
        match training.train_config(0).validate() {
            Err(RuntimeError::Configuration { field, value, required }) => {
                let key = format!("training.method, {field}");
                refuse(&key, value, format!("it must be {required}"))
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }

    fn check_budget(&self) -> Result<(), ConfigError> {
        // TOML and SQLite hold signed integers.
        let limits = [
            ("budget.max_params", self.budget.max_params),
            ("budget.max_macs", self.budget.max_macs),
            ("budget.max_memory_bytes", self.budget.max_memory_bytes),
        ];
        for (key, value) in limits {
            if value == 0 || i64::try_from(value).is_err() {
                return refuse(key, value, "it must lie between 1 and 2^63 - 1");
            }
        }
        Ok(())
    }

    fn check_axes(&self) -> Result<Vec<Axis>, ConfigError> {
        if self.network_archive.axes.is_empty() {
            return refuse("network_archive.axes", "[]", "it must list one axis at least");
        }
        let build = |(index, axis): (usize, &AxisConfig)| {
            Axis::new(axis.descriptor.name(), axis.min, axis.max, axis.scale).map_err(|error| {
                ConfigError::Value {
                    key: format!("network_archive.axes[{index}]"),
                    value: format!("{{ min = {}, max = {} }}", axis.min, axis.max),
                    requirement: error.requirement.to_owned(),
                }
            })
        };
        self.network_archive.axes.iter().enumerate().map(build).collect()
    }
}
