//! From the configuration to what each part is opened with. The only place that knows both.

use super::AppError;
use super::continuous_queries::{ContinuousQueries, RunInto};
use crate::clock::SystemClock;
use crate::config::Config;
use crate::engine::{CompactionOptions, Engine, EngineOptions};
use crate::object::{DiskCacheOptions, Store, StoreError, StoreOptions};
use crate::outbox::{Outbox, OutboxLimits, Outgoing};
use crate::query::{QueryLimits, QueryOptions, StatementOutcome};
use crate::server::{AppState, HttpSettings, Port, Server, flight, write_into};
use crate::subscriber::{self, Subscriber, SubscriberOptions};
use crate::wal::WalOptions;
use futures::FutureExt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// A setting as a size in memory. A number that no memory can have means all of it.
fn size(setting: u64) -> usize {
    usize::try_from(setting).unwrap_or(usize::MAX)
}

/// Where the data files lie: the URL that is set, else the folder `store` in the data folder.
///
/// # Errors
///
/// When the data folder's own place cannot be told.
pub(crate) fn store_options(config: &Config) -> Result<StoreOptions, AppError> {
    let url = match &config.object_store.url {
        Some(url) => url.clone(),
        None => path_text(&config.store_folder())?,
    };
    Ok(StoreOptions { url, options: config.object_store.options_by_name() })
}

fn path_text(path: &Path) -> Result<String, AppError> {
    let folder = |source| AppError::Folder { path: path.to_owned(), source };
    let absolute = std::path::absolute(path).map_err(folder)?;
    absolute
        .into_os_string()
        .into_string()
        .map_err(|_| folder(std::io::Error::new(std::io::ErrorKind::InvalidInput, "its name is not UTF-8")))
}

/// Opens the engine of a configuration on its store, as a server does.
///
/// # Errors
///
/// When the log or the manifest cannot be read.
pub(crate) async fn open_engine(config: &Config, store: Store) -> Result<Arc<Engine>, AppError> {
    Ok(Engine::open(engine_options(config), store, Arc::new(SystemClock)).await?)
}

/// Opens the store of a server, and checks that it can be used as the server will use it.
pub(super) async fn server_store(config: &Config) -> Result<Store, AppError> {
    let options = store_options(config)?;
    let cached = |store: Store| cached(config, store).map_err(AppError::Store);
    if config.read_only.enabled {
        // Makes nothing, not even a probe: the keys of a server that only reads need allow no more.
        return cached(Store::open_for_reading(&options).map_err(AppError::Store)?);
    }
    let store = cached(Store::open(&options).map_err(AppError::Store)?)?;
    let probed = store.probe().await;
    match probed {
        Ok(()) => Ok(store),
        Err(source @ StoreError::Failed { .. }) => Err(AppError::Probe { url: store.url().into(), source }),
        Err(error) => Err(AppError::Store(error)),
    }
}

/// The store, which keeps bytes of data files in memory and, where that is set, on a local disk.
fn cached(config: &Config, store: Store) -> Result<Store, StoreError> {
    let settings = &config.object_store;
    match settings.cache_disk_bytes {
        0 => Ok(store.cached(settings.cache_bytes)),
        bytes_max => {
            let disk = DiskCacheOptions { folder: config.cache_folder(), bytes_max };
            store.cached_on_disk(settings.cache_bytes, &disk)
        }
    }
}

/// The queues of subscriptions, and the channel on which newly opened ones are announced.
pub(super) struct Subscriptions {
    outbox: Arc<Outbox>,
    openings: mpsc::UnboundedReceiver<Outgoing>,
}

