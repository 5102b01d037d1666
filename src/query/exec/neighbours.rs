//! Functions of neighbouring points: `derivative(f)`, and `derivative(mean(f))` beside `mean(f)`.
//!
//! ```text
//! rows in             difference(a), a, cumulative_sum(a); a in buckets from 10 on
//! host time a         host time difference a    cumulative_sum
//! a    0    1         a    10   3          4    4
//! a    10   4    →    a    20   null       null null     there are rows for all buckets
//! a    20   null      a    30   -2         2    6
//! a    30   2         b    10   null       7    7
//! b    10   7
//! ```
//!
//! In: rows sorted by (group columns, time, other columns of the order), one partition. Null is what is not known: functions
//! do not see it. Out: the group columns, the time and one column per call, sorted by (group columns, time). Each call makes
//! rows of its own series by series; those of one time share a row, several of one time and one call get several rows, in the
//! order in which they were made: the first of one call beside the first of another.
//!
//! A call without a function hands its values on. It also makes rows for nulls where [`NeighbourOptions::hands_nulls_on`]
//! says so, in series in which it has a value at all.
//!
//! Rows stream. What waits are results that a function gives away only at the end of a window or series, those of other
//! calls that come after them, and nulls until it is known that they make rows.

use super::contiguous::series_order;
use super::neighbours_stream::NeighboursStream;
use super::node::{check_only_partition, only_input, stream_of};
use crate::model::value::FieldType;
use crate::query::functions::window::WindowFunction;
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

/// One call, over an input column of type `C`: a name in a logical plan, an index in a physical one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NeighbourCall<C> {
    /// The name of the column of results.
    pub name: String,
    /// The column of values.
    pub input: C,
    /// The functions, innermost first; none for the value itself.
    pub functions: Vec<WindowFunction>,
    /// The time from which on, in the order of rows, values count.
    pub from_ns: Option<i64>,
}

/// What holds for all calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct NeighbourOptions {
    /// Whether rows come, and go, latest first.
    pub descending: bool,
    /// Whether a call without a function makes rows for nulls.
    pub hands_nulls_on: bool,
    /// Whether it makes none for those before its first value in a series.
    pub begins_with_value: bool,
    /// Whether a cell without a result repeats the one above it in its series: `fill(previous)`.
    pub repeats: bool,
    /// How many results of each call and series are left out.
    pub offset: usize,
    /// How many come after those; `None` for all.
    pub limit: Option<usize>,
}

/// The columns of the input that have a meaning of their own.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NeighbourOrder<C> {
    /// What tells series apart.
    pub group_columns: Vec<C>,
    /// The time.
    pub time_column: C,
    /// By what rows of one series and time are sorted.
    pub other_columns: Vec<C>,
}

/// The logical node; see the module.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Neighbours {
    input: LogicalPlan,
    order: NeighbourOrder<Column>,
    calls: Vec<NeighbourCall<Column>>,
    options: NeighbourOptions,
    schema: DFSchemaRef,
}

impl Neighbours {
    /// Computes `calls` over the rows of `input`.
    ///
    /// # Errors
    ///
    /// When a column is not part of the input, or of a type that its function does not take.
    pub fn try_new(
        input: LogicalPlan,
        order: NeighbourOrder<Column>,
        calls: Vec<NeighbourCall<Column>>,
        options: NeighbourOptions,
    ) -> Result<Self> {
        let given = input.schema();
        let mut fields = Vec::new();
        for column in order.group_columns.iter().chain([&order.time_column]) {
            let (qualifier, field) = given.qualified_field(given.index_of_column(column)?);
            fields.push((qualifier.cloned(), Arc::clone(field)));
        }
        for call in &calls {
            let argument = given.field(given.index_of_column(&call.input)?).data_type();
            fields.push((None, Arc::new(result_field(call, argument)?)));
        }
        let schema = Arc::new(DFSchema::new_with_metadata(fields, given.metadata().clone())?);
        Ok(Self { input, order, calls, options, schema })
    }

