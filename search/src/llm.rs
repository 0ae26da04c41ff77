//! The language model as the search sees it: requests in, completions out, in the same order.
//! Implementations: `scripted` (canned answers, for tests) and `llama` (llama.cpp, feature `llama`).
//! Deliberately not here: prompts (see `prompt`), finding code in an answer (see `extract`).

pub mod absent;
pub mod constraint;
#[cfg(feature = "llama")]
pub mod llama;
pub mod scripted;
pub mod shape;

use std::ops::ControlFlow;

/// How one completion is drawn. Equal calls of [`LanguageModel::generate`] give equal completions;
/// each has its own seed, so that no draw depends on how many others were made before it.
#[derive(Debug, Clone, PartialEq)]
pub struct SamplingParams {
    /// Softmax temperature; 0 takes the most probable token.
    pub temperature: f32,
    /// Draw from the `top_k` most probable tokens only; 0 means all of them.
    pub top_k: u32,
    /// At most this many new tokens.
    pub max_tokens: u32,
    /// Seed of this completion alone.
    pub seed: u64,
}

/// One text to be continued.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The text the model continues. It must not end in a newline: some tokenizers merge it
    /// with the indentation that follows.
    pub prompt: String,
    /// How to draw.
    pub sampling: SamplingParams,
    /// What the continuation may be.
    pub decoding: Decoding,
}

/// What restricts a continuation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decoding {
    /// Whatever the model writes, as in the paper.
    Free,
    /// Only programs that can still become a network of this signature.
    Shape(ShapeTarget),
    /// Only cells of NAS-Bench-201, and none that computes what one of these does.
    Cell {
        /// The cells left out.
        left_out: Vec<nasc_compiler::cell::Cell>,
        /// Whether those are left out, too, that this call completes; the same for all its requests.
        distinct: bool,
    },
}

/// The signature that shape-directed decoding steers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShapeTarget {
    /// Channels, height and width of one image.
    pub input: [u64; 3],
    /// Number of classes: the network's output is `[N, classes]`.
    pub classes: u64,
    /// At most this many parameters.
    pub max_params: u64,
    /// At most this many multiply-accumulates for one image.
    pub max_macs: u64,
    /// So many convolutions come before the first linear layer, as far as the budgets have room.
    pub convolutions: u64,
}

/// Why a completion ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// The model or the decoder said that the text is complete.
    Complete,
    /// `max_tokens` were drawn.
    Length,
    /// A second top-level block began; the text ends before it.
    SecondBlock,
}

/// What the model wrote.
#[derive(Debug, Clone, PartialEq)]
pub struct Completion {
    /// The continuation, without the prompt. With [`Decoding::Shape`] it begins with the head
    /// (`class Net(nn.Module):` ...) that the decoder wrote for the model.
    pub text: String,
    /// Why it ended.
    pub finish: FinishReason,
    /// Tokens drawn.
    pub tokens: u32,
    /// Tokens where the model's own draw was overruled by the decoder.
    pub overruled: u32,
}

/// What is told while a batch is generated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GenerationProgress {
    /// Completions that are finished.
    pub finished: usize,
    /// Completions asked for.
    pub total: usize,
    /// Tokens drawn so far in the whole batch.
    pub tokens: u64,
}

/// Called now and then during generation; `Break` stops it with [`LanguageModelError::Interrupted`].
pub type ProgressSink<'a> = &'a mut dyn FnMut(GenerationProgress) -> ControlFlow<()>;

/// A source of completions.
pub trait LanguageModel {
    /// Name and fingerprint for the run's record, e.g. `SmolLM2-135M-Instruct Q4_1 (sha256 ab12…)`.
    fn describe(&self) -> String;

    /// Continues every request; the answers are in the order of the requests.
    ///
    /// # Errors
    /// [`LanguageModelError`] when the model cannot run; a poor answer is not an error.
    fn generate(
        &mut self,
        requests: &[Request],
        progress: ProgressSink<'_>,
    ) -> Result<Vec<Completion>, LanguageModelError>;
}

/// The language model cannot run.
#[derive(Debug, thiserror::Error)]
pub enum LanguageModelError {
    /// The model file cannot be used.
    #[error(
        "the model file {path} cannot be loaded: {reason}; pass another one with --model FILE.gguf"
    )]
    Load {
        /// The file.
        path: std::path::PathBuf,
        /// What was wrong with it.
        reason: String,
    },
    /// The backend failed while it ran.
    #[error("the language model failed: {reason}")]
    Backend {
        /// What the backend said.
        reason: String,
    },
    /// The prompt leaves no room in the model's context.
    #[error(
        "a prompt of {tokens} tokens does not fit the model's context of {context}; use a shorter parent or a model with a longer context"
    )]
    PromptTooLong {
        /// Tokens of the prompt plus those to be drawn.
        tokens: usize,
        /// Tokens the context holds.
        context: usize,
    },
    /// A scripted model has no more answers.
    #[error("the scripted model has no answer left after {given}")]
    ScriptExhausted {
        /// Answers already given.
        given: usize,
    },
    /// The progress sink asked to stop.
    #[error("generation was interrupted")]
    Interrupted,
}
