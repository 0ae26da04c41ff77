//! A language model whose answers are given beforehand, for tests and for replaying a run.
//! Deliberately not here: any look at the prompt; answers come in the order of the script.

use std::ops::ControlFlow;
use std::path::Path;

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
}

/// Canned completions, in order.
#[derive(Debug, Clone)]
pub struct ScriptedModel {
    answers: Vec<String>,
    at_end: AtEnd,
    given: usize,
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
        Self { answers, at_end, given: 0 }
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

    /// The next answer of the script.
    fn next_answer(&mut self) -> Result<Completion, LanguageModelError> {
        let index = match self.at_end {
            AtEnd::Stop => self.given,
            AtEnd::Cycle => self.given.checked_rem(self.answers.len()).unwrap_or(0),
        };
        let exhausted = LanguageModelError::ScriptExhausted { given: self.given };
        let text = self.answers.get(index).ok_or(exhausted)?.clone();
        self.given += 1;
        Ok(Completion { text, finish: FinishReason::Complete, tokens: 0, overruled: 0 })
    }
}

impl LanguageModel for ScriptedModel {
    fn describe(&self) -> String {
        format!("scripted ({} answers)", self.answers.len())
    }

    fn generate(
        &mut self,
        requests: &[Request],
        progress: ProgressSink<'_>,
    ) -> Result<Vec<Completion>, LanguageModelError> {
        let mut completions = Vec::with_capacity(requests.len());
        for _ in requests {
            completions.push(self.next_answer()?);
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
