//! What InfluxDB 1.6.7 answered and stored, recorded by `testdata/line_protocol/record.py`.

use super::{NOW_NS, Point, Schemas, convert, points, schemas_of};
use crate::line_protocol::{Converted, PointFault, Precision, Reason, Rejection};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// What the recording writes for the longest of names.
const LONG: &str = "{LONG}";
const LONG_BYTES: usize = 65_530;

#[derive(Deserialize)]
struct Case {
    before: Option<String>,
    body: String,
    precision: Option<String>,
    error: Option<String>,
    points: Vec<RecordedPoint>,
}

#[derive(Deserialize)]
struct RecordedPoint {
    measurement: String,
    tags: BTreeMap<String, String>,
    time: Option<i64>,
    fields: BTreeMap<String, (String, Value)>,
}

/// Bodies that we read differently on purpose, with our answer; see the module's documentation.
const DELIBERATE: &[(&str, &str)] = &[
    // Unsigned integers.
    ("m f=1u 1", ""),
    ("m f=18446744073709551615u 1", ""),
    // Garbage after the closing quote; 1.x stores `a"`.
    ("m f=\"a\"\r\n", "unable to parse 'm f=\"a\"\r': invalid field format"),
    // 1.x stores a point here that no query finds.
    (r"m\\,t=v f=1 1", ""),
    (r"m\\ x f=1 1", ""),
    // Where the field is new 1.x refuses the whole body; we refuse the point.
    (
        "m f=1,f=\"x\" 1",
        "partial write: field type conflict: input field \"f\" on measurement \"m\" is type string, \
         already exists as type float dropped=1",
    ),
    (
        "m f=1,f=2i 1",
        "partial write: field type conflict: input field \"f\" on measurement \"m\" is type integer, \
         already exists as type float dropped=1",
    ),
    (
        "m f=1 1\nm f=2i 2",
        "partial write: field type conflict: input field \"f\" on measurement \"m\" is type integer, \
         already exists as type float dropped=1",
    ),
    (
        "m f=1i 1\nm f=2 2\nm f=3i 3",
        "partial write: field type conflict: input field \"f\" on measurement \"m\" is type float, \
         already exists as type integer dropped=1",
    ),
    (
        "m f=1 1\nm f=\"x\" 2\nm f=t 3\nm g=1,f=3i 4",
        "partial write: field type conflict: input field \"f\" on measurement \"m\" is type string, \
         already exists as type float dropped=3",
    ),
    (
        "m f=1 1\nm f=t 2\nn f=t 3",
        "partial write: field type conflict: input field \"f\" on measurement \"m\" is type boolean, \
         already exists as type float dropped=1",
    ),
    (
        "m f=1,g=2 1\nm f=1i,g=3 1\nm g=4,h=5 1",
        "partial write: field type conflict: input field \"f\" on measurement \"m\" is type integer, \
         already exists as type float dropped=1",
    ),
];

/// The error that 1.x makes of what was refused: points before lines, of the points the first, tags first.
fn answer(converted: &Converted) -> String {
    let dropped: Vec<_> = converted.rejections.iter().filter(|r| r.counts_as_dropped()).collect();
    let is_tag = |r: &&&Rejection| matches!(r.reason, Reason::Point(PointFault::TagNamedTime(_)));
    if let Some(first) = dropped.iter().find(is_tag).or(dropped.first()) {
        return format!("partial write: {} dropped={}", first.text(), dropped.len());
    }
    let lines: Vec<_> = converted.rejections.iter().filter(|r| !r.is_stored()).map(Rejection::text).collect();
    match (lines.is_empty(), converted.points_accepted) {
        (true, _) => String::new(),
        (false, 0) => lines.join("\n"),
        (false, _) => format!("partial write: {} dropped=0", lines.join("\n")),
    }
}

fn expected_points(case: &Case) -> Vec<Point> {
    let mut points: Vec<_> = case
        .points
        .iter()
        .map(|p| Point {
            table: p.measurement.replace(LONG, &"x".repeat(LONG_BYTES)),
            tags: p.tags.clone(),
            time_ns: p.time.unwrap_or(NOW_NS),
            fields: p
                .fields
                .iter()
                .map(|(name, (kind, value))| {
                    (name.replace(LONG, &"x".repeat(LONG_BYTES)), print(kind, value))
                })
                .collect(),
        })
        .collect();
    points.sort_by(|a, b| a.partial_cmp(b).unwrap());
    points
}

fn print(kind: &str, value: &Value) -> String {
    match (kind, value) {
        ("float", value) => format!("{:?}", value.as_f64().unwrap()),
        ("integer", value) => format!("{value}i"),
        ("string", Value::String(text)) => format!("{text:?}"),
        (_, value) => value.to_string(),
    }
}

#[test]
fn influxdb_1_6_7_says_the_same() {
    let recording = std::fs::read_to_string("testdata/line_protocol/influxdb-1.6.7.json").unwrap();
    let cases: Vec<Case> = serde_json::from_str(&recording).unwrap();
    assert!(cases.len() > 300);
    let mut deliberate = 0;
    for case in cases {
        let long = |text: &str| text.replace(LONG, &"x".repeat(LONG_BYTES));
        // The server refuses precisions that 1.6.7 reads as nanoseconds.
        let precision = case.precision.as_deref().unwrap_or_default();
        let Some(precision) = Precision::from_v1(precision).filter(|_| precision != "µ") else { continue };
        let before = case.before.as_deref().unwrap_or_default();
        let schemas = schemas_of(before);
        let converted = convert(long(&case.body).as_bytes(), precision, &schemas);
        let error = answer(&converted);
        if let Some((_, ours)) = DELIBERATE.iter().find(|(body, _)| *body == case.body) {
            assert_eq!(error, *ours, "{:?}", case.body);
            deliberate += 1;
            continue;
        }
        assert_eq!(error, long(case.error.as_deref().unwrap_or_default()), "{:?}", case.body);
        let mut tables = convert(before.as_bytes(), Precision::Nanosecond, &Schemas::new()).tables;
        tables.extend(converted.tables);
        assert_eq!(points(&tables), expected_points(&case), "{:?}", case.body);
    }
    assert_eq!(deliberate, DELIBERATE.len());
}
