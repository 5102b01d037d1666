//! One database of a backup into a server that has others.

use super::BackupError;
use super::check::read_state;
use super::description::{BackedUp, Description};
use super::files::{Progress, Step, for_each};
use super::object::BackupObject;
use crate::engine::Engine;
use crate::model::database_image::DatabaseImage;
use crate::model::file::FileMeta;
use crate::object::Store;
use async_trait::async_trait;
use std::collections::HashMap;
use std::sync::Arc;

/// Who takes a database in.
#[async_trait]
pub trait Recipient: Send + Sync {
    /// Whether there is a database of this name.
    ///
    /// # Errors
    /// When the recipient fails.
    async fn has_database(&self, name: &str) -> Result<bool, BackupError>;

    /// Takes a data file whose window starts at `window_start_ns`, under a new name, which is returned.
    ///
    /// # Errors
    /// When the recipient fails, or the file cannot be read or is not what was written.
    async fn put_file(&self, window_start_ns: i64, file: BackupObject<'_>) -> Result<String, BackupError>;

    /// Adds the database `name`, whose files were put before.
    ///
    /// # Errors
    /// When there is one of this name, or the recipient fails.
    async fn adopt(&self, name: &str, image: &DatabaseImage) -> Result<(), BackupError>;
}

#[async_trait]
impl Recipient for Engine {
    async fn has_database(&self, name: &str) -> Result<bool, BackupError> {
        Ok(self.state().database(name).is_some())
    }

    async fn put_file(&self, window_start_ns: i64, file: BackupObject<'_>) -> Result<String, BackupError> {
        let (path, upload) = self.upload_adoptable_file(window_start_ns)?;
        file.copy_to(upload).await?;
        Ok(path)
    }

    async fn adopt(&self, name: &str, image: &DatabaseImage) -> Result<(), BackupError> {
        Ok(self.adopt_database(name, image).await?)
    }
}

/// Adds the database `database` of a backup to `recipient`, under the name `name`, all of it or nothing. A copy under another
/// name comes without continuous queries, which would go on writing into the database they name, and without subscriptions, whose
/// destinations know the other name. Returns what was added.
///
/// # Errors
/// When the backup has no such database, the recipient has one of that name, or an object of the backup is damaged or missing.
pub async fn restore_database(
    place: &Store,
    backup: &Description,
    (database, name): (&str, &str),
    recipient: &dyn Recipient,
    progress: Progress<'_>,
) -> Result<DatabaseImage, BackupError> {
    let state = read_state(place, backup).await?.state;
    let mut image = DatabaseImage::of(&state, database).ok_or_else(|| backup.has_not(database))?;
    if recipient.has_database(name).await? {
        return Err(BackupError::Exists(format!("database {name:?} exists already")));
    }
    if name != database {
        image.continuous_queries.clear();
        image.subscriptions.clear();
    }
    let described: HashMap<&str, &BackedUp> =
        backup.files.iter().map(|file| (file.path.as_str(), file)).collect();
    let bytes = image.files.iter().map(|file| file.size_bytes).sum();
    progress(Step::Begun { file_count: image.files.len() as u64, bytes });
    let described = &described;
    let put = |file: &'_ Arc<FileMeta>| {
        let file = Arc::clone(file);
        async move {
            let object = described.get(file.path.as_ref());
            let object = object.ok_or_else(|| BackupError::Missing { path: file.path.to_string() })?;
            let object = BackupObject::new(place, object);
            let path = recipient.put_file(file.window.start_ns, object).await?;
            Ok(Arc::new(FileMeta { path: path.into(), ..FileMeta::clone(&file) }))
        }
    };
    let files = for_each(image.files.iter(), |file| file.size_bytes, progress, put).await?;
    image.files = files;
    recipient.adopt(name, &image).await?;
    Ok(image)
}
