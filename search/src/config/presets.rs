//! The presets. `paper` holds the constants of LLMatic (Nasir et al., arXiv 2306.01102; section
//! numbers are the paper's) and of its public code where the paper is silent.

use super::{
    Archives, AxisConfig, BudgetConfig, CentroidConfig, CrossoverConfig, CuriosityConfig,
    DecodingMode, FitnessSplit, LanguageModelConfig, MutationConfig, NetworkArchiveConfig,
    OperatorConfig, PopulationConfig, Preset, PromptConfig, PromptFitness, ProposerConfig,
    RandomPhaseConfig, SearchConfig, TemperatureConfig, TrainingConfig,
};
use crate::archive::Scale;
use crate::measures::Descriptor;
use crate::prompt::InstructionSet;
use nasc_runtime::train::Method;

/// SGD's learning rate for one example a step (LLMatic, section 4: "SGD, learning rate 0.001").
const LEARNING_RATE_PER_EXAMPLE: f64 = 0.001;

/// Share of nasc's own mutations whose instruction may be one that the prompt archive has lost.
const LIBRARY_SHARE: f64 = 0.05;

impl Preset {
    /// Every preset, in the order of documentation.
    pub const ALL: [Self; 11] = [
        Self::Quick,
        Self::Nasc,
        Self::Paper,
        Self::PaperLiteral,
        Self::NetworkArchive,
        Self::PromptArchive,
        Self::MutationOnly,
        Self::CrossoverOnly,
        Self::Random,
        Self::EvenOperators,
        Self::MostlyCrossover,
    ];

    /// The name on the command line and in TOML.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Quick => "quick",
            Self::Paper => "paper",
            Self::PaperLiteral => "paper-literal",
            Self::Nasc => "nasc",
            Self::NetworkArchive => "network-archive",
            Self::PromptArchive => "prompt-archive",
            Self::MutationOnly => "mutation-only",
            Self::CrossoverOnly => "crossover-only",
            Self::Random => "random",
            Self::EvenOperators => "even-operators",
            Self::MostlyCrossover => "mostly-crossover",
        }
    }

    /// The preset of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|preset| preset.name() == name)
    }

    /// The configuration of this preset.
    #[must_use]
    pub fn config(self) -> SearchConfig {
        match self {
            Self::Quick => SearchConfig::quick(),
            Self::Paper => SearchConfig::paper(),
            Self::PaperLiteral => SearchConfig::paper_literal(),
            Self::Nasc => SearchConfig::nasc(),
            Self::NetworkArchive
            | Self::PromptArchive
            | Self::MutationOnly
            | Self::CrossoverOnly
            | Self::Random
            | Self::EvenOperators
            | Self::MostlyCrossover => self.ablate(SearchConfig::paper()),
        }
    }
}

impl SearchConfig {
    /// The paper's protocol: 20 generations of 100 offspring, 50 epochs, fitness on the test
    /// split, decoding unrestricted, FLOPs axis linear from 200 M to 5 G.
    ///
    /// The authors' loader uses batches of one example, which the paper does not say; here a
    /// batch has 32 and the learning rate is scaled linearly with it.
    #[must_use]
    pub fn paper() -> Self {
        Self {
            preset: Preset::Paper,
            // LLMatic, section 4: "2000 searches", 20 generations of 100.
            generations: 20,
            offspring: 100,
            proposer: ProposerConfig::default(),
            archives: Archives::Both,
            population: PopulationConfig::default(),
            // LLMatic, section 3: probability of crossover 0.3.
            operators: OperatorConfig { mutation: 0.7, crossover: 0.3 },
            random_phase: paper_random_phase(),
            mutation: MutationConfig {
                parents: 100,
                curious_share: 0.5,
                own_temperature_share: 0.5,
                temperature_spread: 0.1,
                library_share: 0.0,
            },
            // LLMatic, section 3: ten networks, two or three neighbours, temperature 0.7.
            crossover: CrossoverConfig { parents: 10, neighbours: vec![2, 3], temperature: 0.7 },
            // LLMatic, section 3 (curiosity score).
            curiosity: CuriosityConfig { entered: 1.0, not_entered: -0.5, untrainable: -1.0 },
            temperature: TemperatureConfig { min: 0.1, max: 1.0, step: 0.05 },
            network_archive: paper_network_archive(),
            // LLMatic, section 3: both archives have 10 niches in each of 2 dimensions.
            prompt_archive: CentroidConfig { cells: 100, samples: 25_000, rounds: 100 },
            prompts: PromptConfig {
                instructions: InstructionSet::Mutation,
                fitness_from: PromptFitness::All,
                directory: None,
            },
            // LLMatic's code: at most 350 new tokens, top-k 50, no top-p.
            language_model: LanguageModelConfig {
                max_tokens: 350,
                top_k: 50,
                decoding: DecodingMode::Free,
                batch: 16,
            },
            training: paper_training(),
            budget: BudgetConfig {
                max_params: 500_000_000,
                max_macs: 20_000_000_000,
                max_memory_bytes: 8 << 30,
            },
        }
    }

