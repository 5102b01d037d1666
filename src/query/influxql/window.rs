//! `SELECT derivative(f)`, `SELECT derivative(mean(f)), mean(f)`: values from neighbouring points or windows.
//!
//! ```text
//! Project: measurement, tags, time, columns
//!   SeriesLimit or Limit         of series
//!     RowMerge                   where calls need different plans
//!       Neighbours               functions of points
//!         Sort: tags, time, __series
//!           Project: tags, time, __series, values
//!             Filter: one of the fields has a value
//!               scan
//!       Neighbours               functions of windows, and aggregates beside them
//!         GapFill … scan         as for aggregates, some windows more at the beginning
//!       Neighbours               each call of several rows: `sample` beside others, a function of `distinct`
//!         Sort … scan            see `call_rows`
//! ```
//!
//! InfluxDB 1.x computes every call for itself and merges their rows by series and time; LIMIT and OFFSET count the rows of
//! each call. A function of windows looks at one more window before the first, so that this has a value: the scan begins
//! earlier, and calls that do not look back see nulls there.
//!
//! An integral is computed forwards even where rows come in descending order, and turned round afterwards.

use super::aggregate::{Shape, WINDOW, call_name, row_time, tag_name};
use super::call_rows::{CallRows, PLACE, VALUE, call_rows, has_several_rows};
use super::columns::{backwards, null_of, or_else, plain};
use super::error::Result;
use super::finish::{project, sort};
use super::function::Function;
use super::ir::{Call, Limits, Measurement, Query, Ref};
use super::limit::limit;
use super::lower::{fill_value, is_null, lower};
use super::scan::{RowsWanted, Wanted, any_not_null, scan};
use super::time_range::TimeBounds;
use crate::query::exec::neighbours::{NeighbourCall, NeighbourOptions, NeighbourOrder, Neighbours};
use crate::query::exec::row_merge::{RowMerge, RowMergeOptions};
use crate::query::functions::scalar::bucket::Buckets;
use crate::query::functions::window::WindowFunction;
use crate::query::tables::Tables;
use datafusion::common::Column;
use datafusion::logical_expr::{Expr, Extension, LogicalPlan, Projection};
use influxql::ast::Fill;
use std::sync::Arc;

/// The plan for one measurement, or `None` when it has no row.
pub(super) fn plan(
    query: &Query,
    calls: &[Call],
    measurement: &Measurement,
    tables: &dyn Tables,
) -> Result<Option<LogicalPlan>> {
    Window { query, calls, measurement, tables }.plan()
}

/// A query and one of its measurements.
#[derive(Clone, Copy)]
struct Window<'a> {
    query: &'a Query,
    calls: &'a [Call],
    measurement: &'a Measurement,
    tables: &'a dyn Tables,
}

/// The rows of some of the calls, with the columns [`tag_name`], [`WINDOW`] for the time and [`call_name`], numbered by the
/// place among all calls; sorted by tags and time.
struct Branch {
    plan: LogicalPlan,
    /// The query's group tags; a null literal for one that the measurement lacks.
    tags: Vec<Expr>,
    /// The calls that have a column.
    calls: Vec<usize>,
}

/// What a call is computed from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Points,
    /// Points in ascending order, although the query says descending.
    PointsForwards,
    Aggregates,
    /// The rows of the call with this number, which yields several for a series or window.
    Rows(usize),
}

