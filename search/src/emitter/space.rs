//! The emitters that need no language model: they draw from a space of networks and move in it.
//! Each candidate's source is written down with its proposal, so nothing is generated later.

use super::{Draft, Emitter, Outcome, Proposal, Setting, candidate_id, feedback, slot};
use crate::seed::Purpose;
use crate::state::{CandidateId, Network, Operator, SearchState};
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;
use std::cmp::Ordering;

/// The generator of one offspring's source.
fn rng_of(setting: Setting<'_>, state: &SearchState, index: u32) -> ChaCha8Rng {
    setting.seed.rng(Purpose::Edit, &[u64::from(state.counters.generation), u64::from(index)])
}

fn proposal(
    state: &SearchState,
    index: u32,
    operator: Operator,
    parents: Vec<CandidateId>,
    source: String,
) -> Proposal {
    Proposal {
        candidate: candidate_id(state, index),
        index,
        operator,
        parents,
        draft: Draft::Source(source),
        choice: None,
        temperature: 0.0,
    }
}

/// Proposes networks drawn without parents.
#[derive(Debug, Clone, Copy)]
pub struct FreshEmitter;

impl FreshEmitter {
    fn propose(setting: Setting<'_>, state: &SearchState, index: u32) -> Proposal {
        let source = setting.space().random(&mut rng_of(setting, state, index));
        proposal(state, index, Operator::Fresh, Vec::new(), source)
    }
}

impl Emitter for FreshEmitter {
    fn ask(&self, setting: Setting<'_>, state: &SearchState, from: u32) -> Vec<Proposal> {
        let offspring = from..setting.config.offspring;
        offspring.map(|index| Self::propose(setting, state, index)).collect()
    }

    fn tell(&self, _: Setting<'_>, state: &mut SearchState, _: Proposal, outcome: Outcome) {
        feedback::note(state, outcome);
    }
}

/// Proposes children of the first network, placed untrained.
#[derive(Debug, Clone, Copy)]
pub struct EarlyEditEmitter;

impl Emitter for EarlyEditEmitter {
    fn ask(&self, setting: Setting<'_>, state: &SearchState, from: u32) -> Vec<Proposal> {
        let propose = |index| {
            let mut rng = rng_of(setting, state, index);
            let source = setting.space().mutate(setting.first_network, &mut rng);
            proposal(state, index, Operator::Random, vec![CandidateId(0)], source)
        };
        (from..setting.config.random_phase.offspring).map(propose).collect()
    }

    fn tell(&self, _: Setting<'_>, state: &mut SearchState, _: Proposal, outcome: Outcome) {
        feedback::note(state, outcome);
    }
}

/// Proposes edited elites.
#[derive(Debug, Clone, Copy)]
pub struct EditEmitter;

impl EditEmitter {
    fn propose(setting: Setting<'_>, state: &SearchState, index: u32) -> Option<Proposal> {
        let parent = super::mutation::random_parent(setting, state, index)?;
        let source = setting.space().mutate(&parent.source, &mut rng_of(setting, state, index));
        Some(proposal(state, index, Operator::Mutation, vec![parent.candidate], source))
    }
}

impl Emitter for EditEmitter {
    fn ask(&self, setting: Setting<'_>, state: &SearchState, from: u32) -> Vec<Proposal> {
        let offspring = from..setting.config.offspring;
        offspring.filter_map(|index| Self::propose(setting, state, index)).collect()
    }

    fn tell(&self, _: Setting<'_>, state: &mut SearchState, _: Proposal, outcome: Outcome) {
        feedback::note(state, outcome);
    }
}

/// Proposes elites joined with a neighbour in descriptor space.
#[derive(Debug, Clone, Copy)]
pub struct SpliceEmitter;

impl SpliceEmitter {
    fn propose(setting: Setting<'_>, state: &SearchState, index: u32) -> Option<Proposal> {
        let (count, slots) = (setting.config.offspring, setting.config.crossover.parents);
        let [first, second] =
            super::crossover::random_pair(setting, state, slot(index, count, slots))?;
        let mut rng = rng_of(setting, state, index);
        let source = setting.space().crossover(&first.source, &second.source, &mut rng);
        let parents = vec![first.candidate, second.candidate];
        Some(proposal(state, index, Operator::Crossover, parents, source))
    }
}

impl Emitter for SpliceEmitter {
    fn ask(&self, setting: Setting<'_>, state: &SearchState, from: u32) -> Vec<Proposal> {
        let offspring = from..setting.config.offspring;
        offspring.filter_map(|index| Self::propose(setting, state, index)).collect()
    }

    fn tell(&self, _: Setting<'_>, state: &mut SearchState, _: Proposal, outcome: Outcome) {
        feedback::note(state, outcome);
    }
}

/// Regularised evolution (Real et al., "Regularized Evolution for Image Classifier Architecture
/// Search", AAAI 2019, algorithm 1): the population is the networks evaluated last; the fittest of a
/// sample, drawn with replacement, has a child. Each proposal waits for the result before it.
#[derive(Debug, Clone, Copy)]
pub struct EvolutionEmitter;

/// The fittest of a sample; of several the one drawn first.
fn tournament(setting: Setting<'_>, state: &SearchState, rng: &mut ChaCha8Rng) -> Option<Network> {
    let population = state.population();
    let size = population.len();
    let sample = (0..setting.config.proposer.sample)
        .filter(|_| size > 0)
        .filter_map(|_| population.get(rng.random_range(0..size)));
    sample
        .reduce(|best, next| match next.1.compare(best.1) {
            Ordering::Greater => next,
            Ordering::Less | Ordering::Equal => best,
        })
        .map(|(network, _)| network.clone())
}

impl Emitter for EvolutionEmitter {
    fn is_sequential(&self) -> bool {
        true
    }

    fn ask(&self, setting: Setting<'_>, state: &SearchState, from: u32) -> Vec<Proposal> {
        if from >= setting.config.offspring {
            return Vec::new();
        }
        if state.population().len() < setting.config.proposer.population as usize {
            return vec![FreshEmitter::propose(setting, state, from)];
        }
        let mut rng = rng_of(setting, state, from);
        let child = tournament(setting, state, &mut rng).map(|parent| {
            let source = setting.space().mutate(&parent.source, &mut rng);
            proposal(state, from, Operator::Mutation, vec![parent.candidate], source)
        });
        child.into_iter().collect()
    }

    fn tell(
        &self,
        setting: Setting<'_>,
        state: &mut SearchState,
        proposal: Proposal,
        outcome: Outcome,
    ) {
        feedback::note(state, outcome);
        let (Outcome::Evaluated { objective, .. }, Some(source)) =
            (outcome, proposal.draft.source())
        else {
            return;
        };
        let network = Network { candidate: proposal.candidate, source: source.into() };
        state.join_population(network, objective, setting.config.proposer.population as usize);
    }
}
