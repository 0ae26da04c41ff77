//! A number for each term that depends on all terms below and above it but on no order: the order
//! in which a canonical walk visits operands and numbers equal parameters.

use sha2::{Digest, Sha256};

use super::term::{Ref, Terms};

/// A color; equal for terms that the graph does not tell apart.
pub(super) type Color = [u8; 16];

/// Rounds of refinement; each looks at the terms below, then at those above.
const ROUNDS: usize = 3;

pub(super) struct Colors(Vec<Color>);

impl Colors {
    pub(super) fn of(terms: &Terms) -> Colors {
        let mut colors: Vec<Color> =
            terms.terms.iter().map(|term| mix(&[term.key.as_bytes()])).collect();
        for _ in 0..ROUNDS {
            downwards(terms, &mut colors);
            upwards(terms, &mut colors);
        }
        Colors(colors)
    }

    pub(super) fn get(&self, reference: Ref) -> Color {
        color(&self.0, reference.term)
    }
}

fn color(colors: &[Color], term: usize) -> Color {
    colors.get(term).copied().unwrap_or_default()
}

fn mix(parts: &[&[u8]]) -> Color {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    let mut color = Color::default();
    for (to, from) in color.iter_mut().zip(hasher.finalize()) {
        *to = from;
    }
    color
}

/// Operands into the terms that use them.
fn downwards(terms: &Terms, colors: &mut [Color]) {
    for (index, term) in terms.terms.iter().enumerate() {
        let mut operands: Vec<Color> = term
            .operands
            .iter()
            .map(|&operand| mix(&[&color(colors, operand.term), &operand.position.to_le_bytes()]))
            .collect();
        if term.is_commutative {
            operands.sort_unstable();
        }
        let own = color(colors, index);
        if let Some(slot) = colors.get_mut(index) {
            *slot = mix(&[&own, operands.as_flattened()]);
        }
    }
}

/// Users, and places among the outputs, into the terms they use. Users come later, so that walking
/// backwards meets each term when all its users are known.
fn upwards(terms: &Terms, colors: &mut [Color]) {
    let mut uses: Vec<Vec<Color>> = vec![Vec::new(); terms.terms.len()];
    for (place, &output) in terms.outputs.iter().enumerate() {
        record(&mut uses, output, Color::default(), place);
    }
    for (index, term) in terms.terms.iter().enumerate().rev() {
        let mut list = uses.get_mut(index).map(std::mem::take).unwrap_or_default();
        if list.is_empty() {
            // No output needs it, so its operands are not used by it.
            continue;
        }
        list.sort_unstable();
        let own = mix(&[&color(colors, index), list.as_flattened()]);
        if let Some(slot) = colors.get_mut(index) {
            *slot = own;
        }
        for (place, &operand) in term.operands.iter().enumerate() {
            record(&mut uses, operand, own, if term.is_commutative { 0 } else { place });
        }
    }
}

fn record(uses: &mut [Vec<Color>], used: Ref, user: Color, place: usize) {
    if let Some(list) = uses.get_mut(used.term) {
        let place = (place as u64).to_le_bytes();
        list.push(mix(&[&user, &place, &used.position.to_le_bytes()]));
    }
}
