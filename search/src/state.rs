//! What a search knows between two candidates: both archives and the counts that steer it.
//! Everything here is derived from the configuration, the seed and the candidates' results, in
//! their order; the store keeps it at the end of every generation.

mod similarity;

use crate::archive::{
    Archive as _, Axis, AxisError, Centroids, CvtArchive, Elite, Measures, NotFinite, Objective,
    Pool, Population, Scale,
};
use crate::config::{Archives, CheckedConfig, PromptFitness};
use crate::evaluate::Effort;
use crate::known::Known;
use crate::precedents::Precedents;
use crate::prompt::PromptLibrary;
use crate::seed::{Purpose, Seed};
use rand::RngExt as _;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::sync::Arc;

/// A candidate's number in its run, from 0, in the order of proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CandidateId(pub u64);

/// A prompt individual's number in its run, from 0, in the order of creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IndividualId(pub u64);

/// The solution of the network archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// The candidate it came from.
    pub candidate: CandidateId,
    /// Its source text.
    pub source: Arc<str>,
}

/// The solution of the prompt archive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PromptIndividual {
    /// Its number.
    pub id: IndividualId,
    /// Index of its instruction in the prompt library.
    pub instruction: usize,
    /// Its sampling temperature.
    pub temperature: f64,
    /// How rewarding it was to select it.
    pub curiosity: f64,
}

impl PromptIndividual {
    /// Its place in the prompt archive: index of the instruction over their number, temperature.
    ///
    /// # Errors
    /// [`NotFinite`] if the temperature is no number.
    pub fn measures(&self, instructions: usize) -> Result<Measures, NotFinite> {
        let position = self.instruction as f64 / instructions.max(1) as f64;
        Measures::new(vec![position, self.temperature])
    }
}

/// How a candidate came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operator {
    /// The network that the run begins with.
    First,
    /// Made from the first network, with a random prompt or a random edit; placed untrained.
    Random,
    /// Drawn without a parent.
    Fresh,
    /// A changed parent.
    Mutation,
    /// A combination of two parents.
    Crossover,
}

impl Operator {
    /// Whether its candidates are trained; the others are placed as they are.
    #[must_use]
    pub const fn trains(self) -> bool {
        matches!(self.effort(), Effort::Train)
    }

    /// The name in the run database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Random => "random",
            Self::Fresh => "fresh",
            Self::Mutation => "mutation",
            Self::Crossover => "crossover",
        }
    }

    /// What its candidates are worth: those of the random phase are placed untrained.
    #[must_use]
    pub const fn effort(self) -> Effort {
        match self {
            Self::First | Self::Random => Effort::Untrained,
            Self::Fresh | Self::Mutation | Self::Crossover => Effort::Train,
        }
    }
}

/// What the next generation is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Evaluate the first network.
    First,
    /// Another round of the random phase.
    Random,
    /// Another generation of evolution.
    Evolution,
    /// Nothing is left to do.
    Finished,
}

/// The counts of a search.
#[derive(Debug, Clone, PartialEq)]
pub struct Counters {
    /// Generations that are complete, the first network and random rounds included.
    pub generation: u32,
    /// Random rounds that are complete.
    pub random_rounds: u32,
    /// Generations of evolution that are complete.
    pub evolved: u32,
    /// The number of the next candidate.
    pub next_candidate: u64,
    /// The number of the next prompt individual.
    pub next_individual: u64,
    /// Collective fitness of each instruction: networks that beat the previous generation's best.
    pub collective: Vec<u32>,
    /// The best objective of the previous generation that had any.
    pub best_of_previous: Option<Objective>,
}

/// The state of a search.
#[derive(Debug)]
pub struct SearchState {
    /// The archive of networks, or their population.
    pub networks: Pool<Network>,
    /// The archive of prompts, or their population.
    pub prompts: Pool<PromptIndividual>,
    /// The counts.
    pub counters: Counters,
    /// The best objective of the generation in progress.
    pub best_of_current: Option<Objective>,
    /// The networks that were evaluated.
    pub known: Known,
    /// What candidates came to on the way.
    pub precedents: Precedents,
    /// The networks evaluated last, the oldest first; kept for regularised evolution alone.
    population: VecDeque<(Network, Objective)>,
}

/// The prompt archive's axes: prompt index over number of prompts, and temperature, both 0 to 1.
fn prompt_axes() -> Result<Vec<Axis>, AxisError> {
    let unit = |name| Axis::new(name, 0.0, 1.0, Scale::Linear);
    Ok(vec![unit("prompt_index")?, unit("temperature")?])
}

