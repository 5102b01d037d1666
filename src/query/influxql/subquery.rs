//! `FROM (SELECT …)`: what a subquery is to the query around it, and what it takes over from that.
//!
//! ```text
//! SELECT mean(s) FROM (SELECT sum(f) AS s FROM m GROUP BY r) WHERE time >= 1h GROUP BY time(1m), h
//! the subquery is read as   SELECT sum(f) AS s FROM m WHERE time >= 1h GROUP BY time(1m), h, r
//! ```
//!
//! A subquery groups by the outer query's tags besides its own, reads only times within the outer range, has the outer direction, and
//! the outer interval where it has none. Its columns are the fields of the outer query, or tags where they are tags; the tags it
//! groups by are tags.

use super::compile::Compiled;
use super::error::{Result, err};
use super::ir::{Limits, Measurement, Part, Projection, Query, Subquery};
use super::resolve::resolve_compiled;
use super::source::{Defaults, tables_of};
use super::types::Type;
use crate::model::database::TableInfo;
use crate::model::state::State;
use crate::query::error::QueryError;
use crate::query::functions::window::WindowFunction;
use influxql::ast::{Select, Source};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// More levels of subqueries than anyone writes. Planning and execution recurse along them.
pub(super) const DEPTH_MAX: usize = 32;

/// Refuses a statement with too many levels of subqueries. Needs no stack itself.
pub(super) fn check_depth(select: &Select) -> Result<()> {
    let mut level = vec![select];
    for _ in 0..=DEPTH_MAX {
        let sources = level.iter().flat_map(|select| &select.sources);
        level = sources.filter_map(inner_of).collect();
        if level.is_empty() {
            return Ok(());
        }
    }
    err(format!("subqueries may be nested at most {DEPTH_MAX} levels deep"))
}

fn inner_of(source: &Source) -> Option<&Select> {
    match source {
        Source::Subquery(select) => Some(select),
        Source::Measurement(_) => None,
    }
}

/// What FROM stands for.
pub(super) struct Sources {
    /// The measurements, sorted by name.
    pub measurements: Vec<Measurement>,
    /// The subqueries in their order.
    pub subqueries: Vec<Arc<Subquery>>,
    /// The SLIMIT of a subquery that is the only source, which InfluxDB 1.x adds to the outer one, over the outer series. Of several
    /// sources each has its own limits.
    pub slimit: u64,
    /// Its SOFFSET.
    pub soffset: u64,
    /// The subqueries that cannot be read, and why.
    pub faults: Vec<(Arc<Subquery>, QueryError)>,
}

impl Sources {
    /// The tables among them, without those of subqueries.
    pub(super) fn tables(&self) -> Vec<Arc<TableInfo>> {
        let parts = self.measurements.iter().flat_map(|measurement| &measurement.parts);
        let tables = parts.filter_map(|part| match part {
            Part::Table(table) => Some(Arc::clone(table)),
            Part::Subquery { .. } => None,
        });
        tables.collect()
    }
}

/// Finds the tables of FROM and resolves its subqueries.
pub(super) fn sources(
    select: &Select,
    compiled: &Compiled,
    state: &State,
    defaults: Defaults<'_>,
) -> Result<Sources> {
    let mut found: BTreeMap<Arc<str>, Vec<Part>> = BTreeMap::new();
    let mut subqueries = Vec::new();
    let mut compiled_subqueries = compiled.subqueries.iter();
    let mut faults = Vec::new();
    let (mut slimit, mut soffset) = (0, 0);
    for source in &select.sources {
        match source {
            Source::Measurement(measurement) => {
                for table in tables_of(state, measurement, defaults)? {
                    found.entry(Arc::clone(&table.name)).or_default().push(Part::Table(Arc::clone(table)));
                }
            }
            Source::Subquery(inner) => {
                let Some(compiled) = compiled_subqueries.next() else { continue };
                let resolved = resolve_compiled(inner, compiled, state, defaults)?;
                let mut limits = Limits { limit: 0, offset: 0, ..resolved.query.limits };
                if select.sources.len() == 1 {
                    Limits { slimit, soffset, .. } = std::mem::take(&mut limits);
                }
                let subquery = Arc::new(Subquery {
                    query: resolved.query,
                    names: resolved.names,
                    listed: resolved.listed,
                    upper_ns: compiled.upper_ns,
                    limits,
                });
                for (index, measurement) in subquery.query.measurements.iter().enumerate() {
                    let part = Part::Subquery { subquery: Arc::clone(&subquery), measurement: index };
                    found.entry(Arc::clone(&measurement.name)).or_default().push(part);
                }
                faults.extend(resolved.fault.map(|fault| (Arc::clone(&subquery), fault)));
                subqueries.push(subquery);
            }
        }
    }
    let measurements = found.into_iter().map(|(name, parts)| Measurement { name, parts }).collect();
    Ok(Sources { measurements, subqueries, slimit, soffset, faults })
}