/// Opens the engine of a server, with the queues of its subscriptions unless nothing is handed on.
pub(super) async fn server_engine(
    config: &Config,
    store: Store,
) -> Result<(Arc<Engine>, Option<Subscriptions>), AppError> {
    let (options, clock) = (engine_options(config), Arc::new(SystemClock));
    if config.read_only.enabled {
        return Ok((Engine::open_read_only(options, store, clock).await?, None));
    }
    if !config.subscriber.enabled {
        return Ok((Engine::open(options, store, clock).await?, None));
    }
    let limits = OutboxLimits {
        writes_max: size(config.subscriber.write_buffer_size),
        bytes_max: size(config.subscriber.total_buffer_bytes),
    };
    let (outbox, openings) = Outbox::new(limits);
    let outbox = Arc::new(outbox);
    let options = EngineOptions { outbox: Some(outbox.clone()), ..options };
    Ok((Engine::open(options, store, clock).await?, Some(Subscriptions { outbox, openings })))
}

/// Whether writes could be handed on with these settings.
pub(super) fn check_subscriber(config: &Config) -> Result<(), AppError> {
    if config.subscriber.enabled && !config.read_only.enabled {
        subscriber::check(&subscriber_options(config))?;
    }
    Ok(())
}

/// Begins to hand writes on.
pub(super) fn subscriber(config: &Config, subscriptions: Subscriptions) -> Result<Subscriber, AppError> {
    Ok(Subscriber::start(subscriber_options(config), subscriptions.outbox, subscriptions.openings)?)
}

fn subscriber_options(config: &Config) -> SubscriberOptions {
    let settings = &config.subscriber;
    SubscriberOptions {
        http_timeout: Duration::from_secs(settings.http_timeout_s),
        write_concurrency: size(settings.write_concurrency),
        ca_certs: settings.ca_certs.as_ref().map(Into::into),
        insecure_skip_verify: settings.insecure_skip_verify,
    }
}

fn engine_options(config: &Config) -> EngineOptions {
    let wal = WalOptions {
        segment_bytes_max: config.wal.segment_bytes,
        disk_low_water_bytes: config.wal.disk_low_water_bytes,
        strict: config.wal.strict,
        ..WalOptions::new(config.wal_folder())
    };
    EngineOptions {
        wal,
        flush_bytes: size(config.buffer.flush_bytes),
        flush_age: Duration::from_secs(config.buffer.flush_age_s),
        buffer_bytes_max: size(config.buffer.bytes_max),
        retry_after: Duration::from_secs(config.buffer.retry_after_s),
        reader_cache_bytes: config.query.cache_bytes,
        warm_bytes: config.object_store.warm_bytes,
        compaction: CompactionOptions {
            enabled: config.compaction.enabled,
            quiet: Duration::from_secs(config.compaction.quiet_s),
            file_bytes: config.compaction.file_bytes,
            jobs: size(config.compaction.jobs),
            work_share: config.compaction.work_percent as f64 / 100.0,
            ..CompactionOptions::default()
        },
        upkeep_interval: Some(Duration::from_secs(config.compaction.interval_s)),
        follow_interval: Some(Duration::from_millis(config.read_only.interval_ms)),
        delete_after: Duration::from_secs(config.compaction.delete_after_s),
        orphans_after: Duration::from_secs(config.compaction.orphans_after_s),
        ..EngineOptions::new(config.wal_folder())
    }
}

pub(super) fn query_options(config: &Config) -> QueryOptions {
    QueryOptions {
        memory_bytes: size(config.query.memory_bytes),
        memory_per_query_bytes: size(config.query.memory_per_query_bytes),
        threads: size(config.query.threads),
        spill_folder: spill_folder(config),
        limits: QueryLimits {
            concurrent_max: size(config.query.concurrent_max),
            select_points_max: config.query.select_points_max,
            select_series_max: config.query.select_series_max,
            select_buckets_max: size(config.query.select_buckets_max),
            log_after: (config.query.log_after_s > 0).then(|| Duration::from_secs(config.query.log_after_s)),
        },
    }
}

