//! Deleting objects that nothing names any more.
//!
//! Files leave the manifest when they were compacted, dropped, deleted or have expired. Their objects stay until the last reader of
//! this process lets go of the entry, and for a while after that for readers elsewhere. What a crash or a failed deletion leaves
//! behind is an *orphan*: an object below the data folder that the manifest does not name.
//!
//! An orphan is what *this* engine does not know. So it asks first whether another server has taken over: the files of that one
//! would all look like orphans. What is looked at was listed before the question, so whatever another server makes after it
//! is not in the list. And each file is looked up once more right before it goes, since a restore may have adopted it meanwhile.

use super::Engine;
use super::error::EngineError;
use crate::model::file::FileMeta;
use crate::object::layout;
use ahash::AHashSet;
use futures::TryStreamExt;
use parking_lot::Mutex;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// Objects that were deleted or are to be.
#[derive(Debug, Default)]
pub(super) struct Unreferenced {
    files: Mutex<Vec<Gone>>,
    /// Entries in whose place the manifest has others of the same objects by now, as long as somebody reads by them.
    replaced: Mutex<Vec<(Arc<str>, Weak<FileMeta>)>>,
}

/// A file that left the manifest.
#[derive(Debug)]
struct Gone {
    path: Arc<str>,
    /// Alive while a reader of this process may read the file.
    entry: Weak<FileMeta>,
    since_ns: i64,
}

impl Unreferenced {
    /// Files that left the manifest just now.
    pub(super) fn add<'a>(&self, files: impl IntoIterator<Item = &'a Arc<FileMeta>>, now_ns: i64) {
        let gone = |file: &Arc<FileMeta>| Gone {
            path: file.path.clone(),
            entry: Arc::downgrade(file),
            since_ns: now_ns,
        };
        self.files.lock().extend(files.into_iter().map(gone));
    }

    /// A file that stays and has another entry now. Whoever reads by this one keeps the object, too.
    pub(super) fn add_replaced(&self, entry: &Arc<FileMeta>) {
        let mut replaced = self.replaced.lock();
        replaced.retain(|(_, entry)| entry.strong_count() > 0);
        replaced.push((entry.path.clone(), Arc::downgrade(entry)));
    }

    /// Takes those that nobody reads and that left before `before_ns`, or then.
    fn take(&self, before_ns: i64) -> Vec<Gone> {
        let read: AHashSet<Arc<str>> = {
            let mut replaced = self.replaced.lock();
            replaced.retain(|(_, entry)| entry.strong_count() > 0);
            replaced.iter().map(|(path, _)| path.clone()).collect()
        };
        let is_read = |gone: &Gone| gone.entry.strong_count() > 0 || read.contains(&gone.path);
        self.files.lock().extract_if(.., |gone| gone.since_ns <= before_ns && !is_read(gone)).collect()
    }

    pub(super) fn count(&self) -> usize {
        self.files.lock().len()
    }
}

impl Engine {
    /// Deletes the objects of files that left the manifest a while ago; one that cannot be deleted is tried again next time. Tells
    /// how many were deleted.
    pub async fn collect_unreferenced(&self) -> usize {
        let grace = i64::try_from(self.options.delete_after.as_nanos()).unwrap_or(i64::MAX);
        let mut deleted = 0;
        for gone in self.unreferenced.take(self.clock.now_ns().saturating_sub(grace)) {
            match self.store.delete(&gone.path).await {
                Ok(()) => deleted += 1,
                Err(error) => {
                    tracing::warn!(%error, "a data file that is not needed cannot be deleted yet");
                    self.unreferenced.files.lock().push(gone);
                }
            }
        }
        self.counters.files_deleted.fetch_add(deleted as u64, Ordering::Relaxed);
        deleted
    }

    /// Deletes the objects of files that were never named. What cannot be deleted now is found as an orphan later.
    pub(super) async fn discard(&self, paths: Vec<Arc<str>>) {
        for path in paths {
            if let Err(error) = self.store.delete(&path).await {
                tracing::warn!(%error, "a data file that is not needed cannot be deleted yet");
            }
        }
    }

    /// Deletes data files that the manifest does not name and that were written longer than `age` ago by the clock of the machine, for
    /// younger ones may be about to be named. Tells how many were deleted.
    ///
    /// # Errors
    /// When the data folder cannot be listed, an orphan not be deleted, or another server has taken over.
    pub async fn collect_orphans(&self, age: Duration) -> Result<usize, EngineError> {
        self.writer()?;
        // Files of an edit that is not known to be made may be named by it.
        self.settle().await?;
        let before = chrono::Utc::now() - age;
        let old: Vec<String> = self
            .store
            .list(layout::DATA_FOLDER)
            .try_filter(|object| std::future::ready(object.modified <= before))
            .map_ok(|object| object.path)
            .try_collect()
            .await?;
        self.check_is_newest().await?;
        let mut deleted = 0;
        for path in self.unknown(old) {
            let _orphans = self.orphans_lock.lock().await;
            if self.is_orphan(&path).await? {
                self.store.delete(&path).await?;
                deleted += 1;
            }
        }
        self.counters.files_deleted.fetch_add(deleted as u64, Ordering::Relaxed);
        Ok(deleted)
    }

    /// Those of the objects that nothing names and that do not wait to be deleted anyway. Cheap, however many there are.
    fn unknown(&self, mut paths: Vec<String>) -> Vec<String> {
        let state = self.live.load_full();
        let named: AHashSet<&str> = state.files().map(|file| &*file.path).collect();
        let waiting: AHashSet<Arc<str>> =
            self.unreferenced.files.lock().iter().map(|gone| gone.path.clone()).collect();
        paths.retain(|path| !named.contains(path.as_str()) && !waiting.contains(path.as_str()));
        paths
    }

    /// Whether nothing names the object now. To be called with the orphans locked, and the object deleted before they are unlocked.
    async fn is_orphan(&self, path: &str) -> Result<bool, EngineError> {
        // An edit of which it is not known whether it was made may name it.
        if self.unsettled.lock().await.is_some() {
            return Err(EngineError::Unsettled);
        }
        Ok(!self.live.load_full().files().any(|file| *file.path == *path))
    }
}
