//! Layer 4: queries. InfluxQL and SQL become DataFusion plans over [`ReadView`](crate::engine::ReadView)s, and these
//! become streams of record batches. Nothing here writes: a statement that changes something comes back as a
//! [`Command`] for the engine, and one that writes as [`IntoRows`]. Nothing here knows protocols or formats.
//!
//! ```text
//! influxql::Statement ─ statement ─▶ SELECT ─ influxql ─▶ LogicalPlan ┐
//!                           │        SHOW ── show ──────▶             ├ session ─▶ ExecutionPlan ─ run ─▶ batches
//!                           └─▶ Command        SQL text ─ sql ────────┘    scan: the leaves
//! ```
//!
//! | part | what |
//! |---|---|
//! | [`statement`] | what kind of answer a statement has |
//! | [`influxql`] | SELECT: resolved, then planned, one file per shape of query |
//! | [`into`] | the rows of `SELECT … INTO` as rows to be written |
//! | [`show`] | SHOW statements |
//! | [`deletion`] | DELETE, DROP SERIES, DROP SHARD |
//! | [`continuous`] | continuous queries: their normal form, and when they run over what |
//! | [`privileges`] | what a user must be allowed to do for a statement |
//! | [`sql`] | SQL over the tables of one database |
//! | [`whole_table`] | all rows of a table as they lie, for exports |
//! | [`scan`] | tables as leaves of a plan |
//! | [`functions`], [`exec`] | what DataFusion lacks: aggregates, selectors, scalar functions, plan nodes |
//! | [`explain`] | EXPLAIN: what a plan would do, and did |
//! | [`session`], [`run`], [`memory`], `spill` | planning and executing, within bounds |
//! | `small` | which questions are answered on the thread that asks |
//! | `outdated` | planning again what met a file that another process has deleted |
//! | [`running`] | the queries that run, to be listed and killed |
//! | [`timing`] | how long each stage takes |

pub mod command;
pub mod continuous;
pub mod deletion;
pub mod error;
pub mod exec;
pub mod explain;
pub mod functions;
pub mod influxql;
pub mod into;
pub mod memory;
mod outdated;
mod physical_rules;
pub mod privileges;
pub mod run;
pub mod running;
pub mod scan;
mod series_source;
pub mod session;
pub mod show;
mod small;
mod spill;
pub mod sql;
pub mod statement;
pub mod tables;
#[cfg(test)]
mod tests;
pub mod timing;
pub mod whole_table;

pub use command::{Command, UserCommand};
pub use error::QueryError;
pub use into::{IntoRows, IntoTarget};
pub use running::{QueryOrigin, RunningQueries, RunningQuery};
pub use session::{QueryEngine, QueryLimits, QueryOptions, STACK_BYTES};
pub use sql::{SqlParameters, SqlResult};

use self::influxql::source::Defaults;
use crate::model::result::ResultShape;
use arrow::array::RecordBatch;
use futures::StreamExt;
use futures::stream::BoxStream;
use std::sync::Arc;
use std::time::Duration;

/// Record batches as they are computed. Dropping it cancels the query.
pub type Batches = BoxStream<'static, Result<RecordBatch, QueryError>>;

/// What a statement is run with.
#[derive(Clone, Debug, Default)]
pub struct QueryContext {
    /// The database of names that bear none.
    pub database: Option<String>,
    /// The retention policy of names that bear none; the database's default when `None`.
    pub policy: Option<String>,
    /// What `now()` means, in nanoseconds since the epoch.
    pub now_ns: i64,
    /// How long the query may take; for ever when `None`.
    pub deadline: Option<Duration>,
    /// The running query that the statement is part of. Without one the statement is a query of its own.
    pub running: Option<Arc<RunningQuery>>,
}

impl QueryContext {
    /// What names that leave something out mean.
    fn defaults(&self) -> Defaults<'_> {
        Defaults { database: self.database.as_deref(), policy: self.policy.as_deref() }
    }
}

/// The answer to a statement.
pub enum StatementOutcome {
    /// Rows, maybe none.
    Rows(ResultStream),
    /// A change, not carried out yet.
    Command(Command),
    /// Rows to be written, of `SELECT … INTO`.
    Into(IntoRows),
}

/// Rows and how to read them.
pub struct ResultStream {
    /// Which columns mean what.
    pub shape: ResultShape,
    /// The rows, as the shape says.
    pub batches: Batches,
}

impl ResultStream {
    /// No rows, and no columns either.
    #[must_use]
    pub fn empty() -> Self {
        Self { shape: ResultShape::empty(), batches: futures::stream::empty().boxed() }
    }
}

impl From<show::Listing> for StatementOutcome {
    fn from(listing: show::Listing) -> Self {
        let show::Listing { shape, batch } = listing;
        let batches = futures::stream::once(std::future::ready(Ok(batch))).boxed();
        Self::Rows(ResultStream { shape, batches })
    }
}
