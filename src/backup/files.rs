//! Work on many files, several at a time, with a bound on the memory that their bytes take.

use super::BackupError;
use crate::object::Upload;
use futures::{StreamExt, TryStreamExt};
use std::future::Future;
use tokio::sync::Semaphore;

/// Files on their way at a time: enough to hide the latency of object stores.
const FILES_CONCURRENT_MAX: usize = 8;

/// Bytes of the files on their way at a time. A larger file goes alone.
const BYTES_CONCURRENT_MAX: u64 = 256 << 20;

/// The unit of the bound; a semaphore counts no further than 2³².
const PERMIT_BYTES: u64 = 1 << 10;

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

/// What a file weighs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    bytes: u64,
    /// How many of them are in memory at a time.
    held_bytes: u64,
}

impl Load {
    /// A file that lies in memory as a whole.
    pub(super) fn whole(bytes: u64) -> Self {
        Self { bytes, held_bytes: bytes }
    }

    /// A file that passes through memory part by part, into an upload at most.
    pub(super) fn in_parts(bytes: u64) -> Self {
        Self { bytes, held_bytes: bytes.min(Upload::HELD_BYTES_MAX as u64) }
    }
}

/// Does `work` on every file; `load_of` tells what it weighs. The first error ends all.
pub(super) async fn for_each<'a, F, T, W>(
    files: impl Iterator<Item = &'a F> + Send,
    load_of: impl Fn(&F) -> Load,
    progress: Progress<'_>,
    work: impl Fn(&'a F) -> W,
) -> Result<Vec<T>, BackupError>
where
    F: 'a,
    W: Future<Output = Result<T, BackupError>>,
{
    let permits_max = BYTES_CONCURRENT_MAX / PERMIT_BYTES;
    let memory = Semaphore::new(usize::try_from(permits_max).unwrap_or(Semaphore::MAX_PERMITS));
    let memory = &memory;
    let work = files.map(|file| {
        let Load { bytes, held_bytes } = load_of(file);
        let permits = u32::try_from((held_bytes / PERMIT_BYTES + 1).min(permits_max)).unwrap_or(u32::MAX);
        let work = work(file);
        async move {
            // The semaphore is never closed.
            let _held = memory.acquire_many(permits).await;
            let done = work.await?;
            progress(Step::Done { bytes });
            Ok(done)
        }
    });
    futures::stream::iter(work).buffer_unordered(FILES_CONCURRENT_MAX).try_collect().await
}
