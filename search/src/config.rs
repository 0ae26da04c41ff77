//! Every constant of a run, in one structure that reads from and writes to TOML.
//! Presets are in `presets`, the rules a configuration must satisfy in `check`.

mod ablations;
mod benchmark;
mod check;
mod deviations;
mod place;
mod presets;
mod text;
mod training;
mod variant;

pub use check::CheckedConfig;
pub use deviations::{Deviation, deviations};
pub use place::Place;
pub use text::Difference;
pub use variant::Variant;

use crate::archive::Scale;
use crate::measures::Descriptor;
use crate::prompt::InstructionSet;
use crate::proposer::ProposerKind;
use nasc_runtime::proxy::Proxy;
use nasc_runtime::train::Method;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A configuration as written; [`SearchConfig::check`] makes the form that a run takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SearchConfig {
    /// The preset this configuration began as; for the record.
    pub preset: Preset,
    /// Generations of evolution, after the random phase.
    pub generations: u32,
    /// Offspring of a generation.
    pub offspring: u32,
    /// What proposes candidates.
    #[serde(default)]
    pub proposer: ProposerConfig,
    /// Which archives take part.
    pub archives: Archives,
    /// The plain populations in place of an archive that does not take part.
    #[serde(default)]
    pub population: PopulationConfig,
    /// How often each operator is drawn.
    pub operators: OperatorConfig,
    /// The phase before evolution.
    pub random_phase: RandomPhaseConfig,
    /// The mutation operator.
    pub mutation: MutationConfig,
    /// The crossover operator.
    pub crossover: CrossoverConfig,
    /// Rewards of a prompt individual.
    pub curiosity: CuriosityConfig,
    /// How a prompt individual's temperature moves.
    pub temperature: TemperatureConfig,
    /// The archive of networks.
    pub network_archive: NetworkArchiveConfig,
    /// The archive of prompts.
    pub prompt_archive: CentroidConfig,
    /// Prompt texts.
    pub prompts: PromptConfig,
    /// How completions are drawn.
    pub language_model: LanguageModelConfig,
    /// How a candidate is trained.
    pub training: TrainingConfig,
    /// What a candidate may cost.
    pub budget: BudgetConfig,
}

/// A named starting point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// A few minutes on two cores.
    Quick,
    /// The protocol of the LLMatic paper.
    Paper,
    /// The same with batches of one, as the paper's code has it.
    PaperLiteral,
    /// Good practice at the paper's scale.
    Nasc,
    /// Without the prompt archive.
    NetworkArchive,
    /// Without the network archive.
    PromptArchive,
    /// Without crossover.
    MutationOnly,
    /// Without mutation.
    CrossoverOnly,
    /// Without evolution: every network from the first.
    Random,
    /// As many crossovers as mutations.
    EvenOperators,
    /// More crossovers than mutations.
    MostlyCrossover,
}

/// Which archives take part in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Archives {
    /// Networks and prompts.
    Both,
    /// Networks only; prompts are a plain population.
    NetworkOnly,
    /// Prompts only; networks are a plain population.
    PromptOnly,
    /// None: every network is generated from the first one, by an instruction drawn anew. An archive
    /// of networks is kept for its figures.
    Neither,
}

impl Archives {
    /// The name in TOML.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Both => "both",
            Self::NetworkOnly => "network-only",
            Self::PromptOnly => "prompt-only",
            Self::Neither => "neither",
        }
    }

    /// Whether networks are kept in an archive and not in a population.
    #[must_use]
    pub const fn has_networks(self) -> bool {
        !matches!(self, Self::PromptOnly)
    }

    /// Whether prompts are kept in an archive and not in a population.
    #[must_use]
    pub const fn has_prompts(self) -> bool {
        !matches!(self, Self::NetworkOnly)
    }
}

/// What proposes candidates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProposerConfig {
    /// Which one.
    pub kind: ProposerKind,
    /// Members of the population of regularised evolution.
    pub population: u32,
    /// Members of its tournaments.
    pub sample: u32,
    /// Whether networks that the run has seen are left out, as far as can be: by redrawing and, for the
    /// language model, while a cell is written. Evolution may always come back.
    pub distinct: bool,
}

impl Default for ProposerConfig {
    /// The language model. For evolution the population of Real et al. (AAAI 2019), who sample 25;
    /// tournaments of 10 are usual on tables.
    fn default() -> Self {
        Self { kind: ProposerKind::Model, population: 100, sample: 10, distinct: false }
    }
}

