//! The rows of one table, as lines add them. It checks what needs the table's fields, and cuts its rows into
//! parts where arrays would be mostly null; it does not parse.

use super::column::Column;
use super::parser::{Field, Value};
use super::rejection::PointFault;
use crate::model::batch::{FieldColumn, TableRows};
use crate::model::schema::{TIME_COLUMN, TableSchema};
use crate::model::value::FieldType;
use ahash::RandomState;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

/// Cells (rows times fields) that a part may have whatever is in them: small arrays cost their headers anyway.
const SPARSE_CELLS_MIN: usize = 16_384;
/// When a part has this many cells for each value in it, the next rows go to another part, which has only the fields of its
/// own rows. So the arrays of a body have at most that many times as many cells as it has values.
const CELLS_PER_VALUE_MAX: usize = 16;
/// Bytes of strings from which rows are cut into another part, and one more than the longest string. Both
/// together fit Arrow's `Utf8`, whose offsets end at 2^31 - 1.
const PART_STRING_BYTES_MAX: usize = 1 << 30;

/// The rows of one table.
#[derive(Debug)]
pub(super) struct Table {
    name: Arc<str>,
    schema: Option<Arc<TableSchema>>,
    series: Vec<Series>,
    fields: Vec<FieldState>,
    field_by_name: HashMap<Arc<str>, u32, RandomState>,
    /// Per position in a line the field that the last line had there.
    expected: Vec<u32>,
    /// The fields of the line at hand.
    resolved: Vec<u32>,
    part: Part,
    finished: Vec<TableRows>,
}

#[derive(Debug)]
struct Series {
    key: Arc<str>,
    /// The part that it was last seen in, and its index there.
    part: usize,
    index: u32,
}

#[derive(Debug)]
struct FieldState {
    name: Arc<str>,
    /// The name as lines write it, when that is the name itself; else empty, which no line writes.
    plain: Arc<str>,
    column: Column,
}

/// The rows since the last cut.
#[derive(Debug, Default)]
struct Part {
    series: Vec<Arc<str>>,
    series_index: Vec<u32>,
    times_ns: Vec<i64>,
    /// The fields with values.
    fields: Vec<u32>,
    value_count: usize,
    string_bytes: usize,
}

impl Table {
    /// No rows of the table `name`, whose fields `schema` knows, if the table exists.
    pub(super) fn new(name: Arc<str>, schema: Option<Arc<TableSchema>>) -> Self {
        Self {
            name,
            schema,
            series: Vec::new(),
            fields: Vec::new(),
            field_by_name: HashMap::default(),
            expected: Vec::new(),
            resolved: Vec::new(),
            part: Part::default(),
            finished: Vec::new(),
        }
    }

    /// The table's name.
    pub(super) fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Makes a series known; its number is what [`Table::add_row`] takes.
    pub(super) fn add_series(&mut self, key: Arc<str>) -> u32 {
        self.series.push(Series { key, part: usize::MAX, index: 0 });
        (self.series.len() - 1) as u32
    }

