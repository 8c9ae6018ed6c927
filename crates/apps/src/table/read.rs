//! Tables from CSV.

use super::ROWS;
use super::schema::TableSchema;
use crate::error::Error;

/// The columns of a schema's table, from CSV with names in the first line; columns that the schema does not have are left out.
///
/// # Errors
/// Lines of different lengths, a column that is missing or comes twice, no rows or too many, or a cell that is not an integer of
/// the column's bits.
pub fn from_csv(text: &[u8], table: &TableSchema) -> Result<Vec<Vec<u64>>, Error> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text);
    let names: Vec<&str> =
        reader.headers().map_err(refusal)?.iter().map(|name| name.trim_start_matches('\u{feff}')).collect();
    let places: Vec<usize> =
        table.columns().iter().map(|(wanted, _)| place(&names, wanted)).collect::<Result<_, _>>()?;
    let mut columns: Vec<Vec<u64>> = vec![Vec::new(); places.len()];
    for (row, record) in reader.records().enumerate() {
        room(row)?;
        let record = record.map_err(refusal)?;
        for (((name, bits), place), column) in table.columns().iter().zip(&places).zip(&mut columns) {
            let (text, most) = (record.get(*place).unwrap_or_default(), (1u64 << bits) - 1);
            match text.parse::<u64>() {
                Ok(value) if value <= most => column.push(value),
                Ok(_) | Err(_) => {
                    let text = text.chars().take(SHOWN).collect();
                    return Err(Error::Cell { row: row + 1, column: name.clone(), text, most });
                }
            }
        }
    }
    match columns.first() {
        Some(column) if !column.is_empty() => Ok(columns),
        _ => Err(Error::Csv { what: "it has no rows: give at least one below the names".to_owned() }),
    }
}

/// The most characters of a cell that an error shows.
pub(super) const SHOWN: usize = 40;

/// Whether a table may have a row at this place; files of few bytes can have very many.
pub(super) fn room(row: usize) -> Result<(), Error> {
    if row < ROWS { Ok(()) } else { Err(Error::Size { have: row + 1, least: 1, most: ROWS }) }
}

/// Where a column stands among these names.
pub(super) fn place(names: &[&str], wanted: &str) -> Result<usize, Error> {
    let mut places = (0..).zip(names).filter(|(_, name)| name.eq_ignore_ascii_case(wanted));
    match (places.next(), places.next()) {
        (Some((place, _)), None) => Ok(place),
        (None, _) => Err(Error::Csv { what: format!("it has no column {wanted}, which the schema has") }),
        (Some(_), Some(_)) => Err(Error::Csv { what: format!("it has column {wanted} twice") }),
    }
}

fn refusal(error: csv::Error) -> Error {
    let line = error.position().map_or(0, csv::Position::line);
    let what = match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("line {line}: the number of cells is {len}, and that of the names above {expected_len}")
        }
        csv::ErrorKind::Utf8 { .. } => format!("line {line} is not UTF-8 text"),
        csv::ErrorKind::Io(_)
        | csv::ErrorKind::Seek
        | csv::ErrorKind::Serialize(_)
        | csv::ErrorKind::Deserialize { .. }
        | _ => error.to_string(),
    };
    Error::Csv { what }
}
