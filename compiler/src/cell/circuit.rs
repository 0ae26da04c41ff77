//! What a cell computes, without its nodes: operations applied to sums, and the sum that comes out.
//! Two cells compute the same if these are equal up to the numbering of the operations.

use std::collections::BTreeMap;

use super::{Cell, CellOperation, ENDS};

/// Where a summand comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Term {
    Input,
    /// The result of an operation, by its place.
    Operation(usize),
}

/// Summands and how often each occurs; empty is zero.
pub(super) type Sum = BTreeMap<Term, u32>;

/// An operation other than zeros and the identity.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Applied {
    pub operation: CellOperation,
    pub input: Sum,
}

/// Operations in an order in which each comes after those it uses.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Circuit {
    pub applied: Vec<Applied>,
    pub output: Sum,
}

/// Equal for circuits that compute the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key(Vec<u64>);

/// Rounds of refinement. With four, equal keys of the 15,625 cells were compared under all
/// renumberings of their operations: none stands for two functions.
const ROUNDS: usize = 4;

impl Circuit {
    pub(super) fn of_cell(cell: Cell) -> Self {
        let mut circuit = Self::default();
        let mut nodes = [const { Sum::new() }; 4];
        nodes[0] = Sum::from([(Term::Input, 1)]);
        for (operation, (from, to)) in cell.0.into_iter().zip(ENDS) {
            let input = nodes.get(from).cloned().unwrap_or_default();
            let added = circuit.apply(operation, input);
            if let Some(node) = nodes.get_mut(to) {
                add(node, &added);
            }
        }
        let [.., output] = nodes;
        circuit.output = output;
        circuit
    }

    /// The result of an operation. A second pooling of the same sum is the first one; a second
    /// convolution has weights of its own.
    pub(super) fn apply(&mut self, operation: CellOperation, input: Sum) -> Sum {
        match operation {
            CellOperation::None => Sum::new(),
            CellOperation::SkipConnect => input,
            CellOperation::AveragePool3x3 if input.is_empty() => Sum::new(),
            CellOperation::AveragePool3x3
            | CellOperation::Convolution1x1
            | CellOperation::Convolution3x3 => {
                let applied = Applied { operation, input };
                let known = self.applied.iter().position(|other| *other == applied);
                let known = known.filter(|_| !operation.is_convolution());
                let place = known.unwrap_or(self.applied.len());
                if known.is_none() {
                    self.applied.push(applied);
                }
                Sum::from([(Term::Operation(place), 1)])
            }
        }
    }

    /// Operations that the output needs.
    pub(super) fn operations(&self) -> usize {
        self.live().into_iter().filter(|&live| live).count()
    }

    fn live(&self) -> Vec<bool> {
        let mut live = vec![false; self.applied.len()];
        mark(&self.output, &mut live);
        for (place, applied) in self.applied.iter().enumerate().rev() {
            if live.get(place) == Some(&true) {
                mark(&applied.input, &mut live);
            }
        }
        live
    }

    /// Colors of the operations that the output needs, refined from what they use and from what
    /// uses them; and how often the input comes through.
    pub(super) fn key(&self) -> Key {
        let live = self.live();
        let mut colors: Vec<u64> =
            self.applied.iter().map(|applied| mix([applied.operation as u64])).collect();
        for _ in 0..ROUNDS {
            self.refine_from_inputs(&mut colors);
            self.refine_from_uses(&live, &mut colors);
        }
        let mut key: Vec<u64> =
            colors.iter().zip(&live).filter(|(_, live)| **live).map(|(color, _)| *color).collect();
        key.sort_unstable();
        key.push(u64::from(self.output.get(&Term::Input).copied().unwrap_or(0)));
        Key(key)
    }

    fn refine_from_inputs(&self, colors: &mut [u64]) {
        for (place, applied) in self.applied.iter().enumerate() {
            let mut parts: Vec<u64> = applied
                .input
                .iter()
                .map(|(term, &times)| mix([color(colors, *term), u64::from(times)]))
                .collect();
            parts.sort_unstable();
            let own = color(colors, Term::Operation(place));
            if let Some(slot) = colors.get_mut(place) {
                *slot = mix([own].into_iter().chain(parts));
            }
        }
    }

    fn refine_from_uses(&self, live: &[bool], colors: &mut [u64]) {
        let mut uses: Vec<Vec<u64>> = vec![Vec::new(); self.applied.len()];
        record(&mut uses, &self.output, 0);
        for (place, applied) in self.applied.iter().enumerate().rev() {
            let mut parts = uses.get_mut(place).map(std::mem::take).unwrap_or_default();
            parts.sort_unstable();
            let own = color(colors, Term::Operation(place));
            let refined = mix([own].into_iter().chain(parts));
            if let Some(slot) = colors.get_mut(place) {
                *slot = refined;
            }
            if live.get(place) == Some(&true) {
                record(&mut uses, &applied.input, refined);
            }
        }
    }
}

/// Adds `more` to `sum`.
pub(super) fn add(sum: &mut Sum, more: &Sum) {
    for (&term, &times) in more {
        *sum.entry(term).or_insert(0) += times;
    }
}

fn mark(sum: &Sum, live: &mut [bool]) {
    for term in sum.keys() {
        if let Term::Operation(place) = term
            && let Some(slot) = live.get_mut(*place)
        {
            *slot = true;
        }
    }
}

fn record(uses: &mut [Vec<u64>], sum: &Sum, user: u64) {
    for (term, &times) in sum {
        if let Term::Operation(place) = term
            && let Some(list) = uses.get_mut(*place)
        {
            list.push(mix([user, u64::from(times)]));
        }
    }
}

fn color(colors: &[u64], term: Term) -> u64 {
    match term {
        Term::Input => u64::MAX,
        Term::Operation(place) => colors.get(place).copied().unwrap_or_default(),
    }
}

/// A hash of numbers in order: FNV-1a over words, each spread by the finaliser of SplitMix64
/// (Steele, Lea and Flood 2014).
fn mix(parts: impl IntoIterator<Item = u64>) -> u64 {
    parts.into_iter().fold(0xcbf2_9ce4_8422_2325, |hash, part| {
        let mut word = (hash ^ part).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    })
}
