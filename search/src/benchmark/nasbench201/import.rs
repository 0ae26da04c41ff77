//! The CSV form of the table: one line for each cell, columns by the names in its head. Columns that
//! nasc does not use may be there; docs/benchmark.md lists those it needs.

use super::{BenchmarkError, Dataset, FIGURES, Row, Score, Table, place};
use flate2::read::MultiGzDecoder;
use nasc_compiler::cell::Cell;
use sha2::{Digest as _, Sha256};
use std::io::Read as _;
use std::path::Path;

/// More than any such table has; a file of another kind should not fill the memory.
const MOST_BYTES: u64 = 256 << 20;

impl Table {
    /// Reads the table from a CSV file, compressed with gzip or not.
    ///
    /// # Errors
    /// [`BenchmarkError::File`] and [`BenchmarkError::Text`].
    pub fn import(path: &Path) -> Result<Self, BenchmarkError> {
        let file = |source| BenchmarkError::File { path: path.to_owned(), source };
        let bytes = std::fs::read(path).map_err(file)?;
        let mut text = String::new();
        // GZIP file format specification (RFC 1952), section 2.3.1.
        if bytes.starts_with(&[0x1f, 0x8b]) {
            let unpacked = MultiGzDecoder::new(bytes.as_slice());
            unpacked.take(MOST_BYTES).read_to_string(&mut text).map_err(file)?;
        } else {
            bytes.as_slice().take(MOST_BYTES).read_to_string(&mut text).map_err(file)?;
        }
        let no_table = |what| BenchmarkError::Text { path: path.to_owned(), what };
        Self::from_csv(&text).map_err(no_table)
    }

    /// Reads the table from CSV text.
    ///
    /// # Errors
    /// What is wrong with the text, in words.
    pub fn from_csv(text: &str) -> Result<Self, String> {
        let mut lines = text.lines();
        let columns = Columns::of(lines.next().unwrap_or_default())?;
        let mut rows: Vec<Option<Row>> = vec![None; Cell::COUNT];
        for (number, line) in (2u32..).zip(lines).filter(|(_, line)| !line.is_empty()) {
            let (cell, row) =
                columns.read(line).map_err(|what| format!("line {number}: {what}"))?;
            let slot = rows.get_mut(cell.number()).filter(|slot| slot.is_none());
            *slot.ok_or_else(|| format!("line {number}: {cell} is there twice"))? = Some(row);
        }
        let missing = rows.iter().filter(|row| row.is_none()).count();
        let complete: Option<Vec<Row>> = rows.into_iter().collect();
        let rows = complete.ok_or_else(|| format!("{missing} of 15,625 cells are missing"))?;
        Ok(Self { rows, source: Sha256::digest(text.as_bytes()).into() })
    }
}

/// A figure of a row: the column it is read from, and steps of one unit of that column.
struct Column {
    index: usize,
    steps: f64,
}

/// Where the figures stand in a line.
struct Columns {
    cell: usize,
    figures: Vec<Column>,
}

impl Columns {
    fn of(head: &str) -> Result<Self, String> {
        let names: Vec<&str> = head.trim_start_matches('\u{feff}').split(',').collect();
        let index = |name: &str| {
            let found = names.iter().position(|other| *other == name);
            found.ok_or_else(|| format!("its head names no column `{name}`"))
        };
        let mut figures = Vec::with_capacity(FIGURES);
        for score in Score::ALL {
            for dataset in Dataset::ALL {
                debug_assert_eq!(figures.len(), place(dataset, score));
                let steps = 1.0 / score.step();
                figures.push(Column { index: index(&name(dataset, score))?, steps });
            }
        }
        // Millions, as whole ones.
        figures.push(Column { index: index("cifar10_params_m")?, steps: 1e6 });
        figures.push(Column { index: index("cifar10_flops_m")?, steps: 1e6 });
        Ok(Self { cell: index("arch")?, figures })
    }

    fn read(&self, line: &str) -> Result<(Cell, Row), String> {
        let fields: Vec<&str> = line.split(',').collect();
        let field = |index: usize| fields.get(index).copied().unwrap_or_default();
        let cell: Cell = field(self.cell).parse().map_err(|error| format!("{error}"))?;
        let mut row = [0; FIGURES];
        for (figure, column) in row.iter_mut().zip(&self.figures) {
            let text = field(column.index);
            let value: Option<f64> = text.parse().ok();
            let steps = value.map(|value| (value * column.steps).round());
            let steps = steps.filter(|steps| (0.0..=f64::from(u32::MAX)).contains(steps));
            *figure = steps.ok_or_else(|| format!("`{text}` is no figure"))? as u32;
        }
        Ok((cell, row))
    }
}

/// The name of a column.
fn name(dataset: Dataset, score: Score) -> String {
    let dataset = match dataset {
        Dataset::Cifar10 => "cifar10",
        Dataset::Cifar100 => "cifar100",
        Dataset::ImageNet16x120 => "imagenet16_120",
    };
    match score {
        Score::Validation => format!("{dataset}_valid_200"),
        Score::Test => format!("{dataset}_test_200"),
        Score::FirstReleaseTest => format!("{dataset}_test_200_nb201v10"),
        Score::ShortValidation => format!("{dataset}_valid_12"),
        Score::ShortTest => format!("{dataset}_test_12"),
        Score::Seconds if dataset == "cifar10" => "cifar10_halftrain_train_s_200".to_owned(),
        Score::Seconds => format!("{dataset}_train_s_200"),
    }
}
