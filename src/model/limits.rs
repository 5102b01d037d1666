//! Every bound of the server that is not a setting, each with its reason.
//!
//! Bounds that a user may change are settings and stand in [`crate::config`] with their defaults.

/// Longest measurement plus tags of a line, in bytes (influxdb 1.x `models.MaxKeyLength`).
pub const SERIES_TEXT_BYTES_MAX: usize = 65_535;

/// Rows of one Parquet row group: large enough for encodings to pay, small enough for pruning.
pub const ROW_GROUP_ROWS: usize = 131_072;

/// The same in large files of few fields, whose row groups would be too many otherwise.
pub const ROW_GROUP_ROWS_MAX: usize = 1 << 20;

/// Rows of the record batches that queries work on; DataFusion's default, and it fits the L2 cache.
pub const BATCH_ROWS: usize = 8_192;

/// Most values of a tag that a file's entry in the manifest lists. More would make the manifest large,
/// and a tag with more values rarely excludes a whole file.
pub const TAG_SUMMARY_VALUES_MAX: usize = 64;

/// Most bytes of tag values that a file's entry in the manifest lists per tag.
pub const TAG_SUMMARY_BYTES_MAX: usize = 2_048;

/// Longest database or retention policy name in bytes (influxdb 1.x `meta.MaxNameLen`).
pub const NAME_BYTES_MAX: usize = 255;

/// Rows of a chunk of a `chunked=true` response when the request names no size (influxdb 1.x `DefaultChunkSize`).
pub const CHUNK_ROWS_DEFAULT: usize = 10_000;

/// Largest urlencoded form of a query, in bytes, unpacked. As in InfluxDB 1.x, where Go's `ParseForm` reads no larger one: the query
/// is as if it had none.
pub const FORM_BYTES_MAX: usize = 10 << 20;

/// Largest MessagePack document of a `/query` response, in bytes. Its arrays begin with their length, so that a document
/// is held until it is complete; a client that wants more asks for `chunked=true`.
pub const MESSAGE_PACK_DOCUMENT_BYTES_MAX: usize = 256 << 20;

/// Widest window of one Parquet file, in nanoseconds: a day, so that late data re-opens little.
pub const WINDOW_NS_MAX: i64 = super::time::DAY_NS;

/// Most rows of a chunk that the buffer makes by merging smaller ones: enough to keep chunks few, little
/// enough that merging does not delay a reader by more than some milliseconds.
pub const CHUNK_MERGE_ROWS_MAX: usize = 65_536;

/// Rows of a table that wait unsorted before a writer seals them: the price of a reader's first look.
pub const PENDING_ROWS_MAX: usize = 65_536;

/// Most cells of a chunk, its rows times its fields, that the buffer makes of several parts or chunks: a value that a row lacks takes as
/// much room there as one that it has. 32 MiB of numbers; up to 64 fields the bounds of rows above are reached first. Without it, rows that
/// have each one of thousands of fields would hold dozens of times what they hold as they are written. A batch that a flush merges has no
/// more either.
pub const CHUNK_CELLS_MAX: usize = 1 << 22;

/// Most bytes of a chunk that the buffer makes of several parts or chunks, texts included: a column of texts has room for 2 GiB, and rows that
/// do not fit into one chunk could be neither read nor flushed nor replayed. Twice what [`CHUNK_CELLS_MAX`] numbers take.
pub const CHUNK_BYTES_MAX: usize = 64 << 20;

/// Rows up to which the windows of a flush are joined into one file: under it a file's footer and its
/// request to the store weigh more than its rows.
pub const FILE_ROWS_MIN: usize = 32_768;

/// Most intervals that `holt_winters` fits and predicts in one series: some seconds of searching, which nothing else
/// of the query can interrupt.
pub const HOLT_WINTERS_INTERVALS_MAX: usize = 50_000;

/// Longest season of `holt_winters`, in intervals: each round of its search looks at the square of that.
pub const HOLT_WINTERS_SEASON_MAX: usize = 1_000;

/// Bytes of line protocol that are sent to the destination of a subscription at once. A larger write becomes several requests: far
/// less than the largest body that a server takes (25 MB by default), and what each of its workers holds as text.
pub const FORWARD_BODY_BYTES: usize = 1 << 20;

/// Bytes of a destination's answer that are read for the log.
pub const FORWARD_ANSWER_BYTES_MAX: usize = 1_024;

/// How long a shutdown waits for writes that are on their way to subscriptions, in seconds: enough for destinations that take writes, little
/// for one that does not.
pub const FORWARD_DRAIN_S: u64 = 5;
