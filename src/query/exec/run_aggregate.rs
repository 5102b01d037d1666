//! Partial aggregation of rows that come in runs of one group.
//!
//! Rows of a series lie together, in order of time, so that tags and the time bucket stay the same over long runs:
//!
//! ```text
//! hostname time   usage       run  hostname bucket group        hostname bucket sum count
//! a        00:00  1      →    1    a        00:00  0       →    a        00:00  3   2
//! a        00:10  2                                             a        01:00  5   1
//! a        01:00  5           2    a        01:00  1            b        00:00  7   1
//! b        00:00  7           3    b        00:00  2
//! ```
//!
//! DataFusion's hash aggregation hashes every row's group; here a row is only compared with the one before it, and
//! the start of a bucket is computed once per bucket. The same accumulators are fed, and the same partial states come out, in the
//! schema of the [`AggregateExec`] that this node replaces: the final aggregation stays as it is. Rows need no
//! order; without runs it is only slower.
//!
//! Not for grouping sets, filters, `DISTINCT` or ordered aggregates; see
//! [`RunAggregateRule`](super::run_aggregate_rule::RunAggregateRule). Groups come out in the order of their first
//! rows, so that an order of groups that the input has is kept.

use super::accumulate::{Fed, RunAccumulators, can_accumulate};
use super::node::{Batches, stream_of};
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::common::Statistics;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode};
use datafusion::physical_plan::execution_plan::{
    CardinalityEffect, ChildrenPropertiesMode, EmissionType, ReplaceChildrenOptions,
};
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::statistics::StatisticsArgs;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, InputDistributionRequirements, PlanProperties,
};
use futures::StreamExt;
use std::fmt;
use std::sync::Arc;

/// Groups that are held at most; past that all are put out and forgotten. A group that comes again makes a second
/// partial state, which the final aggregation merges. With some 100 bytes a group this is a few megabytes,
/// about what stays in a processor's cache.
pub const GROUPS_MAX: usize = 65_536;

/// The node; see the module.
#[derive(Clone, Debug)]
pub struct RunAggregateExec {
    /// What this node stands for: its expressions, schema, and input.
    aggregate: Arc<AggregateExec>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
    groups_max: usize,
}

impl RunAggregateExec {
    /// Stands in for `aggregate`, if it can.
    #[must_use]
    pub fn replacing(aggregate: &AggregateExec) -> Option<Self> {
        let group_by = aggregate.group_expr();
        let groups_apart =
            group_by.is_single() && !group_by.has_grouping_set() && !group_by.expr().is_empty();
        let plain = aggregate.filter_expr().iter().all(Option::is_none)
            && aggregate.limit_options().is_none()
            && aggregate.aggr_expr().iter().all(|expr| can_accumulate(expr));
        if *aggregate.mode() != AggregateMode::Partial || !groups_apart || !plain {
            return None;
        }
        let properties = aggregate.properties().as_ref().clone().with_emission_type(EmissionType::Both);
        Some(Self {
            aggregate: Arc::new(aggregate.clone()),
            properties: Arc::new(properties),
            metrics: ExecutionPlanMetricsSet::new(),
            groups_max: GROUPS_MAX,
        })
    }

    /// The same with another bound of groups.
    #[must_use]
    pub fn with_groups_max(mut self, groups_max: usize) -> Self {
        self.groups_max = groups_max.max(1);
        self
    }

    /// The node that this one stands for.
    #[must_use]
    pub fn aggregate(&self) -> &AggregateExec {
        &self.aggregate
    }
}

impl DisplayAs for RunAggregateExec {
    fn fmt_as(&self, format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RunAggregateExec: ")?;
        self.aggregate.fmt_as(format, f)
    }
}

impl ExecutionPlan for RunAggregateExec {
    fn name(&self) -> &str {
        "RunAggregateExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        self.aggregate.children()
    }

    fn input_distribution_requirements(&self) -> InputDistributionRequirements {
        self.aggregate.input_distribution_requirements()
    }

