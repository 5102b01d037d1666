//! The names `tz()` takes.

use std::str::FromStr as _;

use chrono_tz::Tz;

/// The name of a time zone of the IANA database as it is kept in the tree, or `None` for anything
/// else. Case matters. The empty name is UTC, as in InfluxDB 1.x; its `Local` is not taken, since
/// the machine a server runs on should not change what a query means.
pub(crate) fn canonical_name(name: &str) -> Option<&str> {
    match name {
        "" => Some("UTC"),
        _ => Tz::from_str(name).ok().map(|_| name),
    }
}
