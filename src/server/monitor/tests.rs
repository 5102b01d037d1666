//! Tests of how figures are shown.

use super::{RequestCounts, Section};
use axum::http::StatusCode;
use std::time::Duration;

#[test]
fn the_columns_of_a_section_are_sorted_behind_its_tags() {
    let section =
        Section::new("httpd").tag("bind", ":8086").with("req", 2_u64).with("authOn", false).with("a", "x");
    let (shape, batch) = section.rows().expect("a row");
    let columns: Vec<(&str, usize)> = shape.columns.iter().map(|(name, column)| (&**name, *column)).collect();
    assert_eq!(columns, [("a", 2), ("authOn", 3), ("req", 4)]);
    assert_eq!(shape.group_tags.len(), 1);
    assert_eq!((batch.num_rows(), batch.num_columns()), (1, 5));
}

#[test]
fn requests_are_counted_by_path_and_by_whose_fault() {
    let counts = RequestCounts::default();
    let active = counts.active();
    assert_eq!(counts.active_count(), 1);
    drop(active);
    counts.ended("/query", StatusCode::OK, Duration::from_nanos(5));
    counts.ended("/write", StatusCode::BAD_REQUEST, Duration::from_nanos(7));
    counts.ended("other", StatusCode::INTERNAL_SERVER_ERROR, Duration::from_nanos(1));
    assert_eq!(counts.active_count(), 0);
    assert_eq!((counts.requests.get(), counts.request_ns.get()), (3, 13));
    assert_eq!((counts.queries.get(), counts.query_ns.get()), (1, 5));
    assert_eq!((counts.writes.get(), counts.client_errors.get(), counts.server_errors.get()), (1, 1, 1));
}
