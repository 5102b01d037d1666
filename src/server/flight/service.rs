//! The calls of the protocol.

use super::command::{Request as Asked, command, name, new_query};
use super::query::Query;
use super::run::Rows;
use super::{handshake, parameters, status, stream};
use crate::server::AppState;
use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use arrow::ipc::writer::IpcWriteOptions;
use arrow_flight::decode::FlightRecordBatchStream;
use arrow_flight::error::FlightError;
use arrow_flight::flight_service_server::FlightService;
use arrow_flight::sql::{
    ActionClosePreparedStatementRequest, ActionCreatePreparedStatementRequest,
    ActionCreatePreparedStatementResult, Any, Command, DoPutPreparedStatementResult, ProstMessageExt,
};
use arrow_flight::{
    Action, ActionType, Criteria, Empty, FlightData, FlightDescriptor, FlightEndpoint, FlightInfo,
    HandshakeRequest, HandshakeResponse, IpcMessage, PollInfo, PutResult, Result as ActionResult,
    SchemaAsIpc, SchemaResult, Ticket,
};
use bytes::Bytes;
use futures::stream::{self as streams, BoxStream};
use futures::{StreamExt, TryStreamExt};
use prost::Message;
use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::{Request, Response, Status, Streaming};

/// The action that prepares a statement.
const CREATE_PREPARED_STATEMENT: &str = "CreatePreparedStatement";
/// The action that gives a prepared statement back.
const CLOSE_PREPARED_STATEMENT: &str = "ClosePreparedStatement";

/// The messages of a stream that is sent.
pub(super) type Messages = BoxStream<'static, Result<FlightData, Status>>;

/// The Flight service over one server's state.
pub(super) struct Flight {
    pub(super) state: AppState,
}

impl Flight {
    pub(super) fn new(state: AppState) -> Self {
        Self { state }
    }

    fn described(&self, request: &Request<FlightDescriptor>) -> Result<Asked, Status> {
        Asked::of_descriptor(request.get_ref(), request.metadata(), &self.state.engine.state())
    }

    /// The schema of what is asked for, exactly as the stream will have it.
    async fn schema(&self, asked: &Asked) -> Result<SchemaRef, Status> {
        match asked {
            Asked::Query(query) => Ok(self.description(query).await?.schema),
            Asked::Metadata(command) => self.listing_schema(command),
        }
    }

    async fn prepare(&self, body: &[u8], metadata: &MetadataMap) -> Result<Bytes, Status> {
        let request: ActionCreatePreparedStatementRequest = action_body(body)?;
        if request.transaction_id.is_some() {
            return Err(status::not_supported("a transaction"));
        }
        let query = new_query(request.query, metadata, &self.state.engine.state())?;
        let description = self.description(&query).await?;
        let result = ActionCreatePreparedStatementResult {
            prepared_statement_handle: query.to_bytes(),
            dataset_schema: schema_bytes(&description.schema)?,
            parameter_schema: schema_bytes(&description.parameters)?,
        };
        Ok(result.as_any().encode_to_vec().into())
    }
}

#[tonic::async_trait]
impl FlightService for Flight {
    type HandshakeStream = BoxStream<'static, Result<HandshakeResponse, Status>>;
    type ListFlightsStream = BoxStream<'static, Result<FlightInfo, Status>>;
    type DoGetStream = Messages;
    type DoPutStream = BoxStream<'static, Result<PutResult, Status>>;
    type DoActionStream = BoxStream<'static, Result<ActionResult, Status>>;
    type ListActionsStream = BoxStream<'static, Result<ActionType, Status>>;
    type DoExchangeStream = Messages;

    async fn handshake(
        &self,
        request: Request<Streaming<HandshakeRequest>>,
    ) -> Result<Response<Self::HandshakeStream>, Status> {
        let (metadata, _, mut messages) = request.into_parts();
        let first = messages.message().await?;
        let token = handshake::token(&metadata, first.as_ref());
        let payload = token.clone().unwrap_or_default().into_bytes().into();
        let answer = HandshakeResponse { protocol_version: 0, payload };
        let mut response = Response::new(streams::iter([Ok(answer)]).boxed());
        if let Some(token) = token {
            let header = MetadataValue::try_from(format!("Bearer {token}"));
            let header = header.map_err(|e| status::malformed("the password", e))?;
            response.metadata_mut().insert("authorization", header);
        }
        Ok(response)
    }

    async fn get_flight_info(
        &self,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        let asked = self.described(&request)?;
        let schema = self.schema(&asked).await?;
        // Without a location the ticket is for the connection that it came by.
        let endpoint = FlightEndpoint::new().with_ticket(Ticket::new(asked.into_ticket()));
        let info = FlightInfo::new()
            .try_with_schema(&schema)
            .map_err(|e| status::of_arrow(&e))?
            .with_endpoint(endpoint)
            .with_descriptor(request.into_inner())
            .with_ordered(true);
        Ok(Response::new(info))
    }

    async fn get_schema(&self, request: Request<FlightDescriptor>) -> Result<Response<SchemaResult>, Status> {
        let schema = self.schema(&self.described(&request)?).await?;
        Ok(Response::new(SchemaResult { schema: schema_bytes(schema.as_ref())? }))
    }

