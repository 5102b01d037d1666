//! Layer 1, the storage edge: objects by name on a local folder, in memory, on S3, GCS or Azure.
//!
//! In come names from [`layout`] and bytes; out go bytes and lists of names. What returned is durable,
//! and creation is atomic: of several creators of one name exactly one learns [`Creation::Created`].
//! This module knows no content of any object.
//!
//! | file | what |
//! |---|---|
//! | `options` | URL and settings → [`Store`] |
//! | `local` | the local folder: writes that survive power loss |
//! | `cache` | bytes of data files of stores that are far away, in memory and on a local disk |
//! | `layout` | every name that Tidegauge gives to an object |
//! | `page_cache` | ranges of local files that the system has in memory |
//! | `probe` | the check at start-up that the store keeps its promises |
//! | `upload` | a data file that comes part by part |

mod cache;
/// A store whose operations fail when a test says so, for unit tests of this and higher modules.
#[cfg(test)]
#[allow(unreachable_pub)]
pub(crate) mod faulty_store;
pub mod layout;
mod local;
mod options;
mod page_cache;
mod probe;
/// The S3-speaking server of the integration tests, for unit tests of this and higher modules.
#[cfg(test)]
#[path = "../../tests/it/s3_server.rs"]
#[allow(unreachable_pub)]
pub(crate) mod s3_server;
#[cfg(test)]
mod tests;
mod upload;

pub use cache::{CacheStatus, DiskCacheOptions, DiskCacheStatus};
pub use options::StoreOptions;
pub use upload::Upload;

use bytes::Bytes;
use cache::{Blocks, CachedStore};
use chrono::{DateTime, Utc};
use futures::{StreamExt, TryStreamExt, stream::BoxStream};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutPayload};
use std::sync::Arc;

/// Whether [`Store::create`] made the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Creation {
    /// The object is new and has the given bytes.
    Created,
    /// An object of this name was there; it is as it was. It may be the trace of an own attempt whose
    /// answer was lost, and with S3 also of a creation that is still going on and may yet fail.
    AlreadyExists,
}

/// An object in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its path below the store's root.
    pub path: String,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// When it was last written, by the store's clock.
    pub modified: DateTime<Utc>,
}

/// Why an operation on a store failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The address or a setting is wrong: nothing was tried.
    #[error("object store {url:?}: {reason}")]
    Options {
        /// The address.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// There is no such object.
    #[error("object {path:?} does not exist")]
    NotFound {
        /// The object's path.
        path: String,
    },
    /// The store does not honour create-if-absent, on which the manifest relies: it must not be used.
    #[error(
        "object store {url:?} does not refuse to create an object that exists (a PUT with \
         `If-None-Match: *`), so two servers could overwrite each other's data; use a store that supports \
         conditional writes"
    )]
    NoConditionalCreate {
        /// The address.
        url: String,
    },
    /// The operation failed, after retries where they make sense. Whether a write took effect is unknown.
    #[error("cannot {action} {path:?}: {source}")]
    Failed {
        /// What was attempted.
        action: &'static str,
        /// On which object.
        path: String,
        /// What the store said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl StoreError {
    fn new(action: &'static str, path: &str, source: object_store::Error) -> Self {
        match source {
            object_store::Error::NotFound { .. } => Self::NotFound { path: path.into() },
            source => Self::Failed { action, path: path.into(), source: Box::new(source) },
        }
    }
}

/// How much is read ahead at a time; a multiple of what the cache keeps together.
const WARM_READ_BYTES: u64 = 4 << 20;

/// A place for objects. Cheap to clone. Paths are relative to the address it was opened with.
#[derive(Clone, Debug)]
pub struct Store {
    inner: Arc<dyn ObjectStore>,
    url: Arc<str>,
    root: Option<Arc<std::path::Path>>,
    cache: Option<Arc<Blocks>>,
}

impl Store {
    /// Opens the store of an address. Makes the folder when it is a local one; otherwise nothing is sent
    /// yet: see [`Store::probe`].
    ///
    /// # Errors
    /// When the address or a setting is wrong, or the folder cannot be made.
    pub fn open(options: &StoreOptions) -> Result<Self, StoreError> {
        options::open(options)
    }

