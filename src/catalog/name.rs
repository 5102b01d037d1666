//! Which names a database or retention policy may bear.

use super::CatalogError;
use crate::model::limits::NAME_BYTES_MAX;
use regex::Regex;
use std::sync::LazyLock;

/// Only what Go's `unicode.IsPrint` takes: letters, marks, numbers, punctuation, symbols and the ASCII space.
static PRINTABLE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^[\p{L}\p{M}\p{N}\p{P}\p{S} ]+$").expect("the pattern is constant and right")
});

/// Checks the name of a new database or policy.
///
/// # Errors
/// When InfluxDB 1.x would refuse it.
pub(super) fn check(name: &str) -> Result<(), CatalogError> {
    if matches!(name, "." | "..") || name.contains(['/', '\\']) || !PRINTABLE.is_match(name) {
        return Err(CatalogError::INVALID_NAME);
    }
    if name.len() > NAME_BYTES_MAX {
        return Err(CatalogError::NAME_TOO_LONG);
    }
    Ok(())
}
