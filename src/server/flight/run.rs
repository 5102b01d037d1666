//! From a query to its schema and its rows.

use super::influxql::arrow_rows;
use super::parameters;
use super::query::{Language, Query};
use super::service::Flight;
use super::status;
use crate::query::sql::SqlDescription;
use crate::query::{Batches, QueryContext, QueryError, StatementOutcome};
use crate::server::into::{self, write_into};
use ::influxql::ast::Statement;
use ::influxql::parse;
use arrow::datatypes::{Schema, SchemaRef};
use std::sync::Arc;
use tonic::Status;

/// Rows and the schema of all their batches.
pub(super) struct Rows {
    pub(super) schema: SchemaRef,
    pub(super) batches: Batches,
}

impl Flight {
    /// Starts a query. Dropping the rows cancels it.
    pub(super) async fn rows(&self, query: &Query) -> Result<Rows, Status> {
        let context = self.context(query);
        let rows = match query.language {
            Language::Sql => {
                let parameters = parameters::sql(&query.parameters);
                let result = self.state.query.sql_with(&query.text, parameters, &context).await;
                result.map(|result| Rows { schema: result.schema, batches: result.batches })
            }
            Language::InfluxQl => self.influxql_rows(query, &context).await,
        };
        rows.map_err(|error| self.failed(error))
    }

    /// The schema that [`Flight::rows`] would give, and the values that are missing still.
    pub(super) async fn description(&self, query: &Query) -> Result<SqlDescription, Status> {
        let context = self.context(query);
        let described = match query.language {
            Language::Sql => {
                let parameters = parameters::sql(&query.parameters);
                self.state.query.sql_description(&query.text, parameters, &context).await
            }
            // Only planning tells the columns; the rows are dropped before they are computed.
            Language::InfluxQl => self
                .influxql_rows(query, &context)
                .await
                .map(|rows| SqlDescription { schema: rows.schema, parameters: Arc::new(Schema::empty()) }),
        };
        described.map_err(|error| self.failed(error))
    }

    async fn influxql_rows(&self, query: &Query, context: &QueryContext) -> Result<Rows, QueryError> {
        let wrong = |text: String| QueryError::Query(text);
        let statements = parse(query.text.trim(), &parameters::influxql(&query.parameters))
            .map_err(|error| wrong(format!("error parsing query: {error}")))?;
        let [statement] = statements.as_slice() else {
            return Err(wrong(format!("a query is one statement; this one has {}", statements.len())));
        };
        match self.state.query.influxql(statement, context).await? {
            StatementOutcome::Rows(rows) => Ok(arrow_rows(rows, matches!(statement, Statement::Select(_)))),
            StatementOutcome::Into(rows) => {
                // Written when the rows are read: who only asks for the schema writes nothing.
                let engine = self.state.engine.clone();
                let written = async move { write_into(&engine, rows).await };
                Ok(arrow_rows(into::result_of(written), false))
            }
            StatementOutcome::Command(_) => {
                Err(wrong(format!("Flight only answers queries; send this statement to /query: {statement}")))
            }
        }
    }

    fn context(&self, query: &Query) -> QueryContext {
        QueryContext {
            database: Some(query.database.name.clone()),
            policy: query.database.policy.clone(),
            now_ns: self.state.engine.clock().now_ns(),
            deadline: self.state.settings.query_timeout,
        }
    }

    fn failed(&self, error: QueryError) -> Status {
        self.state.metrics.statements_failed.inc();
        status::of_query(error)
    }
}
