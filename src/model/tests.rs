//! Tests of the vocabulary.

use super::schema::{ColumnKind, FieldTypeConflict, TableSchema};
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

/// A comparison of each with all others would take minutes.
#[test]
fn a_hundred_thousand_new_columns_are_added_at_once() {
    let names: Vec<String> = (0..100_000).map(|number| format!("f{number:06}")).collect();
    let float = ColumnKind::Field(FieldType::Float);
    let columns = names.iter().rev().map(|name| (name.as_str(), float));
    let schema = TableSchema::default().with_columns(columns).expect("no conflict").expect("new columns");
    assert!(schema.columns().iter().map(|column| &*column.name).eq(names.iter().map(String::as_str)));
}

/// Columns, among them namesakes, and names that look like stored ones.
fn some_columns() -> impl Strategy<Value = Vec<(String, ColumnKind)>> {
    let kinds =
        vec![ColumnKind::Tag, ColumnKind::Field(FieldType::Float), ColumnKind::Field(FieldType::Integer)];
    prop::collection::vec(("(a|x|time|__series)(::tag|::field){0,2}", prop::sample::select(kinds)), 0..12)
}

fn tag_sets() -> impl Strategy<Value = Vec<(String, String)>> {
    prop::collection::btree_map("[\\x00-\\x05a-c,= é]{1,3}", "[\\x00-\\x05a-c,= é]{1,3}", 0..4)
        .prop_map(|m| m.into_iter().collect())
}

proptest! {
    #[test]
    fn columns_that_come_together_are_stored_as_one_after_the_other(columns in some_columns()) {
        let columns: Vec<_> = columns.iter().map(|(name, kind)| (name.as_str(), *kind)).collect();
        let together = TableSchema::default().with_columns(columns.iter().copied());
        let mut one_by_one: Result<TableSchema, FieldTypeConflict> = Ok(TableSchema::default());
        for column in columns {
            one_by_one = one_by_one.and_then(|schema| {
                let wider = schema.with_columns([column])?;
                Ok(wider.unwrap_or(schema))
            });
        }
        prop_assert_eq!(together.map(Option::unwrap_or_default), one_by_one);
    }

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
