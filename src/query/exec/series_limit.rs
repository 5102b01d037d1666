//! `LIMIT`, `OFFSET`, `SLIMIT` and `SOFFSET`: rows are counted within each series, and series among each other.
//!
//! ```text
//! rows in          limit 1, offset 1      series_limit 1, series_offset 1
//! host time        host time              host time
//! a    1      →    a    2                 b    1
//! a    2           b    2                 b    2
//! a    3
//! b    1
//! b    2
//! ```
//!
//! In: rows sorted by group columns (each series contiguous), one partition. Out: some of them, in the same order. Rows
//! stream, nothing is buffered, and reading stops as soon as no further row can be kept.
//!
//! Not for queries over several measurements at once: `SLIMIT` counts per measurement.

use super::contiguous::{Source, group_ranges, same_group, series_order};
use super::node::{Batches, check_only_partition, only_input, stream_of};
use arrow::array::{RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Column, DFSchemaRef, Statistics};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, LogicalPlan, UserDefinedLogicalNodeCore};
use datafusion::physical_expr::{Distribution, OrderingRequirements, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, CardinalityEffect, ExecutionPlanProperties};
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::statistics::StatisticsArgs;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, InputDistributionRequirements, Partitioning, PlanProperties,
};
use futures::StreamExt;
use std::cmp::Ordering;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// Which rows and series are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SeriesLimits {
    /// Rows kept of each series; `None` = all.
    pub limit: Option<usize>,
    /// Rows skipped of each series before that.
    pub offset: usize,
    /// Series kept; `None` = all.
    pub series_limit: Option<usize>,
    /// Series skipped before that.
    pub series_offset: usize,
    /// Whether series come in descending order.
    pub descending: bool,
}

impl SeriesLimits {
    /// The rows of a series that are kept.
    fn rows(&self) -> Range<usize> {
        self.offset..self.limit.map_or(usize::MAX, |limit| self.offset.saturating_add(limit))
    }

    /// The series that are kept.
    fn series(&self) -> Range<usize> {
        let end = self.series_limit.map_or(usize::MAX, |limit| self.series_offset.saturating_add(limit));
        self.series_offset..end
    }
}

/// The logical node; see the module.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SeriesLimit {
    input: LogicalPlan,
    group_columns: Vec<Column>,
    limits: SeriesLimits,
}

impl SeriesLimit {
    /// Limits the rows of `input`, whose series are told apart by `group_columns`.
    ///
    /// # Errors
    ///
    /// When a column is not part of the input.
    pub fn try_new(input: LogicalPlan, group_columns: Vec<Column>, limits: SeriesLimits) -> Result<Self> {
        for column in &group_columns {
            input.schema().index_of_column(column)?;
        }
        Ok(Self { input, group_columns, limits })
    }

    /// The physical node over `input`, which is what this node's input was planned as.
    pub(super) fn plan(&self, input: Arc<dyn ExecutionPlan>) -> Result<SeriesLimitExec> {
        let schema = self.input.schema();
        let columns = self.group_columns.iter().map(|column| schema.index_of_column(column));
        SeriesLimitExec::try_new(input, columns.collect::<Result<_>>()?, self.limits)
    }
}

impl PartialOrd for SeriesLimit {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        (self == other).then_some(Ordering::Equal)
    }
}

impl UserDefinedLogicalNodeCore for SeriesLimit {
    fn name(&self) -> &str {
        "SeriesLimit"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        self.input.schema()
    }

    fn expressions(&self) -> Vec<Expr> {
        self.group_columns.iter().cloned().map(Expr::Column).collect()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let groups: Vec<String> = self.group_columns.iter().map(ToString::to_string).collect();
        write!(f, "SeriesLimit: group=[{}], {:?}", groups.join(", "), self.limits)
    }

    fn with_exprs_and_inputs(&self, exprs: Vec<Expr>, inputs: Vec<LogicalPlan>) -> Result<Self> {
        let wrong = || DataFusionError::Internal("SeriesLimit was rewritten to something else".into());
        let columns = exprs.into_iter().map(|expr| match expr {
            Expr::Column(column) => Ok(column),
            _ => Err(wrong()),
        });
        let columns = columns.collect::<Result<_>>()?;
        Self::try_new(inputs.into_iter().next().ok_or_else(wrong)?, columns, self.limits)
    }
}

