//! Tables from Parquet.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use ::parquet::basic::Repetition;
use ::parquet::errors::ParquetError;
use ::parquet::file::reader::{FileReader, SerializedFileReader};
use ::parquet::record::Field;
use ::parquet::schema::types::Type;
use bytes::Bytes;

use super::footer::is_sound;
use super::read::{SHOWN, place, room};
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
/// have are not looked at.
///
/// # Errors
/// A file that is damaged or compressed otherwise, a column that is missing or comes twice, no rows or too many, or a cell that is
/// not an integer of the column's bits.
pub fn from_parquet(
    file: impl AsRef<[u8]> + Send + 'static,
    table: &TableSchema,
) -> Result<Vec<Vec<u64>>, Error> {
    if !is_sound(file.as_ref()) {
        return Err(damaged());
    }
    // The reader panics on some damaged files: negative offsets, pages whose dictionary is not there.
    let read = catch_unwind(AssertUnwindSafe(|| columns(Bytes::from_owner(file), table)));
    read.unwrap_or_else(|_| Err(damaged()))
}

fn damaged() -> Error {
    Error::Csv { what: "the Parquet file is damaged".to_owned() }
}

fn columns(file: Bytes, table: &TableSchema) -> Result<Vec<Vec<u64>>, Error> {
    let reader = SerializedFileReader::new(file).map_err(refusal)?;
    let wanted = projection(reader.metadata().file_metadata().schema(), table)?;
    let mut columns: Vec<Vec<u64>> = vec![Vec::new(); table.columns().len()];
    for (row, record) in reader.get_row_iter(Some(wanted)).map_err(refusal)?.enumerate() {
        room(row)?;
        let record = record.map_err(refusal)?;
        let mut fields = record.get_column_iter().map(|(_, field)| field);
        for ((name, bits), column) in table.columns().iter().zip(&mut columns) {
            let (field, most) = (fields.next(), (1u64 << bits) - 1);
            match field.and_then(integer).filter(|value| *value <= most) {
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

/// The columns of the table alone, in its order.
fn projection(file: &Type, table: &TableSchema) -> Result<Type, Error> {
    let names: Vec<&str> = file.get_fields().iter().map(|field| field.name()).collect();
    let mut fields = Vec::with_capacity(table.columns().len());
    for (wanted, _) in table.columns() {
        let field = file.get_fields().get(place(&names, wanted)?);
        // A row of a list may hold any number of values, and the reader would hold all of them.
        let is_column = |field: &&Arc<Type>| {
            field.is_primitive() && field.get_basic_info().repetition() != Repetition::REPEATED
        };
        let what = || format!("its column {wanted} holds lists or groups: give one integer for each row");
        fields.push(field.filter(is_column).cloned().ok_or_else(|| Error::Csv { what: what() })?);
    }
    Type::group_type_builder(file.name()).with_fields(fields).build().map_err(refusal)
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
    use ::parquet::data_type::{Int32Type, Int64Type};
    use ::parquet::file::properties::WriterProperties;
    use ::parquet::file::writer::SerializedFileWriter;
    use ::parquet::schema::parser::parse_message_type;

    use super::*;
    use crate::table::{ROWS, Schema};

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

    #[test]
    fn lists_and_groups_are_refused() {
        for kind in ["REPEATED INT32 age;", "REQUIRED group age { REQUIRED INT32 a; }"] {
            let schema = Arc::new(parse_message_type(&format!("message t {{ {kind} }}")).unwrap());
            let mut file = Vec::new();
            SerializedFileWriter::new(&mut file, schema, Arc::default()).unwrap().close().unwrap();
            let refused = read(file, r#"{"t": {"age": 7}}"#).unwrap_err().to_string();
            assert!(refused.contains("column age holds lists or groups"), "{refused}");
        }
    }

    #[test]
    fn a_changed_byte_never_panics() {
        let good = file(&[34, 45, 23], &[120, 80, 511]);
        let mut refused = 0;
        for at in 0..good.len() {
            for change in [1, 2, 16, 128, 255] {
                let mut bad = good.clone();
                bad[at] ^= change;
                refused += usize::from(read(bad, r#"{"t": {"age": 7, "income": 9}}"#).is_err());
            }
        }
        assert!(refused > good.len(), "{refused} of {} bytes", good.len());
    }

    #[test]
    fn a_small_file_of_too_many_rows_is_refused() {
        let rows = ROWS + 1;
        let many = file(&vec![1; rows], &vec![2; rows]);
        assert!(many.len() < 1 << 16);
        let refused = read(many, r#"{"t": {"age": 7}}"#);
        assert_eq!(refused, Err(Error::Size { have: rows, least: 1, most: ROWS }));
    }
}
