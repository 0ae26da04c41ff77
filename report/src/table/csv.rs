//! Tables as CSV: a head, then a line for each row; numbers as short as they can be read back.

use super::{DataTable, Values};
use std::fs::File;

pub(super) fn write(table: &DataTable, file: File) -> Result<(), String> {
    let mut writer = csv::Writer::from_writer(file);
    let write = |writer: &mut csv::Writer<File>, record: Vec<String>| {
        writer.write_record(&record).map_err(|error| error.to_string())
    };
    write(&mut writer, table.columns.iter().map(|column| column.name.to_owned()).collect())?;
    for row in 0..table.rows() {
        let cells = table.columns.iter().map(|column| cell(&column.values, row)).collect();
        write(&mut writer, cells)?;
    }
    writer.flush().map_err(|error| error.to_string())
}

fn cell(values: &Values, row: usize) -> String {
    let text = match values {
        Values::Integers(values) => {
            values.get(row).copied().flatten().map(|value| value.to_string())
        }
        Values::Numbers(values) => {
            values.get(row).copied().flatten().map(|value| value.to_string())
        }
        Values::Texts(values) => values.get(row).cloned().flatten(),
    };
    text.unwrap_or_default()
}
