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
//! Every frame carries a checksum and the last sequence known to be on disk when it was written (`synced`). When
//! nothing waits to be written after a sync, a mark says it instead of the next record.
//! At the end of the last segment, bytes that are no intact frame are a **torn tail**: they are cut. So is a hole
//! there with intact frames behind it, when none of those knew a record of the hole to be on disk: then it is
//! one group whose pages reached the disk out of order, and nobody was told that it is safe. What follows the last record of
//! an earlier segment, when the next one goes on behind it, is cut too: a mark. Any other
//! hole is **damage**: its bytes are moved to `quarantine/`, the intact frames before and behind it
//! are kept, the log starts, and [`RecoveryReport`] names file, offset and the missing sequences. With
//! [`WalOptions::strict`] the log refuses to open instead and changes nothing.
//!
//! # Whose log it is
//!
//! A sequence is a place in one log. The caller notes with each flush which log that was, and hands it over when it opens one
//! ([`WalOptions::flushed_log`]). When that is another log, because another server has taken over meanwhile, the
//! records of this one are treated like damage: moved to `quarantine/` and reported, or in strict mode refused. When there is none,
//! because nothing was ever written to the store, a log with records is refused always: nobody starts a server anew by a wrong address. An
//! empty log just goes on.

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
