//! Runs the statements of a request in order and encodes what they give.
//!
//! After a statement that failed the others answer `not executed`, each under its own number, as since 1.11. Whoever drops
//! the future, or the receiver of the parts, cancels the query; a change that the engine has begun is carried out
//! all the same.

use super::request::QueryRequest;
use super::style::{read_only_warning, style_of, warning_of};
use crate::encode::v1::{ResponseEncoder, StatementStyle};
use crate::engine::{Engine, EngineError};
use crate::query::{
    Command, QueryContext, QueryError, QueryOrigin, ResultStream, RunningQuery, StatementOutcome, UserCommand,
};
use crate::server::AppState;
use crate::server::error::{command_text, statement_text};
use crate::server::into::{self, write_into};
use crate::server::metrics::QueryAccount;
use crate::server::monitor::{self, Section};
use bytes::Bytes;
use futures::StreamExt;
use influxql::ast::Statement;
use std::sync::Arc;
use tokio::sync::mpsc::{self, Sender};

/// A response is sent in parts of at least this size: large enough that the cost of a part does not matter.
pub(super) const PART_BYTES: usize = 64 << 10;

/// The answer of statements that are not run because one before them failed.
const NOT_EXECUTED: &str = "not executed";

/// Nobody reads the response any more.
struct ClientGone;

/// Runs the request; the parts of the response go to `parts`.
pub(super) async fn answer(state: AppState, request: QueryRequest, parts: Sender<Bytes>) {
    let mut account = QueryAccount::begin(state.metrics.clone());
    let encoder = ResponseEncoder::new(&request.options);
    let flushes_early = request.options.chunk_rows.is_some();
    let mut run = Run { state, request: &request, encoder, parts: &parts, flushes_early };
    let ended = tokio::select! {
        biased;
        () = parts.closed() => Err(ClientGone),
        ended = run.all() => ended,
    };
    if ended.is_ok() {
        account.end();
    }
}

/// Runs the request for its effects. Errors go to the log.
pub(super) async fn in_background(state: AppState, request: QueryRequest) {
    let (sender, mut parts) = mpsc::channel(1);
    let discard = async { while parts.recv().await.is_some() {} };
    tokio::join!(answer(state, request, sender), discard);
}

struct Run<'a> {
    state: AppState,
    request: &'a QueryRequest,
    encoder: ResponseEncoder,
    parts: &'a Sender<Bytes>,
    /// The client wants each chunk as soon as it is there.
    flushes_early: bool,
}