/// The physical node; see the module.
#[derive(Clone, Debug)]
pub struct SeriesLimitExec {
    input: Arc<dyn ExecutionPlan>,
    group_columns: Vec<usize>,
    limits: SeriesLimits,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl SeriesLimitExec {
    /// Limits the rows of `input`.
    ///
    /// # Errors
    ///
    /// When columns do not exist.
    pub fn try_new(
        input: Arc<dyn ExecutionPlan>,
        group_columns: Vec<usize>,
        limits: SeriesLimits,
    ) -> Result<Self> {
        let width = input.schema().fields().len();
        if group_columns.iter().any(|index| *index >= width) {
            return Err(DataFusionError::Internal("SeriesLimit over columns that do not exist".into()));
        }
        let properties = PlanProperties::new(
            input.equivalence_properties().clone(),
            Partitioning::UnknownPartitioning(1),
            input.pipeline_behavior(),
            Boundedness::Bounded,
        );
        let metrics = ExecutionPlanMetricsSet::new();
        Ok(Self { input, group_columns, limits, properties: Arc::new(properties), metrics })
    }
}

impl DisplayAs for SeriesLimitExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let schema = self.input.schema();
        let groups: Vec<_> =
            self.group_columns.iter().map(|&index| schema.field(index).name().as_str()).collect();
        write!(f, "SeriesLimitExec: group=[{}], {:?}", groups.join(", "), self.limits)
    }
}

impl ExecutionPlan for SeriesLimitExec {
    fn name(&self) -> &str {
        "SeriesLimitExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn input_distribution_requirements(&self) -> InputDistributionRequirements {
        InputDistributionRequirements::new(vec![Distribution::SinglePartition])
    }

    fn required_input_ordering(&self) -> Vec<Option<OrderingRequirements>> {
        let order = series_order(&self.input.schema(), &self.group_columns, None, self.limits.descending);
        vec![order.map(OrderingRequirements::from)]
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
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let input = only_input(self.name(), children)?;
        Ok(Arc::new(Self::try_new(input, self.group_columns.clone(), self.limits)?))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        check_only_partition(self.name(), partition)?;
        let state = SeriesLimitStream {
            input: Some(self.input.execute(0, context)?),
            group_columns: self.group_columns.clone(),
            limits: self.limits,
            metrics: BaselineMetrics::new(&self.metrics, partition),
            last: None,
            series: 0,
            row: 0,
        };
        Ok(stream_of(self.schema(), state))
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
struct SeriesLimitStream {
    /// `None` once no further row can be kept.
    input: Option<SendableRecordBatchStream>,
    group_columns: Vec<usize>,
    limits: SeriesLimits,
    metrics: BaselineMetrics,
    /// A row of the current series.
    last: Option<Source>,
    /// Number of the current series.
    series: usize,
    /// Number of its next row.
    row: usize,
}

impl Batches for SeriesLimitStream {
    async fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            let Some(input) = &mut self.input else { return Ok(None) };
            let Some(batch) = input.next().await.transpose()? else { return Ok(None) };
            let elapsed = self.metrics.elapsed_compute().clone();
            let _timer = elapsed.timer();
            let batch = Arc::new(batch);
            let kept = self.kept(&batch)?;
            if self.is_complete() {
                // Dropping the stream stops what produces it.
                self.input = None;
            }
            if let Some(batch) = rows_of(&batch, &kept)? {
                self.metrics.output_rows().add(batch.num_rows());
                return Ok(Some(batch));
            }
        }
    }
}

impl SeriesLimitStream {
    /// The ranges of rows that are kept, none of them empty.
    fn kept(&mut self, batch: &Arc<RecordBatch>) -> Result<Vec<Range<usize>>> {
        let mut kept: Vec<Range<usize>> = Vec::new();
        for range in group_ranges(&self.group_columns, batch)? {
            let first = Source { batch: Arc::clone(batch), row: range.start };
            if self.last.as_ref().is_some_and(|last| !same_group(&self.group_columns, last, &first)) {
                self.series += 1;
                self.row = 0;
            }
            self.last = Some(first);
            if self.limits.series().contains(&self.series) {
                let rows = self.limits.rows();
                let start = range.start + rows.start.saturating_sub(self.row).min(range.len());
                let end = range.start + rows.end.saturating_sub(self.row).min(range.len());
                match kept.last_mut() {
                    Some(last) if last.end == start && start < end => last.end = end,
                    _ if start < end => kept.push(start..end),
                    _ => {}
                }
            }
            self.row += range.len();
        }
        Ok(kept)
    }

    /// Whether no row to come can be kept.
    fn is_complete(&self) -> bool {
        let series = self.limits.series();
        let rows = self.limits.rows();
        let series_done = self.last.is_some() && self.row >= rows.end;
        // The current series is the last one where there is nothing to tell series apart.
        let last_series = self.group_columns.is_empty() || self.series.saturating_add(1) >= series.end;
        rows.is_empty() || series.is_empty() || self.series >= series.end || (series_done && last_series)
    }
}

/// Those rows as a batch; `None` if there are none.
fn rows_of(batch: &RecordBatch, ranges: &[Range<usize>]) -> Result<Option<RecordBatch>> {
    Ok(match ranges {
        [] => None,
        [range] => Some(batch.slice(range.start, range.len())),
        ranges => {
            let too_many = |_| DataFusionError::Internal("a batch of more than 2^32 rows".into());
            let rows = ranges.iter().flat_map(Clone::clone).map(u32::try_from);
            let rows = rows.collect::<std::result::Result<Vec<u32>, _>>().map_err(too_many)?;
            Some(take_record_batch(batch, &UInt32Array::from(rows))?)
        }
    })
}
