//! SHOW STATS: what is counted since the start.

use super::counts::RequestCounts;
use super::section::Section;
use crate::model::database::DatabaseInfo;
use crate::model::state::State;
use crate::model::subscription::without_password;
use crate::outbox::{OutboxStatus, Target};
use crate::server::AppState;
use std::sync::Arc;

/// All figures, in InfluxDB's order: runtime, storage, writes, queries, requests, subscriptions.
pub(in crate::server) fn statistics(state: &AppState) -> Vec<Section> {
    let engine = state.engine.status();
    let catalog = state.engine.state();
    let mut sections = vec![runtime(), query_executor(state)];
    sections.extend(catalog.databases().map(|info| database(&catalog, info)));
    sections.extend(catalog.databases().flat_map(|info| file_stores(&catalog, info)));
    let counts = &state.metrics.counts;
    sections.extend([
        Section::new("buffer")
            .with("flushErr", engine.flush_failures)
            .with("flushOk", engine.flushes)
            .with("memBytes", engine.buffer_bytes),
        Section::new("compaction")
            .with("err", engine.compaction_failures)
            .with("ok", engine.compactions)
            .with("filesDeleted", engine.files_deleted)
            .with("filesUnreferenced", engine.files_unreferenced),
        Section::new("wal").with("diskBytes", engine.wal_bytes),
        Section::new("write")
            .with("pointReq", engine.points_written + engine.points_rejected)
            .with("pointReqLocal", engine.points_written + engine.points_rejected)
            .with("req", counts.writes.get())
            .with("subWriteDrop", engine.outbox.writes_dropped)
            .with("subWriteOk", engine.outbox.writes_queued)
            .with("writeDrop", engine.points_rejected)
            .with("writeOk", engine.points_written),
        Section::new("cq")
            .with("queryFail", state.metrics.continuous_queries_failed.get())
            .with("queryOk", state.metrics.continuous_queries_ok.get()),
        httpd(state, counts, engine.points_written, engine.points_rejected),
    ]);
    sections.extend(subscriber(&engine.outbox));
    sections
}

/// What became of writes that subscriptions are for: over all, and for each destination. As in InfluxDB a write that found no room
/// counts as failed.
pub(super) fn subscriber(outbox: &OutboxStatus) -> Vec<Section> {
    let totals = Section::new("subscriber")
        .with("createFailures", outbox.create_failures)
        .with("pointsWritten", outbox.points_written)
        .with("writeFailures", outbox.write_failures + outbox.writes_dropped);
    let mut sections = vec![totals];
    for status in &outbox.subscriptions {
        let Target { database, policy, subscription } = &*status.target;
        for (url, counts) in subscription.destinations.iter().zip(&status.destinations) {
            let section = Section::new("subscriber")
                .tag("database", database.as_ref())
                // Everybody may read these figures at `/debug/vars`.
                .tag("destination", without_password(url))
                .tag("mode", subscription.mode.word())
                .tag("name", subscription.name.as_ref())
                .tag("retention_policy", policy.as_ref())
                .with("pointsWritten", counts.points_written)
                .with("writeFailures", counts.write_failures);
            sections.push(section);
        }
    }
    sections
}

/// Memory and tasks of the process, under the names of Go's counterparts.
fn runtime() -> Section {
    let memory = memory_pages();
    let tasks = tokio::runtime::Handle::try_current().map_or(0, |handle| handle.metrics().num_alive_tasks());
    let mut section = Section::new("runtime").with("NumGoroutine", tasks);
    if let Some((total, resident)) = memory {
        section = section.with("Alloc", resident).with("HeapInUse", resident).with("Sys", total);
    }
    section
}

/// The bytes of the address space and of the resident memory, where the system tells.
fn memory_pages() -> Option<(u64, u64)> {
    const PAGE_BYTES: u64 = 4_096;
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let mut pages = text.split_ascii_whitespace().map(|number| number.parse::<u64>().ok());
    Some((pages.next()?? * PAGE_BYTES, pages.next()?? * PAGE_BYTES))
}

fn query_executor(state: &AppState) -> Section {
    let counts = state.query.running().counts();
    Section::new("queryExecutor")
        .with("queriesActive", counts.active)
        .with("queriesExecuted", counts.executed)
        .with("queriesFinished", counts.finished)
        .with("queryDurationNs", counts.finished_ns)
        .with("recoveredPanics", state.metrics.panics.get())
}

/// Per database, the number of its measurements, and an estimate of its series that needs no file to be read: for each
/// table the number of series in its largest file. There may be more.
fn database(catalog: &State, info: &Arc<DatabaseInfo>) -> Section {
    let policies = catalog.policies_of(info.id);
    let tables = || policies.iter().flat_map(|policy| catalog.tables_of(policy.id));
    let series = |file: &Arc<crate::model::file::FileMeta>| file.series_count;
    let known: u64 = tables().filter_map(|table| catalog.files_of(table.id).iter().map(series).max()).sum();
    let names: std::collections::BTreeSet<&str> = tables().map(|table| table.name.as_ref()).collect();
    Section::new("database")
        .tag("database", info.name.as_ref())
        .with("numMeasurements", names.len())
        .with("numSeries", known)
}

/// Per retention policy: its data files.
fn file_stores(catalog: &State, info: &Arc<DatabaseInfo>) -> Vec<Section> {
    let of_policy = |policy: &Arc<crate::model::database::PolicyInfo>| {
        let files = || catalog.tables_of(policy.id).map(|table| catalog.files_of(table.id));
        let bytes: u64 = files().map(|files| files.iter().map(|file| file.size_bytes).sum::<u64>()).sum();
        Section::new("filestore")
            .tag("database", info.name.as_ref())
            .tag("retentionPolicy", policy.name.as_ref())
            .with("diskBytes", bytes)
            .with("numFiles", files().map(|files| files.len()).sum::<usize>())
    };
    catalog.policies_of(info.id).into_iter().map(of_policy).collect()
}

fn httpd(state: &AppState, counts: &RequestCounts, points_written: u64, points_rejected: u64) -> Section {
    Section::new("httpd")
        .tag("bind", state.config.bind.as_str())
        .with("clientError", counts.client_errors.get())
        .with("pingReq", counts.pings.get())
        .with("pointsWrittenDropped", points_rejected)
        .with("pointsWrittenOK", points_written)
        .with("queryReq", counts.queries.get())
        .with("queryReqDurationNs", counts.query_ns.get())
        .with("queryRespBytes", counts.query_response_bytes.get())
        .with("recoveredPanics", state.metrics.panics.get())
        .with("req", counts.requests.get())
        .with("reqActive", counts.active_count())
        .with("reqDurationNs", counts.request_ns.get())
        .with("serverError", counts.server_errors.get())
        .with("statusReq", counts.statuses.get())
        .with("writeReq", counts.writes.get())
        .with("writeReqBytes", state.metrics.write_body_bytes.get())
        .with("writeReqDurationNs", counts.write_ns.get())
}
