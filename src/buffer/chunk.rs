//! An immutable, sorted part of a table's buffered rows.

use crate::merge::SortedRows;
use crate::model::ids::Sequence;
use crate::model::series_key;
use crate::model::time::TimeRange;
use arrow::array::{Array, ArrayRef, new_null_array};
use arrow::datatypes::DataType;
use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

/// Rows sorted by (series key, time), free of duplicates, with the names of their fields.
#[derive(Debug)]
pub struct Chunk {
    rows: SortedRows,
    field_names: Vec<Arc<str>>,
    time_range: TimeRange,
    memory_bytes: usize,
    tags: OnceLock<BTreeSet<Arc<str>>>,
    /// The oldest write in the chunk.
    pub sequence_min: Sequence,
    /// The newest write in the chunk. Of two chunks of a table the one with the greater value wins.
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

    /// The Arrow type of the field stored as `name`.
    #[must_use]
    pub fn field_type(&self, name: &str) -> Option<DataType> {
        self.field(name).map(|f| f.data_type().clone())
    }

    fn field(&self, name: &str) -> Option<&ArrayRef> {
        self.field_names.iter().position(|n| **n == *name).map(|i| &self.rows.fields[i])
    }

    /// The rows with the fields `names` (stored names) of `types` in this order; a field that the chunk lacks
    /// is null. Shares the columns.
    #[must_use]
    pub fn project<N: AsRef<str>>(&self, names: &[N], types: &[DataType]) -> SortedRows {
        let null = |data_type| new_null_array(data_type, self.rows.row_count());
        let fields = names.iter().zip(types);
        let fields =
            fields.map(|(name, t)| self.field(name.as_ref()).cloned().unwrap_or_else(|| null(t))).collect();
        SortedRows { runs: self.rows.runs.clone(), times_ns: self.rows.times_ns.clone(), fields }
    }
}
