//! Reading the newest files after a start, before somebody asks for them.
//!
//! Dashboards show the last hours. Right after a start these lie on a disk or in a bucket, and each question would wait for its part of
//! them: footer by footer, page by page.
//!
//! In: the files of the state at the start. Out: nothing but caches that know footers and bytes of the newest, as many as are allowed. It
//! does not know what will be asked, checks nothing, and reports nothing.

use super::Engine;
use crate::parquet_file::ParquetFile;
use object_store::path::Path;
use std::cmp::Reverse;
use std::sync::Arc;

impl Engine {
    /// What reads footers and bytes of the newest files, as many as [`warm_bytes`](super::EngineOptions::warm_bytes) allow; `None` when
    /// that is nothing. It does not hold the engine, so that the log's folder is free as soon as the engine is dropped, and ends then. It
    /// ends early when a file cannot be read: whoever asks for it will be told.
    pub(super) fn warming(self: &Arc<Self>) -> Option<impl Future<Output = ()> + Send + use<>> {
        let mut bytes_left = self.options.warm_bytes.min(self.store.warm_bytes_max());
        if bytes_left == 0 {
            return None;
        }
        let mut files: Vec<_> = self.live.load().files().cloned().collect();
        files.sort_unstable_by_key(|file| Reverse(file.time_range.end_ns));
        let (store, cache, engine) = (self.store.clone(), self.reader_cache.clone(), Arc::downgrade(self));
        Some(async move {
            for file in files {
                let Some(left) = bytes_left.checked_sub(file.size_bytes) else { continue };
                if engine.strong_count() == 0 {
                    return;
                }
                bytes_left = left;
                if let Err(error) = store.warm(&file.path, file.size_bytes).await {
                    tracing::debug!(%error, "a file could not be read ahead");
                    return;
                }
                let path = Path::from(file.path.as_ref());
                if let Err(error) = ParquetFile::open(file, store.object_store(), path, &cache).await {
                    tracing::debug!(%error, "a file could not be opened ahead");
                    return;
                }
            }
        })
    }
}
