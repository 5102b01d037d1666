//! `fill(…)`: a row for every bucket of every group, and values for the cells without one.
//!
//! ```text
//! rows in             buckets 0 … 40 of 10, mean: linear, count: as count
//! host time mean count      host time mean count
//! a    10   1    1          a    0    null 0
//! a    30   5    2     →    a    10   1    1
//! b    20   7    null       a    20   3    0
//!                           a    30   5    2
//!                           a    40   null 0
//!                           b    0    null null     b has no count at all
//!                           b    10   null null
//!                           b    20   7    null     … and so on
//! ```
//!
//! In: rows sorted by (group columns, time), time being the start of a bucket, at most one row per group and bucket, one
//! partition. Null is what is not known, so a count of 0 must come as null. Out: the same columns in the same order, those
//! that are filled nullable. A group without rows gets none.
//!
//! Rows stream. What is buffered are rows that cannot be decided yet: with [`FillMode::Linear`] from a column's last
//! known value on, with [`FillMode::ValueWhereAny`] until each such column of the group has shown a value; in descending
//! order without a lower bound also from its last one on.
//!
//! Not applied, by the planner, for `fill(none)`: there is nothing to do.

use super::contiguous::series_order;
use super::fill::{FillMode, FillRange};
use super::gap_fill_stream::GapFillStream;
use super::node::{check_only_partition, only_input, stream_of};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Column, DFSchema, DFSchemaRef, Statistics};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::memory_pool::MemoryConsumer;
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

/// The logical node; see the module.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GapFill {
    input: LogicalPlan,
    group_columns: Vec<Column>,
    time_column: Column,
    fills: Vec<(Column, FillMode)>,
    range: FillRange,
    schema: DFSchemaRef,
}

impl GapFill {
    /// Fills gaps of `input`. `fills` says how, column by column; a column that is missing there and is
    /// neither of the group nor the time gets null.
    ///
    /// # Errors
    ///
    /// When a column is not part of the input, or the range holds more buckets than it may.
    pub fn try_new(
        input: LogicalPlan,
        group_columns: Vec<Column>,
        time_column: Column,
        fills: Vec<(Column, FillMode)>,
        range: FillRange,
    ) -> Result<Self> {
        range.check().map_err(DataFusionError::ResourcesExhausted)?;
        let schema = input.schema();
        let mut given = Vec::new();
        for column in group_columns.iter().chain([&time_column]) {
            given.push(schema.index_of_column(column)?);
        }
        for (column, _) in &fills {
            schema.index_of_column(column)?;
        }
        let fields = schema.iter().enumerate().map(|(index, (qualifier, field))| {
            let nullable = field.is_nullable() || !given.contains(&index);
            (qualifier.cloned(), Arc::new(field.as_ref().clone().with_nullable(nullable)))
        });
        let schema = DFSchema::new_with_metadata(fields.collect(), schema.metadata().clone())?;
        Ok(Self { input, group_columns, time_column, fills, range, schema: Arc::new(schema) })
    }

    /// The physical node over `input`, which is what this node's input was planned as.
    pub(super) fn plan(&self, input: Arc<dyn ExecutionPlan>) -> Result<GapFillExec> {
        let schema = self.input.schema();
        let group_columns = self.group_columns.iter().map(|column| schema.index_of_column(column));
        let mut fills = vec![FillMode::Null; schema.fields().len()];
        for (column, mode) in &self.fills {
            fills[schema.index_of_column(column)?] = mode.clone();
        }
        let time_column = schema.index_of_column(&self.time_column)?;
        GapFillExec::try_new(input, group_columns.collect::<Result<_>>()?, time_column, fills, self.range)
    }
}

impl PartialOrd for GapFill {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        (self == other).then_some(Ordering::Equal)
    }
}

impl UserDefinedLogicalNodeCore for GapFill {
    fn name(&self) -> &str {
        "GapFill"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        self.group_columns.iter().chain([&self.time_column]).cloned().map(Expr::Column).collect()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let groups: Vec<String> = self.group_columns.iter().map(ToString::to_string).collect();
        let fills: Vec<String> =
            self.fills.iter().map(|(column, mode)| format!("{column}: {mode:?}")).collect();
        write!(f, "GapFill: group=[{}], fill=[{}]", groups.join(", "), fills.join(", "))
    }

    fn with_exprs_and_inputs(&self, exprs: Vec<Expr>, inputs: Vec<LogicalPlan>) -> Result<Self> {
        let wrong = || DataFusionError::Internal("GapFill was rewritten to something else".into());
        let columns = exprs.into_iter().map(|expr| match expr {
            Expr::Column(column) => Ok(column),
            _ => Err(wrong()),
        });
        let mut group_columns = columns.collect::<Result<Vec<_>>>()?;
        let time_column = group_columns.pop().ok_or_else(wrong)?;
        let input = inputs.into_iter().next().ok_or_else(wrong)?;
        Self::try_new(input, group_columns, time_column, self.fills.clone(), self.range)
    }
}

