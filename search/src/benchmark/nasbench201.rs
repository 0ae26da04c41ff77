//! The table of NAS-Bench-201 (Dong and Yang, ICLR 2020; NATS-Bench, TPAMI 2021) in memory: what
//! each of the 15,625 cells scores on three data sets. Its file lies in `file`, the reading of the
//! CSV form in `import`. Deliberately not here: which cell a network is; see `nasc_compiler::cell`.

mod file;
mod import;
mod network;

pub use network::{CELLS_OF_STAGE, network};

use nasc_compiler::cell::Cell;
use std::path::PathBuf;

/// Name on the command line and of the file in the cache folder.
pub const NAME: &str = "nasbench201";

/// A data set of the benchmark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dataset {
    /// CIFAR-10.
    Cifar10,
    /// CIFAR-100.
    Cifar100,
    /// ImageNet of 120 classes at 16 × 16 pixels.
    ImageNet16x120,
}

impl Dataset {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Cifar10, Self::Cifar100, Self::ImageNet16x120];

    /// The name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cifar10 => "cifar10",
            Self::Cifar100 => "cifar100",
            Self::ImageNet16x120 => "imagenet16-120",
        }
    }

    /// The data set of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dataset| dataset.name() == name)
    }

    /// Its number of classes.
    #[must_use]
    pub const fn classes(self) -> u64 {
        match self {
            Self::Cifar10 => 10,
            Self::Cifar100 => 100,
            Self::ImageNet16x120 => 120,
        }
    }
}

/// One figure of a cell on a data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Score {
    /// Validation accuracy after 200 epochs.
    Validation,
    /// Test accuracy after 200 epochs, of NATS-Bench.
    Test,
    /// The same of the first release, NAS-Bench-201 v1.0.
    FirstReleaseTest,
    /// Validation accuracy after the schedule of 12 epochs.
    ShortValidation,
    /// Test accuracy after the schedule of 12 epochs.
    ShortTest,
    /// Seconds of 200 epochs of training.
    Seconds,
}

impl Score {
    /// All of them, in the order of the file.
    pub const ALL: [Self; 6] = [
        Self::Validation,
        Self::Test,
        Self::FirstReleaseTest,
        Self::ShortValidation,
        Self::ShortTest,
        Self::Seconds,
    ];

    /// Units that one stored step is worth: percent or seconds.
    const fn step(self) -> f64 {
        match self {
            Self::Seconds => 1e-3,
            Self::Validation
            | Self::Test
            | Self::FirstReleaseTest
            | Self::ShortValidation
            | Self::ShortTest => 1e-4,
        }
    }
}

/// Figures of a cell: those of each score and data set, then parameters and MACs on CIFAR-10.
const FIGURES: usize = Score::ALL.len() * Dataset::ALL.len() + 2;

/// All figures of one cell, as whole steps.
type Row = [u32; FIGURES];

/// Where the figure of a score and a data set stands in a row.
const fn place(dataset: Dataset, score: Score) -> usize {
    score as usize * Dataset::ALL.len() + dataset as usize
}

/// The whole table, by [`Cell::number`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    rows: Vec<Row>,
    source: [u8; 32],
}

impl Table {
    /// What a cell scores: percent, or seconds.
    #[must_use]
    pub fn score(&self, cell: Cell, dataset: Dataset, score: Score) -> f64 {
        f64::from(self.steps(cell, dataset, score)) * score.step()
    }

    /// Its parameters on a data set, which differ by the last layer alone.
    #[must_use]
    pub fn params(&self, cell: Cell, dataset: Dataset) -> u64 {
        // A linear layer of 64 features and a bias: 65 for each class beyond ten.
        u64::from(self.figure(cell, FIGURES - 2)) + 65 * (dataset.classes() - 10)
    }

    /// Its multiply-accumulates on a data set, as the official table counts them.
    #[must_use]
    pub fn macs(&self, cell: Cell, dataset: Dataset) -> u64 {
        let base = u64::from(self.figure(cell, FIGURES - 1));
        match dataset {
            Dataset::Cifar10 => base,
            Dataset::Cifar100 => base + 5_850,
            // A quarter of the pixels: all but the cells' own operations are a constant.
            Dataset::ImageNet16x120 => base.saturating_sub(7_783_050) / 4 + 1_953_400,
        }
    }

    /// The place of a cell among all by a score, from 1; equal ones share the better place.
    #[must_use]
    pub fn rank(&self, cell: Cell, dataset: Dataset, score: Score) -> usize {
        let own = self.steps(cell, dataset, score);
        let at = place(dataset, score);
        1 + self.rows.iter().filter(|row| row.get(at).is_some_and(|&other| other > own)).count()
    }

    /// The best cell by a score; of several the one with the lowest number.
    #[must_use]
    pub fn best(&self, dataset: Dataset, score: Score) -> Option<Cell> {
        let steps = |cell: &Cell| self.steps(*cell, dataset, score);
        Cell::all().max_by(|a, b| steps(a).cmp(&steps(b)).then(b.number().cmp(&a.number())))
    }

    /// The smallest and the largest multiply-accumulates of a cell.
    #[must_use]
    pub fn mac_bounds(&self, dataset: Dataset) -> (u64, u64) {
        let all = || Cell::all().map(|cell| self.macs(cell, dataset));
        (all().min().unwrap_or(0), all().max().unwrap_or(0))
    }

    /// The first digits of the SHA-256 of the text the table was made from.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        self.source.iter().take(6).map(|byte| format!("{byte:02x}")).collect()
    }

    fn steps(&self, cell: Cell, dataset: Dataset, score: Score) -> u32 {
        self.figure(cell, place(dataset, score))
    }

    fn figure(&self, cell: Cell, place: usize) -> u32 {
        self.rows.get(cell.number()).and_then(|row| row.get(place)).copied().unwrap_or(0)
    }
}

/// The table cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BenchmarkError {
    /// There is no table.
    #[error(
        "the table of NAS-Bench-201 is not in {}; it is not nasc's to give, so import your own: nasc benchmark import nasbench201 FILE.csv.gz",
        path.display()
    )]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// A file cannot be read or written.
    #[error("{} cannot be used", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The table's file is not as it was written.
    #[error(
        "{} is damaged ({what}); import the table again: nasc benchmark import nasbench201 FILE.csv.gz",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// How that shows.
        what: &'static str,
    },
    /// The CSV form cannot be read.
    #[error("{} is no table of NAS-Bench-201: {what}; docs/benchmark.md says what columns it has", path.display())]
    Text {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
}

#[cfg(test)]
mod tests;
