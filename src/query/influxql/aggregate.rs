//! `SELECT mean(f), max(g)` and `SELECT max(f), host`: one row per series, or per series and window.
//!
//! ```text
//! Project: measurement, tags, time, columns
//!   SeriesLimit or Limit
//!     GapFill                    with GROUP BY time and unless fill(none)
//!       GroupAggregate: by tags and window, where one of the calls had a point
//!         scan
//! ```
//!
//! The time of a row is the start of its window; without windows that of a lone selector's point, else the lower bound of
//! WHERE, else the epoch.

use super::call::{Arguments, aggregate_of, aux_of, time_of, value_of};
use super::columns::{null_of, or_else, plain, time_literal};
use super::error::Result;
use super::finish::{in_order, project};
use super::function::Function;
use super::ir::{Call, Interval, Measurement, Query, Ref};
use super::limit::limit;
use super::lower::{fill_value, is_null, lower};
use super::scan::{Input, RowsWanted, Wanted, scan};
use super::ties::{Beside, Ties, needs_series, takes_ties};
use super::time_range::TimeBounds;
use super::types::Type;
use crate::query::error::QueryError;
use crate::query::exec::fill::{FillMode, FillRange};
use crate::query::exec::gap_fill::GapFill;
use crate::query::exec::group_aggregate::{GroupAggregate, GroupAggregateParts};
use crate::query::functions::scalar::bucket::{Buckets, bucket};
use crate::query::scan::RunEnd;
use crate::query::tables::Tables;
use datafusion::common::{Column, ScalarValue};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::expr::{Case, ScalarFunction};
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{BinaryExpr, Expr, Extension, LogicalPlan, Operator, SortExpr};
use influxql::ast::Fill;
use std::sync::Arc;

/// The plan for one measurement, or `None` when it has no row.
pub(super) fn plan(
    query: &Query,
    calls: &[Call],
    measurement: &Measurement,
    tables: &dyn Tables,
) -> Result<Option<LogicalPlan>> {
    Shape::new(query, calls).plan(measurement, tables)
}

/// `influx_bucket(time, …)`.
#[must_use]
pub(super) fn bucket_of(query: &Query, interval: Interval, time: Expr) -> Expr {
    let integer = |value| Expr::Literal(ScalarValue::Int64(Some(value)), None);
    let mut args = vec![time, integer(interval.every_ns), integer(interval.offset_ns)];
    args.extend(query.zone.map(|zone| Expr::Literal(ScalarValue::Utf8(Some(zone.name().to_owned())), None)));
    Expr::ScalarFunction(ScalarFunction::new_udf(bucket(), args))
}

/// About how many windows a series has at most, where the times of the query are bounded.
fn window_count(query: &Query) -> Option<u64> {
    let Some(interval) = query.interval else { return Some(1) };
    let length_ns = query.bounds.min_ns?.abs_diff(query.bounds.max_ns?);
    Some(length_ns / interval.every_ns.unsigned_abs().max(1) + 2)
}

/// The time of rows that have none of their own.
#[must_use]
pub(super) fn row_time(query: &Query) -> Expr {
    time_literal(query.bounds.min_ns.filter(|min| *min > crate::model::time::TIME_MIN_NS).unwrap_or(0))
}

/// Aggregates of a measurement, on their way to a plan.
pub(super) struct Shape<'a> {
    query: &'a Query,
    calls: &'a [Call],
    /// The arguments of the calls, then the references beside a selector.
    wanted: Vec<Ref>,
    /// Whether the one call's point gives the row its time.
    has_point_time: bool,
    /// Per call, the times whose points it sees; `None` = those of the query.
    bounds: Vec<Option<TimeBounds>>,
    /// Whether a call fills the empty windows of a series only when it has a point in some window of that series.
    fills_where_any: bool,
}

/// Rows of a [`Shape`]: the columns [`tag_name`], [`WINDOW`] with GROUP BY time, [`call_name`], one row per group, or per
/// group and window, sorted.
pub(super) struct Rows {
    /// Yields the rows.
    pub plan: LogicalPlan,
    /// The query's group tags; a null literal for one that the measurement lacks.
    pub tags: Vec<Expr>,
    /// Those that are columns.
    pub groups: Vec<Expr>,
    /// Per call what it is computed of; a null literal for one without a column.
    pub arguments: Vec<Expr>,
    /// The same for the references beside a selector.
    pub aux: Vec<Expr>,
}

