//! An immutable, sorted part of a table's buffered rows.

use crate::merge::SortedRows;
use crate::model::ids::Sequence;
use crate::model::series_key;
use crate::model::time::TimeRange;
use ahash::{AHashMap, AHashSet};
use arrow::array::{Array, ArrayRef, new_null_array};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use parking_lot::Mutex;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

/// Up to this many fields are searched for one by one among the fields of a chunk. For more an index is built: a chunk may
/// have thousands of fields, and searching for each of them would take time in the square of that.
const SEARCHES_MAX: usize = 8;

/// The distinct values of a tag.
type TagValues = Arc<[Arc<str>]>;

/// Rows sorted by (series key, time), free of duplicates, with the names of their fields.
#[derive(Debug)]
pub struct Chunk {
    rows: SortedRows,
    field_names: Vec<Arc<str>>,
    time_range: TimeRange,
    memory_bytes: usize,
    tags: OnceLock<BTreeSet<Arc<str>>>,
    /// The values of tags that were asked for.
    tag_values: Mutex<BTreeMap<Arc<str>, TagValues>>,
    /// The oldest write in the chunk.
    pub sequence_min: Sequence,
    /// The newest write in the chunk. Of two chunks of a table the one with the greater value is newer and wins. Chunks
    /// with parts of one write have equal values; then the later one in the table's list of chunks wins.
    pub sequence_max: Sequence,
}

impl Chunk {
    /// A chunk of `rows`, whose fields have the stored names `field_names`.
    #[must_use]
    pub fn new(
        rows: SortedRows,
        field_names: Vec<Arc<str>>,
        sequence_min: Sequence,
        sequence_max: Sequence,
    ) -> Self {
        assert_eq!(rows.fields.len(), field_names.len(), "every field has a name");
        let time_range = rows.time_range().unwrap_or(TimeRange::new(0, 0));
        let memory_bytes = rows.memory_bytes();
        Self {
            rows,
            field_names,
            time_range,
            memory_bytes,
            tags: OnceLock::new(),
            tag_values: Mutex::default(),
            sequence_min,
            sequence_max,
        }
    }

    /// The names of all tags that some row bears. Looks at every series the first time.
    pub fn tags(&self) -> &BTreeSet<Arc<str>> {
        self.tags.get_or_init(|| {
            let mut tags: BTreeSet<Arc<str>> = BTreeSet::new();
            for (tag, _) in self.rows.runs.iter().flat_map(|run| series_key::decode(&run.key)) {
                if !tags.contains(&*tag) {
                    tags.insert(tag.as_ref().into());
                }
            }
            tags
        })
    }

    /// The rows, with one field per name of [`Chunk::field_names`].
    #[must_use]
    pub fn rows(&self) -> &SortedRows {
        &self.rows
    }

    /// The stored names of the fields.
    #[must_use]
    pub fn field_names(&self) -> &[Arc<str>] {
        &self.field_names
    }

    /// The tight range of times; empty without rows.
    #[must_use]
    pub fn time_range(&self) -> TimeRange {
        self.time_range
    }

    /// The memory the chunk holds, in bytes.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.memory_bytes
    }

    /// The distinct values of a tag, sorted. Computed once for each tag.
    #[must_use]
    pub fn tag_values(&self, tag: &Arc<str>) -> Arc<[Arc<str>]> {
        if let Some(values) = self.tag_values.lock().get(tag) {
            return Arc::clone(values);
        }
        // Neighbours in the order of series keys mostly have equal values.
        let mut distinct: AHashSet<Cow<'_, str>> = AHashSet::new();
        let mut last = None;
        for value in self.rows.runs.iter().filter_map(|run| series_key::tag_value(&run.key, tag)) {
            if last.as_ref() != Some(&value) {
                distinct.insert(value.clone());
                last = Some(value);
            }
        }
        let mut values: Vec<Arc<str>> = distinct.into_iter().map(Arc::from).collect();
        values.sort_unstable();
        let values: Arc<[Arc<str>]> = values.into();
        self.tag_values.lock().insert(Arc::clone(tag), Arc::clone(&values));
        values
    }

    fn field(&self, name: &str) -> Option<&ArrayRef> {
        self.field_names.iter().position(|n| **n == *name).map(|i| &self.rows.fields[i])
    }

    /// All fields by their stored names, for whoever looks for many.
    pub(super) fn fields_by_name(&self) -> AHashMap<&str, &ArrayRef> {
        self.field_names.iter().map(|name| &**name).zip(&self.rows.fields).collect()
    }

    /// The rows at `times`, with the same fields and sequences.
    ///
    /// # Errors
    /// When the strings of the result exceed 2 GiB.
    pub fn within(&self, times: TimeRange) -> Result<Self, ArrowError> {
        let rows = self.rows.gather(&self.rows.select(times, |_| true))?;
        Ok(Self::new(rows, self.field_names.clone(), self.sequence_min, self.sequence_max))
    }

    /// The rows with the fields `names` (stored names) of `types` in this order; a field that the chunk lacks
    /// is null. Shares the columns, and all fields of a type that the chunk lacks share one: they may be thousands.
    #[must_use]
    pub fn project<N: AsRef<str>>(&self, names: &[N], types: &[DataType]) -> SortedRows {
        let mut nulls: Vec<ArrayRef> = Vec::new();
        let mut null = |data_type: &DataType| -> ArrayRef {
            let known = nulls.iter().find(|null| null.data_type() == data_type).cloned();
            known.unwrap_or_else(|| {
                let null = new_null_array(data_type, self.rows.row_count());
                nulls.push(null.clone());
                null
            })
        };
        let by_name = (names.len() > SEARCHES_MAX).then(|| self.fields_by_name());
        let field = |name: &str| match &by_name {
            Some(by_name) => by_name.get(name).copied(),
            None => self.field(name),
        };
        let fields = names.iter().zip(types);
        let fields =
            fields.map(|(name, t)| field(name.as_ref()).cloned().unwrap_or_else(|| null(t))).collect();
        SortedRows { runs: self.rows.runs.clone(), times_ns: self.rows.times_ns.clone(), fields }
    }
}