/// The physical node; see the module.
#[derive(Clone, Debug)]
pub struct GapFillExec {
    input: Arc<dyn ExecutionPlan>,
    shape: Arc<GapFillShape>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

/// What a gap fill is told, by column index.
#[derive(Clone, Debug)]
pub(super) struct GapFillShape {
    pub(super) schema: SchemaRef,
    pub(super) group_columns: Vec<usize>,
    pub(super) time_column: usize,
    /// Per column; means nothing for group columns and time.
    pub(super) fills: Vec<FillMode>,
    pub(super) range: FillRange,
}

impl GapFillShape {
    /// The columns that are filled.
    pub(super) fn filled(&self) -> impl Iterator<Item = usize> {
        (0..self.fills.len())
            .filter(|index| *index != self.time_column && !self.group_columns.contains(index))
    }

    /// Whether rows are made for buckets without one.
    pub(super) fn makes_rows(&self) -> bool {
        self.filled().any(|index| self.fills[index] != FillMode::None)
    }
}

impl GapFillExec {
    /// Fills gaps of `input`. `fills` has one entry per column of the input; those of group columns and time
    /// are ignored.
    ///
    /// # Errors
    ///
    /// When columns do not exist, or a fill value is not of its column's type.
    pub fn try_new(
        input: Arc<dyn ExecutionPlan>,
        group_columns: Vec<usize>,
        time_column: usize,
        fills: Vec<FillMode>,
        range: FillRange,
    ) -> Result<Self> {
        let schema = input.schema();
        let width = schema.fields().len();
        if fills.len() != width || group_columns.iter().chain([&time_column]).any(|index| *index >= width) {
            return Err(DataFusionError::Internal("GapFill over columns that do not exist".into()));
        }
        if !matches!(schema.field(time_column).data_type(), DataType::Timestamp(TimeUnit::Nanosecond, _)) {
            return Err(DataFusionError::Internal("GapFill over times that are not nanoseconds".into()));
        }
        let fields = schema.fields().iter().enumerate().map(|(index, field)| -> Field {
            let given = index == time_column || group_columns.contains(&index);
            field.as_ref().clone().with_nullable(field.is_nullable() || !given)
        });
        let fields: Vec<Field> = fields.collect();
        for (field, fill) in fields.iter().zip(&fills) {
            let found = match fill {
                FillMode::Value(value) | FillMode::ValueWhereAny(value) => value.data_type(),
                _ => continue,
            };
            if found != *field.data_type() {
                return Err(DataFusionError::Internal(format!("{} filled with {found}", field.name())));
            }
        }
        let schema = Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()));
        let order = series_order(&schema, &group_columns, Some(time_column), range.descending);
        let properties = PlanProperties::new(
            EquivalenceProperties::new_with_orderings(Arc::clone(&schema), order),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        )
        .with_scheduling_type(SchedulingType::Cooperative);
        let shape = GapFillShape { schema, group_columns, time_column, fills, range };
        Ok(Self {
            input,
            shape: Arc::new(shape),
            properties: Arc::new(properties),
            metrics: ExecutionPlanMetricsSet::new(),
        })
    }
}

impl DisplayAs for GapFillExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |index: usize| self.shape.schema.field(index).name();
        let groups: Vec<_> = self.shape.group_columns.iter().map(|&index| name(index).as_str()).collect();
        let fills: Vec<_> = self
            .shape
            .filled()
            .map(|index| format!("{}: {:?}", name(index), self.shape.fills[index]))
            .collect();
        write!(f, "GapFillExec: group=[{}], fill=[{}]", groups.join(", "), fills.join(", "))
    }
}

impl ExecutionPlan for GapFillExec {
    fn name(&self) -> &str {
        "GapFillExec"
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
        let shape = &self.shape;
        let time = Some(shape.time_column);
        let order = series_order(&self.input.schema(), &shape.group_columns, time, shape.range.descending);
        vec![order.map(OrderingRequirements::from)]
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
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
        let shape = &self.shape;
        let groups = shape.group_columns.clone();
        Ok(Arc::new(Self::try_new(input, groups, shape.time_column, shape.fills.clone(), shape.range)?))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        check_only_partition(self.name(), partition)?;
        let reservation = MemoryConsumer::new("GapFillExec").register(context.memory_pool());
        let metrics = BaselineMetrics::new(&self.metrics, partition);
        let row_count_max = context.session_config().batch_size();
        let input = self.input.execute(0, context)?;
        let shape = Arc::clone(&self.shape);
        let state = GapFillStream::new(shape, input, reservation, metrics, row_count_max)?;
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
