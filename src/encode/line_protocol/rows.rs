//! The rows of a write as lines: series keys become tags.

use super::{Values, escape, push_fields};
use crate::model::batch::TableRows;
use crate::model::series_key;
use arrow::error::ArrowError;

/// Writes rows of one table, as they were accepted.
#[derive(Clone, Debug)]
pub struct RowLines<'a> {
    rows: &'a TableRows,
    /// By field, its key, escaped, with the `=` behind it.
    fields: Vec<(Vec<u8>, Values)>,
    /// Measurement and tags of a series, escaped: neighbours often share them.
    head: Vec<u8>,
    head_series: Option<u32>,
    values_left_out: u64,
}

impl<'a> RowLines<'a> {
    /// A writer of these rows.
    ///
    /// # Errors
    /// When a column has a type that no field can have.
    pub fn new(rows: &'a TableRows) -> Result<Self, ArrowError> {
        let fields = rows.fields.iter().map(|field| {
            let mut key = Vec::new();
            escape::field_key(&field.name, &mut key);
            key.push(b'=');
            Ok((key, Values::of(&field.values)?))
        });
        let fields = fields.collect::<Result<_, ArrowError>>()?;
        Ok(Self { rows, fields, head: Vec::new(), head_series: None, values_left_out: 0 })
    }

    /// Number of rows.
    #[must_use]
    pub fn row_count(&self) -> usize {
        self.rows.row_count()
    }

    /// Values of the rows so far that line protocol has no form for.
    #[must_use]
    pub fn values_left_out(&self) -> u64 {
        self.values_left_out
    }

    /// Appends the line of a row, without an end of the line. Whether there is one: a row without any value that line protocol has
    /// a form for has none.
    pub fn push(&mut self, row: usize, out: &mut Vec<u8>) -> bool {
        let (Some(series), Some(time_ns)) = (self.rows.series_index.get(row), self.rows.times_ns.get(row))
        else {
            return false;
        };
        if self.head_series != Some(*series) {
            self.head_series = Some(*series);
            self.head.clear();
            escape::measurement(&self.rows.table, &mut self.head);
            let key = self.rows.series.get(*series as usize).map_or("", |key| key);
            for (key, value) in series_key::decode(key) {
                self.head.push(b',');
                escape::tag(&key, &mut self.head);
                self.head.push(b'=');
                escape::tag(&value, &mut self.head);
            }
        }
        let start = out.len();
        out.extend_from_slice(&self.head);
        let keyed = self.fields.iter().map(|(key, values)| (&**key, values));
        let has_values = push_fields(keyed, row, out, &mut self.values_left_out);
        if has_values {
            out.push(b' ');
            out.extend_from_slice(itoa::Buffer::new().format(*time_ns).as_bytes());
        } else {
            out.truncate(start);
        }
        has_values
    }
}
