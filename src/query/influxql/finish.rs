//! The upper part of every plan: order, limits, and the columns of the response.
//!
//! In: rows with the time, group tags and values under some names. Out: rows in the order of the output contract
//! (group tags, time, all reversed for DESC) with the columns that [`shape`] describes.

use super::error::Result;
use super::ir::{Measurement, Query};
use super::scan::measurement_literal;
use crate::model::result::ResultShape;
use arrow::datatypes::{Field, Schema};
use datafusion::logical_expr::{Expr, LogicalPlan, Projection, Sort, SortExpr};
use std::collections::HashSet;
use std::sync::Arc;

/// The column that names the series, as InfluxDB 3 calls it.
pub const MEASUREMENT_COLUMN: &str = "iox::measurement";

/// Sorts by group tags (missing first), then by `rest`, or all reversed.
pub(super) fn sort(query: &Query, plan: LogicalPlan, group_tags: &[Expr], rest: &[Expr]) -> LogicalPlan {
    sort_by(query, plan, group_tags, rest.iter().map(|expr| in_order(query, expr)).collect())
}

/// Sorts by group tags, then by `rest` in the directions given.
pub(super) fn sort_by(
    query: &Query,
    plan: LogicalPlan,
    group_tags: &[Expr],
    rest: Vec<SortExpr>,
) -> LogicalPlan {
    let mut expr: Vec<_> = group_tags.iter().map(|tag| in_order(query, tag)).collect();
    expr.extend(rest);
    if expr.is_empty() {
        return plan;
    }
    LogicalPlan::Sort(Sort { expr, input: Arc::new(plan), fetch: None })
}

/// An expression in the query's direction.
#[must_use]
pub(super) fn in_order(query: &Query, expr: &Expr) -> SortExpr {
    SortExpr::new(expr.clone(), !query.is_descending, !query.is_descending)
}

/// The columns of the response: measurement, group tags, time, values.
pub(super) fn project(
    query: &Query,
    measurement: &Measurement,
    plan: LogicalPlan,
    group_tags: &[Expr],
    time: Expr,
    values: Vec<Expr>,
) -> Result<LogicalPlan> {
    let exprs = response_columns(query, measurement, group_tags, time, values);
    Ok(LogicalPlan::Projection(Projection::try_new(exprs.collect(), Arc::new(plan))?))
}

/// Those columns under their names.
pub(super) fn response_columns(
    query: &Query,
    measurement: &Measurement,
    group_tags: &[Expr],
    time: Expr,
    values: Vec<Expr>,
) -> impl Iterator<Item = Expr> {
    let columns = std::iter::once(measurement_literal(measurement)).chain(group_tags.to_vec());
    let columns = columns.chain([time]).chain(values).zip(plan_names(query));
    columns.map(|(expr, name)| expr.alias(name))
}

/// The names of those columns in plans and batches: as in the response, but each once.
#[must_use]
pub(super) fn plan_names(query: &Query) -> Vec<String> {
    let mut taken = HashSet::new();
    let wanted = std::iter::once(MEASUREMENT_COLUMN)
        .chain(query.group_tags.iter().map(AsRef::as_ref))
        .chain([query.time_name.as_str()])
        .chain(query.columns.iter().map(|column| column.name.as_str()));
    let mut names = Vec::new();
    for name in wanted {
        let mut free = name.to_owned();
        while !taken.insert(free.clone()) {
            free.push('\'');
        }
        names.push(free);
    }
    names
}

/// How the batches of a query's plans are to be read. `plan` is one of them.
#[must_use]
pub(super) fn shape(query: &Query, plan: &LogicalPlan) -> ResultShape {
    let fields = plan.schema().fields().iter().enumerate();
    // Plans of several measurements differ in what cannot be null.
    let fields: Vec<Field> =
        fields.map(|(i, f)| Field::new(f.name(), f.data_type().clone(), i != 0)).collect();
    let tag_count = query.group_tags.len();
    let columns = std::iter::once((Arc::from(query.time_name.as_str()), tag_count + 1)).chain(
        query.columns.iter().enumerate().map(|(i, c)| (Arc::from(c.name.as_str()), tag_count + 2 + i)),
    );
    ResultShape {
        schema: Arc::new(Schema::new(fields)),
        name: 0,
        group_tags: query.group_tags.iter().enumerate().map(|(i, tag)| (Arc::clone(tag), i + 1)).collect(),
        columns: columns.collect(),
        time_zone: query.zone,
    }
}