/// Takes the rows of a subquery away from the measurements of the query around it.
pub(super) fn leave_out(subquery: &Arc<Subquery>, measurements: &mut Vec<Measurement>) {
    let is_of_it =
        |part: &Part| matches!(part, Part::Subquery { subquery: own, .. } if Arc::ptr_eq(own, subquery));
    for measurement in measurements.iter_mut() {
        measurement.parts.retain(|part| !is_of_it(part));
    }
    measurements.retain(|measurement| !measurement.parts.is_empty());
}

impl Subquery {
    /// The columns that a wildcard stands for, by the names that the outer query knows, each name once, with their types: of a number
    /// the greatest that a column of its name has, which InfluxDB 1.x casts it to.
    pub fn columns(&self) -> impl Iterator<Item = (&Arc<str>, Type)> {
        let columns = self.names.iter().zip(&self.query.columns).enumerate();
        columns
            .filter(|(i, (name, _))| self.index_of(name) == Some(*i) && self.listed.contains(name))
            .map(|(_, (name, column))| (name, self.as_great_number(name, column.ty)))
    }

    fn as_great_number(&self, name: &str, ty: Type) -> Type {
        let columns = self.names.iter().zip(&self.query.columns);
        let others = columns.filter(|(own, column)| ***own == *name && column.ty.is_numeric());
        match ty.is_numeric() {
            true => others.fold(ty, |ty, (_, column)| ty.or_greater(column.ty)),
            false => ty,
        }
    }

    /// The place of a column.
    #[must_use]
    pub fn index_of(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| **known == *name)
    }

    /// Whether the subquery itself, without the outer query, groups by this tag.
    #[must_use]
    pub fn has_tag(&self, name: &str) -> bool {
        self.query.group_tags.iter().any(|tag| **tag == *name)
    }

    /// What the outer query takes the name for: a column, else a tag that the subquery groups by.
    #[must_use]
    pub fn type_of(&self, name: &str) -> Type {
        let of_column = self.index_of(name).and_then(|index| self.query.columns.get(index));
        match of_column.map_or(Type::Unknown, |column| column.ty) {
            Type::Unknown if self.has_tag(name) => Type::Tag,
            ty => ty,
        }
    }

    /// The subquery as it is read for `outer`.
    #[must_use]
    pub(super) fn within(&self, outer: &Query) -> Query {
        let mut query = self.query.clone();
        let tags: BTreeSet<_> = query.group_tags.iter().chain(&outer.group_tags).cloned().collect();
        query.group_tags = tags.into_iter().collect();
        query.bounds = query.bounds.intersect(outer.bounds);
        query.bounds.max_ns = query.bounds.max_ns.or(self.upper_ns);
        if let Projection::Window(calls) = &mut query.projection {
            // An area without windows bears the first time there may be, which only now is known.
            for function in calls.iter_mut().flat_map(|call| &mut call.over) {
                if let WindowFunction::Integral { lower_ns, .. } = function {
                    *lower_ns = query.bounds.min_ns;
                }
            }
        }
        query.interval = query.interval.or(outer.interval);
        query.is_descending = outer.is_descending;
        query.limits = Limits { slimit: 0, soffset: 0, ..query.limits };
        query
    }
}
