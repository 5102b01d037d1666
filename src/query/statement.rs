//! What kind of answer a statement has.

use super::QueryContext;
use super::command::Command;
use super::error::QueryError;
use super::tables::Tables;
use crate::model::result::ResultShape;
use datafusion::logical_expr::LogicalPlan;
use influxql::ast::Statement;

/// A statement that was understood.
pub enum Planned {
    /// A change.
    Command(Command),
    /// Rows: how to read them, and the plans that give them one after the other.
    Rows(ResultShape, Vec<LogicalPlan>),
}

/// Plans one statement.
pub fn plan(
    statement: &Statement,
    tables: &dyn Tables,
    context: &QueryContext,
) -> Result<Planned, QueryError> {
    match statement {
        Statement::Select(select) => {
            let defaults = super::influxql::source::Defaults {
                database: context.database.as_deref(),
                policy: context.policy.as_deref(),
            };
            let planned = super::influxql::plan_select(select, tables, defaults, context.now_ns)?;
            let shape = planned.shape.unwrap();
            Ok(Planned::Rows(shape, planned.plans))
        }
        Statement::CreateDatabase(create) => {
            Ok(Planned::Command(Command::CreateDatabase { name: create.name.to_string(), policy: None }))
        }
        _ => Err(QueryError::unsupported("x")),
    }
}
