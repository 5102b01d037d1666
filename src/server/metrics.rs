//! What is counted, in Prometheus' text form at `/metrics`.
//!
//! The server counts requests and queries itself; `engine_figures` asks the engine for those of storage at each scrape.

mod engine_figures;

use self::engine_figures::EngineFigures;
use super::monitor::RequestCounts;
use crate::engine::Engine;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::Response;
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

/// The paths that are counted by name; the others share one label, so that clients cannot make labels.
const COUNTED_PATHS: [&str; 8] =
    ["/query", "/write", "/ping", "/status", "/health", "/metrics", "/debug/flush", "/debug/vars"];

/// Buckets of durations: 0.1 ms to about 100 s.
fn duration_histogram() -> Histogram {
    Histogram::new(exponential_buckets(0.000_1, 4.0, 11))
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    path: &'static str,
    status: u16,
}

/// Counters of the server.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    request_seconds: Histogram,
    pub(super) write_body_bytes: Counter,
    query_seconds: Histogram,
    pub(super) statements_failed: Counter,
    queries_cancelled: Counter,
    pub(super) panics: Counter,
    /// Runs of continuous queries that succeeded.
    pub continuous_queries_ok: Counter,
    /// Runs of continuous queries that failed.
    pub continuous_queries_failed: Counter,
    pub(super) connections: Gauge,
    pub(super) connections_refused: Counter,
    /// The same as InfluxDB 1.x counts it.
    pub(super) counts: RequestCounts,
}

impl Metrics {
    /// Counters that start at nothing, over this engine.
    pub(super) fn new(engine: &Arc<Engine>) -> Self {
        let mut registry = Registry::with_prefix("tidegauge");
        registry.register_collector(Box::new(EngineFigures(engine.clone())));
        Self::registered(registry)
    }

    fn registered(mut registry: Registry) -> Self {
        let metrics = Self {
            registry: Registry::default(),
            requests: Family::default(),
            request_seconds: duration_histogram(),
            write_body_bytes: Counter::default(),
            query_seconds: duration_histogram(),
            statements_failed: Counter::default(),
            queries_cancelled: Counter::default(),
            panics: Counter::default(),
            continuous_queries_ok: Counter::default(),
            continuous_queries_failed: Counter::default(),
            connections: Gauge::default(),
            connections_refused: Counter::default(),
            counts: RequestCounts::default(),
        };
        registry.register("http_requests", "Requests answered, by path and status", metrics.requests.clone());
        registry.register(
            "http_request_seconds",
            "Time from the head of a request to the head of its response",
            metrics.request_seconds.clone(),
        );
        registry.register(
            "write_body_bytes",
            "Bytes of line protocol received, unpacked",
            metrics.write_body_bytes.clone(),
        );
        registry.register(
            "query_seconds",
            "Time to run all statements of a /query request and to hand over the response",
            metrics.query_seconds.clone(),
        );
        registry.register(
            "query_statements_failed",
            "Statements that ended with an error",
            metrics.statements_failed.clone(),
        );
        registry.register(
            "queries_cancelled",
            "Queries that ended because the client went away",
            metrics.queries_cancelled.clone(),
        );
        registry.register("panics", "Requests that met a bug of the server", metrics.panics.clone());
        registry.register(
            "continuous_queries_ok",
            "Runs of continuous queries that succeeded",
            metrics.continuous_queries_ok.clone(),
        );
        registry.register(
            "continuous_queries_failed",
            "Runs of continuous queries that failed",
            metrics.continuous_queries_failed.clone(),
        );
        registry.register("http_connections", "Open connections", metrics.connections.clone());
        registry.register(
            "http_connections_refused",
            "Connections closed as they came because as many as may be were open",
            metrics.connections_refused.clone(),
        );
        Self { registry, ..metrics }
    }

    /// All figures in Prometheus' text form.
    pub(super) fn text(&self) -> Result<String, fmt::Error> {
        let mut out = String::new();
        text::encode(&mut out, &self.registry)?;
        Ok(out)
    }

    fn count(&self, path: &str, status: StatusCode, start: Instant) {
        let path = COUNTED_PATHS.into_iter().find(|counted| *counted == path).unwrap_or("other");
        self.requests.get_or_create(&RequestLabels { path, status: status.as_u16() }).inc();
        self.request_seconds.observe(start.elapsed().as_secs_f64());
        self.counts.ended(path, status, start.elapsed());
    }
}

/// Counts a query when it is over. One whose account is dropped before it has ended, because the client went away, counts
/// as cancelled.
pub(super) struct QueryAccount {
    metrics: Arc<Metrics>,
    start: Instant,
    has_ended: bool,
}

impl QueryAccount {
    /// The account of a query that begins now.
    pub(super) fn begin(metrics: Arc<Metrics>) -> Self {
        Self { metrics, start: Instant::now(), has_ended: false }
    }

    /// The query has come to its end, be it an error.
    pub(super) fn end(&mut self) {
        self.has_ended = true;
    }
}

impl Drop for QueryAccount {
    fn drop(&mut self) {
        if !self.has_ended {
            self.metrics.queries_cancelled.inc();
        }
        self.metrics.query_seconds.observe(self.start.elapsed().as_secs_f64());
    }
}

/// Counts a request and its response.
pub(super) async fn count_request(
    State(metrics): State<Arc<Metrics>>,
    request: Request,
    next: Next,
) -> Response {
    let start = Instant::now();
    let uri = request.uri().clone();
    let _active = metrics.counts.active();
    let response = next.run(request).await;
    metrics.count(uri.path(), response.status(), start);
    response
}
