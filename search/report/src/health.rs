//! Whether the archives are well, generation by generation: how much of them is filled, how new networks
//! spread over the cells, how many lie outside of an axis, and a warning when an archive collapses.

use crate::passive::Passive;
use crate::run::RunData;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// A share of networks outside of an axis above which the axis is in the wrong place.
const MOST_CLIPPED: f64 = 0.5;

/// Generations whose networks are looked at together.
const WINDOW: usize = 3;

/// Networks without which nothing is said.
const FEWEST_NETWORKS: usize = 20;

/// Cells in effect below which networks pile up.
const FEWEST_CELLS: f64 = 3.0;

/// Prompt individuals without which nothing is said of instructions.
const FEWEST_INDIVIDUALS: usize = 5;

/// An archive of networks and one of prompts at the end of a generation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Health {
    /// The generation, the first network and random rounds included.
    pub generation: u32,
    /// How its candidates came about.
    pub operator: String,
    /// Its networks with a fitness.
    pub evaluated: usize,
    /// Those of them that entered the archive.
    pub entered: usize,
    /// Those that equal an earlier network.
    pub repeated: usize,
    /// Share of the cells that are filled.
    pub coverage: f64,
    /// Sum of the elites' fitness.
    pub qd_score: f64,
    /// Entropy of the generation's networks over the cells, as a share of the largest possible.
    pub entropy: f64,
    /// The number of equally used cells with that entropy.
    pub effective_cells: f64,
    /// Share of the generation's networks with a descriptor outside of its axis.
    pub clipped_share: f64,
    /// Instructions that the prompt archive holds.
    pub instructions: usize,
    /// Individuals that the prompt archive holds.
    pub individuals: usize,
}

/// An archive that does not do what it is for.
#[derive(Debug, Clone, PartialEq)]
pub enum Collapse {
    /// Most networks lie outside of an axis.
    Clipped {
        /// Their share.
        share: f64,
    },
    /// New networks fall into a few cells.
    FewCells {
        /// Generations that were looked at.
        generations: usize,
        /// Their networks.
        networks: usize,
        /// Cells in effect.
        cells: f64,
    },
    /// The prompt archive holds one instruction alone.
    OneInstruction {
        /// Individuals in the archive.
        individuals: usize,
    },
}

impl fmt::Display for Collapse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Clipped { share } => write!(
                f,
                "{:.0} % of the networks lie outside of an axis and share the cells at its ends; move \
                 the ends of `network_archive.axes`, or make the axis logarithmic",
                share * 100.0
            ),
            Self::FewCells { generations, networks, cells } => write!(
                f,
                "the {networks} networks of the last {generations} generations fall into {cells:.1} \
                 cells in effect: the network archive collapses; raise `random_phase`, temperatures \
                 or the operators' variety, or look whether the axes tell networks apart"
            ),
            Self::OneInstruction { individuals } => write!(
                f,
                "all {individuals} individuals of the prompt archive have the same instruction: the \
                 prompt archive collapses; `mutation.library_share` above 0 brings others back"
            ),
        }
    }
}

/// Candidates of a generation by cell.
#[derive(Default)]
struct Tally {
    cells: BTreeMap<usize, usize>,
    clipped: usize,
    entered: usize,
    repeated: usize,
}

impl Tally {
    fn evaluated(&self) -> usize {
        self.cells.values().sum()
    }
}

