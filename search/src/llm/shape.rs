//! Shape-directed decoding of flat networks: which text may come next so that the program ends as
//! a network of a [`ShapeTarget`]. The shape is followed while `__init__` is written, because
//! `forward` uses the layers in the order of their declaration, each once. Pure logic over
//! characters; deliberately not here: tokens, probabilities, the language model.

mod arguments;
mod cell;
mod grammar;
mod names;
mod network;
mod number;
#[cfg(test)]
mod tests;

pub use cell::{CellConstraint, LeftOut};

use super::ShapeTarget;
use super::constraint::Constraint;
use grammar::{Program, Slot};
use network::LayerKind;

/// What every program begins with.
const HEAD: &str = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n\n\n\
                    class Net(nn.Module):\n    def __init__(self):\n        \
                    super().__init__()\n";
/// Tokens that a line of `forward` takes, about.
const TOKENS_PER_LINE: u64 = 12;
/// Tokens for the ends of `__init__` and `forward`.
const TOKENS_FOR_ENDS: u64 = 20;
/// More pieces than any ending has: its layers, each of few choices, and their lines.
const MAX_ENDING_STEPS: u32 = 2_000;

/// A recogniser of network programs that is asked about the next piece of text.
///
/// In every state but the complete one some single character is accepted, and
/// [`ShapeConstraint::ending`] leads to a complete program: one that compiles, takes images of the
/// target's input and gives `[N, classes]`, within the target's budgets. Budgets that no network of
/// the accepted kind keeps are raised to the cheapest one.
///
/// ```
/// use nasc_search::llm::{ShapeTarget, constraint::Constraint, shape::ShapeConstraint};
///
/// let target =
///     ShapeTarget { input: [1, 8, 8], classes: 10, max_params: 100_000, max_macs: 1_000_000, convolutions: 0 };
/// let mut constraint = ShapeConstraint::new(&target, 400);
/// assert!(!constraint.accepts("        self.conv = nn.Conv2d(3"));
/// assert!(constraint.accepts("        self.conv = nn.Conv2d(1"));
/// constraint.advance("        self.conv = nn.Conv2d(1");
/// let ending = constraint.ending();
/// constraint.advance(&ending);
/// assert!(constraint.is_complete());
/// ```
#[derive(Debug, Clone)]
pub struct ShapeConstraint {
    program: Program,
    slot: Slot,
    /// What is written of the current slot.
    typed: String,
    /// Pieces taken.
    tokens: u32,
    max_tokens: u32,
}

impl Constraint for ShapeConstraint {
    /// The text before the first piece: imports, class, and the first line of `__init__`.
    fn head(&self) -> &str {
        HEAD
    }

    /// Whether `piece` may come next. Empty pieces and those beyond ASCII may not.
    fn accepts(&self, piece: &str) -> bool {
        // Most pieces of a vocabulary fail at once; those need no copy of the state.
        piece.chars().next().is_some_and(|first| self.admits(first))
            && (piece.len() == 1 || self.clone().feed_all(piece))
    }

    /// Takes a piece. One that is not accepted counts as a token and changes nothing else.
    fn advance(&mut self, piece: &str) {
        self.tokens = self.tokens.saturating_add(1);
        let mut next = self.clone();
        if next.feed_all(piece) {
            *self = next;
        }
    }

    /// Whether the program is complete; then nothing is accepted.
    fn is_complete(&self) -> bool {
        self.slot == Slot::Done
    }

    /// The text that completes the program, once the tokens that are left are needed for it:
    /// about twelve for a line of `forward`, and twenty.
    fn forced_ending(&self) -> Option<String> {
        let left = u64::from(self.max_tokens.saturating_sub(self.tokens));
        (!self.is_complete() && left <= self.reserve()).then(|| self.ending())
    }
}

impl ShapeConstraint {
    /// At the end of the head, with `max_tokens` pieces to come at most.
    #[must_use]
    pub fn new(target: &ShapeTarget, max_tokens: u32) -> ShapeConstraint {
        let (program, slot) = Program::new(target);
        ShapeConstraint { program, slot, typed: String::new(), tokens: 0, max_tokens }
    }

