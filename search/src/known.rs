//! What a run has seen: the first candidate of each network, so that nothing is trained twice and
//! proposers can leave known networks out. Equal networks have equal fingerprints; see
//! `nasc_compiler::canon` and, for tables, `nasc_compiler::cell`.

use crate::evaluate::Effort;
use crate::state::CandidateId;
use std::collections::BTreeMap;

/// Fingerprints of the networks of a run. A network that was only scored untrained is known as such.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    untrained: BTreeMap<String, CandidateId>,
    trained: BTreeMap<String, CandidateId>,
}

impl Known {
    /// Takes note of a candidate's network; the first one of a fingerprint stays.
    pub fn add(&mut self, fingerprint: &str, effort: Effort, candidate: CandidateId) {
        let networks = match effort {
            Effort::Untrained => &mut self.untrained,
            Effort::Train => &mut self.trained,
        };
        if !networks.contains_key(fingerprint) {
            networks.insert(fingerprint.to_owned(), candidate);
        }
    }

    /// The candidate that went through the same with the same network.
    #[must_use]
    pub fn find(&self, fingerprint: &str, effort: Effort) -> Option<CandidateId> {
        let networks = match effort {
            Effort::Untrained => &self.untrained,
            Effort::Train => &self.trained,
        };
        networks.get(fingerprint).copied()
    }

    /// Whether a network was seen at all.
    #[must_use]
    pub fn has(&self, fingerprint: &str) -> bool {
        self.untrained.contains_key(fingerprint) || self.trained.contains_key(fingerprint)
    }

    /// Every fingerprint, some of them twice.
    pub fn fingerprints(&self) -> impl Iterator<Item = &str> {
        self.untrained.keys().chain(self.trained.keys()).map(String::as_str)
    }
}