    async fn do_get(&self, request: Request<Ticket>) -> Result<Response<Self::DoGetStream>, Status> {
        let state = self.state.engine.state();
        let messages = match Asked::of_ticket(&request.get_ref().ticket, request.metadata(), &state)? {
            Asked::Query(query) => {
                let rows: Rows = self.rows(&query).await?;
                stream::of_rows(rows, self.state.metrics.clone())
            }
            Asked::Metadata(command) => stream::of_batch(self.listing(command, request.metadata()).await?),
        };
        Ok(Response::new(messages))
    }

    /// Binds parameters to a prepared statement. The answer is another handle, which carries them.
    async fn do_put(
        &self,
        request: Request<Streaming<FlightData>>,
    ) -> Result<Response<Self::DoPutStream>, Status> {
        let mut messages = request.into_inner();
        let first =
            messages.message().await?.ok_or_else(|| status::malformed("the stream", "it is empty"))?;
        let descriptor = first.flight_descriptor.as_ref();
        let descriptor = descriptor.ok_or_else(|| status::malformed("the stream", "it has no descriptor"))?;
        let prepared = match command(&descriptor.cmd, "the descriptor")? {
            Command::CommandPreparedStatementQuery(prepared) => prepared,
            other => return Err(status::not_supported(name(&other))),
        };
        let query = Query::of_bytes(&prepared.prepared_statement_handle)?;
        let messages = streams::iter([Ok(first)]).chain(messages).map_err(FlightError::from);
        let row = only_batch(FlightRecordBatchStream::new_from_flight_data(messages)).await?;
        let parameters = parameters::of_batch(&row).map_err(|e| status::of_parameters(&e))?;
        let handle = Query { parameters, ..query }.to_bytes();
        let result = DoPutPreparedStatementResult { prepared_statement_handle: Some(handle) };
        let result = PutResult { app_metadata: result.encode_to_vec().into() };
        Ok(Response::new(streams::iter([Ok(result)]).boxed()))
    }

    async fn do_action(&self, request: Request<Action>) -> Result<Response<Self::DoActionStream>, Status> {
        let Action { r#type: kind, body } = request.get_ref();
        let results = match kind.as_str() {
            CREATE_PREPARED_STATEMENT => {
                vec![Ok(ActionResult::new(self.prepare(body, request.metadata()).await?))]
            }
            CLOSE_PREPARED_STATEMENT => {
                // Nothing is kept, so there is nothing to close.
                action_body::<ActionClosePreparedStatementRequest>(body)?;
                Vec::new()
            }
            other => return Err(status::not_supported(&format!("the action '{other}'"))),
        };
        Ok(Response::new(streams::iter(results).boxed()))
    }

    async fn list_actions(&self, _: Request<Empty>) -> Result<Response<Self::ListActionsStream>, Status> {
        let actions = [
            (
                CREATE_PREPARED_STATEMENT,
                "ActionCreatePreparedStatementRequest to ActionCreatePreparedStatementResult",
            ),
            (CLOSE_PREPARED_STATEMENT, "ActionClosePreparedStatementRequest to nothing"),
        ];
        let actions = actions.map(|(kind, description)| {
            Ok(ActionType { r#type: kind.to_owned(), description: description.to_owned() })
        });
        Ok(Response::new(streams::iter(actions).boxed()))
    }

    async fn list_flights(&self, _: Request<Criteria>) -> Result<Response<Self::ListFlightsStream>, Status> {
        Err(status::not_supported("ListFlights"))
    }

    async fn poll_flight_info(&self, _: Request<FlightDescriptor>) -> Result<Response<PollInfo>, Status> {
        Err(status::not_supported("PollFlightInfo"))
    }

    async fn do_exchange(
        &self,
        _: Request<Streaming<FlightData>>,
    ) -> Result<Response<Self::DoExchangeStream>, Status> {
        Err(status::not_supported("DoExchange"))
    }
}

/// The message in the body of an action.
fn action_body<M: ProstMessageExt>(body: &[u8]) -> Result<M, Status> {
    let message = Any::decode(body).map_err(|e| status::malformed("the action", e))?;
    let body = message.unpack().map_err(|e| status::malformed("the action", e))?;
    body.ok_or_else(|| status::malformed("the action", format!("'{}' is not its message", message.type_url)))
}

/// A schema as an IPC message.
fn schema_bytes(schema: &Schema) -> Result<Bytes, Status> {
    let message = IpcMessage::try_from(SchemaAsIpc::new(schema, &IpcWriteOptions::default()));
    Ok(message.map_err(|e| status::of_arrow(&e))?.0)
}

/// The first batch with rows of a stream that has no other.
async fn only_batch(mut batches: FlightRecordBatchStream) -> Result<RecordBatch, Status> {
    let malformed = |error: FlightError| match error {
        FlightError::Tonic(status) => *status,
        other => status::malformed("the parameters", other),
    };
    let mut found: Option<RecordBatch> = None;
    while let Some(batch) = batches.try_next().await.map_err(malformed)? {
        let row_count = found.as_ref().map_or(0, RecordBatch::num_rows) + batch.num_rows();
        if row_count > 1 {
            return Err(status::of_parameters(&parameters::ParametersError::RowCount(row_count)));
        }
        if found.is_none() || batch.num_rows() > 0 {
            found = Some(batch);
        }
    }
    found.ok_or_else(|| status::of_parameters(&parameters::ParametersError::RowCount(0)))
}
