//! The thread that writes: takes what waits, writes it with one write and one fdatasync, answers all waiters.
//!
//! Three outcomes of a group: it is on disk; it was refused and nothing of it is in the log (no space); or the
//! log has failed for good. After a failed write or fsync nobody knows which pages the disk holds, and an
//! fsync that is repeated may report success for pages that were dropped, so nothing is ever tried again.

use super::error::WalError;
use super::files::LogFile;
use super::frame::{FRAME_HEADER_BYTES, RecordKind, push_frame};
use super::log::{Pending, Shared};
use super::segment::{SEGMENT_HEADER_BYTES, SegmentHeader, file_name};
use crate::model::ids::Sequence;
use rustix::io::Errno;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// A buffer that a large group left behind is given back when it is longer than this.
const BUFFER_KEPT_BYTES: usize = 16 << 20;

/// A segment that gets no more records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ClosedSegment {
    pub(super) path: PathBuf,
    /// The last record in it.
    pub(super) last: Sequence,
    pub(super) bytes: u64,
}

/// Writes until the log is closed and the queue is empty, or until it fails. `last` is the last record on disk, and
/// `floor`, not before it, the sequence after which records begin.
pub(super) fn run(shared: Arc<Shared>, last: Sequence, floor: Sequence) {
    // What lies between counts as refused, so that nobody will miss it.
    let refused = (floor > last).then_some(floor);
    let mut writer =
        Writer { shared, active: None, synced: last, refused, failure: None, buffer: Vec::new() };
    // A bug in here must not leave waiters waiting for ever.
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| writer.run()));
    let stop = outcome.unwrap_or_else(|_| {
        Err(Stop(WalError::Failed {
            attempted: "running the writer thread".into(),
            source: Arc::new(io::Error::other("it panicked")),
        }))
    });
    if let Err(Stop(error)) = stop {
        writer.fail(error);
    }
}

enum Work {
    Group(Vec<Pending>),
    Rotate,
    /// No record gets a sequence up to this one any more.
    Skip(Sequence),
}

/// Why a group is not on disk.
enum CommitError {
    /// Nothing of it is in the log; the log goes on.
    Refused(WalError),
    /// The log has failed.
    Final(WalError),
}

/// The log has failed.
struct Stop(WalError);

struct Writer {
    shared: Arc<Shared>,
    /// The segment being written; created when the first record for it arrives.
    active: Option<ActiveSegment>,
    /// The last record on disk.
    synced: Sequence,
    /// The last sequence that was refused or skipped; so were all others after `synced`.
    refused: Option<Sequence>,
    /// What ended the log after the last group was on disk.
    failure: Option<WalError>,
    buffer: Vec<u8>,
}

struct ActiveSegment {
    file: Box<dyn LogFile>,
    path: PathBuf,
    salt: u64,
    /// Its length, all of it synced.
    bytes: u64,
}

impl Writer {
    fn run(&mut self) -> Result<(), Stop> {
        while let Some(work) = self.next_work() {
            match work {
                Work::Rotate => self.retire_segment(),
                Work::Skip(through) => {
                    // The next record notes the skipped sequences in the log, as it does refused ones, so that recovery
                    // does not miss them.
                    self.refused = Some(through);
                    self.shared.durable.store(through.0, Ordering::Release);
                }
                Work::Group(group) => {
                    let outcome = self.commit(&group);
                    self.conclude(group, outcome)?;
                    if let Some(error) = self.failure.take() {
                        return Err(Stop(error));
                    }
                }
            }
        }
        Ok(())
    }

