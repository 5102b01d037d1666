//! Tidegauge, a time-series database in one binary.
//!
//! Line protocol comes in over the InfluxDB write APIs, is buffered as Arrow record batches behind a
//! write-ahead log and persisted as Parquet on any object store. InfluxQL and SQL become DataFusion
//! plans and are answered over HTTP and Arrow Flight.
//!
//! # The path of a write
//!
//! ```text
//! bytes ─ line_protocol ─▶ WriteBatch ─ engine ─▶ wal (fsync) ─▶ buffer ─▶ acknowledged
//!                                                                  │ flush
//!                                             parquet_file ◀─ merge ◀─ sealed chunks
//!                                                  │
//!                                             manifest edit, then the WAL is trimmed
//! ```
//!
//! # What becomes of a write after that, where subscriptions are for it
//!
//! ```text
//! acknowledged rows ─ engine ─▶ outbox (bounded, in memory) ─ subscriber ─▶ line protocol ─▶ HTTP | UDP
//! ```
//!
//! # What becomes of files
//!
//! ```text
//! flushed files ─ compact ─▶ merge ─▶ large files without overlaps ─ expired, deleted, dropped ─▶ unreferenced ─▶ gone
//! ```
//!
//! # The path of a query
//!
//! ```text
//! text ─ influxql | SQL ─▶ Statement ─▶ IR (resolved) ─▶ LogicalPlan ─▶ ExecutionPlan
//!        ReadView (schema + chunks + files) ──────────────────────────────▲    │
//!                                                      JSON | CSV | Arrow ◀─ encode
//! ```
//!
//! # Layers
//!
//! A module imports only modules of lower layers; siblings of one layer never import each other. The
//! test `tests/it/layers.rs` reads the `use crate::…` lines and fails on any other edge.
//!
//! | layer | modules | knows |
//! |---|---|---|
//! | L6 | `app`, `cli` | the composition root: start and stop order, subcommands |
//! | L5 | [`server`] | protocols and status codes; nothing below does |
//! | L4 | [`query`], [`backup`], [`subscriber`] | InfluxQL and SQL to plans to record batch streams, which never write; copies of a database and back; writes handed on to other servers |
//! | L3 | [`engine`] | write, flush, compact, expire, recover, read view; no HTTP, no DataFusion |
//! | L2 | [`catalog`], [`wal`], [`buffer`], [`parquet_file`], [`manifest`], [`auth`], [`outbox`] | one storage part each; passwords; rows that wait for subscriptions |
//! | L1 | [`line_protocol`], [`merge`], [`encode`], [`object`] | pure, except `object`, the storage edge |
//! | L0 | [`model`], [`clock`], [`config`], [`telemetry`] | names, types, limits |
//!
//! # Glossary
//!
//! | word | meaning |
//! |---|---|
//! | database, retention policy | as in InfluxDB 1.x; v2 calls a pair of them a bucket |
//! | measurement, table | the same thing: the language says measurement, the engine says table |
//! | tag, field, time | the three kinds of columns; a *point* is one row |
//! | series | all rows of a table with one tag set; its *series key* is the stored form of that set |
//! | window | the half-open time range that one file's rows lie in |
//! | segment | one file of the write-ahead log |
//! | chunk | rows in the buffer: sorted by (series key, time), without duplicates, immutable |
//! | generation | what the buffer holds between two flushes |
//! | seal | to sort rows into a chunk; *flush*: to write chunks as Parquet files |
//! | compact | to write files anew: merged, larger, without deleted rows; *level*: 0 flushed, 1 compacted, 2 joined over windows |
//! | unreferenced | of an object: its file left the manifest; *orphan*: it was never named, or that is forgotten |
//! | manifest | the numbered log of edits that says which files make up the database |
//! | tombstone | rows that were deleted: series and times of a table, up to a record of the log |
//! | shard | as clients see it: a window of a policy's shard duration; rows do not lie in shards |
//! | cut | a state of the manifest right after a flush: what a backup copies |
//! | take over | to open a store for writing that another server has open; that one is *fenced*: it changes nothing any more |
//! | follow | to read on in the manifest that another process writes, as a server that only reads does |
//! | read view | schema, chunks, files and tombstones of one table at one moment |
//! | subscription | a wish that accepted writes into a retention policy be handed on; *destination*: a URL that they go to |
//! | continuous query | a `SELECT … INTO` that the server runs by itself, over windows that have ended |

pub mod app;
pub mod auth;
pub mod backup;
pub mod buffer;
pub mod catalog;
pub mod cli;
pub mod clock;
pub mod config;
pub mod encode;
pub mod engine;
pub mod line_protocol;
pub mod manifest;
pub mod merge;
pub mod model;
pub mod object;
pub mod outbox;
pub mod parquet_file;
pub mod query;
pub mod server;
pub mod subscriber;
pub mod telemetry;
pub mod wal;
