//! Where candidates come from: the language model, or a space that a proposer draws from and moves
//! in without one. A space knows networks as source text alone, so that every proposer's candidates
//! go through the same archives, run database and evaluation. How a generation is made up is not
//! here; see `emitter`.

pub mod cells;
pub mod network;

use crate::run::{Space, Task};
use cells::CellSpace;
use network::NetworkSpace;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// What proposes candidates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProposerKind {
    /// The language model, with prompts from the prompt archive.
    Model,
    /// Each candidate is drawn anew.
    Random,
    /// Regularised evolution: children of a population whose oldest members die.
    Evolution,
    /// Children of the network archive, by edits of the typed graph.
    Mutate,
}

impl ProposerKind {
    /// All of them, in the order of documentation.
    pub const ALL: [Self; 4] = [Self::Model, Self::Random, Self::Evolution, Self::Mutate];

    /// The name on the command line and in TOML.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Random => "random",
            Self::Evolution => "evolution",
            Self::Mutate => "mutate",
        }
    }

    /// The proposer of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether it begins with rounds of networks that are placed untrained.
    #[must_use]
    pub const fn has_random_phase(self) -> bool {
        match self {
            Self::Model | Self::Mutate => true,
            Self::Random | Self::Evolution => false,
        }
    }
}

/// Networks that can be drawn, changed and combined without a language model.
pub trait NetworkSource {
    /// A network drawn without a parent.
    fn random(&self, rng: &mut ChaCha8Rng) -> String;

    /// A network that differs from its parent by one edit. A parent that the space cannot read, as a
    /// language model may write one, gives a network drawn anew.
    fn mutate(&self, parent: &str, rng: &mut ChaCha8Rng) -> String;

    /// What equal networks share; `None` for a text that is no network.
    fn fingerprint(&self, source: &str) -> Option<String>;

    /// A network with parts of both parents.
    fn crossover(&self, first: &str, second: &str, rng: &mut ChaCha8Rng) -> String;
}

/// The space of a task.
#[must_use]
pub fn space(task: &Task, budget: &crate::config::BudgetConfig) -> Box<dyn NetworkSource> {
    match task.space {
        Space::Cells => Box::new(CellSpace),
        Space::Networks => Box::new(NetworkSpace::new(task, budget)),
    }
}
