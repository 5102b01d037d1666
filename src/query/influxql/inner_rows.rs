//! The rows of a subquery as the outer query's [`Input`], so that every shape of query works over them as over a table.
//!
//! ```text
//! Project: time, series, group tags, references
//!   Filter: the outer WHERE
//!     the subquery's plan
//! ```
//!
//! A column may be null in a row that the subquery yields all the same. A tag that the subquery groups by, and that a series lacks, is
//! the empty text where the outer query selects it.

use super::columns::{converted, null_of, or_else, plain, text_literal};
use super::distinct;
use super::error::Result;
use super::finish::plan_names;
use super::ir::{OutputColumn, Projection, Query, Ref, Scalar, Subquery};
use super::limit::limit_series;
use super::lower::is_null;
use super::plan_measurement;
use super::predicate::{Columns, Predicate, Scope, predicate};
use super::scan::{Input, Wanted};
use super::types::Type;
use crate::query::tables::Tables;
use arrow::datatypes::DataType;
use datafusion::common::{DFSchemaRef, ScalarValue};
use datafusion::functions::string::concat;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{Expr, Filter, LogicalPlan, SortExpr};
use influxql::ast::Fill;
use std::sync::Arc;

/// The rows that a subquery yields for one of its measurements, or `None` when there clearly are none.
pub(super) fn inner_rows(
    outer: &Query,
    subquery: &Subquery,
    measurement: usize,
    wanted: Wanted<'_>,
    tables: &dyn Tables,
) -> Result<Option<Input>> {
    let query = subquery.within(outer);
    let Some(measurement) = query.measurements.get(measurement) else { return Ok(None) };
    let planned = match &query.projection {
        Projection::Distinct(argument) => distinct::plan_with_places(&query, argument, measurement, tables)?
            .map(|(plan, name)| (plan, Some(plain(&name)))),
        _ => plan_measurement(&query, measurement, tables)?.map(|plan| (plan, None)),
    };
    let Some((mut plan, place)) = planned else { return Ok(None) };
    let rows =
        InnerRows { subquery, query: &query, names: plan_names(&query), schema: Arc::clone(plan.schema()) };
    if let Some(condition) = &outer.condition {
        plan = match predicate(condition, &outer.names, &rows, Scope::Rows)? {
            Predicate::Constant(true) => plan,
            Predicate::Constant(false) => return Ok(None),
            Predicate::Rows(condition) => LogicalPlan::Filter(Filter::try_new(condition, Arc::new(plan))?),
        };
    }
    let group_tags = outer.group_tags.iter().map(|tag| rows.tag(tag).unwrap_or_else(|| null_of(Type::Tag)));
    let refs = wanted.refs.iter().map(|r| rows.value(r).unwrap_or_else(|| null_of(r.ty)));
    let refs: Vec<_> = refs.collect();
    let other_tags: Vec<_> = rows.tags_of_series(outer).collect();
    let input = Input {
        plan,
        time: rows.time(),
        series: joined(&other_tags),
        group_tags: group_tags.collect(),
        refs: refs.clone(),
        place,
        order: Vec::new(),
        has_rows_of_nulls: true,
        reads_ascending: !query.projection.is_of_points(),
    };
    let mut input = input.renamed(Wanted { has_time: true, has_series: true, ..wanted })?;
    let Some(plan) = limit_series(subquery.limits, outer.is_descending, input.plan, &input.group_tags)?
    else {
        return Ok(None);
    };
    input.plan = plan;
    for (column, value) in input.refs.iter_mut().zip(refs).filter(|(_, value)| is_null(value)) {
        *column = value; // literals tell that there are no values
    }
    input.order = rows.order(&input);
    input.order.extend(input.place.iter().map(|place| SortExpr::new(place.clone(), true, true)));
    Ok(Some(input))
}

/// A subquery's plan and the names in it.
struct InnerRows<'a> {
    subquery: &'a Subquery,
    /// The subquery as it is read for the outer query.
    query: &'a Query,
    /// The columns of its plan: measurement, tags, time, columns.
    names: Vec<String>,
    /// Their types: a column in which `fill(N)` stands for a name that no table has is as InfluxDB computes it, whatever the
    /// subquery's type of it.
    schema: DFSchemaRef,
}

