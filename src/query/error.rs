//! [`QueryError`]: why a statement has no answer, by whose fault it is.

use datafusion::error::DataFusionError;
use std::any::Any;

/// A statement failed. `Display` is the text that clients see.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The statement is wrong or not supported: its author has to change it. The texts are those of
    /// InfluxDB 1.x where it has the same error.
    #[error("{0}")]
    Query(String),
    /// A limit of the server was met: the same statement may succeed later or on less data.
    #[error("{0}")]
    Resource(String),
    /// A table was dropped between the look at the catalog and the look at its rows. The same statement finds another catalog now, and is
    /// planned again over that; clients see this only where tables are dropped as fast as that.
    #[error("the measurement was dropped while it was read")]
    Dropped,
    /// The client went away, or the query was killed.
    #[error("query interrupted")]
    Cancelled,
    /// A fault of the server.
    #[error("internal error: {0}")]
    Internal(#[source] DataFusionError),
}

impl QueryError {
    /// The honest answer to what is not built yet.
    pub fn unsupported(what: impl std::fmt::Display) -> Self {
        Self::Query(format!("{what} is not supported yet"))
    }
}

impl From<DataFusionError> for QueryError {
    fn from(error: DataFusionError) -> Self {
        match error.find_root() {
            DataFusionError::ResourcesExhausted(text) => Self::Resource(text.clone()),
            _ => Self::Internal(error),
        }
    }
}

impl QueryError {
    /// A task of the query ended by a panic: a bug.
    pub(super) fn panicked(panic: &tokio::task::JoinError) -> Self {
        Self::Internal(DataFusionError::Internal(panic.to_string()))
    }

    /// As [`QueryError::panicked`], for what is no task of its own.
    pub(super) fn unwound(panic: &(dyn Any + Send)) -> Self {
        let message = panic.downcast_ref::<String>().map(String::as_str);
        let message =
            message.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a message");
        Self::Internal(DataFusionError::Internal(format!("the query panicked: {message}")))
    }

    /// Rows could not be read.
    pub(super) fn storage(error: crate::engine::EngineError) -> Self {
        Self::Internal(DataFusionError::External(Box::new(error)))
    }

    /// Why a SQL text has no plan: mostly its author's fault.
    pub(super) fn of_sql(error: DataFusionError) -> Self {
        match error.find_root() {
            DataFusionError::SQL(..) | DataFusionError::Plan(_) | DataFusionError::SchemaError(..) => {
                Self::Query(error.strip_backtrace())
            }
            DataFusionError::NotImplemented(text) => Self::unsupported(text),
            _ => error.into(),
        }
    }
}
