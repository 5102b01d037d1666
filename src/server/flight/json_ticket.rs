//! The tickets of InfluxDB 3's clients: a JSON object instead of a Flight SQL message.
//!
//! ```json
//! {"database": "weather", "sql_query": "SELECT …", "query_type": "influxql", "params": {"station": "JFK"}}
//! ```

use super::database::Database;
use super::parameters;
use super::query::{Language, Query};
use super::status;
use crate::model::state::State;
use serde::Deserialize;
use serde_json::{Map, Value};
use tonic::Status;
use tonic::metadata::MetadataMap;

#[derive(Deserialize)]
struct JsonTicket {
    #[serde(alias = "namespace_name", alias = "bucket", alias = "bucket-name")]
    database: Option<String>,
    /// In either language.
    sql_query: String,
    query_type: Option<String>,
    params: Option<Map<String, Value>>,
}

/// Whether these bytes are meant as JSON. No message of Flight SQL begins like this.
pub(super) fn is_json(ticket: &[u8]) -> bool {
    ticket.trim_ascii_start().first() == Some(&b'{')
}

/// The query of a ticket. A ticket that names no database leaves that to the call's metadata.
pub(super) fn query(ticket: &[u8], metadata: &MetadataMap, state: &State) -> Result<Query, Status> {
    let ticket: JsonTicket =
        serde_json::from_slice(ticket).map_err(|e| status::malformed("the ticket", e))?;
    let database = match ticket.database.as_deref() {
        None | Some("") => Database::of_metadata(metadata, state),
        Some(name) => Database::of_name(name, state),
    };
    let parameters = parameters::of_json(ticket.params.unwrap_or_default());
    Ok(Query {
        database: database.map_err(|e| status::of_database(&e))?,
        language: ticket.query_type.as_deref().map_or(Ok(Language::Sql), Language::of_name)?,
        text: ticket.sql_query,
        parameters: parameters.map_err(|e| status::of_parameters(&e))?,
    })
}
