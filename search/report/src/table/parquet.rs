//! Tables as Parquet: one row group, every column optional.

use super::{Column, DataTable, Values};
use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical, ZstdLevel};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::errors::{ParquetError, Result};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::Type;
use std::fs::File;
use std::sync::Arc;

pub(super) fn write(table: &DataTable, file: File) -> std::result::Result<(), String> {
    groups(table, file).map_err(|error| error.to_string())
}

fn groups(table: &DataTable, file: File) -> Result<()> {
    let fields = table.columns.iter().map(field).collect::<Result<Vec<_>>>()?;
    let schema = Type::group_type_builder("schema").with_fields(fields).build()?;
    let compression = Compression::ZSTD(ZstdLevel::default());
    let properties = WriterProperties::builder().set_compression(compression).build();
    let mut writer = SerializedFileWriter::new(file, Arc::new(schema), Arc::new(properties))?;
    let mut group = writer.next_row_group()?;
    for column in &table.columns {
        let Some(mut target) = group.next_column()? else { break };
        fill(column, &mut target)?;
        target.close()?;
    }
    group.close()?;
    writer.close()?;
    Ok(())
}

fn field(column: &Column) -> Result<Arc<Type>> {
    let (physical, logical) = match column.values {
        Values::Integers(_) => (Physical::INT64, None),
        Values::Numbers(_) => (Physical::DOUBLE, None),
        Values::Texts(_) => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
    };
    let field = Type::primitive_type_builder(column.name, physical)
        .with_repetition(Repetition::OPTIONAL)
        .with_logical_type(logical)
        .build()?;
    Ok(Arc::new(field))
}

fn fill(column: &Column, target: &mut SerializedColumnWriter<'_>) -> Result<()> {
    match (&column.values, target.untyped()) {
        (Values::Integers(values), ColumnWriter::Int64ColumnWriter(writer)) => {
            let present: Vec<i64> = values.iter().copied().flatten().collect();
            writer.write_batch(&present, Some(&levels(values)), None)?;
        }
        (Values::Numbers(values), ColumnWriter::DoubleColumnWriter(writer)) => {
            let present: Vec<f64> = values.iter().copied().flatten().collect();
            writer.write_batch(&present, Some(&levels(values)), None)?;
        }
        (Values::Texts(values), ColumnWriter::ByteArrayColumnWriter(writer)) => {
            let bytes = |text: &String| ByteArray::from(text.as_str());
            let present: Vec<ByteArray> = values.iter().flatten().map(bytes).collect();
            writer.write_batch(&present, Some(&levels(values)), None)?;
        }
        _ => return Err(ParquetError::General(format!("`{}` has another type", column.name))),
    }
    Ok(())
}

/// 1 for a value, 0 where there is none.
fn levels<T>(values: &[Option<T>]) -> Vec<i16> {
    values.iter().map(|value| i16::from(value.is_some())).collect()
}