impl InnerRows<'_> {
    fn time(&self) -> Expr {
        self.named(1 + self.query.group_tags.len())
    }

    fn named(&self, index: usize) -> Expr {
        self.names.get(index).map_or_else(|| null_of(Type::Unknown), |name| plain(name))
    }

    /// A column of the subquery as a value of this type; `None` when it has none of this name and type.
    fn column(&self, name: &str, ty: Type) -> Option<Expr> {
        let index = self.subquery.index_of(name)?;
        let OutputColumn { value, ty: own, .. } = self.query.columns.get(index)?;
        let own = *own;
        let is_nothing = matches!(value, Scalar::Call(call) if !self.query.projection.has_values(*call));
        if !fits(own, ty) || own == Type::Unknown || *value == Scalar::Null {
            return None;
        }
        if is_nothing {
            return Some(null_of(ty));
        }
        let index = 2 + self.query.group_tags.len() + index;
        let given =
            self.schema.fields().get(index).map_or(own.data_type(), |field| field.data_type().clone());
        Some(converted(self.named(index), &given, &ty.data_type()))
    }

    /// What a reference of the outer query means.
    fn value(&self, reference: &Ref) -> Option<Expr> {
        if self.subquery.index_of(&reference.name).is_some() {
            return self.column(&reference.name, reference.ty);
        }
        if !self.subquery.has_tag(&reference.name) || !matches!(reference.ty, Type::Tag | Type::String) {
            return None;
        }
        let tag = or_else(self.tag(&reference.name)?, text_literal(""));
        Some(converted(tag, &DataType::Utf8View, &reference.ty.data_type()))
    }

    /// What tells rows of one time apart that `outer` does not group: the other tags. Rows as they come also have tags as columns.
    fn tags_of_series(&self, outer: &Query) -> impl Iterator<Item = Expr> {
        let is_raw = self.query.projection.is_of_points();
        let tag_count = self.query.group_tags.len();
        let tags = self.query.group_tags.iter().enumerate();
        let tags = tags.filter(|(_, tag)| !outer.group_tags.contains(tag)).map(|(i, _)| self.named(1 + i));
        let columns = self.query.columns.iter().enumerate();
        // A function of a tag has no value.
        let is_tag = |column: &OutputColumn| column.ty == Type::Tag && matches!(column.value, Scalar::Ref(_));
        let columns = columns.filter(move |(_, column)| is_raw && is_tag(column));
        tags.chain(columns.map(move |(i, _)| self.named(2 + tag_count + i)))
    }

    /// The order of rows within a series of the outer query that selects them as they come, as InfluxDB 1.x has it: by time, but
    /// the subquery's series one after the other where each yields one point, or has had its gaps filled.
    fn order(&self, input: &Input) -> Vec<SortExpr> {
        let ascending = !self.query.is_descending;
        let by_time = |ascending| SortExpr::new(input.time.clone(), ascending, ascending);
        let by_series = |ascending| SortExpr::new(input.series.clone(), ascending, ascending);
        match (&self.query.projection, self.query.interval) {
            (projection, _) if projection.is_of_points() => vec![by_time(ascending), by_series(ascending)],
            (_, Some(_)) if self.query.fill == Fill::None => vec![by_time(ascending), by_series(true)],
            // The points of one window come by time whatever the order is.
            (Projection::TopBottom { .. }, None) => vec![by_series(true), by_time(true)],
            _ => vec![by_series(true), by_time(ascending)],
        }
    }
}

impl Columns for InnerRows<'_> {
    fn tag(&self, name: &str) -> Option<Expr> {
        let index = self.query.group_tags.iter().position(|tag| **tag == *name)?;
        Some(self.named(1 + index))
    }

    fn field(&self, name: &str, ty: Type) -> Option<Expr> {
        let column = self.column(name, ty)?;
        // A null counts as false beside a truth value.
        Some(match ty {
            Type::Boolean => or_else(column, Expr::Literal(ScalarValue::Boolean(Some(false)), None)),
            _ if is_null(&column) => return None,
            _ => column,
        })
    }

    /// A condition takes a column whose type a cast does not fit, or that other sources have with another one, for what it is.
    fn type_as(&self, name: &str, ty: Type) -> Type {
        let column = self.subquery.index_of(name).and_then(|index| self.query.columns.get(index));
        match column {
            Some(column) if column.ty != Type::Unknown && !fits(column.ty, ty) => column.ty,
            None if self.subquery.has_tag(name) => Type::Tag,
            _ => ty,
        }
    }

    fn text_of_tag(&self, name: &str) -> Option<Expr> {
        self.column(name, Type::String)
    }

    fn has_empty_tags(&self) -> bool {
        true
    }
}

/// Whether values of one type can be taken for those of another.
fn fits(own: Type, other: Type) -> bool {
    let is_text = |ty: Type| matches!(ty, Type::Tag | Type::String);
    own == other || (own.is_numeric() && other.is_numeric()) || (is_text(own) && is_text(other))
}

/// Tags as one text that sorts as they do.
pub(super) fn joined(tags: &[Expr]) -> Expr {
    match tags {
        [] => text_literal(""),
        [tag] => tag.clone(),
        tags => {
            let mut args = Vec::with_capacity(tags.len() * 2);
            for tag in tags {
                args.extend([tag.clone(), text_literal("\0")]);
            }
            Expr::ScalarFunction(ScalarFunction::new_udf(concat(), args))
        }
    }
}
