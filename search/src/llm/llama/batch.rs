//! Many completions in one batch: equal prompts are evaluated once and copied, and a completion that
//! ends makes room for the next one.
//! Deliberately not here: how a token is chosen (see `draft`).

use std::collections::{BTreeMap, VecDeque};
use std::ops::ControlFlow;

use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::token::LlamaToken;

use super::backend::{PROMPT_CHUNK, failed};
use super::draft::{Draft, Step};
use super::vocabulary::Vocabulary;
use crate::llm::constraint::Constraint;
use crate::llm::{
    Completion, FinishReason, GenerationProgress, LanguageModelError, ProgressSink, SamplingParams,
};

/// A request as llama.cpp takes it.
pub struct Job<'a> {
    /// Tokens of the prompt, at least one.
    pub prompt: Vec<LlamaToken>,
    /// At most this many tokens follow.
    pub answer: usize,
    /// How to draw.
    pub sampling: &'a SamplingParams,
    /// What the answer obeys.
    pub constraint: Option<Box<dyn Constraint>>,
}

/// A job that waits, with its place among the answers.
struct Waiting<'a> {
    index: usize,
    job: Job<'a>,
}

/// A completion that is drawn at the moment.
struct Live<'a> {
    index: usize,
    draft: Draft<'a>,
    next: LlamaToken,
    position: usize,
}

/// The prompt evaluated last; its sequence is kept for the jobs that share it.
struct HeldPrompt {
    tokens: Vec<LlamaToken>,
    logits: Vec<f32>,
}

/// One call of `generate`.
pub struct Run<'a> {
    context: LlamaContext<'a>,
    batch: LlamaBatch<'static>,
    vocabulary: &'a Vocabulary,
    waiting: VecDeque<Waiting<'a>>,
    held: Option<HeldPrompt>,
    /// By sequence number; `BTreeMap` gives the batch its order.
    live: BTreeMap<u32, Live<'a>>,
    sequences: u32,
    completions: BTreeMap<usize, Completion>,
    total: usize,
    tokens: u64,
}

impl<'a> Run<'a> {
    /// Queues the jobs, those with equal prompts one after the other.
    ///
    /// # Errors
    /// [`LanguageModelError::Backend`] when a number does not fit llama.cpp's types.
    pub fn new(
        context: LlamaContext<'a>,
        vocabulary: &'a Vocabulary,
        sequences: u32,
        jobs: Vec<Job<'a>>,
    ) -> Result<Self, LanguageModelError> {
        let chunk = usize::try_from(PROMPT_CHUNK).map_err(failed)?;
        Ok(Self {
            context,
            batch: LlamaBatch::new(chunk, 1),
            vocabulary,
            total: jobs.len(),
            waiting: in_order_of_prompts(jobs),
            held: None,
            live: BTreeMap::new(),
            sequences,
            completions: BTreeMap::new(),
            tokens: 0,
        })
    }

    /// Draws all completions; they come back in the order of the jobs.
    ///
    /// # Errors
    /// [`LanguageModelError::Interrupted`] when the sink breaks, else what llama.cpp reports.
    pub fn finish(
        mut self,
        progress: ProgressSink<'_>,
    ) -> Result<Vec<Completion>, LanguageModelError> {
        loop {
            self.admit(progress)?;
            if self.live.is_empty() {
                break;
            }
            self.decode()?;
            self.report(progress)?;
        }
        Ok(self.completions.into_values().collect())
    }

