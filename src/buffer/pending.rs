//! Rows as they were written, as many as one chunk takes.

use super::chunk::Chunk;
use crate::merge::{FieldSlot, seal};
use crate::model::batch::{FieldColumn, TableRows};
use crate::model::ids::Sequence;
use crate::model::limits::{CHUNK_BYTES_MAX, PENDING_ROWS_MAX};
use crate::model::schema::TableSchema;
use crate::model::value::FieldType;
use ahash::AHashSet;
use arrow::error::ArrowError;
use std::sync::Arc;

/// Parts of writes, in the order of their arrival, that become one chunk.
///
/// A chunk has every field of its parts in every row. So where parts have different fields it holds far more than they do together:
///
/// ```text
/// written   a │ 1    b │ 3          chunk   a │ 1 2 ∅ ∅
///             │ 2      │ 4                  b │ ∅ ∅ 3 4
/// ```
///
/// That is why not only rows but also cells are bounded, and why rows count as what they will hold. Texts may be long, so bytes are
/// bounded, too.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    /// Most cells of the chunk, where it has several parts.
    cells_max: usize,
    sequence_min: Sequence,
    sequence_max: Sequence,
    parts: Vec<Arc<TableRows>>,
    row_count: usize,
    /// The names of the fields of all parts.
    fields: AHashSet<Arc<str>>,
    /// What a row of the chunk holds besides texts.
    row_bits: usize,
    /// The memory of the parts.
    part_bytes: usize,
}

impl Pending {
    pub(super) fn new(cells_max: usize, sequence: Sequence, rows: Arc<TableRows>) -> Self {
        let mut pending = Self {
            cells_max,
            sequence_min: sequence,
            sequence_max: sequence,
            parts: Vec::new(),
            row_count: 0,
            fields: AHashSet::new(),
            row_bits: TIME_BITS,
            part_bytes: 0,
        };
        pending.push(sequence, rows);
        pending
    }

    /// Adds rows that [`Pending::has_room_for`], not older than those that are here.
    pub(super) fn push(&mut self, sequence: Sequence, rows: Arc<TableRows>) {
        self.sequence_max = sequence;
        self.row_count += rows.row_count();
        self.part_bytes += rows.memory_bytes();
        for field in &rows.fields {
            if !self.fields.contains(&field.name) {
                self.fields.insert(field.name.clone());
                self.row_bits += cell_bits(field);
            }
        }
        self.parts.push(rows);
    }

    /// Whether a chunk of these rows takes `rows`, too.
    pub(super) fn has_room_for(&self, rows: &TableRows) -> bool {
        let added = rows.fields.iter().filter(|field| !self.fields.contains(&field.name)).count();
        let cells = (self.row_count + rows.row_count()).saturating_mul(self.fields.len() + added);
        let bytes = self.part_bytes.saturating_add(rows.memory_bytes());
        !self.is_full() && cells <= self.cells_max && bytes <= CHUNK_BYTES_MAX
    }

    /// Whether there is no room for any more rows.
    pub(super) fn is_full(&self) -> bool {
        let cells = self.row_count.saturating_mul(self.fields.len());
        self.row_count >= PENDING_ROWS_MAX || cells >= self.cells_max || self.part_bytes >= CHUNK_BYTES_MAX
    }

    pub(super) fn row_count(&self) -> usize {
        self.row_count
    }

    pub(super) fn sequence_max(&self) -> Sequence {
        self.sequence_max
    }

    /// The memory these rows hold, or that their chunk will, if that is more, in bytes: when memory is short, a flush seals them first.
    pub(super) fn memory_bytes(&self) -> usize {
        self.part_bytes.max(self.row_count.saturating_mul(self.row_bits) / 8)
    }

    /// The chunk of these rows; `schema` must have every field of them.
    pub(super) fn seal(&self, schema: &TableSchema) -> Result<Chunk, ArrowError> {
        if let Some(stray) = self.fields.iter().find(|name| schema.field(name).is_none()) {
            return Err(ArrowError::SchemaError(format!("field {stray:?} is not in the table's schema")));
        }
        let fields = schema.fields().filter(|field| self.fields.contains(&field.name));
        let (slots, names): (Vec<_>, Vec<_>) = fields
            .map(|f| {
                let slot = FieldSlot { name: f.name.clone(), data_type: f.arrow_field().data_type().clone() };
                (slot, f.stored_name.clone())
            })
            .unzip();
        let parts: Vec<&TableRows> = self.parts.iter().map(|rows| &**rows).collect();
        Ok(Chunk::new(seal(&parts, &slots)?, names, self.sequence_min, self.sequence_max))
    }
}

/// What a row's time takes in a chunk.
const TIME_BITS: usize = 64;

/// The bits that a row takes in a chunk for this field, including its validity bit; for texts those of the offset, without
/// the text itself.
fn cell_bits(field: &FieldColumn) -> usize {
    let value_bits = match field.field_type() {
        FieldType::Float | FieldType::Integer | FieldType::Unsigned => 64,
        FieldType::String => 32,
        FieldType::Boolean => 1,
    };
    value_bits + 1
}
