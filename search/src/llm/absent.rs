//! The language model of a run that has none: its proposer writes every source itself.

use super::{Completion, LanguageModel, LanguageModelError, ProgressSink, Request};

/// No language model.
#[derive(Debug, Clone, Copy)]
pub struct NoLanguageModel;

impl LanguageModel for NoLanguageModel {
    fn describe(&self) -> String {
        "no language model".to_owned()
    }

    fn generate(
        &mut self,
        requests: &[Request],
        _: ProgressSink<'_>,
    ) -> Result<Vec<Completion>, LanguageModelError> {
        match requests.len() {
            0 => Ok(Vec::new()),
            asked => Err(LanguageModelError::Backend {
                reason: format!("{asked} texts were asked for in a run without one"),
            }),
        }
    }
}
