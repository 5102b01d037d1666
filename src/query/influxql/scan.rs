//! The lowest part of a query's plan: the rows of one measurement that WHERE leaves, with the columns that the query needs.
//!
//! In: the query and one of its measurements. Out: an [`Input`], which says by which expression of the plan each tag and field
//! is had. A single table is scanned without a projection on top, so that the columns keep their stored names and filters on them
//! reach the provider; several tables or subqueries of one name become a union of projections to common
//! names. A subquery's rows are made an [`Input`] too (`inner_rows`).

use super::columns::{SCAN_NAME, TableColumns, null_of, plain, text_literal, time_literal};
use super::error::Result;
use super::finish::in_order;
use super::inner_rows::inner_rows;
use super::ir::{Measurement, Part, Query, Ref};
use super::lower::is_null;
use super::predicate::{Predicate, Scope, predicate};
use super::time_range::TimeBounds;
use super::types::Type;
use crate::model::database::TableInfo;
use crate::model::schema::Column;
use crate::query::scan::{RunEnd, RunRows};
use crate::query::tables::Tables;

use datafusion::catalog::TableProvider;
use datafusion::common::{ScalarValue, TableReference};
use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::utils::{conjunction, split_conjunction_owned};
use datafusion::logical_expr::{
    BinaryExpr, Expr, Filter, LogicalPlan, Operator, Projection, SortExpr, TableProviderFilterPushDown,
    TableScanBuilder, Union,
};
use std::collections::HashSet;
use std::sync::Arc;

/// Rows and how to name them.
#[derive(Clone, Debug)]
pub(super) struct Input {
    /// The plan that yields the rows.
    pub plan: LogicalPlan,
    /// The time.
    pub time: Expr,
    /// The series key.
    pub series: Expr,
    /// `query.group_tags` in order: `Utf8View`, null where missing.
    pub group_tags: Vec<Expr>,
    /// The references asked for, in order, each of its type; a null literal where the table has no such column.
    pub refs: Vec<Expr>,
    /// The column that orders rows of one series and time, if there is one.
    pub place: Option<Expr>,
    /// The order of rows within a series of the result, for raw queries. Valid only if time and series were wanted.
    pub order: Vec<SortExpr>,
    /// Whether rows count whose values are all null, as rows of subqueries do.
    pub has_rows_of_nulls: bool,
    /// Whether series count as read in ascending order whatever the order of the statement is, as those of a subquery that
    /// aggregates do.
    pub reads_ascending: bool,
}

/// Which columns besides the group tags a query needs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    /// Fields and tags.
    pub refs: &'a [Ref],
    /// The time.
    pub has_time: bool,
    /// The series key.
    pub has_series: bool,
    /// The rows.
    pub rows: RowsWanted<'a>,
}