impl<'a> Shape<'a> {
    fn new(query: &'a Query, calls: &'a [Call]) -> Self {
        // A tag has no values for a function, only a field.
        let arguments = calls.iter().map(|call| match call.has_values() {
            true => call.argument.clone(),
            false => Ref { ty: Type::Unknown, ..call.argument.clone() },
        });
        let is_lone_selector = matches!(calls, [call] if call.function.is_selector());
        Self {
            query,
            calls,
            wanted: arguments.chain(query.refs.iter().cloned()).collect(),
            has_point_time: is_lone_selector && query.interval.is_none(),
            bounds: vec![None; calls.len()],
            fills_where_any: false,
        }
    }

    /// For functions of neighbouring windows, each of which is computed independently of the others. `bounds` narrow the
    /// times of single calls; `None` = those of the query.
    pub(super) fn for_neighbours(
        query: &'a Query,
        calls: &'a [Call],
        bounds: Vec<Option<TimeBounds>>,
    ) -> Self {
        let fills_where_any = calls.len() > 1;
        Self { has_point_time: false, bounds, fills_where_any, ..Self::new(query, calls) }
    }

    fn plan(&self, measurement: &Measurement, tables: &dyn Tables) -> Result<Option<LogicalPlan>> {
        let query = self.query;
        let Some(rows) = self.rows(measurement, tables)? else { return Ok(None) };
        let plan = limit(query, rows.plan, &rows.groups)?;
        let time = match query.interval {
            Some(_) => plain(WINDOW),
            None if self.has_point_time => plain(POINT_TIME),
            None => row_time(query),
        };
        let values = self.filled((0..self.calls.len()).map(call_name), &rows.arguments, self.filled_types());
        let refs =
            self.filled((0..rows.aux.len()).map(aux_name), &rows.aux, query.refs.iter().map(|r| Some(r.ty)));
        let columns = query.columns.iter().map(|column| lower(&column.value, &refs, &values));
        project(query, measurement, plan, &rows.tags, time, columns.collect::<Result<_>>()?).map(Some)
    }

    /// The rows of one measurement before limits, or `None` when there are none.
    pub(super) fn rows(&self, measurement: &Measurement, tables: &dyn Tables) -> Result<Option<Rows>> {
        let query = self.query;
        let uses_time = |call: &Call| {
            call.function.is_selector() || matches!(call.function, Function::Mode | Function::Stddev)
        };
        let ends = self.ends();
        let wanted = Wanted {
            refs: &self.wanted,
            has_time: query.interval.is_some() || self.calls.iter().any(uses_time),
            has_series: self.needs_series(measurement),
            rows: match &ends {
                Some(ends) => RowsWanted::Outermost(ends),
                None => RowsWanted::All,
            },
        };
        let Some(input) = scan(query, measurement, wanted, tables)? else { return Ok(None) };
        // A union of several parts has a column of nulls for what none of them knows; a literal null says so to the checks
        // below.
        let known = input.refs.iter().zip(&self.wanted).map(|(value, reference)| match reference.ty {
            Type::Unknown => null_of(Type::Unknown),
            _ => value.clone(),
        });
        let known: Vec<_> = known.collect();
        let (arguments, aux) = known.split_at(self.calls.len());
        if arguments.iter().all(is_null) {
            return Ok(None);
        }
        let arguments: Vec<_> = (arguments.iter().zip(&self.bounds))
            .map(|(value, bounds)| match bounds {
                Some(bounds) if !is_null(value) => value_within(value, &input.time, *bounds),
                _ => value.clone(),
            })
            .collect();
        let tags: Vec<_> = (input.group_tags.iter().enumerate())
            .map(|(i, tag)| if is_null(tag) { tag.clone() } else { plain(&tag_name(i)) })
            .collect();
        let groups: Vec<_> = tags.iter().filter(|tag| !is_null(tag)).cloned().collect();
        let window: Vec<_> = query.interval.iter().map(|_| plain(WINDOW)).collect();
        let order = groups.iter().chain(&window).map(|column| in_order(query, column)).collect();
        let mut plan = self.aggregate(measurement, &input, &arguments, aux, order)?;
        if let Some(interval) = query.interval.filter(|_| query.fill != Fill::None) {
            let filled = Filled { arguments: &arguments, aux };
            plan = self.fill_gaps(plan, interval, &groups, filled, tables.buckets_max())?;
        }
        Ok(Some(Rows { plan, tags, groups, arguments, aux: aux.to_vec() }))
    }

    /// Per call, the end of a series that its point lies at; `None` unless that can be said of every call.
    fn ends(&self) -> Option<Vec<RunEnd>> {
        let is_of_whole_series = self.query.interval.is_none() && self.bounds.iter().all(Option::is_none);
        let end = |call: &Call| match call.function {
            Function::First => Some(RunEnd::First),
            Function::Last => Some(RunEnd::Last),
            _ => None,
        };
        self.calls.iter().map(end).collect::<Option<_>>().filter(|_| is_of_whole_series)
    }

