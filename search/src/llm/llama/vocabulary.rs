//! The texts of a model's tokens, read once. Deliberately not here: probabilities.

use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::token::LlamaToken;

/// One token as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// UTF-8, perhaps only a part of a character; empty for control tokens.
    pub bytes: Vec<u8>,
    /// Whether the model says with it that it is done.
    pub ends_generation: bool,
}

impl Piece {
    /// The text, if it is whole characters and not empty.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.bytes).ok().filter(|text| !text.is_empty())
    }
}

/// All tokens, by index.
#[derive(Debug, Clone)]
pub struct Vocabulary(Vec<Piece>);

impl Vocabulary {
    /// Reads the tokens of `model`.
    #[must_use]
    pub fn of(model: &LlamaModel) -> Self {
        let vocabulary = model.vocab();
        let piece = |token: LlamaToken| Piece {
            bytes: vocabulary.token_to_piece(token, false, None),
            ends_generation: vocabulary.is_eog(token),
        };
        Self(vocabulary.tokens().map(piece).collect())
    }

    /// A vocabulary of the texts given, for tests; an empty text ends the generation.
    #[cfg(test)]
    #[must_use]
    pub fn of_texts(texts: &[&str]) -> Self {
        let piece = |text: &&str| Piece {
            bytes: text.as_bytes().to_vec(),
            ends_generation: text.is_empty(),
        };
        Self(texts.iter().map(piece).collect())
    }

    /// The token of an index.
    #[must_use]
    pub fn piece(&self, token: usize) -> Option<&Piece> {
        self.0.get(token)
    }
}
