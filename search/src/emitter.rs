//! Emitters: `ask` proposes the offspring of a generation, `tell` learns from the result of each.
//! An emitter reads the archives and keeps the books of the prompt archive; networks are placed
//! by the scheduler before it tells.

mod crossover;
mod feedback;
mod initial;
mod mutation;
mod space;

pub use crossover::CrossoverEmitter;
pub use initial::{AnewEmitter, FirstNetworkEmitter, RandomEmitter};
pub use mutation::MutationEmitter;
pub use space::{
    AnewEditEmitter, EarlyEditEmitter, EditEmitter, EvolutionEmitter, FreshEmitter, SpliceEmitter,
};

use crate::archive::{AddStatus, Objective};
use crate::config::{Archives, CheckedConfig};
use crate::prompt::PromptLibrary;
use crate::proposer::{NetworkSource, ProposerKind, cells, space};
use crate::run::{Space, Task};
use crate::seed::{Purpose, Seed};
use crate::state::{CandidateId, IndividualId, Operator, Phase, SearchState};
use rand::RngExt as _;

/// The part of a run that never changes.
#[derive(Debug, Clone, Copy)]
pub struct Setting<'a> {
    /// The configuration.
    pub config: &'a CheckedConfig,
    /// The prompt texts.
    pub prompts: &'a PromptLibrary,
    /// What the networks are for.
    pub task: &'a Task,
    /// The root seed.
    pub seed: Seed,
    /// Source of the first network.
    pub first_network: &'a str,
}

impl Setting<'_> {
    /// The networks that can be drawn and edited without a language model.
    fn space(&self) -> Box<dyn NetworkSource> {
        space(self.task, &self.config.budget)
    }

    /// What a prompt shows of a network's source.
    fn shown<'s>(&self, source: &'s str) -> &'s str {
        match self.task.space {
            Space::Networks => source,
            Space::Cells => cells::in_short(source),
        }
    }
}

/// The prompt individual behind a proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PromptChoice {
    /// The individual that was selected; `None` for a prompt drawn without one.
    pub individual: Option<IndividualId>,
    /// Index of the instruction.
    pub instruction: usize,
}

/// A candidate to be made. `tell` takes it back by value, so it is told once.
#[derive(Debug, PartialEq)]
pub struct Proposal {
    /// Its number.
    pub candidate: CandidateId,
    /// Its place among the offspring of its generation, from 0.
    pub index: u32,
    /// How it comes about.
    pub operator: Operator,
    /// The networks it grows from.
    pub parents: Vec<CandidateId>,
    /// What the source comes from.
    pub draft: Draft,
    /// The prompt individual, where the operator uses one.
    pub choice: Option<PromptChoice>,
    /// Sampling temperature.
    pub temperature: f64,
}

/// What a candidate's source comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Draft {
    /// A text for the language model to continue.
    Prompt(String),
    /// The emitter wrote the source itself.
    Source(String),
}

impl Draft {
    /// The prompt, if there is one.
    #[must_use]
    pub fn prompt(&self) -> Option<&str> {
        match self {
            Self::Prompt(prompt) => Some(prompt),
            Self::Source(_) => None,
        }
    }

    /// The source, if the emitter wrote it.
    #[must_use]
    pub fn source(&self) -> Option<&str> {
        match self {
            Self::Prompt(_) => None,
            Self::Source(source) => Some(source),
        }
    }
}

/// What became of a proposal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Outcome {
    /// It is no network that could be trained.
    Untrainable,
    /// It has an objective, and the network archive answered.
    Evaluated {
        /// Its fitness.
        objective: Objective,
        /// Whether it entered.
        status: AddStatus,
    },
}

/// A source of proposals.
pub trait Emitter {
    /// The offspring of the next generation from the place `from` on, as far as they can be proposed
    /// before the results of these are known; none when the generation is complete.
    fn ask(&self, setting: Setting<'_>, state: &SearchState, from: u32) -> Vec<Proposal>;

    /// Whether a proposal waits for the results of those before it in its generation.
    fn is_sequential(&self) -> bool {
        false
    }

    /// Learns from the result of one proposal; results come in the order of the proposals.
    fn tell(
        &self,
        setting: Setting<'_>,
        state: &mut SearchState,
        proposal: Proposal,
        outcome: Outcome,
    );
}

/// The emitter of the next generation; `None` when the search is finished.
///
/// A crossover needs two networks; a generation that drew it with one mutates instead.
#[must_use]
pub fn next_emitter(
    setting: Setting<'_>,
    state: &SearchState,
) -> Option<(Operator, &'static dyn Emitter)> {
    match state.phase(setting.config) {
        Phase::First => Some((Operator::First, &FirstNetworkEmitter)),
        Phase::Random => Some((Operator::Random, early_emitter(setting.config.proposer.kind))),
        Phase::Evolution => Some(late_emitter(setting, state)),
        Phase::Finished => None,
    }
}

/// The emitter of the random phase.
fn early_emitter(proposer: ProposerKind) -> &'static dyn Emitter {
    match proposer {
        ProposerKind::Model => &RandomEmitter,
        ProposerKind::Mutate => &EarlyEditEmitter,
        // They have no such phase.
        ProposerKind::Random | ProposerKind::Evolution => &FreshEmitter,
    }
}

/// The emitter of a generation of evolution.
fn late_emitter(setting: Setting<'_>, state: &SearchState) -> (Operator, &'static dyn Emitter) {
    match setting.config.proposer.kind {
        ProposerKind::Random => (Operator::Fresh, &FreshEmitter),
        ProposerKind::Evolution => (Operator::Mutation, &EvolutionEmitter),
        ProposerKind::Model if setting.config.archives == Archives::Neither => {
            (Operator::Fresh, &AnewEmitter)
        }
        ProposerKind::Model if draws_crossover(setting, state) => {
            (Operator::Crossover, &CrossoverEmitter)
        }
        ProposerKind::Model => (Operator::Mutation, &MutationEmitter),
        ProposerKind::Mutate if setting.config.archives == Archives::Neither => {
            (Operator::Fresh, &AnewEditEmitter)
        }
        ProposerKind::Mutate if draws_crossover(setting, state) => {
            (Operator::Crossover, &SpliceEmitter)
        }
        ProposerKind::Mutate => (Operator::Mutation, &EditEmitter),
    }
}

fn draws_crossover(setting: Setting<'_>, state: &SearchState) -> bool {
    use crate::archive::Archive as _;
    let mut rng = setting.seed.rng(Purpose::Operator, &[u64::from(state.counters.generation)]);
    let drawn = rng.random::<f64>() < setting.config.operators.crossover;
    drawn && state.networks.stats().num_elites >= 2
}

/// The number of the offspring at a place of the next generation.
fn candidate_id(state: &SearchState, index: u32) -> CandidateId {
    CandidateId(state.counters.next_candidate + u64::from(index))
}

/// Which of `slots` parents the offspring at `index` of `count` belongs to: equal runs of
/// neighbours, so that offspring with one prompt stay together.
const fn slot(index: u32, count: u32, slots: u32) -> u32 {
    (index as u64 * slots as u64 / count as u64) as u32
}

/// Whether the `index`-th of a sequence belongs to a share of it, spread evenly.
fn in_share(index: u32, share: f64) -> bool {
    let before = (f64::from(index) * share).floor();
    ((f64::from(index) + 1.0) * share).floor() > before
}
