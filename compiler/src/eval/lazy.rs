//! Layers that take their input's width from the first tensor they see (`nn.LazyLinear` and kin).
//! PyTorch makes their weights in a first call of the network; so does this: a first evaluation only
//! notes the widths, a second one makes ordinary layers of them. The layers themselves are in the prelude.

use super::builtins::native;
use super::error::{Eval, type_error};
use super::interpreter::Interpreter;
use super::native::{Args, Native};
use super::value::Value;

/// Widths by the order in which the layers are made.
#[derive(Debug, Default)]
pub(crate) struct LazyWidths {
    /// Layers made so far.
    made: usize,
    /// Found by this evaluation.
    found: Vec<Option<i128>>,
    /// Found by the evaluation before, if there was one.
    known: Option<Vec<Option<i128>>>,
}

impl LazyWidths {
    /// What the next evaluation has to know; `None` if it would change nothing.
    pub(crate) fn for_another_evaluation(self) -> Option<LazyWidths> {
        let has_found = self.known.is_none() && self.found.iter().any(Option::is_some);
        has_found.then_some(LazyWidths { known: Some(self.found), ..LazyWidths::default() })
    }

    fn next(&mut self) -> (usize, Option<i128>) {
        let index = self.made;
        self.made += 1;
        let known = self.known.as_ref().and_then(|known| known.get(index).copied().flatten());
        (index, known)
    }

    fn note(&mut self, index: usize, width: i128) {
        if self.found.len() <= index {
            self.found.resize(index + 1, None);
        }
        if let Some(found) = self.found.get_mut(index) {
            *found = Some(width);
        }
    }
}

/// Functions that only the prelude calls.
pub(crate) const HELPERS: &[Native] =
    &[native("nasc_lazy_next", "", next), native("nasc_lazy_note", "index, width", note)];

/// The number of the layer that is made now, and its width if it is known.
fn next(interpreter: &mut Interpreter<'_>, _: &Args) -> Eval<Value> {
    let (index, width) = interpreter.lazy_widths.next();
    let width = width.map_or(Value::None, Value::Int);
    Ok(Value::tuple(vec![Value::Int(index as i128), width]))
}

fn note(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let (index, width) = (args.count("index", 0)?, args.value("width"));
    let (Ok(index), Some(width)) = (usize::try_from(index), width.as_int()) else {
        return Err(type_error("a lazy layer needs an input of known width"));
    };
    // each layer made counts one step at least, so there are no more of them than steps
    interpreter.lazy_widths.note(index.min(interpreter.lazy_widths.made), width);
    Ok(Value::None)
}
