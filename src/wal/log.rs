//! The open log: what the engine holds.

use super::error::WalError;
use super::files::{DiskFiles, LogFiles};
use super::foreign;
use super::frame::PAYLOAD_BYTES_MAX;
use super::identity::{self, FlushedLog};
use super::left_out;
use super::lock::lock;
use super::recover;
use super::report::{Damage, RecoveryReport};
use super::writer::{self, ClosedSegment};
use crate::model::batch::WriteBatch;
use crate::model::ids::{LogId, Sequence};
use parking_lot::{Condvar, Mutex};
use std::collections::VecDeque;
use std::fs::File;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::thread::JoinHandle;
use tokio::sync::oneshot;

/// How the log is kept.
#[derive(Clone, Debug)]
pub struct WalOptions {
    /// The folder of the segments; created when missing. Only one process may have it open.
    pub directory: PathBuf,
    /// A segment that has reached this length gets no further group.
    pub segment_bytes_max: u64,
    /// Appends are refused while the disk has less than this free.
    pub disk_low_water_bytes: u64,
    /// Refuse to open a damaged log instead of quarantining the damage.
    pub strict: bool,
    /// How many bytes of records one write and one fsync carry at most (a longer record goes alone).
    pub group_bytes_max: usize,
    /// How many bytes of records may wait to be written; more is refused.
    pub queue_bytes_max: usize,
    /// Records get greater sequences than this one, even in a log that has lost all its records: the caller knows that all
    /// sequences up to it were given out.
    pub sequence_floor: Sequence,
    /// The log whose records up to `after` ([`Wal::open`]) are needed no more, as the caller has noted. If this is another log, its
    /// records are put aside.
    pub flushed_log: FlushedLog,
}

impl WalOptions {
    /// The defaults, for a log in `directory`.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            // Small enough that recovery holds a segment in memory, large enough that a flush trims few files.
            segment_bytes_max: 64 << 20,
            disk_low_water_bytes: 256 << 20,
            strict: false,
            // A disk of 100 MB/s takes 80 ms for it; longer groups would only add latency.
            group_bytes_max: 8 << 20,
            queue_bytes_max: 256 << 20,
            sequence_floor: Sequence::ZERO,
            flushed_log: FlushedLog::Unknown,
        }
    }
}

/// An open write-ahead log.
///
/// Appending is safe from any number of threads. Dropping it writes what is queued and closes it.
#[derive(Debug)]
pub struct Wal {
    id: LogId,
    shared: Arc<Shared>,
    writer: Mutex<Option<JoinHandle<()>>>,
    /// Locked as long as the log is open.
    _lock: File,
}

/// A record that was queued.
#[derive(Debug)]
pub struct Appended {
    /// Its place in the log.
    pub sequence: Sequence,
    /// Resolves when it is on disk, or will never be.
    pub durable: DurableWait,
}

/// Waits until a record is on disk. Dropping it does not take the record back.
#[derive(Debug)]
pub struct DurableWait(oneshot::Receiver<Result<(), WalError>>);

impl Future for DurableWait {
    type Output = Result<(), WalError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // A writer that is gone without an answer has written nothing of this record.
        Pin::new(&mut self.0).poll(cx).map(|answer| answer.unwrap_or(Err(WalError::Closed)))
    }
}

impl DurableWait {
    /// Blocks the thread until the record is on disk. Not for threads that drive async tasks.
    ///
    /// # Errors
    /// As [`Wal::append`], when the record could not be written.
    pub fn wait(self) -> Result<(), WalError> {
        self.0.blocking_recv().unwrap_or(Err(WalError::Closed))
    }
}

/// What appenders and the writer thread share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) options: WalOptions,
    pub(super) files: Arc<dyn LogFiles>,
    /// The folder, opened once.
    pub(super) directory: File,
    pub(super) queue: Mutex<Queue>,
    /// Signalled when the queue has something for the writer.
    pub(super) wake: Condvar,
    /// Everything up to here is on disk or was refused.
    pub(super) durable: AtomicU64,
    /// Set when a group was refused for lack of space; appends then look at the disk themselves.
    pub(super) disk_low: AtomicBool,
    pub(super) size_bytes: AtomicU64,
    pub(super) closed: Mutex<ClosedSegments>,
}

