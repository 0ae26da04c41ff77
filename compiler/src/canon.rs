//! A canonical form of graphs and its hash: networks that compute the same by construction hash
//! alike. Names, places, modules, unused nodes and parameters, the order of independent nodes,
//! operations that change nothing, and the order of commutative operands do not count; attributes,
//! types, starting values and sharing do. Not here: algebra beyond that (`2x` and `x + x` differ).

mod color;
mod term;

use std::collections::BTreeMap;
use std::fmt;

use sha2::{Digest, Sha256};

use crate::ir::CheckedGraph;
use color::Colors;
use term::{Ref, Term, Terms};

/// Hash of a graph's canonical form. Equal forms have equal hashes; the form may change between
/// versions of nasc.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CanonicalHash(pub [u8; 32]);

impl fmt::Display for CanonicalHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The hash of `graph`'s canonical form.
#[must_use]
pub fn hash(graph: &CheckedGraph) -> CanonicalHash {
    CanonicalHash(Sha256::digest(form(graph).as_bytes()).into())
}

/// The canonical form as text, one line per input, parameter and operation that the outputs need.
/// Complete: graphs of one form differ in nothing that counts.
#[must_use]
pub fn form(graph: &CheckedGraph) -> String {
    let terms = Terms::of(graph);
    let colors = Colors::of(&terms);
    let mut writer = Writer::new(&terms, &colors);
    for &output in &terms.outputs {
        writer.visit(output);
    }
    for &output in &terms.outputs {
        let line = format!("output {}", writer.name(output));
        writer.lines.push(line);
    }
    writer.lines.join("\n")
}

/// Numbers terms in the order of a walk from the outputs.
struct Writer<'a> {
    terms: &'a Terms,
    colors: &'a Colors,
    /// The line of each term that was written.
    numbers: Vec<Option<usize>>,
    lines: Vec<String>,
    /// Numbers of repeatable terms by their lines.
    known: BTreeMap<String, usize>,
}

impl<'a> Writer<'a> {
    fn new(terms: &'a Terms, colors: &'a Colors) -> Writer<'a> {
        let numbers = vec![None; terms.terms.len()];
        Writer { terms, colors, numbers, lines: Vec::new(), known: BTreeMap::new() }
    }

    fn number(&self, reference: Ref) -> Option<usize> {
        self.numbers.get(reference.term).copied().flatten()
    }

    fn name(&self, reference: Ref) -> String {
        format!("{}.{}", self.number(reference).unwrap_or(usize::MAX), reference.position)
    }

    /// Writes all that `output` needs, operands first. The stack is its own, since networks are
    /// deeper than threads' stacks; each entry holds the operands that are still to visit.
    fn visit(&mut self, output: Ref) {
        let mut stack = vec![(output, self.pending(output))];
        while let Some((reference, pending)) = stack.last_mut() {
            let reference = *reference;
            match pending.pop() {
                Some(operand) if self.number(operand).is_none() => {
                    let operands = self.pending(operand);
                    stack.push((operand, operands));
                }
                Some(_) => {}
                None => {
                    self.write(reference);
                    stack.pop();
                }
            }
        }
    }

    /// The operands of a term, the first one to visit last.
    fn pending(&self, reference: Ref) -> Vec<Ref> {
        let Some(term) = self.terms.terms.get(reference.term) else { return Vec::new() };
        let mut operands = term.operands.clone();
        if term.is_commutative {
            operands.sort_by_key(|&operand| (self.colors.get(operand), operand.position));
        }
        operands.reverse();
        operands
    }

    fn write(&mut self, reference: Ref) {
        let Some(term) = self.terms.terms.get(reference.term) else { return };
        if self.number(reference).is_some() {
            return;
        }
        let line = format!("{} ({})", term.key, self.operand_names(term).join(" "));
        let known = self.known.get(&line).copied().filter(|_| term.is_repeatable);
        let number = known.unwrap_or(self.lines.len());
        if let Some(slot) = self.numbers.get_mut(reference.term) {
            *slot = Some(number);
        }
        if known.is_none() {
            self.known.insert(line.clone(), number);
            self.lines.push(line);
        }
    }

    fn operand_names(&self, term: &Term) -> Vec<String> {
        let mut operands = term.operands.clone();
        if term.is_commutative {
            operands.sort_by_key(|&operand| (self.number(operand), operand.position));
        }
        operands.iter().map(|&operand| self.name(operand)).collect()
    }
}
