//! How long each stage of one SELECT takes: the same stages as in answering it, one after the other, with a clock
//! between them. For the benchmark `plan`; answers go another way, which streams.

use super::error::QueryError;
use super::influxql::{plan_query, resolve};
use super::session::QueryEngine;
use super::tables::Tables;
use super::{QueryContext, ResultStream};
use crate::model::result::ResultShape;
use arrow::array::RecordBatch;
use datafusion::physical_plan::execute_stream;
use futures::{StreamExt, TryStreamExt};
use influxql::ast::Select;
use std::time::{Duration, Instant};

/// What each stage took. With several plans, the sum.
#[derive(Clone, Copy, Debug, Default)]
pub struct Timings {
    /// Names, types and sources: syntax tree to IR.
    pub resolve: Duration,
    /// IR to logical plan. Takes a read view of each table, which sorts rows that no query has seen yet.
    pub logical_plan: Duration,
    /// Logical to physical plan and the physical rules. Chooses files and row groups.
    pub physical_plan: Duration,
    /// From the start of execution to the first batch.
    pub first_batch: Duration,
    /// The batches after the first.
    pub other_batches: Duration,
}

impl QueryEngine {
    /// Answers a SELECT stage by stage and gives its rows, all at once, with the time that each stage took.
    /// The deadline of `context` does not hold.
    ///
    /// # Errors
    /// When the statement is wrong or not supported.
    pub async fn timed(
        &self,
        select: &Select,
        context: &QueryContext,
    ) -> Result<(ResultStream, Timings), QueryError> {
        let (engine, select, context) = (self.clone(), select.clone(), context.clone());
        let timing = async move { engine.run_timed(&select, &context).await };
        self.runtime().spawn(timing).await.map_err(|panic| QueryError::panicked(&panic))?
    }

    async fn run_timed(
        &self,
        select: &Select,
        context: &QueryContext,
    ) -> Result<(ResultStream, Timings), QueryError> {
        let mut timings = Timings::default();
        let mut watch = Watch(Instant::now());
        let tables = self.snapshot().await?;
        let query = resolve(select, tables.state(), context.defaults(), context.now_ns)?;
        timings.resolve = watch.lap();
        let planned = plan_query(&query, &tables)?;
        timings.logical_plan = watch.lap();

        let mut batches: Vec<Result<RecordBatch, QueryError>> = Vec::new();
        let task = self.task_context();
        for plan in planned.plans {
            watch.lap();
            let plan = self.physical_plan(&plan).await?;
            timings.physical_plan += watch.lap();
            let mut rows = execute_stream(plan, task.clone())?;
            batches.extend(rows.try_next().await?.map(Ok));
            timings.first_batch += watch.lap();
            while let Some(batch) = rows.try_next().await? {
                batches.push(Ok(batch));
            }
            timings.other_batches += watch.lap();
        }
        let shape = planned.shape.unwrap_or_else(ResultShape::empty);
        Ok((ResultStream { shape, batches: futures::stream::iter(batches).boxed() }, timings))
    }
}

/// Measures laps.
struct Watch(Instant);

impl Watch {
    /// The time since the last lap, or since the start.
    fn lap(&mut self) -> Duration {
        let now = Instant::now();
        now.duration_since(std::mem::replace(&mut self.0, now))
    }
}
