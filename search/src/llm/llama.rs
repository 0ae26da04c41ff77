//! Completions from llama.cpp: a GGUF model on the processor, or on a GPU with feature `cuda`.
//! Deliberately not here: finding or fetching model files, and the environment. A program that
//! uses this should set [`OPENMP_WAIT_POLICY`] before it starts a thread.

mod backend;
mod batch;
mod draft;
mod file;
mod sampler;
mod second_block;
mod vocabulary;

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;

use self::backend::Room;
use self::batch::Job;
use self::draft::split_head;
use self::vocabulary::Vocabulary;
use super::constraint::Constraint;
use super::shape::{CellConstraint, LeftOut, ShapeConstraint};
use super::{Completion, Decoding, LanguageModel, LanguageModelError, ProgressSink, Request};

/// Environment variable and value under which llama.cpp's threads sleep while they wait. By
/// default they spin, and a decode with other threads busy takes ten times as long.
pub const OPENMP_WAIT_POLICY: (&str, &str) = ("OMP_WAIT_POLICY", "passive");

/// How a model is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LlamaOptions {
    /// Threads of llama.cpp.
    pub threads: u32,
    /// Tokens in memory at once. A prompt with its answer may take half of them; as many sequences run
    /// together as fit, each with cells for the longest prompt and answer of the call.
    pub context_tokens: u32,
    /// Layers on the GPU; without a GPU it makes no difference.
    pub gpu_layers: u32,
    /// At most this many completions are drawn together, 1 to 255.
    pub batch_sequences: u32,
}

/// A GGUF model in memory.
///
/// Equal calls of [`LanguageModel::generate`] give equal completions on one machine. With other
/// requests beside it, or another [`LlamaOptions::batch_sequences`], a request's logits are rounded
/// differently in their last digits, which now and then changes a draw and all that follows it.
pub struct LlamaModel {
    model: llama_cpp_2::model::LlamaModel,
    vocabulary: Vocabulary,
    options: LlamaOptions,
    description: String,
}

impl LlamaModel {
    /// Reads a GGUF file; `told` hears how many bytes of how many were read for its fingerprint.
    ///
    /// # Errors
    /// [`LanguageModelError::Load`] when the file is missing, is not GGUF, or holds what llama.cpp
    /// cannot run; [`LanguageModelError::Backend`] when llama.cpp does not start.
    pub fn load(
        path: &Path,
        options: &LlamaOptions,
        told: &mut dyn FnMut(u64, u64),
    ) -> Result<Self, LanguageModelError> {
        let description = file::describe(path, told)?;
        let model = backend::load(path, options.gpu_layers)?;
        let vocabulary = Vocabulary::of(&model);
        tracing::debug!(%description, parameters = model.n_params(), "language model loaded");
        Ok(Self { model, vocabulary, options: options.clone(), description })
    }

    /// The prompt of a request as tokens, its constraint's head included, checked for length.
    fn job<'a>(
        &self,
        request: &'a Request,
        constraint: Option<Box<dyn Constraint>>,
    ) -> Result<Job<'a>, LanguageModelError> {
        let head = constraint.as_ref().map(|constraint| split_head(constraint.head()).0);
        let head = head.map(|head| format!("\n{head}"));
        let text = format!("{}{}", request.prompt, head.unwrap_or_default());
        let prompt = self.model.vocab().tokenize(text.as_bytes(), true, false);
        if prompt.is_empty() {
            return Err(LanguageModelError::Backend { reason: "the prompt is empty".to_owned() });
        }
        let context = (self.options.context_tokens / 2).min(self.model.n_ctx_train());
        let context = usize::try_from(context).unwrap_or(usize::MAX);
        let answer = usize::try_from(request.sampling.max_tokens).unwrap_or(usize::MAX);
        let tokens = prompt.len().saturating_add(answer);
        if tokens > context {
            return Err(LanguageModelError::PromptTooLong { tokens, context });
        }
        Ok(Job { prompt, answer, sampling: &request.sampling, constraint })
    }

    fn run(
        &self,
        jobs: Vec<Job<'_>>,
        progress: ProgressSink<'_>,
    ) -> Result<Vec<Completion>, LanguageModelError> {
        let longest = jobs.iter().map(|job| job.prompt.len() + job.answer).max().unwrap_or(0);
        let room = Room::new(&self.options, jobs.len(), longest);
        let context = backend::context(&self.model, &self.options, room)?;
        batch::Run::new(context, &self.vocabulary, room.sequences, jobs)?.finish(progress)
    }
}

/// What the requests of a call leave out together.
type Shared = Rc<RefCell<LeftOut>>;

/// What they leave out together, from the first of them that does.
fn shared(requests: &[Request]) -> Shared {
    let left_out = requests.iter().find_map(|request| match &request.decoding {
        Decoding::Cell { left_out, distinct: true } => Some(left_out.as_slice()),
        Decoding::Free | Decoding::Shape(_) | Decoding::Cell { .. } => None,
    });
    Rc::new(RefCell::new(LeftOut::new(left_out.unwrap_or_default())))
}

/// The constraint of a request, if it has one.
fn constraint(request: &Request, shared: &Shared) -> Option<Box<dyn Constraint>> {
    match &request.decoding {
        Decoding::Free => None,
        Decoding::Shape(target) => {
            Some(Box::new(ShapeConstraint::new(target, request.sampling.max_tokens)))
        }
        Decoding::Cell { distinct: true, .. } => Some(Box::new(CellConstraint::sharing(shared))),
        Decoding::Cell { left_out, .. } => Some(Box::new(CellConstraint::new(left_out))),
    }
}

impl LanguageModel for LlamaModel {
    fn describe(&self) -> String {
        self.description.clone()
    }

    fn generate(
        &mut self,
        requests: &[Request],
        progress: ProgressSink<'_>,
    ) -> Result<Vec<Completion>, LanguageModelError> {
        if requests.is_empty() {
            return Ok(Vec::new());
        }
        let shared = shared(requests);
        let job = |request| self.job(request, constraint(request, &shared));
        let jobs = requests.iter().map(job).collect::<Result<Vec<_>, _>>()?;
        self.run(jobs, progress)
    }
}

#[cfg(test)]
mod tests;
