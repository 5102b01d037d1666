//! The settings themselves: name, default, unit and meaning, declared once.
//!
//! The unit is the end of a name: `_bytes` are bytes, `_s` seconds, `_ms` milliseconds. The comments are the documentation
//! that `tidegauge config` prints.

use super::entry::{Leaf, Shown, quoted, section};
use super::secret::Secret;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

section! {
    /// The configuration of a Tidegauge server.
    Config {
        /// The address and port that everything is served on: HTTP and Flight. Port 0 picks a free one,
        /// which is logged. Whoever reaches it may do everything, since no password is asked for.
        bind: String = "127.0.0.1:8086".into();
        /// The folder that holds the write-ahead log (in `wal`), what queries spill to disk (in `spill`) and, unless
        /// `object_store.url` says otherwise, the data files (in `store`). Only one server may use it at a time.
        data: PathBuf = "./tidegauge-data".into();
        /// Memory for the whole server. The buffer, the caches, queries and request bodies each get a share of it, unless their
        /// own setting says otherwise; about a quarter is left for everything else. 0 = the memory of the container, or of the
        /// machine. Otherwise it must be at least 16777216.
        memory_bytes: u64 = 0;
        /// Where the data files lie.
        object_store: ObjectStoreConfig = ObjectStoreConfig::default();
        /// The write-ahead log.
        wal: WalConfig = WalConfig::default();
        /// The buffer.
        buffer: BufferConfig = BufferConfig::default();
        /// Serving what another server writes.
        read_only: ReadOnlyConfig = ReadOnlyConfig::default();
        /// The upkeep of data files.
        compaction: CompactionConfig = CompactionConfig::default();
        /// Queries.
        query: QueryConfig = QueryConfig::default();
        /// Continuous queries.
        continuous_queries: ContinuousQueriesConfig = ContinuousQueriesConfig::default();
        /// Handing writes on to subscriptions.
        subscriber: SubscriberConfig = SubscriberConfig::default();
        /// The HTTP and Flight server.
        http: HttpConfig = HttpConfig::default();
        /// Logs.
        log: LogConfig = LogConfig::default();
    }
}

section! {
    /// Where the data files lie. Credentials that are not set here are taken from the usual variables of
    /// the provider (AWS_…, GOOGLE_…, AZURE_…).
    ObjectStoreConfig {
        /// file:///folder or a plain path, memory:///, s3://bucket/prefix, gs://bucket/prefix or az://container/prefix.
        /// Not set = the folder `store` in `data`.
        url: Option<String> = None;
        /// The address of a service other than the provider's own, such as http://127.0.0.1:9000.
        endpoint: Option<String> = None;
        /// The region of the bucket.
        region: Option<String> = None;
        /// The access key (s3).
        access_key_id: Option<String> = None;
        /// The secret of the access key (s3). Never printed.
        secret_access_key: Option<Secret> = None;
        /// Whether the bucket stands in the path of a request (true, as most S3-compatible stores want it) or in
        /// the host name (s3).
        path_style: Option<bool> = None;
        /// Whether plain HTTP may be spoken. Follows from the endpoint when it is not set.
        allow_http: Option<bool> = None;
        /// Memory for parts of data files that were fetched from the store, so that they need not be fetched again.
        /// 0 = an eighth of the memory, at most 4 GiB. Not used for a store on this machine: there the operating system caches.
        cache_bytes: u64 = 0;
        /// Space on a local disk for more of the same, which survives a restart. 0 = none. Not used for a store on this machine.
        cache_disk_bytes: u64 = 0;
        /// The folder of the cache on disk. Only one server may use it at a time. Not set = the folder `cache` in `data`.
        cache_disk_path: Option<String> = None;
        /// How many bytes of the newest data files are read in the background after a start, so that the first questions need not wait
        /// for the store. No more than half of cache_bytes, where the store is not on this machine. 0 = none.
        warm_bytes: u64 = 256 << 20;
        /// More options by the names that the library object_store documents, such as session_token (s3),
        /// service_account (gs), account_name and access_key (az). Never printed.
        options: BTreeMap<String, Secret> = BTreeMap::new();
    }
}

