//! `SELECT top(f, 2), g`, `bottom` and `sample`: several points per series, or per series and window, with their own times and
//! the columns beside them.
//!
//! ```text
//! Project: measurement, tags, time, columns
//!   Sort, Window                       only with fill(previous) and columns beside the points
//!     SeriesLimit or Limit
//!       Sort: tags, window, time, value
//!         Project: the point's columns
//!           Unnest: a row per point
//!             Aggregate: by tags and window; the best N points
//!               Project, Filter, Aggregate     only with names between the field and N
//!                 scan
//! ```
//!
//! `top(f, h, 2)` first takes the greatest point of each value of the tag `h`:
//!
//! ```text
//! time h f        by h            top(f, h, 2)
//! 0    a 1        20 a 3          time top h
//! 10   b 5        10 b 5          10   5   b
//! 20   a 3   →    30 c 4     →    30   4   c
//! 30   c 4
//! ```
//!
//! `SELECT top(f, h, 2) INTO …` writes `h` as a tag: it is a group tag of the result, though not what rows are grouped by.
//!
//! Windows come in the order of the statement, the points of a window always by time, as in InfluxDB 1.x. Which of several points of
//! one value and time are taken, and in what order they come, is said in the module `ties`. Empty windows make no row, so of the fills
//! only `previous` and a number mean something, for the columns beside the point.

use super::aggregate::{WINDOW, bucket_of, tag_name};
use super::call::{Arguments, aggregate_of, aux_of, series_of, time_of, value_of};
use super::columns::{null_of, or_else, plain};
use super::error::Result;
use super::finish::project;
use super::function::Function;
use super::inner_rows::joined;
use super::ir::{Call, Measurement, Query, Ref};
use super::limit::limit;
use super::lower::{fill_value, is_null, lower};
use super::raw::carried_forward;
use super::scan::{Input, RowsWanted, Wanted, scan};
use super::ties::{Beside, Ties, needs_series, takes_ties};
use super::types::Type;
use crate::query::tables::Tables;
use datafusion::common::{Column, ScalarValue, UnnestOptions};
use datafusion::logical_expr::{Aggregate, Expr, Filter, LogicalPlan, Projection, Sort, SortExpr, Unnest};
use influxql::ast::Fill;
use std::sync::Arc;

/// Which points are wanted.
#[derive(Clone, Copy)]
pub(super) struct Points<'a> {
    /// The function and its field.
    pub call: &'a Call,
    /// The names between the field and N.
    pub tags: &'a [Arc<str>],
    /// What rows are grouped by where those names are group tags of the result, too.
    pub grouped_by: Option<&'a [Arc<str>]>,
}

/// The plan for one measurement, or `None` when it has no row.
pub(super) fn plan(
    query: &Query,
    Points { call, tags, grouped_by }: Points<'_>,
    measurement: &Measurement,
    tables: &dyn Tables,
) -> Result<Option<LogicalPlan>> {
    if !call.has_values() {
        return Ok(None);
    }
    let own_count = query.refs.len();
    let combined = || tags.iter().map(|tag| Ref { name: Arc::clone(tag), ty: Type::Tag });
    let grouped = grouped_by.map(|group_tags| Query {
        group_tags: group_tags.to_vec(),
        refs: query.refs.iter().cloned().chain(combined()).collect(),
        ..query.clone()
    });
    let result = query;
    let query = grouped.as_ref().unwrap_or(query);
    let beside = query.refs.iter().cloned();
    let refs: Vec<_> = std::iter::once(call.argument.clone()).chain(beside).chain(combined()).collect();
    let beside = match tags {
        [] => Beside::of(call.function, &query.refs, measurement),
        _ => Beside::as_selected(&query.refs),
    };
    let agree = |tag: &str| query.group_tags.iter().chain(tags).any(|own| **own == *tag);
    let has_series = takes_ties(call.function) && needs_series(&query.refs, &beside, measurement, agree);
    let wanted = Wanted { refs: &refs, has_time: true, has_series, rows: RowsWanted::All };
    let Some(input) = scan(query, measurement, wanted, tables)? else { return Ok(None) };
    if is_null(&input.refs[0]) {
        return Ok(None);
    }
    let is_missing: Vec<_> = input.refs[1..].iter().map(is_null).collect();
    let mut rows = Rows::new(query, input, beside, has_series);
    if !tags.is_empty() {
        rows = rows.best_of_each(call, tags)?;
    }
    let group_tags = rows.named_tags();
    let series: Vec<_> = group_tags.iter().filter(|tag| !is_null(tag)).cloned().collect();
    let order = order(query, call, &series, rows.order_of_ties());
    let plan = sorted(rows.points(call)?, &order);
    let mut plan = limit(query, plan, &series)?;
    let mut refs: Vec<_> = (0..query.refs.len()).map(|i| plain(&aux_name(i))).collect();
    let own = refs.iter_mut().zip(&query.refs).zip(is_missing).take(own_count);
    for (column, ((value, reference), is_missing)) in own.enumerate() {
        let number = fill_of(query.fill, reference.ty).map(|number| Expr::Literal(number, None));
        if is_missing {
            *value = number.unwrap_or_else(|| null_of(reference.ty));
        } else if let Some(number) = number {
            *value = or_else(value.clone(), number);
        } else if query.fill == Fill::Previous {
            (plan, *value) = carried_forward(plan, &series, &order, (value, column))?;
            plan = sorted(plan, &order);
        }
    }
    let tag_of = |tag: &Arc<str>| match query.group_tags.iter().position(|known| known == tag) {
        Some(index) => group_tags[index].clone(),
        None => {
            let index = tags.iter().position(|known| known == tag).map(|index| own_count + index);
            index.and_then(|index| refs.get(index)).cloned().unwrap_or_else(|| null_of(Type::Tag))
        }
    };
    let result_tags: Vec<_> = result.group_tags.iter().map(tag_of).collect();
    let calls = [plain(VALUE)];
    let columns = result.columns.iter().map(|column| lower(&column.value, &refs, &calls));
    let columns = columns.collect::<Result<_>>()?;
    project(result, measurement, plan, &result_tags, plain(TIME), columns).map(Some)
}

