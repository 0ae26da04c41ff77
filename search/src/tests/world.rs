//! An invented world: a model whose text follows from prompt and seed, an evaluator that computes
//! on the text, and what is needed to compare two runs.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use crate::archive::Objective;
use crate::config::{CheckedConfig, SearchConfig};
use crate::emitter::Setting;
use crate::error::SearchError;
use crate::evaluate::*;
use crate::llm::*;
use crate::measures::CostFigures;
use crate::observer::SearchEvent;
use crate::prompt::{InstructionSet, PromptLibrary};
use crate::run::{Equipment, Run, RunSetup, Space, Task};
use crate::scheduler::{SearchOutcome, Workers};
use crate::seed::Seed;
use crate::state::{SearchState, centroids};
use rusqlite::{Connection, types::Value};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;

pub(crate) fn hash(text: &str) -> u64 {
    let digest = Sha256::digest(text.as_bytes());
    u64::from_le_bytes(digest[..8].try_into().unwrap())
}

/// Writes `net` and a number; every seventh text is no code. Knows how often it was asked for each
/// seed.
pub(crate) struct InventedModel {
    /// The longest prompt it takes, in bytes.
    pub(crate) context: usize,
    pub(crate) asked: BTreeMap<u64, u32>,
    pub(crate) requests: Vec<Request>,
}

impl Default for InventedModel {
    fn default() -> Self {
        Self { context: usize::MAX, asked: BTreeMap::new(), requests: Vec::new() }
    }
}

impl LanguageModel for InventedModel {
    fn describe(&self) -> String {
        "invented".to_owned()
    }

    fn generate(
        &mut self,
        requests: &[Request],
        progress: ProgressSink<'_>,
    ) -> Result<Vec<Completion>, LanguageModelError> {
        let step = GenerationProgress { finished: 0, total: requests.len(), tokens: 0 };
        if progress(step).is_break() {
            return Err(LanguageModelError::Interrupted);
        }
        if requests.iter().any(|request| request.prompt.len() > self.context) {
            return Err(LanguageModelError::PromptTooLong { tokens: 9000, context: 2048 });
        }
        self.requests.extend_from_slice(requests);
        let complete = |request: &Request| {
            *self.asked.entry(request.sampling.seed).or_default() += 1;
            let what = format!("{}{:?}", request.prompt, request.sampling);
            let number = hash(&what);
            let kind = if number.is_multiple_of(7) { "prose" } else { "net" };
            Completion {
                text: format!("{kind} {number}"),
                finish: FinishReason::Complete,
                tokens: 3,
                overruled: 1,
            }
        };
        Ok(requests.iter().map(complete).collect())
    }
}

pub(crate) fn extract(completion: &str) -> Option<String> {
    completion.starts_with("net").then(|| completion.to_owned())
}

/// Figures that follow from the source; one in five is rejected. Objectives are coarse, so that
/// ties occur.
#[derive(Default)]
pub(crate) struct InventedEvaluator {
    pub(crate) evaluated: BTreeMap<u64, u32>,
    pub(crate) tested: u32,
    /// What happens over the sources that [`is_deadly`] picks.
    pub(crate) accident: Option<fn()>,
    /// What equal networks share.
    pub(crate) fingerprint: Option<fn(&str) -> Option<String>>,
    /// Whether networks are scored before they are trained.
    pub(crate) scores: bool,
    /// What was asked of each candidate.
    pub(crate) demands: Vec<crate::precedents::Demands>,
    /// Candidates that were given their parent's weights.
    pub(crate) inherited: u32,
}

/// About every tenth text.
pub(crate) fn is_deadly(source: &str) -> bool {
    source.starts_with("net") && hash(source) % 10 == 9
}

impl Evaluator for InventedEvaluator {
    fn describe(&self) -> String {
        "invented".to_owned()
    }

    fn fingerprint(&mut self, source: &str) -> Option<String> {
        self.fingerprint.and_then(|of| of(source))
    }

    fn evaluate(
        &mut self,
        request: EvaluationRequest<'_>,
        progress: TrainSink<'_>,
    ) -> Result<Judgement, EvaluateError> {
        let step = TrainProgress { stage: Stage::Training, done: 0, total: 1, loss: Some(1.0) };
        if progress(step).is_break() {
            return Err(EvaluateError::Interrupted);
        }
        *self.evaluated.entry(request.seed).or_default() += 1;
        if let Some(accident) = self.accident.filter(|_| is_deadly(request.source)) {
            accident();
        }
        let number = hash(request.source);
        let verdict = match number % 10 {
            0 if request.source.starts_with("net") => {
                Verdict::Rejected(Rejection::Compile { parsed: false, diagnostics: vec![] })
            }
            1 if request.source.starts_with("net") => {
                Verdict::Rejected(Rejection::Diverged { step: 3 })
            }
            _ => Verdict::Evaluated(Box::new(evaluation(number, request))),
        };
        let seconds = EvaluationSeconds { compile: 0.001, train: 0.002 };
        self.demands.push(request.demands.clone());
        self.inherited += u32::from(request.inherited.is_some());
        let score = self.scores && request.effort == Effort::Train;
        let proxy_score = score.then_some((number % 1000) as f64);
        Ok(Judgement { verdict, seconds, proxy_score })
    }

    fn test(
        &mut self,
        _: &str,
        weights: &[u8],
        progress: TrainSink<'_>,
    ) -> Result<TestScore, EvaluateError> {
        let step = TrainProgress { stage: Stage::Test, done: 0, total: 1, loss: None };
        if progress(step).is_break() {
            return Err(EvaluateError::Interrupted);
        }
        self.tested += 1;
        Ok(TestScore { accuracy: weights.len() as f64 / 100.0, loss: 1.0 })
    }
}

