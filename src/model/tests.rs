//! Tests of the vocabulary.

use super::schema::{ColumnKind, TableSchema};
use super::series_key;
use super::time::{TimeRange, go_duration, window_of};
use super::value::FieldType;
use proptest::prelude::*;

#[test]
fn durations_print_as_go_prints_them() {
    for (ns, text) in [
        (0, "0s"),
        (1, "1ns"),
        (1_500, "1.5µs"),
        (2_000_000, "2ms"),
        (1_500_000_000, "1.5s"),
        (3_600_000_000_000, "1h0m0s"),
        (604_800_000_000_000, "168h0m0s"),
        (90_000_000_000, "1m30s"),
        (-90_000_000_000, "-1m30s"),
    ] {
        assert_eq!(go_duration(ns), text);
    }
}

#[test]
fn windows_floor_below_the_epoch() {
    assert_eq!(window_of(-1, 10), TimeRange::new(-10, 0));
    assert_eq!(window_of(0, 10), TimeRange::new(0, 10));
    assert_eq!(window_of(-10, 10), TimeRange::new(-10, 0));
    assert!(window_of(i64::MIN, 7).start_ns <= i64::MIN + 7);
}

#[test]
fn second_of_two_namesakes_gets_a_suffix() {
    let schema = TableSchema::default()
        .with_columns([("x", ColumnKind::Field(FieldType::Float)), ("a", ColumnKind::Tag)])
        .expect("no conflict")
        .expect("new columns");
    let schema = schema
        .with_columns([("x", ColumnKind::Tag), ("__series", ColumnKind::Tag)])
        .expect("no conflict")
        .expect("new columns");
    let stored = |c: Option<&super::schema::Column>| c.expect("column").stored_name.to_string();
    assert_eq!(stored(schema.field("x")), "x");
    assert_eq!(stored(schema.tag("x")), "x::tag");
    assert_eq!(stored(schema.tag("__series")), "__series::tag");
    assert_eq!(schema.with_columns([("x", ColumnKind::Tag)]), Ok(None));
    assert!(schema.with_columns([("x", ColumnKind::Field(FieldType::Integer))]).is_err());
}

fn tag_sets() -> impl Strategy<Value = Vec<(String, String)>> {
    prop::collection::btree_map("[\\x00-\\x05a-c,= é]{1,3}", "[\\x00-\\x05a-c,= é]{1,3}", 0..4)
        .prop_map(|m| m.into_iter().collect())
}

proptest! {
    #[test]
    fn series_keys_read_back(tags in tag_sets()) {
        let key = series_key::encode(tags.iter().map(|(k, v)| (k, v)));
        let back: Vec<_> = series_key::decode(&key).map(|(k, v)| (k.into_owned(), v.into_owned())).collect();
        prop_assert_eq!(back, tags);
    }

    #[test]
    fn series_keys_order_as_their_tag_sets(a in tag_sets(), b in tag_sets()) {
        let (ka, kb) = (series_key::encode(a.clone()), series_key::encode(b.clone()));
        prop_assert_eq!(ka.cmp(&kb), a.cmp(&b));
    }
}
