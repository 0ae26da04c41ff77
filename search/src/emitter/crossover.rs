//! Crossover: a network and one of its neighbours in descriptor space. Nothing is added to the
//! prompt archive.

use super::{Draft, Emitter, Outcome, Proposal, Setting, candidate_id, feedback, slot};
use crate::archive::Archive as _;
use crate::seed::Purpose;
use crate::state::{Network, Operator, SearchState};
use rand::seq::IndexedRandom as _;

/// Proposes combinations of two networks.
#[derive(Debug, Clone, Copy)]
pub struct CrossoverEmitter;

/// A random network and its partner.
pub(super) fn random_pair(
    setting: Setting<'_>,
    state: &SearchState,
    slot: u32,
) -> Option<[Network; 2]> {
    let place = [u64::from(state.counters.generation), u64::from(slot)];
    let mut rng = setting.seed.rng(Purpose::Parent, &place);
    let cells: Vec<usize> = state.networks.elites().map(|(cell, _)| cell).collect();
    let cell = *cells.choose(&mut rng)?;
    let reach = *setting.config.crossover.neighbours.choose(&mut rng)? as usize;
    let partner = *state.networks.neighbours(cell, reach).choose(&mut rng)?;
    let network = |cell| state.networks.elite(cell).map(|elite| elite.solution.clone());
    Some([network(cell)?, network(partner)?])
}

impl CrossoverEmitter {
    fn propose(setting: Setting<'_>, state: &SearchState, index: u32) -> Option<Proposal> {
        let (count, slots) = (setting.config.offspring, setting.config.crossover.parents);
        let [first, second] = random_pair(setting, state, slot(index, count, slots))?;
        Some(Proposal {
            candidate: candidate_id(state, index),
            index,
            operator: Operator::Crossover,
            parents: vec![first.candidate, second.candidate],
            draft: Draft::Prompt(
                setting
                    .prompts
                    .crossover_prompt(setting.shown(&first.source), setting.shown(&second.source)),
            ),
            choice: None,
            temperature: setting.config.crossover.temperature,
        })
    }
}

impl Emitter for CrossoverEmitter {
    fn ask(&self, setting: Setting<'_>, state: &SearchState, from: u32) -> Vec<Proposal> {
        let offspring = from..setting.config.offspring;
        offspring.filter_map(|index| Self::propose(setting, state, index)).collect()
    }

    fn tell(&self, _: Setting<'_>, state: &mut SearchState, _: Proposal, outcome: Outcome) {
        feedback::note(state, outcome);
    }
}
