//! [`GroupAggregate`](super::group_aggregate::GroupAggregate) over one partition of rows, or over partial states, in one step.
//!
//! All groups are kept until the rows have ended; then comes one batch, in order. Should they grow to more than [`GROUPS_MAX`]
//! or more than there is memory for, what is left is done as in several partitions, by nodes of DataFusion that can spill:
//!
//! ```text
//! input ─▶ accumulators ─▶ results ─▶ having ─▶ columns ─▶ order
//!               └─ too many ─▶ partial states ─▶ AggregateExec ─▶ FilterExec ─▶ ProjectionExec ─▶ SortExec
//! ```
//!
//! Partial states come from several partitions, which are all at work at once. They are taken in in the order of the partitions,
//! whichever is done first: what floats add up to depends on the order in which they are added.

use super::accumulate::{Fed, RunAccumulators};
use super::group_aggregate::Steps;
use super::node::{Batches, check_only_partition, only_input, stream_of};
use super::run_aggregate::{GROUPS_MAX, RunAggregateStream};
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::common::Statistics;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{Distribution, EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::aggregates::AggregateMode;
use datafusion::physical_plan::common::spawn_buffered;
use datafusion::physical_plan::execution_plan::{
    Boundedness, CardinalityEffect, EmissionType, SchedulingType,
};
use datafusion::physical_plan::filter::batch_filter;
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::sorts::sort::sort_batch;
use datafusion::physical_plan::statistics::StatisticsArgs;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, InputDistributionRequirements,
    Partitioning, PlanProperties, execute_stream,
};
use futures::StreamExt;
use parking_lot::Mutex;
use std::fmt;
use std::sync::Arc;

/// Batches of partial states of one partition that wait until those of the partitions before it have been taken in. Few groups fill one;
/// with more, a partition waits.
const BATCHES_WAITING_MAX: usize = 2;

/// The node; see the module.
#[derive(Clone, Debug)]
pub struct GroupAggregateExec {
    input: Arc<dyn ExecutionPlan>,
    fed: Fed,
    steps: Arc<Steps>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
    groups_max: usize,
}

impl GroupAggregateExec {
    /// Over `input`, which has one partition if it has rows.
    pub(super) fn new(input: Arc<dyn ExecutionPlan>, fed: Fed, steps: Steps) -> Self {
        let equivalences =
            EquivalenceProperties::new_with_orderings(Arc::clone(&steps.schema), steps.order.clone());
        let properties = PlanProperties::new(
            equivalences,
            Partitioning::UnknownPartitioning(1),
            EmissionType::Final,
            Boundedness::Bounded,
        )
        .with_scheduling_type(SchedulingType::Cooperative);
        Self {
            input,
            fed,
            steps: Arc::new(steps),
            properties: Arc::new(properties),
            metrics: ExecutionPlanMetricsSet::new(),
            groups_max: GROUPS_MAX,
        }
    }

    /// The same with another bound of groups that are kept.
    #[must_use]
    pub fn with_groups_max(mut self, groups_max: usize) -> Self {
        self.groups_max = groups_max;
        self
    }
}

impl GroupAggregateExec {
    /// The partitions of the input one after the other, while all of them are at work.
    fn partitions_in_order(&self, context: &Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let partition_count = self.input.output_partitioning().partition_count();
        if partition_count == 1 {
            return self.input.execute(0, Arc::clone(context));
        }
        let at_work = |partition: usize| -> Result<SendableRecordBatchStream> {
            let batches = self.input.execute(partition, Arc::clone(context))?;
            Ok(spawn_buffered(batches, BATCHES_WAITING_MAX))
        };
        let partitions = (0..partition_count).map(at_work).collect::<Result<Vec<_>>>()?;
        let batches = futures::stream::iter(partitions).flatten();
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.input.schema(), batches)))
    }
}

impl DisplayAs for GroupAggregateExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let groups = self.steps.group_by.expr().iter().map(|(expr, name)| format!("{expr} as {name}"));
        let aggregates = self.steps.aggregates.iter().map(|aggregate| aggregate.name());
        let groups = groups.collect::<Vec<_>>().join(", ");
        let aggregates = aggregates.collect::<Vec<_>>().join(", ");
        write!(f, "GroupAggregateExec: groups=[{groups}], aggregates=[{aggregates}]")?;
        self.steps.order.iter().try_for_each(|order| write!(f, ", order=[{order}]"))
    }
}

impl ExecutionPlan for GroupAggregateExec {
    fn name(&self) -> &str {
        "GroupAggregateExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn input_distribution_requirements(&self) -> InputDistributionRequirements {
        InputDistributionRequirements::new(vec![match self.fed {
            Fed::Rows => Distribution::SinglePartition,
            Fed::States => Distribution::UnspecifiedDistribution,
        }])
    }

    /// Partial states that were dealt out anew would come in no certain order.
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
        Ok(Arc::new(Self { input, metrics: ExecutionPlanMetricsSet::new(), ..self.as_ref().clone() }))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        check_only_partition(self.name(), partition)?;
        let steps = Arc::clone(&self.steps);
        let (group_by, aggregates, schema) = (&steps.group_by, &steps.aggregates, self.input.schema());
        let reading = Reading {
            plan: Arc::clone(&self.input),
            input: self.partitions_in_order(&context)?,
            accumulators: RunAccumulators::try_new(self.fed, group_by, aggregates, &schema)?,
            reservation: MemoryConsumer::new("GroupAggregateExec").register(context.memory_pool()),
        };
        let state = GroupAggregateStream {
            fed: self.fed,
            steps,
            groups_max: self.groups_max,
            state: State::Reading(Box::new(reading)),
            metrics: BaselineMetrics::new(&self.metrics, partition),
            context,
        };
        Ok(stream_of(self.schema(), state))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn statistics_from_inputs(
        &self,
        _input_stats: &[Arc<Statistics>],
        _args: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        Ok(Arc::new(Statistics::new_unknown(&self.steps.schema)))
    }