    /// The text that completes the program from here: the rest of what is begun, layers that lead
    /// to the classes, `forward`. Empty when it is complete.
    #[must_use]
    pub fn ending(&self) -> String {
        let mut state = self.clone();
        let mut text = String::new();
        for _ in 0..MAX_ENDING_STEPS {
            let Some(piece) = state.preferred() else { break };
            if !state.feed_all(&piece) {
                break;
            }
            text.push_str(&piece);
        }
        text
    }

    /// Tokens kept for the ending. Once `forward` is begun the text is all but fixed, and it may
    /// use up what was kept.
    fn reserve(&self) -> u64 {
        if self.program.in_forward() {
            return 1;
        }
        self.program.lines_left() * TOKENS_PER_LINE + TOKENS_FOR_ENDS
    }

    /// Whether a piece may begin with this character.
    fn admits(&self, next: char) -> bool {
        match &self.slot {
            Slot::Done => false,
            Slot::Name if next == ' ' => names::usable(&self.typed, self.program.names()),
            Slot::Name => names::may_grow(&self.typed, next, self.program.names()),
            Slot::Choices(list) => {
                list.iter().any(|choice| choice.grows(&self.typed, next))
                    || (list.iter().any(|choice| choice.completed(&self.typed).is_some())
                        && self.clone().feed(next))
            }
        }
    }

    fn feed_all(&mut self, piece: &str) -> bool {
        !piece.is_empty() && piece.chars().all(|next| self.feed(next))
    }

    /// Takes a character; false, with the state undefined, if it may not come next.
    fn feed(&mut self, next: char) -> bool {
        match self.slot.clone() {
            Slot::Done => false,
            Slot::Name if next == ' ' => {
                if !self.admits(next) {
                    return false;
                }
                let name = std::mem::take(&mut self.typed);
                self.slot = self.program.take_name(name);
                self.feed(next)
            }
            Slot::Name => {
                let grows = self.admits(next);
                self.typed.push(next);
                grows
            }
            Slot::Choices(list) if list.iter().any(|choice| choice.grows(&self.typed, next)) => {
                self.typed.push(next);
                if list.iter().any(|choice| choice.numbers.is_none()) {
                    self.take_completed(&list, false);
                }
                true
            }
            // A number ends where something else begins.
            Slot::Choices(list) => self.take_completed(&list, true) && self.feed(next),
        }
    }

    /// Goes to the next slot if one of the choices is written; numbers could still grow.
    fn take_completed(&mut self, list: &[grammar::Choice], numbers: bool) -> bool {
        let completed = list
            .iter()
            .filter(|choice| choice.numbers.is_some() == numbers)
            .find_map(|choice| Some((choice.action, choice.completed(&self.typed)?)));
        let Some((action, value)) = completed else { return false };
        self.typed.clear();
        self.slot = self.program.take(action, value);
        true
    }

    /// The next piece of the ending: the rest of the first choice that is still open, and where
    /// that is a number that is already written, the first text behind it.
    fn preferred(&self) -> Option<String> {
        match &self.slot {
            Slot::Done => None,
            Slot::Name => {
                let wish = match self.program.closing_kind() {
                    LayerKind::Linear => "fc",
                    LayerKind::Conv2d => "conv",
                    _ => "pool",
                };
                let rest = names::finish(&self.typed, wish, self.program.names())?;
                Some(rest + " ")
            }
            Slot::Choices(list) => {
                let open = |choice: &grammar::Choice| self.rest_of(choice);
                let rest = list.iter().find_map(open)?;
                if !rest.is_empty() {
                    return Some(rest);
                }
                let mut next = self.clone();
                next.take_completed(list, true).then(|| next.preferred())?
            }
        }
    }

    /// What is missing of a choice, if what is written begins it.
    fn rest_of(&self, choice: &grammar::Choice) -> Option<String> {
        let digits = self.typed.strip_prefix(choice.literal.as_ref());
        match (&choice.numbers, digits) {
            (Some(numbers), Some(digits)) => numbers.finish(digits),
            (None, Some(_)) => None,
            (Some(numbers), None) => {
                let rest = choice.literal.strip_prefix(self.typed.as_str())?;
                Some(rest.to_owned() + &numbers.finish("")?)
            }
            (None, None) => choice.literal.strip_prefix(self.typed.as_str()).map(str::to_owned),
        }
    }
}
