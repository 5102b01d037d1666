//! What plans are made with and executed in: configuration, rules, functions, memory and threads.

use super::error::QueryError;
use super::exec::planner::{InfluxQueryPlanner, physical_planner};
use super::exec::run_aggregate_rule::RunAggregateRule;
use super::influxql::SelectPlan;
use super::into::IntoRows;
use super::memory::QueryMemoryPool;
use super::physical_rules::{rules_of_many_partitions, runs_as_it_is};
use super::run::{Attended, Language};
use super::running::{QueryOrigin, RunningQueries, RunningQuery};
use super::scan::{ReadLimits, SeriesColumn, TableMoment, TableSource};
use super::show;
use super::small::{Size, is_at_hand, is_small, looks_at_little};
use super::spill;
use super::statement::{self, Planned, StatementContext};
use super::tables::Tables;
use super::{QueryContext, ResultStream, StatementOutcome, functions};
use crate::engine::Engine;
use crate::model::ids::TableId;
use crate::model::limits::BATCH_ROWS;
use crate::model::result::ResultShape;
use crate::model::state::State;
use ahash::AHashMap;
use datafusion::catalog::TableProvider;
use datafusion::execution::context::SessionState;
use datafusion::execution::memory_pool::{GreedyMemoryPool, MemoryPool};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::{SessionStateBuilder, TaskContext};
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_planner::PhysicalPlanner;
use datafusion::prelude::SessionConfig;
use futures::{FutureExt, StreamExt};
use influxql::ast::Statement;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::time::Duration;
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
    /// The folder that queries spill to; emptied at the start. The system's temporary folder when `None`.
    pub spill_folder: Option<PathBuf>,
    /// What queries may do at most.
    pub limits: QueryLimits,
}

/// What queries may do at most; 0 = any number.
#[derive(Clone, Debug, Default)]
pub struct QueryLimits {
    /// Queries that run at once (InfluxDB 1.x `max-concurrent-queries`).
    pub concurrent_max: usize,
    /// Points that a query reads (InfluxDB 1.x `max-select-point`).
    pub select_points_max: u64,
    /// Series that a query reads (InfluxDB 1.x `max-select-series`).
    pub select_series_max: u64,
    /// Windows of GROUP BY time per series (InfluxDB 1.x `max-select-buckets`).
    pub select_buckets_max: usize,
    /// When a query is logged (InfluxDB 1.x `log-queries-after`); never when `None`.
    pub log_after: Option<Duration>,
}

