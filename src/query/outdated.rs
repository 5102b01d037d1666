//! Queries that are planned again, because what they were planned over is gone by now.
//!
//! **A table was dropped** after a query had found it in the catalog and before it looked at its rows. The catalog has
//! it no longer, so that the query is answered as it would have been a moment later.
//!
//! **A server that only reads** meets files that the writer has deleted. A file that leaves the manifest is deleted a while
//! later (`compaction.delete_after_s`). A query finds it missing when this server has not read the newest edits of the
//! manifest yet, or when the query itself takes longer than that while. As long as it has returned no row, it is planned
//! again over the newest state of the manifest. A missing file that the newest manifest names is damage, and reported as such.

use super::error::QueryError;
use super::session::QueryEngine;
use std::error::Error;

/// How often one query is planned, each time over a newer catalog or manifest. More would only help against a writer that
/// deletes files at once.
const PLANS_MAX: usize = 5;

/// The attempts at a query, and the edit of the manifest that the last of them has seen where another process writes it.
pub(super) struct Attempts<'a> {
    engine: &'a QueryEngine,
    seen_edits: u64,
    count: usize,
}

impl QueryEngine {
    /// To be called before a query is planned.
    pub(super) fn first_attempt(&self) -> Attempts<'_> {
        Attempts { engine: self, seen_edits: self.engine().seen_edits(), count: 1 }
    }
}

impl Attempts<'_> {
    /// Whether a query that failed, and has given out no row, is to be planned again. Begins the next attempt then.
    pub(super) async fn again_after(&mut self, error: &QueryError) -> bool {
        if self.count == PLANS_MAX {
            return false;
        }
        if matches!(error, QueryError::Dropped) {
            self.count += 1;
            return true;
        }
        let engine = self.engine.engine();
        if !engine.is_read_only() || !is_missing_object(error) {
            return false;
        }
        if let Err(error) = engine.refresh().await {
            tracing::error!(%error, "a query met a missing file, and the manifest cannot be read");
        }
        let seen_before = std::mem::replace(&mut self.seen_edits, engine.seen_edits());
        self.count += 1;
        self.seen_edits > seen_before
    }
}

/// Whether an object was not there, at the bottom of all.
fn is_missing_object(error: &QueryError) -> bool {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if matches!(error.downcast_ref(), Some(object_store::Error::NotFound { .. })) {
            return true;
        }
        cause = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::is_missing_object;
    use crate::engine::EngineError;
    use crate::parquet_file::FileError;
    use crate::query::QueryError;
    use datafusion::error::DataFusionError;
    use std::sync::Arc;

    fn of_file(source: object_store::Error) -> FileError {
        FileError::Parquet { path: "data/x".into(), source: source.into() }
    }

    #[test]
    fn a_missing_object_is_found_below_all_wrappings() {
        let missing = || object_store::Error::NotFound { path: "data/x".into(), source: "gone".into() };
        let external = |error| QueryError::from(DataFusionError::External(error));
        assert!(is_missing_object(&external(Box::new(of_file(missing())))));
        assert!(is_missing_object(&external(Box::new(EngineError::File(of_file(missing()))))));
        let shared =
            DataFusionError::Shared(Arc::new(DataFusionError::External(Box::new(of_file(missing())))));
        assert!(is_missing_object(&QueryError::from(shared.context("while reading"))));
        let other = || object_store::Error::Generic { store: "x", source: "busy".into() };
        assert!(!is_missing_object(&external(Box::new(of_file(other())))));
        let damaged = FileError::Damaged { path: "data/x".into(), reason: "not found".into() };
        assert!(!is_missing_object(&external(Box::new(damaged))));
        assert!(!is_missing_object(&QueryError::Query("not found".into())));
    }
}
