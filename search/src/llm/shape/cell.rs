//! The dialect of NAS-Bench-201's cells: the text is the template of `proposer::cells`, and the model
//! chooses the operation of each of its six edges. Deliberately not here: what a cell computes.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use nasc_compiler::cell::{Cell, CellOperation, EDGES};

use super::super::constraint::Constraint;
use crate::proposer::cells::{class, segments};

/// A recogniser of cells that is asked about the next piece of text. Every text that it completes is
/// a cell, and none that it was told to leave out.
///
/// ```
/// use nasc_search::llm::{constraint::Constraint, shape::CellConstraint};
///
/// let mut constraint = CellConstraint::new(&[]);
/// assert!(constraint.accepts("Conv") && !constraint.accepts("Linear"));
/// constraint.advance("Conv1x1");
/// assert!(constraint.accepts(", Skip,") && !constraint.accepts("]"));
/// ```
#[derive(Debug, Clone)]
pub struct CellConstraint {
    segments: Vec<&'static str>,
    head: &'static str,
    /// Fixed text that comes before the next choice.
    fixed: &'static str,
    /// What is written of the next operation's class.
    typed: String,
    chosen: Vec<CellOperation>,
    left_out: Rc<RefCell<LeftOut>>,
    /// The beginnings that it went through; the others know of the first so many.
    claimed: Vec<String>,
    counted: usize,
}

/// Functions that no cell may compute, by the cells that stand for them. Constraints that share one
/// leave out what another has completed, and do not all set out for the same few cells that are left:
/// behind each beginning there are never more of them than cells.
#[derive(Debug, Clone, Default)]
pub struct LeftOut {
    /// By [`Cell::number`]; empty if nothing is left out.
    taken: Vec<bool>,
    /// Constraints behind each beginning that have not completed their cell.
    claims: BTreeMap<String, usize>,
}

impl LeftOut {
    /// What these cells compute.
    #[must_use]
    pub fn new(cells: &[Cell]) -> LeftOut {
        let mut left_out = LeftOut::default();
        cells.iter().for_each(|&cell| left_out.take(cell));
        left_out
    }

    fn take(&mut self, cell: Cell) {
        self.taken.resize(Cell::COUNT, false);
        if let Some(taken) = self.taken.get_mut(cell.representative().number()) {
            *taken = true;
        }
    }

    /// Whether there are more cells behind a beginning than constraints.
    fn has_room(&self, chosen: &[CellOperation], typed: &str) -> bool {
        let claims = self.claims.get(&beginning(chosen, typed)).copied().unwrap_or(0);
        let mut found = Vec::with_capacity(claims + 1);
        let mut begun = chosen.to_vec();
        meant(typed).any(|operation| {
            begun.push(operation);
            let enough = self.gather(&mut begun, claims + 1, &mut found);
            begun.pop();
            enough
        })
    }

    /// Adds functions that may be computed and begin with these edges, until there are enough.
    fn gather(
        &self,
        begun: &mut Vec<CellOperation>,
        enough: usize,
        found: &mut Vec<usize>,
    ) -> bool {
        if let Ok(operations) = <[CellOperation; EDGES]>::try_from(begun.as_slice()) {
            let function = Cell(operations).representative().number();
            let taken = self.taken.get(function).is_some_and(|&taken| taken);
            if !taken && !found.contains(&function) {
                found.push(function);
            }
            return found.len() >= enough;
        }
        CellOperation::ALL.into_iter().any(|operation| {
            begun.push(operation);
            let is_enough = self.gather(begun, enough, found);
            begun.pop();
            is_enough
        })
    }
}

/// The operations whose class may still be meant.
fn meant(typed: &str) -> impl Iterator<Item = CellOperation> {
    CellOperation::ALL.into_iter().filter(move |&operation| class(operation).starts_with(typed))
}

/// What is written of the edges.
fn beginning(chosen: &[CellOperation], typed: &str) -> String {
    let mut text: String =
        chosen.iter().map(|&operation| format!("{}, ", class(operation))).collect();
    text.push_str(typed);
    text
}

