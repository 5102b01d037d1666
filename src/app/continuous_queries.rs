//! Runs the continuous queries when they are due.
//!
//! In: the catalog, the clock, and how a `SELECT … INTO` is run. Out: statements run one after the other. When they are due and
//! what they say is decided in [`crate::query::continuous`]; what was run last is kept here, in memory only, as in InfluxDB
//! 1.x: after a restart a query computes again what its `RESAMPLE FOR` reaches.

use crate::engine::Engine;
use crate::model::continuous_query::ContinuousQueryInfo;
use crate::model::ids::ContinuousQueryId;
use crate::query::QueryContext;
use crate::query::continuous::ContinuousQuery;
use crate::server::Metrics;
use futures::FutureExt;
use futures::future::BoxFuture;
use influxql::ast::Statement;
use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

#[cfg(test)]
mod tests;

/// Runs a `SELECT … INTO` to its end, or says why it failed.
pub(super) type RunInto =
    Box<dyn Fn(Statement, QueryContext) -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// What runs the continuous queries of an engine.
pub(super) struct ContinuousQueries {
    engine: Arc<Engine>,
    metrics: Arc<Metrics>,
    run_into: RunInto,
    /// How long one run may take; for ever when `None`.
    deadline: Option<Duration>,
    known: HashMap<ContinuousQueryId, Known>,
}

/// A continuous query that was seen at the last look.
struct Known {
    info: Arc<ContinuousQueryInfo>,
    /// `None` when its text is not understood.
    query: Option<ContinuousQuery>,
    last_run_ns: Option<i64>,
}

impl Known {
    fn new(info: &Arc<ContinuousQueryInfo>) -> Self {
        let query = ContinuousQuery::parse(&info.statement);
        if let Err(error) = &query {
            let (name, statement) = (&*info.name, &*info.statement);
            tracing::error!(name, statement, %error, "a continuous query cannot be run");
        }
        Self { info: info.clone(), query: query.ok(), last_run_ns: None }
    }
}

impl ContinuousQueries {
    /// Nothing is run before [`ContinuousQueries::run`].
    pub(super) fn new(
        engine: Arc<Engine>,
        metrics: Arc<Metrics>,
        run_into: RunInto,
        deadline: Option<Duration>,
    ) -> Self {
        Self { engine, metrics, run_into, deadline, known: HashMap::new() }
    }

    /// Looks every `interval` which queries are due and runs them, until it is told to stop. A run that has begun is given up then.
    pub(super) async fn run(mut self, interval: Duration, stop: CancellationToken) {
        let work = async {
            loop {
                tokio::time::sleep(interval).await;
                let now_ns = self.engine.clock().now_ns();
                self.tick(now_ns).await;
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = work => {}
        }
    }

    /// Runs all queries that are due at `now_ns`. One that fails does not keep the others from running.
    async fn tick(&mut self, now_ns: i64) {
        let state = self.engine.state();
        self.known.retain(|id, known| {
            state.continuous_query(known.info.database, &known.info.name).is_some_and(|info| info.id == *id)
        });
        for info in state.continuous_queries() {
            let known = self.known.entry(info.id).or_insert_with(|| Known::new(info));
            if known.info != *info {
                *known = Known::new(info); // dropped, and another one made in its place
            }
            let Some(query) = &known.query else { continue };
            let due = query.schedule().and_then(|schedule| schedule.due(known.last_run_ns, now_ns));
            let Some(due) = due else { continue };
            known.last_run_ns = Some(due.run_ns);
            if due.range.is_empty() {
                continue;
            }
            // It may have been dropped while the ones before it ran.
            let latest = self.engine.state();
            let Some(database) = latest.database_by_id(info.database) else { continue };
            if latest.continuous_query(info.database, &info.name) != Some(info) {
                continue;
            }
            let context = QueryContext {
                database: Some(database.name.to_string()),
                now_ns,
                deadline: self.deadline,
                ..QueryContext::default()
            };
            let run = AssertUnwindSafe((self.run_into)(query.over(due.range), context)).catch_unwind().await;
            let error = match run {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some(error),
                Err(_) => Some("it met a bug of the server".to_owned()),
            };
            let (database, name) = (&*database.name, &*info.name);
            match error {
                None => {
                    self.metrics.continuous_queries_ok.inc();
                    tracing::debug!(database, name, "a continuous query ran");
                }
                Some(error) => {
                    self.metrics.continuous_queries_failed.inc();
                    tracing::error!(database, name, error, "a continuous query failed");
                }
            }
        }
    }
}
