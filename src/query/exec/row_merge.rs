//! Several inputs side by side: `SELECT mean(f), cumulative_sum(f)`, whose calls need plans of their own.
//!
//! ```text
//! host time mean   host time cumulative_sum        host time mean cumulative_sum
//! a    0    7      a    0    1                     a    0    7    1
//!                  a    0    3                 →   a    0    null 3
//!                  a    60   8                     a    60   null 8
//!                  b    0    2                     b    0    null 2
//! ```
//!
//! In: inputs with the same group columns and the time in front, each sorted by these and in one partition. Out: those
//! columns, then the others of each input, sorted alike. The first row of a series and time of one input shares a row
//! with the first of another, the second with the second; where an input has none there is null, or, with
//! `repeats`, what is above it in the series.
//!
//! Rows stream: of each input one batch is held, besides those that the rows of the next output come from.

use super::contiguous::series_order;
use super::node::{check_only_partition, stream_of};
use super::row_merge_stream::RowMergeStream;
use arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DFSchema, DFSchemaRef, Statistics};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, LogicalPlan, UserDefinedLogicalNodeCore};
use datafusion::physical_expr::{Distribution, EquivalenceProperties, OrderingRequirements, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType, SchedulingType};
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::statistics::StatisticsArgs;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, InputDistributionRequirements, Partitioning, PlanProperties,
};
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

/// How rows are merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RowMergeOptions {
    /// Number of group columns; the time comes after them.
    pub group_count: usize,
    /// Whether rows come, and go, latest first.
    pub descending: bool,
    /// Whether a missing cell repeats the one above it in its series: `fill(previous)`.
    pub repeats: bool,
}

/// The logical node; see the module.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RowMerge {
    inputs: Vec<LogicalPlan>,
    options: RowMergeOptions,
    schema: DFSchemaRef,
}

impl RowMerge {
    /// Merges the rows of `inputs`, of which there is at least one.
    ///
    /// # Errors
    ///
    /// When two inputs have a column of one name.
    pub fn try_new(inputs: Vec<LogicalPlan>, options: RowMergeOptions) -> Result<Self> {
        let mut fields = Vec::new();
        for (input, plan) in inputs.iter().enumerate() {
            for (index, (qualifier, field)) in plan.schema().iter().enumerate() {
                if index > options.group_count {
                    fields.push((qualifier.cloned(), Arc::new(field.as_ref().clone().with_nullable(true))));
                } else if input == 0 {
                    fields.push((qualifier.cloned(), Arc::clone(field)));
                }
            }
        }
        let schema = Arc::new(DFSchema::new_with_metadata(fields, Default::default())?);
        Ok(Self { inputs, options, schema })
    }

    /// The physical node over `inputs`, which is what this node's inputs were planned as.
    pub(super) fn plan(&self, inputs: Vec<Arc<dyn ExecutionPlan>>) -> Result<RowMergeExec> {
        RowMergeExec::try_new(inputs, self.options)
    }
}

impl PartialOrd for RowMerge {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        (self == other).then_some(Ordering::Equal)
    }
}

impl UserDefinedLogicalNodeCore for RowMerge {
    fn name(&self) -> &str {
        "RowMerge"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        self.inputs.iter().collect()
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        Vec::new()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RowMerge: {:?}", self.options)
    }

    fn with_exprs_and_inputs(&self, _exprs: Vec<Expr>, inputs: Vec<LogicalPlan>) -> Result<Self> {
        Self::try_new(inputs, self.options)
    }
}

/// The physical node; see the module.
#[derive(Clone, Debug)]
pub struct RowMergeExec {
    inputs: Vec<Arc<dyn ExecutionPlan>>,
    shape: Arc<RowMergeShape>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

/// What the node is told.
#[derive(Clone, Debug)]
pub(super) struct RowMergeShape {
    /// Of the output.
    pub(super) schema: SchemaRef,
    /// Per column after the time: the input it comes from, and its place there.
    pub(super) values: Vec<(usize, usize)>,
    pub(super) options: RowMergeOptions,
}

impl RowMergeExec {
    /// Merges the rows of `inputs`.
    ///
    /// # Errors
    ///
    /// When an input lacks the columns in front, or has others than the first one has.
    pub fn try_new(inputs: Vec<Arc<dyn ExecutionPlan>>, options: RowMergeOptions) -> Result<Self> {
        let front = 0..options.group_count + 1;
        let mut fields: Vec<Field> = Vec::new();
        let mut values = Vec::new();
        for (input, plan) in inputs.iter().enumerate() {
            let given = plan.schema();
            let types = |fields: &[Field]| -> Vec<_> {
                fields.iter().take(front.end).map(|field| field.data_type().clone()).collect()
            };
            let own: Vec<Field> = given.fields().iter().map(|field| field.as_ref().clone()).collect();
            if own.len() < front.end || (input > 0 && types(&own) != types(&fields)) {
                return Err(DataFusionError::Internal("RowMerge over series that differ".into()));
            }
            for (index, field) in own.into_iter().enumerate() {
                if !front.contains(&index) {
                    values.push((input, index));
                    fields.push(field.with_nullable(true));
                } else if input == 0 {
                    fields.push(field);
                }
            }
        }
        let schema = Arc::new(Schema::new(fields));
        let group_columns: Vec<_> = (0..options.group_count).collect();
        let order = series_order(&schema, &group_columns, [options.group_count], options.descending);
        let properties = PlanProperties::new(
            EquivalenceProperties::new_with_orderings(Arc::clone(&schema), order),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        )
        .with_scheduling_type(SchedulingType::Cooperative);
        Ok(Self {
            inputs,
            shape: Arc::new(RowMergeShape { schema, values, options }),
            properties: Arc::new(properties),
            metrics: ExecutionPlanMetricsSet::new(),
        })
    }
}

impl DisplayAs for RowMergeExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RowMergeExec: {:?}", self.shape.options)
    }
}

impl ExecutionPlan for RowMergeExec {
    fn name(&self) -> &str {
        "RowMergeExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        self.inputs.iter().collect()
    }

    fn input_distribution_requirements(&self) -> InputDistributionRequirements {
        InputDistributionRequirements::new(vec![Distribution::SinglePartition; self.inputs.len()])
    }

    fn required_input_ordering(&self) -> Vec<Option<OrderingRequirements>> {
        let RowMergeOptions { group_count, descending, .. } = self.shape.options;
        let groups: Vec<_> = (0..group_count).collect();
        let order = |input: &Arc<dyn ExecutionPlan>| {
            series_order(&input.schema(), &groups, [group_count], descending).map(OrderingRequirements::from)
        };
        self.inputs.iter().map(order).collect()
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![false; self.inputs.len()]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false; self.inputs.len()]
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
        Ok(Arc::new(Self::try_new(children, self.shape.options)?))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        check_only_partition(self.name(), partition)?;
        let metrics = BaselineMetrics::new(&self.metrics, partition);
        let row_count_max = context.session_config().batch_size();
        let inputs = self.inputs.iter().map(|input| input.execute(0, Arc::clone(&context)));
        let inputs = inputs.collect::<Result<Vec<_>>>()?;
        let state = RowMergeStream::try_new(Arc::clone(&self.shape), inputs, metrics, row_count_max)?;
        Ok(stream_of(Arc::clone(&self.shape.schema), state))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn statistics_from_inputs(
        &self,
        _input_stats: &[Arc<Statistics>],
        _args: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        Ok(Arc::new(Statistics::new_unknown(&self.shape.schema)))
    }
}
