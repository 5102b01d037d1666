//! Statements of a test, planned and run by DataFusion without an engine or a server.

use super::store::{SCENARIO_NOW_NS, Store};
use super::table::table;
use crate::model::change::Change;
use crate::model::ids::PolicyId;
use crate::model::shard::Shard;
use crate::query::command::Command;
use crate::query::error::QueryError;
use crate::query::exec::planner::InfluxQueryPlanner;
use crate::query::influxql::source::Defaults;
use crate::query::show::SeriesSource;
use crate::query::statement::{Planned, StatementContext, plan_statement};
use arrow::array::{AsArray, RecordBatch};
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::{SessionConfig, SessionContext};
use futures::future::BoxFuture;
use std::fmt::Write as _;
use std::sync::Arc;

/// What a request says besides its statements.
pub(super) struct Options<'a> {
    pub(super) database: &'a str,
    pub(super) policy: Option<&'a str>,
    pub(super) epoch: Option<&'a str>,
}

pub(super) struct Runner(SessionContext);

impl Runner {
    pub(super) fn new() -> Self {
        // Plans are typed through and pushed down when they are made, and must do without any rule.
        let state = SessionStateBuilder::new()
            .with_config(SessionConfig::new().with_target_partitions(2))
            .with_default_features()
            .with_analyzer_rules(Vec::new())
            .with_optimizer_rules(Vec::new())
            .with_query_planner(Arc::new(InfluxQueryPlanner))
            .build();
        Self(SessionContext::new_with_state(state))
    }

    async fn run(&self, plan: LogicalPlan) -> Result<Vec<RecordBatch>, QueryError> {
        Ok(self.0.execute_logical_plan(plan).await?.collect().await?)
    }
}

impl SeriesSource for Runner {
    fn texts(&self, plan: LogicalPlan) -> BoxFuture<'_, Result<Vec<String>, QueryError>> {
        Box::pin(async {
            let batches = self.run(plan).await?;
            let texts =
                batches.iter().flat_map(|b| b.column(0).as_string_view().iter().flatten().map(str::to_owned));
            Ok(texts.collect())
        })
    }

    fn shards(&self, _: PolicyId) -> BoxFuture<'_, Result<Vec<Shard>, QueryError>> {
        Box::pin(async { Ok(Vec::new()) })
    }
}

/// Runs one statement and writes its answer down.
pub(super) async fn answer(store: &mut Store, runner: &Runner, text: &str, options: &Options<'_>) -> String {
    let statements = match influxql::parse(text, &influxql::Params::new()) {
        Ok(statements) => statements,
        Err(error) => return format!("status 400\nerror: error parsing query: {error}"),
    };
    let mut out = String::new();
    for statement in &statements {
        let context = StatementContext {
            defaults: Defaults {
                database: Some(options.database).filter(|d| !d.is_empty()),
                policy: options.policy,
            },
            now_ns: SCENARIO_NOW_NS,
        };
        match plan_statement(statement, store, runner, context).await {
            Err(error) => writeln!(out, "error: {error}").expect("writes to a string"),
            Ok(Planned::Listing(listing)) => out.push_str(&table(&listing.shape, &[listing.batch], options)),
            Ok(Planned::Command(command)) => execute(store, command),
            Ok(Planned::Select(plan)) => {
                let mut batches = Vec::new();
                for plan in plan.plans {
                    match runner.run(plan.clone()).await {
                        Ok(rows) => batches.extend(rows),
                        Err(error) => return format!("failed: {error}\n{}", plan.display_indent()),
                    }
                }
                if let Some(shape) = plan.shape {
                    out.push_str(&table(&shape, &batches, options));
                }
            }
        }
    }
    if out.trim().is_empty() { "(empty)".into() } else { out }
}

fn execute(store: &mut Store, command: Command) {
    match command {
        Command::CreateDatabase { name, .. } => store.create_database(&name),
        Command::CreatePolicy { database, name, spec, .. } => {
            let database = store.state.database(&database).expect("the database exists").id;
            store.create_policy(database, &name, spec.duration_ns.unwrap_or_default());
        }
        Command::DropDatabase { name } => {
            if let Some(id) = store.state.database(&name).map(|d| d.id) {
                store.apply(Change::DropDatabase(id));
            }
        }
        _ => {}
    }
}