    /// Opens the store of an address to read what is there. Makes nothing; writing may be refused.
    ///
    /// # Errors
    /// When the address or a setting is wrong, or there is no such folder.
    pub fn open_for_reading(options: &StoreOptions) -> Result<Self, StoreError> {
        options::open_for_reading(options)
    }

    /// A store over an implementation of one's own; tests inject faults this way.
    #[must_use]
    pub fn from_object_store(inner: Arc<dyn ObjectStore>, url: &str) -> Self {
        Self { inner, url: url.into(), root: None, cache: None }
    }

    /// A store in memory that nobody else sees.
    #[must_use]
    pub fn in_memory() -> Self {
        Self::from_object_store(Arc::new(object_store::memory::InMemory::new()), "memory:///")
    }

    /// The same store, which keeps up to `bytes_max` bytes of data files in memory. Stores on this machine stay as they are.
    #[must_use]
    pub fn cached(self, bytes_max: u64) -> Self {
        if self.is_local() || bytes_max == 0 {
            return self;
        }
        self.over(Blocks::new(bytes_max))
    }

    /// The same store, which keeps up to `bytes_max` bytes of data files in memory, and more of them on disk. Stores on this machine
    /// stay as they are.
    ///
    /// # Errors
    /// When the folder cannot be used, or another server uses it.
    pub fn cached_on_disk(self, bytes_max: u64, disk: &DiskCacheOptions) -> Result<Self, StoreError> {
        if self.is_local() {
            return Ok(self);
        }
        let blocks = Blocks::with_disk(bytes_max, disk, &self.url).map_err(|source| StoreError::Failed {
            action: "use as a cache the folder",
            path: disk.folder.display().to_string(),
            source: Box::new(source),
        })?;
        Ok(self.over(blocks))
    }

    fn over(self, blocks: Arc<Blocks>) -> Self {
        let inner = Arc::new(CachedStore { inner: self.inner, blocks: blocks.clone() });
        Self { inner, cache: Some(blocks), ..self }
    }

