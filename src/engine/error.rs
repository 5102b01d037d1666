//! What can go wrong in the engine, by what the caller can do about it.

use crate::catalog::{CatalogError, WriteTargetError};
use crate::manifest::ManifestError;
use crate::model::database_image::ImageError;
use crate::model::ids::PolicyId;
use crate::object::StoreError;
use crate::parquet_file::FileError;
use crate::wal::WalError;
use arrow::error::ArrowError;
use std::sync::Arc;
use std::time::Duration;

/// What a server that only reads says to whoever wants something changed.
const READ_ONLY: &str = "the server is read-only; send changes to the server that writes to this store";

/// Why a write was refused as a whole. Refused points of an accepted write are no error.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The database or retention policy does not exist.
    #[error(transparent)]
    Target(#[from] WriteTargetError),
    /// Try again later: the buffer or the log's queue is full, or too many files are open.
    #[error("the server cannot take writes as fast as they come; try again later")]
    Overloaded {
        /// When.
        retry_after: Duration,
    },
    /// Try again later: the disk is full.
    #[error("the disk is full or below its low-water mark; try again later")]
    DiskFull {
        /// When.
        retry_after: Duration,
    },
    /// This engine only reads.
    #[error("{}", READ_ONLY)]
    ReadOnly,
    /// No write will be taken before a restart.
    #[error("the server takes no writes: {0}")]
    Closed(String),
    /// A bug, or damage.
    #[error("the write failed: {0}")]
    Internal(String),
}

/// Why an operation of the engine failed.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The statement may not do that; the text is InfluxDB 1.x's.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The log failed.
    #[error(transparent)]
    Wal(#[from] WalError),
    /// The manifest could not be read or extended.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The object store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A data file could not be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The log has a record of a retention policy that the store never had, and the strict setting forbids to leave it out.
    #[error(
        "it is of retention policy {policy}, which the store never had: the store is an older one than the log's; strict mode refuses to start"
    )]
    OlderStore {
        /// The policy.
        policy: PolicyId,
    },
    /// Files are not merged while the disk has too little room. Tried again later.
    #[error(
        "the disk has {free_bytes} bytes free, and merging files needs {wanted_bytes} with what is kept free"
    )]
    NoRoom {
        /// What is free.
        free_bytes: u64,
        /// What is needed.
        wanted_bytes: u64,
    },
    /// Rows could not be sorted, merged or encoded.
    #[error("rows of table {table} cannot be prepared: {source}")]
    Rows {
        /// The table.
        table: String,
        /// What does not fit.
        source: ArrowError,
    },
    /// An earlier change failed, and it is not known yet whether it was made. Nothing was tried.
    #[error("an earlier change of the catalog or the list of files has just failed; try again")]
    Unsettled,
    /// The description of a database that should be adopted contradicts itself, or the store.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// A database that should be adopted does not fit the catalog.
    #[error("the database cannot be adopted: {0}")]
    Unfit(String),
    /// A file that should be adopted is not there, or belongs to another table already.
    #[error("file {path:?} cannot be adopted: {reason}")]
    Adopted {
        /// The object.
        path: Arc<str>,
        /// Why.
        reason: &'static str,
    },
    /// This engine only reads.
    #[error("{}", READ_ONLY)]
    ReadOnly,
    /// The engine was shut down.
    #[error("the engine is shutting down")]
    Closed,
    /// A bug: an invariant does not hold.
    #[error("internal error: {0}")]
    Internal(String),
}
