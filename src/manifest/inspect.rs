//! What is in the objects of a manifest, for people and tools. Reads only, claims nothing, and goes on
//! past damaged objects.

use super::format::{Edit, Stamp};
use super::{ManifestError, recover};
use crate::model::state::State;
use crate::object::{Store, StoreError, layout};

/// All objects of a manifest, and what they add up to.
#[derive(Debug)]
pub struct Inspection {
    /// The epochs that were claimed, ascending.
    pub epochs: Vec<u64>,
    /// The checkpoints, ascending.
    pub checkpoints: Vec<ObjectReport>,
    /// The edits, ascending.
    pub edits: Vec<ObjectReport>,
    /// The state that a server would start with, or why it would not.
    pub state: Result<State, ManifestError>,
}

impl Inspection {
    /// Whether every object is whole and a server would start.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.state.is_ok() && self.checkpoints.iter().chain(&self.edits).all(|o| o.content.is_ok())
    }
}

/// One edit or checkpoint.
#[derive(Debug)]
pub struct ObjectReport {
    /// Its path below the store's root.
    pub path: String,
    /// What it holds, or why that cannot be told: its checksum does not hold, for one.
    pub content: Result<Summary, ManifestError>,
}

/// What an edit or a checkpoint holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Who wrote it, when, and its number.
    pub stamp: Stamp,
    /// Number of changes.
    pub change_count: usize,
}

/// Reads and checks every object of a manifest.
///
/// # Errors
/// When the store cannot list its objects. What is wrong with a single object stands in its report.
pub async fn inspect(store: &Store) -> Result<Inspection, StoreError> {
    let mut checkpoints = Vec::new();
    for number in recover::numbers_in(store, layout::CHECKPOINT_FOLDER).await? {
        let path = layout::checkpoint(number);
        let read = recover::read_checkpoint(store, number).await;
        let content = present(&path, read)
            .map(|c| Summary { change_count: c.state.to_changes().count(), stamp: c.stamp });
        checkpoints.push(ObjectReport { path, content });
    }
    let mut edits = Vec::new();
    for number in recover::numbers_in(store, layout::LOG_FOLDER).await? {
        let content =
            read_edit(store, number).await.map(|e| Summary { change_count: e.changes.len(), stamp: e.stamp });
        edits.push(ObjectReport { path: layout::edit(number), content });
    }
    Ok(Inspection {
        epochs: recover::numbers_in(store, layout::EPOCH_FOLDER).await?,
        checkpoints,
        edits,
        state: read_state(store).await,
    })
}

/// Reads one edit.
///
/// # Errors
/// When it is not there, or damaged.
pub async fn read_edit(store: &Store, number: u64) -> Result<Edit, ManifestError> {
    present(&layout::edit(number), recover::read_edit(store, number).await)
}

/// The state that the objects add up to, without opening the manifest for writing.
///
/// # Errors
/// Those of [`super::Manifest::open`].
pub async fn read_state(store: &Store) -> Result<State, ManifestError> {
    recover::recover(store).await.map(|recovered| recovered.state)
}

fn present<T>(path: &str, read: Result<Option<T>, ManifestError>) -> Result<T, ManifestError> {
    read?.ok_or_else(|| StoreError::NotFound { path: path.into() }.into())
}