    /// The paper's protocol with what its code does where the paper is silent: batches of one.
    #[must_use]
    pub fn paper_literal() -> Self {
        let paper = Self::paper();
        let training = paper.training.with_batch_size(1);
        Self { preset: Preset::PaperLiteral, training, ..paper }
    }

    /// The names of all presets, for messages.
    #[must_use]
    pub fn preset_names() -> String {
        Preset::ALL.map(Preset::name).join(", ")
    }

    /// Good practice at the paper's scale: fitness on held-out training examples, decoding
    /// directed by shapes, logarithmic axes that every network can spread over.
    #[must_use]
    pub fn nasc() -> Self {
        let paper = Self::paper();
        Self {
            preset: Preset::Nasc,
            proposer: ProposerConfig { distinct: true, ..paper.proposer },
            random_phase: RandomPhaseConfig { without_replacement: true, ..paper.random_phase },
            mutation: MutationConfig { library_share: LIBRARY_SHARE, ..paper.mutation },
            prompts: PromptConfig { fitness_from: PromptFitness::Trained, ..paper.prompts },
            network_archive: logarithmic_archive(1e4, 5e9),
            language_model: LanguageModelConfig {
                decoding: DecodingMode::Shape,
                ..paper.language_model
            },
            training: TrainingConfig { fitness_split: FitnessSplit::Validation, ..paper.training },
            budget: BudgetConfig { max_macs: 5_000_000_000, ..paper.budget },
            ..paper
        }
    }

    /// A few minutes on two cores with a small language model and small images.
    ///
    /// The MACs axis runs from 500 to 2 million: the first network has 704 for 8 × 8 digits and
    /// 13,312 for CIFAR-10, and the budget refuses what lies above the upper end, so that no
    /// network is clipped there.
    #[must_use]
    pub fn quick() -> Self {
        let nasc = Self::nasc();
        Self {
            preset: Preset::Quick,
            generations: 6,
            offspring: 8,
            random_phase: RandomPhaseConfig { offspring: 8, max_rounds: 2, ..nasc.random_phase },
            mutation: MutationConfig { parents: 4, ..nasc.mutation },
            crossover: CrossoverConfig { parents: 4, ..nasc.crossover },
            network_archive: logarithmic_archive(5e2, 2e6),
            language_model: LanguageModelConfig { batch: 8, ..nasc.language_model },
            training: TrainingConfig {
                epochs: 6,
                max_train_examples: Some(2_000),
                max_fitness_examples: Some(1_000),
                ..nasc.training
            },
            budget: BudgetConfig {
                max_params: 1_000_000,
                max_macs: 2_000_000,
                max_memory_bytes: 1 << 30,
            },
            ..nasc
        }
    }
}

const fn paper_random_phase() -> RandomPhaseConfig {
    RandomPhaseConfig {
        networks: 10,
        prompt_individuals: 20,
        offspring: 100,
        temperature: 0.6,
        without_replacement: false,
        // Not the paper's, which has no bound.
        max_rounds: 10,
    }
}

fn paper_network_archive() -> NetworkArchiveConfig {
    let axes = vec![
        ratio_axis(0.0, Scale::Linear),
        // LLMatic, section 4: 200 MegaFLOPS to 5 GigaFLOPS.
        AxisConfig { descriptor: Descriptor::Macs, min: 2e8, max: 5e9, scale: Scale::Linear },
    ];
    NetworkArchiveConfig { cells: 100, samples: 25_000, rounds: 100, axes }
}

/// LLMatic, section 4: width-to-depth ratio up to 200.
const fn ratio_axis(min: f64, scale: Scale) -> AxisConfig {
    AxisConfig { descriptor: Descriptor::WidthToDepth, min, max: 200.0, scale }
}

/// Logarithmic axes, because network sizes spread over orders of magnitude. The ratio begins at
/// 0.5, below which a network has twice as many layers as units in its widest.
fn logarithmic_archive(min_macs: f64, max_macs: f64) -> NetworkArchiveConfig {
    let macs = AxisConfig {
        descriptor: Descriptor::Macs,
        min: min_macs,
        max: max_macs,
        scale: Scale::Logarithmic,
    };
    let axes = vec![ratio_axis(0.5, Scale::Logarithmic), macs];
    NetworkArchiveConfig { axes, ..paper_network_archive() }
}

fn paper_training() -> TrainingConfig {
    let batch_size = 32;
    TrainingConfig {
        // LLMatic, section 4: 50 epochs, SGD with momentum 0.9.
        epochs: 50,
        batch_size,
        learning_rate: LEARNING_RATE_PER_EXAMPLE * f64::from(batch_size),
        momentum: 0.9,
        fitness_split: FitnessSplit::Test,
        max_train_examples: None,
        max_fitness_examples: None,
        max_seconds: None,
        inherit_weights: false,
        halving: None,
        filter: None,
        method: Method::PAPER,
    }
}
