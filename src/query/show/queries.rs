//! `SHOW QUERIES`: what runs.

use super::listing::{Column, Listing};
use crate::model::time::go_duration;
use crate::query::error::QueryError;
use crate::query::running::QueryEntry;
use std::time::Duration;

/// `SHOW QUERIES`, by id; the statement itself is among them.
///
/// # Errors
///
/// Never for a statement's fault.
pub fn queries(running: &[QueryEntry]) -> Result<Listing, QueryError> {
    let text = |of: fn(&QueryEntry) -> String| Column::Text(running.iter().map(of).collect());
    let ids = running.iter().map(|query| i64::try_from(query.id).unwrap_or(i64::MAX)).collect();
    Listing::new(
        vec!["".into(); running.len()],
        vec![
            ("qid", Column::Integer(ids)),
            ("query", text(|query| query.origin.text.clone())),
            ("database", text(|query| query.origin.database.clone())),
            ("duration", text(|query| rounded(query.elapsed))),
            ("status", text(|query| if query.is_killed { "killed" } else { "running" }.to_owned())),
            ("user", text(|query| query.origin.user.clone())),
        ],
    )
}

/// A duration in whole units of its order of magnitude, as InfluxDB 1.x shows it: `23µs`, `4ms`, `1m5s`.
fn rounded(elapsed: Duration) -> String {
    let ns = i64::try_from(elapsed.as_nanos()).unwrap_or(i64::MAX);
    let unit = match ns {
        0..1_000 => 1,
        1_000..1_000_000 => 1_000,
        1_000_000..1_000_000_000 => 1_000_000,
        _ => 1_000_000_000,
    };
    go_duration(ns - ns % unit)
}
