//! The loop: propose a generation, generate its texts, evaluate each, place it, learn, store.
//! The state is a function of what is stored, so a run goes on from the database alone: results
//! that are there are placed again, in order, and what is missing is made.

mod evaluation;
mod generation;

use crate::config::FitnessSplit;
use crate::emitter::{Setting, next_emitter};
use crate::error::SearchError;
use crate::evaluate::{EvaluateError, Evaluator, TrainProgress};
use crate::llm::{LanguageModel, LanguageModelError};
use crate::observer::{SearchEvent, SearchObserver};
use crate::run::Run;
use crate::state::{CandidateId, SearchState};
use std::collections::BTreeSet;
use std::time::Instant;

/// The collaborators of a search.
pub struct Workers<'a> {
    /// Writes the texts.
    pub model: &'a mut dyn LanguageModel,
    /// Finds the network's source in a text.
    pub extract: fn(&str) -> Option<String>,
    /// Judges the networks.
    pub evaluator: &'a mut dyn Evaluator,
    /// Watches.
    pub observer: &'a mut dyn SearchObserver,
}

/// How a search ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SearchOutcome {
    /// Everything is done.
    Finished,
    /// The observer stopped it; it can be resumed.
    Interrupted,
}

/// Why the loop was left.
enum Stop {
    Interrupted,
    Failed(SearchError),
}

impl From<SearchError> for Stop {
    fn from(error: SearchError) -> Self {
        Self::Failed(error)
    }
}

impl From<LanguageModelError> for Stop {
    fn from(error: LanguageModelError) -> Self {
        match error {
            LanguageModelError::Interrupted => Self::Interrupted,
            LanguageModelError::Load { .. }
            | LanguageModelError::Backend { .. }
            | LanguageModelError::PromptTooLong { .. }
            | LanguageModelError::ScriptExhausted { .. } => Self::Failed(error.into()),
        }
    }
}

impl From<EvaluateError> for Stop {
    fn from(error: EvaluateError) -> Self {
        match error {
            EvaluateError::Interrupted => Self::Interrupted,
            EvaluateError::Weights { .. } | EvaluateError::Failed(_) => Self::Failed(error.into()),
        }
    }
}

impl Run {
    /// Goes on with the run until it is finished, stopped by the observer, or fails. May be called
    /// again after any of these; it then goes on from what is stored.
    ///
    /// # Errors
    /// [`SearchError`]; whatever was finished before is stored.
    pub fn search(&mut self, mut workers: Workers<'_>) -> Result<SearchOutcome, SearchError> {
        self.require_same("language model", &self.record.model, workers.model.describe())?;
        self.require_same("evaluator", &self.record.evaluator, workers.evaluator.describe())?;
        let state = self.state()?;
        let scheduler =
            Scheduler { run: self, workers: &mut workers, state, elders: BTreeSet::new() };
        match scheduler.run_to_end() {
            Ok(()) => Ok(SearchOutcome::Finished),
            Err(Stop::Interrupted) => Ok(SearchOutcome::Interrupted),
            Err(Stop::Failed(error)) => Err(error),
        }
    }

    fn require_same(
        &self,
        what: &'static str,
        stored: &str,
        given: String,
    ) -> Result<(), SearchError> {
        if stored == given {
            return Ok(());
        }
        Err(SearchError::Mismatch { what, stored: stored.to_owned(), given })
    }

    fn setting(&self) -> Setting<'_> {
        Setting {
            config: &self.config,
            prompts: &self.prompts,
            task: self.task(),
            seed: self.seed(),
            first_network: &self.record.first_network,
        }
    }
}

struct Scheduler<'run, 'workers, 'parts> {
    run: &'run mut Run,
    workers: &'workers mut Workers<'parts>,
    state: SearchState,
    /// The network archive when the generation began: weights are inherited from these alone, since a
    /// resumed run has theirs for certain.
    elders: BTreeSet<CandidateId>,
}

impl Scheduler<'_, '_, '_> {
    fn run_to_end(mut self) -> Result<(), Stop> {
        while let Some((operator, emitter)) = next_emitter(self.run.setting(), &self.state) {
            self.run_generation(operator, emitter)?;
        }
        // Again, in case the run was cut off after its last generation and before this.
        self.run.store.keep_only_weights_of(&Run::elites(&self.state))?;
        match self.run.config.training.fitness_split {
            FitnessSplit::Validation => self.test_elites(),
            // Their fitness is their test score already.
            FitnessSplit::Test => Ok(()),
        }
    }

    fn tell(&mut self, event: SearchEvent<'_>) -> Result<(), Stop> {
        if self.workers.observer.event(event).is_break() { Err(Stop::Interrupted) } else { Ok(()) }
    }

    /// Scores the elites whose weights were kept on the test split, now that nothing depends on it.
    fn test_elites(&mut self) -> Result<(), Stop> {
        use crate::archive::Archive as _;
        let elites: Vec<_> =
            self.state.networks.elites().map(|(_, elite)| elite.solution.clone()).collect();
        for (done, network) in elites.iter().enumerate() {
            let candidate = network.candidate;
            if self.run.store.has_test_score(candidate)? {
                continue;
            }
            let weights = self.run.store.weights(candidate)?;
            let needs_none = !self.workers.evaluator.needs_weights();
            let Some(weights) = weights.or(needs_none.then(Vec::new)) else { continue };
            self.tell(SearchEvent::Testing { candidate, done, total: elites.len() })?;
            let start = Instant::now();
            let observer = &mut *self.workers.observer;
            let mut progress = |progress: TrainProgress| {
                observer.event(SearchEvent::Training { candidate, progress })
            };
            let score = self.workers.evaluator.test(&network.source, &weights, &mut progress);
            let score = match score {
                Err(EvaluateError::Weights { reason }) => {
                    self.tell(SearchEvent::WeightsDamaged { candidate, reason: &reason })?;
                    continue;
                }
                score => score?,
            };
            let seconds = start.elapsed().as_secs_f64();
            self.run.store.keep_test_score(candidate, score, seconds)?;
        }
        Ok(())
    }
}
