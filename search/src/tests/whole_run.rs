//! A whole small run: what it leaves behind, and that the seed alone decides it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use super::world::{
    InventedModel, World, assert_same, content, extract, setup, small_config, whole_run,
};
use crate::archive::{AddStatus, Objective};
use crate::error::SearchError;
use crate::evaluate::*;
use crate::llm::Decoding;
use crate::observer::SearchEvent;
use crate::run::{Run, RunSetup};
use crate::scheduler::{SearchOutcome, Workers};
use crate::state::CandidateId;
use crate::store::{CandidateRow, RunReader, RunSummary};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

#[test]
fn a_run_ends_with_archives_counts_and_weights_that_agree() {
    let folder = tempfile::tempdir().unwrap();
    let world = whole_run(folder.path(), 7);
    let reader = RunReader::open(folder.path()).unwrap();
    let summary = reader.summary().unwrap();
    let generations = reader.generations().unwrap();
    assert_eq!(summary.candidates as usize, world.model.asked.len());
    let offspring: u32 = generations.iter().map(|row| row.offspring).sum();
    assert_eq!(u64::from(offspring), summary.candidates + 1);
    check_shares(&reader, &summary);
    assert_eq!((summary.tokens, summary.overruled), (3 * summary.candidates, summary.candidates));
    let operators: BTreeSet<&str> = generations.iter().map(|row| row.operator.as_str()).collect();
    assert_eq!(operators, BTreeSet::from(["crossover", "first", "mutation", "random"]));
    let elites = reader.elites().unwrap();
    assert_eq!(elites.len(), summary.networks.unwrap().num_elites);
    assert_eq!(world.evaluator.tested as usize, elites.len());
    assert!(elites.iter().all(|elite| elite.weights.is_some()));
    assert!(elites.iter().all(|elite| elite.candidate.test_accuracy.is_some()));
    let files = std::fs::read_dir(folder.path().join("weights")).unwrap().count();
    assert_eq!(files, elites.len());
    assert_eq!(reader.prompt_elites().unwrap().len(), summary.prompts.unwrap().num_elites);
}

/// The counts of the summary are those of the candidates.
fn check_shares(reader: &RunReader, summary: &RunSummary) {
    let generated: Vec<CandidateRow> =
        (1..).map_while(|id| reader.candidate(CandidateId(id)).unwrap()).collect();
    let count = |test: &dyn Fn(&CandidateRow) -> bool| generated.iter().filter(|c| test(c)).count();
    let rejected =
        |c: &CandidateRow, test: fn(&Rejection) -> bool| c.rejection.as_ref().is_none_or(test);
    assert_eq!(summary.parsed as usize, count(&|c| rejected(c, Rejection::parsed)));
    assert_eq!(summary.checked as usize, count(&|c| rejected(c, Rejection::checked)));
    assert_eq!(summary.evaluated as usize, count(&|c| c.fitness.is_some()));
    let trained = |c: &CandidateRow| matches!(c.operator.as_str(), "mutation" | "crossover");
    let has_fitness = |c: &CandidateRow| c.fitness.is_some();
    assert_eq!(summary.trained as usize, count(&|c| has_fitness(c) && trained(c)));
    assert!(count(&|c| has_fitness(c) && !trained(c)) > 0);
    assert_eq!(summary.entered as usize, count(&|c| c.add_status.is_some_and(AddStatus::entered)));
    assert!(summary.entered < summary.evaluated && summary.parsed < summary.candidates);
    assert!(summary.distinct > 0 && summary.distinct <= summary.evaluated);
}

#[test]
fn the_same_seed_gives_the_same_database_and_another_seed_another() {
    let folders = [(); 3].map(|()| tempfile::tempdir().unwrap());
    for (folder, seed) in folders.iter().zip([7, 7, 8]) {
        whole_run(folder.path(), seed);
    }
    let [first, same, other] = folders.each_ref().map(|folder| content(folder.path()));
    assert_eq!(first, same);
    assert_ne!(first, other);
}

#[test]
fn no_cell_gets_worse_and_every_elite_is_in_the_cell_nearest_to_it() {
    let folder = tempfile::tempdir().unwrap();
    whole_run(folder.path(), 7);
    let reader = RunReader::open(folder.path()).unwrap();
    let (axes, centroids) =
        (small_config().network_axes().to_vec(), reader.record().unwrap().network_centroids);
    let mut best: BTreeMap<u32, Objective> = BTreeMap::new();
    let generations = reader.generations().unwrap().len() as u32;
    for generation in 0..generations {
        for elite in reader.elites_of(generation).unwrap() {
            let cost = elite.candidate.cost.unwrap();
            let values = [cost.width_to_depth, cost.macs as f64];
            let point: Vec<f64> = axes
                .iter()
                .zip(values)
                .map(|(axis, value)| axis.coordinate(value).coordinate)
                .collect();
            assert_eq!(centroids.nearest_by_scan(&point) as u32, elite.cell);
            let (fitness, loss) = (elite.candidate.fitness.unwrap(), elite.candidate.loss.unwrap());
            let now = Objective::new(fitness, loss).unwrap();
            let before = best.insert(elite.cell, now);
            assert!(before.is_none_or(|before| !before.beats(now)));
        }
    }
    assert_eq!(best.len(), reader.elites().unwrap().len());
}