/// The points of a call without anything beside them, in any order: the columns [`tag_name`], [`WINDOW`] with GROUP BY time, [`VALUE`]
/// and [`TIME`], and the query's group tags. `input` has the field.
pub(super) fn points(query: &Query, call: &Call, input: Input) -> Result<(LogicalPlan, Vec<Expr>)> {
    let rows = Rows::new(query, input, Beside::as_selected(&query.refs), false);
    let tags = rows.named_tags();
    Ok((rows.points(call)?, tags))
}

/// The number of `fill(N)` for a column beside the points: in one of text it stands as such.
fn fill_of(fill: Fill, ty: Type) -> Option<ScalarValue> {
    match (ty, fill_value(fill, Type::Tag)?) {
        (Type::String, number) => Some(ScalarValue::Utf8(number.try_as_str().flatten().map(str::to_owned))),
        _ => fill_value(fill, ty),
    }
}

/// Series and windows in the order of the statement, the points of one by time, the better one first, then in the order of `ties`.
fn order(query: &Query, call: &Call, series: &[Expr], ties: Vec<SortExpr>) -> Vec<SortExpr> {
    let direction = !query.is_descending;
    let window = query.interval.map(|_| plain(WINDOW));
    let groups = series.iter().cloned().chain(window);
    let groups = groups.map(|group| SortExpr::new(group, direction, direction));
    let least_first = !matches!(call.function, Function::Top(_));
    groups
        .chain([SortExpr::new(plain(TIME), true, true), SortExpr::new(plain(VALUE), least_first, true)])
        .chain(ties)
        .collect()
}

fn sorted(plan: LogicalPlan, order: &[SortExpr]) -> LogicalPlan {
    LogicalPlan::Sort(Sort { expr: order.to_vec(), input: Arc::new(plan), fetch: None })
}

/// Rows of which points are taken, and how to name them.
struct Rows {
    plan: LogicalPlan,
    /// The tags of GROUP BY: null literals where the table has none.
    group_tags: Vec<Expr>,
    window: Option<Expr>,
    value: Expr,
    time: Expr,
    /// The columns beside the point.
    aux: Vec<Expr>,
    /// The order of those columns as arguments.
    beside: Beside,
    /// The tags between the field and N.
    combined: Vec<Expr>,
    /// What tells points of one value and time apart after `beside`, if anything must.
    series: Option<Expr>,
    /// Whether rows are read in the reverse order.
    is_descending: bool,
}

impl Rows {
    /// The rows of a scan of the field, the references beside it and the tags among the arguments.
    fn new(query: &Query, input: Input, beside: Beside, has_series: bool) -> Self {
        let mut refs = input.refs.into_iter();
        let value = refs.next().unwrap_or_else(|| null_of(Type::Unknown));
        let aux = refs.by_ref().take(query.refs.len()).collect();
        Self {
            window: query.interval.map(|interval| bucket_of(query, interval, input.time.clone())),
            plan: input.plan,
            group_tags: input.group_tags,
            value,
            time: input.time,
            aux,
            beside,
            combined: refs.collect(),
            series: has_series.then_some(input.series),
            is_descending: query.is_descending && !input.reads_ascending,
        }
    }

    /// What rows are grouped by: tags and window under their names.
    fn groups(&self) -> Vec<Expr> {
        let tags = (self.group_tags.iter().enumerate())
            .filter(|(_, tag)| !is_null(tag))
            .map(|(i, tag)| tag.clone().alias(tag_name(i)));
        tags.chain(self.window.iter().map(|window| window.clone().alias(WINDOW))).collect()
    }

