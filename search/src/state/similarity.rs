//! How alike two networks are built, for the partner of a crossover in a search without a network
//! archive: the cosine of how often their texts call each name.

use crate::state::{Network, PromptIndividual};
use std::collections::BTreeMap;

/// Cosine of two networks' calls, 0 to 1.
pub(super) fn of_networks(one: &Network, other: &Network) -> f64 {
    let (one, other) = (calls(&one.source), calls(&other.source));
    let product: f64 = one.iter().filter_map(|(name, n)| Some(n * other.get(name)?)).sum();
    let length = |calls: &BTreeMap<&str, f64>| calls.values().map(|n| n * n).sum::<f64>().sqrt();
    let lengths = length(&one) * length(&other);
    if lengths > 0.0 { product / lengths } else { 0.0 }
}

/// Prompts have no structure to compare.
pub(super) const fn of_prompts(_: &PromptIndividual, _: &PromptIndividual) -> f64 {
    0.0
}

/// The last words before opening parentheses, with their numbers.
fn calls(source: &str) -> BTreeMap<&str, f64> {
    let mut calls = BTreeMap::new();
    for (end, _) in source.match_indices('(') {
        let before = source.get(..end).unwrap_or_default();
        let is_part = |next: char| next.is_alphanumeric() || next == '_';
        let name = before.rsplit(|next| !is_part(next)).next().unwrap_or_default();
        if !name.is_empty() {
            *calls.entry(name).or_default() += 1.0;
        }
    }
    calls
}

#[cfg(test)]
mod tests {
    use super::of_networks;
    use crate::state::{CandidateId, Network};

    fn network(source: &str) -> Network {
        Network { candidate: CandidateId(0), source: source.into() }
    }

    #[test]
    fn networks_of_the_same_layers_are_alike_and_of_none_in_common_are_not() {
        let likeness = |a: &str, b: &str| of_networks(&network(a), &network(b));
        let same = likeness("nn.Conv2d(1, 2)\nF.relu(x)", "F.relu(y)\nnn.Conv2d(3)");
        assert!((same - 1.0).abs() < 1e-12);
        assert!(likeness("nn.Conv2d(1)", "nn.Linear(1)").abs() < 1e-12);
        let half = likeness("Conv2d(Linear(1))", "Conv2d(Conv2d(1))");
        assert!(half > 0.5 && half < 1.0);
        assert!(likeness("", "f(x)").abs() < 1e-12);
    }
}
