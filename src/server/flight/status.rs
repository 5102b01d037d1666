//! The only place that turns errors into gRPC statuses.
//!
//! Clients retry `unavailable` and, some, `resource exhausted`; they show everything else to their users.

use super::database::DatabaseError;
use super::parameters::ParametersError;
use crate::query::QueryError;
use arrow::error::ArrowError;
use std::any::Any;
use tonic::Status;

/// A query that failed.
pub(super) fn of_query(error: QueryError) -> Status {
    let text = error.to_string();
    match error {
        QueryError::Query(_) | QueryError::Dropped => Status::invalid_argument(text),
        QueryError::Resource(_) => Status::resource_exhausted(text),
        QueryError::Cancelled => Status::cancelled(text),
        QueryError::Internal(_) => internal(text),
    }
}

/// A call that names no database, or one that is not there.
pub(super) fn of_database(error: &DatabaseError) -> Status {
    match error {
        DatabaseError::NotFound(_) => Status::not_found(error.to_string()),
        DatabaseError::Missing | DatabaseError::Several | DatabaseError::NotText(_) => {
            Status::invalid_argument(error.to_string())
        }
    }
}

/// Values that cannot be bound.
pub(super) fn of_parameters(error: &ParametersError) -> Status {
    Status::invalid_argument(error.to_string())
}

/// Bytes or texts of a client that mean nothing.
pub(super) fn malformed(what: &str, why: impl std::fmt::Display) -> Status {
    Status::invalid_argument(format!("cannot read {what}: {why}"))
}

/// A call that the protocol has and this server has not.
pub(super) fn not_supported(what: &str) -> Status {
    Status::unimplemented(format!("{what} is not supported"))
}

/// Arrow failed on data of ours.
pub(super) fn of_arrow(error: &ArrowError) -> Status {
    internal(format!("internal error: {error}"))
}

/// A call met a bug.
pub(super) fn of_panic(panic: &(dyn Any + Send)) -> Status {
    let text =
        panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    tracing::error!(panic = text.unwrap_or("of unknown kind"), "a Flight call met a bug");
    Status::internal("internal error: the server met a bug while answering")
}

fn internal(text: String) -> Status {
    tracing::error!(error = text, "a Flight call failed by a fault of the server");
    Status::internal(text)
}
