//! A search beside its ablations on an invented table: every run once, the table, the figures.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "../../search/src/tests/invented_table.rs"]
mod invented_table;
mod support;

use std::path::Path;
use support::nasc;

/// A folder whose cache holds the invented table, and a small configuration.
fn prepared() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let csv = folder.path().join("table.csv");
    std::fs::write(&csv, invented_table::invented_csv()).unwrap();
    let import = ["benchmark", "import", "nasbench201", &csv.display().to_string()];
    assert_eq!(nasc(folder.path(), &import).0, 0);
    let config = folder.path().join("small.toml");
    let text = "preset = \"nasc\"\ngenerations = 3\noffspring = 12\n\n[random_phase]\noffspring = 12\n\n[network_archive]\nsamples = 400\nrounds = 5\n\n[prompt_archive]\nsamples = 400\nrounds = 5\n";
    std::fs::write(&config, text).unwrap();
    let config = config.display().to_string();
    (folder, config)
}

fn ablate(folder: &Path, config: &str, variants: &str) -> (u8, String, String) {
    let out = folder.join("ablation").display().to_string();
    let subject = ["--benchmark", "nasbench201", "--proposer", "mutate", "--config", config];
    let runs = ["--variants", variants, "--seeds", "2"];
    nasc(folder, &[&["ablate", &out][..], &runs, &subject].concat())
}

#[test]
fn every_variant_and_seed_is_searched_once_and_told_in_a_table_and_in_figures() {
    let (folder, config) = prepared();
    let (code, told, errors) = ablate(folder.path(), &config, "all");
    assert_eq!(code, 0, "{errors}");
    assert!(errors.contains("network-archive is left out"), "{errors}");
    let variants = ["full", "prompt-archive", "mutation-only", "crossover-only", "random"];
    let lines: Vec<Vec<&str>> =
        told.lines().map(|line| line.split_whitespace().collect()).collect();
    for variant in variants {
        let row = lines.iter().find(|line| line.first() == Some(&variant)).expect(variant);
        assert_eq!((row[1], row[3]), ("2", "±"), "{told}");
    }
    let out = folder.path().join("ablation");
    for name in ["figure1", "figure2", "figure3-full", "figure3-random"] {
        let svg = std::fs::read_to_string(out.join(name).with_extension("svg")).unwrap();
        assert!(svg.starts_with("<svg") && svg.contains("</svg>"), "{name}");
        let png = image::open(out.join(name).with_extension("png")).unwrap().to_rgb8();
        let colors: std::collections::BTreeSet<[u8; 3]> =
            png.pixels().map(|pixel| pixel.0).collect();
        assert!(png.width() > 600 && colors.len() > 20, "{name}: {}", colors.len());
    }
    let csv = std::fs::read_to_string(out.join("outcomes.csv")).unwrap();
    assert!(csv.starts_with("variant,seed,finished,candidates,qd_score"), "{csv}");
    assert_eq!(csv.lines().count(), 1 + 2 * 7, "{csv}");
    assert!(!told.contains("finished before"), "{told}");

    let (code, again, _) = ablate(folder.path(), &config, "full,random");
    assert_eq!(code, 0);
    assert_eq!(again.matches("finished before").count(), 4, "{again}");
    let row = |told: &str| -> Vec<String> {
        let row = told.lines().find(|line| line.starts_with("  full")).unwrap();
        row.split_whitespace().map(str::to_owned).collect()
    };
    assert_eq!(row(&told), row(&again));
}

#[test]
fn a_run_that_was_cut_off_is_gone_on_with() {
    let (folder, config) = prepared();
    assert_eq!(ablate(folder.path(), &config, "full").0, 0);
    let run = folder.path().join("ablation/full/2");
    let fitness = |run: &Path| -> Vec<f64> {
        let database = rusqlite::Connection::open(run.join("run.sqlite")).unwrap();
        let mut rows =
            database.prepare("SELECT fitness FROM candidates ORDER BY candidate").unwrap();
        rows.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    let whole = fitness(&run);
    // as if the last generation had not been begun
    let database = rusqlite::Connection::open(run.join("run.sqlite")).unwrap();
    for table in ["network_cells", "prompt_cells", "candidates", "generations"] {
        let last = "(SELECT max(generation) FROM generations)";
        let delete = format!("DELETE FROM {table} WHERE generation = {last}");
        database.execute(&delete, []).unwrap();
    }
    drop(database);
    assert!(fitness(&run).len() < whole.len());
    let (code, told, errors) = ablate(folder.path(), &config, "full");
    assert_eq!(code, 0, "{errors}");
    assert_eq!(told.matches("finished before").count(), 1, "{told}");
    assert_eq!(fitness(&run), whole);
}

#[test]
fn other_arguments_and_unknown_variants_are_refused() {
    let (folder, config) = prepared();
    assert_eq!(ablate(folder.path(), &config, "full").0, 0);
    std::fs::write(&config, "preset = \"nasc\"\ngenerations = 4\noffspring = 12\n").unwrap();
    let (code, _, errors) = ablate(folder.path(), &config, "full");
    assert_eq!(code, 2);
    assert!(errors.contains("`generations` is 3 there and 4 here"), "{errors}");
    let (code, _, errors) = ablate(folder.path(), &config, "half");
    assert_eq!(code, 2);
    assert!(
        errors.contains("`half` is no variant") && errors.contains("proposer-evolution"),
        "{errors}"
    );
}

#[test]
fn proposers_are_compared_at_the_same_budget() {
    let (folder, config) = prepared();
    let variants = "proposer-random,proposer-evolution,proposer-mutate";
    let (code, told, errors) = ablate(folder.path(), &config, variants);
    assert_eq!(code, 0, "{errors}");
    assert_eq!(told.matches("  proposer-").count(), 3, "{told}");
}