/// The centroids of both archives, from the run's seed.
#[must_use]
pub fn centroids(config: &CheckedConfig, seed: Seed) -> [Centroids; 2] {
    [
        Centroids::generate(
            config.network_centroids(),
            &mut seed.rng(Purpose::NetworkCentroids, &[]),
        ),
        Centroids::generate(
            config.prompt_centroids(),
            &mut seed.rng(Purpose::PromptCentroids, &[]),
        ),
    ]
}

impl SearchState {
    /// The state before the first candidate; `None` if the centroids are of other dimensions.
    #[must_use]
    pub fn new(
        config: &CheckedConfig,
        prompts: &PromptLibrary,
        [networks, individuals]: [Centroids; 2],
    ) -> Option<Self> {
        Some(Self {
            networks: if config.archives.has_networks() {
                Pool::Cells(CvtArchive::new(config.network_axes().to_vec(), networks)?)
            } else {
                let size = config.population.networks as usize;
                Pool::Population(Population::new(size, similarity::of_networks))
            },
            prompts: if config.archives.has_prompts() {
                Pool::Cells(CvtArchive::new(prompt_axes().ok()?, individuals)?)
            } else {
                let size = config.population.prompts as usize;
                Pool::Population(Population::new(size, similarity::of_prompts))
            },
            counters: Counters {
                generation: 0,
                random_rounds: 0,
                evolved: 0,
                next_candidate: 0,
                next_individual: 0,
                collective: vec![0; prompts.instructions().len()],
                best_of_previous: None,
            },
            best_of_current: None,
            known: Known::default(),
            precedents: Precedents::default(),
            population: VecDeque::new(),
        })
    }

    /// Fills a population of prompts, which stands in for the prompt archive, with random individuals.
    pub fn populate_prompts(&mut self, config: &CheckedConfig, instructions: usize, seed: Seed) {
        let Pool::Population(population) = &mut self.prompts else { return };
        let bounds = &config.temperature;
        for place in 0..config.population.prompts {
            let mut rng = seed.rng(Purpose::PromptPopulation, &[u64::from(place)]);
            let id = IndividualId(u64::from(place));
            let instruction = rng.random_range(0..instructions.max(1));
            let temperature = rng.random_range(bounds.min..=bounds.max);
            let solution = PromptIndividual { id, instruction, temperature, curiosity: 0.0 };
            let Ok(measures) = solution.measures(instructions) else { continue };
            let objective = Objective::from_count(0);
            population.restore(place as usize, Elite { solution, objective, measures });
        }
    }

    /// What comes next. Archives never lose an elite, so the random phase never begins again.
    #[must_use]
    pub fn phase(&self, config: &CheckedConfig) -> Phase {
        let counters = &self.counters;
        if counters.generation == 0 {
            Phase::First
        } else if counters.evolved == 0 && !self.random_phase_is_over(config) {
            Phase::Random
        } else if counters.evolved < config.generations {
            Phase::Evolution
        } else {
            Phase::Finished
        }
    }

    fn random_phase_is_over(&self, config: &CheckedConfig) -> bool {
        let enough = &config.random_phase;
        !config.proposer.kind.has_random_phase()
            || self.counters.random_rounds >= enough.max_rounds
            || config.archives == Archives::Neither
            || self.networks.stats().num_elites >= enough.networks as usize
            || (config.archives.has_prompts()
                && self.prompts.stats().num_elites >= enough.prompt_individuals as usize)
    }

    /// The population of regularised evolution, the oldest first.
    #[must_use]
    pub const fn population(&self) -> &VecDeque<(Network, Objective)> {
        &self.population
    }

    /// Adds a network to the population; beyond its size the oldest dies.
    pub fn join_population(&mut self, network: Network, objective: Objective, size: usize) {
        self.population.push_back((network, objective));
        while self.population.len() > size {
            self.population.pop_front();
        }
    }

    /// Takes note of a trained network's objective for the comparison with the next generation.
    pub fn note_objective(&mut self, objective: Objective) {
        if self.best_of_current.is_none_or(|best| objective.beats(best)) {
            self.best_of_current = Some(objective);
        }
    }

    /// Closes a generation of so many candidates.
    pub fn end_generation(&mut self, config: &CheckedConfig, phase: Phase, candidates: u64) {
        let counters = &mut self.counters;
        counters.generation += 1;
        counters.next_candidate += candidates;
        let untrained = phase == Phase::Evolution && counters.evolved == 0;
        let is_comparable = config.prompts.fitness_from == PromptFitness::All || !untrained;
        let before = counters.best_of_previous.filter(|_| is_comparable);
        counters.best_of_previous = self.best_of_current.take().or(before);
        match phase {
            Phase::Random => counters.random_rounds += 1,
            Phase::Evolution => counters.evolved += 1,
            Phase::First | Phase::Finished => {}
        }
    }
}
