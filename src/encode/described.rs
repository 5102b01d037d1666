//! Columns that say what they are in a table: as metadata of Arrow fields, in streams and in Parquet files.
//!
//! | key | value |
//! |---|---|
//! | `tidegauge.kind` | `time`, `tag` or `field` |
//! | `tidegauge.name` | the name that users know; the column's own differs where a tag and a field share one |

use arrow::datatypes::Field;
use std::collections::HashMap;

const KIND_KEY: &str = "tidegauge.kind";
const NAME_KEY: &str = "tidegauge.name";

/// What a column is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The time of a point.
    Time,
    /// A tag.
    Tag,
    /// A field.
    Field,
}

impl Kind {
    const fn text(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Tag => "tag",
            Self::Field => "field",
        }
    }

    fn of_text(text: &str) -> Option<Self> {
        [Self::Time, Self::Tag, Self::Field].into_iter().find(|kind| kind.text() == text)
    }
}

/// The field, saying that it is `kind` of this name.
#[must_use]
pub fn describe(field: &Field, kind: Kind, name: &str) -> Field {
    let metadata = [(KIND_KEY, kind.text()), (NAME_KEY, name)];
    let metadata: HashMap<_, _> = metadata.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    field.clone().with_metadata(metadata)
}

/// What the field says that it is, and its name; `None` when it says nothing.
#[must_use]
pub fn description_of(field: &Field) -> Option<(Kind, &str)> {
    let kind = Kind::of_text(field.metadata().get(KIND_KEY)?)?;
    Some((kind, field.metadata().get(NAME_KEY)?))
}
