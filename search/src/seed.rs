//! The root seed of a run, split by purpose and indices into independent generators.
//! Each draw names what it is for, so it depends neither on thread order nor on draws made before.

use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use sha2::{Digest as _, Sha256};

/// What a random draw is for. The name of a variant's stream is part of the run format:
/// changing it changes every run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Centroids of the network archive.
    NetworkCentroids,
    /// Centroids of the prompt archive.
    PromptCentroids,
    /// Which operator a generation uses; index: generation.
    Operator,
    /// Prompts of the random phase; indices: generation, offspring.
    RandomPrompt,
    /// The order in which the random phase goes through the instructions; index: time.
    InstructionOrder,
    /// Parents of a generation; indices: generation, slot.
    Parent,
    /// The prompt individual of one mutated offspring; indices: generation, offspring.
    Mutation,
    /// The language model's sampling; index: candidate.
    Sampling,
    /// Initial weights and batch order; index: candidate.
    Training,
    /// The source of a candidate that no language model writes; indices: generation, offspring.
    Edit,
    /// A member of the population of prompts; index: its place.
    PromptPopulation,
}

impl Purpose {
    const fn stream(self) -> &'static str {
        match self {
            Self::NetworkCentroids => "network-centroids",
            Self::PromptCentroids => "prompt-centroids",
            Self::Operator => "operator",
            Self::RandomPrompt => "random-prompt",
            Self::InstructionOrder => "instruction-order",
            Self::Parent => "parent",
            Self::Mutation => "mutation",
            Self::Sampling => "sampling",
            Self::Training => "training",
            Self::Edit => "edit",
            Self::PromptPopulation => "prompt-population",
        }
    }
}

/// The root seed of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seed(u64);

impl Seed {
    /// A run's root seed.
    #[must_use]
    pub const fn new(root: u64) -> Self {
        Self(root)
    }

    /// The number the run was given.
    #[must_use]
    pub const fn root(self) -> u64 {
        self.0
    }

    /// A generator for one purpose at one place in the run.
    #[must_use]
    pub fn rng(self, purpose: Purpose, indices: &[u64]) -> ChaCha8Rng {
        ChaCha8Rng::from_seed(self.digest(purpose, indices))
    }

    /// A seed to hand to another component; below 2⁶³, so that it fits a signed column and TOML.
    #[must_use]
    pub fn derive(self, purpose: Purpose, indices: &[u64]) -> u64 {
        let digest = self.digest(purpose, indices);
        let high = digest.iter().take(8).fold(0u64, |acc, &byte| (acc << 8) | u64::from(byte));
        high >> 1
    }

    fn digest(self, purpose: Purpose, indices: &[u64]) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(b"nasc seed 1\0");
        hash.update(self.0.to_le_bytes());
        hash.update(purpose.stream().as_bytes());
        hash.update([0]);
        for index in indices {
            hash.update(index.to_le_bytes());
        }
        hash.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn streams_differ_by_root_purpose_and_every_index() {
        let seeds = [
            Seed::new(1).derive(Purpose::Sampling, &[0]),
            Seed::new(2).derive(Purpose::Sampling, &[0]),
            Seed::new(1).derive(Purpose::Training, &[0]),
            Seed::new(1).derive(Purpose::Sampling, &[1]),
            Seed::new(1).derive(Purpose::Sampling, &[0, 0]),
        ];
        assert_eq!(seeds.iter().collect::<BTreeSet<_>>().len(), seeds.len());
        assert_eq!(seeds[0], Seed::new(1).derive(Purpose::Sampling, &[0]));
    }
}
