//! The evaluator of real searches: the compiler judges the text, the runtime trains the network.
//! Deliberately not here: how either does it, and where candidates come from.

mod inherit;

use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::time::Instant;

use nasc_compiler::diagnostic::Diagnostics;
use nasc_compiler::ir::{CheckedGraph, DType, Dim, Shape};
use nasc_compiler::source::SourceFile;
use nasc_compiler::{CompileOptions, Limits, canon, compile, cost};
use nasc_runtime::data::{Dataset, SplitKind};
use nasc_runtime::train::{self, StopReason, TrainConfig, TrainEvent, TrainReport, Trainer};
use nasc_runtime::{RuntimeError, Workload, checkpoint, estimate_memory, fits_batches, trainable};

use super::{
    CandidateDiagnostic, Effort, EpochRecord, EvaluateError, Evaluation, EvaluationRequest,
    EvaluationSeconds, Evaluator, Judgement, Rejection, Stage, TestScore, TrainProgress, TrainSink,
    Verdict,
};
use crate::archive::Objective;
use crate::config::{BudgetConfig, TrainingConfig};
use crate::measures::CostFigures;
use crate::precedents::Hurdle;

/// Compiles and trains candidates on one data set. The data set's validation split is the one
/// that fitness comes from; a search whose fitness is test accuracy opens it that way.
pub struct TrainingEvaluator<'a> {
    data: &'a Dataset,
    training: TrainingConfig,
    budget: BudgetConfig,
    /// Bytes that may still be taken when a candidate comes.
    available: fn() -> u64,
    /// Whether networks are timed.
    times: bool,
    /// The network that was asked about last, by its text.
    last: Option<(String, CheckedGraph, CostFigures)>,
}

impl<'a> TrainingEvaluator<'a> {
    /// An evaluator for a data set, a training and a budget.
    #[must_use]
    pub fn new(data: &'a Dataset, training: TrainingConfig, budget: BudgetConfig) -> Self {
        TrainingEvaluator {
            data,
            training,
            budget,
            available: || u64::MAX,
            times: false,
            last: None,
        }
    }

    /// Refuses candidates that need more memory than `available` says there is when they come, too. A
    /// run on a machine with less then refuses more.
    #[must_use]
    pub fn with_memory(self, available: fn() -> u64) -> Self {
        TrainingEvaluator { available, ..self }
    }

    /// Measures the latency of every network that is trained or scored.
    #[must_use]
    pub fn with_latency(self, times: bool) -> Self {
        TrainingEvaluator { times, ..self }
    }

    /// The network of a text, if it is one for this data set and within the budget.
    fn admit(&self, source: &str) -> Result<(CheckedGraph, CostFigures), Rejection> {
        let [channels, height, width] = self.data.shape().dims().map(|extent| extent as u64);
        let mut options = CompileOptions::image(channels, height, width);
        options.training = true;
        options.limits = Limits::candidate();
        let file = SourceFile::new("candidate.py", source);
        let compiled = compile(&file, &options).map_err(|list| refused(&list, &file))?;
        let graph = compiled.graph;
        self.expect_output(&graph)?;
        let work = Workload::new(&self.training.train_config(0), self.data);
        trainable(&graph)
            .and_then(|()| fits_batches(&graph, &work))
            .map_err(|error| untrainable(&error, &file))?;
        let figures = figures(&graph);
        self.expect_budget(&graph, &figures, &work)?;
        Ok((graph, figures))
    }

    fn expect_output(&self, graph: &CheckedGraph) -> Result<(), Rejection> {
        let expected = Shape(vec![Dim::N, Dim::Known(self.data.classes() as u64)]);
        let types = || graph.outputs.iter().filter_map(|&output| graph.tensor_type(output));
        let fits = graph.outputs.len() == 1
            && types().all(|found| found.shape == expected && found.dtype == DType::F32);
        if fits {
            return Ok(());
        }
        let found: Vec<String> = types().map(|found| found.shape.to_string()).collect();
        Err(Rejection::WrongOutput { found: found.join(", "), expected: expected.to_string() })
    }