    /// Whether objects lie on this machine, so that reading one takes no round trip over a network.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.root.is_some() || self.is_in_memory()
    }

    /// Whether the objects are gone when the process ends.
    #[must_use]
    pub fn is_in_memory(&self) -> bool {
        self.url.starts_with("memory:")
    }

    /// What the cache did so far; `None` without one.
    #[must_use]
    pub fn cache_status(&self) -> Option<CacheStatus> {
        self.cache.as_ref().map(|blocks| blocks.status())
    }

    /// The address, without credentials.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The folder of a local store.
    #[must_use]
    pub fn root(&self) -> Option<&std::path::Path> {
        self.root.as_deref()
    }

    /// Removes the folder of a local store when nothing lies in it, and tells whether it did.
    pub fn remove_if_empty(self) -> bool {
        self.root.as_deref().is_some_and(local::remove_if_empty)
    }

    /// The implementation, for readers that bring their own I/O (DataFusion). Its paths are those of
    /// this store. Writing through it is not durable on a local folder, and mostly refused.
    #[must_use]
    pub fn object_store(&self) -> Arc<dyn ObjectStore> {
        self.inner.clone()
    }

    /// Makes an object unless one of this name is there.
    ///
    /// # Errors
    /// When that failed; the object may exist nevertheless.
    pub async fn create(&self, path: &str, bytes: Bytes) -> Result<Creation, StoreError> {
        let payload = PutPayload::from_bytes(bytes);
        match self.inner.put_opts(&Path::from(path), payload, PutMode::Create.into()).await {
            Ok(_) => Ok(Creation::Created),
            Err(object_store::Error::AlreadyExists { .. }) => Ok(Creation::AlreadyExists),
            Err(source) => Err(StoreError::new("create", path, source)),
        }
    }

    /// Makes or replaces an object.
    ///
    /// # Errors
    /// When that failed; the object may have been written nevertheless.
    pub async fn put(&self, path: &str, bytes: Bytes) -> Result<(), StoreError> {
        let written = self.inner.put(&Path::from(path), PutPayload::from_bytes(bytes)).await;
        written.map(|_| ()).map_err(|source| StoreError::new("write", path, source))
    }

    /// Makes a data file of parts that lie one after the other. Its name must be new
    /// ([`layout::new_data_file`]).
    ///
    /// # Errors
    /// When that failed; the object may have been written nevertheless.
    pub async fn put_file(
        &self,
        path: &str,
        parts: impl IntoIterator<Item = Bytes>,
    ) -> Result<(), StoreError> {
        let payload: PutPayload = parts.into_iter().collect();
        let written = self.inner.put(&Path::from(path), payload).await;
        written.map(|_| ()).map_err(|source| StoreError::new("write", path, source))
    }

    /// Begins a data file that comes part by part. Its name must be new ([`layout::new_data_file`]).
    #[must_use]
    pub fn upload(&self, path: &str) -> Upload {
        Upload::new(self.inner.clone(), path)
    }

    /// The bytes of an object.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is none, or when reading failed.
    pub async fn get(&self, path: &str) -> Result<Bytes, StoreError> {
        let failed = |source| StoreError::new("read", path, source);
        self.inner.get(&Path::from(path)).await.map_err(failed)?.bytes().await.map_err(failed)
    }

    /// The size of an object, and its bytes as they come.
    ///
    /// # Errors
    /// As [`Store::get`]; the stream's errors are those of reading on.
    pub async fn read(
        &self,
        path: &str,
    ) -> Result<(u64, BoxStream<'static, Result<Bytes, StoreError>>), StoreError> {
        let failed = |path: String| move |source| StoreError::new("read", &path, source);
        let found = self.inner.get(&Path::from(path)).await.map_err(failed(path.to_owned()))?;
        let size_bytes = found.meta.size;
        Ok((size_bytes, found.into_stream().map_err(failed(path.to_owned())).boxed()))
    }

    /// How many bytes of data files may be read ahead and be in memory later, when they are asked for. None where nothing keeps them,
    /// or all are in memory anyway; of a folder as many as the operating system finds good.
    #[must_use]
    pub fn warm_bytes_max(&self) -> u64 {
        match &self.cache {
            Some(blocks) => blocks.bytes_max() / 2,
            None if self.root.is_some() => u64::MAX,
            None => 0,
        }
    }

    /// Reads an object, so that it is in memory when it is asked for.
    ///
    /// # Errors
    /// As [`Store::get`].
    pub async fn warm(&self, path: &str, size_bytes: u64) -> Result<(), StoreError> {
        for start in (0..size_bytes).step_by(WARM_READ_BYTES as usize) {
            let range = start..size_bytes.min(start + WARM_READ_BYTES);
            let read = self.inner.get_ranges(&Path::from(path), &[range]).await; // by way of the cache
            read.map_err(|source| StoreError::new("read", path, source))?;
        }
        Ok(())
    }

    /// Whether an object is there.
    ///
    /// # Errors
    /// When that could not be found out.
    pub async fn exists(&self, path: &str) -> Result<bool, StoreError> {
        match self.inner.head(&Path::from(path)).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(source) => Err(StoreError::new("look for", path, source)),
        }
    }

    /// Deletes an object; one that is not there is as good as deleted. On a local folder it may come
    /// back after power loss. Names are never reused, so it is an orphan then, to be deleted again.
    ///
    /// # Errors
    /// When that failed.
    pub async fn delete(&self, path: &str) -> Result<(), StoreError> {
        match self.inner.delete(&Path::from(path)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(source) => Err(StoreError::new("delete", path, source)),
        }
    }

    /// All objects below a folder, in no certain order.
    pub fn list(&self, folder: &str) -> BoxStream<'static, Result<Listed, StoreError>> {
        let prefix = folder.to_owned();
        self.inner
            .list(Some(&Path::from(folder)))
            .map_ok(|meta| Listed {
                path: meta.location.into(),
                size_bytes: meta.size,
                modified: meta.last_modified,
            })
            .map_err(move |source| StoreError::new("list", &prefix, source))
            .boxed()
    }

    /// Checks that the store can be reached, written and read, and that it keeps what create-if-absent
    /// promises. To be called at start-up.
    ///
    /// # Errors
    /// [`StoreError::NoConditionalCreate`], or why an operation failed.
    pub async fn probe(&self) -> Result<(), StoreError> {
        probe::probe(self).await
    }
}
