//! The ablations of the LLMatic paper (section 4.3): each takes one thing away from a configuration,
//! `paper` if none is named.

use super::{Archives, OperatorConfig, Preset, SearchConfig};
use crate::prompt::InstructionSet;

impl Preset {
    /// The presets that take something away from another configuration.
    pub const ABLATIONS: [Self; 7] = [
        Self::NetworkArchive,
        Self::PromptArchive,
        Self::MutationOnly,
        Self::CrossoverOnly,
        Self::Random,
        Self::EvenOperators,
        Self::MostlyCrossover,
    ];

    /// What this ablation makes of a configuration; one that is no ablation gives its own.
    #[must_use]
    pub fn ablate(self, base: SearchConfig) -> SearchConfig {
        let operators = |mutation, crossover| OperatorConfig { mutation, crossover };
        let mut config = SearchConfig { preset: self, ..base };
        match self {
            Self::NetworkArchive => config.archives = Archives::NetworkOnly,
            Self::PromptArchive => config.archives = Archives::PromptOnly,
            Self::MutationOnly => config.operators = operators(1.0, 0.0),
            Self::CrossoverOnly => config.operators = operators(0.0, 1.0),
            Self::EvenOperators => config.operators = operators(0.5, 0.5),
            Self::MostlyCrossover => config.operators = operators(0.3, 0.7),
            Self::Random => {
                config.archives = Archives::Neither;
                config.prompts.instructions = InstructionSet::Random;
            }
            Self::Quick | Self::Paper | Self::PaperLiteral | Self::Nasc => {
                config = self.config();
            }
        }
        config
    }
}