    fn expect_budget(
        &self,
        graph: &CheckedGraph,
        cost: &CostFigures,
        work: &Workload,
    ) -> Result<(), Rejection> {
        within("params", cost.params, self.budget.max_params)?;
        within("macs", cost.macs, self.budget.max_macs)?;
        // last, because it takes time
        let memory = self.budget.max_memory_bytes.min((self.available)());
        within("memory_bytes", estimate_memory(graph, work), memory)
    }

    /// What a network that is to be trained promises, if the configuration asks for it.
    fn promise(
        &self,
        request: EvaluationRequest<'_>,
        graph: &CheckedGraph,
    ) -> Result<Option<f64>, EvaluateError> {
        let Some(filter) = self.training.filter.filter(|_| request.effort == Effort::Train) else {
            return Ok(None);
        };
        let images = NonZeroUsize::new(filter.images as usize).unwrap_or(NonZeroUsize::MIN);
        let config = self.training.train_config(request.seed);
        filter.proxy.score(graph, self.data, &config, images).map_err(failed)
    }

    /// Why a network with this score is not trained. One that cannot be scored is.
    fn unpromising(&self, request: EvaluationRequest<'_>, score: Option<f64>) -> Option<Rejection> {
        let (filter, least, score) = (self.training.filter?, request.demands.score?, score?);
        let proxy = filter.proxy.name().to_owned();
        (score < least).then_some(Rejection::Unpromising { proxy, score, least })
    }

    fn trained(
        &self,
        request: EvaluationRequest<'_>,
        graph: &CheckedGraph,
        mut cost: CostFigures,
        progress: TrainSink<'_>,
    ) -> Result<Verdict, EvaluateError> {
        if self.times {
            let latency = nasc_runtime::latency::latency(graph, self.data).map_err(failed)?;
            cost.latency_seconds = Some(latency.as_secs_f64());
        }
        let mut config = self.training.train_config(request.seed);
        let mut trainer = Trainer::new(graph, self.data, &config).map_err(failed)?;
        if let Some(parent) = request.inherited {
            config.initial = Some(inherit::over(trainer.state().map_err(failed)?, parent));
            trainer = Trainer::new(graph, self.data, &config).map_err(failed)?;
        }
        let hurdles = &request.demands.hurdles;
        let report = match request.effort {
            Effort::Untrained => None,
            Effort::Train => Some(train(&mut trainer, &self.training, hurdles, progress)?),
        };
        if let Some(rejection) = report.as_ref().and_then(|report| rejection(report.stop)) {
            return rejection.map(Verdict::Rejected);
        }
        let measured = match report.as_ref().and_then(|report| kept(report, &self.training)) {
            Some(measured) => measured,
            None => match score(&mut trainer, SplitKind::Validation, &config, progress)? {
                Some(measured) => measured,
                None => return Ok(Verdict::Rejected(Rejection::TimedOut)),
            },
        };
        let Ok(objective) = Objective::new(measured.accuracy, measured.loss) else {
            let step = report.map_or(0, |report| report.steps as u64);
            return Ok(Verdict::Rejected(Rejection::Diverged { step }));
        };
        let weights = match request.effort {
            Effort::Untrained => None,
            Effort::Train => {
                let state = trainer.state().map_err(failed)?;
                Some(checkpoint::to_bytes(&state).map_err(failed)?)
            }
        };
        let curve = report.map(|report| curve(&report)).unwrap_or_default();
        let fingerprint = Some(canon::hash(graph).to_string());
        Ok(Verdict::Evaluated(Box::new(Evaluation {
            objective,
            cost,
            curve,
            fingerprint,
            weights,
        })))
    }
}

