//! Blocks of data files on a local disk: larger than memory, and there after a restart.
//!
//! ```text
//! wanted ─▶ in the index? ─ yes ─▶ file read and checked ─▶ block, or damaged: deleted, as if it had not been there
//! kept ──▶ queue ─▶ writer thread ─▶ oldest blocks deleted till there is room ─▶ written, renamed, into the index
//! ```
//!
//! Nothing is synced: what power loss tears is no block when it is read. Reads never wait for writes: what the queue has no room for is not
//! kept. At the start the blocks that are there are taken over, in the order in which they were written.

use super::block_file::{self, BlockKey};
use super::lru::Lru;
use bytes::Bytes;
use parking_lot::Mutex;
use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

/// Blocks that wait to be written; at most so many MiB of memory.
const QUEUE_BLOCKS_MAX: usize = 64;

/// The file that is locked as long as the folder is in use.
const LOCK_FILE: &str = "lock";

/// The file that a block is written to before it gets its name. There is one writer.
const STAGED_FILE: &str = "staged";

/// Where blocks are kept on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiskCacheOptions {
    /// The folder; made when it is missing. Only one server may use it at a time.
    pub folder: PathBuf,
    /// What its files may take together.
    pub bytes_max: u64,
}

/// What the disk tier of a cache did so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DiskCacheStatus {
    /// Blocks that were on disk when they were wanted.
    pub hits: u64,
    /// Blocks that were not, or were damaged.
    pub misses: u64,
    /// Blocks that were damaged when they were wanted.
    pub damaged: u64,
    /// Bytes of blocks that were read.
    pub bytes_read: u64,
    /// Bytes of files that were written.
    pub bytes_written: u64,
    /// Blocks that were not kept because too many waited to be written.
    pub writes_skipped: u64,
    /// Blocks that could not be written.
    pub writes_failed: u64,
    /// Bytes of the files that are kept.
    pub bytes_kept: u64,
    /// Files that are kept.
    pub blocks_kept: u64,
}

/// The disk tier. Dropping it writes what waits, and lets go of the folder.
#[derive(Debug)]
pub(super) struct DiskBlocks {
    shared: Arc<Shared>,
    /// `None` once it is dropped.
    queue: Option<SyncSender<Task>>,
    writer: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    folder: PathBuf,
    /// The address of the store that the blocks are of.
    url: Arc<str>,
    bytes_max: u64,
    index: Mutex<Lru>,
    hits: AtomicU64,
    misses: AtomicU64,
    damaged: AtomicU64,
    bytes_read: AtomicU64,
    bytes_written: AtomicU64,
    writes_skipped: AtomicU64,
    writes_failed: AtomicU64,
    /// Whether the last write failed: the next failure is not told again.
    is_failing: AtomicBool,
    _lock: File,
}

enum Task {
    Write {
        path: Arc<str>,
        number: u64,
        bytes: Bytes,
    },
    /// Answered when all before it is done.
    #[cfg(test)]
    Answer(std::sync::mpsc::Sender<()>),
}

impl DiskBlocks {
    /// Takes a folder into use, with the blocks that are in it.
    pub(super) fn open(options: &DiskCacheOptions, url: &str) -> io::Result<Self> {
        let DiskCacheOptions { folder, bytes_max } = options.clone();
        fs::create_dir_all(&folder)?;
        let lock = File::create(folder.join(LOCK_FILE))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => io::Error::other("another server uses it"),
            TryLockError::Error(error) => error,
        })?;
        let index = Mutex::new(found_in(&folder)?);
        let count = AtomicU64::default;
        let shared = Arc::new(Shared {
            folder,
            url: url.into(),
            bytes_max,
            index,
            hits: count(),
            misses: count(),
            damaged: count(),
            bytes_read: count(),
            bytes_written: count(),
            writes_skipped: count(),
            writes_failed: count(),
            is_failing: AtomicBool::default(),
            _lock: lock,
        });
        shared.make_room(0)?;
        let (queue, tasks) = sync_channel(QUEUE_BLOCKS_MAX);
        let writer = std::thread::Builder::new().name("cache-writer".into()).spawn({
            let shared = shared.clone();
            move || shared.write_all(&tasks)
        })?;
        Ok(Self { shared, queue: Some(queue), writer: Some(writer) })
    }

    /// A block, if it is there and whole.
    pub(super) async fn get(&self, path: &str, number: u64) -> Option<Bytes> {
        let shared = self.shared.clone();
        let path: Arc<str> = path.into();
        // Only a panic or the end of the runtime keeps the task from its end.
        let found = tokio::task::spawn_blocking(move || shared.read(&path, number)).await.ok().flatten();
        match &found {
            Some(bytes) => {
                self.shared.hits.fetch_add(1, Ordering::Relaxed);
                self.shared.bytes_read.fetch_add(bytes.len() as u64, Ordering::Relaxed);
            }
            None => {
                self.shared.misses.fetch_add(1, Ordering::Relaxed);
            }
        }
        found
    }

    /// Keeps a block, by and by.
    pub(super) fn keep(&self, path: &str, number: u64, bytes: &Bytes) {
        let key = BlockKey { url: &self.shared.url, path, number };
        let Some(name) = key.file_name() else { return };
        if self.shared.index.lock().contains(&name) {
            return;
        }
        let Some(queue) = &self.queue else { return };
        let task = Task::Write { path: path.into(), number, bytes: bytes.clone() };
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) = queue.try_send(task) {
            self.shared.writes_skipped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Deletes the blocks of an object that is gone.
    pub(super) fn forget(&self, path: &str) {
        let Some(prefix) = block_file::file_prefix(path) else { return };
        let names = self.shared.index.lock().remove_all(&prefix);
        for name in names {
            self.shared.delete(&name);
        }
    }

    pub(super) fn status(&self) -> DiskCacheStatus {
        let shared = &self.shared;
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let index = shared.index.lock();
        DiskCacheStatus {
            hits: count(&shared.hits),
            misses: count(&shared.misses),
            damaged: count(&shared.damaged),
            bytes_read: count(&shared.bytes_read),
            bytes_written: count(&shared.bytes_written),
            writes_skipped: count(&shared.writes_skipped),
            writes_failed: count(&shared.writes_failed),
            bytes_kept: index.bytes(),
            blocks_kept: index.len() as u64,
        }
    }

    /// Waits until what was kept so far is written.
    #[cfg(test)]
    pub(super) fn settle(&self) {
        let (answer, answered) = std::sync::mpsc::channel();
        self.queue.as_ref().expect("it is open").send(Task::Answer(answer)).expect("the writer runs");
        answered.recv().expect("the writer answers");
    }
}

