//! Shorthand for the errors of this module, which are all the statement's fault.

use crate::query::error::QueryError;

/// What resolving and planning return.
pub(super) type Result<T> = std::result::Result<T, QueryError>;

/// The statement is wrong.
pub(super) fn err<T>(text: impl Into<String>) -> Result<T> {
    Err(QueryError::Query(text.into()))
}
