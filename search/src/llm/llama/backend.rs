//! llama.cpp itself: started once per process and silent; models and contexts made from options.
//! Deliberately not here: what is decoded.

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::OnceLock;

use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::context::params::LlamaContextParams;
use llama_cpp_2::llama_backend::LlamaBackend;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::model::params::LlamaModelParams;
use llama_cpp_2::{LogOptions, send_logs_to_tracing};

use super::LlamaOptions;
use crate::llm::LanguageModelError;

/// Sequences that llama.cpp can tell apart in one context.
const MAX_SEQUENCES: u32 = 256;

/// Tokens of a prompt that are evaluated together.
pub const PROMPT_CHUNK: u32 = 512;

/// An error of llama.cpp in its own words.
pub fn failed(error: impl std::fmt::Display) -> LanguageModelError {
    LanguageModelError::Backend { reason: error.to_string() }
}

/// llama.cpp, started when first asked for.
fn backend() -> Result<&'static LlamaBackend, LanguageModelError> {
    static BACKEND: OnceLock<Result<LlamaBackend, String>> = OnceLock::new();
    let started = BACKEND.get_or_init(|| {
        send_logs_to_tracing(LogOptions::default().with_logs_enabled(false));
        LlamaBackend::init().map_err(|error| error.to_string())
    });
    started.as_ref().map_err(failed)
}

/// Loads a file that is known to be GGUF.
///
/// # Errors
/// [`LanguageModelError`] when llama.cpp refuses the file or does not start.
pub fn load(path: &Path, gpu_layers: u32) -> Result<LlamaModel, LanguageModelError> {
    let parameters = LlamaModelParams::default().with_n_gpu_layers(gpu_layers);
    LlamaModel::load_from_file(backend()?, path, &parameters).map_err(|error| {
        LanguageModelError::Load {
            path: path.to_path_buf(),
            reason: format!(
                "llama.cpp refuses it ({error}): it is damaged, of an architecture that llama.cpp does not know, or too large for the memory"
            ),
        }
    })
}

/// How many completions are drawn together, and the cells that each has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Completions drawn together.
    pub sequences: u32,
    /// Tokens of the longest prompt with its answer.
    pub cells: u32,
}

/// `LLAMA_FLASH_ATTN_TYPE_DISABLED`: on the CPU its kernel for single tokens took more than half of all time.
const FLASH_ATTENTION_OFF: std::ffi::c_int = 0;

/// llama.cpp rounds the cells of a sequence up to a multiple of this.
const CELLS: u32 = 256;

impl Room {
    /// Room for `jobs` completions of at most `longest` tokens, prompts included. Each sequence has its own
    /// cells: with common ones every token would look at those of all others.
    pub fn new(options: &LlamaOptions, jobs: usize, longest: usize) -> Room {
        let cells = u32::try_from(longest).unwrap_or(u32::MAX).max(1);
        let cells = cells.checked_next_multiple_of(CELLS).unwrap_or(u32::MAX);
        let wanted = options.batch_sequences.min(u32::try_from(jobs).unwrap_or(u32::MAX));
        // one more holds the prompt
        let fitting = (options.context_tokens / cells).saturating_sub(1);
        Room { sequences: wanted.min(fitting).max(1), cells }
    }
}

/// A context for as many sequences as there is room for, and one that holds a prompt.
///
/// # Errors
/// [`LanguageModelError::Backend`] when the options make no sense or the memory does not suffice.
pub fn context<'a>(
    model: &'a LlamaModel,
    options: &LlamaOptions,
    room: Room,
) -> Result<LlamaContext<'a>, LanguageModelError> {
    let most = options.batch_sequences.saturating_add(1);
    if !(2..=MAX_SEQUENCES).contains(&most) {
        return Err(failed(format!(
            "{} completions cannot be drawn together; take 1 to {}",
            options.batch_sequences,
            MAX_SEQUENCES - 1
        )));
    }
    let sequences = room.sequences + 1;
    let threads = i32::try_from(options.threads.max(1)).map_err(failed)?;
    let parameters = LlamaContextParams::default()
        .with_n_ctx(NonZeroU32::new(room.cells.saturating_mul(sequences)))
        .with_n_batch(PROMPT_CHUNK)
        .with_n_ubatch(PROMPT_CHUNK)
        .with_n_seq_max(sequences)
        .with_kv_unified(false)
        .with_flash_attention_policy(FLASH_ATTENTION_OFF)
        .with_n_threads(threads)
        .with_n_threads_batch(threads)
        .with_no_perf(true);
    model.new_context(backend()?, parameters).map_err(failed)
}
