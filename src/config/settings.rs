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
        /// The folder of the write-ahead log (`wal` in it), of what queries have no memory for (`spill` in it) and, unless
        /// `object_store.url` says otherwise, of the data files (`store` in it). Only one server may use it at a time.
        data: PathBuf = "./tidegauge-data".into();
        /// Memory that the server takes for points, caches, queries and requests together: what each of them has follows from it
        /// unless it is set. About a quarter is left for everything else. 0 = the memory of the container, or of the machine; else
        /// at least 16777216.
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
        /// Memory for bytes of data files, so that they are not fetched again. 0 = an eighth of the memory, at most 4 GiB.
        /// Stores on this machine need none: the operating system keeps what is read.
        cache_bytes: u64 = 0;
        /// Space on a local disk for more bytes of data files, which are there after a restart too. 0 = none.
        /// Stores on this machine need none.
        cache_disk_bytes: u64 = 0;
        /// The folder for them. Only one server may use it at a time. Not set = the folder `cache` in `data`.
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
        /// A segment file that has grown to so many bytes is followed by a new one.
        segment_bytes: u64 = 64 << 20;
        /// Refuse to start when a damaged segment is found, or one from before another server took over the store, or points of a
        /// database that an older copy of the store has never had. Otherwise the damaged part, that segment, or these points go to
        /// the folder `quarantine`, everything else is kept, and it is reported loudly; `tidegauge export --quarantined` reads what
        /// was put there.
        strict: bool = false;
        /// Writes are refused while the disk has less free space than this. Reads go on, and so do writes
        /// as soon as there is space again. Data files in a local folder are not merged where that would leave less free.
        disk_low_water_bytes: u64 = 256 << 20;
    }
}

section! {
    /// Points that are in the write-ahead log but not in data files yet. They are held in memory and
    /// queried like all others.
    BufferConfig {
        /// The buffer is flushed to data files when it holds so many bytes.
        /// 0 = a sixteenth of the memory, at most 256 MiB.
        flush_bytes: u64 = 0;
        /// The buffer is flushed when its oldest point has waited so long.
        flush_age_s: u64 = 600;
        /// Writes are refused with 503 while the buffer holds more than so many bytes.
        /// 0 = an eighth of the memory, at most 4 GiB, but at least three times flush_bytes.
        bytes_max: u64 = 0;
        /// What a refused writer is told to wait before it tries again.
        retry_after_s: u64 = 1;
    }
}

section! {
    /// Serving queries over a store that another server writes to. A server that only reads has no write-ahead log and takes no part
    /// in who may write: it shows what has been flushed. Writes and statements that change something answer an error.
    ReadOnlyConfig {
        /// Whether this server only reads (`--read-only`). What queries have no memory for goes to the system's temporary folder then.
        enabled: bool = false;
        /// How often is looked for what the other server has flushed since.
        interval_ms: u64 = 1000;
    }
}

section! {
    /// The upkeep of data files: small and overlapping ones are merged, deleted rows are removed, and what has expired or is
    /// no longer needed is deleted.
    CompactionConfig {
        /// Whether files are merged. Expired ones are dropped in either case.
        enabled: bool = true;
        /// How often is looked for files that are to be merged, have expired or can be deleted, and whether another server
        /// has taken over the store.
        interval_s: u64 = 10;
        /// Files of a window that nothing came to for so long are merged into one.
        quiet_s: u64 = 900;
        /// The size that merged files should have.
        file_bytes: u64 = 256 << 20;
        /// Files that are written at the same time, each by one thread. 0 = one for every four cores.
        jobs: u64 = 0;
        /// How much of its time such a thread works, in percent: the rest is for writes and queries.
        work_percent: u64 = 50;
        /// The object of a data file is deleted so long after the file was replaced or dropped, and never while this server
        /// reads it. Servers that only read the store may need it still for queries that run as long, and so may backups.
        delete_after_s: u64 = 300;
        /// Objects among the data files that nothing names, as a crash leaves them behind, are deleted at this age.
        orphans_after_s: u64 = 86_400;
    }
}

