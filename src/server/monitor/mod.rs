//! What the server tells operators in the words of InfluxDB 1.x: SHOW STATS, SHOW DIAGNOSTICS and `/debug/vars`.
//!
//! Figures have the series and column names that InfluxDB has for the same thing, where it has one. What exists there only for
//! its engine, or for Go's runtime, is left out.
//!
//! | file | what it tells |
//! |---|---|
//! | `statistics` | counters since the start |
//! | `diagnostics` | what the server is and how it is configured |
//! | `counts` | requests, as InfluxDB counts them |
//! | `section` | a series of one row |

mod counts;
mod diagnostics;
mod section;
mod statistics;

pub(super) use counts::RequestCounts;
use diagnostics::diagnostics;
pub(super) use diagnostics::system;
pub(super) use section::{Section, Value};
pub(super) use statistics::statistics;

use super::AppState;
use influxql::ast::Statement;
use std::time::Instant;

/// When the server started.
#[derive(Clone, Copy, Debug)]
pub(super) struct Start {
    /// Of the clock that never jumps.
    instant: Instant,
    /// In nanoseconds since the epoch.
    time_ns: i64,
}

impl Start {
    pub(super) fn now(time_ns: i64) -> Self {
        Self { instant: Instant::now(), time_ns }
    }
}

/// The answer to SHOW STATS and SHOW DIAGNOSTICS; `None` for other statements.
pub(super) fn answer(state: &AppState, statement: &Statement) -> Option<Vec<Section>> {
    let (mut sections, module) = match statement {
        // As in InfluxDB this one is shown only to those who ask for it.
        Statement::ShowStats { module: Some(module) } if module == "indexes" => {
            return Some(vec![Section::new("indexes").with("memoryBytes", 0_i64)]);
        }
        Statement::ShowStats { module } => (statistics(state), module),
        Statement::ShowDiagnostics { module } => (diagnostics(state), module),
        _ => return None,
    };
    if let Some(module) = module {
        sections.retain(|section| section.name == module);
    }
    Some(sections)
}

#[cfg(test)]
mod tests;