impl Default for QueryOptions {
    fn default() -> Self {
        Self {
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            memory_bytes: 2 << 30,
            memory_per_query_bytes: 1 << 30,
            spill_folder: None,
            limits: QueryLimits::default(),
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
    influxql: InfluxqlStates,
    memory: Arc<dyn MemoryPool>,
    running: Arc<RunningQueries>,
    threads: Threads,
}

/// What plans of InfluxQL are made with: configuration and functions of all plans, with fewer physical rules.
#[derive(Debug)]
struct InfluxqlStates {
    without_rules: SessionState,
    /// For plans that need some.
    many_partitions: SessionState,
}

impl InfluxqlStates {
    fn of(state: &SessionState) -> Self {
        let with = |rules| {
            SessionStateBuilder::new_from_existing(state.clone()).with_physical_optimizer_rules(rules).build()
        };
        Self { without_rules: with(Vec::new()), many_partitions: with(rules_of_many_partitions()) }
    }
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

/// The stack of a thread that plans queries: planning recurses along conditions, whose length `influxql` bounds. Only what is used of it
/// takes memory.
pub const STACK_BYTES: usize = 64 << 20;

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
        let environment = RuntimeEnvBuilder::new()
            .with_memory_pool(memory.clone())
            .with_disk_manager_builder(spill::disk_manager(&options)?)
            .build_arc()?;
        let state = session_state(&options, environment)?;
        let influxql = InfluxqlStates::of(&state);
        let threads = Threads(Some(runtime));
        let running = RunningQueries::new(options.limits.concurrent_max, options.limits.log_after);
        let shared = Shared { engine, options, state, influxql, memory, running, threads };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Answers one InfluxQL statement. Rows are computed while they are read.
    ///
    /// # Errors
    /// When the statement is wrong or not supported.
    pub async fn influxql(
        &self,
        statement: &Statement,
        context: &QueryContext,
    ) -> Result<StatementOutcome, QueryError> {
        let query = self.running_query(context, || statement.to_string())?;
        // Answered where the request is: the threads of queries may all be busy with what is to be killed.
        match statement {
            Statement::ShowQueries => return Ok(show::queries(&self.shared.running.list())?.into()),
            Statement::KillQuery { id, .. } => {
                self.shared.running.kill(*id)?;
                return Ok(StatementOutcome::Rows(ResultStream::empty()));
            }
            _ => {}
        }
        let working = Arc::clone(&query);
        // What deletions have left may have to be read in the files of all tables.
        let engine = &self.shared.engine;
        if is_small(statement)
            && engine.knows_visible_state()
            && is_at_hand(statement, context.defaults(), engine)
        {
            let answer = Box::pin(self.answer(statement, context, working, Size::Small));
            return tokio::select! {
                biased;
                error = query.interrupted() => Err(error),
                answer = AssertUnwindSafe(answer).catch_unwind() => {
                    answer.unwrap_or_else(|panic| Err(QueryError::unwound(&*panic)))
                }
            };
        }
        let (engine, statement, context) = (self.clone(), statement.clone(), context.clone());
        let answer = async move { engine.answer(&statement, &context, working, Size::Any).await };
        let planned = Attended::new(self.runtime().spawn(answer));
        tokio::select! {
            biased;
            error = query.interrupted() => Err(error),
            planned = planned => planned.map_err(|panic| QueryError::panicked(&panic))?,
        }
    }

    /// The running queries.
    #[must_use]
    pub fn running(&self) -> &Arc<RunningQueries> {
        &self.shared.running
    }

    /// The running query that a context names, or else one that begins.
    pub(super) fn running_query(
        &self,
        context: &QueryContext,
        text: impl FnOnce() -> String,
    ) -> Result<Arc<RunningQuery>, QueryError> {
        if let Some(query) = &context.running {
            return Ok(Arc::clone(query));
        }
        self.shared.running.begin(QueryOrigin {
            text: text(),
            database: context.database.clone().unwrap_or_default(),
            user: String::new(),
            deadline: context.deadline,
        })
    }

    async fn answer(
        &self,
        statement: &Statement,
        context: &QueryContext,
        query: Arc<RunningQuery>,
        size: Size,
    ) -> Result<StatementOutcome, QueryError> {
        let mut attempts = self.first_attempt();
        loop {
            let error = match self.answer_once(statement, context, Arc::clone(&query), size).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            if !attempts.again_after(&error).await {
                return Err(error);
            }
        }
    }

    async fn answer_once(
        &self,
        statement: &Statement,
        context: &QueryContext,
        query: Arc<RunningQuery>,
        size: Size,
    ) -> Result<StatementOutcome, QueryError> {
        let tables = self.snapshot().await?;
        let statement_context = StatementContext { defaults: context.defaults(), now_ns: context.now_ns };
        if let Statement::Explain(explain) = statement {
            return Ok(self.explain(explain, &tables, statement_context).await?.into());
        }
        let planned = statement::plan_statement(statement, &tables, self, statement_context).await?;
        Ok(match planned {
            Planned::Command(command) => StatementOutcome::Command(command),
            Planned::Listing(listing) => listing.into(),
            Planned::Select(SelectPlan { mut plans, shape, target }) => {
                let shape = shape.unwrap_or_else(ResultShape::empty);
                let is_small =
                    matches!(plans.as_slice(), [plan] if size == Size::Small && looks_at_little(plan)?);
                let batches = match plans.pop_if(|_| is_small) {
                    Some(plan) => self.run_small(plan, query).await?,
                    None if plans.is_empty() => futures::stream::empty().boxed(),
                    None => self.run(plans, Language::Influxql, query),
                };
                let rows = ResultStream { shape, batches };
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
        let buckets_max = self.shared.options.limits.select_buckets_max;
        Ok(Snapshot { state, engine, looked_at: Mutex::default(), buckets_max })
    }

    /// Makes a plan of InfluxQL executable, by physical rules only: these plans are typed and pushed down when they are made.
    pub(super) async fn physical_plan(
        &self,
        plan: &LogicalPlan,
    ) -> Result<Arc<dyn ExecutionPlan>, QueryError> {
        let InfluxqlStates { without_rules, many_partitions } = &self.shared.influxql;
        let planner = physical_planner();
        let plan = planner.create_physical_plan(plan, without_rules).await?;
        let config = without_rules.config_options();
        Ok(match runs_as_it_is(&plan, config) {
            true => RunAggregateRule.optimize(plan, config)?,
            false => planner.optimize_physical_plan(plan, many_partitions, |_, _| {})?,
        })
    }

    /// Makes an optimised plan of SQL executable, by all of DataFusion's physical rules: without them a join has no mode that it could
    /// be executed in.
    pub(super) async fn sql_physical_plan(
        &self,
        plan: &LogicalPlan,
    ) -> Result<Arc<dyn ExecutionPlan>, QueryError> {
        Ok(physical_planner().create_physical_plan(plan, &self.shared.state).await?)
    }

    /// What one query is executed in: its own share of memory.
    pub(super) fn task_context(&self) -> Arc<TaskContext> {
        self.task_context_with(self.shared.state.config().clone())
    }

    /// The same, in which the query may read as much as the limits say.
    pub(super) fn limited_task_context(&self) -> Arc<TaskContext> {
        let limits = &self.shared.options.limits;
        let config = self.shared.state.config().clone();
        match ReadLimits::new(limits.select_points_max, limits.select_series_max) {
            Some(limits) => self.task_context_with(config.with_extension(Arc::new(limits))),
            None => self.task_context_with(config),
        }
    }

    fn task_context_with(&self, config: SessionConfig) -> Arc<TaskContext> {
        let shared = &self.shared;
        let pool = QueryMemoryPool::new(shared.memory.clone(), shared.options.memory_per_query_bytes);
        let base = shared.state.runtime_env();
        let environment = RuntimeEnv { memory_pool: Arc::new(pool), ..base.as_ref().clone() };
        Arc::new(TaskContext::new(
            None,
            shared.state.session_id().to_owned(),
            config,
            // A plan brings its functions along; registries are for plans that were serialised.
            HashMap::new(),
            HashMap::new(),
            HashMap::new(),
            HashMap::new(),
            Arc::new(environment),
        ))
    }
}

/// The catalog at one moment, and each table at the moment when it is first planned.
struct Snapshot {
    state: Arc<State>,
    engine: Arc<Engine>,
    /// The tables that are looked at, as long as a plan has them: one that reads a table several times reads the same rows each time.
    looked_at: Mutex<AHashMap<TableId, Weak<TableMoment>>>,
    buckets_max: usize,
}

impl Tables for Snapshot {
    fn state(&self) -> &State {
        &self.state
    }

    fn provider(&self, table: TableId) -> Result<Arc<dyn TableProvider>, QueryError> {
        let mut looked_at = self.looked_at.lock();
        if let Some(known) = looked_at.get(&table).and_then(Weak::upgrade) {
            return Ok(Arc::new(TableSource::of(known)));
        }
        let view = self.engine.read_view(table).map_err(QueryError::storage)?;
        let view = view.ok_or(QueryError::Dropped)?;
        let moment = Arc::new(TableMoment::new(self.engine.clone(), view, SeriesColumn::Shown));
        looked_at.insert(table, Arc::downgrade(&moment));
        Ok(Arc::new(TableSource::of(moment)))
    }

    fn buckets_max(&self) -> usize {
        self.buckets_max
    }
}

fn session_state(options: &QueryOptions, environment: Arc<RuntimeEnv>) -> Result<SessionState, QueryError> {
    let config = SessionConfig::new()
        .with_target_partitions(options.threads)
        .with_batch_size(BATCH_ROWS)
        .with_sort_spill_reservation_bytes(spill::merge_bytes(options))
        .with_information_schema(true)
        .with_default_catalog_and_schema("public", "iox")
        .with_create_default_catalog_and_schema(false);
    let mut state = SessionStateBuilder::new()
        .with_config(config)
        .with_runtime_env(environment)
        .with_default_features()
        .with_query_planner(Arc::new(InfluxQueryPlanner))
        .with_physical_optimizer_rule(Arc::new(RunAggregateRule))
        .build();
    functions::register(&mut state)?;
    Ok(state)
}
