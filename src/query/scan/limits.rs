//! [`ReadLimits`]: how many points and series one query may read.
//!
//! The plan's leaves find it as an extension of the session's configuration and count there, so that it is one count for
//! all tables and partitions of the query, and a query that reads too much ends while it reads.

use crate::merge::SortedRows;
use crate::model::ids::TableId;
use ahash::{AHashSet, RandomState};
use datafusion::error::{DataFusionError, Result};
use parking_lot::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// The counts of one query and their bounds; 0 = no bound.
#[derive(Debug)]
pub struct ReadLimits {
    points_max: u64,
    series_max: u64,
    points: AtomicU64,
    /// Hashes of the series seen, only where these are bounded: never more than fit the bound and one batch.
    series: Mutex<AHashSet<u64>>,
    hashing: RandomState,
}

impl ReadLimits {
    /// Nothing read yet. `None` when nothing is bounded.
    #[must_use]
    pub fn new(points_max: u64, series_max: u64) -> Option<Self> {
        (points_max > 0 || series_max > 0).then(|| Self {
            points_max,
            series_max,
            points: AtomicU64::new(0),
            series: Mutex::default(),
            hashing: RandomState::new(),
        })
    }

    /// Counts rows of a table that were read.
    ///
    /// # Errors
    /// In the words of InfluxDB 1.x, when a bound is passed.
    pub(super) fn count(&self, table: TableId, rows: &SortedRows) -> Result<()> {
        let row_count = rows.row_count() as u64;
        let points = self.points.fetch_add(row_count, Ordering::Relaxed) + row_count;
        if self.points_max > 0 && points > self.points_max {
            return exceeded("max-select-point", points, self.points_max);
        }
        if self.series_max > 0 {
            let mut series = self.series.lock();
            series.extend(rows.runs.iter().map(|run| self.hashing.hash_one((table, &run.key))));
            if series.len() as u64 > self.series_max {
                return exceeded("max-select-series", series.len(), self.series_max);
            }
        }
        Ok(())
    }
}

fn exceeded<T>(limit: &str, count: impl std::fmt::Display, max: u64) -> Result<T> {
    Err(DataFusionError::ResourcesExhausted(format!("{limit} limit exceeded: ({count}/{max})")))
}
