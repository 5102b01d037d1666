//! [`Request`]: what a descriptor or a ticket asks for.

use super::database::Database;
use super::query::{Language, Query};
use super::{json_ticket, status};
use crate::model::state::State;
use arrow_flight::FlightDescriptor;
use arrow_flight::flight_descriptor::DescriptorType;
use arrow_flight::sql::{Any, Command, ProstMessageExt, TicketStatementQuery};
use bytes::Bytes;
use prost::Message;
use tonic::Status;
use tonic::metadata::MetadataMap;

/// What a call is about.
pub(super) enum Request {
    /// The rows of a query.
    Query(Query),
    /// What the server knows of itself and of its tables: one of Flight SQL's `CommandGet…`.
    Metadata(Command),
}

impl Request {
    /// What `GetFlightInfo` and `GetSchema` are about.
    pub(super) fn of_descriptor(
        descriptor: &FlightDescriptor,
        metadata: &MetadataMap,
        state: &State,
    ) -> Result<Self, Status> {
        if descriptor.r#type() != DescriptorType::Cmd {
            return Err(status::not_supported("a descriptor that is a path"));
        }
        Self::of_command(command(&descriptor.cmd, "the descriptor")?, metadata, state)
    }

    /// What `DoGet` is about.
    pub(super) fn of_ticket(ticket: &[u8], metadata: &MetadataMap, state: &State) -> Result<Self, Status> {
        if json_ticket::is_json(ticket) {
            return Ok(Self::Query(json_ticket::query(ticket, metadata, state)?));
        }
        Self::of_command(command(ticket, "the ticket")?, metadata, state)
    }

    fn of_command(command: Command, metadata: &MetadataMap, state: &State) -> Result<Self, Status> {
        match command {
            Command::CommandStatementQuery(statement) => {
                Ok(Self::Query(new_query(statement.query, metadata, state)?))
            }
            Command::TicketStatementQuery(ticket) => {
                Ok(Self::Query(Query::of_bytes(&ticket.statement_handle)?))
            }
            Command::CommandPreparedStatementQuery(prepared) => {
                Ok(Self::Query(Query::of_bytes(&prepared.prepared_statement_handle)?))
            }
            Command::CommandGetCatalogs(_)
            | Command::CommandGetDbSchemas(_)
            | Command::CommandGetTables(_)
            | Command::CommandGetTableTypes(_)
            | Command::CommandGetSqlInfo(_)
            | Command::CommandGetXdbcTypeInfo(_)
            | Command::CommandGetPrimaryKeys(_)
            | Command::CommandGetExportedKeys(_)
            | Command::CommandGetImportedKeys(_)
            | Command::CommandGetCrossReference(_) => Ok(Self::Metadata(command)),
            other => Err(status::not_supported(name(&other))),
        }
    }

    /// The ticket that asks for the same.
    pub(super) fn into_ticket(self) -> Bytes {
        let message = match self {
            Self::Query(query) => TicketStatementQuery { statement_handle: query.to_bytes() }.as_any(),
            Self::Metadata(command) => command.into_any(),
        };
        message.encode_to_vec().into()
    }
}

/// A query in the database and the language that the metadata names.
pub(super) fn new_query(text: String, metadata: &MetadataMap, state: &State) -> Result<Query, Status> {
    Ok(Query {
        database: Database::of_metadata(metadata, state).map_err(|e| status::of_database(&e))?,
        language: Language::of_metadata(metadata)?,
        text,
        parameters: Vec::new(),
    })
}

/// The Flight SQL message in these bytes. `what` they are is for the error.
pub(super) fn command(bytes: &[u8], what: &str) -> Result<Command, Status> {
    let message = Any::decode(bytes).map_err(|e| status::malformed(what, e))?;
    if message.type_url.is_empty() {
        return Err(status::malformed(what, "it is neither a message of Flight SQL nor JSON"));
    }
    Command::try_from(message).map_err(|e| status::malformed(what, e))
}

/// The message's name without its package.
pub(super) fn name(command: &Command) -> &str {
    let url = command.type_url();
    url.rsplit_once('.').map_or(url, |(_, name)| name)
}
