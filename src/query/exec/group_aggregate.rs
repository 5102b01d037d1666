//! One row for each group that has a point: aggregates, a condition on them, columns made of them, and an order, in one logical node.
//!
//! ```text
//! rows of a scan                groups: host, bucket of time · mean(value) as mean
//! host time  value              having mean is not null · columns host, window, mean · by host, window
//! b    00:00 7           →      host window mean
//! a    00:00 1                  a    00:00  1.5
//! a    00:10 2                  b    00:00  7
//! a    01:00 null
//! ```
//!
//! The same could be said by four nodes of DataFusion, and where there may be many groups in several partitions it is planned as those.
//! Small queries have one partition. For them one node does it all, [`GroupAggregateExec`]: making and running
//! DataFusion's took half the time of such a query. It also puts together what several partitions make of few groups:
//!
//! ```text
//! rows in one partition ────────────────────────────────────────────────▶ GroupAggregateExec
//! rows in several, few groups    ─▶ RunAggregateExec ───────────────────▶ GroupAggregateExec
//! rows in several, maybe many    ─▶ AggregateExec ─▶ (Repartition) ─▶ AggregateExec ─▶ FilterExec ─▶ ProjectionExec ─▶ SortExec
//! ```

use super::accumulate::{Fed, can_accumulate};
use super::group_aggregate_exec::GroupAggregateExec;
use super::run_aggregate::RunAggregateExec;
use super::run_aggregate_rule::comes_in_series;
use arrow::compute::SortOptions;
use arrow::datatypes::SchemaRef;
use datafusion::catalog::Session;
use datafusion::common::{DFSchema, DFSchemaRef};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::expr::physical_name;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan, SortExpr, UserDefinedLogicalNodeCore};
use datafusion::physical_expr::aggregate::{AggregateFunctionExpr, LoweredAggregateBuilder};
use datafusion::physical_expr::projection::ProjectionExpr;
use datafusion::physical_expr::{LexOrdering, PhysicalExpr, PhysicalSortExpr, create_physical_expr};
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode, PhysicalGroupBy};
use datafusion::physical_plan::filter::FilterExecBuilder;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

/// What is made of the rows of `input`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GroupAggregateParts {
    /// Rows that agree in these belong together.
    pub groups: Vec<Expr>,
    /// The aggregates of each group, under names of their own. At least one.
    pub aggregates: Vec<Expr>,
    /// Which groups are kept, by columns of `groups` and `aggregates`. One without rows is never kept.
    pub having: Expr,
    /// The columns of the result, made of the same.
    pub columns: Vec<Expr>,
    /// The order of the result, by columns of it.
    pub order: Vec<SortExpr>,
    /// About how many groups there are at most, where that is known. More do no harm.
    pub groups_max: Option<u64>,
}

/// Groups that one thread puts together while several aggregate rows.
const MERGED_GROUPS_MAX: u64 = 8_192;

/// The logical node; see the module.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GroupAggregate {
    input: LogicalPlan,
    parts: GroupAggregateParts,
    /// The columns of groups and aggregates.
    grouped: DFSchemaRef,
    schema: DFSchemaRef,
}

impl GroupAggregate {
    /// Aggregates rows of `input`.
    ///
    /// # Errors
    /// When an expression does not fit what it is computed of.
    pub fn try_new(input: LogicalPlan, parts: GroupAggregateParts) -> Result<Self> {
        let grouped = schema_of(parts.groups.iter().chain(&parts.aggregates), input.schema())?;
        let schema = schema_of(&parts.columns, &grouped)?;
        Ok(Self { input, parts, grouped, schema })
    }

    /// The physical nodes over `input`, which is what this node's input was planned as.
    pub(super) fn plan(
        &self,
        input: Arc<dyn ExecutionPlan>,
        session: &dyn Session,
        context: &PhysicalPlanningContext,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let steps = self.steps(&input, session, context)?;
        let can_accumulate = steps.aggregates.iter().all(|aggregate| can_accumulate(aggregate));
        if can_accumulate && comes_in_series(&input) {
            if input.output_partitioning().partition_count() == 1 {
                return Ok(Arc::new(GroupAggregateExec::new(input, Fed::Rows, steps)));
            }
            if self.parts.groups_max.is_some_and(|groups| groups <= MERGED_GROUPS_MAX)
                && let Some(partial) = RunAggregateExec::replacing(&steps.partial(Arc::clone(&input))?)
            {
                return Ok(Arc::new(GroupAggregateExec::new(Arc::new(partial), Fed::States, steps)));
            }
        }
        let config = session.config();
        let can_spread =
            !steps.group_by.is_empty() && config.target_partitions() > 1 && config.repartition_aggregations();
        let mode = if can_spread { AggregateMode::FinalPartitioned } else { AggregateMode::Final };
        let partial = Arc::new(steps.partial(input)?);
        steps.after(partial, mode, config.batch_size())
    }

