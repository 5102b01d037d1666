//! Executing plans on the runtime of queries.
//!
//! Planning and execution happen in one task there. It hands batches to the reader through a small channel, so that a
//! slow reader slows the query, and ends when the reader is gone or the query is interrupted. The reader hears of an interruption
//! at once, even while the task is in the midst of something that it cannot leave.
//!
//! A small question has no task there: whoever reads its rows computes them; see `small`.

use super::Batches;
use super::error::QueryError;
use super::running::RunningQuery;
use super::session::QueryEngine;
use super::small::reads_little;
use arrow::array::RecordBatch;
use datafusion::execution::TaskContext;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::{ExecutionPlan, SendableRecordBatchStream, execute_stream};
use futures::{FutureExt, StreamExt, TryStreamExt};
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinHandle};

/// The language of a plan, which decides how it is made executable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    /// Plans of InfluxQL, and others without joins that are typed and pushed down when they are made.
    Influxql,
    /// Any plans, optimised.
    Sql,
}

/// Batches that wait for the reader of a result.
const BATCHES_WAITING_MAX: usize = 2;

/// What is to be executed.
struct Work {
    /// One after the other.
    plans: Vec<LogicalPlan>,
    language: Language,
    /// The first plan, made executable.
    prepared: Option<Arc<dyn ExecutionPlan>>,
}

impl QueryEngine {
    /// The rows of `plans`, one plan after the other. Each is made executable and executed when its turn comes.
    pub(super) fn run(
        &self,
        plans: Vec<LogicalPlan>,
        language: Language,
        query: Arc<RunningQuery>,
    ) -> Batches {
        self.run_work(Work { plans, language, prepared: None }, query)
    }

    /// The rows of an InfluxQL plan that looks at little. If it reads little, too, the first are computed here and now, and the others by
    /// whoever reads them.
    ///
    /// # Errors
    /// When the plan is not executable, and those that come before the first rows.
    pub(super) async fn run_small(
        &self,
        plan: LogicalPlan,
        query: Arc<RunningQuery>,
    ) -> Result<Batches, QueryError> {
        let prepared = self.physical_plan(&plan).await?;
        if !reads_little(&prepared) {
            let work = Work { plans: vec![plan], language: Language::Influxql, prepared: Some(prepared) };
            return Ok(self.run_work(work, query));
        }
        let mut batches = execute_stream(prepared, self.limited_task_context())?;
        let first = batches.try_next().await?;
        let rest = first.is_some().then_some(ReadingHere { batches, query });
        let rest = futures::stream::unfold(rest, |reading| async move {
            let mut reading = reading?;
            let batch = reading.next().await?;
            let goes_on = batch.is_ok();
            Some((batch, goes_on.then_some(reading)))
        });
        Ok(futures::stream::iter(first.map(Ok)).chain(rest).fuse().boxed())
    }

    fn run_work(&self, work: Work, query: Arc<RunningQuery>) -> Batches {
        let (sender, receiver) = mpsc::channel(BATCHES_WAITING_MAX);
        let (engine, running) = (self.clone(), Arc::clone(&query));
        let work = async move {
            let task = engine.limited_task_context();
            tokio::select! {
                biased;
                () = sender.closed() => {}
                error = running.interrupted() => {
                    let _ = sender.send(Err(error)).await; // a reader that is gone needs no error
                }
                ended = engine.send_all(work, &task, &sender) => if let Err(error) = ended {
                    let _ = sender.send(Err(error)).await;
                },
            }
        };
        let task = self.runtime().spawn(work);
        let reading = Some(Reading { receiver, task, query });
        futures::stream::unfold(reading, |reading| async move {
            let mut reading = reading?;
            let (batch, goes_on) = reading.next().await?;
            Some((batch, goes_on.then_some(reading)))
        })
        .fuse() // who collects batches asks once more after the last
        .boxed()
    }

    async fn send_all(
        &self,
        Work { plans, language, mut prepared }: Work,
        task: &Arc<TaskContext>,
        sender: &mpsc::Sender<Result<RecordBatch, QueryError>>,
    ) -> Result<(), QueryError> {
        let mut has_sent = false;
        for plan in plans {
            let mut attempts = self.first_attempt();
            loop {
                let executable = match (prepared.take(), language) {
                    (Some(prepared), _) => Ok(prepared),
                    (None, Language::Influxql) => self.physical_plan(&plan).await,
                    (None, Language::Sql) => self.sql_physical_plan(&plan).await,
                };
                let sent = match executable {
                    Ok(executable) => self.send_one(executable, task, sender, &mut has_sent).await,
                    Err(error) => Err(error),
                };
                let Err(error) = sent else { break };
                if has_sent || !attempts.again_after(&error).await {
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// Sends the rows of one plan; notes the first of them.
    async fn send_one(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        task: &Arc<TaskContext>,
        sender: &mpsc::Sender<Result<RecordBatch, QueryError>>,
        has_sent: &mut bool,
    ) -> Result<(), QueryError> {
        let mut batches = execute_stream(plan, Arc::clone(task))?;
        while let Some(batch) = batches.try_next().await? {
            if sender.send(Ok(batch)).await.is_err() {
                return Ok(());
            }
            *has_sent = true;
        }
        Ok(())
    }
}

/// The reader's end of a query.
struct Reading {
    receiver: mpsc::Receiver<Result<RecordBatch, QueryError>>,
    task: JoinHandle<()>,
    query: Arc<RunningQuery>,
}

impl Reading {
    /// The next batch or error, and whether more may follow.
    async fn next(&mut self) -> Option<(Result<RecordBatch, QueryError>, bool)> {
        tokio::select! {
            biased;
            error = self.query.interrupted() => Some((Err(error), false)),
            batch = self.receiver.recv() => match batch {
                Some(batch) => Some((batch, true)),
                None => {
                    let panic = (&mut self.task).await.err()?;
                    Some((Err(QueryError::panicked(&panic)), false))
                }
            },
        }
    }
}

/// A query whose reader computes it.
struct ReadingHere {
    batches: SendableRecordBatchStream,
    query: Arc<RunningQuery>,
}

impl ReadingHere {
    async fn next(&mut self) -> Option<Result<RecordBatch, QueryError>> {
        tokio::select! {
            biased;
            error = self.query.interrupted() => Some(Err(error)),
            batch = AssertUnwindSafe(self.batches.next()).catch_unwind() => match batch {
                Ok(batch) => batch.map(|batch| batch.map_err(QueryError::from)),
                Err(panic) => Some(Err(QueryError::unwound(&*panic))),
            },
        }
    }
}

/// A task that ends when nobody waits for it any more. One that computes ends when it next waits for something.
pub(super) struct Attended<T>(JoinHandle<T>);

impl<T> Attended<T> {
    pub(super) fn new(task: JoinHandle<T>) -> Self {
        Self(task)
    }
}

impl<T> Future for Attended<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context)
    }
}

impl<T> Drop for Attended<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
