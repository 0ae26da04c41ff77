//! What a run came to, in the figures by which runs are compared.

use crate::passive;
use crate::run::RunData;
use serde::Serialize;
use std::path::PathBuf;

/// A run in the figures by which runs are compared.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outcome {
    /// What was changed, by the folder's name.
    pub variant: String,
    /// The run's folder.
    pub directory: PathBuf,
    /// Its seed.
    pub seed: u64,
    /// Whether nothing is left to do.
    pub finished: bool,
    /// Candidates that were generated.
    pub candidates: u64,
    /// Sum of the elites' fitness, in an archive of all networks of the run.
    pub qd_score: f64,
    /// Share of its cells that are filled.
    pub coverage: f64,
    /// The best fitness.
    pub best: Option<f64>,
    /// Test accuracy of the network with it.
    pub test: Option<f64>,
    /// Share of the candidates that have a fitness.
    pub trainable_share: f64,
    /// Different networks among those, as a share of the candidates.
    pub distinct_share: f64,
    /// Wall time.
    pub seconds: f64,
    /// Of the language model.
    pub llm_seconds: f64,
    /// Of training and validation.
    pub train_seconds: f64,
}

/// What a run came to.
#[must_use]
pub fn outcome(variant: &str, run: &RunData) -> Outcome {
    let stats = passive::at_end(run).map(|archive| archive.stats());
    let summary = &run.summary;
    let share = |part: u64| part as f64 / summary.candidates.max(1) as f64;
    Outcome {
        variant: variant.to_owned(),
        directory: run.directory.clone(),
        seed: run.record.seed,
        finished: run.is_finished(),
        candidates: summary.candidates,
        qd_score: stats.map_or(0.0, |stats| stats.qd_score),
        coverage: stats.map_or(0.0, |stats| stats.coverage),
        best: run.best().and_then(|best| best.candidate.fitness),
        test: run.test_of_best(),
        trainable_share: share(summary.evaluated),
        distinct_share: share(summary.distinct),
        seconds: summary.seconds.total,
        llm_seconds: summary.seconds.llm,
        train_seconds: summary.seconds.train,
    }
}
