//! Executing plans on the runtime of queries.
//!
//! Planning and execution happen in one task there. It hands batches to the reader through a small channel, so that a
//! slow reader slows the query, and ends when the reader is gone or the time is up.

use super::error::QueryError;
use super::session::QueryEngine;
use super::{Batches, QueryContext};
use arrow::array::RecordBatch;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::execute_stream;
use futures::{StreamExt, TryStreamExt};
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

/// Batches that wait for the reader of a result.
const BATCHES_WAITING_MAX: usize = 2;

impl QueryEngine {
    /// The rows of `plans`, one plan after the other. Each is made executable and executed when its turn comes.
    pub(super) fn run(&self, plans: Vec<LogicalPlan>, context: &QueryContext) -> Batches {
        let (sender, receiver) = mpsc::channel(BATCHES_WAITING_MAX);
        let (engine, deadline) = (self.clone(), context.deadline);
        let work = async move {
            let ended = async {
                let sending = engine.send_all(plans, &sender);
                match deadline {
                    None => sending.await,
                    Some(deadline) => tokio::time::timeout(deadline, sending).await.unwrap_or_else(|_| {
                        Err(QueryError::Resource("query-timeout limit exceeded".to_owned()))
                    }),
                }
            };
            tokio::select! {
                biased;
                () = sender.closed() => {}
                ended = ended => if let Err(error) = ended {
                    let _ = sender.send(Err(error)).await; // a reader that is gone needs no error
                },
            }
        };
        let task = self.runtime().spawn(work);
        let panicked = futures::stream::once(task)
            .filter_map(|joined| async { joined.err().map(|panic| Err(QueryError::panicked(&panic))) });
        ReceiverStream::new(receiver).chain(panicked).boxed()
    }

    async fn send_all(
        &self,
        plans: Vec<LogicalPlan>,
        sender: &mpsc::Sender<Result<RecordBatch, QueryError>>,
    ) -> Result<(), QueryError> {
        let task = self.task_context();
        for plan in plans {
            let plan = self.physical_plan(&plan).await?;
            let mut batches = execute_stream(plan, Arc::clone(&task))?;
            while let Some(batch) = batches.try_next().await? {
                if sender.send(Ok(batch)).await.is_err() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}
