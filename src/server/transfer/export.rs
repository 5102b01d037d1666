//! `GET /api/tidegauge/export`: the rows of one table as a stream of Arrow IPC, in no certain order.
//!
//! The columns are `time`, the tags and the fields, each [described](crate::encode::described); strings are `Utf8`.

use super::{required, response, time_ns};
use crate::encode::described::{Kind, describe};
use crate::model::schema::{TIME_COLUMN, TableSchema};
use crate::model::time::TimeRange;
use crate::query::whole_table::TableRows;
use crate::query::{Batches, QueryContext, QueryError};
use crate::server::AppState;
use crate::server::error::{ErrorForm, HttpError};
use crate::server::parameters::Parameters;
use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::ipc::writer::StreamWriter;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use bytes::Bytes;
use futures::{Stream, StreamExt};
use std::collections::HashMap;
use std::sync::Arc;

/// `GET /api/tidegauge/export?db=&rp=&measurement=&start_ns=&end_ns=`: the times are a half-open range, all when they are not given.
pub(in crate::server) async fn serve(
    State(state): State<AppState>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    export(&state, &uri).await.unwrap_or_else(|error| error.into_response(ErrorForm::of(&headers, &uri)))
}

async fn export(state: &AppState, uri: &Uri) -> Result<Response, HttpError> {
    let parameters = Parameters::of_uri(uri);
    let database = required(&parameters, "db")?;
    let policy = required(&parameters, "rp")?;
    let measurement = required(&parameters, "measurement")?;
    let times = TimeRange::new(
        time_ns(&parameters, "start_ns")?.unwrap_or(TimeRange::ALL.start_ns),
        time_ns(&parameters, "end_ns")?.unwrap_or(TimeRange::ALL.end_ns),
    );
    let context = QueryContext {
        database: Some(database.to_owned()),
        policy: Some(policy.to_owned()),
        now_ns: state.engine.clock().now_ns(),
        ..QueryContext::default()
    };
    let TableRows { table, schema, batches } = state.query.whole_table(measurement, times, &context)?;
    let described = described(&schema, &table.schema);
    let parts = ipc_stream(described, batches).map_err(|error| HttpError::internal(error.to_string()))?;
    Ok(response("application/vnd.apache.arrow.stream", Body::from_stream(parts)))
}

/// The schema with kinds and names of its columns.
fn described(schema: &Schema, table: &TableSchema) -> SchemaRef {
    let columns: HashMap<&str, _> =
        table.columns().iter().map(|column| (&*column.stored_name, column)).collect();
    let fields = schema.fields().iter().map(|field| {
        let (kind, name) = match columns.get(field.name().as_str()) {
            Some(column) if column.field_type().is_some() => (Kind::Field, column.name.as_ref()),
            Some(column) => (Kind::Tag, column.name.as_ref()),
            None => (Kind::Time, TIME_COLUMN),
        };
        describe(field, kind, name)
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// The messages of a stream: the schema, a message for each batch when its turn comes, the end. An error ends it early, which
/// readers notice.
fn ipc_stream(
    schema: SchemaRef,
    batches: Batches,
) -> Result<impl Stream<Item = Result<Bytes, QueryError>> + Send + 'static, ArrowError> {
    let mut writer = StreamWriter::try_new(Vec::new(), &schema)?;
    let head = Bytes::from(std::mem::take(writer.get_mut()));
    let ended = futures::stream::once(std::future::ready(None));
    let rest = batches.map(Some).chain(ended).map(move |batch| match batch {
        Some(batch) => {
            let batch = RecordBatch::try_new(schema.clone(), batch?.columns().to_vec());
            take_written(&mut writer, |writer| writer.write(&batch?))
        }
        None => take_written(&mut writer, StreamWriter::finish),
    });
    Ok(futures::stream::once(std::future::ready(Ok(head))).chain(rest))
}

fn take_written(
    writer: &mut StreamWriter<Vec<u8>>,
    write: impl FnOnce(&mut StreamWriter<Vec<u8>>) -> Result<(), ArrowError>,
) -> Result<Bytes, QueryError> {
    write(writer).map_err(|error| QueryError::Internal(error.into()))?;
    Ok(Bytes::from(std::mem::take(writer.get_mut())))
}