    fn cardinality_effect(&self) -> CardinalityEffect {
        CardinalityEffect::LowerEqual
    }
}

/// One execution.
struct GroupAggregateStream {
    fed: Fed,
    steps: Arc<Steps>,
    context: Arc<TaskContext>,
    groups_max: usize,
    metrics: BaselineMetrics,
    state: State,
}

enum State {
    Reading(Box<Reading>),
    /// Rows on their way out, held in memory.
    Sorted(RecordBatch, MemoryReservation),
    /// What DataFusion makes of the rest.
    Handed(SendableRecordBatchStream),
    Ended,
}

struct Reading {
    /// What `input` is an execution of.
    plan: Arc<dyn ExecutionPlan>,
    input: SendableRecordBatchStream,
    accumulators: RunAccumulators,
    reservation: MemoryReservation,
}

impl Batches for GroupAggregateStream {
    async fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            match std::mem::replace(&mut self.state, State::Ended) {
                State::Ended => return Ok(None),
                State::Reading(mut reading) => {
                    let batch = reading.input.next().await.transpose()?;
                    let elapsed = self.metrics.elapsed_compute().clone();
                    let _timer = elapsed.timer();
                    self.state = match batch {
                        Some(batch) => self.take_in(reading, &batch)?,
                        None => self.finish(*reading)?,
                    };
                }
                State::Sorted(batch, reservation) => {
                    let row_count = batch.num_rows().min(self.context.session_config().batch_size());
                    if row_count == 0 {
                        return Ok(None);
                    }
                    let rest = batch.slice(row_count, batch.num_rows() - row_count);
                    self.state = State::Sorted(rest, reservation);
                    self.metrics.output_rows().add(row_count);
                    return Ok(Some(batch.slice(0, row_count)));
                }
                State::Handed(mut batches) => {
                    let batch = batches.next().await.transpose()?;
                    self.state = State::Handed(batches);
                    self.metrics.output_rows().add(batch.as_ref().map_or(0, RecordBatch::num_rows));
                    return Ok(batch);
                }
            }
        }
    }
}

impl GroupAggregateStream {
    fn take_in(&self, mut reading: Box<Reading>, batch: &RecordBatch) -> Result<State> {
        reading.accumulators.take_in(batch)?;
        let is_refused = reading.reservation.try_resize(reading.accumulators.size()).is_err();
        if is_refused || reading.accumulators.group_count() > self.groups_max {
            return self.hand_over(*reading);
        }
        Ok(State::Reading(reading))
    }

    /// The result, when all rows have been taken in.
    fn finish(&self, mut reading: Reading) -> Result<State> {
        let steps = &self.steps;
        if reading.accumulators.group_count() == 0 {
            return Ok(State::Ended);
        }
        let grouped = RecordBatch::try_new(Arc::clone(&steps.grouped), reading.accumulators.take_results()?)?;
        let kept = batch_filter(&grouped, &steps.having)?;
        let columns =
            steps.columns.iter().map(|column| column.expr.evaluate(&kept)?.into_array(kept.num_rows()));
        let batch = RecordBatch::try_new(Arc::clone(&steps.schema), columns.collect::<Result<_>>()?)?;
        let sorted = match &steps.order {
            Some(order) if batch.num_rows() > 1 => sort_batch(&batch, order, None)?,
            _ => batch,
        };
        Ok(State::Sorted(sorted, reading.reservation))
    }

    /// Leaves the groups so far and the rows to come to nodes of DataFusion.
    fn hand_over(&self, reading: Reading) -> Result<State> {
        let schema = match self.fed {
            Fed::Rows => self.steps.partial(reading.plan)?.schema(),
            Fed::States => reading.plan.schema(),
        };
        let row_count_max = self.context.session_config().batch_size();
        let mut states = RunAggregateStream {
            schema: Arc::clone(&schema),
            input: Some(reading.input),
            accumulators: reading.accumulators,
            groups_max: self.groups_max,
            row_count_max,
            reservation: reading.reservation,
            metrics: BaselineMetrics::new(&ExecutionPlanMetricsSet::new(), 0),
            emitting: None,
        };
        states.put_out()?;
        let batches = stream_of(Arc::clone(&schema), states);
        let once: Arc<dyn PartitionStream> =
            Arc::new(Once { schema: Arc::clone(&schema), batches: Mutex::new(Some(batches)) });
        let once = StreamingTableExec::try_new(schema, vec![once], None, None, false, None)?;
        let plan = self.steps.after(Arc::new(once), AggregateMode::Final, row_count_max)?;
        Ok(State::Handed(execute_stream(plan, Arc::clone(&self.context))?))
    }
}

/// A stream as the input of a plan that is executed once.
struct Once {
    schema: SchemaRef,
    batches: Mutex<Option<SendableRecordBatchStream>>,
}

impl fmt::Debug for Once {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Once").field("schema", &self.schema).finish_non_exhaustive()
    }
}

impl PartitionStream for Once {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let again = || DataFusionError::Internal("partial states were asked for twice".into());
        self.batches.lock().take().unwrap_or_else(|| {
            let error = futures::stream::once(std::future::ready(Err(again())));
            Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), error))
        })
    }
}
