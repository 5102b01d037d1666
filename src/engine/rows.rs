//! Rows that are columnar already, judged by the rules for points of line protocol.
//!
//! ```text
//! rows of tables ─ too old, outside the write window, a tag called `time`, a field of another type, a string too long ─▶ the rows that stay, and why others do not
//! ```

use crate::line_protocol::{Converted, OutsideWindow, PointFault, Reason, Rejection, WriteWindow};
use crate::model::batch::{FieldColumn, TableRows};
use crate::model::schema::{TIME_COLUMN, TableSchema};
use crate::model::series_key;
use arrow::array::{Array, AsArray, BooleanArray};
use arrow::compute::filter;
use arrow::error::ArrowError;
use std::sync::Arc;

/// Rejections that are kept for their texts; further ones are counted.
const REJECTIONS_MAX: usize = 1_000;

/// What rows are judged by besides their table's schema.
#[derive(Clone, Copy, Debug)]
pub(super) struct RowLimits {
    /// Rows before this time are refused; `None` = the policy keeps all.
    pub(super) oldest_ns: Option<i64>,
    /// The times that the policy takes.
    pub(super) window: WriteWindow,
    /// Longest string in bytes.
    pub(super) string_bytes_max: usize,
}

/// The rows that can be stored, without those that have no field. `schema_of` tells the schema of a table that exists.
pub(super) fn judge(
    tables: &[TableRows],
    limits: RowLimits,
    schema_of: impl Fn(&str) -> Option<Arc<TableSchema>>,
) -> Result<Converted, ArrowError> {
    let mut out = Converted::default();
    for rows in tables {
        let judgement = Judgement::new(rows, schema_of(&rows.table).as_deref(), limits);
        for (row, fault) in judgement.faults.into_iter().enumerate() {
            let Some(fault) = fault else { continue };
            if fault == PointFault::OutsideWriteWindow {
                let series = series_text(rows, row);
                OutsideWindow::add(&mut out.outside_window, limits.window, &series, rows.times_ns[row]);
            }
            out.points_dropped += 1;
            if out.rejections.len() < REJECTIONS_MAX {
                let reason = Reason::Point(fault);
                out.rejections.push(Rejection { line_number: 0, bytes: 0..0, line: "".into(), reason });
            } else {
                out.rejections_omitted += 1;
            }
        }
        if let Some(rows) = with_rows(rows, &judgement.kept)? {
            out.points_accepted += rows.row_count();
            out.tables.push(rows);
        }
    }
    Ok(out)
}

struct Judgement {
    /// Per row.
    kept: Vec<bool>,
    /// Per row why it is refused; empty while none is.
    faults: Vec<Option<PointFault>>,
}

impl Judgement {
    fn new(rows: &TableRows, schema: Option<&TableSchema>, limits: RowLimits) -> Self {
        let mut judgement = Self { kept: vec![false; rows.row_count()], faults: Vec::new() };
        for field in stored_fields(rows) {
            for (row, kept) in judgement.kept.iter_mut().enumerate() {
                *kept |= field.values.is_valid(row);
            }
        }
        if let Some(oldest_ns) = limits.oldest_ns {
            judgement.refuse(|row| rows.times_ns[row] < oldest_ns, |_| PointFault::BeyondRetention);
        }
        judgement
            .refuse(|row| !limits.window.contains(rows.times_ns[row]), |_| PointFault::OutsideWriteWindow);
        let has_time_tag = |key: &Arc<str>| series_key::tag_value(key, TIME_COLUMN).is_some();
        if rows.series.iter().any(has_time_tag) {
            judgement.refuse(
                |row| has_time_tag(&rows.series[rows.series_index[row] as usize]),
                |_| PointFault::TagNamedTime(rows.table.clone()),
            );
        }
        for field in stored_fields(rows) {
            judgement.field(rows, field, schema, limits.string_bytes_max);
        }
        judgement
    }

    fn field(
        &mut self,
        rows: &TableRows,
        field: &FieldColumn,
        schema: Option<&TableSchema>,
        string_bytes_max: usize,
    ) {
        let known =
            schema.and_then(|schema| schema.field(&field.name)).and_then(|column| column.field_type());
        let (measurement, name): (_, Box<str>) = (&rows.table, field.name.as_ref().into());
        if let Some(existing) = known.filter(|existing| *existing != field.field_type()) {
            self.refuse(
                |row| field.values.is_valid(row),
                |_| PointFault::FieldTypeConflict {
                    measurement: measurement.clone(),
                    field: name.clone(),
                    written: field.field_type(),
                    existing,
                },
            );
        } else if let Some(texts) = field.values.as_string_opt::<i32>() {
            self.refuse(
                |row| texts.is_valid(row) && texts.value(row).len() > string_bytes_max,
                |row| PointFault::StringTooLong {
                    measurement: measurement.clone(),
                    field: name.clone(),
                    bytes: texts.value(row).len(),
                    bytes_max: string_bytes_max,
                },
            );
        }
    }

    /// Refuses the rows that `is_bad`, unless they are out already.
    fn refuse(&mut self, is_bad: impl Fn(usize) -> bool, fault: impl Fn(usize) -> PointFault) {
        for row in 0..self.kept.len() {
            if self.kept[row] && is_bad(row) {
                self.kept[row] = false;
                if self.faults.is_empty() {
                    self.faults.resize_with(self.kept.len(), || None);
                }
                self.faults[row] = Some(fault(row));
            }
        }
    }
}

/// Measurement and tags of a row, as a text names them.
fn series_text(rows: &TableRows, row: usize) -> String {
    let tags = series_key::decode(&rows.series[rows.series_index[row] as usize]);
    tags.fold(rows.table.to_string(), |text, (key, value)| format!("{text},{key}={value}"))
}

/// A field called `time` is not stored.
fn stored_fields(rows: &TableRows) -> impl Iterator<Item = &FieldColumn> {
    rows.fields.iter().filter(|field| *field.name != *TIME_COLUMN)
}

/// Only the rows that are kept, with the series and fields that they have; `None` when there are none.
fn with_rows(rows: &TableRows, kept: &[bool]) -> Result<Option<TableRows>, ArrowError> {
    let mask = BooleanArray::from(kept.to_vec());
    let (mut series, mut numbers) = (Vec::new(), vec![None; rows.series.len()]);
    let (mut series_index, mut times_ns) = (Vec::new(), Vec::new());
    for row in (0..rows.row_count()).filter(|row| kept[*row]) {
        let old = rows.series_index[row] as usize;
        let number = *numbers[old].get_or_insert_with(|| {
            series.push(rows.series[old].clone());
            series.len() as u32 - 1
        });
        series_index.push(number);
        times_ns.push(rows.times_ns[row]);
    }
    if times_ns.is_empty() {
        return Ok(None);
    }
    let mut fields = Vec::new();
    for field in stored_fields(rows) {
        let values = filter(&field.values, &mask)?;
        if values.null_count() < values.len() {
            fields.push(FieldColumn { name: field.name.clone(), values });
        }
    }
    Ok(Some(TableRows { table: rows.table.clone(), series, series_index, times_ns, fields }))
}
