//! Reading the objects of a backup, each compared with its description.

use super::BackupError;
use super::description::Description;
use super::files::{Progress, Step, for_each};
use super::object::BackupObject;
use crate::manifest::ManifestError;
use crate::manifest::format::{Checkpoint, decode_checkpoint};
use crate::object::Store;
use std::collections::HashMap;

/// Reads every object of a backup.
///
/// # Errors
/// The first one that is damaged or missing.
pub async fn check(place: &Store, backup: &Description, progress: Progress<'_>) -> Result<(), BackupError> {
    read_state(place, backup).await?;
    progress(Step::Begun {
        file_count: backup.files.len() as u64,
        bytes: backup.size_bytes() - backup.state.size_bytes,
    });
    let read = |file| BackupObject::new(place, file).check();
    for_each(backup.files.iter(), |file| file.size_bytes, progress, read).await?;
    Ok(())
}

/// The state of a backup. Every file that it names is described, in the size that it says.
pub(super) async fn read_state(place: &Store, backup: &Description) -> Result<Checkpoint, BackupError> {
    let path = &backup.state.path;
    let bytes = place.get(path).await.map_err(BackupError::of_object)?;
    backup.state.check(bytes.len() as u64, crc32c::crc32c(&bytes))?;
    let checkpoint = decode_checkpoint(path, &bytes).map_err(|error| match error {
        ManifestError::Damaged { reason, .. } => BackupError::damaged(path, reason),
        other => other.into(),
    })?;
    let described: HashMap<&str, u64> =
        backup.files.iter().map(|file| (file.path.as_str(), file.size_bytes)).collect();
    for file in checkpoint.state.files() {
        if described.get(file.path.as_ref()) != Some(&file.size_bytes) {
            let reason = format!("it names the file {:?}, which the description lacks", file.path);
            return Err(BackupError::damaged(path, reason));
        }
    }
    Ok(checkpoint)
}
