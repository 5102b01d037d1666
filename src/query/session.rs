//! What plans are made with and executed in: configuration, rules, functions, memory and threads.

use super::error::QueryError;
use super::exec::planner::InfluxExtensionPlanner;
use super::exec::run_aggregate_rule::RunAggregateRule;
use super::influxql::SelectPlan;
use super::influxql::source::Defaults;
use super::into::IntoRows;
use super::memory::QueryMemoryPool;
use super::scan::{SeriesColumn, TableSource};
use super::show::{Listing, SeriesSource};
use super::statement::{self, Planned, StatementContext};
use super::tables::Tables;
use super::{QueryContext, ResultStream, StatementOutcome, functions};
use crate::engine::Engine;
use crate::model::ids::{PolicyId, TableId};
use crate::model::limits::BATCH_ROWS;
use crate::model::result::ResultShape;
use crate::model::shard::Shard;
use crate::model::state::State;
use arrow::array::AsArray;
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::catalog::{Session, TableProvider};
use datafusion::execution::context::{QueryPlanner, SessionState};
use datafusion::execution::memory_pool::{GreedyMemoryPool, MemoryPool};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::{SessionStateBuilder, TaskContext};
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::{ExecutionPlan, collect};
use datafusion::physical_planner::{DefaultPhysicalPlanner, PhysicalPlanner};
use datafusion::prelude::SessionConfig;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};
use std::sync::Arc;
use tokio::runtime::{Builder, Handle, Runtime};

/// Bounds of all queries.
#[derive(Clone, Debug)]
pub struct QueryOptions {
    /// Threads that plan and execute; also the partitions of a plan.
    pub threads: usize,
    /// Memory of all queries together, in bytes. What needs more spills to disk, or fails.
    pub memory_bytes: usize,
    /// Memory of one query, in bytes.
    pub memory_per_query_bytes: usize,
}

impl Default for QueryOptions {
    fn default() -> Self {
        Self {
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            memory_bytes: 2 << 30,
            memory_per_query_bytes: 1 << 30,
        }
    }
}

/// Answers queries over one storage engine. Cheap to clone; clones share everything.
#[derive(Clone, Debug)]
pub struct QueryEngine {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    engine: Arc<Engine>,
    options: QueryOptions,
    state: SessionState,
    memory: Arc<dyn MemoryPool>,
    threads: Threads,
}

/// The runtime of queries. Shut down without waiting, since it may be dropped where waiting is forbidden.
#[derive(Debug)]
struct Threads(Option<Runtime>);

impl Drop for Threads {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// Planning recurses along conditions, whose length `influxql` bounds. Only what is used of it takes memory.
const STACK_BYTES: usize = 64 << 20;

impl QueryEngine {
    /// Starts the threads of queries.
    ///
    /// # Errors
    /// When threads or the folder for spilling cannot be had.
    pub fn new(engine: Arc<Engine>, options: QueryOptions) -> Result<Self, QueryError> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(options.threads)
            .thread_name("query")
            .thread_stack_size(STACK_BYTES)
            .enable_all()
            .build()
            .map_err(|e| QueryError::Internal(e.into()))?;
        let memory: Arc<dyn MemoryPool> = Arc::new(GreedyMemoryPool::new(options.memory_bytes));
        let environment = RuntimeEnvBuilder::new().with_memory_pool(memory.clone()).build_arc()?;
        let state = session_state(&options, environment)?;
        let threads = Threads(Some(runtime));
        Ok(Self { shared: Arc::new(Shared { engine, options, state, memory, threads }) })
    }

    /// Answers one InfluxQL statement. Rows are computed while they are read.
    ///
    /// # Errors
    /// When the statement is wrong or not supported.
    pub async fn influxql(
        &self,
        statement: &influxql::ast::Statement,
        context: &QueryContext,
    ) -> Result<StatementOutcome, QueryError> {
        let (engine, statement, context) = (self.clone(), statement.clone(), context.clone());
        let planned = self.runtime().spawn(async move { engine.answer(&statement, &context).await }).await;
        planned.map_err(|panic| QueryError::panicked(&panic))?
    }

    async fn answer(
        &self,
        statement: &influxql::ast::Statement,
        context: &QueryContext,
    ) -> Result<StatementOutcome, QueryError> {
        let tables = self.snapshot().await?;
        let defaults = Defaults { database: context.database.as_deref(), policy: context.policy.as_deref() };
        let statement_context = StatementContext { defaults, now_ns: context.now_ns };
        let planned = statement::plan_statement(statement, &tables, self, statement_context).await?;
        Ok(match planned {
            Planned::Command(command) => StatementOutcome::Command(command),
            Planned::Listing(Listing { shape, batch }) => {
                let batches = futures::stream::once(std::future::ready(Ok(batch))).boxed();
                StatementOutcome::Rows(ResultStream { shape, batches })
            }
            Planned::Select(SelectPlan { plans, shape, target }) => {
                let shape = shape.unwrap_or_else(ResultShape::empty);
                let rows = ResultStream { shape, batches: self.run(plans, context) };
                match target {
                    None => StatementOutcome::Rows(rows),
                    Some(target) => StatementOutcome::Into(IntoRows::new(target, rows)),
                }
            }
        })
    }

