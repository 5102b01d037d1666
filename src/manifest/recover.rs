//! From the objects of a manifest to its state. Reads only; used at start-up and by tools.

use super::ManifestError;
use super::format::{self, Checkpoint, Edit, damaged};
use crate::model::state::State;
use crate::object::{Store, StoreError, layout};
use futures::{StreamExt, TryStreamExt};

/// Edits fetched at the same time; enough to hide an object store's latency.
const READS_CONCURRENT_MAX: usize = 16;

/// What the objects add up to.
#[derive(Debug)]
pub(super) struct Recovered {
    pub(super) state: State,
    /// The last edit in `state`; 0 = none.
    pub(super) number: u64,
    /// The epoch of that edit.
    pub(super) epoch: u64,
    /// The checkpoint that the state was built upon; 0 = none.
    pub(super) checkpoint: u64,
    /// What was damaged and could be done without.
    pub(super) damage: Vec<String>,
}

impl Recovered {
    fn empty(damage: Vec<String>) -> Self {
        Self { state: State::default(), number: 0, epoch: 0, checkpoint: 0, damage }
    }
}

/// Readings of the whole manifest before a missing object is believed to be missing.
const ATTEMPTS_MAX: usize = 3;

/// Finds the newest whole checkpoint and applies all edits after it.
pub(super) async fn recover(store: &Store) -> Result<Recovered, ManifestError> {
    let mut newest_before = 0;
    let mut attempt = 1;
    loop {
        let recovered = recover_once(store).await;
        if !matches!(recovered, Err(ManifestError::Missing { .. })) || attempt == ATTEMPTS_MAX {
            return recovered;
        }
        // A writer may have written newer checkpoints and collected what was about to be read.
        let newest = numbers_in(store, layout::CHECKPOINT_FOLDER).await?.last().copied().unwrap_or(0);
        if newest <= newest_before {
            return recovered;
        }
        newest_before = newest;
        attempt += 1;
    }
}

async fn recover_once(store: &Store) -> Result<Recovered, ManifestError> {
    let mut recovered = newest_checkpoint(store).await?;
    let edits = numbers_in(store, layout::LOG_FOLDER).await?;
    let after: Vec<u64> = edits.into_iter().filter(|n| *n > recovered.number).collect();
    for (expected, found) in (recovered.number + 1..).zip(&after) {
        if *found != expected {
            return Err(ManifestError::Missing { path: layout::edit(expected) });
        }
    }
    let mut reads = futures::stream::iter(after)
        .map(|number| async move { (number, read_edit(store, number).await) })
        .buffered(READS_CONCURRENT_MAX);
    while let Some((number, edit)) = reads.next().await {
        let path = || layout::edit(number);
        let edit = edit?.ok_or_else(|| ManifestError::Missing { path: path() })?;
        recovered.state = apply(&recovered.state, recovered.epoch, &edit)?;
        (recovered.number, recovered.epoch) = (number, edit.stamp.epoch);
    }
    drop(reads);
    // What was created since the list was made.
    while let Some(edit) = read_edit(store, recovered.number + 1).await? {
        recovered.state = apply(&recovered.state, recovered.epoch, &edit)?;
        (recovered.number, recovered.epoch) = (edit.stamp.number, edit.stamp.epoch);
    }
    Ok(recovered)
}

/// The state of the newest checkpoint that can be read. A damaged one is passed over: the edits since
/// the one before it are still there.
async fn newest_checkpoint(store: &Store) -> Result<Recovered, ManifestError> {
    let mut candidates = numbers_in(store, layout::CHECKPOINT_FOLDER).await?;
    if let Some(latest) = latest_pointer(store).await
        && candidates.last().is_none_or(|listed| latest > *listed)
    {
        candidates.push(latest);
    }
    let Some(newest) = candidates.last().copied() else { return Ok(Recovered::empty(Vec::new())) };
    let mut first_error = None;
    let mut damage = Vec::new();
    for number in candidates.into_iter().rev() {
        match read_checkpoint(store, number).await {
            Ok(Some(Checkpoint { stamp, state })) => {
                return Ok(Recovered { state, number, epoch: stamp.epoch, checkpoint: number, damage });
            }
            Ok(None) => {}
            Err(e @ ManifestError::Damaged { .. }) => {
                tracing::error!(error = %e, "passing over a damaged checkpoint");
                damage.push(e.to_string());
                first_error.get_or_insert(e);
            }
            Err(e) => return Err(e),
        }
    }
    // Without any checkpoint the log must go back to its beginning.
    if store.exists(&layout::edit(1)).await? {
        return Ok(Recovered::empty(damage));
    }
    Err(first_error.unwrap_or_else(|| ManifestError::Missing { path: layout::checkpoint(newest) }))
}

