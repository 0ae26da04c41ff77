//! The CVT-MAP-Elites archive (Vassiliades et al. 2018): cells are the Voronoi regions of
//! centroids, and the elite of a cell is the fittest solution whose measures fall into it.

use super::nearest::NearestCentroid;
use super::{
    AddStatus, Addition, Archive, ArchiveStats, Axis, Centroids, Elite, Measures, Objective,
};
use std::collections::BTreeMap;

/// An archive over scaled descriptor axes.
#[derive(Debug)]
pub struct CvtArchive<S> {
    axes: Vec<Axis>,
    centroids: Centroids,
    nearest: NearestCentroid,
    elites: BTreeMap<usize, Elite<S>>,
    offered: u64,
    clipped: u64,
}

impl<S> CvtArchive<S> {
    /// An empty archive; `None` unless there is one axis for each dimension of the centroids.
    #[must_use]
    pub fn new(axes: Vec<Axis>, centroids: Centroids) -> Option<Self> {
        let nearest = NearestCentroid::new(&centroids);
        (axes.len() == centroids.dimensions()).then_some(Self {
            axes,
            centroids,
            nearest,
            elites: BTreeMap::new(),
            offered: 0,
            clipped: 0,
        })
    }

    /// Puts a stored elite back where it was, without counting it as an offer.
    /// Answers `false`, and does nothing, if the cell is not the one its measures belong to.
    pub fn restore(&mut self, cell: usize, elite: Elite<S>) -> bool {
        let fits = self.cell_of(&elite.measures) == cell;
        if fits {
            self.elites.insert(cell, elite);
        }
        fits
    }

    /// Sets the counts behind [`CvtArchive::clipped_share`] when a stored archive is taken back.
    pub const fn restore_counts(&mut self, offered: u64, clipped: u64) {
        self.offered = offered;
        self.clipped = clipped;
    }

    /// Solutions offered so far, and those of them with a measure outside of its axis.
    #[must_use]
    pub const fn counts(&self) -> (u64, u64) {
        (self.offered, self.clipped)
    }

    /// Share of the offered solutions with a measure outside of its axis; 0 before the first.
    #[must_use]
    pub fn clipped_share(&self) -> f64 {
        if self.offered == 0 { 0.0 } else { self.clipped as f64 / self.offered as f64 }
    }

    /// The axes.
    #[must_use]
    pub fn axes(&self) -> &[Axis] {
        &self.axes
    }

    /// The centroids.
    #[must_use]
    pub const fn centroids(&self) -> &Centroids {
        &self.centroids
    }

    /// The solution of an occupied cell, to be changed in place. Its objective is not reachable
    /// here, since an elite must not get worse.
    pub fn solution_mut(&mut self, cell: usize) -> Option<&mut S> {
        self.elites.get_mut(&cell).map(|elite| &mut elite.solution)
    }

    /// Raises the objective of every elite that `select` picks; a lower one is left out.
    pub fn raise_objective(&mut self, objective: Objective, select: impl Fn(&S) -> bool) {
        for elite in self.elites.values_mut().filter(|elite| select(&elite.solution)) {
            if objective.beats(elite.objective) {
                elite.objective = objective;
            }
        }
    }

    fn coordinates(&self, measures: &Measures) -> (Vec<f64>, bool) {
        let scaled = self.axes.iter().zip(measures.values()).map(|(axis, &v)| axis.coordinate(v));
        let mut clipped = false;
        let coordinates = scaled.map(|scaled| {
            clipped |= scaled.clipped;
            scaled.coordinate
        });
        (coordinates.collect(), clipped)
    }
}

impl<S> Archive<S> for CvtArchive<S> {
    fn cells(&self) -> usize {
        self.centroids.points().len()
    }

    fn cell_of(&self, measures: &Measures) -> usize {
        self.nearest.cell(&self.centroids, &self.coordinates(measures).0)
    }

    fn add(&mut self, elite: Elite<S>) -> Addition<S> {
        let (coordinates, clipped) = self.coordinates(&elite.measures);
        self.offered += 1;
        self.clipped += u64::from(clipped);
        let cell = self.nearest.cell(&self.centroids, &coordinates);
        let status = match self.elites.get(&cell) {
            None => AddStatus::New,
            Some(resident) if elite.objective.beats(resident.objective) => {
                AddStatus::ImproveExisting
            }
            Some(_) => AddStatus::NotAdded,
        };
        let displaced = if status.entered() { self.elites.insert(cell, elite) } else { None };
        Addition { cell, status, displaced }
    }

    fn elite(&self, cell: usize) -> Option<&Elite<S>> {
        self.elites.get(&cell)
    }

    fn elites<'a>(&'a self) -> impl Iterator<Item = (usize, &'a Elite<S>)>
    where
        S: 'a,
    {
        self.elites.iter().map(|(&cell, elite)| (cell, elite))
    }

    fn neighbours(&self, cell: usize, count: usize) -> Vec<usize> {
        let Some(centre) = self.elites.get(&cell) else { return Vec::new() };
        let centre = self.coordinates(&centre.measures).0;
        let mut others: Vec<(f64, usize)> = self
            .elites()
            .filter(|&(other, _)| other != cell)
            .map(|(other, elite)| {
                let at = self.coordinates(&elite.measures).0;
                (super::centroids::squared_distance(&centre, &at), other)
            })
            .collect();
        others.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        others.into_iter().take(count).map(|(_, other)| other).collect()
    }

    fn stats(&self) -> ArchiveStats {
        ArchiveStats::of(self.elites.values().map(|elite| elite.objective), self.cells())
    }
}
