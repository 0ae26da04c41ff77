//! A completion while it is drawn: its text, its generator, its constraint, and when it ends.
//! Deliberately not here: llama.cpp; a draft sees rows of logits only.

use rand_chacha::ChaCha8Rng;

use super::sampler::{Candidates, generator};
use super::second_block::second_block;
use super::vocabulary::{Piece, Vocabulary};
use crate::llm::constraint::Constraint;
use crate::llm::{Completion, FinishReason, SamplingParams};

/// Draws that a constraint may refuse before all candidates are asked about.
const REDRAWS: u32 = 4;

/// What a row of logits led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// This token follows; the model is to be asked again.
    Token(usize),
    /// The completion is done.
    Finished(FinishReason),
}

/// A completion under way.
pub struct Draft<'a> {
    sampling: &'a SamplingParams,
    generator: ChaCha8Rng,
    constraint: Option<Box<dyn Constraint>>,
    /// What is left of the head for the model to write: a newline that its prompt must not end in.
    owed: &'static str,
    bytes: Vec<u8>,
    tokens: u32,
    overruled: u32,
}

impl<'a> Draft<'a> {
    /// An empty completion, or one that holds the head of its constraint.
    #[must_use]
    pub fn new(sampling: &'a SamplingParams, constraint: Option<Box<dyn Constraint>>) -> Self {
        let head = constraint.as_ref().map_or("", |constraint| constraint.head());
        let (head, owed) = split_head(head);
        Self {
            sampling,
            generator: generator(sampling),
            bytes: head.as_bytes().to_vec(),
            owed,
            constraint,
            tokens: 0,
            overruled: 0,
        }
    }

    /// Tokens drawn so far.
    #[must_use]
    pub fn tokens(&self) -> u32 {
        self.tokens
    }

    /// Draws the next token from the logits of the whole vocabulary.
    pub fn step(&mut self, logits: &[f32], vocabulary: &Vocabulary) -> Step {
        if let Some(finished) = self.ends_before_a_draw() {
            return Step::Finished(finished);
        }
        let Some(token) = self.draw(logits, vocabulary) else {
            return Step::Finished(self.cut_short());
        };
        self.tokens += 1;
        let Some(piece) = vocabulary.piece(token).filter(|piece| !piece.ends_generation) else {
            return Step::Finished(FinishReason::Complete);
        };
        self.append(piece);
        self.ends_after_a_draw().map_or(Step::Token(token), Step::Finished)
    }

    /// The text as it is.
    #[must_use]
    pub fn finish(self, finish: FinishReason) -> Completion {
        let text = String::from_utf8_lossy(&self.bytes).into_owned();
        Completion { text, finish, tokens: self.tokens, overruled: self.overruled }
    }

    fn ends_before_a_draw(&mut self) -> Option<FinishReason> {
        let out_of_tokens = self.tokens >= self.sampling.max_tokens;
        match self.constraint.as_ref().and_then(|constraint| constraint.forced_ending()) {
            Some(ending) => Some(self.close(&ending)),
            None => out_of_tokens.then_some(FinishReason::Length),
        }
    }

    fn ends_after_a_draw(&mut self) -> Option<FinishReason> {
        match &self.constraint {
            Some(constraint) => constraint.is_complete().then_some(FinishReason::Complete),
            None => {
                let text = String::from_utf8_lossy(&self.bytes);
                let end = second_block(&text)?;
                self.bytes = text.as_bytes().get(..end)?.to_vec();
                Some(FinishReason::SecondBlock)
            }
        }
    }

    /// No token may follow: the constraint's ending if it has one.
    fn cut_short(&mut self) -> FinishReason {
        let ending = self.constraint.as_ref().and_then(|constraint| constraint.forced_ending());
        ending.map_or(FinishReason::Length, |ending| self.close(&ending))
    }

    fn close(&mut self, ending: &str) -> FinishReason {
        self.bytes.extend_from_slice(std::mem::take(&mut self.owed).as_bytes());
        self.bytes.extend_from_slice(ending.as_bytes());
        FinishReason::Complete
    }

    fn append(&mut self, piece: &Piece) {
        self.bytes.extend_from_slice(&piece.bytes);
        let owed = std::mem::take(&mut self.owed);
        let text = piece.text().and_then(|text| text.strip_prefix(owed));
        if let (Some(constraint), Some(text)) = (&mut self.constraint, text)
            && !text.is_empty()
        {
            constraint.advance(text);
        }
    }

