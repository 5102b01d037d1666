//! Continuous queries: a `SELECT … INTO … GROUP BY time(…)` that is run again and again over the time that has passed.
//!
//! ```text
//! CREATE CONTINUOUS QUERY ─ qualify ─▶ text with every name in full ─▶ Command ─▶ catalog
//! text of the catalog ─ ContinuousQuery::parse ─▶ SELECT + Schedule
//! Schedule + last run + now ─ due ─▶ range of time ─ over ─▶ SELECT of that range
//! ```
//!
//! All of it is pure: nothing here reads a clock, runs a query or knows what ran before.

mod qualify;
mod range;
mod schedule;
#[cfg(test)]
mod tests;

pub use qualify::qualified;
pub use schedule::{Due, Schedule};

use crate::model::time::TimeRange;
use crate::query::error::QueryError;
use influxql::ast::{CreateContinuousQuery, Select, Statement};
use influxql::{Params, parse};

/// A continuous query as it is run.
#[derive(Clone, Debug, PartialEq)]
pub struct ContinuousQuery {
    /// What is run, with INTO.
    select: Select,
    /// When; `None` for one that is never run, because it aggregates nothing over time.
    schedule: Option<Schedule>,
}

impl ContinuousQuery {
    /// Reads the text of a `CREATE CONTINUOUS QUERY` statement.
    ///
    /// # Errors
    /// When it is none, or its `GROUP BY time` is wrong: it can never be run.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        let statements = parse(text, &Params::default()).map_err(|e| QueryError::Query(e.to_string()))?;
        match <[Statement; 1]>::try_from(statements) {
            Ok([Statement::CreateContinuousQuery(create)]) => Self::new(create),
            _ => Err(QueryError::Query("the text is no continuous query".to_owned())),
        }
    }

    fn new(create: CreateContinuousQuery) -> Result<Self, QueryError> {
        let schedule = Schedule::of(&create)?;
        Ok(Self { select: *create.select, schedule })
    }

    /// When it is run; `None` when never.
    #[must_use]
    pub fn schedule(&self) -> Option<&Schedule> {
        self.schedule.as_ref()
    }

    /// The statement that computes a range of time. What the query itself says about time is removed.
    #[must_use]
    pub fn over(&self, range: TimeRange) -> Statement {
        let condition = range::restricted(self.select.condition.as_ref(), range);
        Statement::Select(Box::new(Select { condition: Some(condition), ..self.select.clone() }))
    }
}
