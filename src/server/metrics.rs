//! What is counted, in Prometheus' text form at `/metrics`.
//!
//! The server counts requests and queries itself; figures of storage are asked of the engine at each scrape.

use super::monitor::RequestCounts;
use crate::engine::Engine;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::Response;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric, text};
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
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
    pub(super) query_seconds: Histogram,
    pub(super) statements_failed: Counter,
    pub(super) queries_cancelled: Counter,
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

/// Figures of storage, asked when they are read.
#[derive(Debug)]
struct EngineFigures(Arc<Engine>);

impl Collector for EngineFigures {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let status = self.0.status();
        let outbox = &status.outbox;
        for (name, help, value) in [
            ("points_written", "Points acknowledged", status.points_written),
            ("points_rejected", "Points refused", status.points_rejected),
            ("flushes", "Flushes that succeeded", status.flushes),
            ("flush_failures", "Flushes that failed", status.flush_failures),
            ("compactions", "Merges of data files that succeeded", status.compactions),
            ("compaction_failures", "Merges of data files that failed", status.compaction_failures),
            ("compaction_bytes", "Bytes that merges of data files wrote", status.compaction_bytes),
            ("files_deleted", "Data files deleted from the store", status.files_deleted),
            (
                "subscriber_points_written",
                "Points handed on to subscriptions, to every destination that was asked",
                outbox.points_written,
            ),
            (
                "subscriber_write_failures",
                "Writes for subscriptions that a destination has not taken",
                outbox.write_failures,
            ),
            (
                "subscriber_writes_dropped",
                "Writes for subscriptions that were not handed on because too many waited",
                outbox.writes_dropped,
            ),
            (
                "subscriber_points_dropped",
                "Points for subscriptions that were not handed on because too many writes waited",
                outbox.points_dropped,
            ),
            (
                "subscriber_create_failures",
                "Subscriptions that nothing could be handed on for",
                outbox.create_failures,
            ),
        ] {
            let metric = ConstCounter::new(value);
            metric.encode(encoder.encode_descriptor(name, help, None, metric_type(&metric))?)?;
        }
        let cache = status.store_cache.unwrap_or_default();
        let disk = cache.disk.unwrap_or_default();
        for (name, help, value) in [
            ("store_cache_hits", "Blocks of data files that were in memory when wanted", cache.hits),
            ("store_cache_misses", "Blocks of data files that were not in memory when wanted", cache.misses),
            ("store_cache_requests", "Requests to the object store for blocks", cache.requests),
            (
                "store_cache_bytes_fetched",
                "Bytes of data files that came from the object store",
                cache.bytes_fetched,
            ),
            ("store_cache_disk_hits", "Blocks of data files that were on disk when wanted", disk.hits),
            (
                "store_cache_disk_misses",
                "Blocks of data files that were neither in memory nor on disk",
                disk.misses,
            ),
            ("store_cache_disk_damaged", "Blocks of data files on disk that were damaged", disk.damaged),
            (
                "store_cache_disk_bytes_read",
                "Bytes of data files read from the cache on disk",
                disk.bytes_read,
            ),
            ("store_cache_disk_bytes_written", "Bytes written to the cache on disk", disk.bytes_written),
            (
                "store_cache_disk_writes_skipped",
                "Blocks not kept on disk because too many waited to be written",
                disk.writes_skipped,
            ),
            (
                "store_cache_disk_writes_failed",
                "Blocks that could not be written to the cache on disk",
                disk.writes_failed,
            ),
        ] {
            let metric = ConstCounter::new(value);
            metric.encode(encoder.encode_descriptor(name, help, None, metric_type(&metric))?)?;
        }
        let follows = status.follows.as_ref();
        for (name, help, value) in [
            (
                "buffer_bytes",
                "Memory of acknowledged rows that are not in files yet",
                status.buffer_bytes as u64,
            ),
            ("wal_bytes", "Size of the write-ahead log", status.wal_bytes),
            ("files", "Data files", status.file_count as u64),
            ("file_bytes", "Size of the data files", status.file_bytes),
            (
                "files_unreferenced",
                "Data files that are no longer part of a table and not deleted yet",
                status.files_unreferenced as u64,
            ),
            ("store_cache_bytes", "Bytes of data files that are kept in memory", cache.bytes_kept),
            ("store_cache_disk_bytes", "Size of the cache of data files on disk", disk.bytes_kept),
            ("store_cache_disk_blocks", "Blocks of data files that are kept on disk", disk.blocks_kept),
            (
                "subscriber_held_bytes",
                "Memory of writes that wait for subscriptions or are being handed on",
                outbox.held_bytes as u64,
            ),
            ("databases", "Databases", status.database_count as u64),
            ("tables", "Tables", status.table_count as u64),
            ("writes_refused", "1 while no write is taken", u64::from(status.writes_refused.is_some())),
            (
                "read_only",
                "1 when this server only reads what another one writes",
                u64::from(follows.is_some()),
            ),
            (
                "follow_edit_number",
                "The last edit of the manifest that a server that only reads has seen",
                follows.map_or(0, |follows| follows.edit_number),
            ),
            (
                "follow_failing",
                "1 while a server that only reads cannot read on in the manifest",
                u64::from(follows.is_some_and(|follows| follows.failure.is_some())),
            ),
            (
                "follow_read_time_seconds",
                "When a server that only reads last read the manifest to its end, in Unix time",
                follows.map_or(0, |follows| u64::try_from(follows.read_ns / 1_000_000_000).unwrap_or(0)),
            ),
            (
                "wal_damage",
                "Parts of the log that start-up found damaged or could not use",
                status.wal_damage.len() as u64,
            ),
            (
                "wal_records_missing",
                "Acknowledged records that start-up did not find in the log",
                status.wal_records_missing,
            ),
            (
                "manifest_damage",
                "Damaged objects of the manifest that start-up could do without",
                status.manifest_damage.len() as u64,
            ),
        ] {
            let metric = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
            metric.encode(encoder.encode_descriptor(name, help, None, metric_type(&metric))?)?;
        }
        Ok(())
    }
}

fn metric_type(metric: &impl EncodeMetric) -> prometheus_client::metrics::MetricType {
    metric.metric_type()
}