    /// One draw, or the draws until the constraint accepts one: either way the tokens come as
    /// often as among those that are allowed.
    fn draw(&mut self, logits: &[f32], vocabulary: &Vocabulary) -> Option<usize> {
        let SamplingParams { temperature, top_k, .. } = *self.sampling;
        let mut candidates = Candidates::best(logits, temperature, top_k);
        let Some(constraint) = &self.constraint else {
            return candidates.take(&mut self.generator);
        };
        let owed = self.owed;
        let accepts = |token: usize| {
            let text = vocabulary.piece(token).filter(|piece| !piece.ends_generation);
            let text = text.and_then(Piece::text).and_then(|text| text.strip_prefix(owed));
            text.is_some_and(|text| text.is_empty() || constraint.accepts(text))
        };
        for redraw in 0..=REDRAWS {
            let Some(token) = candidates.take(&mut self.generator) else { break };
            if accepts(token) {
                return Some(token);
            }
            if redraw == 0 {
                self.overruled += 1;
            }
        }
        candidates.retain(accepts);
        candidates.take(&mut self.generator).or_else(|| {
            Candidates::best_allowed(logits, temperature, top_k, accepts).take(&mut self.generator)
        })
    }
}

/// A head as the prompt ends with it, and the newline that is left to the model: tokenizers merge
/// a newline with the indentation after it, so a model seldom sees a line begin on its own.
#[must_use]
pub fn split_head(head: &str) -> (&str, &'static str) {
    head.strip_suffix('\n').map_or((head, ""), |head| (head, "\n"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
    use super::{Draft, Step};
    use crate::llm::constraint::Constraint;
    use crate::llm::llama::vocabulary::Vocabulary;
    use crate::llm::{Completion, FinishReason, SamplingParams};

    /// `b` as often as `length` says; `starved` forces an ending at once.
    struct OnlyB {
        head: &'static str,
        length: usize,
        starved: bool,
    }

    impl Constraint for OnlyB {
        fn head(&self) -> &str {
            self.head
        }
        fn accepts(&self, piece: &str) -> bool {
            piece == "b"
        }
        fn advance(&mut self, _: &str) {
            self.length -= 1;
        }
        fn is_complete(&self) -> bool {
            self.length == 0
        }
        fn forced_ending(&self) -> Option<String> {
            self.starved.then(|| "ending".to_owned())
        }
    }

    const TEXTS: [&str; 10] =
        ["", "a", "class Net:\n", "    pass\n", "print", "c", "d", "e", "b", "\nb"];

    /// Draws greedily, the best token of each step given.
    fn complete(
        constraint: Option<OnlyB>,
        max_tokens: u32,
        best: &[usize],
        temperature: f32,
    ) -> Completion {
        let sampling = SamplingParams { temperature, top_k: 0, max_tokens, seed: 1 };
        let constraint = constraint.map(|only| Box::new(only) as Box<dyn Constraint>);
        let mut draft = Draft::new(&sampling, constraint);
        for token in best.iter().chain(std::iter::repeat(&1)) {
            let mut logits = [0.0; TEXTS.len()];
            logits[*token] = 9.0;
            if let Step::Finished(reason) = draft.step(&logits, &Vocabulary::of_texts(&TEXTS)) {
                return draft.finish(reason);
            }
        }
        unreachable!("the draft ends at max_tokens");
    }

    #[test]
    fn an_end_token_the_token_budget_and_a_second_block_end_a_free_text() {
        let ended = complete(None, 9, &[1, 1, 0], 0.0);
        assert_eq!((ended.text.as_str(), ended.finish), ("aa", FinishReason::Complete));
        let long = complete(None, 3, &[], 0.0);
        assert_eq!((long.text.as_str(), long.finish), ("aaa", FinishReason::Length));
        assert_eq!((long.tokens, long.overruled), (3, 0));
        let second = complete(None, 9, &[2, 3, 4], 0.0);
        assert_eq!(second.text, "class Net:\n    pass\n");
        assert_eq!(second.finish, FinishReason::SecondBlock);
    }

    #[test]
    fn a_constraint_overrules_the_model_and_says_when_the_text_is_complete() {
        for temperature in [0.0, 0.6] {
            let only = OnlyB { head: "head:", length: 3, starved: false };
            let obeyed = complete(Some(only), 9, &[1, 8, 0], temperature);
            assert_eq!(obeyed.text, "head:bbb");
            assert_eq!((obeyed.finish, obeyed.tokens), (FinishReason::Complete, 3));
            assert_eq!(obeyed.overruled, 2);
        }
    }

    #[test]
    fn a_forced_ending_completes_the_text_without_a_draw() {
        let starved =
            complete(Some(OnlyB { head: "head\n", length: 3, starved: true }), 9, &[], 0.6);
        assert_eq!(starved.text, "head\nending");
        assert_eq!((starved.finish, starved.tokens), (FinishReason::Complete, 0));
    }

    #[test]
    fn a_newline_at_the_end_of_a_head_is_left_to_the_model() {
        let only = OnlyB { head: "head\n", length: 2, starved: false };
        let written = complete(Some(only), 9, &[8, 9], 0.0);
        assert_eq!(written.text, "head\nbb");
        assert_eq!(written.overruled, 2);
    }
}