/// Trains until the end, or until a hurdle is not taken.
fn train(
    trainer: &mut Trainer<'_>,
    training: &TrainingConfig,
    hurdles: &[Hurdle],
    progress: TrainSink<'_>,
) -> Result<TrainReport, EvaluateError> {
    let epochs = u64::from(training.epochs);
    let mut is_behind = false;
    let report = trainer.run(|event| {
        if let TrainEvent::Epoch { epoch, report } = event {
            let at = |hurdle: &&Hurdle| hurdle.epochs as usize == epoch + 1;
            is_behind = hurdles
                .iter()
                .find(at)
                .is_some_and(|hurdle| report.validation_accuracy < hurdle.accuracy);
        }
        if is_behind {
            return ControlFlow::Break(());
        }
        told(event, epochs).map_or(ControlFlow::Continue(()), &mut *progress)
    });
    let mut report = report.map_err(failed)?;
    if is_behind && report.stop == StopReason::Interrupted {
        trainer.restore_best().map_err(failed)?;
        report.stop = StopReason::EarlyStop;
    }
    Ok(report)
}

/// Loss and accuracy on a split; `None` if it took longer than a candidate may.
fn score(
    trainer: &mut Trainer<'_>,
    split: SplitKind,
    config: &TrainConfig,
    progress: TrainSink<'_>,
) -> Result<Option<train::Evaluation>, EvaluateError> {
    let scored = trainer.evaluate_watched(split, config.time_limit, |event| {
        told(event, 0).map_or(ControlFlow::Continue(()), &mut *progress)
    });
    match scored {
        Ok(Some(scored)) => Ok(Some(scored)),
        Ok(None) => Err(EvaluateError::Interrupted),
        Err(RuntimeError::TimeLimit) => Ok(None),
        Err(error) => Err(failed(error)),
    }
}

/// What the trainer tells, as the search tells it.
fn told(event: TrainEvent<'_>, epochs: u64) -> Option<TrainProgress> {
    match event {
        TrainEvent::Step { step, per_epoch, loss, .. } => Some(TrainProgress {
            stage: Stage::Training,
            done: step as u64 + 1,
            total: (per_epoch as u64).saturating_mul(epochs),
            loss: Some(loss),
        }),
        TrainEvent::Evaluation { split, images, total } => Some(TrainProgress {
            stage: if split == SplitKind::Test { Stage::Test } else { Stage::Validation },
            done: images as u64,
            total: total as u64,
            loss: None,
        }),
        TrainEvent::Epoch { .. } => None,
    }
}

/// The validation of the weights that a training ends with: those of its last epoch, or of its best.
fn kept(report: &TrainReport, training: &TrainingConfig) -> Option<train::Evaluation> {
    let best = || report.best_epoch().and_then(|best| report.epochs.get(best));
    let epoch = if training.method.keep_best { best() } else { report.epochs.last() }?;
    Some(train::Evaluation { loss: epoch.validation_loss, accuracy: epoch.validation_accuracy })
}

fn within(figure: &str, value: u64, limit: u64) -> Result<(), Rejection> {
    if value <= limit {
        return Ok(());
    }
    Err(Rejection::OverBudget { figure: figure.to_owned(), value, limit })
}

impl Evaluator for TrainingEvaluator<'_> {
    fn describe(&self) -> String {
        format!("compiler and trainer {} on {}", env!("CARGO_PKG_VERSION"), self.data.name())
    }

    fn fingerprint(&mut self, source: &str) -> Option<String> {
        let (graph, cost) = self.admit(source).ok()?;
        let fingerprint = canon::hash(&graph).to_string();
        self.last = Some((source.to_owned(), graph, cost));
        Some(fingerprint)
    }

    fn evaluate(
        &mut self,
        request: EvaluationRequest<'_>,
        progress: TrainSink<'_>,
    ) -> Result<Judgement, EvaluateError> {
        let began = Instant::now();
        let last = self.last.take().filter(|(source, ..)| source == request.source);
        let admitted = match last {
            Some((_, graph, cost)) => Ok((graph, cost)),
            None => self.admit(request.source),
        };
        let compile = began.elapsed().as_secs_f64();
        let (verdict, proxy_score) = match admitted {
            Ok((graph, cost)) => {
                let score = self.promise(request, &graph)?;
                let verdict = match self.unpromising(request, score) {
                    Some(rejection) => Verdict::Rejected(rejection),
                    None => self.trained(request, &graph, cost, progress)?,
                };
                (verdict, score)
            }
            Err(rejection) => (Verdict::Rejected(rejection), None),
        };
        let train = began.elapsed().as_secs_f64() - compile;
        Ok(Judgement { verdict, seconds: EvaluationSeconds { compile, train }, proxy_score })
    }

    fn test(
        &mut self,
        source: &str,
        weights: &[u8],
        progress: TrainSink<'_>,
    ) -> Result<TestScore, EvaluateError> {
        let (graph, _) = self.admit(source).map_err(|rejection| {
            EvaluateError::Failed(
                format!("the network is refused now: {}", rejection.name()).into(),
            )
        })?;
        let mut config = self.training.train_config(0);
        config.initial = Some(checkpoint::from_bytes(weights).map_err(unusable)?);
        let mut trainer = Trainer::new(&graph, self.data, &config).map_err(unusable)?;
        // a network that was trained in time is scored, however long it takes
        config.time_limit = None;
        let train::Evaluation { accuracy, loss } =
            score(&mut trainer, SplitKind::Test, &config, progress)?
                .ok_or(EvaluateError::Interrupted)?;
        Ok(TestScore { accuracy, loss })
    }
}