fn evaluation(number: u64, request: EvaluationRequest<'_>) -> Evaluation {
    let (depth, width) = (1 + number % 13, 1 + (number >> 8) % 300);
    let trained = if request.effort == Effort::Train { 0.3 } else { 0.0 };
    let (train_loss, train_accuracy) = (1.0 / 3.0, 0.1);
    let epoch =
        EpochRecord { epoch: 1, train_loss, train_accuracy, loss: None, accuracy: Some(0.7) };
    Evaluation {
        objective: Objective::new(trained + ((number >> 16) % 8) as f64 / 16.0, 1.5).unwrap(),
        cost: CostFigures {
            params: number % 1000,
            macs: 100 + (number >> 24) % 8_000_000,
            depth,
            width,
            width_to_depth: width as f64 / depth as f64,
            peak_activation_bytes: 4 * width,
            latency_seconds: None,
        },
        curve: if request.effort == Effort::Train { vec![epoch] } else { Vec::new() },
        fingerprint: None,
        weights: Some(format!("{number} {}", request.seed).into_bytes()),
    }
}

/// A small search: about forty candidates and as many writes.
pub(crate) fn small_config() -> CheckedConfig {
    let mut config = SearchConfig::quick();
    config.generations = 5;
    config.offspring = 5;
    config.random_phase.offspring = 4;
    config.random_phase.networks = 5;
    config.operators.mutation = 0.5;
    config.operators.crossover = 0.5;
    config.language_model.batch = 2;
    config.network_archive.cells = 12;
    config.network_archive.samples = 200;
    config.prompt_archive.cells = 12;
    config.prompt_archive.samples = 200;
    config.check().unwrap()
}

pub(crate) fn task() -> Task {
    Task { data: "invented".to_owned(), input: [1, 8, 8], classes: 10, space: Space::Networks }
}

pub(crate) fn setup(seed: u64) -> RunSetup {
    RunSetup {
        config: small_config(),
        seed,
        task: task(),
        model: "invented".to_owned(),
        evaluator: "invented".to_owned(),
        equipment: Equipment { model: "invented".to_owned(), gpu_layers: 0, threads: 1 },
    }
}

#[derive(Default)]
pub(crate) struct World {
    pub(crate) model: InventedModel,
    pub(crate) evaluator: InventedEvaluator,
}

impl World {
    pub(crate) fn search(
        &mut self,
        run: &mut Run,
        mut observer: impl FnMut(SearchEvent<'_>) -> ControlFlow<()>,
    ) -> Result<SearchOutcome, SearchError> {
        run.search(Workers {
            model: &mut self.model,
            extract,
            evaluator: &mut self.evaluator,
            observer: &mut observer,
        })
    }

    /// Searches without stopping.
    pub(crate) fn finish(&mut self, run: &mut Run) {
        let outcome = self.search(run, |_| ControlFlow::Continue(())).unwrap();
        assert_eq!(outcome, SearchOutcome::Finished);
    }
}

/// A whole uninterrupted run.
pub(crate) fn whole_run(directory: &Path, seed: u64) -> World {
    let mut world = World::default();
    world.finish(&mut Run::create(directory, setup(seed)).unwrap());
    world
}

/// Everything in the database but times and sessions, and the weights.
pub(crate) fn content(directory: &Path) -> Vec<String> {
    let database = Connection::open(directory.join(crate::store::DATABASE)).unwrap();
    let tables = ["run", "centroids", "generations", "candidates", "network_cells", "prompt_cells"];
    let mut lines: Vec<String> = tables.iter().flat_map(|table| rows(&database, table)).collect();
    if let Ok(files) = std::fs::read_dir(directory.join("weights")) {
        let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
        files.sort();
        lines.extend(files.iter().map(|file| {
            format!("{:?} {:?}", file.file_name(), std::fs::read_to_string(file).unwrap())
        }));
    }
    lines
}

/// Two runs have the same content; says where they differ first.
pub(crate) fn assert_same(one: &Path, other: &Path) {
    let (one, other) = (content(one), content(other));
    for (one, other) in one.iter().zip(&other) {
        assert_eq!(one, other);
    }
    assert_eq!(one.len(), other.len());
}

fn rows(database: &Connection, table: &str) -> Vec<String> {
    let mut select = database.prepare(&format!("SELECT * FROM {table} ORDER BY 1, 2, 3")).unwrap();
    let names: Vec<String> = select.column_names().map(ToString::to_string).collect();
    let kept: Vec<usize> = (0..names.len())
        .filter(|&i| !names[i].ends_with("_ms") && !names[i].ends_with("_seconds"))
        .collect();
    let line = |row: &rusqlite::Row<'_>| {
        let values = kept.iter().map(|&i| (&names[i], row.get::<_, Value>(i).unwrap()));
        Ok(format!("{table} {:?}", values.collect::<Vec<_>>()))
    };
    select.query_map([], line).unwrap().map(Result::unwrap).collect()
}

/// The unchanging part of a run, and a state to try single rules on.
pub(crate) struct Bench {
    pub(crate) config: CheckedConfig,
    pub(crate) prompts: PromptLibrary,
    pub(crate) task: Task,
    pub(crate) state: SearchState,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let config = small_config();
        let prompts = PromptLibrary::load(InstructionSet::Mutation, None).unwrap();
        let state = SearchState::new(&config, &prompts, centroids(&config, Seed::new(1))).unwrap();
        Self { config, prompts, task: task(), state }
    }

    pub(crate) fn setting(&self) -> Setting<'_> {
        Setting {
            config: &self.config,
            prompts: &self.prompts,
            task: &self.task,
            seed: Seed::new(1),
            first_network: "net 0",
        }
    }
}
