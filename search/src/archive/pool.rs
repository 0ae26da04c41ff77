//! What a search keeps of its networks or prompts: an archive or, where an ablation takes the archive
//! away, a plain population.

use super::{Addition, Archive, ArchiveStats, CvtArchive, Elite, Measures, Objective, Population};

/// An archive or a population.
#[derive(Debug)]
pub enum Pool<S> {
    /// One elite for each cell of descriptor space.
    Cells(CvtArchive<S>),
    /// The fittest, wherever they lie.
    Population(Population<S>),
}

impl<S> Pool<S> {
    /// Puts a stored solution back where it was, without counting it as an offer.
    /// Answers `false`, and does nothing, if that is no place for it.
    pub fn restore(&mut self, cell: usize, elite: Elite<S>) -> bool {
        match self {
            Self::Cells(archive) => archive.restore(cell, elite),
            Self::Population(population) => population.restore(cell, elite),
        }
    }

    /// Sets the counts behind [`Pool::clipped_share`] when a stored archive is taken back.
    pub const fn restore_counts(&mut self, offered: u64, clipped: u64) {
        if let Self::Cells(archive) = self {
            archive.restore_counts(offered, clipped);
        }
    }

    /// Solutions offered to an archive so far, and those of them with a measure outside of its axis.
    #[must_use]
    pub const fn counts(&self) -> (u64, u64) {
        match self {
            Self::Cells(archive) => archive.counts(),
            Self::Population(_) => (0, 0),
        }
    }

    /// Share of the offered solutions with a measure outside of its axis.
    #[must_use]
    pub fn clipped_share(&self) -> f64 {
        match self {
            Self::Cells(archive) => archive.clipped_share(),
            Self::Population(_) => 0.0,
        }
    }

    /// The solution of an occupied cell, to be changed in place.
    pub fn solution_mut(&mut self, cell: usize) -> Option<&mut S> {
        match self {
            Self::Cells(archive) => archive.solution_mut(cell),
            Self::Population(population) => population.solution_mut(cell),
        }
    }

    /// Raises the objective of every solution that `select` picks; a lower one is left out.
    pub fn raise_objective(&mut self, objective: Objective, select: impl Fn(&S) -> bool) {
        match self {
            Self::Cells(archive) => archive.raise_objective(objective, select),
            Self::Population(population) => population.raise_objective(objective, select),
        }
    }
}

impl<S> Archive<S> for Pool<S> {
    fn cells(&self) -> usize {
        match self {
            Self::Cells(archive) => archive.cells(),
            Self::Population(population) => population.cells(),
        }
    }

    fn cell_of(&self, measures: &Measures) -> usize {
        match self {
            Self::Cells(archive) => archive.cell_of(measures),
            Self::Population(population) => population.cell_of(measures),
        }
    }

    fn add(&mut self, elite: Elite<S>) -> Addition<S> {
        match self {
            Self::Cells(archive) => archive.add(elite),
            Self::Population(population) => population.add(elite),
        }
    }

    fn elite(&self, cell: usize) -> Option<&Elite<S>> {
        match self {
            Self::Cells(archive) => archive.elite(cell),
            Self::Population(population) => population.elite(cell),
        }
    }

    fn elites<'a>(&'a self) -> impl Iterator<Item = (usize, &'a Elite<S>)>
    where
        S: 'a,
    {
        let (cells, members) = match self {
            Self::Cells(archive) => (Some(archive.elites()), None),
            Self::Population(population) => (None, Some(population.elites())),
        };
        cells.into_iter().flatten().chain(members.into_iter().flatten())
    }

    fn neighbours(&self, cell: usize, count: usize) -> Vec<usize> {
        match self {
            Self::Cells(archive) => archive.neighbours(cell, count),
            Self::Population(population) => population.neighbours(cell, count),
        }
    }

    fn stats(&self) -> ArchiveStats {
        match self {
            Self::Cells(archive) => archive.stats(),
            Self::Population(population) => population.stats(),
        }
    }
}
