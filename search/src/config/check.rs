//! The rules a configuration must satisfy, checked once; a run takes the checked form only.

use super::{
    AxisConfig, CentroidConfig, ConfigError, NetworkArchiveConfig, OperatorConfig, SearchConfig,
};
use crate::archive::{Axis, CentroidParams};
use crate::measures::Descriptor;
use nasc_runtime::RuntimeError;
use nasc_runtime::train::{Method, OptimizerName, ScheduleName};
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

/// Small enough that sums of it stay exact for as long as a run can last.
fn reward(key: &str, value: f64) -> Result<(), ConfigError> {
    let sound = value.is_finite() && value.abs() <= 1e6;
    if sound { Ok(()) } else { refuse(key, value, "it must be a number of at most a million") }
}

fn dead(owner: &str) -> String {
    format!("it has an effect with the {owner} only; leave it out")
}

/// Distances that are computed while centroids are fitted: some minutes.
const MOST_DISTANCES: u64 = 100_000_000_000;

/// Fitting centroids takes cells × samples × rounds distances, which must end.
fn centroids(table: &str, config: CentroidConfig) -> Result<(), ConfigError> {
    let key = |name: &str| format!("{table}.{name}");
    at_most(&key("cells"), config.cells, 10_000)?;
    at_most(&key("samples"), config.samples, 1_000_000)?;
    at_most(&key("rounds"), config.rounds, 10_000)?;
    if config.samples < config.cells {
        let requirement = format!("it must be at least `{}`, {}", key("cells"), config.cells);
        return refuse(&key("samples"), config.samples, requirement);
    }
    let distances = u64::from(config.cells) * u64::from(config.samples) * u64::from(config.rounds);
    if distances <= MOST_DISTANCES {
        return Ok(());
    }
    let requirement = format!(
        "cells × samples × rounds is {distances} distances, which would not end; \
         it must be at most {MOST_DISTANCES}"
    );
    refuse(&key("rounds"), config.rounds, requirement)
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

    /// Upper bounds are far above any run that ends, and low enough that a slip of the keyboard is
    /// refused before it takes the memory of the machine: a generation's proposals are held at once.
    fn check_sizes(&self) -> Result<(), ConfigError> {
        let (random, model) = (&self.random_phase, &self.language_model);
        at_most("generations", self.generations, 1_000_000)?;
        at_most("offspring", self.offspring, 100_000)?;
        at_most("proposer.population", self.proposer.population, 1_000_000)?;
        at_most("proposer.sample", self.proposer.sample, 1_000_000)?;
        at_most("random_phase.offspring", random.offspring, 100_000)?;
        at_most("random_phase.networks", random.networks, 1_000_000)?;
        at_most("random_phase.prompt_individuals", random.prompt_individuals, 1_000_000)?;
        at_most("random_phase.max_rounds", random.max_rounds.max(1), 1_000_000)?;
        at_most("mutation.parents", self.mutation.parents, 100_000)?;
        at_most("crossover.parents", self.crossover.parents, 100_000)?;
        self.check_centroids()?;
        at_most("language_model.max_tokens", model.max_tokens, 100_000)?;
        at_most("language_model.top_k", model.top_k.max(1), 1_000_000)?;
        at_most("language_model.batch", model.batch, 10_000)
    }

    fn check_centroids(&self) -> Result<(), ConfigError> {
        let NetworkArchiveConfig { cells, samples, rounds, .. } = self.network_archive;
        centroids("network_archive", CentroidConfig { cells, samples, rounds })?;
        centroids("prompt_archive", self.prompt_archive)
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
        share("mutation.library_share", self.mutation.library_share)?;
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
        self.check_neighbours()?;
        reward("curiosity.entered", self.curiosity.entered)?;
        reward("curiosity.not_entered", self.curiosity.not_entered)?;
        reward("curiosity.untrainable", self.curiosity.untrainable)
    }

    fn check_neighbours(&self) -> Result<(), ConfigError> {
        let neighbours = &self.crossover.neighbours;
        let sound = neighbours.iter().all(|count| (1..=10_000).contains(count));
        if sound && (1..=100).contains(&neighbours.len()) {
            return Ok(());
        }
        let shown = match neighbours.len() {
            0..=10 => format!("{neighbours:?}"),
            length => format!("a list of {length}"),
        };
        refuse("crossover.neighbours", shown, "it must list up to 100 counts of 1 to 10000")
    }

    fn check_training(&self) -> Result<(), ConfigError> {
        let training = &self.training;
        at_most("training.epochs", training.epochs, 1_000_000)?;
        at_most("training.batch_size", training.batch_size, 1_000_000)?;
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
        self.check_shortcuts()?;
        self.check_method()?;
        match training.train_config(0).validate() {
            Err(RuntimeError::Configuration { field, value, required }) => {
                let key = format!("training.method.{field}");
                refuse(&key, value, format!("it must be {required}"))
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Successive halving and the filter before training.
    fn check_shortcuts(&self) -> Result<(), ConfigError> {
        let training = &self.training;
        if let Some(halving) = training.halving {
            at_most("training.halving.first_epochs", halving.first_epochs, 1_000_000)?;
            at_most("training.halving.after", halving.after, 1_000_000)?;
            if !(2..=100).contains(&halving.factor) {
                let requirement = "it must lie between 2 and 100";
                return refuse("training.halving.factor", halving.factor, requirement);
            }
            if halving.first_epochs >= training.epochs {
                let requirement =
                    format!("it must be below `training.epochs`, {}", training.epochs);
                return refuse("training.halving.first_epochs", halving.first_epochs, requirement);
            }
        }
        if let Some(filter) = training.filter {
            at_most("training.filter.after", filter.after, 1_000_000)?;
            at_most("training.filter.images", filter.images, 10_000)?;
            if !(filter.keep > 0.0 && filter.keep <= 1.0) {
                return refuse("training.filter.keep", filter.keep, "it must lie in (0, 1]");
            }
        }
        Ok(())
    }

    /// Keys that would have no effect beside others.
    fn check_method(&self) -> Result<(), ConfigError> {
        let (method, plain) = (&self.training.method, Method::PAPER);
        let (is_sgd, is_step) =
            (method.optimizer == OptimizerName::Sgd, method.schedule == ScheduleName::Step);
        let (sgd, adam, step) = ("optimizer sgd", "optimizer adam or adamw", "schedule step");
        if method.nesterov && !is_sgd {
            return refuse("training.method.nesterov", true, dead(sgd));
        }
        let figures = [
            ("dampening", method.dampening, plain.dampening, is_sgd, sgd),
            ("beta2", method.beta2, plain.beta2, !is_sgd, adam),
            ("epsilon", method.epsilon, plain.epsilon, !is_sgd, adam),
            ("step_epochs", method.step_epochs, plain.step_epochs, is_step, step),
            ("step_factor", method.step_factor, plain.step_factor, is_step, step),
        ];
        let is_dead = |(_, value, usual, has_effect, _): &(_, f64, f64, bool, _)| {
            !has_effect && value.total_cmp(usual).is_ne()
        };
        match figures.into_iter().find(is_dead) {
            Some((key, value, _, _, owner)) => {
                refuse(&format!("training.method.{key}"), value, dead(owner))
            }
            None => Ok(()),
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
        let axes = &self.network_archive.axes;
        let twice = |axis: &AxisConfig| {
            axes.iter().filter(|other| other.descriptor == axis.descriptor).count() > 1
        };
        if axes.is_empty() {
            return refuse("network_archive.axes", "[]", "it must list one axis at least");
        }
        if let Some(axis) = axes.iter().find(|axis| twice(axis)) {
            let name = axis.descriptor.name();
            return refuse("network_archive.axes", name, "a descriptor must have one axis only");
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
