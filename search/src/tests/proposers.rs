//! Searches without a language model: the seed alone decides them, also when they are cut off.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use super::fault::Fault;
use super::world::{World, assert_same, content, setup};
use crate::config::SearchConfig;
use crate::error::SearchError;
use crate::proposer::ProposerKind;
use crate::run::{Run, RunSetup, Space};
use crate::state::CandidateId;
use crate::store::{CandidateRow, RunReader};
use std::ops::ControlFlow;
use std::path::Path;

const KINDS: [(ProposerKind, Space); 6] = [
    (ProposerKind::Random, Space::Networks),
    (ProposerKind::Evolution, Space::Networks),
    (ProposerKind::Mutate, Space::Networks),
    (ProposerKind::Random, Space::Cells),
    (ProposerKind::Evolution, Space::Cells),
    (ProposerKind::Mutate, Space::Cells),
];

/// A run of about thirty candidates; a population of 7 that dies out several times.
fn setup_of(kind: ProposerKind, space: Space, seed: u64) -> RunSetup {
    let mut setup = setup(seed);
    let mut config = SearchConfig::clone(&setup.config);
    config.proposer.kind = kind;
    config.proposer.population = 7;
    config.proposer.sample = 3;
    config.generations = 4;
    config.offspring = 6;
    setup.config = config.check().unwrap();
    setup.task.space = space;
    setup
}

fn whole_run(directory: &Path, kind: ProposerKind, space: Space, seed: u64) {
    World::default().finish(&mut Run::create(directory, setup_of(kind, space, seed)).unwrap());
}

fn candidates(directory: &Path) -> Vec<CandidateRow> {
    let reader = RunReader::open(directory).unwrap();
    (0..).map_while(|id| reader.candidate(CandidateId(id)).unwrap()).collect()
}

#[test]
fn the_seed_alone_decides_a_search_without_a_language_model() {
    for (kind, space) in KINDS {
        let folders = [(); 3].map(|()| tempfile::tempdir().unwrap());
        for (folder, seed) in folders.iter().zip([7, 7, 8]) {
            whole_run(folder.path(), kind, space, seed);
        }
        let [first, same, other] = folders.each_ref().map(|folder| content(folder.path()));
        assert_eq!(first, same, "{kind:?}");
        assert_ne!(first, other, "{kind:?}");
    }
}

/// Searches until a write fails; whether one did.
fn search_until_fault(run: &mut Run, fault: Fault) -> bool {
    run.store.fault = Some(fault);
    match World::default().search(run, |_| ControlFlow::Continue(())) {
        Ok(_) => false,
        Err(SearchError::DiskFull { .. }) => true,
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn a_search_without_a_language_model_that_is_cut_off_ends_as_if_it_was_not() {
    for (kind, space) in KINDS {
        let [whole, cut] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        whole_run(whole.path(), kind, space, 5);
        let mut run = Run::create(cut.path(), setup_of(kind, space, 5)).unwrap();
        let mut round = 0;
        let fault =
            |round: u32| Fault { writes_left: 4 + round % 7, after: round.is_multiple_of(2) };
        while search_until_fault(&mut run, fault(round)) {
            drop(run);
            run = Run::resume(cut.path()).unwrap();
            round += 1;
            assert!(round < 200, "{kind:?} does not end");
        }
        assert!(round > 5, "{kind:?}: {round}");
        assert_same(whole.path(), cut.path());
    }
}

#[test]
fn evolution_draws_its_first_population_and_then_parents_among_those_evaluated_last() {
    let folder = tempfile::tempdir().unwrap();
    whole_run(folder.path(), ProposerKind::Evolution, Space::Cells, 7);
    let rows = candidates(folder.path());
    assert_eq!(rows.len(), 1 + 24);
    assert!(rows[1..8].iter().all(|row| row.operator == "fresh" && row.parents.is_empty()));
    for row in &rows[8..] {
        assert_eq!(row.operator, "mutation");
        let [parent] = row.parents[..] else { panic!("{:?}", row.parents) };
        let age = row.candidate.0 - parent.0;
        assert!((1..=7).contains(&age), "the parent of {:?} is {age} old", row.candidate);
    }
}

/// With tournaments of the whole population the parent is the fittest of the last seven.
#[test]
fn the_fittest_of_a_tournament_is_the_parent() {
    let folder = tempfile::tempdir().unwrap();
    let mut setup = setup_of(ProposerKind::Evolution, Space::Cells, 7);
    let mut config = SearchConfig::clone(&setup.config);
    config.proposer.sample = 500;
    setup.config = config.check().unwrap();
    World::default().finish(&mut Run::create(folder.path(), setup).unwrap());
    let rows = candidates(folder.path());
    for row in &rows[8..] {
        let at = row.candidate.0 as usize;
        let fitness = |row: &CandidateRow| row.fitness.unwrap();
        let best = rows[at - 7..at].iter().map(fitness).fold(0.0, f64::max);
        assert_eq!(fitness(&rows[row.parents[0].0 as usize]), best);
    }
}

#[test]
fn random_search_has_no_parents_and_mutation_mends_elites_and_splices_two() {
    let [random, mutated] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    whole_run(random.path(), ProposerKind::Random, Space::Networks, 7);
    assert!(candidates(random.path())[1..].iter().all(|row| row.operator == "fresh"));
    whole_run(mutated.path(), ProposerKind::Mutate, Space::Networks, 7);
    let rows = candidates(mutated.path());
    let count = |operator: &str| rows.iter().filter(|row| row.operator == operator).count();
    assert!(count("random") > 0 && count("mutation") > 0 && count("crossover") > 0);
    assert_eq!(count("fresh"), 0);
    assert!(rows[1..].iter().all(|row| row.prompt.is_none() && row.source.is_some()));
}