/// Plain populations, for searches without one of the archives.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PopulationConfig {
    /// Prompt individuals, drawn when the run begins.
    pub prompts: u32,
    /// Networks; the fittest stay.
    pub networks: u32,
    /// Added to the temperature of a prompt individual whose network entered the archive, else taken
    /// away.
    pub temperature_step: f64,
}

impl Default for PopulationConfig {
    /// LLMatic, section 4.3 (ablation study): populations of 100.
    fn default() -> Self {
        Self { prompts: 100, networks: 100, temperature_step: 0.1 }
    }
}

/// Probabilities of the operators; they add up to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperatorConfig {
    /// Of mutation.
    pub mutation: f64,
    /// Of crossover.
    pub crossover: f64,
}

/// Rounds of networks generated from the first one, checked and placed, untrained.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomPhaseConfig {
    /// The phase ends once the network archive holds this many.
    pub networks: u32,
    /// Or once the prompt archive holds this many.
    pub prompt_individuals: u32,
    /// Networks generated in a round.
    pub offspring: u32,
    /// Sampling temperature.
    pub temperature: f64,
    /// Whether every instruction is drawn once before any is drawn again; the paper draws them
    /// independently.
    pub without_replacement: bool,
    /// Or after this many rounds, so that a model that writes no network still ends.
    pub max_rounds: u32,
}

/// Mutation of one parent.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MutationConfig {
    /// Networks drawn in a generation, each with an equal part of the offspring.
    pub parents: u32,
    /// Share of the offspring that use the most curious prompt individual; the others a random one.
    pub curious_share: f64,
    /// Share of the offspring that use their prompt individual's own temperature.
    pub own_temperature_share: f64,
    /// The others add a uniform draw from plus or minus this much.
    pub temperature_spread: f64,
    /// Probability that an offspring's instruction is drawn from the whole library, so that none that
    /// the archive has lost is lost for good; 0 in the paper.
    pub library_share: f64,
}

/// Crossover of two parents.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CrossoverConfig {
    /// Networks drawn in a generation, each with an equal part of the offspring.
    pub parents: u32,
    /// The partner is one of this many nearest neighbours; one of these counts is drawn.
    pub neighbours: Vec<u32>,
    /// Sampling temperature.
    pub temperature: f64,
}

/// What a selected prompt individual's curiosity gains.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CuriosityConfig {
    /// If the network entered the archive.
    pub entered: f64,
    /// If it was trained and did not enter.
    pub not_entered: f64,
    /// If it could not be trained.
    pub untrainable: f64,
}

/// Bounds and step of a prompt individual's temperature.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TemperatureConfig {
    /// The lowest temperature.
    pub min: f64,
    /// The highest.
    pub max: f64,
    /// Added if the network is as fit as the best of the previous generation, else taken away.
    pub step: f64,
}

/// How an archive's centroids are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CentroidConfig {
    /// Number of cells.
    pub cells: u32,
    /// Uniform samples that the centroids are fitted to.
    pub samples: u32,
    /// Most rounds of Lloyd's algorithm.
    pub rounds: u32,
}

/// The network archive.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkArchiveConfig {
    /// Number of cells.
    pub cells: u32,
    /// Uniform samples that the centroids are fitted to.
    pub samples: u32,
    /// Most rounds of Lloyd's algorithm.
    pub rounds: u32,
    /// One axis for each descriptor.
    pub axes: Vec<AxisConfig>,
}

/// One axis of the network archive.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AxisConfig {
    /// What is measured.
    pub descriptor: Descriptor,
    /// Lower end; smaller values are clipped to it, and counted.
    pub min: f64,
    /// Upper end; larger values are clipped to it, and counted.
    pub max: f64,
    /// How values are spread.
    pub scale: Scale,
}

/// Prompt texts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PromptConfig {
    /// Which mutation instructions are used.
    pub instructions: InstructionSet,
    /// Whose success counts for an instruction.
    pub fitness_from: PromptFitness,
    /// A folder whose files replace the embedded ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory: Option<PathBuf>,
}

/// Whose success counts for an instruction's collective fitness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PromptFitness {
    /// That of every network, as in the paper: those of the random phase are not trained, and the first
    /// generation of evolution is compared with them.
    All,
    /// That of trained networks, compared with trained networks.
    Trained,
}

