//! The rows of a table, batch by batch, as a server streams them.

use super::selection::Selected;
use crate::cli::client::{ClientError, cause_of};
use crate::cli::error::CliError;
use crate::cli::remote::Remote;
use crate::model::time::TimeRange;
use arrow::array::RecordBatch;
use arrow::buffer::Buffer;
use arrow::datatypes::{Schema, SchemaRef};
use arrow::ipc::reader::StreamDecoder;
use reqwest::Response;
use std::sync::Arc;

/// A stream of Arrow IPC that is being read. Holds no more than a batch.
pub(super) struct Rows {
    answer: Response,
    decoder: StreamDecoder,
    /// Bytes that were received and not decoded yet.
    received: Buffer,
    schema: SchemaRef,
    /// A batch that came with the schema.
    first: Option<RecordBatch>,
}

impl Rows {
    /// Asks for the rows of a table.
    pub(super) async fn of(
        remote: &Remote,
        table: &Selected<'_>,
        times: TimeRange,
    ) -> Result<Self, CliError> {
        let (start, end) = (times.start_ns.to_string(), times.end_ns.to_string());
        let parameters = [
            ("db", table.database),
            ("rp", table.policy),
            ("measurement", table.measurement),
            ("start_ns", start.as_str()),
            ("end_ns", end.as_str()),
        ];
        let answer = remote.export(&parameters).await?;
        let received = Buffer::from_vec(Vec::<u8>::new());
        let schema = Arc::new(Schema::empty());
        let mut rows = Self { answer, decoder: StreamDecoder::new(), received, schema, first: None };
        rows.first = rows.next().await?;
        rows.schema = rows.decoder.schema().ok_or_else(|| ClientError::Answer("it has no schema".into()))?;
        Ok(rows)
    }

    /// The columns of the table, which say what they are.
    pub(super) fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The next batch; `None` behind the last.
    pub(super) async fn next(&mut self) -> Result<Option<RecordBatch>, CliError> {
        if let Some(batch) = self.first.take() {
            return Ok(Some(batch));
        }
        loop {
            while !self.received.is_empty() {
                if let Some(batch) = self.decoder.decode(&mut self.received).map_err(CliError::failed)? {
                    return Ok(Some(batch));
                }
            }
            let part = self.answer.chunk().await;
            match part.map_err(|error| ClientError::Answer(cause_of(&error)))? {
                Some(bytes) => self.received = Buffer::from(bytes),
                None => {
                    self.decoder.finish().map_err(CliError::failed)?;
                    return Ok(None);
                }
            }
        }
    }
}
