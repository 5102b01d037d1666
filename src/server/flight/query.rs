//! [`Query`]: a query with all that is needed to run it on any node, and its bytes in tickets and in the handles of
//! prepared statements.
//!
//! A handle is a protocol buffer. Clients treat it as opaque; it may be kept as long as the server's version stays.
//!
//! ```text
//! ┌───┬──────────────────────────────────────────────────────────────┐
//! │ 1 │ database: string                                             │
//! │ 2 │ retention policy: string, absent for the default one         │
//! │ 3 │ language: 0 SQL, 1 InfluxQL                                  │
//! │ 4 │ text: string                                                 │
//! │ 5 │ parameters: name and value of each, repeated                 │
//! └───┴──────────────────────────────────────────────────────────────┘
//! ```

use super::database::Database;
use super::parameters::Parameter;
use super::status;
use bytes::Bytes;
use prost::Message;
use tonic::Status;
use tonic::metadata::MetadataMap;

/// The metadata key that names the language of Flight SQL statements.
const LANGUAGE_KEY: &str = "x-influxdata-query-language";

/// What a text is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub(super) enum Language {
    Sql = 0,
    InfluxQl = 1,
}

impl Language {
    /// The language that a call's metadata names; SQL when none.
    pub(super) fn of_metadata(metadata: &MetadataMap) -> Result<Self, Status> {
        match metadata.get(LANGUAGE_KEY) {
            None => Ok(Self::Sql),
            Some(name) => Self::of_name(&String::from_utf8_lossy(name.as_bytes())),
        }
    }

    /// The language of this name.
    pub(super) fn of_name(name: &str) -> Result<Self, Status> {
        match name {
            "sql" => Ok(Self::Sql),
            "influxql" => Ok(Self::InfluxQl),
            other => Err(status::malformed("the query language", format!("'{other}' is not known"))),
        }
    }
}

/// A query that can be run.
#[derive(Clone, Debug)]
pub(super) struct Query {
    pub(super) database: Database,
    pub(super) language: Language,
    pub(super) text: String,
    pub(super) parameters: Vec<Parameter>,
}

#[derive(Clone, PartialEq, Message)]
struct Handle {
    #[prost(string, tag = "1")]
    database: String,
    #[prost(string, optional, tag = "2")]
    policy: Option<String>,
    #[prost(enumeration = "Language", tag = "3")]
    language: i32,
    #[prost(string, tag = "4")]
    text: String,
    #[prost(message, repeated, tag = "5")]
    parameters: Vec<Parameter>,
}

impl Query {
    /// As tickets and prepared statements carry it.
    pub(super) fn to_bytes(&self) -> Bytes {
        let Self { database, language, text, parameters } = self.clone();
        let Database { name: database, policy } = database;
        Handle { database, policy, language: language.into(), text, parameters }.encode_to_vec().into()
    }

    /// What a client brings back. Whether the database exists still is seen when the query runs.
    pub(super) fn of_bytes(bytes: &[u8]) -> Result<Self, Status> {
        let handle = Handle::decode(bytes).map_err(|e| status::malformed("the statement", e))?;
        let Handle { database, policy, language, text, parameters } = handle;
        let language = Language::try_from(language).map_err(|e| status::malformed("the statement", e))?;
        Ok(Self { database: Database { name: database, policy }, language, text, parameters })
    }
}
