//! A whole backup into an empty store.

use super::BackupError;
use super::check::read_state;
use super::description::Description;
use super::files::{Progress, Step, for_each};
use super::object::BackupObject;
use crate::manifest::snapshot;
use crate::object::{Creation, Store};

/// Copies the data files of a backup to `store` and makes its state the beginning of the store's manifest, last: until then the store
/// is empty to every server. An interrupted restore can be begun anew.
///
/// Nobody may open the store meanwhile, and the write-ahead log of whoever opens it next has to be empty: its records would
/// belong to another history.
///
/// # Errors
/// When the store has data, or an object of the backup is damaged or missing.
pub async fn restore(
    place: &Store,
    backup: &Description,
    store: &Store,
    progress: Progress<'_>,
) -> Result<(), BackupError> {
    refuse_data(store).await?;
    let state = read_state(place, backup).await?;
    let bytes = backup.files.iter().map(|file| file.size_bytes).sum();
    progress(Step::Begun { file_count: backup.files.len() as u64, bytes });
    let copy = |file| BackupObject::new(place, file).copy_to(store.upload(&file.path));
    for_each(backup.files.iter(), |file| file.size_bytes, progress, copy).await?;
    refuse_data(store).await?;
    match snapshot::install(store, &state).await? {
        Creation::Created => Ok(()),
        Creation::AlreadyExists => Err(not_empty(store)),
    }
}

async fn refuse_data(store: &Store) -> Result<(), BackupError> {
    if snapshot::is_absent(store).await? { Ok(()) } else { Err(not_empty(store)) }
}

fn not_empty(store: &Store) -> BackupError {
    BackupError::Exists(format!(
        "{} holds data already; a whole backup is restored into an empty store, a single database into any",
        store.url()
    ))
}
