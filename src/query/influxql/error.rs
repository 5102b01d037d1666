//! Shorthand for the errors of this module, which are all the statement's fault.

use crate::query::error::QueryError;

/// What resolving and planning return.
pub type Result<T> = std::result::Result<T, QueryError>;

/// The statement is wrong.
pub fn err<T>(text: impl Into<String>) -> Result<T> {
    Err(QueryError::Query(text.into()))
}
