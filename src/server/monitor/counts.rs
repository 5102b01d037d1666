//! Requests as InfluxDB 1.x counts them in its series `httpd`.

use axum::http::StatusCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A number that only grows.
#[derive(Debug, Default)]
pub(in crate::server) struct Count(AtomicU64);

impl Count {
    pub(in crate::server) fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> i64 {
        i64::try_from(self.0.load(Ordering::Relaxed)).unwrap_or(i64::MAX)
    }
}

/// Requests since the start.
#[derive(Debug, Default)]
pub(in crate::server) struct RequestCounts {
    pub(super) requests: Count,
    pub(super) request_ns: Count,
    pub(super) queries: Count,
    pub(super) query_ns: Count,
    pub(super) writes: Count,
    pub(super) write_ns: Count,
    pub(super) pings: Count,
    pub(super) statuses: Count,
    pub(super) client_errors: Count,
    pub(super) server_errors: Count,
    pub(in crate::server) query_response_bytes: Count,
    active: AtomicU64,
}

/// A request that is being answered.
pub(in crate::server) struct Active<'a>(&'a AtomicU64);

impl Drop for Active<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl RequestCounts {
    /// Counts a request as active until the result is dropped.
    pub(in crate::server) fn active(&self) -> Active<'_> {
        self.active.fetch_add(1, Ordering::Relaxed);
        Active(&self.active)
    }

    pub(super) fn active_count(&self) -> i64 {
        i64::try_from(self.active.load(Ordering::Relaxed)).unwrap_or(i64::MAX)
    }

    /// Counts a request whose response begins.
    pub(in crate::server) fn ended(&self, path: &str, status: StatusCode, elapsed: Duration) {
        let elapsed_ns = u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX);
        self.requests.add(1);
        self.request_ns.add(elapsed_ns);
        match path {
            "/query" => {
                self.queries.add(1);
                self.query_ns.add(elapsed_ns);
            }
            "/write" => {
                self.writes.add(1);
                self.write_ns.add(elapsed_ns);
            }
            "/ping" => self.pings.add(1),
            "/status" => self.statuses.add(1),
            _ => {}
        }
        if status.is_client_error() {
            self.client_errors.add(1);
        }
        if status.is_server_error() {
            self.server_errors.add(1);
        }
    }
}
