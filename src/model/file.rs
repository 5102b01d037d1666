//! What the manifest knows of a Parquet file, so that pruning needs no footer reads.

use super::extent::Extent;
use super::ids::{Sequence, TableId};
use super::time::TimeRange;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A Parquet file of one table and one window. Its rows are sorted by (series key, time) and no two share both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileMeta {
    /// The object's path below the store's root. Unique and never reused.
    pub path: Arc<str>,
    /// The table.
    pub table: TableId,
    /// The window that all rows lie in.
    pub window: TimeRange,
    /// The times of the first and after the last row: tight, half-open.
    pub time_range: TimeRange,
    /// The least series key in the file.
    pub series_min: Arc<str>,
    /// The greatest series key in the file, inclusive.
    pub series_max: Arc<str>,
    /// Distinct series in the file.
    pub series_count: u64,
    /// Rows.
    pub row_count: u64,
    /// Size of the object in bytes.
    pub size_bytes: u64,
    /// The oldest write in the file.
    pub sequence_min: Sequence,
    /// The newest write in the file. Of two files of one table the one with the greater value wins
    /// where they hold the same point; their sequence ranges do not interleave.
    pub sequence_max: Sequence,
    /// 0 = flushed, 1 = compacted with files of the same times, 2 = joined with files of other times.
    pub level: u8,
    /// When the file was written, in nanoseconds since the epoch; 0 = by a version that did not note it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub created_ns: i64,
    /// The tombstones, by id, that are newer than every row of the file and have nothing left to delete in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub purged: Vec<Arc<str>>,
    /// Stored names of the tag and field columns that have a value in the file.
    pub columns: Vec<Arc<str>>,
    /// Per stored tag column all its values, sorted, where there are few. A tag that is missing
    /// here may have any value; the empty string stands for rows without the tag.
    pub tag_values: BTreeMap<Arc<str>, Vec<Arc<str>>>,
    /// The checksum of the end of the object; the end has the checksums of the rest. Missing in files of versions that
    /// wrote none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<FileEnd>,
}

/// What a Parquet file has after its column chunks: page indexes and footer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEnd {
    /// Its length.
    pub bytes: u64,
    /// Its CRC-32C.
    pub crc32c: u32,
}

impl FileMeta {
    /// The rectangle of times and series that the rows lie in.
    #[must_use]
    pub fn extent(&self) -> Extent<'_> {
        Extent { times: self.time_range, series: (&self.series_min, &self.series_max) }
    }
}

fn is_zero(number: &i64) -> bool {
    *number == 0
}