/// Records that wait to be written.
#[derive(Debug)]
pub(super) struct Queue {
    pub(super) pending: VecDeque<Pending>,
    pub(super) pending_bytes: usize,
    /// The last sequence given out.
    pub(super) last: Sequence,
    /// Records after this one belong into another segment.
    pub(super) rotate_after: Option<Sequence>,
    /// Stretches of sequences that no record gets, in order.
    pub(super) skips: VecDeque<Skip>,
    /// Set once, when no more is taken.
    pub(super) ended: Option<WalError>,
}

/// Sequences `after < s <= through` are given to no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Skip {
    pub(super) after: Sequence,
    pub(super) through: Sequence,
}

/// A record that waits to be written.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) sequence: Sequence,
    pub(super) payload: Vec<u8>,
    pub(super) payload_crc: u32,
    pub(super) done: oneshot::Sender<Result<(), WalError>>,
}

/// Segments that get no more records.
#[derive(Debug)]
pub(super) struct ClosedSegments {
    pub(super) segments: Vec<ClosedSegment>,
    /// Records up to here are not needed any more.
    pub(super) trimmed: Sequence,
}

impl Wal {
    /// Opens the log in `options.directory`: hands every intact batch after `after` to `replay`, in order, then
    /// repairs what is damaged. The next record gets the sequence after the last one found, or after `after`
    /// if that is later. Segments without any record after `after` are deleted.
    ///
    /// When the caller goes on from another log ([`WalOptions::flushed_log`]), no record is handed over, and what has any is moved to
    /// the quarantine folder. The log gets a new id then: the caller has to note that it goes on from this one, before it
    /// tells anybody that a record is safe.
    ///
    /// # Errors
    /// [`WalError::InUse`], [`WalError::NewStore`], [`WalError::Damaged`] and [`WalError::Foreign`] in strict mode,
    /// [`WalError::Unsupported`], [`WalError::Replay`] with what `replay` said, [`WalError::Io`].
    pub fn open<E>(
        options: WalOptions,
        after: Sequence,
        replay: impl FnMut(Sequence, WriteBatch) -> Result<(), E>,
    ) -> Result<(Self, RecoveryReport), WalError>
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        Self::open_with(options, Arc::new(DiskFiles), after, replay)
    }

    /// [`Wal::open`] on other file operations than the real ones.
    ///
    /// # Errors
    /// As [`Wal::open`].
    pub fn open_with<E>(
        options: WalOptions,
        files: Arc<dyn LogFiles>,
        after: Sequence,
        replay: impl FnMut(Sequence, WriteBatch) -> Result<(), E>,
    ) -> Result<(Self, RecoveryReport), WalError>
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let directory = &options.directory;
        let lock = lock(directory)?;
        let opened = File::open(directory).map_err(|e| WalError::io("opening", directory, e))?;
        let is_foreign = identity::is_foreign(directory, &options.flushed_log)?;
        let (segments, report) = if is_foreign {
            (Vec::new(), foreign::put_aside(&options, after)?)
        } else {
            recover::recover(&options, after, replay)?
        };
        let id = match identity::id_of(directory)? {
            Some(id) if !is_foreign => id,
            _ => identity::renew(directory)?,
        };
        let last = report.last_sequence;
        let floor = options.sequence_floor.max(last);
        let size_bytes = segments.iter().map(|s| s.bytes).sum();
        let shared = Arc::new(Shared {
            options,
            files,
            directory: opened,
            queue: Mutex::new(Queue {
                pending: VecDeque::new(),
                pending_bytes: 0,
                last: floor,
                rotate_after: None,
                skips: VecDeque::new(),
                ended: None,
            }),
            wake: Condvar::new(),
            durable: AtomicU64::new(last.0),
            disk_low: AtomicBool::new(false),
            size_bytes: AtomicU64::new(size_bytes),
            closed: Mutex::new(ClosedSegments { segments, trimmed: after }),
        });
        let thread = std::thread::Builder::new()
            .name("wal-writer".into())
            .spawn({
                let shared = Arc::clone(&shared);
                move || writer::run(shared, last, floor)
            })
            .map_err(|e| WalError::io("starting the writer of", &shared.options.directory, e))?;
        Ok((Self { id, shared, writer: Mutex::new(Some(thread)), _lock: lock }, report))
    }

    /// Which log it is.
    #[must_use]
    pub fn id(&self) -> &LogId {
        &self.id
    }

    /// Queues an encoded batch ([`super::batch::encode`]). Sequences are given out in the order of calls.
    ///
    /// # Errors
    /// [`WalError::DiskFull`] and [`WalError::QueueFull`], which pass; [`WalError::RecordTooLarge`];
    /// [`WalError::Failed`] and [`WalError::Closed`], which do not.
    pub fn append(&self, payload: Vec<u8>) -> Result<Appended, WalError> {
        if payload.len() > PAYLOAD_BYTES_MAX {
            return Err(WalError::RecordTooLarge { bytes: payload.len(), limit: PAYLOAD_BYTES_MAX });
        }
        if self.shared.is_disk_low(payload.len()) {
            return Err(WalError::DiskFull);
        }
        let payload_crc = crc32c::crc32c(&payload);
        let (done, durable) = oneshot::channel();
        let mut queue = self.shared.queue.lock();
        if let Some(ended) = &queue.ended {
            return Err(ended.clone());
        }
        // A record longer than the queue may hold still gets through when nothing else waits.
        let waiting_bytes = queue.pending_bytes.saturating_add(payload.len());
        if waiting_bytes > self.shared.options.queue_bytes_max && !queue.pending.is_empty() {
            return Err(WalError::QueueFull);
        }
        let sequence = queue.last.next();
        queue.last = sequence;
        queue.pending_bytes = waiting_bytes;
        queue.pending.push_back(Pending { sequence, payload, payload_crc, done });
        drop(queue);
        self.shared.wake.notify_one();
        Ok(Appended { sequence, durable: DurableWait(durable) })
    }

    /// Every record up to here is on disk, or was refused for lack of space.
    #[must_use]
    pub fn durable_sequence(&self) -> Sequence {
        Sequence(self.shared.durable.load(Ordering::Acquire))
    }

    /// The last sequence given out, or where the log started.
    #[must_use]
    pub fn last_sequence(&self) -> Sequence {
        self.shared.queue.lock().last
    }

    /// Whether the log has failed: then it may have records that nobody was told are in it, and gives them at the next start.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        matches!(self.shared.queue.lock().ended, Some(WalError::Failed { .. }))
    }

    /// Gives no later record a sequence up to `through`. What is written next says so in the log; until then the caller
    /// must know it from elsewhere at the next start ([`WalOptions::sequence_floor`]).
    pub fn skip_through(&self, through: Sequence) {
        let mut queue = self.shared.queue.lock();
        if through <= queue.last {
            return;
        }
        let after = queue.last;
        queue.skips.push_back(Skip { after, through });
        queue.last = through;
        drop(queue);
        self.shared.wake.notify_one();
    }

    /// Makes later appends go to another segment, so that [`Wal::trim`] through the returned sequence (the last
    /// one given out) can delete all segments up to it.
    pub fn rotate(&self) -> Sequence {
        let mut queue = self.shared.queue.lock();
        let last = queue.last;
        queue.rotate_after = Some(last);
        drop(queue);
        self.shared.wake.notify_one();
        last
    }

    /// Says that records up to `through` are not needed any more, and deletes the segments that hold no
    /// others. The segment being written stays until it is full or [rotated](Wal::rotate) and is deleted then.
    ///
    /// # Errors
    /// [`WalError::Io`] when a segment cannot be deleted; it is tried again with the next call.
    pub fn trim(&self, through: Sequence) -> Result<(), WalError> {
        let mut closed = self.shared.closed.lock();
        closed.trimmed = closed.trimmed.max(through);
        self.shared.delete_trimmed(&mut closed)
    }

    /// Copies records that were replayed and that the caller leaves out to the quarantine folder, durably; they are in order. To be called
    /// before [`Wal::trim`] lets go of them. `reason` is said of each segment that has any: "records 1 to 2 …". What an earlier start
    /// has copied is not copied once more.
    ///
    /// # Errors
    /// [`WalError::Io`].
    pub fn put_aside(&self, records: &[Sequence], reason: &str) -> Result<Vec<Damage>, WalError> {
        let closed = self.shared.closed.lock();
        left_out::put_aside(&self.shared.options.directory, &closed.segments, records, reason)
    }

    /// Bytes of all segments.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.shared.size_bytes.load(Ordering::Relaxed)
    }

    /// Whether an append would be taken now: the log is open, has not failed, and the disk has room.
    #[must_use]
    pub fn is_writable(&self) -> bool {
        self.shared.queue.lock().ended.is_none() && !self.shared.is_disk_low(0)
    }

    /// The error that stopped the log, if one did; only a restart helps then.
    #[must_use]
    pub fn failure(&self) -> Option<WalError> {
        self.shared.queue.lock().ended.clone().filter(|e| matches!(e, WalError::Failed { .. }))
    }

    /// Takes no more appends, writes what is queued, and returns when it is on disk. Does nothing the second
    /// time.
    ///
    /// # Errors
    /// [`WalError::Failed`] when the log has failed.
    pub fn close(&self) -> Result<(), WalError> {
        self.shared.queue.lock().ended.get_or_insert(WalError::Closed);
        self.shared.wake.notify_one();
        if let Some(thread) = self.writer.lock().take() {
            thread.join().map_err(|_| WalError::Failed {
                attempted: "running the writer thread".into(),
                source: Arc::new(std::io::Error::other("it panicked")),
            })?;
        }
        self.failure().map_or(Ok(()), Err)
    }
}