section! {
    /// Bounds of queries. Past a bound a query ends with an error; the server lives on.
    QueryConfig {
        /// A query that has run so long is ended (query-timeout in InfluxDB 1.x). 0 = no limit.
        timeout_s: u64 = 0;
        /// Queries that run at once; one more is refused (max-concurrent-queries). 0 = no limit.
        concurrent_max: u64 = 0;
        /// A query that has run so long is logged as slow (log-queries-after). 0 = never.
        log_after_s: u64 = 0;
        /// Points that a query may read (max-select-point). 0 = no limit.
        select_points_max: u64 = 0;
        /// Series that a query may read (max-select-series). 0 = no limit.
        select_series_max: u64 = 0;
        /// Windows of GROUP BY time that each series of an answer may have (max-select-buckets).
        /// 0 = no limit.
        select_buckets_max: u64 = 0;
        /// Memory of all running queries together. 0 = a quarter of the memory.
        memory_bytes: u64 = 0;
        /// Memory of one query; what needs more is sorted and grouped on disk, or ends with an error. 0 = half of memory_bytes.
        memory_per_query_bytes: u64 = 0;
        /// Threads that run queries. 0 = one for each core.
        threads: u64 = 0;
        /// Memory for what is kept of data files between queries: footers, indexes, lists of series.
        /// 0 = a sixteenth of the memory, at most 1 GiB.
        cache_bytes: u64 = 0;
    }
}

section! {
    /// Continuous queries.
    ContinuousQueriesConfig {
        /// Whether they are run. They can be created and dropped in either case.
        enabled: bool = true;
        /// How often is looked which of them are due.
        run_interval_s: u64 = 1;
    }
}

section! {
    /// Handing accepted writes on to the destinations of subscriptions. It delays no write: what finds no room is dropped and counted.
    SubscriberConfig {
        /// Whether writes are handed on. Subscriptions can be created and dropped in either case.
        enabled: bool = true;
        /// A destination that has not answered after so long has not taken the write (http-timeout in InfluxDB 1.x).
        http_timeout_s: u64 = 30;
        /// Writes of each subscription that are sent at the same time (write-concurrency). With 1 they arrive in the order in which
        /// they were accepted.
        write_concurrency: u64 = 40;
        /// Writes of each subscription that wait to be sent (write-buffer-size).
        write_buffer_size: u64 = 1000;
        /// Memory of all writes that wait or are being sent (total-buffer-bytes).
        /// 0 = a thirty-second of the memory, at most 256 MiB.
        total_buffer_bytes: u64 = 0;
        /// A PEM file with the certificates that those of https destinations must go back to (ca-certs).
        /// Not set = the certificates of the system.
        ca_certs: Option<String> = None;
        /// Whether the certificates of https destinations are not checked at all (insecure-skip-verify).
        insecure_skip_verify: bool = false;
    }
}

section! {
    /// The HTTP and Flight server.
    HttpConfig {
        /// A request body of more bytes is answered with 413, as InfluxDB 1.x does.
        body_bytes_max: u64 = 25_000_000;
        /// A gzip body that unpacks to more bytes is answered with 413. 0 = a quarter of the memory, at most 250 MB.
        body_decompressed_bytes_max: u64 = 0;
        /// Memory for the bodies of all requests that are on their way together; past it requests are told to come
        /// back later. 0 = an eighth of the memory, at most 1 GiB, but at least one unpacked body.
        bodies_bytes_max: u64 = 0;
        /// Rows that an answer of /query holds at most unless it is chunked; a longer one is cut and
        /// marked "partial" (max-row-limit). 0 = no limit.
        row_limit_max: u64 = 0;
        /// Connections that are open at once; one more is closed as it comes (max-connection-limit). 0 = no limit.
        connections_max: u64 = 0;
        /// A client that has not sent the head of its first request after so long is hung up on. 0 = no limit.
        head_timeout_s: u64 = 30;
        /// A client that has not sent the head of another request so long after the last answer is hung up on (HTTP/1.1).
        /// 0 = no limit.
        idle_timeout_s: u64 = 600;
        /// A body of which nothing more has come for so long is answered with 408, and its client hung up on. 0 = no limit.
        body_timeout_s: u64 = 30;
        /// So is a body of which less than this has come in each second, on average over body_timeout_s. Slow links manage it; a client
        /// that sends a byte now and then, to keep the memory for bodies taken, does not. 0 = no limit.
        body_bytes_per_s_min: u64 = 500;
        /// Requests that are running when the server is stopped get so long to end.
        drain_timeout_s: u64 = 30;
    }
}

section! {
    /// Logs, which go to standard error.
    LogConfig {
        /// error, warn, info, debug, trace or off; for single modules too: info,tidegauge::engine=debug
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