    /// Waits for something to do; `None` when the log is closed and all is written.
    fn next_work(&mut self) -> Option<Work> {
        let shared = Arc::clone(&self.shared);
        let mut queue = shared.queue.lock();
        loop {
            let next = queue.pending.front().map(|p| p.sequence);
            if let Some(after) = queue.rotate_after
                && next.is_none_or(|n| n > after)
            {
                queue.rotate_after = None;
                return Some(Work::Rotate);
            }
            if let Some(skip) = queue.skips.front().copied()
                && next.is_none_or(|n| n > skip.after)
            {
                queue.skips.pop_front();
                return Some(Work::Skip(skip.through));
            }
            if next.is_some() {
                break;
            }
            if queue.ended.is_some() {
                return None;
            }
            shared.wake.wait(&mut queue);
        }
        let rotate_after = queue.rotate_after.unwrap_or(Sequence(u64::MAX));
        let skip_after = queue.skips.front().map_or(Sequence(u64::MAX), |skip| skip.after);
        let mut group = Vec::new();
        let mut group_bytes = 0;
        while let Some(next) = queue.pending.front() {
            let bytes = next.payload.len() + FRAME_HEADER_BYTES;
            let is_full = group_bytes + bytes > shared.options.group_bytes_max && !group.is_empty();
            if is_full || next.sequence > rotate_after.min(skip_after) {
                break;
            }
            group_bytes += bytes;
            queue.pending_bytes = queue.pending_bytes.saturating_sub(next.payload.len());
            group.extend(queue.pending.pop_front());
        }
        Some(Work::Group(group))
    }

    /// Puts the group on disk.
    fn commit(&mut self, group: &[Pending]) -> Result<(), CommitError> {
        let group_bytes = group.iter().map(|p| p.payload.len() + FRAME_HEADER_BYTES).sum();
        if !self.shared.has_room_for(group_bytes) {
            return Err(CommitError::Refused(WalError::DiskFull));
        }
        let segment_bytes_max = self.shared.options.segment_bytes_max;
        if self.active.as_ref().is_some_and(|a| a.bytes >= segment_bytes_max) {
            self.retire_segment();
        }
        if self.active.is_none() {
            self.active = Some(create_segment(&self.shared, self.synced.next())?);
        }
        let active = self.active.as_mut().expect("a segment was just made sure of");

        self.buffer.clear();
        if let Some(refused) = self.refused {
            let first = self.synced.next().0.to_le_bytes();
            let (buffer, crc) = (&mut self.buffer, crc32c::crc32c(&first));
            push_frame(buffer, active.salt, refused, self.synced, RecordKind::Gap, &first, crc);
        }
        for p in group {
            let (buffer, synced) = (&mut self.buffer, self.synced);
            push_frame(buffer, active.salt, p.sequence, synced, RecordKind::Batch, &p.payload, p.payload_crc);
        }
        write_all(active.file.as_mut(), &self.buffer).or_else(|e| take_back(active, e))?;
        active.file.sync().map_err(|e| failed("fsync of", &active.path, e))?;
        active.bytes += self.buffer.len() as u64;
        self.shared.size_bytes.fetch_add(self.buffer.len() as u64, Ordering::Relaxed);
        if self.buffer.capacity() > BUFFER_KEPT_BYTES {
            self.buffer = Vec::new();
        }
        let is_idle = self.shared.queue.lock().pending.is_empty();
        if let Some(last) = group.last().filter(|_| is_idle) {
            self.mark(last.sequence);
        }
        Ok(())
    }

    /// Writes a mark: the records up to `synced` are on disk. Without it, damage to the last record would look like a
    /// record that was never finished, and be cut. The mark itself is not synced: when it is lost, nothing is worse than
    /// without it.
    fn mark(&mut self, synced: Sequence) {
        let Some(active) = &mut self.active else { return };
        self.buffer.clear();
        let (buffer, crc) = (&mut self.buffer, crc32c::crc32c(&[]));
        push_frame(buffer, active.salt, synced.next(), synced, RecordKind::Mark, &[], crc);
        match write_all(active.file.as_mut(), &self.buffer).or_else(|e| take_back(active, e)) {
            Ok(()) => {
                active.bytes += self.buffer.len() as u64;
                self.shared.size_bytes.fetch_add(self.buffer.len() as u64, Ordering::Relaxed);
            }
            Err(CommitError::Refused(_)) => {} // there is no room for it, and nothing of it is left
            Err(CommitError::Final(error)) => self.failure = Some(error),
        }
    }

