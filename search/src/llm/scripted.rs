//! A language model whose answers are given beforehand, for tests and for replaying a run.
//! Deliberately not here: any look at the prompt; answers come in the order of the script, or as
//! seeds pick them.

use std::ops::ControlFlow;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::{
    Completion, FinishReason, GenerationProgress, LanguageModel, LanguageModelError, ProgressSink,
    Request,
};

/// The line that separates two completions of a script.
pub const SEPARATOR: &str = "=== completion";

/// What happens after the last answer of a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AtEnd {
    /// [`LanguageModelError::ScriptExhausted`].
    Stop,
    /// The first answer comes again.
    Cycle,
    /// There is none: a request's seed picks its answer, so that equal requests get equal answers
    /// whatever came before, as from a real model. For runs that are resumed.
    BySeed,
}

/// Canned completions, in order.
#[derive(Debug, Clone)]
pub struct ScriptedModel {
    answers: Vec<String>,
    at_end: AtEnd,
    given: usize,
    /// Of the script, in hexadecimal.
    fingerprint: String,
}

impl ScriptedModel {
    /// The completions of `script`, separated by lines that equal [`SEPARATOR`].
    #[must_use]
    pub fn new(script: &str, at_end: AtEnd) -> Self {
        let mut answers = vec![String::new()];
        for line in script.split_inclusive('\n') {
            if line.trim_end() == SEPARATOR {
                answers.push(String::new());
            } else if let Some(answer) = answers.last_mut() {
                answer.push_str(line);
            }
        }
        answers.retain(|answer| !answer.trim().is_empty());
        let digest = Sha256::digest(script.as_bytes());
        let fingerprint = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        Self { answers, at_end, given: 0, fingerprint }
    }

    /// The completions of a script in a file.
    ///
    /// # Errors
    /// [`LanguageModelError::Load`] when the file cannot be read as UTF-8 text.
    pub fn from_file(path: &Path, at_end: AtEnd) -> Result<Self, LanguageModelError> {
        let script = std::fs::read_to_string(path).map_err(|error| LanguageModelError::Load {
            path: path.to_path_buf(),
            reason: error.to_string(),
        })?;
        Ok(Self::new(&script, at_end))
    }

    /// The next answer of the script, or the one of a seed.
    fn next_answer(&mut self, seed: u64) -> Result<Completion, LanguageModelError> {
        let index = match self.at_end {
            AtEnd::Stop => self.given,
            AtEnd::Cycle => self.given.checked_rem(self.answers.len()).unwrap_or(0),
            AtEnd::BySeed => {
                let picked = seed.checked_rem(self.answers.len() as u64).unwrap_or(0);
                usize::try_from(picked).unwrap_or(0)
            }
        };
        let exhausted = LanguageModelError::ScriptExhausted { given: self.given };
        let text = self.answers.get(index).ok_or(exhausted)?.clone();
        self.given += 1;
        Ok(Completion { text, finish: FinishReason::Complete, tokens: 0, overruled: 0 })
    }
}

impl LanguageModel for ScriptedModel {
    fn describe(&self) -> String {
        format!("scripted, {} answers (sha256 {})", self.answers.len(), self.fingerprint)
    }

    fn generate(
        &mut self,
        requests: &[Request],
        progress: ProgressSink<'_>,
    ) -> Result<Vec<Completion>, LanguageModelError> {
        let mut completions = Vec::with_capacity(requests.len());
        for request in requests {
            completions.push(self.next_answer(request.sampling.seed)?);
            let now = GenerationProgress {
                finished: completions.len(),
                total: requests.len(),
                tokens: 0,
            };
            if let ControlFlow::Break(()) = progress(now) {
                return Err(LanguageModelError::Interrupted);
            }
        }
        Ok(completions)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
    use std::ops::ControlFlow;

    use super::{AtEnd, ScriptedModel};
    use crate::llm::{Decoding, LanguageModel, LanguageModelError, Request, SamplingParams};

    const SCRIPT: &str = "first\nline\n=== completion\nsecond\n";

    fn requests(count: usize) -> Vec<Request> {
        let sampling = SamplingParams { temperature: 0.6, top_k: 40, max_tokens: 8, seed: 1 };
        vec![Request { prompt: "prompt".into(), sampling, decoding: Decoding::Free }; count]
    }

    #[test]
    fn answers_come_in_the_order_of_the_script_and_begin_again_when_asked_to() {
        let mut model = ScriptedModel::new(SCRIPT, AtEnd::Cycle);
        let mut finished = Vec::new();
        let completions = model
            .generate(&requests(3), &mut |now| {
                finished.push(now.finished);
                ControlFlow::Continue(())
            })
            .unwrap();
        let texts: Vec<&str> = completions.iter().map(|answer| answer.text.as_str()).collect();
        assert_eq!(texts, ["first\nline\n", "second\n", "first\nline\n"]);
        assert_eq!(finished, [1, 2, 3]);
    }

    #[test]
    fn scripts_of_equally_many_answers_are_told_apart() {
        let describe = |script| ScriptedModel::new(script, AtEnd::Stop).describe();
        assert_eq!(describe(SCRIPT), describe(SCRIPT));
        assert_ne!(describe(SCRIPT), describe("first\nline\n=== completion\nthird\n"));
        assert!(describe(SCRIPT).contains("2 answers"));
    }

    #[test]
    fn a_seed_picks_the_same_answer_whatever_was_asked_before() {
        let mut model = ScriptedModel::new(SCRIPT, AtEnd::BySeed);
        let mut asked = requests(3);
        asked[1].sampling.seed = 2;
        let answers = model.generate(&asked, &mut |_| ControlFlow::Continue(())).unwrap();
        let texts: Vec<&str> = answers.iter().map(|answer| answer.text.as_str()).collect();
        assert_eq!(texts, ["second\n", "first\nline\n", "second\n"]);
    }

    #[test]
    fn a_script_that_stops_says_how_many_answers_it_gave_and_a_sink_can_interrupt() {
        let mut model = ScriptedModel::new(SCRIPT, AtEnd::Stop);
        let exhausted = model.generate(&requests(3), &mut |_| ControlFlow::Continue(()));
        assert!(matches!(exhausted, Err(LanguageModelError::ScriptExhausted { given: 2 })));

        let mut model = ScriptedModel::new(SCRIPT, AtEnd::Stop);
        let interrupted = model.generate(&requests(2), &mut |_| ControlFlow::Break(()));
        assert!(matches!(interrupted, Err(LanguageModelError::Interrupted)));
    }
}
