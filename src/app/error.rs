//! Why a server does not start or did not end well. Each variant names the part that somebody has to look at.

use crate::engine::EngineError;
use crate::object::StoreError;
use crate::query::QueryError;
use crate::subscriber::SubscriberError;

/// A server that did not start, or did not end as it should.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The object store cannot be used.
    #[error(transparent)]
    Store(StoreError),
    /// It did not do what a server needs, when that was tried at the start.
    #[error(
        "the object store {url} cannot be used: {source}; address, region and credentials are settings of \
         [object_store], or variables of the provider (AWS_…, GOOGLE_…, AZURE_…)"
    )]
    Probe {
        /// Its address.
        url: String,
        /// What failed.
        source: StoreError,
    },
    /// The folder of the data cannot be used.
    #[error("cannot use the folder {}: {source}", path.display())]
    Folder {
        /// The folder.
        path: std::path::PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The engine did not open or could not flush.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The query engine did not start.
    #[error("cannot start the query engine: {0}")]
    Query(#[from] QueryError),
    /// Writes cannot be handed on to subscriptions.
    #[error(transparent)]
    Subscriber(#[from] SubscriberError),
    /// The port cannot be had.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// The address asked for.
        address: String,
        /// Why.
        source: std::io::Error,
    },
    /// The system does not deliver signals.
    #[error("cannot listen for signals: {0}")]
    Signals(std::io::Error),
    /// Our bug.
    #[error("the server panicked: {0}")]
    Panicked(String),
}
