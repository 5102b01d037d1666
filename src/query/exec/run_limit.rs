//! The first or last rows of every run of a series, as a sieve below a sort.
//!
//! ```text
//! rows in              first 1              last 1
//! __series time        __series time        __series time
//! a        1      →    a        1           a        3
//! a        2           b        1           b        2
//! a        3           a        4           a        4
//! b        1
//! b        2
//! a        4
//! ```
//!
//! `ORDER BY time DESC LIMIT 1` wants one row of each result series. Whatever series these are made of, the rows wanted are among the
//! last of each series of the table, and so among the last of each run of rows of one series: dropping the others leaves a sort
//! of as many rows as there are runs, instead of all.
//!
//! In: rows in which those of one series lie in runs, each in order of time. Out: some of them, in the same order. A series that
//! comes in several runs yields rows of each; the limit itself is applied by a node above. Rows stream; held are the rows
//! that may be the last of the current run, and what is collected for one batch.

use super::contiguous::{Source, group_ranges, same_group};
use arrow::array::{RecordBatch, UInt32Array};
use arrow::compute::{concat_batches, take_record_batch};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Column, DFSchemaRef, Statistics};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, LogicalPlan, UserDefinedLogicalNodeCore};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::execution_plan::{CardinalityEffect, ExecutionPlanProperties};
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::statistics::StatisticsArgs;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::StreamExt;
use futures::stream::try_unfold;
use std::cmp::Ordering;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

#[cfg(test)]
mod tests;

/// Rows of a run that are kept at most; a limit above that is left to the sort, which needs about as much memory then.
pub const RUN_LIMIT_ROWS_MAX: usize = 1_024;

/// Which rows of a run are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RunRows {
    /// How many.
    pub count: usize,
    /// The last ones instead of the first.
    pub are_last: bool,
}

impl RunRows {
    /// Those of the rows of a whole run.
    #[must_use]
    pub fn of(self, run: Range<usize>) -> Range<usize> {
        match self.are_last {
            true => run.end.saturating_sub(self.count).max(run.start)..run.end,
            false => run.start..run.start.saturating_add(self.count).min(run.end),
        }
    }
}

/// The logical node; see the module.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RunLimit {
    input: LogicalPlan,
    series: Column,
    rows: RunRows,
}

impl RunLimit {
    /// Sieves the rows of `input`, whose series are told apart by the column `series`.
    ///
    /// # Errors
    ///
    /// When the column is not part of the input.
    pub fn try_new(input: LogicalPlan, series: Column, rows: RunRows) -> Result<Self> {
        input.schema().index_of_column(&series)?;
        Ok(Self { input, series, rows })
    }

    /// The physical node over `input`, which is what this node's input was planned as.
    pub(super) fn plan(&self, input: Arc<dyn ExecutionPlan>) -> Result<RunLimitExec> {
        Ok(RunLimitExec::new(input, self.input.schema().index_of_column(&self.series)?, self.rows))
    }
}

impl PartialOrd for RunLimit {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        (self == other).then_some(Ordering::Equal)
    }
}

impl UserDefinedLogicalNodeCore for RunLimit {
    fn name(&self) -> &str {
        "RunLimit"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        self.input.schema()
    }

    fn expressions(&self) -> Vec<Expr> {
        vec![Expr::Column(self.series.clone())]
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RunLimit: series={}, {:?}", self.series, self.rows)
    }

    fn with_exprs_and_inputs(&self, mut exprs: Vec<Expr>, mut inputs: Vec<LogicalPlan>) -> Result<Self> {
        match (exprs.pop(), inputs.pop()) {
            (Some(Expr::Column(series)), Some(input)) => Self::try_new(input, series, self.rows),
            _ => Err(DataFusionError::Internal("RunLimit was rewritten to something else".into())),
        }
    }
}

/// The physical node; see the module.
#[derive(Clone, Debug)]
pub struct RunLimitExec {
    input: Arc<dyn ExecutionPlan>,
    series: usize,
    rows: RunRows,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl RunLimitExec {
    /// Sieves the rows of `input`, whose series are told apart by column number `series`.
    #[must_use]
    pub fn new(input: Arc<dyn ExecutionPlan>, series: usize, rows: RunRows) -> Self {
        let properties = PlanProperties::new(
            input.equivalence_properties().clone(),
            input.output_partitioning().clone(),
            input.pipeline_behavior(),
            input.boundedness(),
        );
        Self {
            input,
            series,
            rows,
            properties: Arc::new(properties),
            metrics: ExecutionPlanMetricsSet::new(),
        }
    }
}

impl DisplayAs for RunLimitExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let which = if self.rows.are_last { "last" } else { "first" };
        write!(f, "RunLimitExec: {which} {} rows of each run", self.rows.count)
    }
}