impl Window<'_> {
    fn plan(&self) -> Result<Option<LogicalPlan>> {
        let query = self.query;
        let all = 0..self.calls.len();
        let kinds = [Kind::Points, Kind::PointsForwards, Kind::Aggregates];
        let indices = |kind| -> Vec<usize> {
            all.clone().filter(|i| self.calls[*i].has_values() && self.kind_of(*i) == kind).collect()
        };
        let parts: Vec<_> = kinds
            .into_iter()
            .chain(all.clone().map(Kind::Rows))
            .map(|kind| (kind, indices(kind)))
            .filter(|(_, calls)| !calls.is_empty())
            .collect();
        // With several parts, `fill(previous)` repeats values of the merged rows, so merging does it.
        let repeats = query.fill == Fill::Previous;
        let options = NeighbourOptions {
            descending: query.is_descending,
            hands_nulls_on: false,
            begins_with_value: false,
            repeats: repeats && parts.len() == 1,
            offset: count_of(query.limits.offset).unwrap_or(0),
            limit: count_of(query.limits.limit),
        };
        let mut branches = Vec::with_capacity(parts.len());
        for (kind, calls) in parts {
            branches.extend(match kind {
                Kind::Points => self.points(query, &calls, options)?,
                Kind::PointsForwards => self.points_forwards(&calls, options)?,
                Kind::Aggregates => self.aggregates(&calls, options)?,
                Kind::Rows(index) => self.rows(index, options)?,
            });
        }
        let Some(Branch { plan, tags, calls }) = merged(query, branches, repeats)? else { return Ok(None) };
        let groups: Vec<_> = tags.iter().filter(|tag| !is_null(tag)).cloned().collect();
        let limits = Limits { limit: 0, offset: 0, ..query.limits };
        let plan = limit(&Query { limits, ..query.clone() }, plan, &groups)?;
        let value = |index: usize| -> Expr {
            let call = &self.calls[index];
            // Some calls have a type even when that of their argument is unknown.
            let ty = call.result_type(call.argument.ty);
            let number = fill_value(query.fill, ty).map(|number| Expr::Literal(number, None));
            match (calls.contains(&index), number.filter(|_| ty.is_field())) {
                (true, Some(number)) => or_else(plain(&call_name(index)), number),
                (true, None) => plain(&call_name(index)),
                (false, Some(number)) => number,
                (false, None) => null_of(call.ty()),
            }
        };
        let values: Vec<_> = (0..self.calls.len()).map(value).collect();
        let columns = query.columns.iter().map(|column| lower(&column.value, &[], &values));
        let columns = columns.collect::<Result<_>>()?;
        project(query, self.measurement, plan, &tags, plain(WINDOW), columns).map(Some)
    }

    fn kind_of(&self, index: usize) -> Kind {
        let call = &self.calls[index];
        let is_integral = matches!(call.over.first(), Some(WindowFunction::Integral { .. }));
        match call.function {
            Function::Points if is_integral && self.query.is_descending => Kind::PointsForwards,
            Function::Points => Kind::Points,
            function if has_several_rows(function) => Kind::Rows(index),
            _ => Kind::Aggregates,
        }
    }

    /// Functions of points.
    fn points(&self, query: &Query, calls: &[usize], options: NeighbourOptions) -> Result<Option<Branch>> {
        let mut refs: Vec<Ref> = Vec::new();
        for index in calls {
            let argument = &self.calls[*index].argument;
            if !refs.contains(argument) {
                refs.push(argument.clone());
            }
        }
        let look_back = self.look_back(calls);
        let query = Query { bounds: looking_back(query, look_back), ..query.clone() };
        let wanted = Wanted { refs: &refs, has_time: true, has_series: true, rows: RowsWanted::All };
        let Some(input) = scan(&query, self.measurement, wanted, self.tables)? else { return Ok(None) };
        let Some(has_value) = any_not_null(&input.refs) else { return Ok(None) };
        let input = input.filter(Some(has_value))?;
        let tags = named_tags(&input.group_tags);
        let groups: Vec<_> = tags.iter().filter(|tag| !is_null(tag)).cloned().collect();
        let mut exprs: Vec<_> = (input.group_tags.iter().enumerate())
            .filter(|(_, tag)| !is_null(tag))
            .map(|(i, tag)| tag.clone().alias(tag_name(i)))
            .collect();
        exprs.extend([input.time.clone().alias(WINDOW), input.series.clone().alias(SERIES)]);
        // What a subquery yields at one time comes in the same order whatever the direction is.
        let place = input.place.clone();
        let place = place.map(|place| if query.is_descending { backwards(place) } else { place });
        let mut others = vec![SERIES];
        if let Some(place) = place {
            exprs.push(place.alias(PLACE));
            others.push(PLACE);
        }
        for (i, value) in input.refs.iter().enumerate().filter(|(_, value)| !is_null(value)) {
            exprs.push(value.clone().alias(value_name(i)));
        }
        let plan = LogicalPlan::Projection(Projection::try_new(exprs, Arc::new(input.plan))?);
        let order: Vec<_> = std::iter::once(WINDOW).chain(others.iter().copied()).map(plain).collect();
        let plan = sort(&query, plan, &groups, &order);
        let mut columns = Vec::new();
        for index in calls {
            let call = &self.calls[*index];
            let value = refs.iter().position(|known| *known == call.argument);
            let Some(value) = value.filter(|value| !is_null(&input.refs[*value])) else { continue };
            let own = looking_back(self.query, call.look_back());
            let from_ns = if self.query.is_descending { own.max_ns } else { own.min_ns };
            columns.push((*index, value_name(value), Some(call), from_ns.filter(|_| look_back > 0)));
        }
        self.neighbours(plan, tags, &others, columns, options).map(Some)
    }

    /// Functions of points that go forwards in time whatever the query says, and functions of what these yield.
    fn points_forwards(&self, calls: &[usize], options: NeighbourOptions) -> Result<Option<Branch>> {
        let split = |call: &Call| match call.over.split_first() {
            Some((first, rest)) => {
                (Call { over: vec![*first], ..call.clone() }, Call { over: rest.to_vec(), ..call.clone() })
            }
            None => (call.clone(), call.clone()),
        };
        let (inner, outer): (Vec<_>, Vec<_>) = self.calls.iter().map(split).unzip();
        let bounds = looking_back(self.query, self.look_back(calls));
        let forwards = Query { is_descending: false, bounds, ..self.query.clone() };
        let unlimited =
            NeighbourOptions { offset: 0, limit: None, repeats: false, descending: false, ..options };
        let inner = Window { query: &forwards, calls: &inner, ..*self };
        let Some(branch) = inner.points(&forwards, calls, unlimited)? else { return Ok(None) };
        let groups: Vec<_> = branch.tags.iter().filter(|tag| !is_null(tag)).cloned().collect();
        let plan = sort(self.query, branch.plan, &groups, &[plain(WINDOW)]);
        let columns =
            branch.calls.iter().map(|index| (*index, call_name(*index), Some(&outer[*index]), None));
        self.neighbours(plan, branch.tags, &[], columns.collect(), options).map(Some)
    }

    /// A call that yields several rows for a series or window, and functions of them.
    fn rows(&self, index: usize, options: NeighbourOptions) -> Result<Option<Branch>> {
        let call = &self.calls[index];
        let bounds = looking_back(self.query, call.look_back());
        let query = Query { bounds, refs: Vec::new(), ..self.query.clone() };
        let Some(CallRows { plan, tags }) = call_rows(&query, call, self.measurement, self.tables)? else {
            return Ok(None);
        };
        let columns = vec![(index, VALUE.to_owned(), Some(call), None)];
        self.neighbours(plan, tags, &[PLACE, VALUE], columns, options).map(Some)
    }

    /// Functions of windows, and aggregates.
    fn aggregates(&self, calls: &[usize], options: NeighbourOptions) -> Result<Option<Branch>> {
        let query = self.query;
        let look_back = self.look_back(calls);
        // What is aggregated once for all calls that look back as far.
        let mut inner: Vec<(Call, usize)> = Vec::new();
        let mut places = Vec::with_capacity(calls.len());
        for index in calls {
            let call = &self.calls[*index];
            let own = (Call { over: Vec::new(), ..call.clone() }, call.look_back());
            let known = inner.iter().position(|known| *known == own);
            places.push(known.unwrap_or(inner.len()));
            if known.is_none() {
                inner.push(own);
            }
        }
        let bounds = inner.iter().map(|(_, own)| (*own < look_back).then(|| looking_back(query, *own)));
        let bounds = bounds.collect();
        let aggregates: Vec<_> = inner.iter().map(|(call, _)| call.clone()).collect();
        let wider = Query { bounds: looking_back(query, look_back), refs: Vec::new(), ..query.clone() };
        let shape = Shape::for_neighbours(&wider, &aggregates, bounds);
        let Some(rows) = shape.rows(self.measurement, self.tables)? else { return Ok(None) };
        let mut plan = rows.plan;
        let has_column = |place: usize| !is_null(&rows.arguments[place]);
        if query.interval.is_none() {
            let values = (0..inner.len()).filter(|place| has_column(*place)).map(|i| plain(&call_name(i)));
            let time = row_time(query).alias(WINDOW);
            let exprs = rows.groups.iter().cloned().chain([time]).chain(values).collect();
            plan = LogicalPlan::Projection(Projection::try_new(exprs, Arc::new(plan))?);
        }
        let buckets = query.interval.and_then(|i| Buckets::new(i.every_ns, i.offset_ns, query.zone));
        let mut columns = Vec::new();
        for (index, place) in calls.iter().zip(places).filter(|(_, place)| has_column(*place)) {
            let call = &self.calls[*index];
            let own = looking_back(query, call.look_back());
            let from_ns = if query.is_descending { own.max_ns } else { own.min_ns };
            let from_ns = from_ns.filter(|_| look_back > 0).zip(buckets);
            let from_ns = from_ns.map(|(from_ns, buckets)| buckets.bucket_of(from_ns).0);
            columns.push((*index, call_name(place), Some(call), from_ns));
        }
        let hands_nulls_on = query.interval.is_some() && query.fill != Fill::None;
        // Without a first time the windows of a call begin with that of its own first point.
        let begins_with_value = query.bounds.min_ns.is_none() && !query.is_descending;
        let options = NeighbourOptions { hands_nulls_on, begins_with_value, ..options };
        self.neighbours(plan, rows.tags, &[], columns, options).map(Some)
    }

    /// The windows that are needed before the first one.
    fn look_back(&self, calls: &[usize]) -> usize {
        calls.iter().map(|index| self.calls[*index].look_back()).max().unwrap_or(0)
    }

    /// Calls over sorted rows: per call its place among all, the column of its values, the call, if it is still to be
    /// computed, and the time from which on values count.
    fn neighbours(
        &self,
        plan: LogicalPlan,
        tags: Vec<Expr>,
        other_columns: &[&str],
        columns: Vec<(usize, String, Option<&Call>, Option<i64>)>,
        options: NeighbourOptions,
    ) -> Result<Branch> {
        let calls = columns.iter().map(|(index, ..)| *index).collect();
        let order = NeighbourOrder {
            group_columns: tags.iter().filter_map(|tag| tag.try_as_col().cloned()).collect(),
            time_column: Column::new_unqualified(WINDOW),
            other_columns: other_columns.iter().map(|name| Column::new_unqualified(*name)).collect(),
        };
        let columns = columns.into_iter().map(|(index, input, call, from_ns)| NeighbourCall {
            name: call_name(index),
            input: Column::new_unqualified(input),
            functions: call.map(|call| call.over.clone()).unwrap_or_default(),
            from_ns,
        });
        let node = Neighbours::try_new(plan, order, columns.collect(), options)?;
        Ok(Branch { plan: LogicalPlan::Extension(Extension { node: Arc::new(node) }), tags, calls })
    }
}

