//! A run that is cut off at any write and resumed is the run that was never cut off.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use super::fault::Fault;
use super::world::{World, assert_same, content, is_deadly, setup, whole_run};
use crate::error::SearchError;
use crate::run::Run;
use crate::state::CandidateId;
use crate::store::{CandidateRow, RunReader};
use std::ops::ControlFlow;
use std::path::Path;

/// Searches until the fault strikes; whether it did.
fn search_until_fault(world: &mut World, run: &mut Run, fault: Fault) -> bool {
    run.store.fault = Some(fault);
    match world.search(run, |_| ControlFlow::Continue(())) {
        Ok(_) => false,
        Err(SearchError::DiskFull { .. }) => true,
        Err(error) => panic!("{error}"),
    }
}

/// Cuts a run off at its `k`-th write; `None` if it has fewer.
fn cut_off_at(directory: &Path, writes_left: u32, after: bool) -> Option<World> {
    let mut world = World::default();
    let mut run = Run::create(directory, setup(5)).unwrap();
    search_until_fault(&mut world, &mut run, Fault { writes_left, after }).then_some(world)
}

#[test]
fn a_run_cut_off_at_any_write_ends_as_if_it_was_not() {
    let whole = tempfile::tempdir().unwrap();
    whole_run(whole.path(), 5);
    let mut cuts = 0;
    for writes in 0.. {
        for after in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            let Some(mut world) = cut_off_at(folder.path(), writes, after) else {
                assert!(cuts > 100, "only {cuts} cuts");
                return;
            };
            cuts += 1;
            world.finish(&mut Run::resume(folder.path()).unwrap());
            assert_same(whole.path(), folder.path());
            check_nothing_was_done_twice(&world, after);
        }
    }
}

/// What was acknowledged is not done again; what was lost with the write is done once more.
fn check_nothing_was_done_twice(world: &World, acknowledged: bool) {
    let again = |counts: &std::collections::BTreeMap<u64, u32>| -> u32 {
        counts.values().map(|&times| times - 1).sum()
    };
    let (generated, evaluated) = (again(&world.model.asked), again(&world.evaluator.evaluated));
    if acknowledged {
        // A weights file counts as a write, and its candidate's result comes after it.
        assert!(generated == 0 && evaluated <= 1, "{generated} and {evaluated} again");
    } else {
        assert!(generated <= 2 && evaluated <= 1, "{generated} and {evaluated} again");
    }
}

#[test]
fn a_run_cut_off_again_and_again_ends_the_same() {
    let [whole, cut] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    whole_run(whole.path(), 5);
    let mut world = World::default();
    let mut run = Run::create(cut.path(), setup(5)).unwrap();
    let mut round = 0;
    while search_until_fault(
        &mut world,
        &mut run,
        Fault { writes_left: 1 + round % 4, after: true },
    ) {
        drop(run);
        run = Run::resume(cut.path()).unwrap();
        round += 1;
    }
    assert!(round > 10);
    assert_same(whole.path(), cut.path());
}

#[test]
fn a_finished_run_resumes_to_nothing() {
    let folder = tempfile::tempdir().unwrap();
    whole_run(folder.path(), 5);
    let before = content(folder.path());
    let mut world = World::default();
    world.finish(&mut Run::resume(folder.path()).unwrap());
    assert!(world.model.asked.is_empty() && world.evaluator.evaluated.is_empty());
    assert_eq!(before, content(folder.path()));
}

/// All candidates of a run but the first.
fn candidates(directory: &Path) -> Vec<CandidateRow> {
    let reader = RunReader::open(directory).unwrap();
    (1..).map_while(|id| reader.candidate(CandidateId(id)).unwrap()).collect()
}

/// Those that crashed are those that are deadly; their number.
fn check_crashed(directory: &Path) -> usize {
    let all = candidates(directory);
    for candidate in &all {
        let deadly = candidate.source.as_deref().is_some_and(is_deadly);
        assert_eq!(candidate.verdict.as_deref() == Some("crashed"), deadly, "{candidate:?}");
    }
    let summary = RunReader::open(directory).unwrap().summary().unwrap();
    let crashed = all.iter().filter(|c| c.verdict.as_deref() == Some("crashed")).count();
    assert!(summary.evaluated as usize + crashed <= all.len());
    crashed
}

#[test]
fn a_candidate_that_the_evaluator_panics_over_has_crashed_and_the_run_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::default();
    world.evaluator.accident = Some(|| panic!("this is for the test"));
    world.finish(&mut Run::create(folder.path(), setup(5)).unwrap());
    assert!(check_crashed(folder.path()) > 0);
    assert!(world.evaluator.evaluated.values().all(|&times| times == 1));
}

/// Folder of the run whose evaluator kills its process.
const MORTAL: &str = "NASC_TEST_MORTAL";

/// Not a test of its own: the body of the process that the next test loses.
#[test]
fn mortal() {
    let Some(folder) = std::env::var_os(MORTAL) else { return };
    let folder = Path::new(&folder);
    let mut run = Run::resume(folder).unwrap_or_else(|_| Run::create(folder, setup(5)).unwrap());
    let mut world = World::default();
    world.evaluator.accident = Some(|| std::process::abort());
    world.finish(&mut run);
}

#[test]
fn a_candidate_that_kills_the_process_is_tried_twice_and_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let mut deaths = 0;
    while !succeeds("tests::resume::mortal", MORTAL, folder.path().as_os_str()) {
        deaths += 1;
        assert!(deaths < 100, "the run does not end");
    }
    let crashed = check_crashed(folder.path());
    assert!(crashed > 0);
    assert_eq!(deaths, 2 * crashed);
}

/// Runs one of these tests in a process of its own.
fn succeeds(test: &str, variable: &str, value: &std::ffi::OsStr) -> bool {
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--test-threads=1"]).env(variable, value);
    command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    command.status().unwrap().success()
}

/// Folder and number of writes for the process that kills itself.
const VICTIM: &str = "NASC_TEST_VICTIM";

/// Not a test of its own: the body of the process that the next test begins and loses.
#[test]
fn victim() {
    let Some(order) = std::env::var_os(VICTIM) else { return };
    let order = order.into_string().unwrap();
    let (writes, folder) = order.split_once(' ').unwrap();
    let folder = Path::new(folder);
    let mut run = Run::resume(folder).unwrap_or_else(|_| Run::create(folder, setup(5)).unwrap());
    let fault = Fault { writes_left: writes.parse().unwrap(), after: true };
    if search_until_fault(&mut World::default(), &mut run, fault) {
        // Nothing is closed or flushed on the way out, as with kill -9.
        std::process::abort();
    }
}

#[test]
fn processes_that_die_leave_a_run_that_ends_as_if_they_had_not() {
    let [whole, killed] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    whole_run(whole.path(), 5);
    let mut deaths = 0;
    loop {
        let order = format!("{} {}", 2 + 5 * (deaths % 4), killed.path().display());
        if succeeds("tests::resume::victim", VICTIM, order.as_ref()) {
            break;
        }
        deaths += 1;
        assert!(deaths < 100, "the run does not end");
    }
    assert!(deaths >= 5, "{deaths} deaths");
    assert_same(whole.path(), killed.path());
}
