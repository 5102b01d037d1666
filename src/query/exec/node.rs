//! What the physical nodes here have in common.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::coop::make_cooperative;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::stream::try_unfold;
use std::sync::Arc;

/// A node at work: makes batches when they are asked for.
pub(super) trait Batches: Send + 'static {
    /// The next batch of output, `None` at the end.
    fn next_batch(&mut self) -> impl Future<Output = Result<Option<RecordBatch>>> + Send;
}

/// The batches as a stream that lets go of the thread now and then.
pub(super) fn stream_of(schema: SchemaRef, batches: impl Batches) -> SendableRecordBatchStream {
    let batches = try_unfold(batches, |mut batches| async move {
        Ok(batches.next_batch().await?.map(|batch| (batch, batches)))
    });
    make_cooperative(Box::pin(RecordBatchStreamAdapter::new(schema, batches)))
}

/// The input of a node that takes one.
pub(super) fn only_input(
    node: &str,
    mut children: Vec<Arc<dyn ExecutionPlan>>,
) -> Result<Arc<dyn ExecutionPlan>> {
    match (children.pop(), children.is_empty()) {
        (Some(input), true) => Ok(input),
        _ => Err(DataFusionError::Internal(format!("{node} takes one input"))),
    }
}

/// Refuses all partitions but the first, for a node that has one.
pub(super) fn check_only_partition(node: &str, partition: usize) -> Result<()> {
    match partition {
        0 => Ok(()),
        _ => Err(DataFusionError::Internal(format!("{node} has no partition {partition}"))),
    }
}