section! {
    /// The write-ahead log, in the folder `wal` of `data`. A write is acknowledged once it lies here safely.
    WalConfig {
        /// The log is a row of files, its segments. One that has reached this size is closed and the next one begun.
        segment_bytes: u64 = 64 << 20;
        /// Whether to refuse to start when a part of the log cannot be used: a segment is damaged, is from before another server
        /// took over the store, or has points of a database that the store (put back from an older copy) does not know. When
        /// false, the unusable part is moved to the folder `quarantine`, everything else is kept, and the server reports it
        /// loudly; `tidegauge export --quarantined` reads what was moved there.
        strict: bool = false;
        /// Writes are refused while the disk has less free space than this. Reads are not affected, and writes are taken again
        /// as soon as there is space. Data files in a local folder are not merged where that would leave less space free.
        disk_low_water_bytes: u64 = 256 << 20;
    }
}

section! {
    /// Points that are in the write-ahead log but not in data files yet. They are held in memory and
    /// queried like all others.
    BufferConfig {
        /// The buffer is flushed to data files when it has reached this size.
        /// 0 = a sixteenth of the memory, at most 256 MiB.
        flush_bytes: u64 = 0;
        /// The buffer is flushed when its oldest point has waited this long.
        flush_age_s: u64 = 600;
        /// Writes are refused with 503 while the buffer is larger than this.
        /// 0 = an eighth of the memory, at most 4 GiB, but at least three times flush_bytes.
        bytes_max: u64 = 0;
        /// How long a refused writer is told to wait before it tries again (the header Retry-After).
        retry_after_s: u64 = 1;
    }
}

section! {
    /// Serving queries over a store that another server writes to. A server that only reads has no write-ahead log and never takes
    /// the store over. It shows what the writer has flushed, and answers writes and statements that change something with an error.
    ReadOnlyConfig {
        /// Whether this server only reads (`--read-only`). Its queries spill to the system's temporary folder instead of `data`.
        enabled: bool = false;
        /// How often the server looks for what the writer has flushed since.
        interval_ms: u64 = 1000;
    }
}

section! {
    /// The upkeep of data files: small and overlapping ones are merged, deleted rows are removed from them, and files that have
    /// expired or are no longer needed are deleted.
    CompactionConfig {
        /// Whether files are merged. Expired ones are dropped either way.
        enabled: bool = true;
        /// How often the server looks for files to merge, to expire or to delete, and whether another server has taken over
        /// the store.
        interval_s: u64 = 10;
        /// A time window that has received no new points for this long has its files merged into one.
        quiet_s: u64 = 900;
        /// The size that merged files should reach.
        file_bytes: u64 = 256 << 20;
        /// How many files merges write at the same time, each on one thread. 0 = one for every four cores.
        jobs: u64 = 0;
        /// How much of its time each of these threads may work, in percent; the rest is left to writes and queries.
        work_percent: u64 = 50;
        /// How long after a data file was replaced or dropped its object is deleted; never while this server reads it. Raise it
        /// when servers that only read this store have queries that run longer, or when backups take longer.
        delete_after_s: u64 = 300;
        /// The age at which objects that no table refers to are deleted. A crash can leave such objects behind.
        orphans_after_s: u64 = 86_400;
    }
}

section! {
    /// Bounds of queries. Past a bound a query ends with an error; the server lives on.
    QueryConfig {
        /// A query that has run this long is ended (query-timeout in InfluxDB 1.x). 0 = no limit.
        timeout_s: u64 = 0;
        /// How many queries may run at once; one more is refused (max-concurrent-queries). 0 = no limit.
        concurrent_max: u64 = 0;
        /// A query that has run this long is logged as slow (log-queries-after). 0 = never.
        log_after_s: u64 = 0;
        /// How many points a query may read (max-select-point). 0 = no limit.
        select_points_max: u64 = 0;
        /// How many series a query may read (max-select-series). 0 = no limit.
        select_series_max: u64 = 0;
        /// How many windows of GROUP BY time each series of an answer may have (max-select-buckets).
        /// 0 = no limit.
        select_buckets_max: u64 = 0;
        /// Memory for all running queries together. 0 = a quarter of the memory.
        memory_bytes: u64 = 0;
        /// Memory for one query. One that needs more sorts and groups on disk, or ends with an error where it cannot.
        /// 0 = half of memory_bytes.
        memory_per_query_bytes: u64 = 0;
        /// Threads that run queries. 0 = one for each core.
        threads: u64 = 0;
        /// Memory for what queries keep of data files for later queries: footers, indexes and lists of series.
        /// 0 = a sixteenth of the memory, at most 1 GiB.
        cache_bytes: u64 = 0;
    }
}

section! {
    /// Continuous queries.
    ContinuousQueriesConfig {
        /// Whether they are run. They can be created and dropped either way.
        enabled: bool = true;
        /// How often the server looks which of them are due.
        run_interval_s: u64 = 1;
    }
}

