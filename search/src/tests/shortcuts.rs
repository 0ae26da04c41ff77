//! Cheap before expensive: what candidates have to reach follows from those before them, also in a run
//! that was cut off; what a child inherits is its parent's.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use super::fault::Fault;
use super::world::{World, assert_same, setup};
use crate::config::{FilterConfig, HalvingConfig, SearchConfig};
use crate::error::SearchError;
use crate::precedents::Demands;
use crate::run::{Run, RunSetup};
use nasc_runtime::proxy::Proxy;
use std::ops::ControlFlow;

fn world() -> World {
    let mut world = World::default();
    world.evaluator.scores = true;
    world
}

fn shortcut() -> RunSetup {
    let mut setup = setup(5);
    let mut config = SearchConfig::clone(&setup.config);
    config.training.halving = Some(HalvingConfig { first_epochs: 1, factor: 2, after: 4 });
    config.training.filter =
        Some(FilterConfig { proxy: Proxy::Synflow, keep: 0.5, after: 6, images: 32 });
    config.training.inherit_weights = true;
    setup.config = config.check().unwrap();
    setup
}

#[test]
fn demands_follow_from_the_candidates_before_also_in_a_run_that_was_cut_off() {
    let whole = tempfile::tempdir().unwrap();
    let mut asked = world();
    asked.finish(&mut Run::create(whole.path(), shortcut()).unwrap());
    let demands = asked.evaluator.demands;
    let first = demands.iter().position(|one| !one.hurdles.is_empty()).unwrap();
    assert!(
        (4..12).contains(&first),
        "after the first network, a random round and four more: {first}"
    );
    assert_eq!(demands[first].hurdles[0].accuracy, 0.7);
    assert!(demands.iter().filter(|one| one.score.is_some()).count() > 8);

    let cut = tempfile::tempdir().unwrap();
    let mut run = Run::create(cut.path(), shortcut()).unwrap();
    let (mut rounds, mut pieces) = (0, Vec::<Demands>::new());
    loop {
        let mut world = world();
        run.store.fault = Some(Fault { writes_left: 7 + rounds % 5, after: true });
        let outcome = world.search(&mut run, |_| ControlFlow::Continue(()));
        pieces.extend(world.evaluator.demands);
        match outcome {
            Ok(_) => break,
            Err(SearchError::DiskFull { .. }) => rounds += 1,
            Err(error) => panic!("{error}"),
        }
        drop(run);
        run = Run::resume(cut.path()).unwrap();
    }
    assert!(rounds > 4);
    assert_same(whole.path(), cut.path());
    // a candidate whose result was lost is asked about twice, with the same demands
    pieces.dedup();
    let mut once = demands;
    once.dedup();
    assert_eq!(pieces, once);
}

#[test]
fn children_of_trained_networks_inherit_and_others_do_not() {
    let folder = tempfile::tempdir().unwrap();
    let mut heirs = world();
    heirs.finish(&mut Run::create(folder.path(), shortcut()).unwrap());
    // the invented evaluator keeps weights of untrained networks, too
    assert!(heirs.evaluator.inherited > 10, "{}", heirs.evaluator.inherited);
    let folder = tempfile::tempdir().unwrap();
    let mut others = world();
    others.finish(&mut Run::create(folder.path(), setup(5)).unwrap());
    assert_eq!(others.evaluator.inherited, 0);
    assert!(others.evaluator.demands.iter().all(|one| *one == Demands::default()));
}

#[test]
fn a_run_of_an_earlier_version_is_gone_on_with() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = Run::create(folder.path(), setup(5)).unwrap();
    run.store.fault = Some(Fault { writes_left: 30, after: true });
    assert!(World::default().search(&mut run, |_| ControlFlow::Continue(())).is_err());
    drop(run);
    let database = rusqlite::Connection::open(folder.path().join(crate::store::DATABASE)).unwrap();
    for column in ["proxy_score", "latency_seconds"] {
        database.execute(&format!("ALTER TABLE candidates DROP COLUMN {column}"), []).unwrap();
    }
    drop(database);
    let reader = crate::store::RunReader::open(folder.path()).unwrap();
    assert!(reader.overview().unwrap().len() > 5, "it can be read as it is");
    drop(reader);
    World::default().finish(&mut Run::resume(folder.path()).unwrap());
    let other = tempfile::tempdir().unwrap();
    World::default().finish(&mut Run::create(other.path(), setup(5)).unwrap());
    let fitness = |directory| -> Vec<Option<f64>> {
        let reader = crate::store::RunReader::open(directory).unwrap();
        reader.overview().unwrap().iter().map(|row| row.fitness).collect()
    };
    assert_eq!(fitness(folder.path()), fitness(other.path()));
}
