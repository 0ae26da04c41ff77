//! What can be compared with a configuration: the configuration itself, its ablations, and what else
//! may propose networks at the same budget.

use super::{Preset, SearchConfig};
use crate::proposer::ProposerKind;

/// A change of a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variant {
    /// None.
    Full,
    /// An ablation of the paper.
    Ablation(Preset),
    /// Another proposer.
    Proposer(ProposerKind),
}

impl Variant {
    /// Every variant: the configuration, its ablations, the proposers.
    pub fn all() -> impl Iterator<Item = Self> {
        let proposers = ProposerKind::ALL.into_iter().map(Self::Proposer);
        Self::of_paper().chain(proposers)
    }

    /// Those of the paper: the configuration and its ablations.
    pub fn of_paper() -> impl Iterator<Item = Self> {
        std::iter::once(Self::Full).chain(Preset::ABLATIONS.into_iter().map(Self::Ablation))
    }

    /// The name on the command line and of its folder.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Full => "full".to_owned(),
            Self::Ablation(preset) => preset.name().to_owned(),
            Self::Proposer(kind) => format!("proposer-{}", kind.name()),
        }
    }

    /// The variant of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::all().find(|variant| variant.name() == name)
    }

    /// What it makes of a configuration.
    #[must_use]
    pub fn of(self, base: SearchConfig) -> SearchConfig {
        match self {
            Self::Full => base,
            Self::Ablation(preset) => preset.ablate(base),
            Self::Proposer(kind) => {
                let mut config = base;
                config.proposer.kind = kind;
                config
            }
        }
    }
}