    /// The storage engine that queries read.
    #[must_use]
    pub fn engine(&self) -> &Arc<Engine> {
        &self.shared.engine
    }

    pub(super) fn runtime(&self) -> &Handle {
        match &self.shared.threads.0 {
            Some(runtime) => runtime.handle(),
            None => unreachable!("the runtime is taken only when the last clone is dropped"),
        }
    }

    pub(super) fn session(&self) -> &SessionState {
        &self.shared.state
    }

    /// What a statement is planned over.
    pub(super) async fn snapshot(&self) -> Result<impl Tables + use<>, QueryError> {
        let engine = self.shared.engine.clone();
        let state = engine.visible_state().await.map_err(QueryError::storage)?;
        Ok(Snapshot { state, engine })
    }

    /// Makes a plan executable, by the physical rules only: InfluxQL's plans are typed and pushed down when they are
    /// made, and those of SQL have been optimised.
    pub(super) async fn physical_plan(
        &self,
        plan: &LogicalPlan,
    ) -> Result<Arc<dyn ExecutionPlan>, QueryError> {
        let state = &self.shared.state;
        Ok(state.query_planner().create_physical_plan(plan, state).await?)
    }

    /// What one query is executed in: its own share of memory.
    pub(super) fn task_context(&self) -> Arc<TaskContext> {
        let shared = &self.shared;
        let pool = QueryMemoryPool::new(shared.memory.clone(), shared.options.memory_per_query_bytes);
        let base = shared.state.runtime_env();
        let environment = RuntimeEnv { memory_pool: Arc::new(pool), ..base.as_ref().clone() };
        Arc::new(TaskContext::new(
            None,
            shared.state.session_id().to_owned(),
            shared.state.config().clone(),
            shared.state.scalar_functions().clone(),
            shared.state.higher_order_functions().clone(),
            shared.state.aggregate_functions().clone(),
            shared.state.window_functions().clone(),
            Arc::new(environment),
        ))
    }
}

impl SeriesSource for QueryEngine {
    fn texts(&self, plan: LogicalPlan) -> BoxFuture<'_, Result<Vec<String>, QueryError>> {
        async move {
            let plan = self.physical_plan(&plan).await?;
            let batches = collect(plan, self.task_context()).await?;
            let mut texts = Vec::new();
            for batch in &batches {
                let column =
                    cast(batch.column(0), &DataType::Utf8).map_err(|e| QueryError::Internal(e.into()))?;
                texts.extend(column.as_string::<i32>().iter().flatten().map(str::to_owned));
            }
            Ok(texts)
        }
        .boxed()
    }

    fn shards(&self, policy: PolicyId) -> BoxFuture<'_, Result<Vec<Shard>, QueryError>> {
        async move { self.shared.engine.shards(policy).await.map_err(QueryError::storage) }.boxed()
    }
}

/// The catalog at one moment; tables are looked at when they are planned.
struct Snapshot {
    state: Arc<State>,
    engine: Arc<Engine>,
}

impl Tables for Snapshot {
    fn state(&self) -> &State {
        &self.state
    }

    fn provider(&self, table: TableId) -> Result<Arc<dyn TableProvider>, QueryError> {
        let view = self.engine.read_view(table).map_err(QueryError::storage)?;
        let gone = || QueryError::Query("the measurement was dropped while it was read".to_owned());
        let view = view.ok_or_else(gone)?;
        Ok(Arc::new(TableSource::new(self.engine.clone(), view, SeriesColumn::Shown)))
    }
}

fn session_state(options: &QueryOptions, environment: Arc<RuntimeEnv>) -> Result<SessionState, QueryError> {
    let config = SessionConfig::new()
        .with_target_partitions(options.threads)
        .with_batch_size(BATCH_ROWS)
        .with_information_schema(true)
        .with_default_catalog_and_schema("public", "iox")
        .with_create_default_catalog_and_schema(false);
    let mut state = SessionStateBuilder::new()
        .with_config(config)
        .with_runtime_env(environment)
        .with_default_features()
        .with_query_planner(Arc::new(Planner))
        .with_physical_optimizer_rule(Arc::new(RunAggregateRule))
        .build();
    functions::register(&mut state)?;
    Ok(state)
}

/// DataFusion's planner with the nodes of InfluxQL.
#[derive(Debug)]
struct Planner;

#[async_trait::async_trait]
impl QueryPlanner for Planner {
    async fn create_physical_plan(
        &self,
        plan: &LogicalPlan,
        session: &dyn Session,
    ) -> datafusion::error::Result<Arc<dyn ExecutionPlan>> {
        let planner = DefaultPhysicalPlanner::with_extension_planners(vec![Arc::new(InfluxExtensionPlanner)]);
        planner.create_physical_plan(plan, session).await
    }
}
