//! A plain population: the fittest solutions that were offered, up to a number, wherever they lie in
//! descriptor space. What stands in for an archive in a search without it.

use super::{AddStatus, Addition, Archive, ArchiveStats, Elite, Measures, Objective};
use std::collections::BTreeMap;

/// How alike two solutions are; the higher, the more.
pub type Similarity<S> = fn(&S, &S) -> f64;

/// A population; a member's place counts as its cell.
#[derive(Debug)]
pub struct Population<S> {
    members: BTreeMap<usize, Elite<S>>,
    capacity: usize,
    similarity: Similarity<S>,
}

impl<S> Population<S> {
    /// An empty population of so many places.
    #[must_use]
    pub const fn new(capacity: usize, similarity: Similarity<S>) -> Self {
        Self { members: BTreeMap::new(), capacity, similarity }
    }

    /// Puts a member at a place; answers `false`, and does nothing, if there is no such place.
    pub fn restore(&mut self, place: usize, member: Elite<S>) -> bool {
        let fits = place < self.capacity;
        if fits {
            self.members.insert(place, member);
        }
        fits
    }

    /// The solution at a place, to be changed.
    pub fn solution_mut(&mut self, place: usize) -> Option<&mut S> {
        self.members.get_mut(&place).map(|member| &mut member.solution)
    }

    /// Raises the objective of every member that `select` picks; a lower one is left out.
    pub fn raise_objective(&mut self, objective: Objective, select: impl Fn(&S) -> bool) {
        for member in self.members.values_mut().filter(|member| select(&member.solution)) {
            if objective.beats(member.objective) {
                member.objective = objective;
            }
        }
    }

    /// The place for a newcomer: a free one, or that of the least fit; of several the last.
    fn place(&self) -> usize {
        if self.members.len() < self.capacity {
            return self.members.len();
        }
        let least = self.members.iter().reduce(|least, next| {
            if next.1.objective.beats(least.1.objective) { least } else { next }
        });
        least.map_or(0, |(&place, _)| place)
    }
}

impl<S> Archive<S> for Population<S> {
    fn cells(&self) -> usize {
        self.capacity
    }

    fn cell_of(&self, _: &Measures) -> usize {
        self.place()
    }

    fn add(&mut self, elite: Elite<S>) -> Addition<S> {
        let cell = self.place();
        let status = match self.members.get(&cell) {
            None => AddStatus::New,
            Some(least) if elite.objective.beats(least.objective) => AddStatus::ImproveExisting,
            Some(_) => AddStatus::NotAdded,
        };
        let displaced = if status.entered() { self.members.insert(cell, elite) } else { None };
        Addition { cell, status, displaced }
    }

    fn elite(&self, cell: usize) -> Option<&Elite<S>> {
        self.members.get(&cell)
    }

    fn elites<'a>(&'a self) -> impl Iterator<Item = (usize, &'a Elite<S>)>
    where
        S: 'a,
    {
        self.members.iter().map(|(&place, member)| (place, member))
    }

    /// The members most like the one at a place, the most alike first.
    fn neighbours(&self, cell: usize, count: usize) -> Vec<usize> {
        let Some(centre) = self.members.get(&cell) else { return Vec::new() };
        let others = self.members.iter().filter(|&(&other, _)| other != cell);
        let mut others: Vec<(f64, usize)> = others
            .map(|(&other, member)| ((self.similarity)(&centre.solution, &member.solution), other))
            .collect();
        others.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        others.into_iter().take(count).map(|(_, other)| other).collect()
    }

    fn stats(&self) -> ArchiveStats {
        ArchiveStats::of(self.members.values().map(|member| member.objective), self.capacity)
    }
}
