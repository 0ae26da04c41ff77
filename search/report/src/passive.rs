//! The archive that a run's networks fill by themselves. A run with an archive of networks has the same;
//! one with a population in its place, or without evolution, can be compared with the others by it.

use crate::run::RunData;
use nasc_search::archive::{
    Addition, Archive as _, ArchiveStats, Axis, CvtArchive, Elite, Objective,
};
use nasc_search::measures::{Descriptor, measures};
use nasc_search::state::CandidateId;
use nasc_search::store::OverviewRow;

/// An archive over a run's axes and centroids.
#[derive(Debug)]
pub struct Passive {
    archive: CvtArchive<CandidateId>,
    descriptors: Vec<Descriptor>,
}

/// Where a network fell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fall {
    /// Its cell.
    pub cell: usize,
    /// Whether it took the cell.
    pub entered: bool,
    /// Whether one of its descriptors lay outside of its axis.
    pub clipped: bool,
}

impl Passive {
    /// An empty archive; `None` if the run's centroids are of other dimensions than its axes.
    #[must_use]
    pub fn new(run: &RunData) -> Option<Self> {
        let archive = CvtArchive::new(run.axes().to_vec(), run.centroids().clone())?;
        Some(Self { archive, descriptors: run.config.descriptors() })
    }

    /// Offers a candidate; `None` if it has no fitness.
    pub fn offer(&mut self, row: &OverviewRow) -> Option<Fall> {
        let objective = Objective::new(row.fitness?, row.loss?).ok()?;
        let measures = measures(&self.descriptors, row.cost.as_ref()?).ok()?;
        let outside = |(axis, value): (&Axis, &f64)| axis.coordinate(*value).clipped;
        let clipped = self.archive.axes().iter().zip(measures.values()).any(outside);
        let Addition { cell, status, .. } =
            self.archive.add(Elite { solution: row.candidate, objective, measures });
        Some(Fall { cell, entered: status.entered(), clipped })
    }

    /// Its figures.
    #[must_use]
    pub fn stats(&self) -> ArchiveStats {
        self.archive.stats()
    }

    /// Its residents, by cell.
    pub fn residents(&self) -> impl Iterator<Item = (usize, CandidateId)> {
        self.archive.elites().map(|(cell, elite)| (cell, elite.solution))
    }
}

/// The archive at the end of a run.
#[must_use]
pub fn at_end(run: &RunData) -> Option<Passive> {
    let mut archive = Passive::new(run)?;
    for row in &run.candidates {
        archive.offer(row);
    }
    Some(archive)
}
