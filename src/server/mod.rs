//! Layer 5: protocols and status codes. Nothing below this module knows either.
//!
//! ```text
//! listeners/http ─ connection ─▶ router ─ by content type ─▶ gRPC services (Flight)
//!                                   └─▶ headers ─ metrics ─ catch panics ─▶ v1/… ─▶ engine | query
//!                                                                             └─ encode ─▶ body
//! ```
//!
//! | file | what it knows |
//! |---|---|
//! | `router` | which handler answers which path and method |
//! | `headers` | what every response bears |
//! | `body` | reading and unpacking request bodies within bounds |
//! | `parameters` | query strings and forms, as Go reads them |
//! | `accept` | which format a client wants |
//! | `error` | the only place that turns errors into status and body |
//! | `metrics` | what is counted, and how operators read it |
//! | `monitor` | the same as InfluxDB 1.x shows it: SHOW STATS, SHOW DIAGNOSTICS, `/debug/vars` |
//! | `settings` | what operators may change |
//! | `into` | `SELECT … INTO`: from the query to the engine |
//! | `v1` | the handlers of the InfluxDB 1.x API |
//! | `transfer` | what backups, restores and exports ask for: Tidegauge's own API |
//! | [`flight`] | Arrow Flight and Flight SQL |
//! | `listeners` | sockets and connections |

mod accept;
mod body;
mod error;
mod headers;
mod into;
mod metrics;
mod monitor;
mod parameters;
mod router;
mod settings;
mod transfer;
mod v1;

pub mod flight;
pub mod listeners;

pub use into::write_into;
pub use listeners::http::{Port, Server};
pub use metrics::Metrics;
pub use settings::HttpSettings;

use crate::config::Config;
use crate::engine::Engine;
use crate::query::QueryEngine;
use body::BodyBudget;
use monitor::Start;
use std::sync::Arc;

/// The version that clients are told. They decide by it what they may send: it has to begin with the 1.x version
/// whose behaviour is followed. The rest is build metadata, which is valid in semantic versions and in Python's, and
/// unlike a `-suffix` it does not make the version older than 1.12.4 nor look like an enterprise build.
pub const REPORTED_VERSION: &str = concat!("1.12.4+tidegauge.", env!("CARGO_PKG_VERSION"));

/// What the handlers share. Cheap to clone.
#[derive(Clone)]
pub struct AppState {
    /// Where writes and changes go.
    pub engine: Arc<Engine>,
    /// Where queries go.
    pub query: Arc<QueryEngine>,
    /// What operators set.
    pub settings: Arc<HttpSettings>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// What the server was started with, as far as it is shown to operators.
    config: Arc<Config>,
    start: Start,
    body_budget: Arc<BodyBudget>,
}

impl AppState {
    /// The state of a server over this engine.
    #[must_use]
    pub fn new(engine: Arc<Engine>, query: Arc<QueryEngine>, settings: HttpSettings) -> Self {
        Self {
            metrics: Arc::new(Metrics::new(&engine)),
            config: Arc::default(),
            start: Start::now(engine.clock().now_ns()),
            body_budget: Arc::new(BodyBudget::new(settings.bodies_bytes_max)),
            settings: Arc::new(settings),
            engine,
            query,
        }
    }

    /// The same, showing operators these settings.
    #[must_use]
    pub fn showing(mut self, config: &Config) -> Self {
        self.config = Arc::new(config.clone());
        self
    }
}

#[cfg(test)]
mod tests;