    /// Rows that are dealt out to more partitions come in no certain order, and what floats add up to depends on it.
    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        self.aggregate.maintains_input_order()
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        self.aggregate.apply_expressions(f)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let aggregate: Arc<dyn ExecutionPlan> = Arc::clone(&self.aggregate) as _;
        let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
        let aggregate = aggregate.replace_children(children, options)?;
        let replaced = aggregate.downcast_ref::<AggregateExec>().and_then(Self::replacing);
        let wrong = || DataFusionError::Internal("RunAggregateExec cannot stand over its new input".into());
        Ok(Arc::new(replaced.ok_or_else(wrong)?.with_groups_max(self.groups_max)))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let reservation =
            MemoryConsumer::new(format!("RunAggregateExec[{partition}]")).register(context.memory_pool());
        let metrics = BaselineMetrics::new(&self.metrics, partition);
        let row_count_max = context.session_config().batch_size();
        let input = self.aggregate.input().execute(partition, context)?;
        let (group_by, aggregates) = (self.aggregate.group_expr(), self.aggregate.aggr_expr());
        let schema = self.aggregate.input().schema();
        let state = RunAggregateStream {
            schema: self.schema(),
            input: Some(input),
            accumulators: RunAccumulators::try_new(Fed::Rows, group_by, aggregates, &schema)?,
            groups_max: self.groups_max,
            row_count_max,
            reservation,
            metrics,
            emitting: None,
        };
        Ok(stream_of(self.schema(), state))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn statistics_from_inputs(
        &self,
        input_stats: &[Arc<Statistics>],
        args: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        self.aggregate.statistics_from_inputs(input_stats, args)
    }

    fn cardinality_effect(&self) -> CardinalityEffect {
        CardinalityEffect::LowerEqual
    }
}

/// The state of one execution.
pub(super) struct RunAggregateStream {
    /// Of the partial states.
    pub(super) schema: SchemaRef,
    /// `None` once it has ended.
    pub(super) input: Option<SendableRecordBatchStream>,
    pub(super) accumulators: RunAccumulators,
    pub(super) groups_max: usize,
    pub(super) row_count_max: usize,
    pub(super) reservation: MemoryReservation,
    pub(super) metrics: BaselineMetrics,
    /// Partial states on their way out, and how many of their rows are.
    pub(super) emitting: Option<(RecordBatch, usize)>,
}

impl Batches for RunAggregateStream {
    async fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        let elapsed = self.metrics.elapsed_compute().clone();
        loop {
            if let Some(batch) = self.next_slice() {
                self.metrics.output_rows().add(batch.num_rows());
                return Ok(Some(batch));
            }
            let Some(input) = &mut self.input else { return Ok(None) };
            match input.next().await.transpose()? {
                Some(batch) => {
                    let _timer = elapsed.timer();
                    self.accumulators.take_in(&batch)?;
                    // Nothing is lost by putting states out early, so memory that is refused is no error.
                    let refused = self.reservation.try_resize(self.accumulators.size()).is_err();
                    if refused || self.accumulators.group_count() > self.groups_max {
                        self.put_out()?;
                    }
                }
                None => {
                    let _timer = elapsed.timer();
                    self.input = None;
                    self.put_out()?;
                }
            }
        }
    }
}

impl RunAggregateStream {
    /// The next rows of the states that are on their way out.
    fn next_slice(&mut self) -> Option<RecordBatch> {
        let (batch, done) = self.emitting.as_mut()?;
        let rows = self.row_count_max.min(batch.num_rows() - *done);
        if rows == 0 {
            self.emitting = None;
            return None;
        }
        let slice = batch.slice(*done, rows);
        *done += rows;
        Some(slice)
    }

    /// Makes partial states of all groups, and forgets the groups.
    pub(super) fn put_out(&mut self) -> Result<()> {
        if self.accumulators.group_count() == 0 {
            return Ok(());
        }
        let columns = self.accumulators.take_states()?;
        self.emitting = Some((RecordBatch::try_new(self.schema.clone(), columns)?, 0));
        self.reservation.try_resize(self.accumulators.size())
    }
}