section! {
    /// Handing accepted writes on to the destinations of subscriptions. This never delays a write: when too many wait to be handed
    /// on, further ones are dropped and counted.
    SubscriberConfig {
        /// Whether writes are handed on. Subscriptions can be created and dropped either way.
        enabled: bool = true;
        /// A write that a destination has not answered after this long counts as failed (http-timeout in InfluxDB 1.x).
        http_timeout_s: u64 = 30;
        /// How many writes of each subscription are sent at the same time (write-concurrency). With 1 they arrive in the order in
        /// which they were accepted.
        write_concurrency: u64 = 40;
        /// How many writes of each subscription may wait to be sent (write-buffer-size).
        write_buffer_size: u64 = 1000;
        /// Memory for all writes that wait or are being sent (total-buffer-bytes).
        /// 0 = a thirty-second of the memory, at most 256 MiB.
        total_buffer_bytes: u64 = 0;
        /// A PEM file with the certificate authorities that https destinations are checked against (ca-certs).
        /// Not set = the certificates of the system.
        ca_certs: Option<String> = None;
        /// Whether to accept any certificate of an https destination, without a check (insecure-skip-verify).
        insecure_skip_verify: bool = false;
    }
}

section! {
    /// The HTTP and Flight server.
    HttpConfig {
        /// A larger request body is answered with 413, as by InfluxDB 1.x (max-body-size).
        body_bytes_max: u64 = 25_000_000;
        /// A gzip body that is larger than this when unpacked is answered with 413. 0 = a quarter of the memory, at most 250 MB.
        body_decompressed_bytes_max: u64 = 0;
        /// Memory for the bodies of all requests together. While it is full, further requests are told to come back later.
        /// 0 = an eighth of the memory, at most 1 GiB, but at least body_decompressed_bytes_max.
        bodies_bytes_max: u64 = 0;
        /// How many rows an answer of /query may have unless it is chunked. A longer one is cut off and
        /// marked "partial" (max-row-limit). 0 = no limit.
        row_limit_max: u64 = 0;
        /// How many connections may be open at once; one more is closed as it comes (max-connection-limit). 0 = no limit.
        connections_max: u64 = 0;
        /// A connection is closed when the head of its first request has not come within this time. 0 = no limit.
        head_timeout_s: u64 = 30;
        /// A connection is closed when the head of another request has not come this long after the last answer (HTTP/1.1).
        /// 0 = no limit.
        idle_timeout_s: u64 = 600;
        /// A request is answered with 408, and its connection closed, when nothing more of its body has come for this long.
        /// 0 = no limit.
        body_timeout_s: u64 = 30;
        /// The same happens when fewer bytes of the body than this come in a second, on average over body_timeout_s. Slow links
        /// manage it; a client that sends a byte now and then, to hold on to the memory for bodies, does not. 0 = no limit.
        body_bytes_per_s_min: u64 = 500;
        /// How long requests that are running when the server is stopped may take to end.
        drain_timeout_s: u64 = 30;
    }
}

section! {
    /// Logs, which go to standard error.
    LogConfig {
        /// error, warn, info, debug, trace or off. Single modules may differ: info,tidegauge::engine=debug
        level: String = "info".into();
        /// text or json (one object for each line).
        format: LogFormat = LogFormat::Text;
    }
}

impl ObjectStoreConfig {
    /// What is set besides the address, by the names of the options of the library `object_store`.
    #[must_use]
    pub fn options_by_name(&self) -> BTreeMap<String, String> {
        let texts = [
            ("endpoint", self.endpoint.clone()),
            ("region", self.region.clone()),
            ("access_key_id", self.access_key_id.clone()),
            ("secret_access_key", self.secret_access_key.as_ref().map(|key| key.reveal().to_owned())),
            ("path_style", self.path_style.map(|value| value.to_string())),
            ("allow_http", self.allow_http.map(|value| value.to_string())),
        ];
        let named = texts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        let more = self.options.iter().map(|(name, value)| (name.clone(), value.reveal().to_owned()));
        named.chain(more).collect()
    }
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object for each line.
    Json,
}

impl Leaf for LogFormat {
    const EXPECTED: &'static str = "text or json";
    fn read(text: &str) -> Option<Self> {
        match text.trim() {
            "text" => Some(Self::Text),
            "json" => Some(Self::Json),
            _ => None,
        }
    }
    fn show(&self) -> Shown {
        Shown::Value(quoted(match self {
            Self::Text => "text",
            Self::Json => "json",
        }))
    }
}