/// The archives' health at the end of every complete generation, and what is wrong now.
#[must_use]
pub fn health(run: &RunData) -> (Vec<Health>, Vec<Collapse>) {
    let Some(mut archive) = Passive::new(run) else { return (Vec::new(), Vec::new()) };
    let prompts = prompts(run);
    let mut rows = run.candidates.iter().peekable();
    let (mut all, mut tallies) = (Vec::new(), Vec::new());
    for generation in run.generations.iter().filter(|row| row.networks.is_some()) {
        let mut tally = Tally::default();
        while let Some(row) = rows.next_if(|row| row.generation <= generation.generation) {
            let Some(fall) = archive.offer(row) else { continue };
            *tally.cells.entry(fall.cell).or_default() += 1;
            tally.clipped += usize::from(fall.clipped);
            tally.entered += usize::from(fall.entered);
            tally.repeated += usize::from(row.repeats.is_some());
        }
        let entropy = entropy(tally.cells.values().copied());
        let stats = archive.stats();
        let largest = (run.centroids().points().len() as f64).ln();
        let held = prompts.get(&generation.generation);
        all.push(Health {
            generation: generation.generation,
            operator: generation.operator.clone(),
            evaluated: tally.evaluated(),
            entered: tally.entered,
            repeated: tally.repeated,
            coverage: stats.coverage,
            qd_score: stats.qd_score,
            entropy: if largest > 0.0 { entropy / largest } else { 0.0 },
            effective_cells: entropy.exp(),
            clipped_share: share(tally.clipped, tally.evaluated()),
            instructions: held.map_or(0, |held| held.iter().collect::<BTreeSet<_>>().len()),
            individuals: held.map_or(0, Vec::len),
        });
        tallies.push(tally);
    }
    let wrong = collapses(run, &all, &tallies);
    (all, wrong)
}

/// Instructions of the prompt archive's individuals at the end of each generation.
fn prompts(run: &RunData) -> BTreeMap<u32, Vec<u32>> {
    let mut held: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for (generation, elite) in &run.prompt_history {
        held.entry(*generation).or_default().push(elite.instruction);
    }
    held
}

fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// Shannon's entropy of counts, in nats.
fn entropy(counts: impl Iterator<Item = usize> + Clone) -> f64 {
    let whole: usize = counts.clone().sum();
    counts.map(|count| share(count, whole)).filter(|&p| p > 0.0).map(|p| -p * p.ln()).sum()
}

fn collapses(run: &RunData, all: &[Health], tallies: &[Tally]) -> Vec<Collapse> {
    let mut found = Vec::new();
    let networks: usize = tallies.iter().map(Tally::evaluated).sum();
    let clipped = share(tallies.iter().map(|tally| tally.clipped).sum(), networks);
    if networks >= FEWEST_NETWORKS && clipped > MOST_CLIPPED {
        found.push(Collapse::Clipped { share: clipped });
    }
    let recent = tallies.get(tallies.len().saturating_sub(WINDOW)..).unwrap_or(tallies);
    found.extend(few_cells(recent));
    let has_prompts = run.config.archives.has_prompts() && run.instructions.len() > 1;
    if let Some(last) = all.last().filter(|_| has_prompts)
        && last.instructions == 1
        && last.individuals >= FEWEST_INDIVIDUALS
    {
        found.push(Collapse::OneInstruction { individuals: last.individuals });
    }
    found
}

fn few_cells(recent: &[Tally]) -> Option<Collapse> {
    let mut together: BTreeMap<usize, usize> = BTreeMap::new();
    for (&cell, &count) in recent.iter().flat_map(|tally| &tally.cells) {
        *together.entry(cell).or_default() += count;
    }
    let networks: usize = together.values().sum();
    let cells = entropy(together.values().copied()).exp();
    (networks >= FEWEST_NETWORKS && cells < FEWEST_CELLS).then_some(Collapse::FewCells {
        generations: recent.len(),
        networks,
        cells,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{Tally, entropy, few_cells};

    #[test]
    fn entropy_counts_cells_in_effect() {
        let cells = |counts: &[usize]| entropy(counts.iter().copied()).exp();
        assert!((cells(&[5, 5, 5, 5]) - 4.0).abs() < 1e-9);
        assert!((cells(&[7]) - 1.0).abs() < 1e-9);
        assert!(cells(&[97, 1, 1, 1]) < 1.3);
    }

    #[test]
    fn networks_that_pile_up_in_two_cells_are_a_collapse_and_few_networks_are_none() {
        let tally = |counts: &[usize]| Tally {
            cells: counts.iter().copied().enumerate().collect(),
            ..Tally::default()
        };
        assert!(few_cells(&[tally(&[20, 8]), tally(&[12])]).is_some());
        assert!(few_cells(&[tally(&[10, 8]), tally(&[1])]).is_none());
        assert!(few_cells(&[tally(&[10, 9, 8, 11])]).is_none());
    }
}
