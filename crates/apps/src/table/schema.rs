//! Which tables there are, and how many bits the integers of their columns have.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::Error;

/// The most bits of a column.
pub const BITS: u32 = 16;
/// The most columns of a table, and the most tables.
const NAMES: usize = 1024;

/// Tables by name: `{"table": {"column": bits}}`. Names are told apart without regard to case, as SQL does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Named<Named<u32>>", into = "Named<Named<u32>>")]
pub struct Schema {
    tables: Vec<TableSchema>,
}

/// A table's columns in order: a name and the bits of its integers, which go from 0 to 2^bits - 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableSchema {
    name: String,
    columns: Vec<(String, u32)>,
}

/// The members of an object, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Named<T>(Vec<(String, T)>);

impl Schema {
    /// The schema in a JSON text.
    ///
    /// # Errors
    /// Text of another form, no table, no column, a name that comes twice, or bits that are not 1 to [`BITS`].
    pub fn from_json(text: &[u8]) -> Result<Self, Error> {
        let named = serde_json::from_slice::<Named<Named<u32>>>(text);
        Self::try_from(named.map_err(|error| Error::Schema { what: error.to_string() })?)
    }

    /// The table of a name.
    ///
    /// # Errors
    /// [`Error::Unknown`] with the names that exist.
    pub fn table(&self, name: &str) -> Result<&TableSchema, Error> {
        let found = self.tables.iter().find(|table| table.name.eq_ignore_ascii_case(name));
        found.ok_or_else(|| unknown("table", name, self.tables.iter().map(|table| table.name.as_str())))
    }
}

impl TableSchema {
    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Names and bits, in order.
    #[must_use]
    pub fn columns(&self) -> &[(String, u32)] {
        &self.columns
    }

    /// The number of a column.
    ///
    /// # Errors
    /// [`Error::Unknown`] with the names that exist.
    pub fn column(&self, name: &str) -> Result<usize, Error> {
        let found = self.columns.iter().position(|(column, _)| column.eq_ignore_ascii_case(name));
        found.ok_or_else(|| unknown("column", name, self.columns.iter().map(|(column, _)| column.as_str())))
    }

    /// The largest integer of each column.
    #[must_use]
    pub fn most(&self) -> Vec<u64> {
        self.columns.iter().map(|(_, bits)| (1 << bits) - 1).collect()
    }

    /// This table alone.
    #[must_use]
    pub(super) fn alone(&self) -> Schema {
        Schema { tables: vec![self.clone()] }
    }
}

/// The most names that an error lists.
const LISTED: usize = 12;

fn unknown<'a>(what: &'static str, name: &str, known: impl Iterator<Item = &'a str>) -> Error {
    let mut known: Vec<&str> = known.take(LISTED + 1).collect();
    if known.len() > LISTED {
        known.truncate(LISTED);
        known.push("...");
    }
    Error::Unknown { what, name: name.to_owned(), known: known.join(", ") }
}

/// Refuses no names, too many, or the same one twice.
fn check_names<'a>(what: &str, names: impl Iterator<Item = &'a String>) -> Result<(), Error> {
    let mut names: Vec<String> = names.map(|name| name.to_ascii_lowercase()).collect();
    names.sort_unstable();
    let refuse = |what: String| Err(Error::Schema { what });
    match names.len() {
        0 => refuse(format!("it has no {what}")),
        have if have > NAMES => refuse(format!("it has {have} {what}s, and at most {NAMES} are supported")),
        _ => match names.windows(2).find(|pair| matches!(pair, [a, b] if a == b)).and_then(<[_]>::first) {
            Some(twice) => refuse(format!("{what} {twice} comes twice")),
            None => Ok(()),
        },
    }
}

impl TryFrom<Named<Named<u32>>> for Schema {
    type Error = Error;

    fn try_from(Named(tables): Named<Named<u32>>) -> Result<Self, Error> {
        check_names("table", tables.iter().map(|(name, _)| name))?;
        for (_, Named(columns)) in &tables {
            check_names("column", columns.iter().map(|(name, _)| name))?;
            if let Some((_, bits)) = columns.iter().find(|(_, bits)| !(1..=BITS).contains(bits)) {
                return Err(Error::Bits { bits: *bits, least: 1, most: BITS });
            }
        }
        let table = |(name, Named(columns))| TableSchema { name, columns };
        Ok(Schema { tables: tables.into_iter().map(table).collect() })
    }
}

impl From<Schema> for Named<Named<u32>> {
    fn from(schema: Schema) -> Self {
        Named(schema.tables.into_iter().map(|table| (table.name, Named(table.columns))).collect())
    }
}

impl<T: Serialize> Serialize for Named<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Named<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Members<T> {
            type Value = Named<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Named<T>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Named(members))
            }
        }
        deserializer.deserialize_map(Members(std::marker::PhantomData))
    }
}