impl CellConstraint {
    /// At the end of the head; the cell will compute nothing that one of these computes.
    #[must_use]
    pub fn new(left_out: &[Cell]) -> CellConstraint {
        CellConstraint::sharing(&Rc::new(RefCell::new(LeftOut::new(left_out))))
    }

    /// At the end of the head; the cell will compute nothing that is left out until then, as long as
    /// there is a choice.
    #[must_use]
    pub fn sharing(left_out: &Rc<RefCell<LeftOut>>) -> CellConstraint {
        let segments = segments();
        let first = segments.first().copied().unwrap_or_default();
        // Tokenizers join a blank with the word behind it, so it is left to the model.
        let head = first.trim_end_matches(' ');
        CellConstraint {
            head,
            fixed: first.get(head.len()..).unwrap_or_default(),
            segments,
            typed: String::new(),
            chosen: Vec::new(),
            left_out: Rc::clone(left_out),
            claimed: Vec::new(),
            counted: 0,
        }
    }

    fn feed_all(&mut self, piece: &str) -> bool {
        !piece.is_empty() && piece.chars().all(|next| self.feed(next))
    }

    /// Takes a character; false, with the state undefined, if it may not come next.
    fn feed(&mut self, next: char) -> bool {
        if let Some(rest) = self.fixed.strip_prefix(next) {
            self.fixed = rest;
            return true;
        }
        if !self.fixed.is_empty() || self.chosen.len() >= EDGES {
            return false;
        }
        let grown = format!("{}{next}", self.typed);
        if !self.may_grow(&grown) {
            return false;
        }
        // No class begins another one's name, so the first that is complete is meant.
        let complete = meant(&grown).find(|&operation| class(operation) == grown);
        self.claimed.push(beginning(&self.chosen, &grown));
        self.typed = grown;
        if let Some(operation) = complete {
            self.choose(operation);
        }
        true
    }

    /// Whether a class may begin like this: there is room behind it, or none behind any other.
    fn may_grow(&self, grown: &str) -> bool {
        // Most of a vocabulary fails here.
        if meant(grown).next().is_none() {
            return false;
        }
        let left_out = self.left_out.borrow();
        let length = grown.len();
        let others = || meant(&self.typed).filter_map(|other| class(other).get(..length));
        left_out.has_room(&self.chosen, grown)
            || !others().any(|other| left_out.has_room(&self.chosen, other))
    }

    fn choose(&mut self, operation: CellOperation) {
        self.chosen.push(operation);
        self.typed.clear();
        let after = self.segments.get(self.chosen.len()).copied().unwrap_or_default();
        // What follows the last edge is nobody's choice; see `forced_ending`.
        self.fixed = if self.chosen.len() < EDGES { after } else { "" };
    }

    /// Tells the others where this constraint is; once its cell is complete, that it is taken.
    fn claim(&mut self) {
        let mut left_out = self.left_out.borrow_mut();
        let written = self.claimed.split_off(self.counted);
        for place in written {
            *left_out.claims.entry(place.clone()).or_default() += 1;
            self.claimed.push(place);
        }
        self.counted = self.claimed.len();
        if let Some(cell) = self.cell().filter(|_| self.counted > 0) {
            left_out.take(cell);
            for place in self.claimed.drain(..) {
                left_out.claims.entry(place).and_modify(|claims| *claims -= 1);
            }
            self.counted = 0;
        }
    }

    /// The cell, if all of its edges are chosen.
    fn cell(&self) -> Option<Cell> {
        <[CellOperation; EDGES]>::try_from(self.chosen.as_slice()).ok().map(Cell)
    }
}

impl Constraint for CellConstraint {
    fn head(&self) -> &str {
        self.head
    }

    fn accepts(&self, piece: &str) -> bool {
        self.clone().feed_all(piece)
    }

    fn advance(&mut self, piece: &str) {
        let mut next = self.clone();
        if next.feed_all(piece) {
            *self = next;
            self.claim();
        }
    }

    /// Never by itself: the fixed text behind the last edge is appended.
    fn is_complete(&self) -> bool {
        false
    }

