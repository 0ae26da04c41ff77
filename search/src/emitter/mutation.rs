//! Mutation: one parent, an instruction from the prompt archive.

use super::{
    Draft, Emitter, Outcome, PromptChoice, Proposal, Setting, candidate_id, feedback, in_share,
    slot,
};
use crate::archive::Archive as _;
use crate::seed::Purpose;
use crate::state::{Network, Operator, PromptIndividual, SearchState};
use rand::RngExt as _;
use rand::seq::IndexedRandom as _;
use rand_chacha::ChaCha8Rng;

/// Proposes changed networks.
#[derive(Debug, Clone, Copy)]
pub struct MutationEmitter;

/// A network of the archive, each as likely as the others.
pub(super) fn random_parent(
    setting: Setting<'_>,
    state: &SearchState,
    index: u32,
) -> Option<Network> {
    let (count, slots) = (setting.config.offspring, setting.config.mutation.parents);
    let place = [u64::from(state.counters.generation), u64::from(slot(index, count, slots))];
    let networks: Vec<&Network> =
        state.networks.elites().map(|(_, elite)| &elite.solution).collect();
    networks.choose(&mut setting.seed.rng(Purpose::Parent, &place)).map(|&n| n.clone())
}

/// The individual with the highest curiosity; of several, each as likely as the others.
fn most_curious(state: &SearchState, rng: &mut ChaCha8Rng) -> Option<PromptIndividual> {
    let individuals = || state.prompts.elites().map(|(_, elite)| elite.solution);
    let highest = individuals().map(|individual| individual.curiosity).reduce(f64::max)?;
    let best: Vec<PromptIndividual> =
        individuals().filter(|individual| individual.curiosity >= highest).collect();
    best.choose(rng).copied()
}

fn random_individual(state: &SearchState, rng: &mut ChaCha8Rng) -> Option<PromptIndividual> {
    let all: Vec<PromptIndividual> =
        state.prompts.elites().map(|(_, elite)| elite.solution).collect();
    all.choose(rng).copied()
}

/// Instruction and temperature of one offspring. With an empty prompt archive, and now and then
/// (`library_share`), both are drawn as in the random phase.
fn choose_prompt(setting: Setting<'_>, state: &SearchState, index: u32) -> (PromptChoice, f64) {
    let config = setting.config;
    let place = [u64::from(state.counters.generation), u64::from(index)];
    let mut rng = setting.seed.rng(Purpose::Mutation, &place);
    // No draw is made where the share is 0, so that the others stay what they were.
    let share = config.mutation.library_share;
    let individual = if share > 0.0 && rng.random::<f64>() < share {
        None
    } else if in_share(index, config.mutation.curious_share) {
        most_curious(state, &mut rng)
    } else {
        random_individual(state, &mut rng)
    };
    let Some(individual) = individual else {
        let instruction = rng.random_range(0..setting.prompts.instructions().len().max(1));
        let choice = PromptChoice { individual: None, instruction };
        return (choice, config.random_phase.temperature);
    };
    let spread = config.mutation.temperature_spread;
    // Every second pair, so that both halves of the individuals have both kinds of temperature.
    let own = in_share(index / 2, config.mutation.own_temperature_share);
    let change = if own || spread == 0.0 { 0.0 } else { rng.random_range(-spread..=spread) };
    let temperature = feedback::clip(setting, individual.temperature + change);
    let PromptIndividual { id, instruction, .. } = individual;
    (PromptChoice { individual: Some(id), instruction }, temperature)
}

impl MutationEmitter {
    fn propose(setting: Setting<'_>, state: &SearchState, index: u32) -> Option<Proposal> {
        let parent = random_parent(setting, state, index)?;
        let (choice, temperature) = choose_prompt(setting, state, index);
        Some(Proposal {
            candidate: candidate_id(state, index),
            index,
            operator: Operator::Mutation,
            parents: vec![parent.candidate],
            draft: Draft::Prompt(
                setting
                    .prompts
                    .mutation_prompt(setting.shown(&parent.source), choice.instruction)?,
            ),
            choice: Some(choice),
            temperature,
        })
    }
}

impl Emitter for MutationEmitter {
    fn ask(&self, setting: Setting<'_>, state: &SearchState, from: u32) -> Vec<Proposal> {
        let offspring = from..setting.config.offspring;
        offspring.filter_map(|index| Self::propose(setting, state, index)).collect()
    }

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