#[test]
fn candidates_keep_their_lineage_prompt_and_result() {
    let folder = tempfile::tempdir().unwrap();
    whole_run(folder.path(), 7);
    let reader = RunReader::open(folder.path()).unwrap();
    let first = reader.candidate(CandidateId(0)).unwrap().unwrap();
    assert!(first.prompt.is_none() && first.source.unwrap().contains("nn.Linear(64, 10)"));
    assert!(reader.candidate(CandidateId(10_000)).unwrap().is_none());
    let generations = 1..reader.generations().unwrap().len() as u32;
    let children = generations.flat_map(|generation| reader.candidates_of(generation).unwrap());
    let mut crossed = 0;
    for child in children {
        let prompt = child.prompt.unwrap();
        assert!(!prompt.ends_with('\n') && prompt.ends_with("\"\"\""));
        for parent in &child.parents {
            let parent = reader.candidate(*parent).unwrap().unwrap();
            assert!(prompt.contains(parent.source.unwrap().trim_end()));
        }
        crossed += u32::from(child.parents.len() == 2);
        assert!(child.verdict.is_some());
    }
    assert!(crossed > 0);
}

#[test]
fn requests_carry_the_decoding_and_a_seed_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let world = whole_run(folder.path(), 7);
    let seeds: BTreeSet<u64> = world.model.requests.iter().map(|r| r.sampling.seed).collect();
    assert_eq!(seeds.len(), world.model.requests.len());
    for request in &world.model.requests {
        assert_eq!((request.sampling.top_k, request.sampling.max_tokens), (50, 350));
        let Decoding::Shape(target) = &request.decoding else { panic!("not directed") };
        assert_eq!((target.input, target.classes, target.max_macs), ([1, 8, 8], 10, 2_000_000));
    }
}

#[test]
fn a_prompt_that_is_too_long_is_rejected_alone() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = Run::create(folder.path(), setup(7)).unwrap();
    let mut world = World::default();
    // Room for the first network with a short instruction, but not with a long one.
    world.model.context = run.record.first_network.len() + 45;
    world.finish(&mut run);
    let reader = RunReader::open(folder.path()).unwrap();
    let verdicts: Vec<(String, String)> = (1..)
        .map_while(|id| reader.candidate(CandidateId(id)).unwrap())
        .map(|row| (row.operator, row.verdict.unwrap()))
        .collect();
    let too_long = |(_, verdict): &&(String, String)| verdict == "prompt_too_long";
    let rejected = verdicts.iter().filter(too_long).count();
    assert!(rejected > 0 && rejected < verdicts.len(), "{verdicts:?}");
    assert_eq!(world.model.asked.len(), verdicts.len() - rejected);
}

#[test]
fn an_observer_can_stop_at_any_event_and_nothing_is_done_twice() {
    let [whole, stopped] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    whole_run(whole.path(), 3);
    let mut run = Run::create(stopped.path(), setup(3)).unwrap();
    let mut world = World::default();
    let mut stops = 0;
    // Each session gets one event further in the generation it stops in, so it always ends.
    loop {
        let mut events_left = 3 + stops % 40;
        let outcome = world.search(&mut run, |_: SearchEvent<'_>| {
            events_left -= 1;
            if events_left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        match outcome.unwrap() {
            SearchOutcome::Finished => break,
            SearchOutcome::Interrupted => stops += 1,
        }
    }
    assert!(stops > 10);
    assert_same(whole.path(), stopped.path());
    assert!(world.evaluator.evaluated.values().all(|&times| times == 1));
    assert!(world.model.asked.values().all(|&times| times == 1));
}

/// An evaluator that rejects everything.
struct Refusing;

impl Evaluator for Refusing {
    fn describe(&self) -> String {
        "invented".to_owned()
    }

    fn evaluate(
        &mut self,
        _: EvaluationRequest<'_>,
        _: TrainSink<'_>,
    ) -> Result<Judgement, EvaluateError> {
        let verdict = Verdict::Rejected(Rejection::TimedOut);
        Ok(Judgement {
            verdict,
            seconds: EvaluationSeconds { compile: 0.0, train: 0.0 },
            proxy_score: None,
        })
    }

    fn test(&mut self, _: &str, _: &[u8], _: TrainSink<'_>) -> Result<TestScore, EvaluateError> {
        Err(EvaluateError::Interrupted)
    }
}

#[test]
fn a_run_whose_first_network_is_rejected_stops_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = Run::create(folder.path(), setup(7)).unwrap();
    let outcome = run.search(Workers {
        model: &mut InventedModel::default(),
        extract,
        evaluator: &mut Refusing,
        observer: &mut |_: SearchEvent<'_>| ControlFlow::Continue(()),
    });
    let Err(SearchError::FirstNetwork { rejection: Rejection::TimedOut }) = outcome else {
        panic!("{outcome:?}")
    };
    // Nothing was written that a better evaluator could not go on from.
    World::default().finish(&mut run);
}

#[test]
fn with_fitness_on_the_test_split_nothing_is_tested_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = crate::config::SearchConfig::clone(&small_config());
    config.training.fitness_split = crate::config::FitnessSplit::Test;
    let config = config.check().unwrap();
    let mut run = Run::create(folder.path(), RunSetup { config, ..setup(7) }).unwrap();
    let mut world = World::default();
    world.finish(&mut run);
    assert_eq!(world.evaluator.tested, 0);
}
