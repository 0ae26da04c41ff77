//! An invented table, and the real one where the machine has it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use super::{BenchmarkError, CELLS_OF_STAGE, Dataset, Score, Table, network};
use crate::tests::invented_table::invented_csv;
use crate::tests::table::{REAL, invented};
use nasc_compiler::cell::{Cell, CellOperation};
use nasc_compiler::source::SourceFile;
use nasc_compiler::{CompileOptions, compile, cost};
use std::path::Path;

#[test]
fn a_table_survives_its_file_and_stays_below_two_mebibytes() {
    let (folder, table) = (tempfile::tempdir().unwrap(), invented());
    let path = table.save(folder.path()).unwrap();
    assert!(std::fs::metadata(&path).unwrap().len() < 2 << 20);
    assert_eq!(&Table::open(folder.path()).unwrap(), table);
}

#[test]
fn a_file_that_was_changed_cut_or_never_there_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Table::open(folder.path()).unwrap_err().to_string();
    assert!(open().contains("nasc benchmark import"), "{}", open());
    let path = invented().save(folder.path()).unwrap();
    let whole = std::fs::read(&path).unwrap();
    let mut bytes = whole.clone();
    bytes[100_000] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    assert!(open().contains("its checksum is wrong"), "{}", open());
    std::fs::write(&path, &whole[..100_000]).unwrap();
    assert!(open().contains("it was cut off"), "{}", open());
}

#[test]
fn figures_are_those_of_the_text() {
    let table = invented();
    let cell = Cell([CellOperation::Convolution3x3; 6]);
    let line = invented_csv().lines().find(|line| line.contains(&cell.to_string())).unwrap();
    let fields: Vec<f64> = line.split(',').skip(1).map(|field| field.parse().unwrap()).collect();
    let score = |dataset, score| table.score(cell, dataset, score);
    assert!((score(Dataset::Cifar10, Score::Validation) - fields[0]).abs() < 1e-9);
    assert!((score(Dataset::ImageNet16x120, Score::Seconds) - fields[17]).abs() < 1e-9);
    let params = (fields[18] * 1e6).round() as u64;
    assert_eq!(table.params(cell, Dataset::Cifar10), params);
    assert_eq!(table.params(cell, Dataset::ImageNet16x120), params + 7_150);
}

#[test]
fn a_compressed_text_is_the_same_table() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.csv.gz");
    let file = std::fs::File::create(&path).unwrap();
    let mut packed = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, invented_csv().as_bytes()).unwrap();
    packed.finish().unwrap();
    assert_eq!(&Table::import(&path).unwrap(), invented());
}

#[test]
fn ranks_begin_with_the_best_and_count_those_above() {
    let table = invented();
    let ranks: Vec<usize> =
        Cell::all().map(|cell| table.rank(cell, Dataset::Cifar100, Score::Test)).collect();
    let best = table.best(Dataset::Cifar100, Score::Test).unwrap();
    assert_eq!(ranks[best.number()], 1);
    assert!(ranks.iter().all(|&rank| (1..=Cell::COUNT).contains(&rank)));
    assert!(ranks.iter().filter(|&&rank| rank == 1).count() < 10);
}

#[test]
fn a_text_that_is_no_table_is_refused_with_its_line() {
    let refused = |text: &str| Table::from_csv(text).unwrap_err();
    assert!(refused("a,b\n").contains("no column `cifar10_valid_200`"));
    let lines: Vec<&str> = invented_csv().lines().collect();
    assert!(refused(&lines[..9].join("\n")).contains("15617 of 15,625 cells are missing"));
    let twice = [lines[0], lines[1], lines[1]].join("\n");
    assert!(refused(&twice).starts_with("line 3: "), "{}", refused(&twice));
    let broken = [lines[0], &lines[1].replacen(',', ",x", 1)].join("\n");
    assert!(refused(&broken).starts_with("line 2: `x"), "{}", refused(&broken));
}

/// The maxima of the NATS-Bench and NAS-Bench-201 papers.
#[test]
fn the_real_table_has_the_published_optima() {
    let table = match Table::import(Path::new(REAL)) {
        Ok(table) => table,
        Err(BenchmarkError::File { .. }) => return println!("skipped: {REAL} is missing"),
        Err(error) => unreachable!("{error}"),
    };
    for (dataset, validation, test) in [
        (Dataset::Cifar10, 91.61, 94.37),
        (Dataset::Cifar100, 73.49, 73.51),
        (Dataset::ImageNet16x120, 46.73, 47.31),
    ] {
        for (score, optimum) in [(Score::Validation, validation), (Score::Test, test)] {
            let cell = table.best(dataset, score).unwrap();
            assert!((table.score(cell, dataset, score) - optimum).abs() < 0.005);
            assert_eq!(cell.representative(), cell, "no text can be this cell");
        }
    }
    assert_eq!(table.mac_bounds(Dataset::Cifar10), (7_783_050, 220_119_690));
}

/// The text of the whole network costs what the table says.
#[test]
fn the_whole_networks_cost_what_the_table_says() {
    let Ok(table) = Table::import(Path::new(REAL)) else {
        return println!("skipped: {REAL} is missing");
    };
    for number in [0, 1_234, 5_000, 7_812, 9_999, 15_624] {
        let cell = Cell::from_number(number).unwrap();
        let text = network(cell, CELLS_OF_STAGE, 10);
        let file = SourceFile::new("network.py", text.as_str());
        let graph = compile(&file, &CompileOptions::image(3, 32, 32)).expect(&text).graph;
        let report = cost::analyze(&graph);
        let macs = table.macs(cell, Dataset::Cifar10);
        let nearly = |one: u64, other: u64| (one as f64 / other as f64 - 1.0).abs() < 0.02;
        assert!(nearly(report.macs, macs), "{cell}: {} and {macs}", report.macs);
        let params = table.params(cell, Dataset::Cifar10);
        assert!(
            nearly(report.trainable_params, params),
            "{cell}: {} and {params}",
            report.trainable_params
        );
    }
}