    fn steps(
        &self,
        input: &Arc<dyn ExecutionPlan>,
        session: &dyn Session,
        context: &PhysicalPlanningContext,
    ) -> Result<Steps> {
        let (parts, properties) = (&self.parts, session.execution_props());
        let physical =
            |expr: &Expr, schema: &DFSchema| create_physical_expr(expr, schema, properties, context);
        let (rows, input_schema) = (self.input.schema(), input.schema());
        let group = |expr: &Expr| Ok((physical(expr, rows)?, physical_name(expr)?));
        let groups = parts.groups.iter().map(group).collect::<Result<Vec<_>>>()?;
        let aggregate = |expr: &Expr| -> Result<Arc<AggregateFunctionExpr>> {
            let builder = LoweredAggregateBuilder::new(expr, rows, &input_schema, properties, context);
            Ok(builder.build()?.aggregate)
        };
        let column = |expr: &Expr| -> Result<ProjectionExpr> {
            Ok(ProjectionExpr { expr: physical(expr, &self.grouped)?, alias: physical_name(expr)? })
        };
        let sort = |sort: &SortExpr| -> Result<PhysicalSortExpr> {
            let options = SortOptions { descending: !sort.asc, nulls_first: sort.nulls_first };
            Ok(PhysicalSortExpr { expr: physical(&sort.expr, &self.schema)?, options })
        };
        let order = parts.order.iter().map(sort).collect::<Result<Vec<_>>>()?;
        Ok(Steps {
            group_by: match groups.is_empty() {
                true => PhysicalGroupBy::new(Vec::new(), Vec::new(), Vec::new(), false),
                false => PhysicalGroupBy::new_single(groups),
            },
            aggregates: parts.aggregates.iter().map(aggregate).collect::<Result<_>>()?,
            having: physical(&parts.having, &self.grouped)?,
            columns: parts.columns.iter().map(column).collect::<Result<_>>()?,
            order: LexOrdering::new(order),
            grouped: Arc::clone(self.grouped.inner()),
            schema: Arc::clone(self.schema.inner()),
        })
    }
}

/// The columns that `exprs` make of rows of `input`.
fn schema_of<'a>(exprs: impl IntoIterator<Item = &'a Expr>, input: &DFSchema) -> Result<DFSchemaRef> {
    let fields = exprs.into_iter().map(|expr| expr.to_field(input)).collect::<Result<_>>()?;
    Ok(Arc::new(DFSchema::new_with_metadata(fields, input.metadata().clone())?))
}

/// [`GroupAggregateParts`] as physical expressions.
#[derive(Debug)]
pub(super) struct Steps {
    pub(super) group_by: PhysicalGroupBy,
    pub(super) aggregates: Vec<Arc<AggregateFunctionExpr>>,
    pub(super) having: Arc<dyn PhysicalExpr>,
    pub(super) columns: Vec<ProjectionExpr>,
    pub(super) order: Option<LexOrdering>,
    /// The columns of groups and aggregates.
    pub(super) grouped: SchemaRef,
    pub(super) schema: SchemaRef,
}

impl Steps {
    /// The first of DataFusion's nodes: partial states of rows.
    pub(super) fn partial(&self, input: Arc<dyn ExecutionPlan>) -> Result<AggregateExec> {
        let schema = input.schema();
        let group_by = self.group_by.clone();
        self.aggregation(AggregateMode::Partial, group_by, input, schema)
    }

    /// The others: what `mode` and the rest make of partial states.
    pub(super) fn after(
        &self,
        partial: Arc<dyn ExecutionPlan>,
        mode: AggregateMode,
        batch_rows: usize,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = match partial.downcast_ref::<AggregateExec>() {
            Some(partial) => partial.input_schema(),
            None => partial.schema(),
        };
        let grouped = self.aggregation(mode, self.group_by.as_final(), partial, schema)?;
        let having = FilterExecBuilder::new(Arc::clone(&self.having), Arc::new(grouped));
        let kept = having.with_batch_size(batch_rows).build()?;
        let columns = ProjectionExec::try_new(self.columns.iter().cloned(), Arc::new(kept))?;
        Ok(match &self.order {
            Some(order) => Arc::new(SortExec::new(order.clone(), Arc::new(columns))),
            None => Arc::new(columns),
        })
    }

    fn aggregation(
        &self,
        mode: AggregateMode,
        group_by: PhysicalGroupBy,
        input: Arc<dyn ExecutionPlan>,
        input_schema: SchemaRef,
    ) -> Result<AggregateExec> {
        let filters = vec![None; self.aggregates.len()];
        AggregateExec::try_new(mode, group_by, self.aggregates.clone(), filters, input, input_schema)
    }
}

impl PartialOrd for GroupAggregate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        (self == other).then_some(Ordering::Equal)
    }
}

impl UserDefinedLogicalNodeCore for GroupAggregate {
    fn name(&self) -> &str {
        "GroupAggregate"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    /// Those over the input.
    fn expressions(&self) -> Vec<Expr> {
        self.parts.groups.iter().chain(&self.parts.aggregates).cloned().collect()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |exprs: &[Expr]| exprs.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let GroupAggregateParts { groups, aggregates, having, columns, order, .. } = &self.parts;
        write!(f, "GroupAggregate: groups=[{}], aggregates=[{}]", list(groups), list(aggregates))?;
        let order: Vec<String> = order.iter().map(ToString::to_string).collect();
        write!(f, ", having={having}, columns=[{}], order=[{}]", list(columns), order.join(", "))
    }

    fn with_exprs_and_inputs(&self, mut exprs: Vec<Expr>, inputs: Vec<LogicalPlan>) -> Result<Self> {
        let wrong = || DataFusionError::Internal("GroupAggregate was rewritten to something else".into());
        let input = inputs.into_iter().next().ok_or_else(wrong)?;
        if exprs.len() != self.parts.groups.len() + self.parts.aggregates.len() {
            return Err(wrong());
        }
        let aggregates = exprs.split_off(self.parts.groups.len());
        Self::try_new(input, GroupAggregateParts { groups: exprs, aggregates, ..self.parts.clone() })
    }
}
