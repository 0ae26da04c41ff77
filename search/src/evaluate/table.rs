//! The evaluator of searches on a tabular benchmark: the compiler finds the cell that a text
//! computes, the table says what it scores. Nothing is trained.

use std::time::Instant;

use nasc_compiler::cell::{Cell, CellError, CellOperation};
use nasc_compiler::source::SourceFile;
use nasc_compiler::{CompileOptions, Limits, compile, cost};

use super::training::refused;
use super::{
    CandidateDiagnostic, EvaluateError, Evaluation, EvaluationRequest, EvaluationSeconds,
    Evaluator, Judgement, Rejection, TestScore, TrainSink, Verdict,
};
use crate::archive::Objective;
use crate::benchmark::nasbench201::{Dataset, NAME, Score, Table};
use crate::config::FitnessSplit;
use crate::measures::CostFigures;
use crate::proposer::cells::INPUT;

/// Looks cells up. Their figures are those of the benchmark's whole network.
pub struct TableEvaluator<'a> {
    table: &'a Table,
    dataset: Dataset,
    split: FitnessSplit,
}

impl<'a> TableEvaluator<'a> {
    /// An evaluator for a data set; fitness is the accuracy on a split.
    #[must_use]
    pub const fn new(table: &'a Table, dataset: Dataset, split: FitnessSplit) -> Self {
        TableEvaluator { table, dataset, split }
    }

    const fn score(&self) -> Score {
        match self.split {
            FitnessSplit::Validation => Score::Validation,
            FitnessSplit::Test => Score::Test,
        }
    }

    /// An accuracy from 0 to 1.
    fn accuracy(&self, cell: Cell, score: Score) -> f64 {
        self.table.score(cell, self.dataset, score) / 100.0
    }

    fn judge(&self, source: &str) -> Verdict {
        match cell(source) {
            Ok((cell, peak)) => self.looked_up(cell, peak),
            Err(rejection) => Verdict::Rejected(rejection),
        }
    }

    fn looked_up(&self, cell: Cell, peak_activation_bytes: u64) -> Verdict {
        let accuracy = self.accuracy(cell, self.score());
        // The table holds percents, all finite, and no losses.
        let Ok(objective) = Objective::new(accuracy, 0.0) else {
            return Verdict::Rejected(Rejection::Diverged { step: 0 });
        };
        Verdict::Evaluated(Box::new(Evaluation {
            objective,
            cost: self.figures(cell, peak_activation_bytes),
            curve: Vec::new(),
            fingerprint: Some(cell.to_string()),
            weights: None,
        }))
    }

    fn figures(&self, cell: Cell, peak_activation_bytes: u64) -> CostFigures {
        let (depth, width) = (depth(cell), width(self.dataset));
        CostFigures {
            params: self.table.params(cell, self.dataset),
            macs: self.table.macs(cell, self.dataset),
            depth,
            width,
            width_to_depth: width as f64 / depth as f64,
            peak_activation_bytes,
            latency_seconds: None,
        }
    }
}

/// Layers that count towards the paper's depth, in the benchmark's network around a cell: a stem of
/// two, three stages of five cells, two residual blocks of eight between them, a head of four.
#[must_use]
pub fn depth(cell: Cell) -> u64 {
    let layers = |operation: CellOperation| match operation {
        CellOperation::None | CellOperation::SkipConnect => 0,
        CellOperation::AveragePool3x3 => 1,
        CellOperation::Convolution1x1 | CellOperation::Convolution3x3 => 3,
    };
    2 + 15 * cell.0.into_iter().map(layers).sum::<u64>() + 2 * 8 + 4
}

/// The widest layer of that network: 64 channels, or the classes.
#[must_use]
pub const fn width(dataset: Dataset) -> u64 {
    if dataset.classes() > 64 { dataset.classes() } else { 64 }
}

/// The cell of a text and the bytes of activations that one of them needs.
fn cell(source: &str) -> Result<(Cell, u64), Rejection> {
    let mut options = CompileOptions::image(INPUT[0], INPUT[1], INPUT[2]);
    options.training = true;
    options.limits = Limits::candidate();
    let file = SourceFile::new("candidate.py", source);
    let graph = compile(&file, &options).map_err(|list| refused(&list, &file))?.graph;
    let found = Cell::of_graph(&graph).map_err(|error| no_cell(&error, &file))?;
    Ok((found, cost::analyze(&graph).peak_activation_bytes))
}

fn no_cell(error: &CellError, file: &SourceFile) -> Rejection {
    let line = error.span().map(|span| file.line_column(span.start).line);
    let code = "nasc::check::no_cell".to_owned();
    let diagnostics = vec![CandidateDiagnostic { code, message: error.to_string(), line }];
    Rejection::Compile { parsed: true, diagnostics }
}

impl Evaluator for TableEvaluator<'_> {
    fn describe(&self) -> String {
        let (dataset, table) = (self.dataset.name(), self.table.fingerprint());
        let split = self.split.name();
        format!("{NAME} (sha256 {table}) on {dataset}, fitness by {split} accuracy")
    }

    fn evaluate(
        &mut self,
        request: EvaluationRequest<'_>,
        _: TrainSink<'_>,
    ) -> Result<Judgement, EvaluateError> {
        let began = Instant::now();
        let verdict = self.judge(request.source);
        let compile = began.elapsed().as_secs_f64();
        Ok(Judgement {
            verdict,
            seconds: EvaluationSeconds { compile, train: 0.0 },
            proxy_score: None,
        })
    }

    fn needs_weights(&self) -> bool {
        false
    }

    fn test(
        &mut self,
        source: &str,
        _: &[u8],
        _: TrainSink<'_>,
    ) -> Result<TestScore, EvaluateError> {
        let (cell, _) = cell(source).map_err(|rejection| {
            EvaluateError::Failed(format!("the cell is refused now: {}", rejection.name()).into())
        })?;
        Ok(TestScore { accuracy: self.accuracy(cell, Score::Test), loss: 0.0 })
    }
}