/// The number that the pointer names. It is only a hint, so that failing to read it is no failure.
async fn latest_pointer(store: &Store) -> Option<u64> {
    pointed_to(&store.get(layout::LATEST).await.ok()?)
}

fn pointed_to(pointer: &[u8]) -> Option<u64> {
    serde_json::from_slice::<serde_json::Value>(pointer).ok()?.get("checkpoint")?.as_u64()
}

/// The number of the newest checkpoint; 0 = none. A store without the pointer still has every edit, because nothing is
/// collected before the pointer names a checkpoint. When the pointer cannot be understood, the checkpoints are listed
/// instead.
pub(super) async fn newest_checkpoint_number(store: &Store) -> Result<u64, StoreError> {
    match store.get(layout::LATEST).await {
        Err(StoreError::NotFound { .. }) => Ok(0),
        Err(error) => Err(error),
        Ok(pointer) => match pointed_to(&pointer) {
            Some(number) => Ok(number),
            None => Ok(numbers_in(store, layout::CHECKPOINT_FOLDER).await?.last().copied().unwrap_or(0)),
        },
    }
}

/// The state after an edit. The edit before it had the epoch `epoch`.
pub(super) fn apply(state: &State, epoch: u64, edit: &Edit) -> Result<State, ManifestError> {
    let path = layout::edit(edit.stamp.number);
    if edit.stamp.epoch < epoch {
        let reason = format!("its writer's epoch {} was over, {epoch} had begun", edit.stamp.epoch);
        return Err(damaged(&path, reason));
    }
    state.with_changes(&edit.changes).map_err(|e| damaged(&path, e.to_string()))
}

/// An edit, or `None` when there is none of this number.
pub(super) async fn read_edit(store: &Store, number: u64) -> Result<Option<Edit>, ManifestError> {
    let path = layout::edit(number);
    let bytes = match store.get(&path).await {
        Ok(bytes) => bytes,
        Err(StoreError::NotFound { .. }) => return Ok(None),
        Err(e) => return Err(e.into()),
    };
    let edit = format::decode_edit(&path, &bytes)?;
    check_number(&path, number, edit.stamp.number)?;
    Ok(Some(edit))
}

/// A checkpoint, or `None` when there is none of this number.
pub(super) async fn read_checkpoint(store: &Store, number: u64) -> Result<Option<Checkpoint>, ManifestError> {
    let path = layout::checkpoint(number);
    let bytes = match store.get(&path).await {
        Ok(bytes) => bytes,
        Err(StoreError::NotFound { .. }) => return Ok(None),
        Err(e) => return Err(e.into()),
    };
    let checkpoint = format::decode_checkpoint(&path, &bytes)?;
    check_number(&path, number, checkpoint.stamp.number)?;
    Ok(Some(checkpoint))
}

fn check_number(path: &str, expected: u64, found: u64) -> Result<(), ManifestError> {
    if expected == found { Ok(()) } else { Err(damaged(path, format!("it says that its number is {found}"))) }
}

/// The numbers of the objects in a folder, ascending. Other objects are ignored.
pub(super) async fn numbers_in(store: &Store, folder: &str) -> Result<Vec<u64>, StoreError> {
    let listed = store.list(folder).try_filter_map(|l| async move { Ok(layout::number_of(&l.path)) });
    let mut numbers: Vec<u64> = listed.try_collect().await?;
    numbers.sort_unstable();
    Ok(numbers)
}
