//! Work on many files, several at a time, with a bound on the memory that their bytes take.

use super::BackupError;
use futures::{StreamExt, TryStreamExt};
use std::future::Future;

/// Files on their way at a time: enough to hide the latency of object stores. Each passes through memory part by part, into an upload at
/// most, so that all of them hold no more than this many times [`Upload::HELD_BYTES_MAX`](crate::object::Upload::HELD_BYTES_MAX), 192 MiB.
const FILES_CONCURRENT_MAX: usize = 8;

/// How far the work is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The work, when it is known. Comes again when it has to begin anew.
    Begun {
        /// Files.
        file_count: u64,
        /// Their bytes.
        bytes: u64,
    },
    /// A file is done.
    Done {
        /// Its bytes.
        bytes: u64,
    },
}

/// Whoever wants to know how far the work is.
pub type Progress<'a> = &'a (dyn Fn(Step) + Send + Sync);

/// Does `work` on every file; `bytes_of` tells how many bytes it has. The first error ends all.
pub(super) async fn for_each<'a, F, T, W>(
    files: impl Iterator<Item = &'a F> + Send,
    bytes_of: impl Fn(&F) -> u64,
    progress: Progress<'_>,
    work: impl Fn(&'a F) -> W,
) -> Result<Vec<T>, BackupError>
where
    F: 'a,
    W: Future<Output = Result<T, BackupError>>,
{
    let work = files.map(|file| {
        let (bytes, work) = (bytes_of(file), work(file));
        async move {
            let done = work.await?;
            progress(Step::Done { bytes });
            Ok(done)
        }
    });
    futures::stream::iter(work).buffer_unordered(FILES_CONCURRENT_MAX).try_collect().await
}
