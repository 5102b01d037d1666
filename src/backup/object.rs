//! An object of a backup, read part by part.
//!
//! ```text
//! place ─▶ parts, counted and summed up ─▶ whoever takes them
//!                └─ at the end: what the description says? ─ no ─▶ an error in place of the end
//! ```
//!
//! So an object may be larger than the memory. What was taken of one counts only when its end has come.

use super::BackupError;
use super::description::BackedUp;
use crate::object::{Store, StoreError, Upload};
use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};

/// Bytes as they come. An error is the last item.
pub type Parts = BoxStream<'static, Result<Bytes, BackupError>>;

/// An object of a backup. It can be read several times.
#[derive(Clone, Copy, Debug)]
pub struct BackupObject<'a> {
    place: &'a Store,
    description: &'a BackedUp,
}

/// What was read of an object so far.
struct Reading {
    parts: BoxStream<'static, Result<Bytes, StoreError>>,
    description: BackedUp,
    size_bytes: u64,
    crc32c: u32,
}

impl<'a> BackupObject<'a> {
    /// The object of `place` that is described so.
    pub(super) fn new(place: &'a Store, description: &'a BackedUp) -> Self {
        Self { place, description }
    }

    /// Its bytes, from the first one on. They end in an error when they are not what was written.
    ///
    /// # Errors
    /// When it is missing, or has another size.
    pub async fn parts(self) -> Result<Parts, BackupError> {
        let Self { place, description } = self;
        let (size_bytes, parts) = place.read(&description.path).await.map_err(BackupError::of_object)?;
        description.check_size(size_bytes)?;
        let reading = Reading { parts, description: description.clone(), size_bytes: 0, crc32c: 0 };
        Ok(stream::try_unfold(reading, Reading::next).boxed())
    }

    /// Reads all of it, for nothing but to compare.
    pub(super) async fn check(self) -> Result<(), BackupError> {
        let mut parts = self.parts().await?;
        while parts.try_next().await?.is_some() {}
        Ok(())
    }

    /// Writes it into a store. Nothing is left there of one that is not what was written.
    pub(super) async fn copy_to(self, mut upload: Upload) -> Result<(), BackupError> {
        match self.write_to(&mut upload).await {
            Ok(()) => Ok(upload.finish().await?),
            Err(error) => {
                if let Err(error) = upload.abort().await {
                    tracing::warn!(%error, "an upload that was given up may have left something behind");
                }
                Err(error)
            }
        }
    }

    async fn write_to(self, upload: &mut Upload) -> Result<(), BackupError> {
        let mut parts = self.parts().await?;
        while let Some(part) = parts.try_next().await? {
            upload.write(&part).await?;
        }
        Ok(())
    }
}

impl Reading {
    async fn next(mut self) -> Result<Option<(Bytes, Self)>, BackupError> {
        match self.parts.try_next().await.map_err(BackupError::of_object)? {
            Some(part) => {
                self.size_bytes += part.len() as u64;
                self.crc32c = crc32c::crc32c_append(self.crc32c, &part);
                Ok(Some((part, self)))
            }
            None => self.description.check(self.size_bytes, self.crc32c).map(|()| None),
        }
    }
}
