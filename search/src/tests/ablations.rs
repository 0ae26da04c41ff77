//! Searches without one of the archives, or without evolution.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use super::fault::Fault;
use super::world::{World, assert_same, content, setup};
use crate::config::{Archives, Preset, SearchConfig};
use crate::error::SearchError;
use crate::run::{Run, RunSetup};
use crate::state::CandidateId;
use crate::store::{CandidateRow, RunReader};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;

const KINDS: [Archives; 3] = [Archives::NetworkOnly, Archives::PromptOnly, Archives::Neither];

fn setup_of(archives: Archives) -> RunSetup {
    let mut setup = setup(5);
    let mut config = SearchConfig::clone(&setup.config);
    config.archives = archives;
    config.population.prompts = 6;
    config.population.networks = 4;
    setup.config = config.check().unwrap();
    setup
}

fn searched(archives: Archives) -> (tempfile::TempDir, World) {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::default();
    world.finish(&mut Run::create(folder.path(), setup_of(archives)).unwrap());
    (folder, world)
}

fn candidates(directory: &Path) -> Vec<CandidateRow> {
    let reader = RunReader::open(directory).unwrap();
    (0..).map_while(|id| reader.candidate(CandidateId(id)).unwrap()).collect()
}

#[test]
fn a_search_without_an_archive_repeats_itself_and_goes_on_where_it_was_cut_off() {
    for archives in KINDS {
        let (whole, _) = searched(archives);
        assert_eq!(content(whole.path()), content(searched(archives).0.path()));
        let cut = tempfile::tempdir().unwrap();
        let mut run = Run::create(cut.path(), setup_of(archives)).unwrap();
        let mut rounds = 0;
        loop {
            run.store.fault = Some(Fault { writes_left: 5 + rounds % 6, after: true });
            match World::default().search(&mut run, |_| ControlFlow::Continue(())) {
                Ok(_) => break,
                Err(SearchError::DiskFull { .. }) => rounds += 1,
                Err(error) => panic!("{error}"),
            }
            drop(run);
            run = Run::resume(cut.path()).unwrap();
        }
        assert!(rounds > 5, "{archives:?}");
        assert_same(whole.path(), cut.path());
    }
}

#[test]
fn without_a_prompt_archive_the_same_individuals_move_and_none_is_added() {
    let (folder, _) = searched(Archives::NetworkOnly);
    let database = rusqlite::Connection::open(folder.path().join(crate::store::DATABASE)).unwrap();
    let mut select = database
        .prepare(
            "SELECT generation, individual, temperature, curiosity FROM prompt_cells ORDER BY 1, 2",
        )
        .unwrap();
    let columns = |row: &rusqlite::Row<'_>| {
        Ok((
            row.get::<_, u32>(0)?,
            (row.get::<_, u32>(1)?, row.get::<_, f64>(2)?, row.get::<_, f64>(3)?),
        ))
    };
    let mut generations: BTreeMap<u32, Vec<(u32, f64, f64)>> = BTreeMap::new();
    for row in select.query_map([], columns).unwrap() {
        let (generation, individual) = row.unwrap();
        generations.entry(generation).or_default().push(individual);
    }
    let first = generations.first_key_value().unwrap().1.clone();
    let last = generations.last_key_value().unwrap().1.clone();
    let ids =
        |members: &[(u32, f64, f64)]| members.iter().map(|member| member.0).collect::<Vec<_>>();
    assert_eq!((ids(&first), ids(&last)), ((0..6).collect(), (0..6).collect()));
    // Rewards are 1, -0.5 and -1; temperatures move in steps of 0.1 within their bounds.
    assert!(last.iter().any(|member| member.2 != 0.0));
    assert!(last.iter().zip(&first).any(|(after, before)| after.1 != before.1));
    let chosen = candidates(folder.path());
    assert!(chosen.iter().filter(|row| row.operator == "mutation").count() > 0);
    assert_eq!(
        first
            .iter()
            .map(|member| member.1.to_bits())
            .collect::<std::collections::BTreeSet<_>>()
            .len(),
        6
    );
}

#[test]
fn without_a_network_archive_the_fittest_are_kept_wherever_they_lie() {
    let (folder, _) = searched(Archives::PromptOnly);
    let elites = RunReader::open(folder.path()).unwrap().elites().unwrap();
    let mut kept: Vec<f64> = elites.iter().map(|elite| elite.candidate.fitness.unwrap()).collect();
    kept.sort_by(f64::total_cmp);
    let mut all: Vec<f64> =
        candidates(folder.path()).iter().filter_map(|row| row.fitness).collect();
    all.sort_by(f64::total_cmp);
    assert_eq!(kept, all[all.len() - 4..]);
}

#[test]
fn without_evolution_every_network_is_made_from_the_first() {
    let (folder, world) = searched(Archives::Neither);
    let rows = candidates(folder.path());
    assert_eq!(rows.len(), 1 + 25);
    let first = rows[0].source.clone().unwrap();
    for row in &rows[1..] {
        assert_eq!((row.operator.as_str(), &row.parents[..]), ("fresh", &[CandidateId(0)][..]));
        assert!(row.prompt.as_ref().unwrap().starts_with(first.trim_end()));
    }
    assert!(world.evaluator.evaluated.len() > 15);
}

#[test]
fn the_ablations_take_away_what_their_names_say() {
    let of = |preset: Preset| preset.ablate(SearchConfig::quick());
    for preset in Preset::ABLATIONS {
        let config = of(preset);
        assert_eq!((config.preset, config.offspring), (preset, SearchConfig::quick().offspring));
        config.check().unwrap();
    }
    assert_eq!(of(Preset::NetworkArchive).archives, Archives::NetworkOnly);
    assert_eq!(of(Preset::PromptArchive).archives, Archives::PromptOnly);
    assert_eq!(of(Preset::MutationOnly).operators.crossover, 0.0);
    assert_eq!(of(Preset::CrossoverOnly).operators.mutation, 0.0);
    assert_eq!(of(Preset::MostlyCrossover).operators.crossover, 0.7);
    assert_eq!(Preset::Random.config().archives, Archives::Neither);
    assert_eq!(Preset::PaperLiteral.config().training.batch_size, 1);
}