    /// The tags of GROUP BY as the names of [`Self::groups`].
    fn named_tags(&self) -> Vec<Expr> {
        let named = |(i, tag): (usize, &Expr)| if is_null(tag) { tag.clone() } else { plain(&tag_name(i)) };
        self.group_tags.iter().enumerate().map(named).collect()
    }

    fn aggregate(&self, groups: Vec<Expr>, call: &Call) -> Result<LogicalPlan> {
        let aux = self.beside.arguments(&self.aux);
        let text_count = self.beside.texts().len();
        let ties = Ties { series: self.series.as_ref(), text_count, is_descending: self.is_descending };
        let ties = (ties.series.is_some() || text_count > 0).then_some(ties);
        let arguments = Arguments { value: &self.value, time: &self.time, aux: &aux, ties };
        let points = aggregate_of(call, arguments).alias(POINTS);
        Ok(LogicalPlan::Aggregate(Aggregate::try_new(Arc::new(self.plan.clone()), groups, vec![points])?))
    }

    /// The columns of a plan that has the point as a struct: tags, window, value, time, those beside it, and others.
    fn of_points(&self, plan: LogicalPlan, value: Expr, others: Vec<Expr>) -> Result<LogicalPlan> {
        let point = plain(POINTS);
        let groups = self.groups();
        let groups = groups.iter().map(|group| plain(&group.schema_name().to_string()));
        let own = [value.alias(VALUE), time_of(point.clone()).alias(TIME)];
        let aux =
            (0..self.aux.len()).map(|i| (aux_of(point.clone(), self.beside.argument_of(i)), aux_name(i)));
        let aux = aux.map(|(value, name)| value.alias(name));
        let columns = groups.chain(own).chain(aux).chain(others).collect();
        Ok(LogicalPlan::Projection(Projection::try_new(columns, Arc::new(plan))?))
    }

    /// The greatest (or least) point of every combination of the tags among the arguments, which are called `names`.
    fn best_of_each(self, call: &Call, names: &[Arc<str>]) -> Result<Self> {
        let function = match call.function {
            Function::Bottom(_) => Function::Min,
            _ => Function::Max,
        };
        let mut groups = self.groups();
        let combined = names.iter().zip(&self.combined).enumerate();
        let mut combined: Vec<_> = combined.filter(|(_, (_, tag))| !is_null(tag)).collect();
        combined.sort_by_key(|(_, (name, _))| *name);
        let name = |i: usize| format!("combined_{i}");
        groups.extend(combined.iter().map(|(i, (_, tag))| (*tag).clone().alias(name(*i))));
        let combined: Vec<_> = combined.iter().map(|(i, _)| plain(&name(*i))).collect();
        let plan =
            self.aggregate(groups, &Call { function, argument: call.argument.clone(), over: Vec::new() })?;
        let has_point = Expr::IsNotNull(Box::new(plain(POINTS)));
        let plan = LogicalPlan::Filter(Filter::try_new(has_point, Arc::new(plan))?);
        Ok(Self {
            plan: self.of_points(plan, value_of(function, plain(POINTS))?, combined.clone())?,
            group_tags: self.named_tags(),
            window: self.window.map(|_| plain(WINDOW)),
            value: plain(VALUE),
            time: plain(TIME),
            aux: (0..self.aux.len()).map(|i| plain(&aux_name(i))).collect(),
            beside: self.beside,
            combined: Vec::new(),
            series: (!combined.is_empty()).then(|| joined(&combined)),
            is_descending: false,
        })
    }

    /// The columns of [`Self::points`] that stand for the order of rows of one value and time.
    fn order_of_ties(&self) -> Vec<SortExpr> {
        let texts = self.beside.texts().iter().map(|i| aux_name(*i));
        let columns = texts.chain(self.series.iter().map(|_| SERIES.to_owned()));
        let direction = !self.is_descending;
        columns.map(|column| SortExpr::new(plain(&column), direction, direction)).collect()
    }

    /// A row for each of the points of the call, with the columns `tag_i`, `window`, `value`, `point_time`, `aux_i`, and `series` if it
    /// tells them apart.
    fn points(self, call: &Call) -> Result<LogicalPlan> {
        let plan = self.aggregate(self.groups(), call)?;
        let options = UnnestOptions::new().with_preserve_nulls(false);
        let points = vec![Column::new_unqualified(POINTS)];
        let plan = LogicalPlan::Unnest(Unnest::try_new(Arc::new(plan), points, options)?);
        let series = self.series.iter().map(|_| series_of(plain(POINTS)).alias(SERIES)).collect();
        self.of_points(plan, value_of(Function::Max, plain(POINTS))?, series)
    }
}

const POINTS: &str = "points";
const SERIES: &str = "series";
/// The column of a point's value.
pub(super) const VALUE: &str = "value";
/// The column of its time.
pub(super) const TIME: &str = "point_time";

fn aux_name(index: usize) -> String {
    format!("aux_{index}")
}