impl Drop for DiskBlocks {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(writer) = self.writer.take()
            && writer.join().is_err()
        {
            tracing::error!("the writer of the cache on disk met a bug");
        }
    }
}

impl Shared {
    fn read(&self, path: &str, number: u64) -> Option<Bytes> {
        let key = BlockKey { url: &self.url, path, number };
        let name = key.file_name()?;
        if !self.index.lock().touch(&name) {
            return None;
        }
        let reason = match fs::read(self.folder.join(&*name)) {
            Ok(file) => match block_file::decode(key, &file.into()) {
                Ok(block) => return Some(block),
                Err(reason) => reason.to_owned(),
            },
            // The writer has just made room.
            Err(error) if error.kind() == ErrorKind::NotFound && !self.index.lock().contains(&name) => {
                return None;
            }
            Err(error) => error.to_string(),
        };
        self.damaged.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(file = &*name, reason, "a block of the cache on disk is damaged; it is fetched again");
        self.index.lock().remove(&name);
        self.delete(&name);
        None
    }

    fn write_all(&self, tasks: &Receiver<Task>) {
        while let Ok(task) = tasks.recv() {
            match task {
                Task::Write { path, number, bytes } => {
                    let key = BlockKey { url: &self.url, path: &path, number };
                    let Some(name) = key.file_name() else { continue };
                    match self.write(&name, &block_file::encode(key, &bytes)) {
                        Ok(()) => self.is_failing.store(false, Ordering::Relaxed),
                        Err(error) => {
                            self.writes_failed.fetch_add(1, Ordering::Relaxed);
                            if !self.is_failing.swap(true, Ordering::Relaxed) {
                                let folder = self.folder.display();
                                tracing::warn!(%folder, %error, "the cache on disk cannot be written");
                            }
                        }
                    }
                }
                #[cfg(test)]
                Task::Answer(answer) => answer.send(()).expect("somebody waits"),
            }
        }
    }

    fn write(&self, name: &Arc<str>, file: &[u8]) -> io::Result<()> {
        let bytes = file.len() as u64;
        if bytes > self.bytes_max || self.index.lock().contains(name) {
            return Ok(());
        }
        self.make_room(bytes)?;
        let staged = self.folder.join(STAGED_FILE);
        let written = fs::write(&staged, file).and_then(|()| fs::rename(&staged, self.folder.join(&**name)));
        if let Err(error) = written {
            // A file that was written in part takes space. If it cannot be removed, the next block overwrites it.
            let _ = fs::remove_file(&staged);
            return Err(error);
        }
        self.bytes_written.fetch_add(bytes, Ordering::Relaxed);
        self.index.lock().insert(name.clone(), bytes);
        Ok(())
    }

    /// Deletes the blocks that were used longest ago, until another `bytes` fit.
    fn make_room(&self, bytes: u64) -> io::Result<()> {
        loop {
            let name = {
                let mut index = self.index.lock();
                if index.bytes().saturating_add(bytes) <= self.bytes_max {
                    return Ok(());
                }
                index.pop_oldest()
            };
            let Some(name) = name else { return Ok(()) };
            match fs::remove_file(self.folder.join(&*name)) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
    }

    fn delete(&self, name: &str) {
        match fs::remove_file(self.folder.join(name)) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                tracing::warn!(file = name, %error, "a block of the cache on disk cannot be deleted");
            }
            _ => {}
        }
    }
}

/// The blocks of a folder, from the one that was written first. Other files are left alone.
fn found_in(folder: &Path) -> io::Result<Lru> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if let Some(name) = entry.file_name().to_str().filter(|name| block_file::is_file_name(name)) {
            let metadata = entry.metadata()?;
            found.push((metadata.modified()?, Arc::<str>::from(name), metadata.len()));
        }
    }
    found.sort_unstable();
    let mut index = Lru::default();
    for (_, name, bytes) in found {
        index.insert(name, bytes);
    }
    Ok(index)
}