    fn forced_ending(&self) -> Option<String> {
        let tail = self.segments.last().copied().unwrap_or_default();
        (self.chosen.len() == EDGES).then(|| tail.to_owned())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::{CellConstraint, LeftOut};
    use crate::llm::constraint::Constraint as _;
    use crate::proposer::cells::{read, shown_in, source};
    use nasc_compiler::cell::Cell;
    use rand::seq::IndexedRandom as _;
    use rand::{RngExt as _, SeedableRng as _};
    use rand_chacha::ChaCha8Rng;
    use std::cell::RefCell;
    use std::rc::Rc;

    const PIECES: [&str; 24] = [
        " ",
        " Conv",
        "Conv",
        "3x3",
        "1",
        "3",
        "x",
        "A",
        "vgPool",
        " Sk",
        "ip",
        " Zero",
        "(16",
        ")",
        "(",
        "16",
        "\n",
        "        ",
        "self",
        ".edge",
        "0",
        "2",
        " =",
        "\n        self.edge12 = ",
    ];

    /// A text drawn piece by piece; single characters where no piece fits.
    fn drawn(seed: u64, left_out: &[Cell]) -> String {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut constraint = CellConstraint::new(left_out);
        let mut text = constraint.head().to_owned();
        loop {
            if let Some(ending) = constraint.forced_ending() {
                return text + &ending;
            }
            let mut fits: Vec<String> = PIECES
                .iter()
                .filter(|piece| constraint.accepts(piece))
                .map(ToString::to_string)
                .collect();
            if fits.is_empty() || rng.random_bool(0.1) {
                let characters = (' '..='~').chain(['\n']).map(String::from);
                fits.extend(characters.filter(|character| constraint.accepts(character)));
            }
            let piece = fits.choose(&mut rng).unwrap();
            constraint.advance(piece);
            text.push_str(piece);
        }
    }

    #[test]
    fn every_text_is_a_cell_of_the_template() {
        let mut seen = std::collections::BTreeSet::new();
        for seed in 0..200 {
            let text = drawn(seed, &[]);
            let cell = read(&text).unwrap();
            assert!(source(cell).ends_with(&text), "{text}");
            seen.insert(cell);
        }
        assert!(seen.len() > 150, "{} cells", seen.len());
    }

    #[test]
    fn a_cell_that_computes_what_a_parent_does_is_never_written() {
        let parent = Cell::from_number(0).unwrap();
        for seed in 0..50 {
            // Of the cells that begin like the parent most compute the same zeros.
            let cell = read(&drawn(seed, &[parent])).unwrap();
            assert_ne!(cell.representative(), parent.representative());
        }
    }

    /// Sixteen at a time, character by character in turn, each with the same one idea.
    #[test]
    fn constraints_that_share_write_different_cells_also_at_the_same_time() {
        let shared = Rc::new(RefCell::new(LeftOut::default()));
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..20 {
            let mut all: Vec<CellConstraint> =
                (0..16).map(|_| CellConstraint::sharing(&shared)).collect();
            while all.iter().any(|one| one.forced_ending().is_none()) {
                for one in all.iter_mut().filter(|one| one.forced_ending().is_none()) {
                    let next = (' '..='~').map(String::from).find(|next| one.accepts(next));
                    one.advance(&next.unwrap());
                }
            }
            for cell in all.iter().map(|one| one.cell().unwrap().representative()) {
                assert!(seen.insert(cell), "{cell}");
            }
        }
        assert!(shared.borrow().claims.values().all(|&claims| claims == 0));
    }

    #[test]
    fn where_every_function_is_left_out_any_cell_may_be_written() {
        let all: Vec<Cell> = Cell::all().collect();
        assert!(CellConstraint::new(&all).accepts("Conv3x3, Skip"));
    }

    #[test]
    fn the_parents_of_a_prompt_are_found_in_it() {
        let [first, second] = [4_711, 815].map(|number| Cell::from_number(number).unwrap());
        let prompt = format!("{}\n{}\n\"\"\"Improve\"\"\"", source(first), source(second));
        assert_eq!(shown_in(&prompt), [first, second]);
    }
}