/// All branches side by side; `None` when there is none.
fn merged(query: &Query, mut branches: Vec<Branch>, repeats: bool) -> Result<Option<Branch>> {
    if branches.len() < 2 {
        return Ok(branches.pop());
    }
    let calls = branches.iter().flat_map(|branch| branch.calls.iter().copied()).collect();
    let tags = branches[0].tags.clone();
    let options = RowMergeOptions {
        group_count: tags.iter().filter(|tag| !is_null(tag)).count(),
        descending: query.is_descending,
        repeats,
    };
    let node = RowMerge::try_new(branches.into_iter().map(|branch| branch.plan).collect(), options)?;
    Ok(Some(Branch { plan: LogicalPlan::Extension(Extension { node: Arc::new(node) }), tags, calls }))
}

/// The times of the query and of so many windows before.
fn looking_back(query: &Query, window_count: usize) -> TimeBounds {
    let TimeBounds { min_ns, max_ns } = query.bounds;
    let every_ns = query.interval.map_or(0, |interval| interval.every_ns);
    let more_ns = every_ns.saturating_mul(i64::try_from(window_count).unwrap_or(i64::MAX));
    match query.is_descending {
        false => TimeBounds { min_ns: min_ns.map(|min| min.saturating_sub(more_ns)), max_ns },
        true => TimeBounds { min_ns, max_ns: max_ns.map(|max| max.saturating_add(more_ns)) },
    }
}

fn named_tags(tags: &[Expr]) -> Vec<Expr> {
    let name = |(i, tag): (usize, &Expr)| if is_null(tag) { tag.clone() } else { plain(&tag_name(i)) };
    tags.iter().enumerate().map(name).collect()
}

/// A limit; 0 is none.
fn count_of(limit: u64) -> Option<usize> {
    (limit > 0).then(|| usize::try_from(limit).unwrap_or(usize::MAX))
}

const SERIES: &str = "series";

fn value_name(index: usize) -> String {
    format!("value_{index}")
}