    /// Records the outcome and answers the waiters. Answers nobody when the log has failed.
    fn conclude(&mut self, group: Vec<Pending>, outcome: Result<(), CommitError>) -> Result<(), Stop> {
        let Some(last) = group.last().map(|p| p.sequence) else { return Ok(()) };
        let answer = match outcome {
            Ok(()) => {
                self.synced = last;
                self.refused = None;
                Ok(())
            }
            Err(CommitError::Refused(error)) => {
                self.refused = Some(last);
                if matches!(error, WalError::DiskFull) {
                    self.shared.disk_low.store(true, Ordering::Relaxed);
                }
                tracing::warn!(%error, records = group.len(), "the write-ahead log refused writes");
                Err(error)
            }
            Err(CommitError::Final(error)) => {
                // These waiters are answered with all others, after the log is marked as failed.
                let mut queue = self.shared.queue.lock();
                for pending in group.into_iter().rev() {
                    queue.pending.push_front(pending);
                }
                return Err(Stop(error));
            }
        };
        self.shared.durable.store(last.0, Ordering::Release);
        for pending in group {
            // Whoever gave up waiting needs no answer.
            let _ = pending.done.send(answer.clone());
        }
        Ok(())
    }

    /// Marks the log as failed, then tells everyone who waits.
    fn fail(&mut self, error: WalError) {
        tracing::error!(%error, "the write-ahead log has failed; no more writes are taken until a restart");
        let waiting = {
            let mut queue = self.shared.queue.lock();
            queue.ended = Some(error.clone());
            queue.pending_bytes = 0;
            std::mem::take(&mut queue.pending)
        };
        for pending in waiting {
            let _ = pending.done.send(Err(error.clone()));
        }
    }

    /// Stops writing to the current segment, and deletes it if its records were trimmed already.
    fn retire_segment(&mut self) {
        // A segment without records stays in use: the next one would have the same name.
        let has_records = |a: &mut ActiveSegment| a.bytes > SEGMENT_HEADER_BYTES as u64;
        let Some(active) = self.active.take_if(has_records) else { return };
        let mut closed = self.shared.closed.lock();
        closed.segments.push(ClosedSegment { path: active.path, last: self.synced, bytes: active.bytes });
        if let Err(error) = self.shared.delete_trimmed(&mut closed) {
            tracing::warn!(%error, "trimming the write-ahead log; it is tried again with the next flush");
        }
    }
}

/// Creates the segment that starts with `first` and makes it durable, so that a record in it cannot be lost with
/// its folder entry.
fn create_segment(shared: &Shared, first: Sequence) -> Result<ActiveSegment, CommitError> {
    let directory = &shared.options.directory;
    let path = directory.join(file_name(first));
    let mut file = shared.files.create(&path).map_err(|e| {
        CommitError::Refused(match is_out_of_space(&e) {
            true => WalError::DiskFull,
            false if is_out_of_descriptors(&e) => WalError::NoDescriptors,
            false => WalError::io("creating", &path, e),
        })
    })?;
    let (salt, _) = uuid::Uuid::new_v4().as_u64_pair();
    let header = SegmentHeader { first, salt }.encode();
    if let Err(error) = write_all(file.as_mut(), &header) {
        if !is_out_of_space(&error) {
            return Err(failed("writing the header of", &path, error));
        }
        // Left behind, it would look like damage once later segments exist.
        shared.files.remove(&path).map_err(|e| failed("removing", &path, e))?;
        return Err(CommitError::Refused(WalError::DiskFull));
    }
    file.sync().map_err(|e| failed("fsync of", &path, e))?;
    shared.files.sync_directory(&shared.directory).map_err(|e| failed("fsync of", directory, e))?;
    let bytes = header.len() as u64;
    shared.size_bytes.fetch_add(bytes, Ordering::Relaxed);
    Ok(ActiveSegment { file, path, salt, bytes })
}

/// After a failed write: takes the part that was written back when the disk is merely full.
fn take_back(active: &mut ActiveSegment, error: io::Error) -> Result<(), CommitError> {
    if !is_out_of_space(&error) {
        return Err(failed("writing", &active.path, error));
    }
    active.file.truncate(active.bytes).map_err(|e| failed("truncating", &active.path, e))?;
    active.file.sync().map_err(|e| failed("fsync of", &active.path, e))?;
    Err(CommitError::Refused(WalError::DiskFull))
}

fn failed(attempted: &str, path: &std::path::Path, source: io::Error) -> CommitError {
    CommitError::Final(WalError::Failed {
        attempted: format!("{attempted} {}", path.display()).into(),
        source: Arc::new(source),
    })
}

fn is_out_of_space(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// Whether the process or the machine has as many files open as it may.
fn is_out_of_descriptors(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE))
}

fn write_all(file: &mut dyn LogFile, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = bytes.get(written..).ok_or(io::ErrorKind::InvalidData)?,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}
