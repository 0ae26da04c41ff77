//! What a search tells while it runs, for progress bars and logs; an observer can stop it.

use crate::archive::{AddStatus, ArchiveStats};
use crate::evaluate::TrainProgress;
use crate::llm::GenerationProgress;
use crate::state::{CandidateId, Operator};
use std::ops::ControlFlow;

/// Something happened in a search.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SearchEvent<'a> {
    /// A generation begins or, in a resumed run, goes on.
    GenerationStarted {
        /// Its number, from 0.
        generation: u32,
        /// How its candidates come about.
        operator: Operator,
        /// Its candidates.
        offspring: usize,
        /// Those of them that were finished before the run was resumed.
        finished: usize,
        /// Generations of evolution that are complete.
        evolved: u32,
        /// Generations of evolution in all.
        generations: u32,
    },
    /// The language model works on a batch.
    Generating {
        /// Where the batch stands.
        batch: GenerationProgress,
        /// Completions of this generation that were finished before the batch.
        before: usize,
        /// Completions of this generation in all.
        offspring: usize,
    },
    /// A candidate is about to be evaluated.
    CandidateStarted {
        /// The candidate.
        candidate: CandidateId,
        /// Its place in the generation, from 0.
        index: u32,
        /// Candidates of the generation.
        offspring: usize,
        /// Its source, if its completion holds any.
        source: Option<&'a str>,
    },
    /// A candidate is being trained or scored.
    Training {
        /// The candidate.
        candidate: CandidateId,
        /// Where that stands.
        progress: TrainProgress,
    },
    /// A candidate has its verdict, and it is stored.
    CandidateFinished {
        /// The candidate.
        candidate: CandidateId,
        /// `evaluated`, or why it was rejected.
        verdict: &'a str,
        /// Its fitness, if it has one.
        fitness: Option<f64>,
        /// What the network archive answered, if it was offered.
        status: Option<AddStatus>,
    },
    /// A generation is complete and stored.
    GenerationFinished {
        /// Its number, from 0.
        generation: u32,
        /// Figures of the network archive.
        networks: ArchiveStats,
        /// Figures of the prompt archive.
        prompts: ArchiveStats,
        /// Share of the networks offered so far with a descriptor outside of its axis.
        clipped_share: f64,
    },
    /// An elite was not scored on the test split, because its weights cannot be used.
    WeightsDamaged {
        /// The elite.
        candidate: CandidateId,
        /// What is wrong with them.
        reason: &'a str,
    },
    /// The search is over, and an elite is scored on the test split.
    Testing {
        /// The elite.
        candidate: CandidateId,
        /// Elites scored before it.
        done: usize,
        /// Elites to be scored.
        total: usize,
    },
}

/// Watches a search. `Break` stops it at the next point from which it can be resumed without
/// losing anything that is finished.
pub trait SearchObserver {
    /// Called for each event.
    fn event(&mut self, event: SearchEvent<'_>) -> ControlFlow<()>;
}

impl<F: FnMut(SearchEvent<'_>) -> ControlFlow<()>> SearchObserver for F {
    fn event(&mut self, event: SearchEvent<'_>) -> ControlFlow<()> {
        self(event)
    }
}
