//! Drawing one token from a row of logits: temperature, top-k, softmax, one draw of our own
//! generator. Deliberately not here: llama.cpp's sampler chain, whose draws it alone can repeat.

use std::cmp::Ordering;

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng as _;

use crate::llm::SamplingParams;

/// Tokens that a search for allowed ones looks at when it has found one.
const SCAN: usize = 2048;

/// A token and its weight; the weights of a [`Candidates`] need not add up to one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    /// Index in the vocabulary.
    pub token: usize,
    /// Unnormalised probability, at most 1.
    pub weight: f64,
}

/// The tokens that a draw chooses from, the most probable first.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidates(Vec<Candidate>);

impl Candidates {
    /// The `top_k` best tokens of `logits` (all of them for 0) at a temperature.
    #[must_use]
    pub fn best(logits: &[f32], temperature: f32, top_k: u32) -> Self {
        let mut order = defined(logits);
        let kept = kept(temperature, top_k, order.len());
        if kept > 0 && kept < order.len() {
            order.select_nth_unstable_by(kept - 1, better);
            order.truncate(kept);
        }
        order.sort_unstable_by(better);
        Self::weighed(&order, temperature)
    }

    /// The `top_k` best among the tokens that `allowed` says yes to, asked from the most probable
    /// one down. Once one is found, at most [`SCAN`] tokens are asked about.
    pub fn best_allowed(
        logits: &[f32],
        temperature: f32,
        top_k: u32,
        mut allowed: impl FnMut(usize) -> bool,
    ) -> Self {
        let mut order = defined(logits);
        order.sort_unstable_by(better);
        let kept = kept(temperature, top_k, order.len());
        let mut found = Vec::new();
        for (asked, ranked) in order.into_iter().enumerate() {
            if found.len() >= kept || (asked >= SCAN && !found.is_empty()) {
                break;
            }
            if allowed(ranked.0) {
                found.push(ranked);
            }
        }
        Self::weighed(&found, temperature)
    }

    /// Softmax weights of tokens and logits in descending order, relative to the best one.
    fn weighed(order: &[(usize, f32)], temperature: f32) -> Self {
        let best = order.first().map_or(0.0, |(_, logit)| f64::from(*logit));
        let scale = f64::from(temperature.max(f32::MIN_POSITIVE));
        let weigh = |&(token, logit): &(usize, f32)| Candidate {
            token,
            weight: ((f64::from(logit) - best) / scale).exp(),
        };
        Self(order.iter().map(weigh).collect())
    }

    /// Draws a candidate by weight and takes it out, so that a second draw gives another one.
    pub fn take(&mut self, generator: &mut ChaCha8Rng) -> Option<usize> {
        let total: f64 = self.0.iter().map(|candidate| candidate.weight).sum();
        let mut left = generator.random::<f64>() * total;
        let at = self.0.iter().position(|candidate| {
            left -= candidate.weight;
            left < 0.0
        });
        // Rounding can leave a remainder after the last candidate that weighs anything.
        let last = || self.0.iter().rposition(|candidate| candidate.weight > 0.0);
        let at = at.or_else(last)?;
        Some(self.0.remove(at).token)
    }

    /// Keeps the candidates whose token is allowed.
    pub fn retain(&mut self, mut allowed: impl FnMut(usize) -> bool) {
        self.0.retain(|candidate| allowed(candidate.token));
    }
}

/// Tokens and logits, without those that are not finite.
fn defined(logits: &[f32]) -> Vec<(usize, f32)> {
    logits.iter().copied().enumerate().filter(|(_, logit)| logit.is_finite()).collect()
}

/// The order from the most probable token down; equal logits go by token.
fn better(a: &(usize, f32), b: &(usize, f32)) -> Ordering {
    b.1.total_cmp(&a.1).then(a.0.cmp(&b.0))
}

/// How many tokens take part.
fn kept(temperature: f32, top_k: u32, tokens: usize) -> usize {
    if temperature <= 0.0 {
        return tokens.min(1);
    }
    match usize::try_from(top_k) {
        Ok(0) | Err(_) => tokens,
        Ok(top_k) => tokens.min(top_k),
    }
}

/// The generator of one completion.
#[must_use]
pub fn generator(sampling: &SamplingParams) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(sampling.seed)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
    use super::{Candidates, generator};
    use crate::llm::SamplingParams;

    fn sampling(seed: u64) -> SamplingParams {
        SamplingParams { temperature: 1.0, top_k: 0, max_tokens: 1, seed }
    }

    #[test]
    fn tokens_come_as_often_as_their_softmax_says() {
        let logits = [0.0, 2.0_f32.ln(), f32::NEG_INFINITY, 5.0_f32.ln()];
        let mut counts = [0_u32; 4];
        for seed in 0..4000 {
            let mut candidates = Candidates::best(&logits, 1.0, 0);
            counts[candidates.take(&mut generator(&sampling(seed))).unwrap()] += 1;
        }
        assert_eq!(counts[2], 0);
        for (token, expected) in [(0, 500.0), (1, 1000.0), (3, 2500.0)] {
            assert!((f64::from(counts[token]) - expected).abs() < 150.0, "{counts:?}");
        }
    }

    #[test]
    fn temperature_zero_and_top_k_leave_the_best_tokens_only() {
        let logits = [1.0, 3.0, 3.0, 2.0];
        let mut generator = generator(&sampling(0));
        let mut greedy = Candidates::best(&logits, 0.0, 0);
        assert_eq!(greedy.take(&mut generator), Some(1));
        assert_eq!(greedy.take(&mut generator), None);

        let mut two = Candidates::best(&logits, 0.6, 2);
        let mut drawn = [two.take(&mut generator).unwrap(), two.take(&mut generator).unwrap()];
        drawn.sort_unstable();
        assert_eq!(drawn, [1, 2]);
        assert_eq!(two.take(&mut generator), None);
    }

    #[test]
    fn what_is_not_allowed_is_never_drawn() {
        let mut generator = generator(&sampling(3));
        let mut candidates = Candidates::best(&[5.0, 1.0, 0.0], 0.6, 0);
        candidates.retain(|token| token == 2);
        assert_eq!(candidates.take(&mut generator), Some(2));

        let logits: Vec<f32> = (0..5000_u16).map(|token| -f32::from(token)).collect();
        let mut rare = Candidates::best_allowed(&logits, 0.0, 50, |token| token > 4000);
        assert_eq!(rare.take(&mut generator), Some(4001));
        let mut asked = 0;
        Candidates::best_allowed(&logits, 0.6, 50, |token| {
            asked += 1;
            token == 7
        });
        assert_eq!(asked, 2048);
        let mut none = Candidates::best_allowed(&logits, 0.6, 50, |_| false);
        assert_eq!(none.take(&mut generator), None);
    }
}
