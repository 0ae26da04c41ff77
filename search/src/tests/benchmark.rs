//! Searches on the invented table.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use super::table::invented;
use super::world::setup;
use crate::benchmark::nasbench201::{Dataset, Score};
use crate::config::{CheckedConfig, FitnessSplit, SearchConfig};
use crate::evaluate::Evaluator as _;
use crate::evaluate::table::TableEvaluator;
use crate::extract::extract;
use crate::llm::constraint::Constraint as _;
use crate::llm::shape::CellConstraint;
use crate::llm::*;
use crate::observer::SearchEvent;
use crate::proposer::{ProposerKind, cells};
use crate::run::{Run, RunSetup, Space, Task};
use crate::scheduler::Workers;
use crate::state::CandidateId;
use crate::store::{CandidateRow, RunReader};
use nasc_compiler::cell::Cell;
use std::ops::ControlFlow;
use std::path::Path;

/// Answers with what the decoder would complete by itself, every ninth time with another network.
#[derive(Default)]
struct CellWriter {
    prompts: Vec<String>,
}

impl LanguageModel for CellWriter {
    fn describe(&self) -> String {
        "cells".to_owned()
    }

    fn generate(
        &mut self,
        requests: &[Request],
        _: ProgressSink<'_>,
    ) -> Result<Vec<Completion>, LanguageModelError> {
        let complete = |request: &Request| {
            self.prompts.push(request.prompt.clone());
            let Decoding::Cell { left_out, .. } = &request.decoding else { panic!("not directed") };
            let text = match request.sampling.seed % 9 {
                0 => "class Net(nn.Module):\n    def forward(self, x):\n        return x.tanh()\n"
                    .into(),
                _ => written(request.sampling.seed, left_out),
            };
            Completion { text, finish: FinishReason::Complete, tokens: 1, overruled: 0 }
        };
        Ok(requests.iter().map(complete).collect())
    }
}

/// The first character that the decoder takes, counted from one that the seed picks.
fn written(seed: u64, left_out: &[Cell]) -> String {
    let mut constraint = CellConstraint::new(left_out);
    let mut text = constraint.head().to_owned();
    loop {
        if let Some(ending) = constraint.forced_ending() {
            return text + &ending;
        }
        let all: Vec<String> = (' '..='~').chain(['\n']).map(String::from).collect();
        let start = (seed as usize / (1 + text.len())) % all.len();
        let next = all[start..].iter().chain(&all).find(|next| constraint.accepts(next)).unwrap();
        constraint.advance(next);
        text.push_str(next);
    }
}

fn config(kind: ProposerKind, split: FitnessSplit, preset: SearchConfig) -> CheckedConfig {
    let mut config = preset.for_cells(invented(), Dataset::Cifar100);
    config.proposer.kind = kind;
    config.proposer.population = 20;
    config.training.fitness_split = split;
    config.generations = 15;
    config.offspring = 20;
    config.network_archive.samples = 500;
    config.prompt_archive.samples = 500;
    config.check().unwrap()
}

/// A run of about three hundred queries, and what the language model was asked.
fn searched(directory: &Path, config: CheckedConfig) -> (RunReader, Vec<String>) {
    let split = config.training.fitness_split;
    let mut evaluator = TableEvaluator::new(invented(), Dataset::Cifar100, split);
    let mut model = CellWriter::default();
    let task = Task {
        data: "nasbench201/cifar100".to_owned(),
        input: cells::INPUT,
        classes: 100,
        space: Space::Cells,
    };
    let (described, evaluated) = (model.describe(), evaluator.describe());
    let setup = RunSetup { config, task, model: described, evaluator: evaluated, ..setup(3) };
    let mut run = Run::create(directory, setup).unwrap();
    run.search(Workers {
        model: &mut model,
        extract,
        evaluator: &mut evaluator,
        observer: &mut |_: SearchEvent<'_>| ControlFlow::Continue(()),
    })
    .unwrap();
    drop(run);
    (RunReader::open(directory).unwrap(), model.prompts)
}

fn candidates(reader: &RunReader) -> Vec<CandidateRow> {
    (0..).map_while(|id| reader.candidate(CandidateId(id)).unwrap()).collect()
}

fn best(reader: &RunReader) -> f64 {
    let fitness = |row: &CandidateRow| row.fitness;
    candidates(reader).iter().filter_map(fitness).fold(0.0, f64::max)
}

#[test]
fn every_candidate_gets_what_the_table_says_of_its_cell() {
    for kind in ProposerKind::ALL {
        let folder = tempfile::tempdir().unwrap();
        let config = config(kind, FitnessSplit::Validation, SearchConfig::quick());
        let (reader, _) = searched(folder.path(), config);
        let mut elites = 0;
        for row in candidates(&reader).iter().filter(|row| row.fitness.is_some()) {
            let cell = cells::read(row.source.as_deref().unwrap()).unwrap().representative();
            let score = |score| invented().score(cell, Dataset::Cifar100, score) / 100.0;
            assert_eq!(row.fitness, Some(score(Score::Validation)), "{kind:?}");
            assert_eq!(row.cost.unwrap().macs, invented().macs(cell, Dataset::Cifar100));
            assert!(row.test_accuracy.is_none_or(|test| test == score(Score::Test)));
            elites += usize::from(row.test_accuracy.is_some());
        }
        assert_eq!(elites, reader.elites().unwrap().len());
    }
}

#[test]
fn evolution_climbs_further_than_chance() {
    let found = [ProposerKind::Random, ProposerKind::Evolution].map(|kind| {
        let folder = tempfile::tempdir().unwrap();
        let config = config(kind, FitnessSplit::Validation, SearchConfig::quick());
        best(&searched(folder.path(), config).0)
    });
    assert!(found[1] > found[0], "{found:?}");
}

#[test]
fn fitness_is_test_accuracy_where_that_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(ProposerKind::Random, FitnessSplit::Test, SearchConfig::paper());
    let (reader, _) = searched(folder.path(), config);
    let row = candidates(&reader).into_iter().next_back().unwrap();
    let cell = cells::read(row.source.as_deref().unwrap()).unwrap().representative();
    let test = invented().score(cell, Dataset::Cifar100, Score::Test) / 100.0;
    assert_eq!(row.fitness, Some(test));
}

#[test]
fn a_language_model_sees_edges_and_a_text_that_is_no_cell_is_untrainable() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(ProposerKind::Model, FitnessSplit::Validation, SearchConfig::quick());
    let (reader, prompts) = searched(folder.path(), config);
    for prompt in &prompts {
        assert!(prompt.starts_with("class Cell(nn.Module):"), "{prompt}");
        assert!(prompt.ends_with("\"\"\""), "{prompt}");
        assert!(!prompt.contains("forward"), "{prompt}");
    }
    let rows = candidates(&reader);
    let refused: Vec<_> = rows.iter().filter_map(|row| row.rejection.as_ref()).collect();
    assert!(refused.len() > 5 && refused.len() < rows.len() / 4);
    for rejection in refused {
        let text = format!("{rejection:?}");
        assert!(text.contains("nasc::check::no_cell") && rejection.parsed(), "{text}");
    }
}
