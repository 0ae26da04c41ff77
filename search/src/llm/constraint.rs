//! What a decoder asks while a completion is drawn: may this piece follow, is the text complete?
//! Deliberately not here: tokens, probabilities and drawing (see `llama`).

/// A rule that a continuation obeys, asked piece by piece.
pub trait Constraint {
    /// Text that stands between the prompt and the first token; the completion begins with it.
    fn head(&self) -> &str;

    /// Whether `piece` may follow what was advanced over so far.
    fn accepts(&self, piece: &str) -> bool;

    /// Appends a piece that [`Constraint::accepts`] said yes to.
    fn advance(&mut self, piece: &str);

    /// Whether the text is complete: nothing more is drawn.
    fn is_complete(&self) -> bool;

    /// When the tokens run low: text that completes what is there. It is appended and the
    /// completion ends.
    fn forced_ending(&self) -> Option<String>;
}