    /// Adds a point, or nothing of it. `Ok(true)` when a field called `time` was left out.
    pub(super) fn add_row(
        &mut self,
        series: u32,
        time_ns: i64,
        fields: &[Field<'_>],
        string_bytes_max: usize,
    ) -> Result<bool, PointFault> {
        let known = self.fields.len();
        let string_bytes_max = string_bytes_max.min(PART_STRING_BYTES_MAX - 1);
        let stripped = match self.resolve(fields, string_bytes_max) {
            Ok(stripped) => stripped,
            Err(fault) => {
                self.forget_fields(known);
                return Err(fault);
            }
        };
        if self.resolved.iter().all(|field| *field == TIME_FIELD) {
            return Err(PointFault::OnlyFieldNamedTime(self.name.clone()));
        }
        self.cut_if_sparse(fields.len());
        let series_index = self.series_index(series);
        let row = self.part.times_ns.len() as u32;
        self.part.series_index.push(series_index);
        self.part.times_ns.push(time_ns);
        for (field, index) in fields.iter().zip(&self.resolved) {
            if *index == TIME_FIELD {
                continue;
            }
            let column = &mut self.fields[*index as usize].column;
            if column.is_empty() {
                self.part.fields.push(*index);
            }
            if let Value::String(text) = field.value {
                self.part.string_bytes += text.len();
            }
            column.set(row, field.value);
        }
        self.part.value_count += fields.len();
        std::mem::swap(&mut self.expected, &mut self.resolved);
        Ok(stripped)
    }

    /// Finds the field of each of `fields` and checks its value. New ones are added.
    fn resolve(&mut self, fields: &[Field<'_>], string_bytes_max: usize) -> Result<bool, PointFault> {
        let mut stripped = false;
        self.resolved.clear();
        for (position, field) in fields.iter().enumerate() {
            let index = match self.expected.get(position) {
                Some(index) if *index != TIME_FIELD && *self.fields[*index as usize].plain == *field.key => {
                    *index
                }
                _ => self.find(field)?,
            };
            self.resolved.push(index);
            if index == TIME_FIELD {
                stripped = true;
                continue;
            }
            let existing = self.fields[index as usize].column.field_type();
            let written = field.value.field_type();
            if existing != written {
                return Err(self.conflict(field, written, existing));
            }
            if let Value::String(text) = field.value
                && text.len() > string_bytes_max
            {
                self.check_string(field, text, string_bytes_max)?;
            }
        }
        Ok(stripped)
    }

    fn find(&mut self, field: &Field<'_>) -> Result<u32, PointFault> {
        let name = field.name();
        if name == TIME_COLUMN {
            return Ok(TIME_FIELD);
        }
        if let Some(index) = self.field_by_name.get(name.as_ref()) {
            return Ok(*index);
        }
        let written = field.value.field_type();
        let known = self.schema.as_ref().and_then(|s| s.field(&name)).and_then(|column| column.field_type());
        match known {
            Some(existing) if existing != written => Err(self.conflict(field, written, existing)),
            _ => Ok(self.add_field(&name, Column::new(written))),
        }
    }

    fn add_field(&mut self, name: &str, column: Column) -> u32 {
        let index = self.fields.len() as u32;
        let name: Arc<str> = name.into();
        self.field_by_name.insert(name.clone(), index);
        let plain = if name.contains('\\') { "".into() } else { name.clone() };
        self.fields.push(FieldState { name, plain, column });
        index
    }

    /// Takes back fields that a refused point has added: it must not fix their types.
    fn forget_fields(&mut self, known: usize) {
        for field in self.fields.drain(known..) {
            self.field_by_name.remove(&field.name);
        }
    }

    #[cold]
    fn conflict(&self, field: &Field<'_>, written: FieldType, existing: FieldType) -> PointFault {
        let field = field.name().as_ref().into();
        PointFault::FieldTypeConflict { measurement: self.name.clone(), field, written, existing }
    }

    #[cold]
    fn check_string(&self, field: &Field<'_>, text: &str, bytes_max: usize) -> Result<(), PointFault> {
        let bytes = Value::unescape_string(text).len();
        if bytes <= bytes_max {
            return Ok(());
        }
        let field = field.name().as_ref().into();
        Err(PointFault::StringTooLong { measurement: self.name.clone(), field, bytes, bytes_max })
    }

    #[inline]
    fn series_index(&mut self, series: u32) -> u32 {
        let part = self.finished.len();
        let series = &mut self.series[series as usize];
        if series.part != part {
            series.part = part;
            series.index = self.part.series.len() as u32;
            self.part.series.push(series.key.clone());
        }
        series.index
    }

    #[inline]
    fn cut_if_sparse(&mut self, value_count: usize) {
        let cells = (self.part.times_ns.len() + 1) * (self.part.fields.len() + 1);
        let values = self.part.value_count + value_count;
        let sparse = cells > SPARSE_CELLS_MIN && cells > values * CELLS_PER_VALUE_MAX;
        if (sparse && !self.part.times_ns.is_empty()) || self.part.string_bytes > PART_STRING_BYTES_MAX {
            self.cut();
        }
    }

    fn cut(&mut self) {
        let part = std::mem::take(&mut self.part);
        let row_count = part.times_ns.len();
        let column = |index: &u32| {
            let FieldState { name, column, .. } = &mut self.fields[*index as usize];
            FieldColumn { name: name.clone(), values: column.finish(row_count) }
        };
        self.finished.push(TableRows {
            table: self.name.clone(),
            series: part.series,
            series_index: part.series_index,
            times_ns: part.times_ns,
            fields: part.fields.iter().map(column).collect(),
        });
    }

    /// The rows, in the order added, in as few parts as can be.
    pub(super) fn finish(mut self) -> Vec<TableRows> {
        if !self.part.times_ns.is_empty() {
            self.cut();
        }
        self.finished
    }
}

/// In place of the index of a field: the field is called `time` and not stored.
const TIME_FIELD: u32 = u32::MAX;

/// Whether one of `tags`, which are sorted, is called `time`: no point may bear it.
pub(super) fn has_time_tag(tags: &[(Cow<'_, str>, Cow<'_, str>)]) -> bool {
    tags.binary_search_by(|(key, _)| key.as_ref().cmp(TIME_COLUMN)).is_ok()
}