/// Weights that are no safetensors file or those of another network are no fault of the machine.
fn unusable(error: RuntimeError) -> EvaluateError {
    match error {
        RuntimeError::State { .. } | RuntimeError::Checkpoint { .. } => {
            EvaluateError::Weights { reason: error.to_string() }
        }
        error => failed(error),
    }
}

fn failed(error: RuntimeError) -> EvaluateError {
    EvaluateError::Failed(Box::new(error))
}

/// What a training's end means for its candidate; nothing if it ran to its end.
fn rejection(stop: StopReason) -> Option<Result<Rejection, EvaluateError>> {
    match stop {
        StopReason::Completed | StopReason::StepBudget | StopReason::EarlyStop => None,
        StopReason::Interrupted => Some(Err(EvaluateError::Interrupted)),
        StopReason::Diverged { step } => Some(Ok(Rejection::Diverged { step: step as u64 })),
        StopReason::TimeBudget => Some(Ok(Rejection::TimedOut)),
    }
}

fn curve(report: &TrainReport) -> Vec<EpochRecord> {
    let record = |(epoch, figures): (u32, &train::EpochReport)| EpochRecord {
        epoch,
        train_loss: figures.train_loss,
        train_accuracy: figures.train_accuracy,
        loss: Some(figures.validation_loss),
        accuracy: Some(figures.validation_accuracy),
    };
    (1u32..).zip(&report.epochs).map(record).collect()
}

fn figures(graph: &CheckedGraph) -> CostFigures {
    let report = cost::analyze(graph);
    CostFigures {
        params: report.trainable_params,
        macs: report.macs,
        depth: report.depth,
        width: report.width,
        width_to_depth: report.width_to_depth,
        peak_activation_bytes: report.peak_activation_bytes,
        latency_seconds: None,
    }
}

pub(super) fn refused(list: &Diagnostics, file: &SourceFile) -> Rejection {
    let parsed = !list.as_slice().iter().any(|one| one.code.starts_with("nasc::syntax::"));
    let diagnostics = list
        .as_slice()
        .iter()
        .map(|one| CandidateDiagnostic {
            code: one.code.to_owned(),
            message: one.message.clone(),
            line: one.span().map(|span| file.line_column(span.start).line),
        })
        .collect();
    Rejection::Compile { parsed, diagnostics }
}

/// A network that checks but holds an operation that the trainer lacks, or a batch norm that its batches
/// do not suit.
fn untrainable(error: &RuntimeError, file: &SourceFile) -> Rejection {
    let message = error.to_string();
    let (code, span) = match error {
        RuntimeError::Unsupported { span, .. } => ("nasc::train::unsupported", Some(*span)),
        RuntimeError::SingleValue { span, .. } => {
            ("nasc::train::single_value_per_channel", Some(*span))
        }
        _ => ("nasc::train::unsupported", None),
    };
    let line = span.map(|span| file.line_column(span.start).line);
    let diagnostics = vec![CandidateDiagnostic { code: code.to_owned(), message, line }];
    Rejection::Compile { parsed: true, diagnostics }
}
