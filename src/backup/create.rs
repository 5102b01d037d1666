//! Making a backup.

use super::BackupError;
use super::description::{BackedUp, Description};
use super::files::{Progress, Step, for_each};
use super::object::copy_from;
use super::place;
use super::source::Source;
use crate::clock::Clock;
use crate::manifest::format::decode_checkpoint;
use crate::model::file::FileMeta;
use crate::object::{Creation, Store, layout};
use chrono::{DateTime, SecondsFormat};
use futures::TryStreamExt;
use parking_lot::Mutex;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

/// Cuts that are tried when files vanish while they are copied. A file that is not needed any more stays for longer than a backup
/// usually takes, so a second one is rare.
const CUTS_MAX: u32 = 5;

/// A backup that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Created {
    /// What it consists of.
    pub description: Description,
    /// Data files that were copied for it; the others were there.
    pub copied_file_count: u64,
    /// Their bytes.
    pub copied_bytes: u64,
    /// Why earlier backups cannot be read, one text each. Their files were not relied upon.
    pub unreadable: Vec<String>,
}

/// Copies the state and the data files of `source` to `place`. Files that an earlier backup has copied there are not copied again.
/// `progress` counts what is to be copied.
///
/// # Errors
/// When the source or the place fails. The place is as good as before then: what was copied without a description is no backup,
/// and the next one overwrites it.
pub async fn create(
    source: &dyn Source,
    place: &Store,
    clock: &dyn Clock,
    progress: Progress<'_>,
) -> Result<Created, BackupError> {
    let (known, unreadable) = known_files(place).await?;
    let copies = Copies { known: Mutex::new(known), copied: Mutex::default() };
    let mut attempt = 1;
    loop {
        match attempt_to(source, place, clock, &copies, progress).await {
            Ok(description) => {
                let (copied_file_count, copied_bytes) = *copies.copied.lock();
                return Ok(Created { description, copied_file_count, copied_bytes, unreadable });
            }
            Err(BackupError::Gone { path }) if attempt == CUTS_MAX => {
                return Err(BackupError::Overtaken { path, attempts: attempt });
            }
            Err(BackupError::Gone { .. }) => attempt += 1,
            Err(error) => return Err(error),
        }
    }
}

/// What the place has, over all attempts.
struct Copies {
    /// Files that need not be copied, by path.
    known: Mutex<HashMap<String, BackedUp>>,
    /// Number and bytes of the files that were.
    copied: Mutex<(u64, u64)>,
}

async fn attempt_to(
    source: &dyn Source,
    place: &Store,
    clock: &dyn Clock,
    copies: &Copies,
    progress: Progress<'_>,
) -> Result<Description, BackupError> {
    let begun = DateTime::from_timestamp_nanos(clock.now_ns());
    let name = begun.format("%Y%m%dT%H%M%S%.3fZ").to_string();
    let state_bytes = source.cut().await?;
    let checkpoint = decode_checkpoint("the state of the source", &state_bytes)?;
    let state = checkpoint.state;
    let (there, mut missing): (Vec<_>, Vec<_>) = {
        let known = copies.known.lock();
        let of_file = |file: &Arc<FileMeta>| {
            known.get(file.path.as_ref()).filter(|copy| copy.size_bytes == file.size_bytes).cloned()
        };
        state.files().map(|file| (of_file(file), file)).partition(|(copy, _)| copy.is_some())
    };
    // The newest first: compaction replaces these soon, while it leaves old ones alone.
    missing.sort_by_key(|(_, file)| Reverse(file.created_ns));
    let mut files: Vec<BackedUp> = there.into_iter().filter_map(|(copy, _)| copy).collect();
    progress(Step::Begun {
        file_count: missing.len() as u64,
        bytes: missing.iter().map(|(_, file)| file.size_bytes).sum(),
    });
    let missing = missing.iter().map(|(_, file)| *file);
    let copy = |file| copy_file(source, place, copies, file);
    files.extend(for_each(missing, |file| file.size_bytes, progress, copy).await?);
    files.sort_unstable_by(|a, b| a.path.cmp(&b.path));

    let path = layout::backup_state(&name);
    let description = Description {
        state: BackedUp::of(path.clone(), &state_bytes),
        created: begun.to_rfc3339_opts(SecondsFormat::Millis, true),
        made_by: concat!("tidegauge ", env!("CARGO_PKG_VERSION")).to_owned(),
        manifest_number: checkpoint.stamp.number,
        databases: state.databases().map(|database| database.name.to_string()).collect(),
        files,
        name,
    };
    for (path, bytes) in [(path, state_bytes), (layout::backup(&description.name), description.encode())] {
        if place.create(&path, bytes).await? == Creation::AlreadyExists {
            return Err(BackupError::Exists(format!("{path:?} exists already in {}", place.url())));
        }
    }
    Ok(description)
}

async fn copy_file(
    source: &dyn Source,
    place: &Store,
    copies: &Copies,
    file: &Arc<FileMeta>,
) -> Result<BackedUp, BackupError> {
    let parts = source.file(&file.path).await?;
    let copy = copy_from(parts, place, &file.path, file.size_bytes).await?;
    let mut copied = copies.copied.lock();
    *copied = (copied.0 + 1, copied.1 + copy.size_bytes);
    copies.known.lock().insert(copy.path.clone(), copy.clone());
    Ok(copy)
}

/// The data files that a complete backup has in the place: described, and there in the size that is described. And why some descriptions
/// cannot be read: a new backup is the cure for that, so it must not fail by it.
async fn known_files(place: &Store) -> Result<(HashMap<String, BackedUp>, Vec<String>), BackupError> {
    let (mut known, mut unreadable) = (HashMap::new(), Vec::new());
    let names = place::list(place).await?;
    if names.is_empty() {
        return Ok((known, unreadable));
    }
    let listed = place.list(layout::DATA_FOLDER).map_ok(|object| (object.path, object.size_bytes));
    let sizes: HashMap<String, u64> = listed.try_collect().await?;
    for name in names {
        let files = match place::open(place, &name).await {
            Ok(description) => description.files.into_iter(),
            Err(error @ (BackupError::Damaged { .. } | BackupError::Newer { .. })) => {
                unreadable.push(error.to_string());
                continue;
            }
            Err(error) => return Err(error),
        };
        let is_there = |file: &BackedUp| sizes.get(&file.path) == Some(&file.size_bytes);
        known.extend(files.filter(is_there).map(|file| (file.path.clone(), file)));
    }
    Ok((known, unreadable))
}