    /// Whether one of the calls must know the series of points.
    fn needs_series(&self, measurement: &Measurement) -> bool {
        let refs = &self.query.refs;
        let agree = |tag: &str| self.query.group_tags.iter().any(|own| **own == *tag);
        let mut calls = self.calls.iter().filter(|call| takes_ties(call.function));
        calls.any(|call| {
            let beside = Beside::of(call.function, refs, measurement);
            needs_series(refs, &beside, measurement, agree)
        })
    }

    /// Which of several points of one value and time a call takes; `None` where the answer would be the same.
    fn ties<'b>(
        &self,
        call: &Call,
        measurement: &Measurement,
        input: &'b Input,
        beside: &Beside,
    ) -> Option<Ties<'b>> {
        let query = self.query;
        let series = self.needs_series(measurement).then_some(&input.series);
        let text_count = beside.texts().len();
        let is_descending = match (call.function, query.interval) {
            // It orders points by time first, and in the direction of the statement even over a subquery.
            (Function::Percentile(_), _) => query.is_descending,
            _ if input.reads_ascending => false,
            (Function::First, None) => false,
            (Function::Last, None) => true,
            _ => query.is_descending,
        };
        let shows_order = matches!(call.function, Function::Percentile(_))
            && is_descending
            && (self.has_point_time || !query.refs.is_empty());
        let shows = takes_ties(call.function) && (series.is_some() || text_count > 0 || shows_order);
        shows.then_some(Ties { series, text_count, is_descending })
    }

    /// The types of the columns that `fill(N)` fills, one per call, also for calls without values; `None` for a call whose
    /// type follows from its argument when that has none.
    fn filled_types(&self) -> impl Iterator<Item = Option<Type>> {
        let has_number = matches!(self.query.fill, Fill::Integer(_) | Fill::Float(_));
        self.calls.iter().map(move |call| match call.result_type(call.argument.ty) {
            Type::Unknown => None,
            ty if has_number => Some(ty),
            _ => Some(call.ty()),
        })
    }

    /// Rows with the columns `tag_i`, `window`, `call_i`, `point_time`, `aux_i`, one for each group with a point.
    fn aggregate(
        &self,
        measurement: &Measurement,
        input: &Input,
        arguments: &[Expr],
        aux: &[Expr],
        order: Vec<SortExpr>,
    ) -> Result<LogicalPlan> {
        let query = self.query;
        let mut groups: Vec<_> = (input.group_tags.iter().enumerate())
            .filter(|(_, tag)| !is_null(tag))
            .map(|(i, tag)| tag.clone().alias(tag_name(i)))
            .collect();
        if let Some(interval) = query.interval {
            groups.push(bucket_of(query, interval, input.time.clone()).alias(WINDOW));
        }
        let mut columns: Vec<_> =
            groups.iter().map(|group| plain(&group.schema_name().to_string())).collect();
        let mut aggregates = Vec::new();
        let mut has_point = None;
        for (i, (call, value)) in
            self.calls.iter().zip(arguments).enumerate().filter(|(_, (_, value))| !is_null(value))
        {
            let result = plain(&result_name(i));
            let beside = Beside::of(call.function, &query.refs, measurement);
            let ties = self.ties(call, measurement, input, &beside);
            let arguments = Arguments { value, time: &input.time, aux: &beside.arguments(aux), ties };
            aggregates.push(aggregate_of(call, arguments).alias(result_name(i)));
            let present = match call.function {
                Function::Count | Function::CountDistinct => is_positive(result.clone()),
                _ => Expr::IsNotNull(Box::new(result.clone())),
            };
            has_point = Some(match has_point.take() {
                Some(before) => {
                    Expr::BinaryExpr(BinaryExpr::new(Box::new(before), Operator::Or, Box::new(present)))
                }
                None => present,
            });
            columns.push(value_of(call.function, result.clone())?.alias(call_name(i)));
            if self.has_point_time {
                columns.push(time_of(result.clone()).alias(POINT_TIME));
            }
            let aux = (0..aux.len()).map(|i| (aux_of(result.clone(), beside.argument_of(i)), aux_name(i)));
            columns.extend(aux.map(|(value, name)| value.alias(name)));
        }
        let none = || QueryError::Internal(DataFusionError::Internal("an aggregate of nothing".into()));
        let having = has_point.ok_or_else(none)?;
        let groups_max = (groups.len() == query.interval.iter().len()).then(|| window_count(query)).flatten();
        let parts = GroupAggregateParts { groups, aggregates, having, columns, order, groups_max };
        let node = GroupAggregate::try_new(input.plan.clone(), parts)?;
        Ok(LogicalPlan::Extension(Extension { node: Arc::new(node) }))
    }

    fn fill_gaps(
        &self,
        plan: LogicalPlan,
        interval: Interval,
        groups: &[Expr],
        Filled { arguments, aux }: Filled<'_>,
        buckets_max: usize,
    ) -> Result<LogicalPlan> {
        let query = self.query;
        let Some(buckets) = Buckets::new(interval.every_ns, interval.offset_ns, query.zone) else {
            return Ok(plan);
        };
        let range = FillRange {
            buckets,
            lower_ns: query.bounds.min_ns,
            upper_ns: query.bounds.max_ns.unwrap_or(crate::model::time::TIME_MAX_NS),
            descending: query.is_descending,
            buckets_max,
        };
        let mode = |ty: Type| match query.fill {
            Fill::Previous => FillMode::Previous,
            fill => match fill_value(fill, ty) {
                Some(value) if self.fills_where_any => FillMode::ValueWhereAny(value),
                Some(value) => FillMode::Value(value),
                None => FillMode::Null,
            },
        };
        let mut fills: Vec<_> = (self.calls.iter().zip(arguments).enumerate())
            .filter(|(_, (_, argument))| !is_null(argument))
            .map(|(i, (call, _))| {
                let mode = match (query.fill, call.function) {
                    (Fill::Linear, _) => FillMode::Linear,
                    (Fill::Null, Function::Count | Function::CountDistinct) => {
                        FillMode::ValueWhereAny(ScalarValue::Int64(Some(0)))
                    }
                    _ => mode(call.ty()),
                };
                (Column::new_unqualified(call_name(i)), mode)
            })
            .collect();
        let present = query.refs.iter().zip(aux).enumerate().filter(|(_, (_, aux))| !is_null(aux));
        for (i, (reference, _)) in present {
            fills.push((Column::new_unqualified(aux_name(i)), mode(reference.ty)));
        }
        let groups = groups.iter().filter_map(|group| group.try_as_col().cloned()).collect();
        let node = GapFill::try_new(plan, groups, Column::new_unqualified(WINDOW), fills, range)?;
        Ok(LogicalPlan::Extension(Extension { node: Arc::new(node) }))
    }

    /// Columns after gap filling: one that a table lacks is null, and `fill(N)` puts N into every null that is left, except
    /// where a column has no type.
    fn filled(
        &self,
        names: impl Iterator<Item = String>,
        sources: &[Expr],
        types: impl Iterator<Item = Option<Type>>,
    ) -> Vec<Expr> {
        let column = |((name, source), ty): ((String, &Expr), Option<Type>)| {
            let number = ty.and_then(|ty| fill_value(self.query.fill, ty)).map(|n| Expr::Literal(n, None));
            let ty = ty.unwrap_or(Type::Unknown);
            match (is_null(source), number) {
                (true, Some(number)) => number,
                (true, None) => null_of(ty),
                (false, Some(number)) => or_else(plain(&name), number),
                (false, None) => plain(&name),
            }
        };
        names.zip(sources).zip(types).map(column).collect()
    }
}

