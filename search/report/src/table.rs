//! Tables for other programs: typed columns, written as CSV or Parquet. Which tables there are of a run
//! lies in `run`.

mod csv;
mod parquet;
mod run;

pub use run::{candidates, elites, generations, outcomes};

use crate::error::ReportError;
use std::path::Path;

/// The values of a column; a row may have none.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// Whole numbers.
    Integers(Vec<Option<i64>>),
    /// Numbers.
    Numbers(Vec<Option<f64>>),
    /// Text.
    Texts(Vec<Option<String>>),
}

/// A column.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// Its values, by row.
    pub values: Values,
}

/// Columns of one length.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DataTable {
    /// The columns.
    pub columns: Vec<Column>,
}

/// A form of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Text with commas; values that are missing are empty.
    Csv,
    /// Apache Parquet, compressed with zstd.
    Parquet,
}

impl Form {
    /// The ending of its files.
    #[must_use]
    pub const fn ending(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Parquet => "parquet",
        }
    }
}

impl DataTable {
    /// Adds a column of whole numbers.
    #[must_use]
    pub fn integers<T>(
        self,
        name: &'static str,
        rows: &[T],
        of: impl Fn(&T) -> Option<u64>,
    ) -> Self {
        let whole = |row| of(row).and_then(|value| i64::try_from(value).ok());
        self.with(name, Values::Integers(rows.iter().map(whole).collect()))
    }

    /// Adds a column of numbers.
    #[must_use]
    pub fn numbers<T>(
        self,
        name: &'static str,
        rows: &[T],
        of: impl Fn(&T) -> Option<f64>,
    ) -> Self {
        self.with(name, Values::Numbers(rows.iter().map(of).collect()))
    }

    /// Adds a column of text.
    #[must_use]
    pub fn texts<T>(
        self,
        name: &'static str,
        rows: &[T],
        of: impl Fn(&T) -> Option<String>,
    ) -> Self {
        self.with(name, Values::Texts(rows.iter().map(of).collect()))
    }

    fn with(mut self, name: &'static str, values: Values) -> Self {
        self.columns.push(Column { name, values });
        self
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.columns.first().map_or(0, |column| match &column.values {
            Values::Integers(values) => values.len(),
            Values::Numbers(values) => values.len(),
            Values::Texts(values) => values.len(),
        })
    }

    /// Writes the table to a file.
    ///
    /// # Errors
    /// [`ReportError::File`] and [`ReportError::Table`].
    pub fn write(&self, path: &Path, form: Form) -> Result<(), ReportError> {
        let file = std::fs::File::create(path)
            .map_err(|source| ReportError::File { path: path.to_owned(), source })?;
        let written = match form {
            Form::Csv => csv::write(self, file).map_err(|error| error.to_string()),
            Form::Parquet => parquet::write(self, file),
        };
        written.map_err(|reason| ReportError::Table { path: path.to_owned(), reason })
    }
}
