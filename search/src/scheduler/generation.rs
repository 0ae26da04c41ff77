//! One generation, from its proposals to its entry in the database; goes on with one that was
//! begun before.

use super::{Scheduler, Stop};
use crate::archive::Archive as _;
use crate::config::DecodingMode;
use crate::emitter::{Draft, Emitter, Proposal};
use crate::error::SearchError;
use crate::evaluate::Rejection;
use crate::llm::{
    Completion, Decoding, GenerationProgress, LanguageModelError, Request, SamplingParams,
    ShapeTarget,
};
use crate::observer::SearchEvent;
use crate::proposer::cells;
use crate::run::{Run, Space};
use crate::seed::Purpose;
use crate::state::Operator;
use crate::store::{Answer, GeneratedCandidate, StoredCandidate};
use nasc_compiler::cell::Cell;
use std::collections::BTreeMap;
use std::time::Instant;

/// Most convolutions that a network is asked for; a small model seldom writes any by itself.
const MOST_CONVOLUTIONS: u64 = 4;

impl Scheduler<'_, '_, '_> {
    pub(super) fn run_generation(
        &mut self,
        operator: Operator,
        emitter: &dyn Emitter,
    ) -> Result<(), Stop> {
        let phase = self.state.phase(&self.run.config);
        let generation = self.state.counters.generation;
        self.elders = Run::elites(&self.state);
        let mut stored = self.run.store.candidates_of(generation)?;
        let mut offspring = 0;
        loop {
            let proposals = emitter.ask(self.run.setting(), &self.state, offspring);
            let Some(last) = proposals.last() else { break };
            let (from, whole) = (offspring, self.whole(emitter, &proposals));
            offspring = last.index + 1;
            self.write_down(operator, whole, &proposals, &mut stored)?;
            if from == 0 {
                self.announce(operator, whole, &stored)?;
            }
            self.generate_missing(&proposals, &mut stored)?;
            self.settle_all(emitter, proposals, &mut stored, whole)?;
        }
        // Whatever is left was not proposed now.
        if offspring == 0 || !stored.is_empty() {
            return Err(self.proposed_otherwise().into());
        }
        self.state.end_generation(&self.run.config, phase, u64::from(offspring));
        self.run.store.finish_generation(generation, &self.state)?;
        self.run.store.keep_only_weights_of(&Run::elites(&self.state))?;
        tracing::debug!(generation, operator = operator.name(), "generation finished");
        self.tell(SearchEvent::GenerationFinished {
            generation,
            networks: self.state.networks.stats(),
            prompts: self.state.prompts.stats(),
            clipped_share: self.state.networks.clipped_share(),
        })
    }

    /// The candidates of a generation, of which these are the first.
    fn whole(&self, emitter: &dyn Emitter, first: &[Proposal]) -> usize {
        if emitter.is_sequential() { self.run.config.offspring as usize } else { first.len() }
    }

    /// Evaluates the proposals and places them, in their order.
    fn settle_all(
        &mut self,
        emitter: &dyn Emitter,
        proposals: Vec<Proposal>,
        stored: &mut BTreeMap<u32, StoredCandidate>,
        whole: usize,
    ) -> Result<(), Stop> {
        for proposal in proposals {
            // `write_down` made sure of one for each.
            if let Some(stored) = stored.remove(&proposal.index) {
                self.settle(emitter, proposal, stored, whole)?;
            }
        }
        Ok(())
    }

    /// Writes the proposals down, or compares them with those written before.
    fn write_down(
        &mut self,
        operator: Operator,
        whole: usize,
        proposals: &[Proposal],
        stored: &mut BTreeMap<u32, StoredCandidate>,
    ) -> Result<(), SearchError> {
        let generation = self.state.counters.generation;
        let is_new = |proposal: &Proposal| !stored.contains_key(&proposal.index);
        if proposals.iter().all(is_new) {
            let store = &mut self.run.store;
            if proposals.first().is_some_and(|first| first.index == 0) {
                store.begin_generation(generation, operator.name(), whole, proposals)?;
            } else {
                store.add_proposals(generation, proposals)?;
            }
            let new = proposals.iter().map(|one| (one.index, StoredCandidate::proposed(one)));
            stored.extend(new);
            return Ok(());
        }
        let same = |proposal: &Proposal| {
            stored.get(&proposal.index).is_some_and(|stored| stored.is_of(proposal))
        };
        if proposals.iter().all(same) { Ok(()) } else { Err(self.proposed_otherwise()) }
    }

    fn proposed_otherwise(&self) -> SearchError {
        let generation = self.state.counters.generation;
        SearchError::Corrupt {
            path: self.run.directory().to_owned(),
            what: format!("the candidates of generation {generation} are not those it proposes"),
        }
    }

    fn announce(
        &mut self,
        operator: Operator,
        offspring: usize,
        stored: &BTreeMap<u32, StoredCandidate>,
    ) -> Result<(), Stop> {
        self.tell(SearchEvent::GenerationStarted {
            generation: self.state.counters.generation,
            operator,
            offspring,
            finished: stored.values().filter(|stored| stored.result.is_some()).count(),
            evolved: self.state.counters.evolved,
            generations: self.run.config.generations,
        })
    }

    /// Generates the answers that are not stored, and stores them batch by batch.
    fn generate_missing(
        &mut self,
        proposals: &[Proposal],
        stored: &mut BTreeMap<u32, StoredCandidate>,
    ) -> Result<(), Stop> {
        let is_missing =
            |p: &&Proposal| stored.get(&p.index).is_some_and(|stored| !stored.generated);
        let missing: Vec<&Proposal> = proposals.iter().filter(is_missing).collect();
        let mut before = proposals.len() - missing.len();
        for batch in missing.chunks(self.run.config.language_model.batch.max(1) as usize) {
            let taken = self.taken_cells(stored);
            let generated = self.generate(batch, before, proposals.len(), &taken)?;
            self.run.store.keep_answers(&generated)?;
            before += batch.len();
            for (proposal, generated) in batch.iter().zip(generated) {
                if let Some(stored) = stored.get_mut(&proposal.index) {
                    stored.generated = true;
                    match generated.answer {
                        Ok(answer) => stored.source = answer.source,
                        Err(rejection) => stored.refused = Some(rejection),
                    }
                }
            }
        }
        Ok(())
    }

    /// Generates a batch. If one of its prompts is too long, the others are generated without it.
    fn generate(
        &mut self,
        batch: &[&Proposal],
        before: usize,
        offspring: usize,
        taken: &[Cell],
    ) -> Result<Vec<GeneratedCandidate>, Stop> {
        let start = Instant::now();
        let completions = match (self.complete(batch, before, offspring, taken), batch) {
            (Ok(completions), _) => completions,
            (Err(LanguageModelError::PromptTooLong { tokens, context }), [proposal]) => {
                let (tokens, context) = (tokens as u64, context as u64);
                return Ok(vec![GeneratedCandidate {
                    candidate: proposal.candidate,
                    answer: Err(Rejection::PromptTooLong { tokens, context }),
                    seconds: start.elapsed().as_secs_f64(),
                }]);
            }
            (Err(LanguageModelError::PromptTooLong { .. }), _) => {
                let alone = |(done, one)| self.generate(one, before + done, offspring, taken);
                let parts: Vec<_> =
                    batch.chunks(1).enumerate().map(alone).collect::<Result<_, Stop>>()?;
                return Ok(parts.into_iter().flatten().collect());
            }
            (Err(error), _) => return Err(error.into()),
        };
        let seconds = start.elapsed().as_secs_f64() / batch.len() as f64;
        let extract = self.workers.extract;
        let generated = |(proposal, completion): (&&Proposal, Completion)| GeneratedCandidate {
            candidate: proposal.candidate,
            answer: Ok(Answer { source: extract(&completion.text), completion }),
            seconds,
        };
        Ok(batch.iter().zip(completions).map(generated).collect())
    }

    fn complete(
        &mut self,
        batch: &[&Proposal],
        before: usize,
        offspring: usize,
        taken: &[Cell],
    ) -> Result<Vec<Completion>, LanguageModelError> {
        let requests: Vec<Request> =
            batch.iter().filter_map(|proposal| self.request(proposal, taken)).collect();
        let observer = &mut *self.workers.observer;
        let mut progress = |batch: GenerationProgress| {
            observer.event(SearchEvent::Generating { batch, before, offspring })
        };
        let completions = self.workers.model.generate(&requests, &mut progress)?;
        if completions.len() == batch.len() {
            return Ok(completions);
        }
        let reason = format!("{} answers to {} prompts", completions.len(), batch.len());
        Err(LanguageModelError::Backend { reason })
    }

    fn request(&self, proposal: &Proposal, taken: &[Cell]) -> Option<Request> {
        let config = &self.run.config.language_model;
        let prompt = match &proposal.draft {
            Draft::Prompt(prompt) => prompt.clone(),
            Draft::Source(_) => return None,
        };
        let sampling = SamplingParams {
            temperature: proposal.temperature as f32,
            top_k: config.top_k,
            max_tokens: config.max_tokens,
            seed: self.run.seed().derive(Purpose::Sampling, &[proposal.candidate.0]),
        };
        let decoding = match config.decoding {
            DecodingMode::Free => Decoding::Free,
            DecodingMode::Shape => match self.run.task().space {
                Space::Networks => Decoding::Shape(self.shape_target(sampling.seed)),
                Space::Cells => self.cell_decoding(&prompt, taken),
            },
        };
        Some(Request { prompt, sampling, decoding })
    }

    /// A cell may not be a parent again and, if the configuration says so, nothing that was seen.
    fn cell_decoding(&self, prompt: &str, taken: &[Cell]) -> Decoding {
        let distinct = self.run.config.proposer.distinct;
        let left_out = if distinct { taken.to_vec() } else { cells::shown_in(prompt) };
        Decoding::Cell { left_out, distinct }
    }

    /// The cells that were evaluated, and those written in this generation.
    fn taken_cells(&self, stored: &BTreeMap<u32, StoredCandidate>) -> Vec<Cell> {
        if self.run.task().space != Space::Cells {
            return Vec::new();
        }
        let known = self.state.known.fingerprints().filter_map(|print| print.parse().ok());
        let written = stored.values().filter_map(|stored| cells::read(stored.source.as_deref()?));
        known.chain(written).collect()
    }

    /// The signature of the task; the seed of a completion picks how many convolutions it has at
    /// least, so that a generation holds networks of every depth.
    fn shape_target(&self, seed: u64) -> ShapeTarget {
        let (task, budget) = (self.run.task(), &self.run.config.budget);
        ShapeTarget {
            input: task.input,
            classes: task.classes,
            max_params: budget.max_params,
            max_macs: budget.max_macs,
            convolutions: seed % (MOST_CONVOLUTIONS + 1),
        }
    }
}
