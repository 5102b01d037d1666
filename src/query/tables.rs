//! [`Tables`]: what planning needs to know of the data.

use super::error::QueryError;
use super::scan::{RunRows, TableSource};
use crate::model::ids::TableId;
use crate::model::state::State;
use datafusion::catalog::TableProvider;
use std::sync::Arc;

/// The catalog at one moment, and the rows of each of its tables at one moment: those of two tables may be of two, where there are writes
/// meanwhile.
///
/// The schema of a provider is `__series` (`Utf8View`, not null), `time` (`Timestamp(ns)`, not null), tags as nullable `Utf8View` and
/// fields, all under their stored names.
pub trait Tables: Send + Sync {
    /// The catalog.
    fn state(&self) -> &State;

    /// The rows of a table of the catalog, the same ones each time.
    ///
    /// # Errors
    ///
    /// [`QueryError::Dropped`] when the table is gone, or when its rows cannot be had.
    fn provider(&self, table: TableId) -> Result<Arc<dyn TableProvider>, QueryError>;

    /// A provider of [`Tables::provider`] that may leave out rows of a run of a series which are not among `rows`, after its filters.
    fn of_runs(&self, provider: Arc<dyn TableProvider>, rows: RunRows) -> Arc<dyn TableProvider> {
        match provider.downcast_ref::<TableSource>() {
            Some(source) => Arc::new(source.of_runs(rows)),
            None => provider,
        }
    }

    /// Most windows of GROUP BY time that a series may have; 0 = any number.
    fn buckets_max(&self) -> usize {
        0
    }
}
