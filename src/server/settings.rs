//! What operators may change about the HTTP server.

use std::time::Duration;

/// Settings of the HTTP server; `tidegauge config` explains each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpSettings {
    /// Largest request body in bytes, as sent (InfluxDB 1.x `max-body-size`).
    pub body_bytes_max: usize,
    /// Largest request body in bytes once unpacked. InfluxDB 1.x has no such bound; without one a few kilobytes
    /// of gzip take all memory.
    pub body_decompressed_bytes_max: usize,
    /// Memory for the bodies of all requests that are being read or handled, in bytes. Past it requests are told to
    /// come back later.
    pub bodies_bytes_max: usize,
    /// Most rows of an unchunked response (InfluxDB 1.x `max-row-limit`); no limit when `None`.
    pub row_limit: Option<usize>,
    /// How long a statement may run (InfluxDB 1.x `query-timeout`); no limit when `None`.
    pub query_timeout: Option<Duration>,
    /// Most connections at once (InfluxDB 1.x `max-connection-limit`); no limit when `None`.
    pub connections_max: Option<usize>,
    /// How long a client may take to send the head of its first request; no limit when `None`.
    pub head_timeout: Option<Duration>,
    /// How long a connection of HTTP/1.1 stays open for the head of another request; no limit when `None`. InfluxDB 1.x has none.
    pub idle_timeout: Option<Duration>,
    /// How long a client may take to send the next part of a body; no limit when `None`. Without one a few clients that stall keep all
    /// memory for bodies.
    pub body_timeout: Option<Duration>,
    /// Bytes of a body that must come in each second, on average over `body_timeout`; 0 = any. Without it a byte now and then keeps
    /// the memory of a body as well as a client that stalls.
    pub body_bytes_per_s_min: u64,
    /// How long a shutdown waits for requests that are being answered.
    pub drain_timeout: Duration,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            body_bytes_max: 25_000_000,
            body_decompressed_bytes_max: 256 << 20,
            bodies_bytes_max: 1 << 30,
            row_limit: None,
            query_timeout: None,
            connections_max: None,
            head_timeout: Some(Duration::from_secs(30)),
            idle_timeout: Some(Duration::from_secs(600)),
            body_timeout: Some(Duration::from_secs(30)),
            body_bytes_per_s_min: 500,
            drain_timeout: Duration::from_secs(30),
        }
    }
}
