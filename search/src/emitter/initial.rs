//! The first network, and the random phase: offspring of the first network with prompts drawn
//! uniformly, placed untrained.

use super::{Draft, Emitter, Outcome, PromptChoice, Proposal, Setting, candidate_id, feedback};
use crate::seed::Purpose;
use crate::state::{CandidateId, Operator, SearchState};
use rand::RngExt as _;
use rand::seq::SliceRandom as _;

/// Proposes the network that the run begins with, without a language model.
#[derive(Debug, Clone, Copy)]
pub struct FirstNetworkEmitter;

impl Emitter for FirstNetworkEmitter {
    fn ask(&self, setting: Setting<'_>, state: &SearchState, from: u32) -> Vec<Proposal> {
        let first = Proposal {
            candidate: candidate_id(state, 0),
            index: 0,
            operator: Operator::First,
            parents: Vec::new(),
            draft: Draft::Source(setting.first_network.to_owned()),
            choice: None,
            temperature: 0.0,
        };
        if from == 0 { vec![first] } else { Vec::new() }
    }

    fn tell(&self, _: Setting<'_>, state: &mut SearchState, _: Proposal, outcome: Outcome) {
        feedback::note(state, outcome);
    }
}

/// An instruction for an offspring of the random phase.
fn random_instruction(setting: Setting<'_>, state: &SearchState, index: u32) -> usize {
    let count = setting.prompts.instructions().len().max(1);
    let phase = &setting.config.random_phase;
    if !phase.without_replacement {
        let place = [u64::from(state.counters.generation), u64::from(index)];
        return setting.seed.rng(Purpose::RandomPrompt, &place).random_range(0..count);
    }
    let (rounds, each) = (u64::from(state.counters.random_rounds), u64::from(phase.offspring));
    let position = rounds * each + u64::from(index);
    let (time, place) = (position / count as u64, position % count as u64);
    let mut order: Vec<usize> = (0..count).collect();
    order.shuffle(&mut setting.seed.rng(Purpose::InstructionOrder, &[time]));
    usize::try_from(place).ok().and_then(|place| order.get(place).copied()).unwrap_or(0)
}

/// Proposes a round of the random phase.
#[derive(Debug, Clone, Copy)]
pub struct RandomEmitter;

/// A child of the first network by an instruction drawn uniformly.
fn from_the_first(
    setting: Setting<'_>,
    state: &SearchState,
    index: u32,
    operator: Operator,
) -> Option<Proposal> {
    let instruction = random_instruction(setting, state, index);
    Some(Proposal {
        candidate: candidate_id(state, index),
        index,
        operator,
        parents: vec![CandidateId(0)],
        draft: Draft::Prompt(
            setting.prompts.mutation_prompt(setting.shown(setting.first_network), instruction)?,
        ),
        choice: Some(PromptChoice { individual: None, instruction }),
        temperature: setting.config.random_phase.temperature,
    })
}

impl Emitter for RandomEmitter {
    fn ask(&self, setting: Setting<'_>, state: &SearchState, from: u32) -> Vec<Proposal> {
        let offspring = from..setting.config.random_phase.offspring;
        let propose = |index| from_the_first(setting, state, index, Operator::Random);
        offspring.filter_map(propose).collect()
    }

    /// A prompt drawn here becomes an individual itself, so it also gets the curiosity.
    fn tell(
        &self,
        setting: Setting<'_>,
        state: &mut SearchState,
        proposal: Proposal,
        outcome: Outcome,
    ) {
        feedback::learn(setting, state, &proposal, outcome);
        feedback::note(state, outcome);
    }
}

/// Proposes a generation of a search without evolution: every network from the first one.
#[derive(Debug, Clone, Copy)]
pub struct AnewEmitter;

impl Emitter for AnewEmitter {
    fn ask(&self, setting: Setting<'_>, state: &SearchState, from: u32) -> Vec<Proposal> {
        let offspring = from..setting.config.offspring;
        let propose = |index| from_the_first(setting, state, index, Operator::Fresh);
        offspring.filter_map(propose).collect()
    }

    fn tell(&self, _: Setting<'_>, state: &mut SearchState, _: Proposal, outcome: Outcome) {
        feedback::note(state, outcome);
    }
}
