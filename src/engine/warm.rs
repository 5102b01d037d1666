//! Reading the newest files after a start, before somebody asks for them.
//!
//! Dashboards show the last hours. Right after a start these lie on a disk or in a bucket, and each question would wait for its part of
//! them: footer by footer, page by page. Reading them once, one file after the other, costs less than a second.

use super::Engine;
use super::background::running;
use std::cmp::Reverse;
use std::sync::Weak;

/// Reads footers and bytes of the newest files, as many as [`warm_bytes`](super::EngineOptions::warm_bytes) allow. Ends early when a
/// file cannot be read: whoever asks for it will be told.
pub(super) async fn warm(engine: Weak<Engine>) {
    let Some((files, mut bytes_left)) = running(&engine).map(|engine| {
        let state = engine.live.load();
        let mut files: Vec<_> = state.files().cloned().collect();
        files.sort_unstable_by_key(|file| Reverse(file.time_range.end_ns));
        (files, engine.options.warm_bytes.min(engine.store.warm_bytes_max()))
    }) else {
        return;
    };
    for file in files {
        let Some(left) = bytes_left.checked_sub(file.size_bytes) else { continue };
        let Some(engine) = running(&engine) else { return };
        bytes_left = left;
        if let Err(error) = engine.store.warm(&file.path, file.size_bytes).await {
            tracing::debug!(%error, "a file could not be read ahead");
            return;
        }
        if let Err(error) = engine.open_file(file).await {
            tracing::debug!(%error, "a file could not be opened ahead");
            return;
        }
    }
}
