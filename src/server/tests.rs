//! Tests of what needs no engine: errors and headers.

use super::error::{ErrorForm, HttpError, partial_write};
use super::headers::header_text;
use crate::catalog::WriteTargetError;
use crate::engine::{WriteError, WriteOutcome};
use crate::line_protocol::{LineFault, PointFault, Reason, Rejection};
use crate::model::value::FieldType;
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::response::Response;
use http_body_util::BodyExt;
use std::time::Duration;

async fn text_of(response: Response) -> String {
    let body = response.into_body().collect().await.expect("a body in memory").to_bytes();
    String::from_utf8(body.to_vec()).expect("UTF-8")
}

fn line(line: &str, fault: LineFault) -> Rejection {
    Rejection { line_number: 1, bytes: 0..line.len(), line: line.into(), reason: Reason::Line(fault) }
}

fn conflict() -> Rejection {
    let fault = PointFault::FieldTypeConflict {
        measurement: "m".into(),
        field: "f".into(),
        written: FieldType::Integer,
        existing: FieldType::Float,
    };
    Rejection { line_number: 1, bytes: 0..1, line: "m f=2i".into(), reason: Reason::Point(fault) }
}

fn check_partial(
    points_written: usize,
    points_dropped: usize,
    rejections: Vec<Rejection>,
    expected: Option<&str>,
) {
    let lines_refused = rejections.iter().filter(|it| matches!(it.reason, Reason::Line(_))).count();
    let outcome =
        WriteOutcome { points_written, points_dropped, lines_refused, rejections, ..WriteOutcome::default() };
    let error = partial_write(&outcome);
    assert_eq!(error.as_ref().map(HttpError::status_and_text), expected.map(|text| (400, text)));
}

/// As the scenarios of `write/partial` and `write/syntax` record InfluxDB 1.6.7.
#[test]
fn refused_lines_and_points_read_as_in_1x() {
    let bad = || line("bad", LineFault::MissingFields);
    let number = || line("m f=61x 61", LineFault::InvalidNumber);
    let conflict_text = "partial write: field type conflict: input field \"f\" on measurement \"m\" is type integer, \
                         already exists as type float dropped=";
    check_partial(3, 0, vec![], None);
    check_partial(0, 0, vec![bad()], Some("unable to parse 'bad': missing fields"));
    check_partial(
        0,
        0,
        vec![bad(), number()],
        Some("unable to parse 'bad': missing fields\nunable to parse 'm f=61x 61': invalid number"),
    );
    check_partial(
        2,
        0,
        vec![bad(), number()],
        Some(
            "partial write: unable to parse 'bad': missing fields\nunable to parse 'm f=61x 61': invalid number \
             dropped=0",
        ),
    );
    check_partial(0, 1, vec![conflict()], Some(&format!("{conflict_text}1")));
    check_partial(1, 2, vec![conflict(), conflict()], Some(&format!("{conflict_text}2")));
}

/// InfluxDB 1.6.7 names the point only; see the scenario `write/partial`.
#[test]
fn refused_lines_are_named_beside_refused_points() {
    let bad = || line("bad", LineFault::MissingFields);
    let conflict_text = conflict().text();
    let both = |dropped| {
        format!("partial write: {conflict_text}\nunable to parse 'bad': missing fields dropped={dropped}")
    };
    check_partial(1, 1, vec![bad(), conflict()], Some(&both(1)));
    check_partial(0, 2, vec![conflict(), bad(), conflict()], Some(&both(2)));
    // A point that was stored without a part of it is named, and not counted.
    let stripped = || Rejection {
        reason: Reason::Point(PointFault::TimeFieldStripped("m".into())),
        ..line("m time=1,f=1", LineFault::MissingFields)
    };
    let text =
        format!("partial write: {}\nunable to parse 'bad': missing fields dropped=0", stripped().text());
    check_partial(1, 0, vec![bad(), stripped()], Some(&text));
    // What is not kept of the lines is counted, without the points.
    let outcome = WriteOutcome {
        points_dropped: 7,
        lines_refused: 4,
        rejections: vec![bad(), conflict()],
        rejections_omitted: 9,
        ..WriteOutcome::default()
    };
    let text = format!(
        "partial write: {conflict_text}\nunable to parse 'bad': missing fields\nand 3 more dropped=7"
    );
    assert_eq!(partial_write(&outcome).as_ref().map(HttpError::status_and_text), Some((400, &*text)));
}

#[tokio::test]
async fn write_errors_have_the_status_that_senders_need() {
    let database = |name: &str| WriteError::Target(WriteTargetError::DatabaseNotFound(name.into()));
    let policy = WriteError::Target(WriteTargetError::PolicyNotFound("norp".into()));
    for (error, status, text) in [
        (database("nodb"), 404, "database not found: \"nodb\""),
        (database("a\"b\n"), 404, "database not found: \"a\\\"b\\n\""),
        (policy, 500, "retention policy not found: norp"),
        (WriteError::Internal("x".into()), 500, "the write failed: x"),
        (WriteError::Closed("x".into()), 503, "the server takes no writes: x"),
    ] {
        assert_eq!(HttpError::from(error).status_and_text(), (status, text));
    }
    let overloaded = WriteError::Overloaded { retry_after: Duration::from_millis(1) };
    let response = HttpError::from(overloaded).into_response(ErrorForm::default());
    assert_eq!(response.status(), 503);
    assert_eq!(response.headers()[header::RETRY_AFTER], "1");
}

#[tokio::test]
async fn errors_come_in_the_format_of_the_request() {
    let mut headers = HeaderMap::new();
    let uri = Uri::from_static("/query?pretty=true");
    let error = || HttpError::bad_request("missing required parameter \"q\"");
    let response = error().into_response(ErrorForm::of(&headers, &uri));
    assert_eq!(response.headers()["x-influxdb-error"], "missing required parameter \"q\"");
    assert_eq!(text_of(response).await, "{\n    \"error\": \"missing required parameter \\\"q\\\"\"\n}\n");
    headers.insert(header::ACCEPT, HeaderValue::from_static("text/csv"));
    let response = error().into_response(ErrorForm::of(&headers, &uri));
    assert_eq!(response.headers()[header::CONTENT_TYPE], "text/csv");
    assert_eq!(text_of(response).await, "error\n\"missing required parameter \"\"q\"\"\"\n");
}

#[test]
fn header_texts_are_short_and_have_no_control_characters() {
    assert_eq!(header_text("a\nb\u{7f}c"), "a b c");
    assert_eq!(header_text(&"x".repeat(2_000)).len(), 1_024);
    assert_eq!(header_text(&"é".repeat(2_000)).len(), 1_024);
    assert_eq!(header_text(&format!("x{}", "é".repeat(2_000))).len(), 1_023);
}
