//! The data of a server, by its files. Most of it is for a server that is stopped.

use super::error::CliError;
use super::terminal;
use crate::app::{AppError, open_engine, store_options};
use crate::config::Config;
use crate::engine::Engine;
use crate::manifest::snapshot;
use crate::object::{Store, StoreOptions};
use crate::wal::inspect::SegmentSummary;
use crate::wal::{self, FlushedLog, Held, WalError};
use std::path::Path;
use std::sync::Arc;

/// The store of a configuration whose server is stopped. Points that only its log has are brought into files first, as the
/// next start would do. But when the store goes on from another log, the server of that one may be running, and nothing is
/// changed. Should this server be started meanwhile, that does no harm: files are only read.
pub(super) async fn flushed_store(config: &Config) -> Result<Store, CliError> {
    let store = open_store(config)?;
    let folder = config.wal_folder();
    if !folder.is_dir() {
        return Ok(store);
    }
    let log = hold(&folder)?;
    let state = snapshot::read(&store, 0).await.map_err(CliError::failed)?.state;
    let segments = wal::inspect::inspect(&folder).map_err(CliError::failed)?;
    let is_needed = |segment: &SegmentSummary| {
        segment.sequences.is_some_and(|(_, last)| last > state.flushed_through()) && segment.batch_count > 0
    };
    let flushed_log = FlushedLog::of(&state, store.is_in_memory());
    let is_foreign = wal::is_foreign(&folder, &flushed_log).map_err(CliError::failed)?;
    drop(log);
    if is_foreign {
        if segments.iter().any(|segment| segment.batch_count > 0) {
            let folder = folder.display();
            terminal::tell(format_args!(
                "the store goes on from another write-ahead log: the points of the one in {folder} are left out"
            ));
        }
    } else if segments.iter().any(is_needed) {
        let folder = folder.display();
        terminal::tell(format_args!(
            "the write-ahead log in {folder} has points that are in no file yet; writing them"
        ));
        close(&*open_engine(config, store.clone()).await?).await?;
    }
    Ok(store)
}

/// A store without data, and a log without records, which is kept locked while this lives.
pub(super) struct Empty {
    pub(super) store: Store,
    _log: Held,
}

impl Empty {
    /// Makes the folders of a configuration that has no data yet.
    pub(super) fn make(config: &Config) -> Result<Self, CliError> {
        let folder = config.wal_folder();
        std::fs::create_dir_all(&folder)
            .map_err(|source| CliError::file("make the folder", &folder, source))?;
        let log = hold(&folder)?;
        let segments = wal::inspect::inspect(&folder).map_err(CliError::failed)?;
        if !segments.is_empty() {
            return Err(CliError::failed(format!(
                "there is a write-ahead log in {}; a whole backup is restored where no server has been",
                folder.display()
            )));
        }
        let store = Store::open(&store_options(config)?).map_err(AppError::Store)?;
        Ok(Self { store, _log: log })
    }
}

/// Opens the engine over the data of a configuration, as a server would; data that is not there is begun.
pub(super) async fn engine(config: &Config) -> Result<Arc<Engine>, CliError> {
    let options = store_options(config)?;
    let folder = config.wal_folder();
    if folder.is_dir() {
        // Looked at before the manifest is opened, which would take it from a server that runs.
        drop(hold(&folder)?);
    }
    if is_absent(config) {
        let folder = config.store_folder();
        terminal::tell(format_args!("there was no data in {}; this begins it", folder.display()));
    }
    let store = Store::open(&options).map_err(AppError::Store)?;
    Ok(open_engine(config, store).await?)
}

/// Flushes and ends an engine.
pub(super) async fn close(engine: &Engine) -> Result<(), CliError> {
    Ok(engine.shutdown().await.map_err(AppError::Engine)?)
}

/// The store of a configuration. A local folder that is not there is not made.
pub(super) fn open_store(config: &Config) -> Result<Store, CliError> {
    Ok(Store::open(&options_of_data(config)?).map_err(AppError::Store)?)
}

/// The same to read from it: nothing is made there, and a server may be running on it.
pub(super) fn open_store_for_reading(config: &Config) -> Result<Store, CliError> {
    Ok(Store::open_for_reading(&options_of_data(config)?).map_err(AppError::Store)?)
}

/// Where the store is; an error when it is a local folder that is not there.
fn options_of_data(config: &Config) -> Result<StoreOptions, CliError> {
    let options = store_options(config)?;
    if is_absent(config) {
        let folder = config.store_folder();
        return Err(CliError::failed(format!(
            "there is no data in {}: --data is the folder that `tidegauge serve` was started with",
            folder.display()
        )));
    }
    Ok(options)
}

/// Whether the store should be a local folder and is none.
fn is_absent(config: &Config) -> bool {
    config.object_store.url.is_none() && !config.store_folder().is_dir()
}

fn hold(folder: &Path) -> Result<Held, CliError> {
    wal::hold(folder).map_err(|error| match error {
        WalError::InUse(_) => CliError::failed(format!(
            "a server is running on {}: name it with --host instead of its files, or stop it",
            folder.display()
        )),
        other => CliError::failed(other),
    })
}