impl ExecutionPlan for RunLimitExec {
    fn name(&self) -> &str {
        "RunLimitExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn apply_expressions(
        &self,
        _f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match (children.pop(), children.is_empty()) {
            (Some(input), true) => Ok(Arc::new(Self::new(input, self.series, self.rows))),
            _ => Err(DataFusionError::Internal("RunLimitExec takes one input".into())),
        }
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let state = RunLimitStream {
            batch_rows: context.session_config().batch_size(),
            input: Some(self.input.execute(partition, context)?),
            sieve: Sieve {
                series: [self.series],
                rows: self.rows,
                last: None,
                row_count: 0,
                held: Vec::new(),
            },
            kept: Vec::new(),
            kept_row_count: 0,
            metrics: BaselineMetrics::new(&self.metrics, partition),
        };
        let batches = try_unfold(state, |mut state| async move {
            Ok(state.next_batch().await?.map(|batch| (batch, state)))
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), batches)))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn statistics_from_inputs(
        &self,
        input_stats: &[Arc<Statistics>],
        _args: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        let unknown = || Statistics::new_unknown(&self.schema());
        Ok(Arc::new(input_stats.first().map_or_else(unknown, |input| input.as_ref().clone().to_inexact())))
    }

    fn cardinality_effect(&self) -> CardinalityEffect {
        CardinalityEffect::LowerEqual
    }
}

/// The state of one execution.
struct RunLimitStream {
    /// `None` once it has ended.
    input: Option<SendableRecordBatchStream>,
    sieve: Sieve,
    /// Small batches that wait to become one.
    kept: Vec<RecordBatch>,
    kept_row_count: usize,
    batch_rows: usize,
    metrics: BaselineMetrics,
}

impl RunLimitStream {
    async fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        while let Some(input) = &mut self.input {
            let batch = input.next().await.transpose()?;
            let elapsed = self.metrics.elapsed_compute().clone();
            let _timer = elapsed.timer();
            let kept = match batch {
                Some(batch) => self.sieve.push(Arc::new(batch))?,
                None => {
                    self.input = None;
                    self.sieve.finish()
                }
            };
            self.kept_row_count += kept.iter().map(RecordBatch::num_rows).sum::<usize>();
            self.kept.extend(kept);
            if self.kept_row_count >= self.batch_rows {
                break;
            }
        }
        let Some(first) = self.kept.first() else { return Ok(None) };
        let batch = concat_batches(&first.schema(), &self.kept)?;
        self.kept.clear();
        self.kept_row_count = 0;
        self.metrics.output_rows().add(batch.num_rows());
        Ok(Some(batch))
    }
}

/// Batches in, the rows kept of their runs out.
struct Sieve {
    series: [usize; 1],
    rows: RunRows,
    /// A row of the current run.
    last: Option<Source>,
    /// Rows of the current run so far.
    row_count: usize,
    /// Rows that may be the last of the current run, at most as many as are kept of a run.
    held: Vec<RecordBatch>,
}

impl Sieve {
    /// The rows that are known to be kept now.
    fn push(&mut self, batch: Arc<RecordBatch>) -> Result<Vec<RecordBatch>> {
        let mut out = Vec::new();
        let mut kept: Vec<Range<usize>> = Vec::new();
        let runs = group_ranges(&self.series, &batch)?;
        for (number, run) in runs.iter().enumerate() {
            let first = Source { batch: Arc::clone(&batch), row: run.start };
            if !self.last.as_ref().is_some_and(|last| same_group(&self.series, last, &first)) {
                out.append(&mut self.held);
                self.row_count = 0;
            }
            self.last = Some(first);
            if !self.rows.are_last {
                let count = self.rows.count.saturating_sub(self.row_count).min(run.len());
                kept.push(run.start..run.start + count);
                self.row_count += run.len();
            } else if number + 1 < runs.len() && self.held.is_empty() {
                kept.push(self.rows.of(run.clone()));
            } else {
                // The next batch may carry this run on, or the last one has begun it.
                self.hold(&batch, self.rows.of(run.clone()))?;
            }
        }
        out.extend(rows_of(&batch, kept.into_iter().filter(|rows| !rows.is_empty()))?);
        Ok(out)
    }

    /// Keeps rows of the current run for as long as enough newer ones have not come.
    fn hold(&mut self, batch: &RecordBatch, rows: Range<usize>) -> Result<()> {
        self.held.extend(rows_of(batch, std::iter::once(rows))?);
        let mut excess =
            self.held.iter().map(RecordBatch::num_rows).sum::<usize>().saturating_sub(self.rows.count);
        while excess > 0
            && let Some(oldest) = self.held.first_mut()
        {
            let dropped = excess.min(oldest.num_rows());
            *oldest = oldest.slice(dropped, oldest.num_rows() - dropped);
            excess -= dropped;
            if oldest.num_rows() == 0 {
                self.held.remove(0);
            }
        }
        Ok(())
    }

    /// What is still held when the input has ended.
    fn finish(&mut self) -> Vec<RecordBatch> {
        std::mem::take(&mut self.held)
    }
}

/// Those rows as a batch that does not keep `batch` in memory; `None` if there are none.
fn rows_of(batch: &RecordBatch, ranges: impl Iterator<Item = Range<usize>>) -> Result<Option<RecordBatch>> {
    let too_many = |_| DataFusionError::Internal("a batch of more than 2^32 rows".into());
    let rows = ranges.flatten().map(u32::try_from);
    let rows = rows.collect::<std::result::Result<Vec<u32>, _>>().map_err(too_many)?;
    match rows.is_empty() {
        true => Ok(None),
        false => Ok(Some(take_record_batch(batch, &UInt32Array::from(rows))?)),
    }
}
