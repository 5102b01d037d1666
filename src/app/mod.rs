//! Layer 6: the composition root: which parts a server is made of, and the order of start and stop.
//!
//! ```text
//! start   port taken ─▶ object store (opened, probed) ─▶ engine (log replayed) ─▶ query engine ─▶ port listens ─▶ requests
//!                                                                                                            └─▶ continuous queries, subscriber
//! stop    continuous queries end; no new connections ─▶ running requests end, or their time is up ─▶ engine flushes ─▶ done
//!                                                                                                └─▶ subscriber hands on what waits
//! ```
//!
//! A server that only reads has no log and probes nothing: it opens the store for reading, reads the manifest and follows it, runs no
//! continuous queries and hands nothing on.
//!
//! Nothing is served before everything that was acknowledged is back, and nothing is given up before it is
//! safe. A start that fails leaves nothing running. Opening the engine takes the store from a server that writes to it, so what can be
//! found wrong without it, such as a port that is in use or a folder that cannot be used, is found before.

mod continuous_queries;
mod error;
mod parts;
mod signals;
#[cfg(test)]
mod tests;

pub use error::AppError;
pub(crate) use parts::{open_engine, store_options};

use crate::config::Config;
use crate::engine::Engine;
use crate::model::limits::FORWARD_DRAIN_S;
use crate::query::QueryEngine;
use crate::server::{AppState, Port};
use crate::subscriber::Subscriber;
use crate::telemetry;
use parts::Subscriptions;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A running server.
pub struct App {
    address: SocketAddr,
    engine: Arc<Engine>,
    stop: CancellationToken,
    served: JoinHandle<()>,
    continuous_queries: JoinHandle<()>,
    subscriber: Option<Subscriber>,
}

impl App {
    /// Starts a server with settings that were fitted to the machine ([`Config::fitted_to`]). Requests are
    /// answered when this returns.
    ///
    /// # Errors
    ///
    /// When one of the parts does not start.
    pub async fn start(config: &Config) -> Result<Self, AppError> {
        let port = parts::take_port(&config.bind).await?;
        parts::check_subscriber(config)?;
        parts::check_spill_folder(config)?;
        let store = parts::server_store(config).await?;
        tracing::info!(store = store.url(), "the object store is ready");
        let (engine, subscriptions) = parts::server_engine(config, store).await?;
        match Self::serve(config, port, engine.clone(), subscriptions) {
            Ok(app) => Ok(app),
            Err(error) => {
                // What the log gave back is in the log still; a flush only makes the next start shorter.
                if let Err(error) = engine.shutdown().await {
                    tracing::warn!(%error, "the engine could not flush after the failed start");
                }
                Err(error)
            }
        }
    }

    fn serve(
        config: &Config,
        port: Port,
        engine: Arc<Engine>,
        subscriptions: Option<Subscriptions>,
    ) -> Result<Self, AppError> {
        let query = Arc::new(QueryEngine::new(engine.clone(), parts::query_options(config))?);
        let state = AppState::new(engine.clone(), query, parts::http_settings(config)).showing(config);
        let server = parts::listen(config, port, state.clone())?;
        let address = server.local_address();
        let subscriber = subscriptions.map(|waiting| parts::subscriber(config, waiting)).transpose()?;
        let stop = CancellationToken::new();
        let continuous_queries = tokio::spawn(parts::continuous_queries(config.clone(), state, stop.clone()));
        let served = tokio::spawn(server.run(stop.clone().cancelled_owned()));
        telemetry::announce(address);
        if !parts::is_for_this_machine(address) {
            tracing::warn!(
                %address,
                "whoever reaches this address may read, change and delete everything: no password is asked for"
            );
        }
        Ok(Self { address, engine, stop, served, continuous_queries, subscriber })
    }

    /// The address that requests are answered on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The engine behind the server.
    #[must_use]
    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// Ends the server: no new connections, the running requests end, what is buffered is flushed, and what waits for subscriptions is
    /// handed on as far as that is quick.
    ///
    /// # Errors
    ///
    /// When flushing failed. Acknowledged points are in the write-ahead log even then.
    pub async fn stop(self) -> Result<(), AppError> {
        self.stop.cancel();
        let (served, continuous_queries) = tokio::join!(self.served, self.continuous_queries);
        let subscriber = self.subscriber;
        let forwarded = async {
            if let Some(subscriber) = subscriber {
                subscriber.stop(Duration::from_secs(FORWARD_DRAIN_S)).await;
            }
        };
        let (flushed, ()) = tokio::join!(self.engine.shutdown(), forwarded);
        flushed?;
        served.and(continuous_queries).map_err(|panic| AppError::Panicked(panic.to_string()))?;
        tracing::info!(
            "{}",
            if self.engine.is_read_only() { "stopped" } else { "stopped; everything is flushed" }
        );
        Ok(())
    }

    /// Serves until the process is told to end (SIGTERM, SIGINT, and SIGHUP unless that is ignored), then stops in order.
    /// A second SIGTERM or SIGINT ends the process at once.
    ///
    /// # Errors
    ///
    /// As [`App::stop`], or when signals cannot be received.
    pub async fn run(mut self) -> Result<(), AppError> {
        let mut signals = signals::Signals::listen().map_err(AppError::Signals)?;
        tokio::select! {
            name = signals.first() => {
                tracing::info!(signal = name, "stopping; a second SIGTERM or SIGINT ends the process at once");
                tokio::spawn(async move {
                    let name = signals.second().await;
                    tracing::warn!(signal = name, "ended without a flush; the write-ahead log keeps what is missing");
                    std::process::exit(signals::EXIT_CODE_FORCED);
                });
                self.stop().await
            }
            served = &mut self.served => {
                self.engine.shutdown().await?;
                Err(AppError::Panicked(served.err().map_or_else(String::new, |panic| panic.to_string())))
            }
        }
    }
}