    /// The physical node over `input`, which is what this node's input was planned as.
    pub(super) fn plan(&self, input: Arc<dyn ExecutionPlan>) -> Result<NeighboursExec> {
        let schema = self.input.schema();
        let index = |column: &Column| schema.index_of_column(column);
        let indices = |columns: &[Column]| columns.iter().map(index).collect::<Result<Vec<_>>>();
        let order = NeighbourOrder {
            group_columns: indices(&self.order.group_columns)?,
            time_column: index(&self.order.time_column)?,
            other_columns: indices(&self.order.other_columns)?,
        };
        let calls = self.calls.iter().map(|call| {
            Ok(NeighbourCall {
                name: call.name.clone(),
                input: index(&call.input)?,
                functions: call.functions.clone(),
                from_ns: call.from_ns,
            })
        });
        NeighboursExec::try_new(input, order, calls.collect::<Result<_>>()?, self.options)
    }
}

/// The column of a call's results over values of that type.
fn result_field<C>(call: &NeighbourCall<C>, argument: &DataType) -> Result<Field> {
    let mut ty = field_type(argument)?;
    for function in &call.functions {
        if !function.takes(ty) {
            return Err(DataFusionError::Internal(format!("{function:?} of {ty}")));
        }
        ty = function.result_type(ty);
    }
    Ok(Field::new(&call.name, ty.data_type(), true))
}

/// The type of values in a column.
pub(super) fn field_type(data_type: &DataType) -> Result<FieldType> {
    Ok(match data_type {
        DataType::Float64 => FieldType::Float,
        DataType::Int64 => FieldType::Integer,
        DataType::UInt64 => FieldType::Unsigned,
        DataType::Utf8 => FieldType::String,
        DataType::Boolean => FieldType::Boolean,
        other => return Err(DataFusionError::Internal(format!("a call over a column of {other}"))),
    })
}

impl PartialOrd for Neighbours {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        (self == other).then_some(Ordering::Equal)
    }
}

impl UserDefinedLogicalNodeCore for Neighbours {
    fn name(&self) -> &str {
        "Neighbours"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        let NeighbourOrder { group_columns, time_column, other_columns } = &self.order;
        let columns = group_columns.iter().chain([time_column]).chain(other_columns);
        columns.chain(self.calls.iter().map(|call| &call.input)).cloned().map(Expr::Column).collect()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let groups: Vec<String> = self.order.group_columns.iter().map(ToString::to_string).collect();
        let calls: Vec<String> =
            self.calls.iter().map(|call| format!("{}: {:?}", call.input, call.functions)).collect();
        write!(f, "Neighbours: group=[{}], calls=[{}]", groups.join(", "), calls.join(", "))
    }

    fn with_exprs_and_inputs(&self, exprs: Vec<Expr>, inputs: Vec<LogicalPlan>) -> Result<Self> {
        let wrong = || DataFusionError::Internal("Neighbours was rewritten to something else".into());
        let mut columns = exprs.into_iter().map(|expr| match expr {
            Expr::Column(column) => Ok(column),
            _ => Err(wrong()),
        });
        let mut next = || columns.next().ok_or_else(wrong)?;
        let mut order = self.order.clone();
        for column in &mut order.group_columns {
            *column = next()?;
        }
        order.time_column = next()?;
        for column in &mut order.other_columns {
            *column = next()?;
        }
        let mut calls = self.calls.clone();
        for call in &mut calls {
            call.input = next()?;
        }
        Self::try_new(inputs.into_iter().next().ok_or_else(wrong)?, order, calls, self.options)
    }
}

