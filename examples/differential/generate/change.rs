//! Statements that change data: SELECT … INTO, DELETE, DROP SERIES, DROP MEASUREMENT.

use super::names::quote_name;
use super::{Generated, Generator};
use crate::random::Choices;
use crate::schema::{DATABASE, TARGET};
use crate::statement::Statement;

impl Generator<'_> {
    pub(super) fn change(&mut self) -> Generated {
        let number = self.random.usize(..self.schema.tables.len());
        let scope = self.scope_of(number);
        let measurement = quote_name(&self.schema.tables[number].measurement);
        match self.random.weighted(&[6, 6, 3, 1]) {
            0 => {
                let (mut select, _, _) = self.select(self.depth_max.saturating_sub(1));
                select.into = Some(self.target());
                Generated { statement: Statement::Select(select), kind: "into" }
            }
            1 => {
                let mut clauses = Vec::new();
                let from = self.delete_from(&measurement);
                let mut conditions = Vec::new();
                if !scope.tags.is_empty() && self.random.chance(60) {
                    conditions.push(self.tag_comparison(&scope));
                }
                if self.random.chance(85) || conditions.is_empty() {
                    // A part of the points, so that later statements have something to answer.
                    let (start, step) = (self.time_near(), self.schema.step_ns * self.random.i64(1..=20));
                    conditions.push(format!("time >= {}", self.time_literal(start)));
                    conditions.push(format!("time < {}", self.time_literal(start.saturating_add(step))));
                }
                clauses.push(format!("WHERE {}", conditions.join(" AND ")));
                let statement = Statement::Other { head: format!("DELETE{from}"), clauses };
                Generated { statement, kind: "delete" }
            }
            2 => {
                let from = self.delete_from(&measurement);
                let mut clauses = Vec::new();
                if !scope.tags.is_empty() && self.random.chance(80) {
                    let tag = self.random.choice(&scope.tags).cloned();
                    let condition = match tag {
                        Some(tag) if self.random.chance(80) => {
                            format!("{} = {}", quote_name(&tag.name), self.literal(&tag))
                        }
                        _ => self.tag_comparison(&scope),
                    };
                    clauses.push(format!("WHERE {condition}"));
                }
                let from =
                    if from.is_empty() && clauses.is_empty() { format!(" FROM {measurement}") } else { from };
                let statement = Statement::Other { head: format!("DROP SERIES{from}"), clauses };
                Generated { statement, kind: "drop series" }
            }
            _ => Generated {
                statement: Statement::text(format!("DROP MEASUREMENT {measurement}")),
                kind: "drop measurement",
            },
        }
    }

    fn delete_from(&mut self, measurement: &str) -> String {
        match self.random.weighted(&[70, 15, 15]) {
            0 => format!(" FROM {measurement}"),
            1 => format!(" FROM {}", self.regex(&[])),
            _ => String::new(),
        }
    }

    fn target(&mut self) -> String {
        let policy = self.random.choice(&self.schema.policies).cloned().unwrap_or_default();
        let policy = quote_name(&policy);
        match self.random.usize(..5) {
            0 => format!("{policy}.{TARGET}"),
            1 => format!("{DATABASE}.{policy}.{TARGET}"),
            2 => format!("{DATABASE}.{policy}.:MEASUREMENT"),
            _ => TARGET.to_owned(),
        }
    }
}
