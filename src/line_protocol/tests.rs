//! Tests of line protocol: against a recorded InfluxDB 1.6.7, against another parser, and against itself.

mod columns;
mod properties;
mod recorded;

use super::{Converted, Precision, Rejection, WriteOptions, to_batches};
use crate::model::batch::TableRows;
use crate::model::schema::{ColumnKind, TableSchema};
use crate::model::series_key;
use crate::model::value::FieldType;
use arrow::array::{Array, AsArray};
use arrow::datatypes::{Float64Type, Int64Type, UInt64Type};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

/// The time of points without timestamp in these tests.
const NOW_NS: i64 = 1_500_000_000_123_456_789;

type Schemas = BTreeMap<String, Arc<TableSchema>>;

fn convert(body: &[u8], precision: Precision, schemas: &Schemas) -> Converted {
    to_batches(body, &WriteOptions::new(precision, NOW_NS), |table| schemas.get(table).cloned())
}

/// The schemas that the points of `body` make.
fn schemas_of(body: &str) -> Schemas {
    let mut schemas = Schemas::new();
    for table in convert(body.as_bytes(), Precision::Nanosecond, &Schemas::new()).tables {
        let schema = schemas.entry(table.table.to_string()).or_default();
        let columns = table.fields.iter().map(|f| (f.name.as_ref(), ColumnKind::Field(f.field_type())));
        if let Some(next) = schema.with_columns(columns).unwrap() {
            *schema = Arc::new(next);
        }
    }
    schemas
}

fn texts(converted: &Converted) -> Vec<String> {
    converted.rejections.iter().map(Rejection::text).collect()
}

/// Rows as text, one a line, in the order stored: `table,tag=value field=value,… time`, nothing escaped.
fn check_lp(body: &str, rows: &str, rejections: &[&str]) {
    let converted = convert(body.as_bytes(), Precision::Nanosecond, &Schemas::new());
    let mut got = String::new();
    for table in &converted.tables {
        for row in 0..table.row_count() {
            let point = point(table, row);
            let tags: String = point.tags.iter().map(|(k, v)| format!(",{k}={v}")).collect();
            let fields: Vec<_> = point.fields.iter().map(|(k, v)| format!("{k}={v}")).collect();
            writeln!(got, "{}{tags} {} {}", point.table, fields.join(","), point.time_ns).unwrap();
        }
    }
    assert_eq!(got.trim_end(), rows, "{body}");
    assert_eq!(texts(&converted), rejections, "{body}");
}

/// A point as it was stored. Values print as line protocol writes them, strings in Rust's quotes.
#[derive(Clone, Debug, PartialEq, PartialOrd)]
struct Point {
    table: String,
    tags: BTreeMap<String, String>,
    time_ns: i64,
    fields: BTreeMap<String, String>,
}

fn point(table: &TableRows, row: usize) -> Point {
    let key = &table.series[table.series_index[row] as usize];
    let fields = table.fields.iter().filter(|f| f.values.is_valid(row)).map(|f| {
        let value = match f.field_type() {
            FieldType::Float => format!("{:?}", f.values.as_primitive::<Float64Type>().value(row)),
            FieldType::Integer => format!("{}i", f.values.as_primitive::<Int64Type>().value(row)),
            FieldType::Unsigned => format!("{}u", f.values.as_primitive::<UInt64Type>().value(row)),
            FieldType::Boolean => f.values.as_boolean().value(row).to_string(),
            FieldType::String => format!("{:?}", f.values.as_string::<i32>().value(row)),
        };
        (f.name.to_string(), value)
    });
    Point {
        table: table.table.to_string(),
        tags: series_key::decode(key).map(|(k, v)| (k.into_owned(), v.into_owned())).collect(),
        time_ns: table.times_ns[row],
        fields: fields.collect(),
    }
}

/// All points, merged field by field as storing them would.
fn points(tables: &[TableRows]) -> Vec<Point> {
    let mut merged: BTreeMap<_, BTreeMap<String, String>> = BTreeMap::new();
    for table in tables {
        for row in 0..table.row_count() {
            let Point { table, tags, time_ns, fields } = point(table, row);
            merged.entry((table, tags, time_ns)).or_default().extend(fields);
        }
    }
    merged
        .into_iter()
        .map(|((table, tags, time_ns), fields)| Point { table, tags, time_ns, fields })
        .collect()
}

#[test]
fn precisions() {
    use Precision::{Hour, Microsecond, Millisecond, Minute, Nanosecond, Second};
    for (text, v1, v2) in [
        ("", Some(Nanosecond), Some(Nanosecond)),
        ("n", Some(Nanosecond), None),
        ("ns", Some(Nanosecond), Some(Nanosecond)),
        ("u", Some(Microsecond), None),
        ("µ", Some(Microsecond), None),
        ("us", None, Some(Microsecond)),
        ("ms", Some(Millisecond), Some(Millisecond)),
        ("s", Some(Second), Some(Second)),
        ("m", Some(Minute), None),
        ("h", Some(Hour), None),
        ("x", None, None),
        ("S", None, None),
    ] {
        assert_eq!((Precision::from_v1(text), Precision::from_v2(text)), (v1, v2), "{text}");
    }
    for (precision, truncated) in [
        (Nanosecond, 1_500_000_000_123_456_789),
        (Microsecond, 1_500_000_000_123_456_000),
        (Millisecond, 1_500_000_000_123_000_000),
        (Second, 1_500_000_000_000_000_000),
        (Minute, 1_500_000_000_000_000_000),
        (Hour, 1_499_997_600_000_000_000),
    ] {
        assert_eq!(convert(b"m f=1", precision, &Schemas::new()).tables[0].times_ns, [truncated]);
    }
    assert_eq!(Second.truncate_ns(-1), -1_000_000_000);
    assert_eq!(Hour.truncate_ns(i64::MIN), i64::MIN);
}
