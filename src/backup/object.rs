//! An object of a backup, read and written part by part.
//!
//! ```text
//! place ─▶ parts, counted and summed up ─▶ whoever takes them
//!                └─ at the end: what the description says? ─ no ─▶ an error in place of the end
//!
//! source ─▶ parts, counted and summed up ─▶ place
//!                └─ at the end: as many bytes as the manifest says? ─ no ─▶ no object
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
        let written = self.write_to(&mut upload).await;
        end(upload, written).await
    }

    async fn write_to(self, upload: &mut Upload) -> Result<(), BackupError> {
        let mut parts = self.parts().await?;
        while let Some(part) = parts.try_next().await? {
            upload.write(&part).await?;
        }
        Ok(())
    }
}

/// Writes the `size_bytes` bytes of a data file of a source into a place, under the name `path`, and tells what they are. Nothing is left
/// there of a file that has another size.
pub(super) async fn copy_from(
    parts: Parts,
    place: &Store,
    path: &str,
    size_bytes: u64,
) -> Result<BackedUp, BackupError> {
    let mut upload = place.upload(path);
    let written = write_from(parts, &mut upload, path, size_bytes).await;
    end(upload, written).await
}

async fn write_from(
    mut parts: Parts,
    upload: &mut Upload,
    path: &str,
    size_bytes: u64,
) -> Result<BackedUp, BackupError> {
    let mut copy = BackedUp::of(path, b"");
    while let Some(part) = parts.try_next().await? {
        copy.size_bytes += part.len() as u64;
        copy.crc32c = crc32c::crc32c_append(copy.crc32c, &part);
        if copy.size_bytes > size_bytes {
            // However much would still come.
            break;
        }
        upload.write(&part).await?;
    }
    if copy.size_bytes == size_bytes {
        return Ok(copy);
    }
    let found = if copy.size_bytes > size_bytes { "at least " } else { "" };
    let reason = format!("it has {found}{} bytes, the manifest says {size_bytes}", copy.size_bytes);
    Err(BackupError::Remote(format!("{path} of the source is damaged: {reason}")))
}

/// Makes the object of an upload whose bytes were `written`, or gives it up.
async fn end<T>(upload: Upload, written: Result<T, BackupError>) -> Result<T, BackupError> {
    match written {
        Ok(written) => {
            upload.finish().await?;
            Ok(written)
        }
        Err(error) => {
            if let Err(error) = upload.abort().await {
                tracing::warn!(%error, "an upload that was given up may have left something behind");
            }
            Err(error)
        }
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
