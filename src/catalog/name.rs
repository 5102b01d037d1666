//! Which names a database or retention policy may bear.

use super::CatalogError;
use crate::model::limits::NAME_BYTES_MAX;
use regex::Regex;
use std::sync::LazyLock;

/// Only what Go's `unicode.IsPrint` takes: letters, marks, numbers, punctuation, symbols and the ASCII space.
static PRINTABLE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^[\p{L}\p{M}\p{N}\p{P}\p{S} ]+$").expect("the pattern is constant and right")
});

/// Checks what a name consists of.
pub(super) fn check_form(name: &str) -> Result<(), CatalogError> {
    if matches!(name, "." | "..") || name.contains(['/', '\\']) || !PRINTABLE.is_match(name) {
        return Err(CatalogError::INVALID_NAME);
    }
    Ok(())
}

/// Checks how long a name is. Apart from [`check_form`], because 1.x has other checks in between.
pub(super) fn check_length(name: &str) -> Result<(), CatalogError> {
    if name.len() > NAME_BYTES_MAX { Err(CatalogError::NAME_TOO_LONG) } else { Ok(()) }
}
