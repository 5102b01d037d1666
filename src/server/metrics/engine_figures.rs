//! Figures of storage for `/metrics`: what the engine says of itself at each scrape.

use crate::engine::{Engine, EngineStatus, FollowStatus};
use crate::object::CacheStatus;
use crate::outbox::OutboxStatus;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use std::fmt;
use std::sync::Arc;

/// Asks this engine whenever the figures are read.
#[derive(Debug)]
pub(super) struct EngineFigures(pub(super) Arc<Engine>);

/// Name (without the prefix and what the text form appends), help and value.
type Figure = (&'static str, &'static str, u64);

impl Collector for EngineFigures {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let status = self.0.status();
        let cache = status.store_cache.unwrap_or_default();
        let counters = work(&status).into_iter().chain(handed_on(&status.outbox)).chain(cache_use(&cache));
        for (name, help, value) in counters {
            let metric = ConstCounter::new(value);
            metric.encode(encoder.encode_descriptor(name, help, None, metric.metric_type())?)?;
        }
        let follows = status.follows.as_ref();
        let gauges = sizes(&status, &cache).into_iter().chain(following(follows)).chain(damage(&status));
        for (name, help, value) in gauges {
            let metric = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
            metric.encode(encoder.encode_descriptor(name, help, None, metric.metric_type())?)?;
        }
        Ok(())
    }
}

/// Counters of writes, flushes, merges and deletions.
fn work(status: &EngineStatus) -> Vec<Figure> {
    vec![
        ("points_written", "Points acknowledged", status.points_written),
        ("points_rejected", "Points refused", status.points_rejected),
        ("flushes", "Flushes that succeeded", status.flushes),
        ("flush_failures", "Flushes that failed", status.flush_failures),
        ("compactions", "Merges of data files that succeeded", status.compactions),
        ("compaction_failures", "Merges of data files that failed", status.compaction_failures),
        ("compaction_bytes", "Bytes that merges of data files wrote", status.compaction_bytes),
        ("files_deleted", "Data files deleted from the store", status.files_deleted),
    ]
}

/// Counters of what is handed on to subscriptions.
fn handed_on(outbox: &OutboxStatus) -> Vec<Figure> {
    vec![
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
    ]
}

/// Counters of the cache over the object store; all 0 where there is none.
fn cache_use(cache: &CacheStatus) -> Vec<Figure> {
    let disk = cache.disk.unwrap_or_default();
    vec![
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
        ("store_cache_disk_bytes_read", "Bytes of data files read from the cache on disk", disk.bytes_read),
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
    ]
}

/// How much there is of everything, and whether writes are taken.
fn sizes(status: &EngineStatus, cache: &CacheStatus) -> Vec<Figure> {
    let disk = cache.disk.unwrap_or_default();
    vec![
        ("buffer_bytes", "Memory of acknowledged rows that are not in files yet", status.buffer_bytes as u64),
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
            status.outbox.held_bytes as u64,
        ),
        ("databases", "Databases", status.database_count as u64),
        ("tables", "Tables", status.table_count as u64),
        ("writes_refused", "1 while no write is taken", u64::from(status.writes_refused.is_some())),
    ]
}

/// How far a server that only reads has come; `None` for one that writes.
fn following(follows: Option<&FollowStatus>) -> Vec<Figure> {
    vec![
        ("read_only", "1 when this server only reads what another one writes", u64::from(follows.is_some())),
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
    ]
}

/// What the start found wrong with the log and the manifest.
fn damage(status: &EngineStatus) -> Vec<Figure> {
    vec![
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
    ]
}
