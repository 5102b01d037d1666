//! `SELECT … INTO` carried out: what the query layer gives as rows is written by the engine.
//!
//! The statement's answer is how many points were written. Writing stops, between two batches, when the future is dropped.

use super::error::partial_write_text;
use crate::catalog::WriteTargetError;
use crate::engine::{Engine, RowsRequest, WriteError};
use crate::model::result::ResultShape;
use crate::query::{IntoRows, QueryError, ResultStream};
use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringViewArray, TimestampNanosecondArray};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use futures::StreamExt;
use std::sync::Arc;
use std::time::Duration;

/// How often a batch is tried again that the engine could not take at once.
const TRIES_MAX: usize = 60;

/// The statement's result: one series `result` with the columns `time` and `written`. The number is had when the rows are read.
pub(super) fn result_of(
    written: impl Future<Output = Result<u64, QueryError>> + Send + 'static,
) -> ResultStream {
    let fields = [
        ("iox::measurement", DataType::Utf8View),
        ("time", DataType::Timestamp(TimeUnit::Nanosecond, None)),
        ("written", DataType::Int64),
    ];
    let fields = fields.map(|(name, data_type)| Field::new(name, data_type, false));
    let schema = Arc::new(Schema::new(fields.to_vec()));
    let shape = ResultShape {
        schema: schema.clone(),
        name: 0,
        group_tags: Vec::new(),
        columns: vec![("time".into(), 1), ("written".into(), 2)],
        time_zone: None,
    };
    let batch = async move {
        let written = i64::try_from(written.await?).unwrap_or(i64::MAX);
        let columns: Vec<ArrayRef> = vec![
            Arc::new(StringViewArray::from(vec!["result"])),
            Arc::new(TimestampNanosecondArray::from(vec![0])),
            Arc::new(Int64Array::from(vec![written])),
        ];
        RecordBatch::try_new(schema, columns).map_err(|error| QueryError::Internal(error.into()))
    };
    ResultStream { shape, batches: futures::stream::once(batch).boxed() }
}

/// Writes the rows of a `SELECT … INTO` and says how many points that were.
///
/// # Errors
/// When the query fails, when the target does not exist, and, with InfluxDB 1.x's text, when some points were refused. What was
/// written before stays.
pub async fn write_into(engine: &Arc<Engine>, mut rows: IntoRows) -> Result<u64, QueryError> {
    if engine.is_read_only() {
        // Also when there turn out to be no rows.
        return Err(QueryError::Query(WriteError::ReadOnly.to_string()));
    }
    let mut written = 0;
    while let Some(tables) = rows.next().await? {
        if tables.is_empty() {
            continue;
        }
        let request = RowsRequest {
            database: rows.target.database.clone(),
            policy: rows.target.policy.clone(),
            tables,
        };
        written += write_batch(engine, request).await?;
    }
    Ok(written)
}

async fn write_batch(engine: &Arc<Engine>, request: RowsRequest) -> Result<u64, QueryError> {
    let mut tries = 1;
    loop {
        let wait = match engine.write_rows(request.clone()).await {
            Ok(outcome) => {
                return match partial_write_text(&outcome) {
                    Some(text) => Err(QueryError::Query(text)),
                    None => Ok(outcome.points_written as u64),
                };
            }
            // The query yields rows faster than the engine can take them: it waits until a flush has made room.
            Err(WriteError::Overloaded { retry_after }) if tries < TRIES_MAX => retry_after,
            Err(WriteError::Target(WriteTargetError::DatabaseNotFound(name))) => {
                return Err(QueryError::Query(format!("database not found: {name}")));
            }
            Err(error @ WriteError::Target(_)) => return Err(QueryError::Query(error.to_string())),
            Err(error) => return Err(QueryError::Resource(error.to_string())),
        };
        tries += 1;
        tokio::time::sleep(wait.min(Duration::from_secs(1))).await;
    }
}
