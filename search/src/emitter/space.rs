//! The emitters that need no language model: they draw from a space of networks and move in it.
//! Each candidate's source is written down with its proposal, so nothing is generated later.

use super::{Draft, Emitter, Outcome, Proposal, Setting, candidate_id, feedback, slot};
use crate::proposer::NetworkSource;
use crate::seed::Purpose;
use crate::state::{CandidateId, Network, Operator, SearchState};
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;
use std::cmp::Ordering;
use std::collections::BTreeSet;

/// The generator of one offspring's source.
fn rng_of(setting: Setting<'_>, state: &SearchState, index: u32) -> ChaCha8Rng {
    setting.seed.rng(Purpose::Edit, &[u64::from(state.counters.generation), u64::from(index)])
}

/// Draws that may meet a known network before one is taken as it is.
const REDRAWS: u32 = 64;

/// Draws sources of one generation and, if the configuration says so, none that the run has seen.
struct Drawing<'a> {
    setting: Setting<'a>,
    state: &'a SearchState,
    space: Box<dyn NetworkSource>,
    drawn: BTreeSet<String>,
}

impl<'a> Drawing<'a> {
    fn new(setting: Setting<'a>, state: &'a SearchState) -> Self {
        Self { setting, state, space: setting.space(), drawn: BTreeSet::new() }
    }

    fn draw(
        &mut self,
        index: u32,
        make: impl Fn(&dyn NetworkSource, &mut ChaCha8Rng) -> String,
    ) -> String {
        let mut rng = rng_of(self.setting, self.state, index);
        let mut source = make(self.space.as_ref(), &mut rng);
        for _ in 0..REDRAWS {
            if !self.setting.config.proposer.distinct || self.is_new(&source) {
                break;
            }
            source = make(self.space.as_ref(), &mut rng);
        }
        source
    }

    /// Whether a source is a network that was not seen; from now on it is.
    fn is_new(&mut self, source: &str) -> bool {
        let fingerprint = self.space.fingerprint(source);
        fingerprint.is_some_and(|print| !self.state.known.has(&print) && self.drawn.insert(print))
    }
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

impl Emitter for FreshEmitter {
    fn ask(&self, setting: Setting<'_>, state: &SearchState, from: u32) -> Vec<Proposal> {
        let mut drawing = Drawing::new(setting, state);
        let propose = |index| {
            let source = drawing.draw(index, |space, rng| space.random(rng));
            proposal(state, index, Operator::Fresh, Vec::new(), source)
        };
        (from..setting.config.offspring).map(propose).collect()
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
        let offspring = from..setting.config.random_phase.offspring;
        edits_of_first(setting, state, Operator::Random, offspring)
    }

    fn tell(&self, _: Setting<'_>, state: &mut SearchState, _: Proposal, outcome: Outcome) {
        feedback::note(state, outcome);
    }
}

/// Edits of the first network.
fn edits_of_first(
    setting: Setting<'_>,
    state: &SearchState,
    operator: Operator,
    offspring: std::ops::Range<u32>,
) -> Vec<Proposal> {
    let mut drawing = Drawing::new(setting, state);
    let propose = |index| {
        let edit = |space: &dyn NetworkSource, rng: &mut ChaCha8Rng| {
            space.mutate(setting.first_network, rng)
        };
        let source = drawing.draw(index, edit);
        proposal(state, index, operator, vec![CandidateId(0)], source)
    };
    offspring.map(propose).collect()
}

/// Proposes edits of the first network, trained: a search without evolution.
#[derive(Debug, Clone, Copy)]
pub struct AnewEditEmitter;

impl Emitter for AnewEditEmitter {
    fn ask(&self, setting: Setting<'_>, state: &SearchState, from: u32) -> Vec<Proposal> {
        edits_of_first(setting, state, Operator::Fresh, from..setting.config.offspring)
    }

    fn tell(&self, _: Setting<'_>, state: &mut SearchState, _: Proposal, outcome: Outcome) {
        feedback::note(state, outcome);
    }
}

/// Proposes edited elites.
#[derive(Debug, Clone, Copy)]
pub struct EditEmitter;

impl EditEmitter {
    fn propose(drawing: &mut Drawing<'_>, index: u32) -> Option<Proposal> {
        let (setting, state) = (drawing.setting, drawing.state);
        let parent = super::mutation::random_parent(setting, state, index)?;
        let source = drawing.draw(index, |space, rng| space.mutate(&parent.source, rng));
        Some(proposal(state, index, Operator::Mutation, vec![parent.candidate], source))
    }
}

impl Emitter for EditEmitter {
    fn ask(&self, setting: Setting<'_>, state: &SearchState, from: u32) -> Vec<Proposal> {
        let offspring = from..setting.config.offspring;
        let mut drawing = Drawing::new(setting, state);
        offspring.filter_map(|index| Self::propose(&mut drawing, index)).collect()
    }

    fn tell(&self, _: Setting<'_>, state: &mut SearchState, _: Proposal, outcome: Outcome) {
        feedback::note(state, outcome);
    }
}

/// Proposes elites joined with a neighbour in descriptor space.
#[derive(Debug, Clone, Copy)]
pub struct SpliceEmitter;

impl SpliceEmitter {
    fn propose(drawing: &mut Drawing<'_>, index: u32) -> Option<Proposal> {
        let (setting, state) = (drawing.setting, drawing.state);
        let (count, slots) = (setting.config.offspring, setting.config.crossover.parents);
        let [first, second] =
            super::crossover::random_pair(setting, state, slot(index, count, slots))?;
        let join = |space: &dyn NetworkSource, rng: &mut ChaCha8Rng| {
            space.crossover(&first.source, &second.source, rng)
        };
        let source = drawing.draw(index, join);
        let parents = vec![first.candidate, second.candidate];
        Some(proposal(state, index, Operator::Crossover, parents, source))
    }
}

impl Emitter for SpliceEmitter {
    fn ask(&self, setting: Setting<'_>, state: &SearchState, from: u32) -> Vec<Proposal> {
        let offspring = from..setting.config.offspring;
        let mut drawing = Drawing::new(setting, state);
        offspring.filter_map(|index| Self::propose(&mut drawing, index)).collect()
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
            let source = setting.space().random(&mut rng_of(setting, state, from));
            return vec![proposal(state, from, Operator::Fresh, Vec::new(), source)];
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
