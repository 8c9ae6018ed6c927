//! Tables from Parquet.

use ::parquet::errors::ParquetError;
use ::parquet::file::reader::{FileReader, SerializedFileReader};
use ::parquet::record::Field;
use bytes::Bytes;

use super::read::{SHOWN, place};
use super::schema::TableSchema;
use crate::error::Error;

/// How a Parquet file begins.
const MAGIC: &[u8] = b"PAR1";

/// Whether these are the bytes of a Parquet file.
#[must_use]
pub fn is_parquet(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// The columns of a schema's table, from the bytes of a Parquet file, plain or compressed by Snappy; columns that the schema does not
/// have are left out.
///
/// # Errors
/// A file that is damaged or compressed otherwise, a column that is missing or comes twice, no rows, or a cell that is not an
/// integer of the column's bits.
pub fn from_parquet(
    file: impl AsRef<[u8]> + Send + 'static,
    table: &TableSchema,
) -> Result<Vec<Vec<u64>>, Error> {
    let reader = SerializedFileReader::new(Bytes::from_owner(file)).map_err(refusal)?;
    let schema = reader.metadata().file_metadata().schema();
    let names: Vec<&str> = schema.get_fields().iter().map(|field| field.name()).collect();
    let places: Vec<usize> =
        table.columns().iter().map(|(wanted, _)| place(&names, wanted)).collect::<Result<_, _>>()?;
    let mut columns: Vec<Vec<u64>> = vec![Vec::new(); places.len()];
    for (row, record) in reader.get_row_iter(None).map_err(refusal)?.enumerate() {
        let record = record.map_err(refusal)?;
        let fields: Vec<&Field> = record.get_column_iter().map(|(_, field)| field).collect();
        for (((name, bits), place), column) in table.columns().iter().zip(&places).zip(&mut columns) {
            let (field, most) = (fields.get(*place), (1u64 << bits) - 1);
            match field.and_then(|field| integer(field)).filter(|value| *value <= most) {
                Some(value) => column.push(value),
                None => {
                    let text = field.map(ToString::to_string).unwrap_or_default();
                    let text = text.chars().take(SHOWN).collect();
                    return Err(Error::Cell { row: row + 1, column: name.clone(), text, most });
                }
            }
        }
    }
    match columns.first() {
        Some(column) if !column.is_empty() => Ok(columns),
        _ => Err(Error::Csv { what: "it has no rows: give at least one".to_owned() }),
    }
}

/// A field that is an integer from 0 on.
fn integer(field: &Field) -> Option<u64> {
    match *field {
        Field::Byte(value) => u64::try_from(value).ok(),
        Field::Short(value) => u64::try_from(value).ok(),
        Field::Int(value) => u64::try_from(value).ok(),
        Field::Long(value) => u64::try_from(value).ok(),
        Field::UByte(value) => Some(value.into()),
        Field::UShort(value) => Some(value.into()),
        Field::UInt(value) => Some(value.into()),
        Field::ULong(value) => Some(value),
        Field::Bool(value) => Some(value.into()),
        Field::Null
        | Field::Float16(_)
        | Field::Float(_)
        | Field::Double(_)
        | Field::Decimal(_)
        | Field::Str(_)
        | Field::Bytes(_)
        | Field::Date(_)
        | Field::TimeMillis(_)
        | Field::TimeMicros(_)
        | Field::TimestampMillis(_)
        | Field::TimestampMicros(_)
        | Field::Group(_)
        | Field::ListInternal(_)
        | Field::MapInternal(_) => None,
    }
}

fn refusal(error: ParquetError) -> Error {
    Error::Csv { what: error.to_string() }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ::parquet::data_type::{Int32Type, Int64Type};
    use ::parquet::file::properties::WriterProperties;
    use ::parquet::file::writer::SerializedFileWriter;
    use ::parquet::schema::parser::parse_message_type;

    use super::*;
    use crate::table::Schema;

    /// A file with these columns, the second of 64 bits.
    fn file(ages: &[i32], incomes: &[i64]) -> Vec<u8> {
        let schema = "message t { REQUIRED INT64 income; REQUIRED INT32 age; }";
        let schema = Arc::new(parse_message_type(schema).unwrap());
        let mut out = Vec::new();
        let properties = Arc::new(WriterProperties::default());
        let mut writer = SerializedFileWriter::new(&mut out, schema, properties).unwrap();
        let mut group = writer.next_row_group().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<Int64Type>().write_batch(incomes, None, None).unwrap();
        column.close().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<Int32Type>().write_batch(ages, None, None).unwrap();
        column.close().unwrap();
        group.close().unwrap();
        writer.close().unwrap();
        out
    }

    fn read(file: Vec<u8>, schema: &str) -> Result<Vec<Vec<u64>>, Error> {
        let schema = Schema::from_json(schema.as_bytes()).unwrap();
        from_parquet(file, schema.table("t").unwrap())
    }

    #[test]
    fn columns_are_found_by_name_and_checked() {
        let schema = r#"{"t": {"age": 7, "income": 9}}"#;
        let good = file(&[34, 45, 23], &[120, 80, 511]);
        assert!(is_parquet(&good) && !is_parquet(b"age,income\n"));
        let columns = read(good.clone(), schema).unwrap();
        assert_eq!(columns, [[34, 45, 23], [120, 80, 511]]);
        for bad in [file(&[34, -1], &[1, 2]), file(&[128], &[1]), file(&[1], &[512])] {
            assert!(matches!(read(bad, schema), Err(Error::Cell { .. })));
        }
        assert!(matches!(read(good.clone(), r#"{"t": {"name": 7}}"#), Err(Error::Csv { .. })));
        assert!(matches!(read(file(&[], &[]), schema), Err(Error::Csv { .. })));
        for cut in [4, 12, good.len() / 2, good.len() - 1] {
            let part = good.get(..cut).unwrap().to_vec();
            assert!(matches!(read(part, schema), Err(Error::Csv { .. })));
        }
    }
}
