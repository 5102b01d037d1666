//! What stands in a cell without a value, and between which times cells exist.

use crate::query::functions::scalar::bucket::Buckets;
use datafusion::common::ScalarValue;

/// What `fill(…)` puts into missing cells of one column. A cell is missing where its bucket has no row, and also
/// where the row has null.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum FillMode {
    /// Null; a row appears for every bucket.
    Null,
    /// Null, and rows appear only where another column asks for them: `fill(none)`.
    None,
    /// The value of the row before, in the order of the stream; null before the first.
    Previous,
    /// A value on the straight line between the known neighbours, by number of buckets; null outside of
    /// them. Integers are truncated. For texts and booleans as [`FillMode::Null`].
    Linear,
    /// This value, of the column's type.
    Value(ScalarValue),
    /// As [`FillMode::Value`], but null in a group that has no value at all in this column, and, without a lower
    /// bound, in buckets before the first value: what `count` gets unless the query says otherwise, with 0.
    ValueWhereAny(ScalarValue),
}

/// Which buckets a group has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FillRange {
    /// The rule that cuts time into buckets.
    pub buckets: Buckets,
    /// Buckets begin with the one that this time lies in. `None`: with the group's own first row, or, in
    /// descending order, end with its last.
    pub lower_ns: Option<i64>,
    /// Buckets end with the one that this time lies in, inclusive.
    pub upper_ns: i64,
    /// Whether rows come, and go, latest first.
    pub descending: bool,
    /// Most buckets that a group may have; 0 = any number.
    pub buckets_max: usize,
}

impl FillRange {
    /// Checks the number of buckets that the range holds, where it has a lower bound.
    ///
    /// # Errors
    ///
    /// The text that InfluxDB answers for its setting `max-select-buckets`.
    pub fn check(&self) -> Result<(), String> {
        let Some(lower) = self.lower_ns else { return Ok(()) };
        let span = i128::from(self.upper_ns) - i128::from(lower);
        self.check_count(span.max(0) / i128::from(self.buckets.interval_ns()))
    }

    /// Checks a number of buckets; see [`FillRange::check`].
    pub(super) fn check_count(&self, count: i128) -> Result<(), String> {
        if self.buckets_max == 0 || count <= self.buckets_max as i128 {
            return Ok(());
        }
        Err(format!("max-select-buckets limit exceeded: ({count}/{})", self.buckets_max))
    }
}
