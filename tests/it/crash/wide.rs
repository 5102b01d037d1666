//! Rows with few of many fields, which some batches have beside their points.
//!
//! A row gets its fields from several lines, which do not stand together, and the lines of a batch have so many different fields that the
//! server cuts them into parts:
//!
//! ```text
//! crash_wide,writer=3 w0=6000.5 t     crash_wide,writer=3 w1=6001i t+1     … all rows, then again
//! crash_wide,writer=3 w9=…      t     …
//! ```

use super::ledger::first_time_ns;
use std::collections::BTreeMap;

pub(super) const WIDE_MEASUREMENT: &str = "crash_wide";

/// One in so many batches has wide rows.
const WIDE_EVERY: u64 = 4;

/// Different fields: more than the 128 rows of as many fields that one part has at most.
const FIELD_COUNT: u64 = 160;

/// Lines, and so fields, of a row.
const ROW_LINES: u64 = 3;

/// One row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct WideRow {
    pub(super) time_ns: i64,
    pub(super) writer: String,
    /// Values as JSON has them, by field.
    pub(super) values: BTreeMap<String, String>,
}

/// The wide rows of a batch of `size` points.
pub(super) fn wide_rows(writer: usize, batch: u64, size: u64) -> Vec<WideRow> {
    if !batch.is_multiple_of(WIDE_EVERY) {
        return Vec::new();
    }
    let row = |index| {
        let values = (0..ROW_LINES).map(|line| {
            let field = Field::new(batch, size, index, line);
            (field.name(), field.json())
        });
        let time_ns = first_time_ns(batch) + index as i64;
        WideRow { time_ns, writer: writer.to_string(), values: values.collect() }
    };
    (0..size).map(row).collect()
}

/// The same in line protocol.
pub(super) fn wide_lines(writer: usize, batch: u64, size: u64) -> String {
    if !batch.is_multiple_of(WIDE_EVERY) {
        return String::new();
    }
    let mut lines = String::new();
    for line in 0..ROW_LINES {
        for index in 0..size {
            let field = Field::new(batch, size, index, line);
            let (name, value) = (field.name(), field.literal());
            let time_ns = first_time_ns(batch) + index as i64;
            lines += &format!("{WIDE_MEASUREMENT},writer={writer} {name}={value} {time_ns}\n");
        }
    }
    lines
}

/// A field of a row. Its type follows from its name.
struct Field {
    number: u64,
    /// Another one for each value.
    value: u64,
}

impl Field {
    fn new(batch: u64, size: u64, index: u64, line: u64) -> Self {
        let place = line * size + index;
        // No two lines of a row have the same field.
        let number = (batch + index + line * (FIELD_COUNT / ROW_LINES)) % FIELD_COUNT;
        Self { number, value: batch * 1_000 + place }
    }

    fn name(&self) -> String {
        format!("w{}", self.number)
    }

    fn literal(&self) -> String {
        match self.number % 5 {
            1 => format!("{}i", self.value),
            2 => format!("{}u", self.value),
            _ => self.json(),
        }
    }

    fn json(&self) -> String {
        let value = self.value;
        match self.number % 5 {
            0 => format!("{value}.5"),
            1 | 2 => value.to_string(),
            3 => format!("\"text {value}\""),
            _ => value.is_multiple_of(2).to_string(),
        }
    }
}
