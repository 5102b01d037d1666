//! SHOW DIAGNOSTICS: what the server is, and how it is configured.

use super::section::Section;
use crate::model::time::go_duration;
use crate::server::{AppState, REPORTED_VERSION};
use chrono::{DateTime, SecondsFormat};

/// All sections, by name.
pub(in crate::server) fn diagnostics(state: &AppState) -> Vec<Section> {
    let config = &state.config;
    let seconds = |s: u64| go_duration(i64::try_from(s.saturating_mul(1_000_000_000)).unwrap_or(i64::MAX));
    vec![
        Section::new("build")
            .with("Branch", "")
            .with("Build Time", "")
            .with("Commit", "")
            .with("Version", REPORTED_VERSION),
        Section::new("config").with("bind-address", config.bind.as_str()).with("reporting-enabled", false),
        Section::new("config-coordinator")
            .with("log-queries-after", seconds(config.query.log_after_s))
            .with("max-concurrent-queries", config.query.concurrent_max)
            .with("max-select-buckets", config.query.select_buckets_max)
            .with("max-select-point", config.query.select_points_max)
            .with("max-select-series", config.query.select_series_max)
            .with("query-timeout", seconds(config.query.timeout_s)),
        Section::new("config-data")
            .with("dir", config.data.to_string_lossy().into_owned())
            .with("wal-dir", config.wal_folder().to_string_lossy().into_owned()),
        Section::new("config-httpd")
            .with("bind-address", config.bind.as_str())
            .with("enabled", true)
            .with("https-enabled", false)
            .with("max-body-size", config.http.body_bytes_max)
            .with("max-row-limit", config.http.row_limit_max),
        Section::new("config-subscriber")
            .with("enabled", config.subscriber.enabled && !config.read_only.enabled)
            .with("http-timeout", seconds(config.subscriber.http_timeout_s))
            .with("write-buffer-size", config.subscriber.write_buffer_size)
            .with("write-concurrency", config.subscriber.write_concurrency),
        Section::new("network").with("hostname", host_name()),
        Section::new("runtime")
            .with("GOARCH", architecture())
            .with("GOMAXPROCS", std::thread::available_parallelism().map_or(1, usize::from))
            .with("GOOS", std::env::consts::OS)
            .with("version", concat!("tidegauge ", env!("CARGO_PKG_VERSION"))),
        system(state),
    ]
}

/// The process: its id and times.
pub(in crate::server) fn system(state: &AppState) -> Section {
    let time = |ns: i64| DateTime::from_timestamp_nanos(ns).to_rfc3339_opts(SecondsFormat::AutoSi, true);
    let uptime_ns = i64::try_from(state.start.instant.elapsed().as_nanos()).unwrap_or(i64::MAX);
    Section::new("system")
        .with("PID", u64::from(std::process::id()))
        .with("currentTime", time(state.engine.clock().now_ns()))
        .with("started", time(state.start.time_ns))
        .with("uptime", go_duration(uptime_ns))
}

/// The machine's kind by Go's names.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

fn host_name() -> String {
    let told = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let told = told.or_else(|| std::env::var("HOSTNAME").ok());
    told.map_or_else(String::new, |name| name.trim().to_owned())
}
