//! Objects as files below a folder, written so that they survive power loss.
//!
//! `object_store`'s own `LocalFileSystem` never syncs, and creates by linking a staged file whose bytes
//! may still be in memory: after power loss the name can be there with nothing in it. So writing is done
//! here, and reading, listing and deleting there.
//!
//! ```text
//! staging/{n}#1  write, fsync ─▶ link (create) or rename (put) to the name ─▶ fsync the folder
//!                                and every folder above that this process has not synced yet
//! ```
//!
//! `LocalFileSystem` does not list names of the form `…#1`. What a crash leaves in `staging` is removed
//! when the store is opened, once it is old enough not to be another process' write going on.

use super::page_cache;
use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::path::Path as ObjectPath;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMode,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, UploadPart,
};
use parking_lot::Mutex;
use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

const STORE: &str = "local folder";
const STAGING_FOLDER: &str = "staging";

/// A staged file older than this belongs to no write that is still going on.
const STAGING_AGE_MAX: Duration = Duration::from_secs(3_600);

/// Folders remembered as synced before they are all forgotten, and synced once more: bounds memory.
const SYNCED_FOLDERS_MAX: usize = 16_384;

/// A folder as an object store.
#[derive(Debug)]
pub(super) struct LocalStore {
    reader: LocalFileSystem,
    writer: Arc<Writer>,
}

#[derive(Debug)]
struct Writer {
    root: PathBuf,
    /// Folders whose entry in the folder above is durable.
    synced_folders: Mutex<HashSet<PathBuf>>,
}

impl LocalStore {
    /// Opens the folder, making it when it is missing.
    pub(super) fn open(root: &Path) -> io::Result<Self> {
        let root = std::path::absolute(root)?;
        let new_folder_count = root.ancestors().take_while(|folder| !folder.exists()).count();
        fs::create_dir_all(root.join(STAGING_FOLDER))?;
        let root = root.canonicalize()?;
        // The root itself, which got the staging folder, and every folder that got a new one.
        for folder in root.ancestors().take(1 + new_folder_count) {
            sync_folder(folder)?;
        }
        remove_stale_staging(&root.join(STAGING_FOLDER))?;
        let reader = LocalFileSystem::new_with_prefix(&root).map_err(io::Error::other)?;
        Ok(Self { reader, writer: Arc::new(Writer { root, synced_folders: Mutex::default() }) })
    }

    pub(super) fn root(&self) -> &Path {
        &self.writer.root
    }
}

/// Removes the folder of a store in which nothing lies, and tells whether it did.
pub(super) fn remove_if_empty(root: &Path) -> bool {
    let is_empty = fs::read_dir(root).is_ok_and(|mut entries| {
        entries.all(|entry| entry.is_ok_and(|entry| entry.file_name() == STAGING_FOLDER))
    });
    // What is being written now keeps its folder, and this one.
    is_empty && fs::remove_dir(root.join(STAGING_FOLDER)).is_ok() && fs::remove_dir(root).is_ok()
}

impl Writer {
    fn new_staged(&self) -> PathBuf {
        self.root.join(STAGING_FOLDER).join(format!("{}#1", Uuid::new_v4().as_u128()))
    }

    fn put(&self, target: &Path, parts: &[Bytes], create: bool) -> io::Result<()> {
        let staged = self.new_staged();
        let written = self.put_staged(&staged, target, parts, create);
        if create || written.is_err() {
            // The object has its own name by now, or writing failed. A staged file that is left over is removed at a later
            // start.
            let _ = fs::remove_file(&staged);
        }
        written
    }

    fn put_staged(&self, staged: &Path, target: &Path, parts: &[Bytes], create: bool) -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).open(staged)?;
        for part in parts {
            file.write_all(part)?;
        }
        file.sync_all()?;
        drop(file);
        self.publish(staged, target, create)
    }

    /// Gives a staged file its name.
    fn publish(&self, staged: &Path, target: &Path, create: bool) -> io::Result<()> {
        let folder = target.parent().unwrap_or(&self.root);
        let publish = || if create { fs::hard_link(staged, target) } else { fs::rename(staged, target) };
        self.make_folder(folder)?;
        match publish() {
            Err(e) if e.kind() == ErrorKind::NotFound => {
                // Somebody removed the folder since it was made.
                self.synced_folders.lock().clear();
                self.make_folder(folder)?;
                publish()?;
            }
            // Whoever made the object may not have synced yet, and the caller will rely on its existence.
            Err(e) if e.kind() == ErrorKind::AlreadyExists => {
                sync_folder(folder)?;
                return Err(e);
            }
            published => published?,
        }
        sync_folder(folder)
    }

    /// Makes a folder and those above it, and makes their names durable.
    fn make_folder(&self, folder: &Path) -> io::Result<()> {
        if self.synced_folders.lock().contains(folder) {
            return Ok(());
        }
        fs::create_dir_all(folder)?;
        for above in folder.ancestors().skip(1).take_while(|above| above.starts_with(&self.root)) {
            sync_folder(above)?;
        }
        let mut synced = self.synced_folders.lock();
        if synced.len() >= SYNCED_FOLDERS_MAX {
            synced.clear();
        }
        synced.insert(folder.to_owned());
        Ok(())
    }
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn remove_stale_staging(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let age = entry.metadata().and_then(|m| m.modified()).ok().and_then(|m| m.elapsed().ok());
        if age.is_some_and(|age| age > STAGING_AGE_MAX) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

impl std::fmt::Display for LocalStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{STORE} {}", self.writer.root.display())
    }
}