/// The physical node; see the module.
#[derive(Clone, Debug)]
pub struct NeighboursExec {
    input: Arc<dyn ExecutionPlan>,
    shape: Arc<NeighboursShape>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

/// What the node is told, by column index of its input.
#[derive(Clone, Debug)]
pub(super) struct NeighboursShape {
    /// Of the output.
    pub(super) schema: SchemaRef,
    pub(super) order: NeighbourOrder<usize>,
    pub(super) calls: Vec<NeighbourCall<usize>>,
    pub(super) options: NeighbourOptions,
}

impl NeighboursExec {
    /// Computes `calls` over the rows of `input`.
    ///
    /// # Errors
    ///
    /// When a column does not exist, or is of a type that its function does not take.
    pub fn try_new(
        input: Arc<dyn ExecutionPlan>,
        order: NeighbourOrder<usize>,
        calls: Vec<NeighbourCall<usize>>,
        options: NeighbourOptions,
    ) -> Result<Self> {
        let given = input.schema();
        let all = order.group_columns.iter().chain([&order.time_column]).chain(&order.other_columns);
        if all.chain(calls.iter().map(|call| &call.input)).any(|index| *index >= given.fields().len()) {
            return Err(DataFusionError::Internal("Neighbours over columns that do not exist".into()));
        }
        if !matches!(given.field(order.time_column).data_type(), DataType::Timestamp(TimeUnit::Nanosecond, _))
        {
            return Err(DataFusionError::Internal("Neighbours over times that are not nanoseconds".into()));
        }
        let mut fields = Vec::new();
        for &index in order.group_columns.iter().chain([&order.time_column]) {
            fields.push(given.field(index).clone());
        }
        for call in &calls {
            fields.push(result_field(call, given.field(call.input).data_type())?);
        }
        let schema = Arc::new(Schema::new_with_metadata(fields, given.metadata().clone()));
        let group_columns: Vec<_> = (0..order.group_columns.len()).collect();
        let ordering = series_order(&schema, &group_columns, [group_columns.len()], options.descending);
        let properties = PlanProperties::new(
            EquivalenceProperties::new_with_orderings(Arc::clone(&schema), ordering),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        )
        .with_scheduling_type(SchedulingType::Cooperative);
        Ok(Self {
            input,
            shape: Arc::new(NeighboursShape { schema, order, calls, options }),
            properties: Arc::new(properties),
            metrics: ExecutionPlanMetricsSet::new(),
        })
    }
}

impl DisplayAs for NeighboursExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let schema = self.input.schema();
        let name = |index: usize| schema.field(index).name().clone();
        let groups: Vec<_> = self.shape.order.group_columns.iter().map(|&index| name(index)).collect();
        let calls: Vec<_> = self
            .shape
            .calls
            .iter()
            .map(|call| format!("{}: {:?}", name(call.input), call.functions))
            .collect();
        write!(f, "NeighboursExec: group=[{}], calls=[{}]", groups.join(", "), calls.join(", "))
    }
}

impl ExecutionPlan for NeighboursExec {
    fn name(&self) -> &str {
        "NeighboursExec"
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
        let NeighbourOrder { group_columns, time_column, other_columns } = &self.shape.order;
        let others = std::iter::once(*time_column).chain(other_columns.iter().copied());
        let descending = self.shape.options.descending;
        let order = series_order(&self.input.schema(), group_columns, others, descending);
        vec![order.map(OrderingRequirements::from)]
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        // The columns of the order have other places in the output.
        vec![false]
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
        let NeighboursShape { order, calls, options, .. } = self.shape.as_ref().clone();
        Ok(Arc::new(Self::try_new(input, order, calls, options)?))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        check_only_partition(self.name(), partition)?;
        let reservation = MemoryConsumer::new("NeighboursExec").register(context.memory_pool());
        let metrics = BaselineMetrics::new(&self.metrics, partition);
        let row_count_max = context.session_config().batch_size();
        let input = self.input.execute(0, context)?;
        let shape = Arc::clone(&self.shape);
        let state = NeighboursStream::new(shape, input, reservation, metrics, row_count_max);
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
