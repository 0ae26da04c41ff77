//! Tables as CSV (RFC 4180): a head, then a line for each row; numbers as short as they can be read back.

use super::{DataTable, Values};
use std::fs::File;
use std::io::{BufWriter, Result, Write as _};

pub(super) fn write(table: &DataTable, file: File) -> Result<()> {
    let mut writer = BufWriter::new(file);
    let names = table.columns.iter().map(|column| quoted(column.name.to_owned()));
    writeln!(writer, "{}", names.collect::<Vec<String>>().join(","))?;
    for row in 0..table.rows() {
        let cells = table.columns.iter().map(|column| cell(&column.values, row));
        writeln!(writer, "{}", cells.collect::<Vec<String>>().join(","))?;
    }
    writer.flush()
}

fn cell(values: &Values, row: usize) -> String {
    let text = match values {
        Values::Integers(values) => {
            values.get(row).copied().flatten().map(|value| value.to_string())
        }
        Values::Numbers(values) => {
            values.get(row).copied().flatten().map(|value| value.to_string())
        }
        Values::Texts(values) => values.get(row).cloned().flatten().map(quoted),
    };
    text.unwrap_or_default()
}

/// Texts with commas, quotes or line breaks stand between quotes.
fn quoted(text: String) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn texts_that_would_break_a_line_are_quoted() {
        let of = |text: &str| quoted(text.to_owned());
        assert_eq!(of("plain text"), "plain text");
        assert_eq!(of("a,b"), "\"a,b\"");
        assert_eq!(of("say \"x\"\n"), "\"say \"\"x\"\"\n\"");
    }
}
