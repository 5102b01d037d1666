//! Which database a call means: by its metadata, as in InfluxDB 3.

use crate::model::state::State;
use tonic::metadata::MetadataMap;

/// The metadata keys that name the database. The last one is of old clients.
const KEYS: [&str; 4] = ["database", "bucket", "bucket-name", "iox-namespace-name"];

/// A database, with a retention policy if one was named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Database {
    pub(super) name: String,
    /// The database's default policy when `None`.
    pub(super) policy: Option<String>,
}

/// No database can be told.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum DatabaseError {
    #[error("no 'database' header in request")]
    Missing,
    #[error("the headers 'database', 'bucket' and 'bucket-name' name different databases")]
    Several,
    #[error("the header '{0}' is no text")]
    NotText(&'static str),
    #[error("database not found: {0}")]
    NotFound(String),
}

impl Database {
    /// The database that the metadata names.
    pub(super) fn of_metadata(metadata: &MetadataMap, state: &State) -> Result<Self, DatabaseError> {
        let mut named: Option<&str> = None;
        for key in KEYS {
            for value in metadata.get_all(key) {
                let name =
                    std::str::from_utf8(value.as_bytes()).map_err(|_| DatabaseError::NotText(key))?.trim();
                match named {
                    Some(other) if other != name => return Err(DatabaseError::Several),
                    _ => named = Some(name),
                }
            }
        }
        match named {
            None | Some("") => Err(DatabaseError::Missing),
            Some(name) => Self::of_name(name, state),
        }
    }

    /// The database that `name` means: its own name, else `database/policy`.
    pub(super) fn of_name(name: &str, state: &State) -> Result<Self, DatabaseError> {
        let not_found = || DatabaseError::NotFound(name.to_owned());
        if state.database(name).is_some() {
            return Ok(Self { name: name.to_owned(), policy: None });
        }
        let (database, policy) = name.split_once('/').ok_or_else(not_found)?;
        let id = state.database(database).ok_or_else(not_found)?.id;
        state.policy(id, policy).ok_or_else(not_found)?;
        Ok(Self { name: database.to_owned(), policy: Some(policy.to_owned()) })
    }
}
