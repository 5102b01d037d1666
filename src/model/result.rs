//! How a stream of record batches is to be read as an InfluxQL result.
//!
//! A statement's rows come as record batches sorted by (measurement, group tags, time). Rows with the same
//! measurement and group tags form one series of the response; they are contiguous, also over batch borders.

use arrow::datatypes::SchemaRef;
use std::sync::Arc;

/// Which columns of the batches mean what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResultShape {
    /// The Arrow schema of every batch.
    pub schema: SchemaRef,
    /// The column that names the series: `Utf8View`, never null, empty where the response has no name.
    pub name: usize,
    /// The `GROUP BY` tags in the order of the response's `tags` object: name and column (`Utf8View`; null and
    /// empty both mean that the series lacks the tag).
    pub group_tags: Vec<(Arc<str>, usize)>,
    /// The columns of the response in order, the time included: name and column. Types: `Timestamp(ns)` for
    /// time, else `Float64`, `Int64`, `UInt64`, `Utf8`, `Utf8View`, `Boolean`, and `Null` for a column without values.
    pub columns: Vec<(Arc<str>, usize)>,
    /// The IANA zone of the `tz()` clause, in which RFC 3339 times are printed; UTC when `None`.
    pub time_zone: Option<chrono_tz::Tz>,
}

impl ResultShape {
    /// The shape of a result that has no rows and no columns.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            schema: Arc::new(arrow::datatypes::Schema::empty()),
            name: 0,
            group_tags: Vec::new(),
            columns: Vec::new(),
            time_zone: None,
        }
    }
}
