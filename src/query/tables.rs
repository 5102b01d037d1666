//! [`Tables`]: what planning needs to know of the data.

use super::error::QueryError;
use crate::model::ids::TableId;
use crate::model::state::State;
use datafusion::catalog::TableProvider;
use std::sync::Arc;

/// The catalog, and the rows of its tables, at one moment.
///
/// The schema of a provider is `__series` (`Utf8View`, not null), `time` (`Timestamp(ns)`, not null), tags as nullable `Utf8View` and
/// fields, all under their stored names.
pub trait Tables: Send + Sync {
    /// The catalog.
    fn state(&self) -> &State;

    /// The rows of a table of the catalog.
    ///
    /// # Errors
    ///
    /// When the table is gone.
    fn provider(&self, table: TableId) -> Result<Arc<dyn TableProvider>, QueryError>;

    /// Most windows of GROUP BY time that a series may have; 0 = any number.
    fn buckets_max(&self) -> usize {
        0
    }
}
