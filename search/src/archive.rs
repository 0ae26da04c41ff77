//! Archives of quality-diversity search: one elite for each cell of the descriptor space.
//! An archive stores any solution type and knows nothing of language models or training.

mod axis;
mod centroids;
mod cvt;
mod elite;
mod nearest;
mod pool;
mod population;

pub use axis::{Axis, AxisError, Scale, Scaled};
pub use centroids::{CentroidParams, Centroids};
pub use cvt::CvtArchive;
pub use elite::{Elite, Measures, NotFinite, Objective};
pub use pool::Pool;
pub use population::{Population, Similarity};

/// What an insertion did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AddStatus {
    /// The cell holds an elite that is at least as fit; it stays.
    NotAdded,
    /// The newcomer is strictly fitter and took the cell.
    ImproveExisting,
    /// The cell was empty.
    New,
}

impl AddStatus {
    /// The name in the run database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotAdded => "not_added",
            Self::ImproveExisting => "improve_existing",
            Self::New => "new",
        }
    }

    /// Whether the newcomer is in the archive now.
    #[must_use]
    pub const fn entered(self) -> bool {
        match self {
            Self::NotAdded => false,
            Self::ImproveExisting | Self::New => true,
        }
    }
}

/// The result of an insertion.
#[derive(Debug, Clone, PartialEq)]
pub struct Addition<S> {
    /// The cell of the newcomer's measures.
    pub cell: usize,
    /// What happened.
    pub status: AddStatus,
    /// The elite that lost its cell.
    pub displaced: Option<Elite<S>>,
}

/// Figures of an archive. Objectives are those of the elites.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ArchiveStats {
    /// Cells that hold an elite.
    pub num_elites: usize,
    /// `num_elites` divided by the number of cells.
    pub coverage: f64,
    /// Sum of the objectives.
    pub qd_score: f64,
    /// `qd_score` divided by the number of cells.
    pub norm_qd_score: f64,
    /// The highest objective; `None` while the archive is empty.
    pub obj_max: Option<f64>,
    /// The mean objective; `None` while the archive is empty.
    pub obj_mean: Option<f64>,
}

impl ArchiveStats {
    /// The figures of elites with these objectives in so many cells.
    fn of(objectives: impl Iterator<Item = Objective>, cells: usize) -> Self {
        let values: Vec<f64> = objectives.map(Objective::value).collect();
        let (count, cells) = (values.len() as f64, cells as f64);
        let qd_score: f64 = values.iter().sum();
        Self {
            num_elites: values.len(),
            coverage: count / cells,
            qd_score,
            norm_qd_score: qd_score / cells,
            obj_max: values.iter().copied().reduce(f64::max),
            obj_mean: (count > 0.0).then(|| qd_score / count),
        }
    }
}

/// A collection that keeps the fittest solution of every cell.
pub trait Archive<S> {
    /// Number of cells.
    fn cells(&self) -> usize;

    /// The cell that measures belong to, whether it is occupied or not.
    fn cell_of(&self, measures: &Measures) -> usize;

    /// Offers a solution. It takes its cell if the cell is empty or its objective is strictly
    /// higher than the resident's; on a tie the resident stays.
    fn add(&mut self, elite: Elite<S>) -> Addition<S>;

    /// The elite of a cell.
    fn elite(&self, cell: usize) -> Option<&Elite<S>>;

    /// All elites, by cell.
    fn elites<'a>(&'a self) -> impl Iterator<Item = (usize, &'a Elite<S>)>
    where
        S: 'a;

    /// The occupied cells nearest to that of `cell`'s elite in scaled descriptor space, nearest
    /// first and without `cell` itself; ties go to the lower cell.
    fn neighbours(&self, cell: usize, count: usize) -> Vec<usize>;

    /// Figures of the elites.
    fn stats(&self) -> ArchiveStats;
}
