//! Layer 2: Parquet files of one table: writing sorted rows, and reading parts of them.
//!
//! A file is plain Parquet. Its columns are `__series`, `time`, and the tags and fields that have a value in
//! it, under their stored names; rows are sorted by (`__series`, `time`). Tags follow from `__series`: they are
//! written for other readers, and Tidegauge itself only reads their dictionaries back, to list their values.
//!
//! | column | type | encoding |
//! |---|---|---|
//! | `__series` | string | dictionary |
//! | `time` | timestamp(ns), local | DELTA_BINARY_PACKED |
//! | tags | string, nullable | dictionary |
//! | integers | int64 / uint64, nullable | DELTA_BINARY_PACKED |
//! | floats | double, nullable | dictionary or BYTE_STREAM_SPLIT, by a sample |
//! | strings | string, nullable | dictionary, while it stays small |
//! | booleans | boolean, nullable | RLE |
//!
//! Key-value metadata: `tidegauge.version`, `tidegauge.table`, `tidegauge.sequences` (`min-max`),
//! `tidegauge.deduplicated` and `tidegauge.checksums`. Every byte that is read is checked before it is believed: see
//! `checksums`. What need not be read is left out before: rows of other series by the caller, whom `tag_index` tells the row groups of
//! a tag's value, pages of other times by `page_times`. `row_group` fetches and decompresses pages; the `parquet` crate decodes them.
//!
//! Where a file goes and who may see it is not known here.

mod cache;
mod checksums;
mod footer;
mod object_reader;
mod page_times;
mod read;
mod row_group;
mod tag_index;
mod tag_values;
mod write;

pub use cache::ReaderCache;
pub use footer::check_bytes;
pub use read::{FileError, ParquetFile};
pub use tag_index::TagIndex;
pub use write::{FileColumn, FileSpec, FileWriter, WrittenFile};

#[cfg(test)]
mod tests;