impl Run<'_> {
    async fn all(&mut self) -> Result<(), ClientGone> {
        let running = match self.begin() {
            Ok(running) => running,
            Err(error) => {
                self.encoder.begin_statement(0, StatementStyle::default());
                self.state.metrics.statements_failed.inc();
                self.encoder.error(statement_text(&error));
                self.encoder.end_statement();
                self.encoder.finish();
                return self.send(1).await;
            }
        };
        let mut has_failed = false;
        for (id, statement) in self.request.statements.iter().enumerate() {
            if self.encoder.is_closed() {
                break;
            }
            self.encoder.begin_statement(id, style_of(statement));
            let failure = if has_failed {
                Some(NOT_EXECUTED.to_owned())
            } else {
                self.statement(statement, &running).await?
            };
            if let Some(text) = failure {
                if self.request.is_async {
                    tracing::error!(%statement, error = text, "a statement of an asynchronous query failed");
                }
                self.state.metrics.statements_failed.inc();
                self.encoder.error(text);
                has_failed = true;
            }
            self.encoder.end_statement();
        }
        self.encoder.finish();
        self.send(1).await
    }

    /// The request as a running query: one for all its statements, as in InfluxDB 1.x.
    fn begin(&self) -> Result<Arc<RunningQuery>, QueryError> {
        let texts: Vec<String> = self.request.statements.iter().map(ToString::to_string).collect();
        let origin = QueryOrigin {
            text: texts.join(";\n"),
            database: self.request.database.clone().unwrap_or_default(),
            user: String::new(),
            deadline: self.state.settings.query_timeout,
        };
        self.state.query.running().begin(origin)
    }

    /// Runs a statement and gives the text of its error, if it failed.
    async fn statement(
        &mut self,
        statement: &Statement,
        running: &Arc<RunningQuery>,
    ) -> Result<Option<String>, ClientGone> {
        let context = QueryContext {
            database: self.request.database.clone(),
            policy: self.request.policy.clone(),
            now_ns: self.state.engine.clock().now_ns(),
            deadline: None, // the running query has it
            running: Some(Arc::clone(running)),
        };
        if let Some(sections) = monitor::answer(&self.state, statement) {
            return Ok(self.sections(&sections));
        }
        let warning = if self.request.is_read_only { read_only_warning(statement) } else { None };
        match self.state.query.influxql(statement, &context).await {
            Err(error) => Ok(Some(statement_text(&error))),
            Ok(StatementOutcome::Rows(rows)) => {
                self.warn(warning);
                self.rows(rows, running).await
            }
            Ok(StatementOutcome::Into(rows)) => match write_into(&self.state.engine, rows).await {
                Err(error) => Ok(Some(statement_text(&error))),
                Ok(written) => {
                    self.warn(warning);
                    self.rows(into::result_of(async move { Ok(written) }), running).await
                }
            },
            Ok(StatementOutcome::Command(command)) => {
                let warning = warning.map(|warning| match &command {
                    // Quoted in its normal form.
                    Command::CreateContinuousQuery { statement, .. } => warning_of(statement),
                    _ => warning,
                });
                if let Some(text) = carry_out(self.state.engine.clone(), command).await {
                    return Ok(Some(text));
                }
                self.warn(warning);
                Ok(None)
            }
        }
    }

    /// Encodes figures of the server, each series with columns of its own.
    fn sections(&mut self, sections: &[Section]) -> Option<String> {
        let mut encode = |section: &Section| {
            let (shape, batch) = section.rows().map_err(|error| error.to_string())?;
            self.encoder.rows(&shape);
            self.encoder.batch(&batch).map_err(|error| error.to_string())
        };
        let failed = sections.iter().try_for_each(&mut encode).err()?;
        tracing::error!(error = failed, "figures of the server cannot be shown");
        Some(format!("internal error: {failed}"))
    }

    fn warn(&mut self, warning: Option<String>) {
        if let Some(text) = warning {
            self.encoder.message(text);
        }
    }

    async fn rows(
        &mut self,
        mut rows: ResultStream,
        running: &RunningQuery,
    ) -> Result<Option<String>, ClientGone> {
        self.encoder.rows(&rows.shape);
        while let Some(batch) = rows.batches.next().await {
            let encoded = match batch {
                Ok(batch) => self.encoder.batch(&batch),
                Err(error) => return Ok(Some(statement_text(&error))),
            };
            if let Err(error) = encoded {
                tracing::error!(%error, "a result does not suit its shape");
                return Ok(Some(format!("internal error: {error}")));
            }
            if self.encoder.is_closed() {
                break;
            }
            // A query that waits for its reader can be interrupted too.
            tokio::select! {
                biased;
                sent = self.send(if self.flushes_early { 1 } else { PART_BYTES }) => sent?,
                error = running.interrupted() => return Ok(Some(statement_text(&error))),
            }
        }
        Ok(None)
    }

    /// Sends what is ready when it is at least this much. Nothing is lost when it is given up.
    async fn send(&mut self, bytes_min: usize) -> Result<(), ClientGone> {
        if self.encoder.ready_bytes() < bytes_min {
            return Ok(());
        }
        let place = self.parts.reserve().await.map_err(|_| ClientGone)?;
        let part = Bytes::from(self.encoder.take());
        self.state.metrics.counts.query_response_bytes.add(part.len() as u64);
        place.send(part);
        Ok(())
    }
}

/// Has the engine carry out a change, to its end even when nobody waits any more. Gives the text of its error.
async fn carry_out(engine: Arc<Engine>, command: Command) -> Option<String> {
    let task = tokio::spawn(async move { execute(&engine, command).await });
    match task.await {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(command_text(&error)),
        Err(panic) => Some(format!("internal error: {panic}")),
    }
}

async fn execute(engine: &Engine, command: Command) -> Result<(), EngineError> {
    match command {
        Command::CreateDatabase { name, policy } => engine.create_database(&name, policy).await,
        Command::DropDatabase { name } => engine.drop_database(&name).await,
        Command::CreatePolicy { database, name, spec, make_default } => {
            engine.create_policy(&database, &name, spec, make_default).await
        }
        Command::AlterPolicy { database, name, change } => {
            engine.alter_policy(&database, &name, change).await
        }
        Command::DropPolicy { database, name } => engine.drop_policy(&database, &name).await,
        Command::Delete { deletions } => engine.delete(&deletions).await,
        Command::DropMeasurement { database, name } => engine.drop_measurement(&database, &name).await,
        Command::CreateContinuousQuery { database, name, statement } => {
            engine.create_continuous_query(&database, &name, &statement).await
        }
        Command::DropContinuousQuery { database, name } => {
            engine.drop_continuous_query(&database, &name).await
        }
        Command::CreateSubscription { database, policy, spec } => {
            engine.create_subscription(&database, &policy, &spec).await
        }
        Command::DropSubscription { database, policy, name } => {
            engine.drop_subscription(&database, &policy, &name).await
        }
        Command::User(command) => change_user(engine, command).await,
    }
}

async fn change_user(engine: &Engine, command: UserCommand) -> Result<(), EngineError> {
    match command {
        UserCommand::Create { name, password, is_admin } => {
            engine.create_user(&name, password, is_admin).await
        }
        UserCommand::Drop { name } => engine.drop_user(&name).await,
        UserCommand::SetPassword { name, password } => engine.set_password(&name, password).await,
        UserCommand::ChangeRights { name, change } => engine.change_rights(&name, &change).await,
    }
}