/// How completions are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LanguageModelConfig {
    /// Most new tokens of a completion.
    pub max_tokens: u32,
    /// Draw from this many most probable tokens; 0 means all.
    pub top_k: u32,
    /// What restricts a completion.
    pub decoding: DecodingMode,
    /// Completions generated together; they are stored together, too.
    pub batch: u32,
}

/// What restricts a completion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DecodingMode {
    /// Nothing.
    Free,
    /// It must stay a program that can become a network of the task's signature.
    Shape,
}

impl DecodingMode {
    /// The name in TOML and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Shape => "shape",
        }
    }
}

/// How a candidate is trained on cross-entropy.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingConfig {
    /// Passes over the training examples.
    pub epochs: u32,
    /// Examples of a step.
    pub batch_size: u32,
    /// Learning rate.
    pub learning_rate: f64,
    /// Momentum of SGD, or first beta of Adam.
    pub momentum: f64,
    /// The split that fitness comes from.
    pub fitness_split: FitnessSplit,
    /// Use this many training examples at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_train_examples: Option<u32>,
    /// Use this many examples at most to measure fitness.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_fitness_examples: Option<u32>,
    /// A candidate whose training takes longer is refused. Limits in seconds make runs depend on the
    /// machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_seconds: Option<f64>,
    /// Whether a child begins with the weights of its trained parent, where names and shapes agree.
    #[serde(default, skip_serializing_if = "is_false")]
    pub inherit_weights: bool,
    /// Candidates that are behind others after a few epochs are not trained to the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub halving: Option<HalvingConfig>,
    /// Candidates that promise less than others are not trained at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<FilterConfig>,
    /// Optimiser, schedule, augmentation and the like, as the options of `nasc train`.
    #[serde(default, skip_serializing_if = "is_plain")]
    pub method: Method,
}

/// Successive halving over epochs, asynchronous (Li et al., "A system for massively parallel
/// hyperparameter tuning", MLSys 2020) and decided at once: a candidate is compared with those that came
/// that far before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HalvingConfig {
    /// Epochs before the first decision; the next one comes after `factor` times as many.
    pub first_epochs: u32,
    /// One in so many goes on at a decision.
    pub factor: u32,
    /// Earlier candidates without which nothing is decided.
    pub after: u32,
}

/// A zero-cost proxy in front of training.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilterConfig {
    /// What scores a network before it is trained.
    pub proxy: Proxy,
    /// Share of the candidates that are trained: those with the best scores so far.
    pub keep: f64,
    /// Earlier scores without which every candidate is trained.
    pub after: u32,
    /// Training images that a network is scored on.
    pub images: u32,
}

fn is_false(value: &bool) -> bool {
    !value
}

fn is_plain(method: &Method) -> bool {
    *method == Method::default()
}

/// The split that fitness comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FitnessSplit {
    /// Examples held out of the training split; the test split is looked at when the search is over.
    Validation,
    /// The test split, as in the paper: what the search finds is fitted to it.
    Test,
}

impl FitnessSplit {
    /// The name in TOML and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Validation => "validation",
            Self::Test => "test",
        }
    }
}

/// What a candidate may cost; one that costs more is refused before it is trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BudgetConfig {
    /// Most trainable parameters.
    pub max_params: u64,
    /// Most multiply-accumulates of one forward pass of one example.
    pub max_macs: u64,
    /// Most memory a training step may need, in bytes.
    pub max_memory_bytes: u64,
}

/// A configuration that cannot be used; names the key.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ConfigError {
    /// The text is no TOML, or a key is unknown, missing or of the wrong type.
    #[error("the search configuration cannot be read{}: {reason}", in_words(*place))]
    Text {
        /// Where, if it is known.
        place: Option<Place>,
        /// What is wrong; it names the key.
        reason: String,
    },
    /// A value breaks a rule.
    #[error("`{key}` = {value}: {requirement}")]
    Value {
        /// The key, with its table, e.g. `crossover.temperature`.
        key: String,
        /// The value given.
        value: String,
        /// What it must satisfy.
        requirement: String,
    },
}

/// ` at line 3, column 1`.
fn in_words(place: Option<Place>) -> String {
    place.map_or_else(String::new, |place| {
        format!(" at line {}, column {}", place.line, place.column)
    })
}
