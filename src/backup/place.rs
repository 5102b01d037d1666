//! The backups of a place.

use super::BackupError;
use super::description::Description;
use crate::object::{Store, layout};
use futures::{StreamExt, TryStreamExt};
use std::collections::BTreeSet;

/// Deletions on their way at a time.
const DELETIONS_CONCURRENT_MAX: usize = 16;

/// The names of all complete backups of a place, from old to new.
///
/// # Errors
/// When the place cannot be listed.
pub async fn list(place: &Store) -> Result<Vec<String>, BackupError> {
    let listed: Vec<_> = place.list(layout::BACKUP_FOLDER).try_collect().await?;
    let mut names: Vec<String> =
        listed.iter().filter_map(|object| layout::backup_name(&object.path)).map(str::to_owned).collect();
    names.sort_unstable();
    Ok(names)
}

/// The description of a backup.
///
/// # Errors
/// When there is none of this name, or it is damaged.
pub async fn open(place: &Store, name: &str) -> Result<Description, BackupError> {
    let path = layout::backup(name);
    match place.get(&path).await.map_err(BackupError::of_object) {
        Ok(bytes) => Description::decode(name, &bytes),
        Err(BackupError::Missing { .. }) => {
            let names = list(place).await?;
            let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            let text = format!("there is no backup {name:?} in {}; there are: {known}", place.url());
            Err(BackupError::NotFound(text))
        }
        Err(error) => Err(error),
    }
}

/// The description of the newest backup.
///
/// # Errors
/// When there is no backup, or the newest is damaged.
pub async fn newest(place: &Store) -> Result<Description, BackupError> {
    match list(place).await?.last() {
        Some(name) => open(place, name).await,
        None => Err(BackupError::NotFound(format!("there is no backup in {}", place.url()))),
    }
}

/// Deletes all but the newest `kept` (> 0) backups, and the data files that only they have. Returns how many backups went. Nothing else
/// may be writing backups to the place.
///
/// # Errors
/// When the place fails, or a description is damaged: then nobody knows which files are needed, and none is deleted.
pub async fn delete_old(place: &Store, kept: usize) -> Result<usize, BackupError> {
    assert!(kept > 0, "a backup is left");
    let names = list(place).await?;
    let (old, kept) = names.split_at(names.len().saturating_sub(kept));
    if old.is_empty() {
        return Ok(0);
    }
    let mut superfluous = BTreeSet::new();
    for name in old {
        superfluous.extend(open(place, name).await?.objects().map(|object| object.path.clone()));
    }
    for name in kept {
        for object in open(place, name).await?.objects() {
            superfluous.remove(&object.path);
        }
    }
    // Descriptions first: one that is there names nothing that is not.
    for name in old {
        place.delete(&layout::backup(name)).await?;
    }
    let deletions = superfluous.iter().map(|path| place.delete(path));
    futures::stream::iter(deletions)
        .buffer_unordered(DELETIONS_CONCURRENT_MAX)
        .try_collect::<Vec<()>>()
        .await?;
    Ok(old.len())
}