/// The folder that queries spill to; `None` = the system's temporary folder. A server that only reads may run beside the
/// one that writes, whose data folder is not its own.
fn spill_folder(config: &Config) -> Option<PathBuf> {
    (!config.read_only.enabled).then(|| config.data.join("spill"))
}

/// Checks that queries can write to the folder, without touching what lies there: until the log is locked, the folder may
/// be in use by a server that runs.
pub(super) fn check_spill_folder(config: &Config) -> Result<(), AppError> {
    let Some(path) = spill_folder(config) else { return Ok(()) };
    let probe = path.join(format!("probe-{}", Uuid::new_v4()));
    let made = std::fs::create_dir_all(&path).and_then(|()| std::fs::create_dir(&probe));
    made.and_then(|()| std::fs::remove_dir(&probe)).map_err(|source| AppError::Folder { path, source })
}

pub(super) fn http_settings(config: &Config) -> HttpSettings {
    let http = &config.http;
    HttpSettings {
        body_bytes_max: size(http.body_bytes_max),
        body_decompressed_bytes_max: size(http.body_decompressed_bytes_max),
        bodies_bytes_max: size(http.bodies_bytes_max),
        row_limit: (http.row_limit_max > 0).then(|| size(http.row_limit_max)),
        query_timeout: query_timeout(config),
        connections_max: (http.connections_max > 0).then(|| size(http.connections_max)),
        head_timeout: limit(http.head_timeout_s),
        idle_timeout: limit(http.idle_timeout_s),
        body_timeout: limit(http.body_timeout_s),
        body_bytes_per_s_min: http.body_bytes_per_s_min,
        drain_timeout: Duration::from_secs(http.drain_timeout_s),
    }
}

fn query_timeout(config: &Config) -> Option<Duration> {
    limit(config.query.timeout_s)
}

/// A time of which 0 means that there is no limit.
fn limit(seconds: u64) -> Option<Duration> {
    (seconds > 0).then(|| Duration::from_secs(seconds))
}

/// Runs the continuous queries until told to stop; ends at once when they are switched off, and in a server that
/// only reads.
pub(super) async fn continuous_queries(config: Config, state: AppState, stop: CancellationToken) {
    let settings = &config.continuous_queries;
    if !settings.enabled || config.read_only.enabled {
        return;
    }
    let (engine, metrics) = (state.engine.clone(), state.metrics.clone());
    let run_into: RunInto = Box::new(move |statement, context| {
        let state = state.clone();
        async move {
            let rows = match state.query.influxql(&statement, &context).await {
                Ok(StatementOutcome::Into(rows)) => rows,
                Ok(_) => return Err("it is no SELECT … INTO".to_owned()),
                Err(error) => return Err(error.to_string()),
            };
            write_into(&state.engine, rows).await.map(|_| ()).map_err(|error| error.to_string())
        }
        .boxed()
    });
    let queries = ContinuousQueries::new(engine, metrics, run_into, query_timeout(&config));
    // Without a pause nothing else would run.
    queries.run(Duration::from_secs(settings.run_interval_s.max(1)), stop).await;
}

/// Takes the port: the first address of a host name that can be had.
pub(super) async fn take_port(text: &str) -> Result<Port, AppError> {
    let failed = |source| AppError::Bind { address: text.to_owned(), source };
    let mut last = std::io::Error::new(std::io::ErrorKind::InvalidInput, "the host has no address");
    for address in tokio::net::lookup_host(text).await.map_err(failed)? {
        match Port::take(address) {
            Ok(port) => return Ok(port),
            Err(error) => last = error,
        }
    }
    Err(failed(last))
}

/// Whether an address is one that other machines do not reach.
pub(super) fn is_for_this_machine(address: SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}

/// Listens on the port.
pub(super) fn listen(config: &Config, port: Port, state: AppState) -> Result<Server, AppError> {
    let grpc = flight::router(state.clone());
    Server::listen(port, state, Some(grpc))
        .map_err(|source| AppError::Bind { address: config.bind.clone(), source })
}
