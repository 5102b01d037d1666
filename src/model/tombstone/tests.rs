//! Conditions hold the series that they say, and survive the manifest.

use super::SeriesFilter;
use crate::model::series_key;
use influxql::Pattern;

fn key(tags: &[(&str, &str)]) -> String {
    series_key::encode(tags.iter().copied())
}

/// Which of the series `h=a`, `h=b`, `g=a h=a`, `` meet a condition, before and after it was written and read.
fn check(filter: &SeriesFilter) -> [bool; 4] {
    let json = serde_json::to_string(filter).unwrap();
    let read: SeriesFilter = serde_json::from_str(&json).unwrap();
    assert_eq!(read, *filter);
    let keys = [key(&[("h", "a")]), key(&[("h", "b")]), key(&[("g", "a"), ("h", "a")]), key(&[])];
    keys.map(|key| read.matches(&key))
}

fn h(value: &str) -> SeriesFilter {
    SeriesFilter::tag_in("h", [value])
}

#[test]
fn conditions_hold_what_they_say() {
    assert_eq!(check(&SeriesFilter::all()), [true; 4]);
    assert_eq!(check(&SeriesFilter::none()), [false; 4]);
    assert_eq!(check(&h("a")), [true, false, true, false]);
    assert_eq!(check(&h("")), [false, false, false, true]);
    assert_eq!(check(&h("a").inverted()), [false, true, false, true]);
    assert_eq!(check(&SeriesFilter::tag_in("h", ["b", "", "b"])), [false, true, false, true]);
    let empty_too = SeriesFilter::tag_matches("h", &Pattern::new("^b?$").unwrap());
    assert_eq!(check(&empty_too), [false, true, false, true]);
    assert_eq!(check(&SeriesFilter::tags_equal("g", "h")), [false, false, true, false]);
    assert_eq!(check(&h("a").and(SeriesFilter::tag_in("g", ["a"]).inverted())), [true, false, false, false]);
    assert_eq!(check(&h("b").or(SeriesFilter::tag_in("g", ["a"]))), [false, true, true, false]);
}

#[test]
fn constants_vanish() {
    assert_eq!(h("a").and(SeriesFilter::all()), h("a"));
    assert_eq!(SeriesFilter::all().and(h("a")), h("a"));
    assert!(h("a").and(SeriesFilter::none()).is_none());
    assert!(h("a").or(SeriesFilter::all()).is_all());
    assert_eq!(SeriesFilter::none().or(h("a")), h("a"));
    assert!(SeriesFilter::all().inverted().is_none() && SeriesFilter::none().inverted().is_all());
}

#[test]
fn damaged_terms_hold_nothing() {
    for text in [r#"["not"]"#, r#"["and"]"#, r#"[{"constant":true},{"constant":true}]"#] {
        let filter: SeriesFilter = serde_json::from_str(text).unwrap();
        assert_eq!(check(&filter), [false; 4], "{text}");
    }
}

#[test]
fn a_deep_condition_needs_no_stack() {
    let deep = (0..100_000).fold(h("a"), |filter, _| filter.inverted());
    assert_eq!(check(&deep), [true, false, true, false]);
}
