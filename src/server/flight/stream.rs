//! Batches as the messages of a stream.
//!
//! A batch is encoded when the client has taken the message before it, so that a slow client holds up its query, not
//! the memory. Batches larger than a message are cut.

use super::run::Rows;
use super::{service, status};
use crate::query::QueryError;
use crate::server::Metrics;
use crate::server::metrics::QueryAccount;
use arrow::array::RecordBatch;
use arrow_flight::FlightData;
use arrow_flight::encode::FlightDataEncoderBuilder;
use arrow_flight::error::FlightError;
use futures::{Stream, StreamExt};
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tonic::Status;

/// The size at which batches are cut. Clients refuse messages of more than 4 MiB unless told otherwise; the size is
/// taken before encoding, hence half.
const MESSAGE_BYTES: usize = 2 << 20;

/// The rows of a query as messages: first its schema, also when there are no rows.
pub(super) fn of_rows(rows: Rows, metrics: Arc<Metrics>) -> service::Messages {
    let account = QueryAccount::begin(Arc::clone(&metrics));
    let batches = rows.batches.map(move |batch| batch.map_err(|error| failed(&metrics, error)));
    let encoder = FlightDataEncoderBuilder::new()
        .with_schema(rows.schema)
        .with_max_flight_data_size(MESSAGE_BYTES)
        .build(batches);
    let messages = AssertUnwindSafe(encoder).catch_unwind().map(|message| match message {
        Ok(message) => message.map_err(Status::from),
        Err(panic) => Err(status::of_panic(panic.as_ref())),
    });
    Box::pin(Counted { messages: messages.boxed(), account })
}

/// One batch as messages.
pub(super) fn of_batch(batch: RecordBatch) -> service::Messages {
    let schema = batch.schema();
    let batches = futures::stream::once(std::future::ready(Ok(batch)));
    let encoder = FlightDataEncoderBuilder::new()
        .with_schema(schema)
        .with_max_flight_data_size(MESSAGE_BYTES)
        .build(batches);
    Box::pin(encoder.map(|message| message.map_err(Status::from)))
}

fn failed(metrics: &Metrics, error: QueryError) -> FlightError {
    metrics.statements_failed.inc();
    status::of_query(error).into()
}

/// Messages of a query that is counted when it is over.
struct Counted {
    messages: service::Messages,
    account: QueryAccount,
}

impl Stream for Counted {
    type Item = Result<FlightData, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let message = self.messages.poll_next_unpin(context);
        if matches!(message, Poll::Ready(None | Some(Err(_)))) {
            self.account.end();
        }
        message
    }
}