#[async_trait]
impl ObjectStore for LocalStore {
    async fn put_opts(
        &self,
        location: &ObjectPath,
        payload: PutPayload,
        opts: PutOptions,
    ) -> Result<PutResult> {
        let create = match opts.mode {
            PutMode::Create => true,
            PutMode::Overwrite => false,
            PutMode::Update(_) => return Err(refused("conditional update")),
        };
        let target = self.reader.path_to_filesystem(location)?;
        let writer = self.writer.clone();
        let path = location.to_string();
        let parts: Vec<Bytes> = payload.into_iter().collect();
        let written = tokio::task::spawn_blocking(move || writer.put(&target, &parts, create)).await?;
        match written {
            Ok(()) => Ok(PutResult { e_tag: None, version: None }),
            Err(e) if create && e.kind() == ErrorKind::AlreadyExists => {
                Err(Error::AlreadyExists { path, source: Box::new(e) })
            }
            Err(e) => Err(generic(e)),
        }
    }

    async fn put_multipart_opts(
        &self,
        location: &ObjectPath,
        _opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let target = self.reader.path_to_filesystem(location)?;
        let writer = self.writer.clone();
        let staged = writer.new_staged();
        let made = OpenOptions::new().write(true).create_new(true).open(&staged);
        let file = Arc::new(made.map_err(generic)?);
        Ok(Box::new(StagedUpload { writer, staged, target, file, size_bytes: 0 }))
    }

    async fn get_opts(&self, location: &ObjectPath, options: GetOptions) -> Result<GetResult> {
        self.reader.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &ObjectPath, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        match page_cache::read_ranges(&self.reader.path_to_filesystem(location)?, ranges) {
            Some(read) => Ok(read),
            None => self.reader.get_ranges(location, ranges).await,
        }
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<ObjectPath>>,
    ) -> BoxStream<'static, Result<ObjectPath>> {
        self.reader.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&ObjectPath>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.reader.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&ObjectPath>) -> Result<ListResult> {
        self.reader.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, _from: &ObjectPath, _to: &ObjectPath, _options: CopyOptions) -> Result<()> {
        Err(refused("copy"))
    }
}

/// A file that is staged part by part. Whoever drops it before it is complete has given it up, also where nobody aborts it: when a part
/// could not be written because the disk is full, for one.
#[derive(Debug)]
struct StagedUpload {
    writer: Arc<Writer>,
    staged: PathBuf,
    target: PathBuf,
    file: Arc<File>,
    size_bytes: u64,
}

#[async_trait]
impl MultipartUpload for StagedUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let (file, mut offset) = (self.file.clone(), self.size_bytes);
        self.size_bytes += data.content_length() as u64;
        Box::pin(async move {
            let write = move || {
                data.into_iter().try_for_each(|bytes| {
                    file.write_all_at(&bytes, offset)?;
                    offset += bytes.len() as u64;
                    Ok(())
                })
            };
            tokio::task::spawn_blocking(write).await?.map_err(generic)
        })
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let (writer, file) = (self.writer.clone(), self.file.clone());
        let (staged, target) = (self.staged.clone(), self.target.clone());
        let publish = move || {
            file.sync_all()?;
            writer.publish(&staged, &target, false)
        };
        tokio::task::spawn_blocking(publish).await?.map_err(generic)?;
        Ok(PutResult { e_tag: None, version: None })
    }

    async fn abort(&mut self) -> Result<()> {
        fs::remove_file(&self.staged).map_err(generic)
    }
}

impl Drop for StagedUpload {
    fn drop(&mut self) {
        // It has another name by now, or is of no use.
        let _ = fs::remove_file(&self.staged);
    }
}

fn generic(error: io::Error) -> Error {
    Error::Generic { store: STORE, source: Box::new(error) }
}

/// Only what is durable is offered.
fn refused(operation: &str) -> Error {
    Error::NotImplemented { operation: operation.into(), implementer: STORE.into() }
}