/// Which of the rows that meet the condition a query needs.
#[derive(Clone, Copy, Debug)]
pub(super) enum RowsWanted<'a> {
    /// All.
    All,
    /// Those with a value in one of the fields among the references, and of each series only the given ones, if any are
    /// given. Ignored for subqueries, which give all rows.
    WithField(Option<&'a RunRows>),
    /// Of each series, the rows with the first or the last value of each of the first references. Ignored for subqueries,
    /// which give all rows.
    Outermost(&'a [RunEnd]),
}

/// The rows of a measurement that WHERE leaves, or `None` when there are clearly none. Expressions of the [`Input`] that
/// were not wanted must not be used: their columns are not read.
pub(super) fn scan(
    query: &Query,
    measurement: &Measurement,
    wanted: Wanted<'_>,
    tables: &dyn Tables,
) -> Result<Option<Input>> {
    let mut inputs = Vec::with_capacity(measurement.parts.len());
    for part in &measurement.parts {
        let table = match part {
            Part::Table(table) => table,
            Part::Subquery { subquery, measurement } => {
                inputs.extend(inner_rows(query, subquery, *measurement, wanted, tables)?);
                continue;
            }
        };
        let provider = tables.provider(table.id)?;
        let columns = TableColumns { table, schema: provider.schema() };
        let condition = match &query.condition {
            Some(condition) => predicate(condition, &query.names, &columns, Scope::Rows)?,
            None => Predicate::Constant(true),
        };
        let mut condition = within(&columns, query.bounds).and(condition);
        let values = wanted.refs.iter().map(|r| columns.value(r).unwrap_or_else(|| null_of(r.ty)));
        let refs: Vec<_> = values.collect();
        let mut run_rows = None;
        match wanted.rows {
            RowsWanted::All => {}
            RowsWanted::WithField(rows) => {
                condition = condition.and(has_field(table, wanted.refs, &refs));
                run_rows = rows.cloned();
            }
            RowsWanted::Outermost(ends) => run_rows = outermost(&refs, ends),
        }
        if condition == Predicate::Constant(false) {
            continue;
        }
        let group_tags =
            query.group_tags.iter().map(|tag| columns.tag(tag).unwrap_or_else(|| null_of(Type::Tag)));
        let (time, series) = (columns.time(), columns.series());
        let group_tags: Vec<_> = group_tags.collect();
        let needed = used(&time, &series, &group_tags, &refs, wanted);
        let plan = scan_table(&columns, Scanned { provider, run_rows, tables }, needed, condition)?;
        let order = vec![in_order(query, &time), in_order(query, &series)];
        inputs.push(Input {
            plan,
            time,
            series,
            group_tags,
            refs,
            place: None,
            order,
            has_rows_of_nulls: false,
            reads_ascending: false,
        });
    }
    match inputs.len() {
        0 | 1 => Ok(inputs.pop()),
        _ => union(query, inputs, wanted).map(Some),
    }
}

/// The condition that a row has a value in one of these fields. Every row of a table has one in some field.
fn has_field(table: &TableInfo, refs: &[Ref], values: &[Expr]) -> Predicate {
    let fields = refs.iter().zip(values).filter(|(reference, _)| reference.ty.is_field());
    let is_selected = |field: &Column| {
        let own_type = field.field_type().map(Type::from);
        fields.clone().any(|(reference, _)| reference.name == field.name && Some(reference.ty) == own_type)
    };
    match any_not_null(fields.clone().map(|(_, value)| value)) {
        None => Predicate::Constant(false),
        Some(_) if table.schema.fields().all(is_selected) => Predicate::Constant(true),
        Some(condition) => Predicate::Rows(condition),
    }
}

/// The rows with the outermost values of the first of `refs`. `None` when one of these is not a plain column: a computed
/// value may be null where its field is not.
fn outermost(refs: &[Expr], ends: &[RunEnd]) -> Option<RunRows> {
    let fields = refs.iter().zip(ends).filter(|(value, _)| !is_null(value));
    let field = |(value, end): (&Expr, &RunEnd)| Some((value.try_as_col()?.name.as_str().into(), *end));
    fields.map(field).collect::<Option<_>>().map(RunRows::WithValue)
}

/// A table's provider, and what may be asked of it besides the condition.
pub(super) struct Scanned<'a> {
    /// The provider.
    pub provider: Arc<dyn TableProvider>,
    /// The rows of each series that are needed, where not all are.
    pub run_rows: Option<RunRows>,
    /// Where the provider comes from.
    pub tables: &'a dyn Tables,
}

/// The rows of a table that meet the condition, with the columns that `needed` and the condition mention.
pub(super) fn scan_table<'a>(
    columns: &TableColumns<'_>,
    scanned: Scanned<'_>,
    needed: impl IntoIterator<Item = &'a Expr>,
    condition: Predicate,
) -> Result<LogicalPlan> {
    let Scanned { mut provider, run_rows, tables } = scanned;
    let (filters, remaining) = match condition {
        Predicate::Constant(_) => (Vec::new(), None),
        Predicate::Rows(condition) => pushed_down(condition, provider.as_ref())?,
    };
    if let (Some(rows), None) = (run_rows, &remaining) {
        provider = tables.of_runs(provider, rows);
    }
    let mut names = HashSet::new();
    for expr in needed {
        names.extend(expr.column_refs().into_iter().map(|column| column.name.as_str()));
    }
    let of_condition: HashSet<_> = remaining.iter().flat_map(|expr| expr.column_refs()).collect();
    let is_needed =
        |name: &str| names.contains(name) || of_condition.iter().any(|column| column.name == name);
    let fields = columns.schema.fields().iter().enumerate();
    let projection = fields.filter(|(_, field)| is_needed(field.name())).map(|(i, _)| i).collect();
    let scan = TableScanBuilder::new(TableReference::bare(SCAN_NAME), provider_as_source(provider))
        .with_projection(Some(projection))
        .with_filters(filters);
    let plan = LogicalPlan::TableScan(scan.build()?);
    Ok(match remaining {
        Some(condition) => LogicalPlan::Filter(Filter::try_new(condition, Arc::new(plan))?),
        None => plan,
    })
}

/// The parts of a condition that go to the provider, and the condition that is left for the rows it yields. (An optimiser
/// rule of DataFusion does the same, but takes longer than all other planning.)
fn pushed_down(condition: Expr, provider: &dyn TableProvider) -> Result<(Vec<Expr>, Option<Expr>)> {
    let parts = split_conjunction_owned(condition);
    let support = provider.supports_filters_pushdown(&parts.iter().collect::<Vec<_>>())?;
    let (mut pushed, mut remaining) = (Vec::new(), Vec::new());
    for (part, support) in parts.into_iter().zip(support) {
        if support != TableProviderFilterPushDown::Exact {
            remaining.push(part.clone());
        }
        if support != TableProviderFilterPushDown::Unsupported {
            pushed.push(part);
        }
    }
    Ok((pushed, conjunction(remaining)))
}

