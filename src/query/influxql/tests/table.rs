//! Rows as the scenarios write them.

use super::run::Options;
use crate::model::result::ResultShape;
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float64Type, Int64Type, TimestampNanosecondType, UInt64Type};
use std::fmt::Write as _;

/// Rows as the scenarios write them.
pub(super) fn table(shape: &ResultShape, batches: &[RecordBatch], options: &Options<'_>) -> String {
    let mut out = String::new();
    let mut before: Option<Vec<String>> = None;
    for batch in batches {
        for (i, field) in shape.schema.fields().iter().enumerate() {
            assert_eq!(batch.column(i).data_type(), field.data_type(), "type of column {}", field.name());
        }
        for row in 0..batch.num_rows() {
            let text = |column: usize| match batch.column(column) {
                array if array.is_null(row) => String::new(),
                array => array.as_string_view().value(row).to_owned(),
            };
            let series: Vec<String> = std::iter::once(text(shape.name))
                .chain(shape.group_tags.iter().map(|(_, c)| text(*c)))
                .collect();
            if before.as_ref() != Some(&series) {
                if !series[0].is_empty() {
                    let _ = writeln!(out, "name: {}", quoted(&series[0]));
                }
                if !shape.group_tags.is_empty() {
                    let tags = shape.group_tags.iter().zip(&series[1..]);
                    let tags: Vec<_> =
                        tags.map(|((k, _), v)| format!("{}={}", quoted(k), quoted(v))).collect();
                    let _ = writeln!(out, "tags: {}", tags.join(", "));
                }
                let names: Vec<_> = shape.columns.iter().map(|(name, _)| quoted(name)).collect();
                let _ = writeln!(out, "{}", names.join(" "));
                before = Some(series);
            }
            let cells: Vec<_> = shape
                .columns
                .iter()
                .map(|(_, c)| cell(batch.column(*c).as_ref(), row, shape, options))
                .collect();
            let _ = writeln!(out, "{}", cells.join(" "));
        }
    }
    out
}

fn cell(array: &dyn Array, row: usize, shape: &ResultShape, options: &Options<'_>) -> String {
    if array.is_null(row) {
        return "null".into();
    }
    match array.data_type() {
        DataType::Timestamp(..) => {
            let time = array.as_primitive::<TimestampNanosecondType>().value(row);
            match options.epoch {
                Some("s") => (time / 1_000_000_000).to_string(),
                Some("ms") => (time / 1_000_000).to_string(),
                Some(_) => time.to_string(),
                None => {
                    let zone = shape.time_zone.unwrap_or(chrono_tz::Tz::UTC);
                    let time = chrono::DateTime::from_timestamp_nanos(time).with_timezone(&zone);
                    time.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
                }
            }
        }
        DataType::Float64 => {
            let value = array.as_primitive::<Float64Type>().value(row);
            match value.abs() {
                none if none.is_nan() => "null".into(),
                large if large >= 1e21 => format!("{value:e}").replace('e', "e+"),
                small if small != 0.0 && small < 1e-6 => format!("{value:e}"),
                _ => value.to_string(),
            }
        }
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::UInt64 => array.as_primitive::<UInt64Type>().value(row).to_string(),
        DataType::Boolean => array.as_boolean().value(row).to_string(),
        DataType::Utf8 => quoted(array.as_string::<i32>().value(row)),
        DataType::Utf8View => quoted(array.as_string_view().value(row)),
        DataType::Null => "null".into(),
        other => panic!("a result of type {other}"),
    }
}

fn quoted(text: &str) -> String {
    let is_usual = |c: char| c.is_alphanumeric() || "_.:/+-,=%".contains(c);
    let begins_as_word = text.starts_with(|c: char| c.is_alphabetic() || c == '_');
    let is_bare = text.chars().all(is_usual) && begins_as_word && !matches!(text, "null" | "true" | "false");
    if is_bare { text.to_owned() } else { serde_json::to_string(text).expect("text is JSON") }
}
