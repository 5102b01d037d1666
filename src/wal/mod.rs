//! The write-ahead log: what makes an acknowledged write survive `kill -9` and power loss.
//!
//! ```text
//! WriteBatch ─ batch::encode ─▶ Wal::append ─▶ queue ─▶ writer thread ─▶ one write, one fdatasync ─▶ waiters
//!                                 gives the sequence     all that waits            per group
//!
//! Wal::open:  segments ─▶ scan (checksums) ─▶ batch::decode ─▶ replay(sequence, batch)     then repair
//! ```
//!
//! In: encoded batches. Out: a sequence for each, and the news that it is on disk; at start, every batch that
//! is still needed. The log knows neither buffer nor files: the engine appends, waits, then applies; after a flush it
//! says through which sequence records are no longer needed ([`Wal::trim`]).
//!
//! | part | what it does |
//! |---|---|
//! | [`batch`] | batch ↔ bytes of a record |
//! | `frame` | record ↔ bytes in a segment; finding intact frames among damage |
//! | `segment` | the files: names, headers |
//! | `log`, `writer` | the open log: queue, group commit, rotation, trimming |
//! | `recover`, `repair`, `report` | what is read at start, what is done about damage, and what was found |
//! | `identity` | which log it is |
//! | `foreign` | what is done with the records of a log that the store does not go on from |
//! | `left_out` | what is done with records that the caller knows nothing to do with |
//! | `lock` | one process at a time has it open |
//! | [`inspect`] | looking at a log from outside |
//! | [`salvage`], `lost_header` | reading what was put aside |
//! | [`files`] | the file operations that tests make fail |
//!
//! # What recovery does about damage
//!
//! Every frame carries a checksum and the last sequence known to be on disk when it was written (`synced`). When nothing
//! waits to be written after a sync, a mark says it instead of the next record. Bytes at the end of the last segment that
//! are no intact frame are a **torn tail**: they are cut. A hole there with intact frames behind it is cut too, frames
//! included, unless one of these says (`synced`) that a record of the hole was on disk: it is one group whose pages reached
//! the disk out of order, and nobody was told that it is safe. At the end of an earlier segment, bytes behind its last
//! record are cut when the next segment goes on right after that record: they are a torn mark. Any other hole is
//! **damage**: its bytes are moved to `quarantine/`, the intact frames before and behind it are kept, the log starts, and
//! [`RecoveryReport`] names file, offset and the missing sequences. With [`WalOptions::strict`] the log refuses to open
//! instead and changes nothing.
//!
//! # Whose log it is
//!
//! A sequence is a place in one log. With each flush the caller notes in its store which log that was, and tells when it
//! opens a log ([`WalOptions::flushed_log`]). When the store goes on from another log, because another server has taken
//! over meanwhile, the records of this one are treated like damage: moved to `quarantine/` and reported, or in strict mode
//! refused. When nothing was ever written to the store, a log with records is always refused: most likely the address of
//! the store is wrong. An empty log just goes on.

pub mod batch;
pub mod files;
pub mod inspect;
pub mod salvage;

mod error;
mod foreign;
mod frame;
mod identity;
mod left_out;
mod lock;
mod log;
mod lost_header;
mod recover;
mod repair;
mod report;
mod segment;
mod writer;

pub use error::WalError;
pub use foreign::refuse_foreign;
pub use frame::RecordKind;
pub use identity::{FlushedLog, is_foreign};
pub use lock::{Held, hold};
pub use log::{Appended, DurableWait, Wal, WalOptions};
pub use report::{Damage, RecoveryReport};

#[cfg(test)]
mod tests;