    fn report(&self, progress: ProgressSink<'_>) -> Result<(), LanguageModelError> {
        let (finished, total) = (self.completions.len(), self.total);
        match progress(GenerationProgress { finished, total, tokens: self.tokens }) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(LanguageModelError::Interrupted),
        }
    }

    /// Starts waiting jobs while there are sequences for them.
    fn admit(&mut self, progress: ProgressSink<'_>) -> Result<(), LanguageModelError> {
        while let Some(sequence) = self.free_sequence() {
            let Some(Waiting { index, job }) = self.waiting.pop_front() else { break };
            self.hold(&job.prompt, progress)?;
            self.start(sequence, index, job)?;
            self.report(progress)?;
        }
        Ok(())
    }

    fn free_sequence(&self) -> Option<u32> {
        (0..self.sequences).find(|sequence| !self.live.contains_key(sequence))
    }

    /// Evaluates a prompt in the sequence after the last, unless it is the one held already.
    fn hold(
        &mut self,
        prompt: &[LlamaToken],
        progress: ProgressSink<'_>,
    ) -> Result<(), LanguageModelError> {
        if self.held.as_ref().is_some_and(|held| held.tokens == prompt) {
            return Ok(());
        }
        self.held = None;
        self.clear(self.sequences)?;
        let holder = i32::try_from(self.sequences).map_err(failed)?;
        let chunk = usize::try_from(PROMPT_CHUNK).map_err(failed)?;
        let mut position = 0;
        for tokens in prompt.chunks(chunk) {
            self.batch.clear();
            for &token in tokens {
                position += 1;
                self.batch
                    .add(token, position - 1, &[holder], token_is_last(position, prompt))
                    .map_err(failed)?;
            }
            self.context.decode(&mut self.batch).map_err(failed)?;
            self.report(progress)?;
        }
        let last = self.batch.n_tokens() - 1;
        let logits = self.context.get_logits_ith(last).to_vec();
        self.held = Some(HeldPrompt { tokens: prompt.to_vec(), logits });
        Ok(())
    }

    /// Gives a job its sequence and draws its first token from the logits of the prompt held.
    fn start(
        &mut self,
        sequence: u32,
        index: usize,
        job: Job<'a>,
    ) -> Result<(), LanguageModelError> {
        let Some(held) = &self.held else { return Err(failed("no prompt is held")) };
        let mut draft = Draft::new(job.sampling, job.constraint);
        let step = draft.step(&held.logits, self.vocabulary);
        self.tokens += u64::from(draft.tokens());
        match step {
            Step::Finished(reason) => self.complete(index, draft, reason),
            Step::Token(token) => {
                let from = i32::try_from(self.sequences).map_err(failed)?;
                let to = i32::try_from(sequence).map_err(failed)?;
                self.context.copy_kv_cache_seq(from, to, None, None).map_err(failed)?;
                let next = llama_token(token)?;
                let live = Live { index, draft, next, position: job.prompt.len() };
                self.live.insert(sequence, live);
            }
        }
        Ok(())
    }

    /// Evaluates the last token of every live sequence and draws the next ones.
    fn decode(&mut self) -> Result<(), LanguageModelError> {
        self.batch.clear();
        for (&sequence, live) in &self.live {
            let sequence = i32::try_from(sequence).map_err(failed)?;
            let position = i32::try_from(live.position).map_err(failed)?;
            self.batch.add(live.next, position, &[sequence], true).map_err(failed)?;
        }
        self.context.decode(&mut self.batch).map_err(failed)?;
        for (sequence, reason) in self.draw()? {
            self.clear(sequence)?;
            if let Some(live) = self.live.remove(&sequence) {
                self.complete(live.index, live.draft, reason);
            }
        }
        Ok(())
    }

    /// One step of every live draft; the sequences that are done come back.
    fn draw(&mut self) -> Result<Vec<(u32, FinishReason)>, LanguageModelError> {
        let mut finished = Vec::new();
        for (row, (&sequence, live)) in (0..).zip(&mut self.live) {
            let before = live.draft.tokens();
            let step = live.draft.step(self.context.get_logits_ith(row), self.vocabulary);
            self.tokens += u64::from(live.draft.tokens() - before);
            match step {
                Step::Finished(reason) => finished.push((sequence, reason)),
                Step::Token(token) => {
                    live.next = llama_token(token)?;
                    live.position += 1;
                }
            }
        }
        Ok(finished)
    }

    fn complete(&mut self, index: usize, draft: Draft<'_>, reason: FinishReason) {
        self.completions.insert(index, draft.finish(reason));
    }

    fn clear(&mut self, sequence: u32) -> Result<(), LanguageModelError> {
        self.context.clear_kv_cache_seq(Some(sequence), None, None).map_err(failed)?;
        Ok(())
    }
}

/// Whether `position` tokens are all of the prompt.
fn token_is_last(position: i32, prompt: &[LlamaToken]) -> bool {
    usize::try_from(position).is_ok_and(|position| position == prompt.len())
}

/// The token of an index in the vocabulary.
fn llama_token(index: usize) -> Result<LlamaToken, LanguageModelError> {
    i32::try_from(index).map(LlamaToken).map_err(failed)
}

/// The jobs, each moved up to the first one with the same prompt.
fn in_order_of_prompts(jobs: Vec<Job<'_>>) -> VecDeque<Waiting<'_>> {
    let mut first: BTreeMap<Vec<LlamaToken>, usize> = BTreeMap::new();
    let mut waiting: Vec<(usize, Waiting<'_>)> = Vec::new();
    for (index, job) in jobs.into_iter().enumerate() {
        let group = *first.entry(job.prompt.clone()).or_insert(index);
        waiting.push((group, Waiting { index, job }));
    }
    waiting.sort_by_key(|(group, _)| *group);
    waiting.into_iter().map(|(_, waiting)| waiting).collect()
}