/// The condition that the time lies within the bounds.
#[must_use]
pub(super) fn within(columns: &TableColumns<'_>, bounds: TimeBounds) -> Predicate {
    let compare = |op, bound: Option<i64>| match bound {
        Some(bound) => {
            let time = Box::new(columns.time());
            Predicate::Rows(Expr::BinaryExpr(BinaryExpr::new(time, op, Box::new(time_literal(bound)))))
        }
        None => Predicate::Constant(true),
    };
    if let (Some(min_ns), Some(max_ns)) = (bounds.min_ns, bounds.max_ns)
        && min_ns > max_ns
    {
        return Predicate::Constant(false);
    }
    compare(Operator::GtEq, bounds.min_ns).and(compare(Operator::LtEq, bounds.max_ns))
}

impl Input {
    /// The same rows with columns of fixed names.
    pub(super) fn renamed(self, wanted: Wanted<'_>) -> Result<Self> {
        let names = (wanted.has_time.then(|| "time".to_owned()).into_iter())
            .chain(wanted.has_series.then(|| "series".to_owned()))
            .chain((0..self.group_tags.len()).map(|i| format!("tag_{i}")))
            .chain((0..self.refs.len()).map(|i| format!("value_{i}")))
            .chain(self.place.iter().map(|_| "place".to_owned()));
        let exprs = used(&self.time, &self.series, &self.group_tags, &self.refs, wanted)
            .chain(&self.place)
            .zip(names)
            .map(|(expr, name)| expr.clone().alias(name))
            .collect();
        Ok(Self {
            plan: LogicalPlan::Projection(Projection::try_new(exprs, Arc::new(self.plan))?),
            time: plain("time"),
            series: plain("series"),
            group_tags: (0..self.group_tags.len()).map(|i| plain(&format!("tag_{i}"))).collect(),
            refs: (0..self.refs.len()).map(|i| plain(&format!("value_{i}"))).collect(),
            place: self.place.map(|_| plain("place")),
            order: Vec::new(),
            has_rows_of_nulls: self.has_rows_of_nulls,
            reads_ascending: self.reads_ascending,
        })
    }

    /// Only the rows that `condition` holds for.
    pub(super) fn filter(mut self, condition: Option<Expr>) -> Result<Self> {
        if let Some(condition) = condition {
            self.plan = LogicalPlan::Filter(Filter::try_new(condition, Arc::new(self.plan))?);
        }
        Ok(self)
    }
}

/// The expressions of an input that may be used.
fn used<'a>(
    time: &'a Expr,
    series: &'a Expr,
    group_tags: &'a [Expr],
    refs: &'a [Expr],
    wanted: Wanted<'_>,
) -> impl Iterator<Item = &'a Expr> {
    let time = wanted.has_time.then_some(time);
    let series = wanted.has_series.then_some(series);
    time.into_iter().chain(series).chain(group_tags).chain(refs)
}

fn union(query: &Query, inputs: Vec<Input>, wanted: Wanted<'_>) -> Result<Input> {
    // Beside a subquery, rows of one time come in the order of FROM.
    let is_of_subquery = |part: &Part| matches!(part, Part::Subquery { .. });
    let has_subquery = query.measurements.iter().flat_map(|m| &m.parts).any(is_of_subquery);
    let place = |number: usize| Expr::Literal(ScalarValue::from(number as i64), None);
    let inputs = inputs
        .into_iter()
        .enumerate()
        .map(|(number, input)| Input { place: has_subquery.then(|| place(number)), ..input }.renamed(wanted));
    let mut renamed = inputs.collect::<Result<Vec<_>>>()?;
    let plans = renamed.iter().map(|input| Arc::new(input.plan.clone())).collect();
    let mut first = renamed.remove(0);
    first.plan = LogicalPlan::Union(Union::try_new_with_loose_types(plans)?);
    first.order = vec![in_order(query, &first.time)];
    first.order.extend(first.place.take().map(|place| in_order(query, &place)));
    first.order.push(in_order(query, &first.series));
    first.has_rows_of_nulls &= renamed.iter().all(|input| input.has_rows_of_nulls);
    first.reads_ascending &= renamed.iter().all(|input| input.reads_ascending);
    Ok(first)
}

/// The condition that one of these is not null, `None` when all are null literals.
#[must_use]
pub(super) fn any_not_null<'a>(values: impl IntoIterator<Item = &'a Expr>) -> Option<Expr> {
    values
        .into_iter()
        .filter(|value| !matches!(value, Expr::Literal(..)))
        .map(|value| Expr::IsNotNull(Box::new(value.clone())))
        .reduce(|l, r| Expr::BinaryExpr(BinaryExpr::new(Box::new(l), Operator::Or, Box::new(r))))
}

/// The measurement's name as a column.
#[must_use]
pub(super) fn measurement_literal(measurement: &Measurement) -> Expr {
    text_literal(&measurement.name)
}
