//! Layer 2: the durable catalog and list of files, as a log of numbered objects.
//!
//! In come changes that belong together (an *edit*); out goes the state after them, once they are
//! durable. Whether a change is wise is decided by the caller: this module knows names of objects and
//! the order of edits, and nothing of rows.
//!
//! ```text
//! log          1 ── 2 ── 3 ── … ── 100 ── 101 ── 102          each created if absent: one winner per number
//!                                   │
//! checkpoints                      100                        the state after edit 100
//! ```
//!
//! **Commit.** Create the next number if it is absent. When it is there already, it is either the own
//! edit (its answer was lost), or another writer's: then that edit is applied, the change validated
//! anew, and the number after it tried.
//!
//! **Fencing.** Each opening claims the next epoch ([`crate::object::layout::epoch`]) and then writes an
//! empty edit that bears it. Writers with a lesser epoch cannot pass that edit: they meet it at their next
//! number and stop. So of all processes on one store the one that opened it last writes. One gap is left:
//! a writer that stood still for so long that its next number was collected, and could create it again.
//! Therefore each commit looks once more whether a newer epoch exists, after its edit was created. A writer that commits nothing
//! meets nothing: it has to ask ([`Manifest::check_is_newest`]) before it deletes what it does not know, and now and then.
//!
//! **Open.** Listing happens here and in collection, never for a query: take the newest checkpoint that
//! is whole, apply the edits after it, and look for further numbers until one is missing. Whoever wants to look before it
//! fences others reads first and takes over then ([`Candidate`]).
//!
//! **Damage.** An edit builds on all edits before it. Were a damaged one put aside and the later ones applied, files would drop out of
//! their tables and deleted rows come back, unnoticed by whoever asks, and collection would delete the files that nothing names any
//! more. So no edit is ever put aside: a start that needs a damaged one names it, changes nothing, and waits for a person with
//! a copy of the object or a backup. What can be done without is done without:
//!
//! | damaged or missing | a start |
//! |---|---|
//! | the newest checkpoint | takes the one before and the edits since, which are kept for that, and tells of it (`/health`, a metric) |
//! | an edit after the newest whole checkpoint | is refused, and names the edit |
//! | an edit or checkpoint before that, the pointer | goes on; `tidegauge inspect` finds it |
//!
//! Only a last edit that is missing cannot be told from one that was never made. When it was a flush, the write-ahead log misses records
//! then, and says so.
//!
//! | file | what |
//! |---|---|
//! | `format` | bytes of edits and checkpoints |
//! | `recover` | from the objects to the state |
//! | `takeover` | reading, and then becoming the writer |
//! | `commit` | appending an edit |
//! | `fence` | whether another process has taken over |
//! | `checkpoint` | checkpoints, and deleting what they make superfluous |
//! | `follow` | the state as another process changes it |
//! | `snapshot` | the state at one moment, to take away and to start a new store from |
//! | `inspect` | what is in the objects, for people |

mod checkpoint;
mod commit;
mod fence;
pub mod follow;
pub mod format;
pub mod inspect;
mod recover;
pub mod snapshot;
mod takeover;
#[cfg(test)]
mod tests;

pub use takeover::Candidate;

use crate::clock::Clock;
use crate::model::state::{ApplyError, State};
use crate::object::{Store, StoreError};
use checkpoint::Checkpointer;
use parking_lot::RwLock;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Edits between two checkpoints. Opening reads up to twice as many; a checkpoint costs about as much
/// as reading the whole state.
pub const CHECKPOINT_EDITS: u64 = 100;

/// The wait before the second attempt at one number; doubled for each further one.
pub const COMMIT_BACKOFF: Duration = Duration::from_millis(20);

/// How a manifest works.
#[derive(Clone, Debug)]
pub struct ManifestOptions {
    /// Stamps edits with the time.
    pub clock: Arc<dyn Clock>,
    /// Edits between two checkpoints; > 0.
    pub checkpoint_edits: u64,
    /// The wait before the second attempt at one number; doubled for each further one.
    pub commit_backoff: Duration,
}

impl ManifestOptions {
    /// The usual options.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, checkpoint_edits: CHECKPOINT_EDITS, commit_backoff: COMMIT_BACKOFF }
    }
}

/// Why the manifest cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// The store failed. After a commit it is unknown whether the edit took effect: see
    /// [`Manifest::commit`].
    #[error("manifest: {0}")]
    Store(#[from] StoreError),
    /// An object is there and is not what was written. Needs a person, or a backup.
    #[error("manifest object {path:?} is damaged: {reason}")]
    Damaged {
        /// The object.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// An object is not there although later ones are. Needs a person, or a backup.
    #[error("manifest object {path:?} is missing, although later ones exist")]
    Missing {
        /// The object.
        path: String,
    },
    /// An object was written by a later version of Tidegauge: use that one.
    #[error(
        "manifest object {path:?} has format version {version}, this program reads up to {}",
        format::VERSION
    )]
    Newer {
        /// The object.
        path: String,
        /// The version of its format.
        version: u32,
    },
    /// Another process opened the manifest since: this one must stop writing.
    #[error(
        "another server has taken over this store: stop this one, and write to the other (epoch {newer} came after {own})"
    )]
    Fenced {
        /// The epoch of this writer.
        own: u64,
        /// The epoch that took over.
        newer: u64,
    },
}

/// Why an edit was not committed.
#[derive(Debug, thiserror::Error)]
pub enum CommitError<E> {
    /// The caller's own check of the state said no; nothing was written.
    #[error(transparent)]
    Refused(E),
    /// A change does not fit the state; nothing was written.
    #[error(transparent)]
    Conflict(ApplyError),
    /// The manifest could not be written. With [`ManifestError::Store`] the outcome is unknown; with
    /// [`ManifestError::Fenced`] it is up to the writer that took over.
    #[error(transparent)]
    Failed(ManifestError),
}

/// The manifest, opened for writing.
#[derive(Debug)]
pub struct Manifest {
    store: Store,
    options: ManifestOptions,
    writer: String,
    epoch: u64,
    /// The epoch that took over, once that is known.
    fenced_by: OnceLock<u64>,
    tail: tokio::sync::Mutex<Tail>,
    /// The state after the last edit known; for readers who must not wait for a commit.
    current: RwLock<State>,
    checkpointer: Arc<Checkpointer>,
    /// What was damaged when the manifest was opened, and could be done without.
    damage: Vec<String>,
}

/// The end of the log as this process knows it.
#[derive(Debug)]
struct Tail {
    state: State,
    /// The last edit in `state`; 0 = none.
    number: u64,
    /// The epoch of that edit.
    epoch: u64,
    /// An own edit that may have been created, or may yet be: its answer is missing.
    unsettled: Option<format::Edit>,
    /// An own edit in `state` whose caller was told that it failed.
    untold: Option<format::Edit>,
}

impl Manifest {
    /// The state after the last edit that this process knows of.
    #[must_use]
    pub fn state(&self) -> State {
        self.current.read().clone()
    }

    /// The damaged objects that opening passed over, because older ones make up for them.
    #[must_use]
    pub fn damage(&self) -> &[String] {
        &self.damage
    }

    /// The epoch of this writer.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The number of the last edit that this process knows of.
    pub async fn number(&self) -> u64 {
        self.tail.lock().await.number
    }
}
