//! The run's folder: locks, formats, full disks, folders that hold no run.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use super::world::{World, assert_same, setup, whole_run};
use crate::error::SearchError;
use crate::observer::SearchEvent;
use crate::run::Run;
use crate::scheduler::SearchOutcome;
use crate::store::{DATABASE, RunReader};
use rusqlite::Connection;
use std::ops::ControlFlow;
use std::path::Path;

#[test]
fn a_folder_without_a_run_cannot_be_resumed_and_one_with_a_run_not_begun_again() {
    let folder = tempfile::tempdir().unwrap();
    let resumed = Run::resume(folder.path());
    assert!(matches!(resumed, Err(SearchError::NotARun { .. })));
    assert!(matches!(RunReader::open(folder.path()), Err(SearchError::NotARun { .. })));
    drop(Run::create(folder.path(), setup(1)).unwrap());
    let again = Run::create(folder.path(), setup(1));
    assert!(matches!(again, Err(SearchError::RunExists { .. })));
}

#[test]
fn a_run_killed_before_its_record_was_written_can_be_begun_again() {
    let folder = tempfile::tempdir().unwrap();
    drop(Connection::open(folder.path().join(DATABASE)).unwrap());
    std::fs::write(folder.path().join(DATABASE), "").unwrap();
    assert!(matches!(Run::resume(folder.path()), Err(SearchError::NotARun { .. })));
    World::default().finish(&mut Run::create(folder.path(), setup(1)).unwrap());
}

#[test]
fn two_processes_cannot_write_one_run_but_one_can_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let run = Run::create(folder.path(), setup(1)).unwrap();
    assert!(matches!(Run::resume(folder.path()), Err(SearchError::Locked { .. })));
    assert_eq!(RunReader::open(folder.path()).unwrap().summary().unwrap().candidates, 0);
    drop(run);
    assert!(Run::resume(folder.path()).is_ok());
}

#[test]
fn another_format_is_named_and_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    drop(Run::create(folder.path(), setup(1)).unwrap());
    let database = Connection::open(folder.path().join(DATABASE)).unwrap();
    database.execute("UPDATE run SET format = 99", []).unwrap();
    let Err(SearchError::Format { found: 99, .. }) = Run::resume(folder.path()) else {
        panic!("format 99 was read")
    };
}

#[test]
fn a_run_goes_on_with_the_model_it_began_with_only() {
    let folder = tempfile::tempdir().unwrap();
    let other = crate::run::RunSetup { model: "another".to_owned(), ..setup(1) };
    let mut run = Run::create(folder.path(), other).unwrap();
    let outcome = World::default().search(&mut run, |_| ControlFlow::Continue(()));
    let Err(SearchError::Mismatch { what: "language model", .. }) = outcome else {
        panic!("another model went on")
    };
}

#[test]
fn a_text_that_is_no_database_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(DATABASE), "this is no database ".repeat(100)).unwrap();
    assert!(matches!(Run::resume(folder.path()), Err(SearchError::Database { .. })));
}

#[test]
fn a_full_disk_stops_the_run_with_the_reason_and_it_can_be_resumed() {
    let [whole, small] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    whole_run(whole.path(), 2);
    let mut run = Run::create(small.path(), setup(2)).unwrap();
    run.store.limit_growth(6).unwrap();
    let mut world = World::default();
    let error = world.search(&mut run, |_| ControlFlow::Continue(())).unwrap_err();
    let SearchError::DiskFull { path } = &error else { panic!("{error}") };
    assert_eq!(path, &small.path().join(DATABASE));
    assert!(error.to_string().contains("resume"));
    drop(run);
    world.finish(&mut Run::resume(small.path()).unwrap());
    assert_same(whole.path(), small.path());
}

#[test]
fn a_seed_that_cannot_be_stored_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let error = Run::create(folder.path(), setup(u64::MAX)).unwrap_err();
    assert!(error.to_string().starts_with("`seed`"), "{error}");
    assert!(Run::create(folder.path(), setup(u64::MAX >> 1)).is_ok());
}

/// A run that stopped in the middle of a generation, which has placed a network already.
fn stopped_in_the_middle(directory: &Path) {
    let mut run = Run::create(directory, setup(5)).unwrap();
    let outcome = World::default().search(&mut run, |event| match event {
        SearchEvent::CandidateFinished { candidate, status: Some(_), .. } if candidate.0 > 9 => {
            ControlFlow::Break(())
        }
        _ => ControlFlow::Continue(()),
    });
    assert_eq!(outcome.unwrap(), SearchOutcome::Interrupted);
}

#[test]
fn records_that_contradict_each_other_are_reported_and_not_built_on() {
    let damages = [
        "UPDATE candidates SET prompt = 'another' WHERE generation > 2",
        "UPDATE candidates SET cell = cell + 1 WHERE generation > 2 AND cell IS NOT NULL",
        "UPDATE candidates SET fitness = 0.9 - fitness, add_status = CASE add_status
            WHEN 'new' THEN 'not_added' ELSE 'new' END WHERE generation > 2 AND cell IS NOT NULL",
        "UPDATE network_cells SET cell = 11 - cell",
        "UPDATE prompt_cells SET temperature = 0.0",
        "DELETE FROM candidates WHERE candidate = 12",
    ];
    for damage in damages {
        let folder = tempfile::tempdir().unwrap();
        stopped_in_the_middle(folder.path());
        let database = Connection::open(folder.path().join(DATABASE)).unwrap();
        assert!(database.execute(damage, []).unwrap() > 0, "{damage}");
        drop(database);
        let mut run = Run::resume(folder.path()).unwrap();
        let outcome = World::default().search(&mut run, |_| ControlFlow::Continue(()));
        assert!(matches!(outcome, Err(SearchError::Corrupt { .. })), "{damage}: {outcome:?}");
    }
}
