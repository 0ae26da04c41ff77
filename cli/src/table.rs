//! Tables of text: columns as wide as their widest cell, words to the left, numbers to the right.

use crate::output::Output;
use std::io;

/// On which side of its column a cell stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Right,
}

/// Rows under a head.
#[derive(Debug)]
pub(crate) struct Table {
    columns: Vec<(&'static str, Align)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(columns: &[(&'static str, Align)]) -> Table {
        Table { columns: columns.to_vec(), rows: Vec::new() }
    }

    /// Adds a column on the right.
    pub(crate) fn column(&mut self, name: &'static str, align: Align) {
        self.columns.push((name, align));
    }

    /// Adds a row with one cell for each column.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    pub(crate) fn print(&self, output: &mut Output<'_>) -> io::Result<()> {
        for line in self.lines() {
            output.line(line)?;
        }
        Ok(())
    }

    /// The lines, without blanks at their ends. Without heads there is no line for them.
    pub(crate) fn lines(&self) -> Vec<String> {
        let head: Vec<String> = self.columns.iter().map(|(name, _)| (*name).to_owned()).collect();
        let widths: Vec<usize> = (0..self.columns.len())
            .map(|column| {
                let cells = self.rows.iter().chain([&head]).filter_map(|row| row.get(column));
                cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
            })
            .collect();
        let head = head.iter().any(|name| !name.is_empty()).then_some(&head);
        head.into_iter().chain(&self.rows).map(|row| self.line(row, &widths)).collect()
    }

    fn line(&self, row: &[String], widths: &[usize]) -> String {
        let mut line = String::new();
        for ((cell, &width), (_, align)) in row.iter().zip(widths).zip(&self.columns) {
            line.push_str("  ");
            match align {
                Align::Left => line.push_str(&format!("{cell:<width$}")),
                Align::Right => line.push_str(&format!("{cell:>width$}")),
            }
        }
        line.trim_end().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::{Align, Table};

    #[test]
    fn columns_are_aligned() {
        let mut table = Table::new(&[("path", Align::Left), ("MACs", Align::Right)]);
        table.row(["conv1".to_owned(), "3,072".to_owned()]);
        table.row(["f".to_owned(), "7".to_owned()]);
        assert_eq!(table.lines(), ["  path    MACs", "  conv1  3,072", "  f          7"]);
    }
}