/// What gaps are filled in: the arguments of the calls and the columns beside a selector, null literals where a table has none.
#[derive(Clone, Copy)]
struct Filled<'a> {
    arguments: &'a [Expr],
    aux: &'a [Expr],
}

/// The column of a window's start.
pub(super) const WINDOW: &str = "window";
const POINT_TIME: &str = "point_time";

/// The column of a group tag.
pub(super) fn tag_name(index: usize) -> String {
    format!("tag_{index}")
}

fn result_name(index: usize) -> String {
    format!("result_{index}")
}

/// The column of a call.
pub(super) fn call_name(index: usize) -> String {
    format!("call_{index}")
}

fn aux_name(index: usize) -> String {
    format!("aux_{index}")
}

/// `value`, or null where the time is not within the bounds.
fn value_within(value: &Expr, time: &Expr, bounds: TimeBounds) -> Expr {
    let compare = |op, bound: Option<i64>| {
        let bound = Box::new(time_literal(bound?));
        Some(Expr::BinaryExpr(BinaryExpr::new(Box::new(time.clone()), op, bound)))
    };
    let conditions = [compare(Operator::GtEq, bounds.min_ns), compare(Operator::LtEq, bounds.max_ns)];
    let Some(condition) = conjunction(conditions.into_iter().flatten()) else { return value.clone() };
    Expr::Case(Case {
        expr: None,
        when_then_expr: vec![(Box::new(condition), Box::new(value.clone()))],
        else_expr: None,
    })
}

fn is_positive(count: Expr) -> Expr {
    let zero = Expr::Literal(ScalarValue::Int64(Some(0)), None);
    Expr::BinaryExpr(BinaryExpr::new(Box::new(count), Operator::Gt, Box::new(zero)))
}