impl Drop for Wal {
    fn drop(&mut self) {
        if let Err(error) = self.close() {
            tracing::error!(%error, "closing the write-ahead log");
        }
    }
}

impl Shared {
    /// Whether an append must be refused for lack of space. Costs nothing until a group was refused.
    fn is_disk_low(&self, payload_bytes: usize) -> bool {
        if !self.disk_low.load(Ordering::Relaxed) {
            return false;
        }
        let low = !self.has_room_for(payload_bytes);
        if !low {
            self.disk_low.store(false, Ordering::Relaxed);
        }
        low
    }

    /// Whether the disk stays above its low-water mark with `bytes` more. A disk that does not say counts as
    /// having room: the write itself will tell.
    pub(super) fn has_room_for(&self, bytes: usize) -> bool {
        let wanted = self.options.disk_low_water_bytes.saturating_add(bytes as u64);
        self.files.free_bytes(&self.options.directory).map_or(true, |free| free >= wanted)
    }

    /// Deletes the closed segments that hold no record after `closed.trimmed`.
    pub(super) fn delete_trimmed(&self, closed: &mut ClosedSegments) -> Result<(), WalError> {
        let count = closed.segments.iter().take_while(|s| s.last <= closed.trimmed).count();
        if count == 0 {
            return Ok(());
        }
        // The oldest first: what stays after a crash or an error is a contiguous end of the log.
        for _ in 0..count {
            let segment = &closed.segments[0];
            match self.files.remove(&segment.path) {
                Ok(()) => {}
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
                Err(e) => return Err(WalError::io("deleting", &segment.path, e)),
            }
            self.size_bytes.fetch_sub(segment.bytes, Ordering::Relaxed);
            closed.segments.remove(0);
        }
        let synced = self.files.sync_directory(&self.directory);
        synced.map_err(|e| WalError::io("syncing", &self.options.directory, e))
    }
}
