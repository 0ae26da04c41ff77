//! The whole path with a real model; skipped where the default model has not been fetched.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::io::Write as _;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use super::{LlamaModel, LlamaOptions};
use crate::llm::constraint::Constraint;
use crate::llm::shape::ShapeConstraint;
use crate::llm::{
    Completion, Decoding, FinishReason, LanguageModel, LanguageModelError, Request, SamplingParams,
    ShapeTarget,
};

const PROMPT: &str = "import torch\nimport torch.nn as nn\n\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()";

fn options() -> LlamaOptions {
    LlamaOptions { threads: 1, context_tokens: 2048, gpu_layers: 0, batch_sequences: 3 }
}

/// The default model, or `None` with a line that says so.
fn model() -> Option<LlamaModel> {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")))?;
    let path = cache.join("nasc/models/SmolLM2-135M-Instruct.Q4_1.gguf");
    if !path.exists() {
        println!("skipped: {} is not there", path.display());
        return None;
    }
    Some(LlamaModel::load(&path, &options(), &mut |_, _| ()).unwrap())
}

fn request(prompt: &str, seed: u64) -> Request {
    let sampling = SamplingParams { temperature: 0.8, top_k: 50, max_tokens: 12, seed };
    Request { prompt: prompt.to_owned(), sampling, decoding: Decoding::Free }
}

fn generate(model: &mut LlamaModel, requests: &[Request]) -> Vec<Completion> {
    model.generate(requests, &mut |_| ControlFlow::Continue(())).unwrap()
}

fn load_error(path: &Path) -> String {
    LlamaModel::load(path, &options(), &mut |_, _| ()).err().unwrap().to_string()
}

#[test]
fn a_file_that_is_not_there_or_is_no_model_is_named_with_the_reason() {
    let missing = load_error(Path::new("nowhere/model.gguf"));
    assert!(missing.contains("nowhere/model.gguf") && missing.contains("no such file"));
    let mut text = tempfile::NamedTempFile::new().unwrap();
    text.write_all(b"version https://git-lfs").unwrap();
    assert!(load_error(text.path()).contains("not a GGUF file"));
    let mut read = (0, 0);
    let told = &mut |done, total| read = (done, total);
    LlamaModel::load(text.path(), &options(), told).err().unwrap();
    assert_eq!(read, (0, 0), "what is no model is not read to its end");
    let mut damaged = tempfile::NamedTempFile::new().unwrap();
    damaged.write_all(b"GGUF\x03\0\0\0").unwrap();
    assert!(load_error(damaged.path()).contains("llama.cpp refuses it"));
}

#[test]
fn two_runs_give_equal_completions_and_another_seed_another_one() {
    let Some(mut model) = model() else { return };
    let other = "The capital of France is";
    let requests: Vec<Request> = [(PROMPT, 1), (other, 2), (PROMPT, 3), (other, 2), (PROMPT, 5)]
        .map(|(prompt, seed)| request(prompt, seed))
        .to_vec();
    let first = generate(&mut model, &requests);
    assert_eq!(first, generate(&mut model, &requests));
    assert_eq!(first.len(), 5);
    assert_eq!(first[1], first[3]);
    assert!(first[0].text != first[2].text || first[0].text != first[4].text);
    let mut greedy = request(other, 1);
    greedy.sampling.temperature = 0.0;
    assert!(generate(&mut model, &[greedy])[0].text.contains("Paris"));
}

#[test]
fn a_sink_interrupts_and_a_long_prompt_is_refused_before_anything_is_drawn() {
    let Some(mut model) = model() else { return };
    let interrupted = model.generate(&[request(PROMPT, 1)], &mut |_| ControlFlow::Break(()));
    assert!(matches!(interrupted, Err(LanguageModelError::Interrupted)));
    let mut long = request(PROMPT, 1);
    long.sampling.max_tokens = 1024;
    let refused = model.generate(&[long], &mut |_| panic!("nothing is to be drawn"));
    assert!(matches!(
        refused,
        Err(LanguageModelError::PromptTooLong { tokens: 1025.., context: 1024 })
    ));
}

/// Three digits and a full stop.
struct Digits(usize);

impl Constraint for Digits {
    fn head(&self) -> &str {
        "answer = "
    }

    fn accepts(&self, piece: &str) -> bool {
        piece.len() + self.0 <= 3 && piece.bytes().all(|byte| byte.is_ascii_digit())
    }

    fn advance(&mut self, piece: &str) {
        self.0 += piece.len();
    }

    fn is_complete(&self) -> bool {
        false
    }

    fn forced_ending(&self) -> Option<String> {
        (self.0 == 3).then(|| ".".to_owned())
    }
}

#[test]
fn a_constraint_is_obeyed_whatever_the_model_would_write() {
    let Some(model) = model() else { return };
    let request = request(PROMPT, 1);
    let job = model.job(&request, Some(Box::new(Digits(0)))).unwrap();
    let completions = model.run(vec![job], &mut |_| ControlFlow::Continue(())).unwrap();
    let Completion { text, finish, overruled, .. } = &completions[0];
    let digits = text.strip_prefix("answer = ").unwrap().strip_suffix('.').unwrap();
    assert!(digits.len() == 3 && digits.bytes().all(|byte| byte.is_ascii_digit()), "{text}");
    assert_eq!(*finish, FinishReason::Complete);
    assert!(*overruled > 0);
}

#[test]
fn shape_directed_completions_are_whole_programs_of_the_shape() {
    let Some(mut model) = model() else { return };
    let target = ShapeTarget {
        input: [1, 8, 8],
        classes: 10,
        max_params: 100_000,
        max_macs: 1_000_000,
        convolutions: 0,
    };
    let mut shaped = request("# A small network for digits", 1);
    shaped.sampling.max_tokens = 120;
    shaped.decoding = Decoding::Shape(target.clone());
    let completion = generate(&mut model, &[shaped]).remove(0);
    assert_eq!(completion.finish, FinishReason::Complete);
    let mut recogniser = ShapeConstraint::new(&target, 120);
    let program = completion.text.strip_prefix(recogniser.head()).unwrap();
    assert!(recogniser.accepts(program), "{program}");
    recogniser.advance(program);
    assert!(recogniser.is_complete(), "{program}");
}
