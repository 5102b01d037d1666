//! Batches as line protocol, a point a line, and what is refused of them.

use super::model::Batch;
use super::points::{Kind, Value};
use super::reader::DATABASE;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use tidegauge::engine::{WriteOutcome, WriteRequest};
use tidegauge::line_protocol::{PointFault, Precision, Reason};

/// A batch as line protocol. Every other line has its tags in another order.
pub(super) fn request(batch: &Batch) -> WriteRequest {
    let mut body = String::new();
    for (line, point) in batch.points.iter().enumerate() {
        body += point.measurement;
        let mut tags: Vec<_> = point.series.tags().collect();
        if line % 2 == 1 {
            tags.reverse();
        }
        for (tag, value) in tags {
            write!(body, ",{tag}={}", escaped(value)).expect("a string");
        }
        let fields: Vec<String> =
            point.fields.iter().map(|(name, value)| format!("{name}={}", literal(value))).collect();
        writeln!(body, " {} {}", fields.join(","), point.time_ns).expect("a string");
    }
    WriteRequest {
        database: DATABASE.into(),
        policy: Some(batch.policy.name().into()),
        precision: Precision::Nanosecond,
        body: body.into(),
    }
}

fn escaped(tag_value: &str) -> String {
    tag_value.replace(',', "\\,").replace('=', "\\=").replace(' ', "\\ ")
}

fn literal(value: &Value) -> String {
    match value {
        Value::Float(value) => format!("{value:?}"),
        Value::Integer(value) => format!("{value}i"),
        Value::Unsigned(value) => format!("{value}u"),
        Value::Text(value) => format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"")),
        Value::Boolean(value) => value.to_string(),
    }
}

/// Why a point is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Its policy no longer keeps it.
    TooOld,
    /// A field of it has another type.
    TypeConflict { field: String, written: Kind, existing: Kind },
}

/// What was refused of a batch, by the number of the point.
pub(super) fn refusals(outcome: &WriteOutcome) -> BTreeMap<usize, Refusal> {
    let mut refusals = BTreeMap::new();
    for rejection in &outcome.rejections {
        let refusal = match &rejection.reason {
            Reason::Point(PointFault::BeyondRetention) => Refusal::TooOld,
            Reason::Point(PointFault::FieldTypeConflict { field, written, existing, .. }) => {
                Refusal::TypeConflict {
                    field: field.to_string(),
                    written: Kind::named(written.name()),
                    existing: Kind::named(existing.name()),
                }
            }
            other => panic!("a point is refused for no reason: {other:?}"),
        };
        let doubled = refusals.insert(rejection.line_number - 1, refusal);
        assert!(doubled.is_none(), "a point is refused once");
    }
    assert_eq!(outcome.rejections_omitted, 0, "so few are told");
    assert_eq!(outcome.points_dropped, refusals.len(), "all that is refused counts as dropped");
    refusals
}
