//! Accumulators of groups, fed with rows that come in runs of one group.
//!
//! In: batches of rows, or of partial states. Out: the values of the groups' columns, and per aggregate its partial states or its
//! results, one row for each group, in the order of their first rows.

use super::groups::{GroupColumn, Groups};
use crate::query::functions::scalar::bucket;
use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::Schema;
use datafusion::error::Result;
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};
use datafusion::physical_expr::aggregate::AggregateFunctionExpr;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{PhysicalExpr, ScalarFunctionExpr};
use datafusion::physical_plan::aggregates::PhysicalGroupBy;
use std::sync::Arc;

/// What accumulators are fed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fed {
    /// The rows to aggregate.
    Rows,
    /// What [`RunAccumulators::take_states`] makes of parts of them.
    States,
}

/// The accumulators; see the module.
pub(super) struct RunAccumulators {
    fed: Fed,
    group_exprs: Vec<Arc<dyn PhysicalExpr>>,
    groups: Groups,
    /// Per row of the current batch; kept for its memory.
    group_indices: Vec<usize>,
    aggregates: Vec<Aggregate>,
}

/// One aggregate and what it is fed.
struct Aggregate {
    accumulator: Box<dyn GroupsAccumulator>,
    arguments: Vec<Arc<dyn PhysicalExpr>>,
}

/// Whether an aggregate has an accumulator for many groups that takes rows as they come.
pub(super) fn can_accumulate(expr: &AggregateFunctionExpr) -> bool {
    !expr.is_distinct() && expr.order_bys().is_empty() && expr.groups_accumulator_supported()
}

impl RunAccumulators {
    /// For batches of `schema`. Of the grouping only its expressions count; each of `aggregates` [`can_accumulate`].
    pub(super) fn try_new(
        fed: Fed,
        group_by: &PhysicalGroupBy,
        aggregates: &[Arc<AggregateFunctionExpr>],
        schema: &Schema,
    ) -> Result<Self> {
        let group_exprs = match fed {
            Fed::Rows => group_by.input_exprs(),
            Fed::States => group_by.output_exprs(),
        };
        let columns = group_exprs.iter().map(|expr| group_column(expr, schema));
        let (columns, group_exprs): (_, Vec<_>) = columns.collect::<Result<Vec<_>>>()?.into_iter().unzip();
        let mut state_columns = schema.fields().iter().enumerate().skip(group_exprs.len());
        let mut aggregate = |expr: &Arc<AggregateFunctionExpr>| -> Result<Aggregate> {
            let accumulator = expr.create_groups_accumulator()?;
            let arguments = match fed {
                Fed::Rows => expr.expressions(),
                Fed::States => {
                    let columns = state_columns.by_ref().take(expr.state_fields()?.len());
                    columns.map(|(i, field)| Arc::new(Column::new(field.name(), i)) as _).collect()
                }
            };
            Ok(Aggregate { accumulator, arguments })
        };
        let aggregates = aggregates.iter().map(&mut aggregate).collect::<Result<_>>()?;
        Ok(Self {
            fed,
            group_exprs,
            groups: Groups::try_new(columns)?,
            group_indices: Vec::new(),
            aggregates,
        })
    }

    /// Feeds the accumulators with a batch.
    pub(super) fn take_in(&mut self, batch: &RecordBatch) -> Result<()> {
        let row_count = batch.num_rows();
        let evaluate = |expr: &Arc<dyn PhysicalExpr>| expr.evaluate(batch)?.into_array(row_count);
        let group_values = self.group_exprs.iter().map(evaluate).collect::<Result<Vec<ArrayRef>>>()?;
        self.groups.assign(&group_values, row_count, &mut self.group_indices)?;
        for aggregate in &mut self.aggregates {
            let values = aggregate.arguments.iter().map(evaluate).collect::<Result<Vec<ArrayRef>>>()?;
            let count = self.groups.count();
            match self.fed {
                Fed::Rows => {
                    aggregate.accumulator.update_batch(&values, &self.group_indices, None, count)?;
                }
                Fed::States => aggregate.accumulator.merge_batch(&values, &self.group_indices, count)?,
            }
        }
        Ok(())
    }

    /// Number of groups.
    pub(super) fn group_count(&self) -> usize {
        self.groups.count()
    }

    /// The groups and their partial states, which are forgotten.
    pub(super) fn take_states(&mut self) -> Result<Vec<ArrayRef>> {
        let mut columns = self.groups.take_values()?;
        for aggregate in &mut self.aggregates {
            columns.extend(aggregate.accumulator.state(EmitTo::All)?);
        }
        Ok(columns)
    }

    /// The groups and their results, which are forgotten.
    pub(super) fn take_results(&mut self) -> Result<Vec<ArrayRef>> {
        let mut columns = self.groups.take_values()?;
        for aggregate in &mut self.aggregates {
            columns.push(aggregate.accumulator.evaluate(EmitTo::All)?);
        }
        Ok(columns)
    }

    /// Bytes held.
    pub(super) fn size(&self) -> usize {
        let accumulators: usize = self.aggregates.iter().map(|aggregate| aggregate.accumulator.size()).sum();
        self.groups.size() + accumulators + self.group_indices.capacity() * size_of::<usize>()
    }
}

/// A column of the groups, and the expression to evaluate for it: of a bucket only its time.
fn group_column(
    expr: &Arc<dyn PhysicalExpr>,
    schema: &Schema,
) -> Result<(GroupColumn, Arc<dyn PhysicalExpr>)> {
    let data_type = expr.data_type(schema)?;
    let function = expr.downcast_ref::<ScalarFunctionExpr>();
    let bucket = function.and_then(|function| bucket::of_call(function.fun(), function.args()));
    Ok(match bucket {
        Some((time, buckets)) => (GroupColumn::Bucket(buckets, data_type), time),
        None => (GroupColumn::Value(data_type), Arc::clone(expr)),
    })
}
