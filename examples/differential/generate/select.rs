//! A SELECT: its sources, then its columns, then what both allow in the other clauses.

use super::columns::{Columns, IntervalUse};
use super::names::quote_name;
use super::{Generator, Scope};
use crate::random::Choices;
use crate::schema::DATABASE;
use crate::statement::{Select, Source};

impl Generator<'_> {
    /// A SELECT, what it counts as, and what an outer query sees of it.
    pub(super) fn select(&mut self, depth: usize) -> (Select, &'static str, Scope) {
        let is_nested = depth < self.depth_max && self.random.chance(if depth == 0 { 14 } else { 35 });
        let (sources, scope) = if is_nested { self.subqueries(depth) } else { self.tables() };
        let columns = self.columns(&scope, depth > 0);
        let mut select = Select { columns: columns.texts.clone(), sources, ..Select::default() };
        let wants_interval = match columns.interval {
            IntervalUse::Always => self.random.chance(97),
            IntervalUse::Maybe => self.random.chance(40),
            IntervalUse::Never => self.random.chance(1),
        };
        let share = if depth == 0 { 35 } else { 15 };
        if self.random.chance(share) {
            select.condition = Some(self.condition(&scope, 0));
        }
        if wants_interval || self.random.chance(share) {
            select.bounds = self.bounds(wants_interval);
        }
        let (mut group, tags) = self.group(&scope, wants_interval);
        if wants_interval && self.may_begin_anywhere(&group) {
            select.bounds.remove(0);
        }
        if columns.kind == "integral" {
            // The order of its series is left to chance.
            group.retain(|entry| entry.starts_with("time("));
        }
        select.group = group;
        select.tail = self.tail(&columns, &select.group, wants_interval);
        if depth > 0 && !self.random.chance(2) {
            // It takes the order of the outer query, and may not ask for another one.
            select.tail.retain(|clause| !clause.starts_with("ORDER"));
        }
        if depth > 0 && !self.random.chance(30) {
            select.tail.retain(|clause| !clause.contains("LIMIT") && !clause.contains("OFFSET"));
        }
        let kind = if is_nested { "subquery" } else { columns.kind };
        let outputs = self.visible(columns, tags);
        (select, kind, outputs)
    }

    /// Whether windows go without a first time: they begin with that of the first point then. InfluxDB 1.6 cannot shift these, and
    /// from one end of time to the other they are too many.
    fn may_begin_anywhere(&mut self, group: &[String]) -> bool {
        let is_shifted = group.iter().any(|entry| entry.starts_with("time(") && entry.contains(", "));
        !is_shifted && !self.schema.has_extremes && self.random.chance(12)
    }

    fn visible(&mut self, columns: Columns, tags: Vec<super::Column>) -> Scope {
        let mut scope = Scope { tags, fields: columns.outputs };
        if scope.fields.is_empty()
            && let Some(table) = self.schema.tables.first()
        {
            scope.fields = table
                .fields
                .iter()
                .map(|field| super::Column {
                    name: field.name.clone(),
                    kind: field.kind,
                    literals: Vec::new(),
                })
                .collect();
        }
        scope
    }

    fn subqueries(&mut self, depth: usize) -> (Vec<Source>, Scope) {
        let (inner, _, scope) = self.select(depth + 1);
        let mut sources = vec![Source::Query(Box::new(inner))];
        if self.random.chance(8) {
            let (other, _, _) = self.select(depth + 1);
            sources.push(Source::Query(Box::new(other)));
        }
        if self.random.chance(5) {
            sources.extend(self.tables().0);
        }
        (sources, scope)
    }

    /// Tables, and the scope of the first of them.
    fn tables(&mut self) -> (Vec<Source>, Scope) {
        let number = self.random.usize(..self.schema.tables.len());
        let scope = self.scope_of(number);
        let mut texts = vec![self.table_text(number)];
        match self.random.weighted(&[82, 10, 6, 2]) {
            1 => {
                let others: Vec<usize> =
                    (0..self.schema.tables.len()).filter(|other| *other != number).collect();
                for other in self.random.some_of(&others, 60) {
                    texts.push(self.table_text(other));
                }
            }
            2 => texts = vec![self.table_regex(number)],
            3 => texts.push("nosuch".to_owned()),
            _ => {}
        }
        (texts.into_iter().map(Source::Table).collect(), scope)
    }

    /// A table's name; with its policy unless that is the default.
    pub(super) fn table_text(&mut self, number: usize) -> String {
        let table = &self.schema.tables[number];
        let measurement = quote_name(&table.measurement);
        let policy = quote_name(&self.schema.policies[table.policy]);
        if table.policy > 0 {
            match self.random.chance(20) {
                true => format!("{DATABASE}.{policy}.{measurement}"),
                false => format!("{policy}.{measurement}"),
            }
        } else {
            match self.random.usize(..12) {
                0 => format!("{DATABASE}..{measurement}"),
                1 => format!("{DATABASE}.{policy}.{measurement}"),
                2 => format!("{policy}.{measurement}"),
                _ => measurement,
            }
        }
    }

    fn table_regex(&mut self, number: usize) -> String {
        let policy = self.schema.tables[number].policy;
        let tables = self.schema.tables.iter().filter(|table| table.policy == policy);
        let names: Vec<String> = tables.map(|table| table.measurement.clone()).collect();
        let regex = self.regex(&names);
        match policy {
            0 => regex,
            policy => format!("{}.{regex}", quote_name(&self.schema.policies[policy])),
        }
    }
}
