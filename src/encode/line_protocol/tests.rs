//! Rows as line protocol: what is written is read back as it was.

use super::{LineCount, LineEncoder, RowLines};
use crate::encode::described::{Kind, describe};
use crate::line_protocol::{Precision, WriteOptions, to_batches};
use crate::model::batch::{FieldColumn, TableRows};
use crate::model::series_key;
use arrow::array::{
    ArrayRef, AsArray, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray, StringViewArray,
    TimestampNanosecondArray, UInt64Array,
};
use arrow::datatypes::{Field, Schema};
use proptest::prelude::*;
use std::sync::Arc;

fn batch(columns: Vec<(&str, Kind, ArrayRef)>) -> RecordBatch {
    let field = |(at, (name, kind, values)): (usize, &(&str, Kind, ArrayRef))| {
        describe(&Field::new(format!("column {at}"), values.data_type().clone(), true), *kind, name)
    };
    let schema = Schema::new(columns.iter().enumerate().map(field).collect::<Vec<_>>());
    let values = columns.into_iter().map(|(_, _, values)| values).collect();
    RecordBatch::try_new(Arc::new(schema), values).unwrap()
}

fn times(times_ns: impl IntoIterator<Item = i64>) -> (&'static str, Kind, ArrayRef) {
    ("time", Kind::Time, Arc::new(TimestampNanosecondArray::from_iter_values(times_ns)))
}

fn encode(measurement: &str, batch: &RecordBatch) -> (String, LineCount) {
    let mut out = Vec::new();
    let count = LineEncoder::new(measurement, &batch.schema()).unwrap().encode(batch, &mut out).unwrap();
    (String::from_utf8(out).unwrap(), count)
}

#[test]
fn rows_become_lines() {
    let rows = batch(vec![
        times([10, -20, 30, 40]),
        ("host", Kind::Tag, Arc::new(StringViewArray::from(vec![Some("a b"), None, Some(""), Some("c")]))),
        ("f", Kind::Field, Arc::new(Float64Array::from(vec![Some(0.5), Some(f64::NAN), Some(1e300), None]))),
        ("i", Kind::Field, Arc::new(Int64Array::from(vec![Some(-1), None, None, None]))),
        ("u", Kind::Field, Arc::new(UInt64Array::from(vec![Some(u64::MAX), None, None, None]))),
        ("b", Kind::Field, Arc::new(BooleanArray::from(vec![Some(true), Some(false), None, None]))),
        ("host", Kind::Field, Arc::new(StringArray::from(vec![None, Some("say \"\\hi\"\n"), None, None]))),
    ]);
    let expected = "c\\ p\\,u,host=a\\ b f=0.5,i=-1i,u=18446744073709551615u,b=true 10\n\
                    c\\ p\\,u b=false,host=\"say \\\"\\\\hi\\\"\n\" -20\n\
                    c\\ p\\,u f=1e300 30\n";
    assert_eq!(encode("c p,u", &rows), (expected.to_owned(), LineCount { lines: 3, values_left_out: 1 }));
}

#[test]
fn a_table_without_a_time_is_refused() {
    let rows = batch(vec![("f", Kind::Field, Arc::new(Float64Array::from(vec![1.0])))]);
    assert!(LineEncoder::new("m", &rows.schema()).is_err());
}

#[test]
fn rows_of_a_write_become_the_lines_that_they_came_as() {
    let text = "a\\ b\\,c,k\\ 1=v\\=1,x=y f=0.5,g\\,h=-3i 10\n\
                a\\ b\\,c s=\"q\\\"\\\\\n\" -20\n\
                a\\ b\\,c,k\\ 1=v\\=1,x=y u=18446744073709551615u,b=true 30\n";
    let read = to_batches(text.as_bytes(), &WriteOptions::new(Precision::Nanosecond, 0), |_| None);
    assert!(read.rejections.is_empty(), "{:?}", read.rejections);
    let mut lines = RowLines::new(&read.tables[0]).unwrap();
    let mut out = Vec::new();
    for row in 0..lines.row_count() {
        assert!(lines.push(row, &mut out));
        out.push(b'\n');
    }
    assert_eq!(String::from_utf8(out).unwrap(), text);
    assert!(!lines.push(3, &mut Vec::new()), "there is no such row");
}

#[test]
fn a_row_without_a_number_has_no_line() {
    let rows = TableRows {
        table: "m".into(),
        series: vec!["".into()],
        series_index: vec![0, 0],
        times_ns: vec![1, 2],
        fields: vec![FieldColumn {
            name: "f".into(),
            values: Arc::new(Float64Array::from(vec![f64::NAN, 1e30])),
        }],
    };
    let (mut lines, mut out) = (RowLines::new(&rows).unwrap(), Vec::new());
    assert!(!lines.push(0, &mut out) && lines.push(1, &mut out));
    assert_eq!(lines.values_left_out(), 1);
    assert_eq!(out, b"m f=1e30 2");
}

/// Whether line protocol can say it: a backslash before a character that ends the part cannot be told from an escape.
fn is_sayable(name: &str, ends: &str) -> bool {
    !name.ends_with('\\') && !ends.chars().any(|end| name.contains(&format!("\\{end}")))
}

proptest! {
    #[test]
    fn what_is_written_reads_back(
        measurement in r#"[a,= "\\é]{1,6}"#,
        key in r#"[a,= "\\é]{1,6}"#,
        value in r#"[a,= "\\é]{1,6}"#,
        field in r#"[a,= "\\é]{1,6}"#,
        string in r#"[a,= "\\é\n]{0,6}"#,
        float in any::<f64>().prop_filter("finite", |f| f.is_finite()),
    ) {
        prop_assume!(is_sayable(&measurement, ", ") && is_sayable(&field, ",= "));
        prop_assume!(is_sayable(&key, ",= ") && is_sayable(&value, ",= "));
        let rows = batch(vec![
            times([7]),
            (&key, Kind::Tag, Arc::new(StringArray::from(vec![value.as_str()]))),
            (&field, Kind::Field, Arc::new(StringArray::from(vec![string.as_str()]))),
            ("float", Kind::Field, Arc::new(Float64Array::from(vec![float]))),
        ]);
        let (text, _) = encode(&measurement, &rows);
        let options = WriteOptions::new(Precision::Nanosecond, 0);
        let read = to_batches(text.as_bytes(), &options, |_| None);
        prop_assert!(read.rejections.is_empty(), "{text}: {:?}", read.rejections);
        let table = &read.tables[0];
        prop_assert_eq!(&*table.table, measurement.as_str(), "{}", text);
        let expected = series_key::encode([(key.as_str(), value.as_str())]);
        prop_assert_eq!(&*table.series[0], expected.as_str(), "{}", text);
        prop_assert_eq!(&table.times_ns[..], &[7]);
        for column in &table.fields {
            if let Some(strings) = column.values.as_string_opt::<i32>() {
                prop_assert_eq!(&*column.name, field.as_str(), "{}", text);
                prop_assert_eq!(strings.value(0), string.as_str(), "{}", text);
            } else {
                let floats = column.values.as_primitive::<arrow::datatypes::Float64Type>();
                prop_assert_eq!(floats.value(0).to_bits(), float.to_bits(), "{}", text);
            }
        }
    }
}
