//! Seal and merge against a naive model: a map from (series, time) to the newest values.

use super::{FieldSlot, Merge, SortedRows, Step, seal};
use crate::model::batch::{FieldColumn, TableRows};
use arrow::array::{Array, ArrayRef, AsArray, Int64Array, StringArray};
use arrow::datatypes::{DataType, Int64Type};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A written row: series, time, integer field `i`, string field `s`.
type Row = (u8, i64, Option<i64>, Option<String>);
type Point = ((String, i64), (Option<i64>, Option<String>));
type Model = BTreeMap<(String, i64), (Option<i64>, Option<String>)>;

fn batch(rows: &[Row]) -> TableRows {
    let mut series: Vec<Arc<str>> = Vec::new();
    let series_index = rows
        .iter()
        .map(|r| {
            let key: Arc<str> = format!("s{}", r.0).into();
            let at = series.iter().position(|s| *s == key).unwrap_or_else(|| {
                series.push(key.clone());
                series.len() - 1
            });
            u32::try_from(at).unwrap()
        })
        .collect();
    let column = |name: &str, values: ArrayRef| FieldColumn { name: name.into(), values };
    TableRows {
        table: "t".into(),
        series,
        series_index,
        times_ns: rows.iter().map(|r| r.1).collect(),
        fields: vec![
            column("i", Arc::new(rows.iter().map(|r| r.2).collect::<Int64Array>())),
            column("s", Arc::new(rows.iter().map(|r| r.3.clone()).collect::<StringArray>())),
        ],
    }
}

fn slots() -> Vec<FieldSlot> {
    let slot = |name: &str, data_type| FieldSlot { name: name.into(), data_type };
    vec![slot("i", DataType::Int64), slot("s", DataType::Utf8), slot("absent", DataType::Float64)]
}

fn sealed(batches: &[TableRows]) -> SortedRows {
    let rows = seal(&batches.iter().collect::<Vec<_>>(), &slots()).unwrap();
    rows.assert_sorted();
    rows
}

fn apply(model: &mut Model, rows: &[Row]) {
    for (series, time, i, s) in rows {
        let point = model.entry((format!("s{series}"), *time)).or_default();
        point.0 = i.or(point.0);
        point.1 = s.clone().or(point.1.take());
    }
}

fn collect(parts: &[SortedRows]) -> Vec<Point> {
    let mut out = Vec::new();
    for rows in parts {
        rows.assert_sorted();
        let (i, s) = (rows.fields[0].as_primitive::<Int64Type>(), rows.fields[1].as_string::<i32>());
        for run in 0..rows.runs.len() {
            for row in rows.run_rows(run) {
                let i = i.is_valid(row).then(|| i.value(row));
                let s = s.is_valid(row).then(|| s.value(row).to_owned());
                out.push(((rows.runs[run].key.to_string(), rows.times_ns[row]), (i, s)));
            }
        }
    }
    out
}

/// Merges `sources`, each cut into batches of `cut` rows.
fn merged(sources: &[SortedRows], cut: usize, rows_max: usize) -> Vec<SortedRows> {
    let types = slots().into_iter().map(|s| s.data_type).collect();
    let mut merge = Merge::new(types, sources.len(), rows_max);
    let mut at = vec![0; sources.len()];
    let mut out = Vec::new();
    loop {
        match merge.step().unwrap() {
            Step::Done => return out,
            Step::Rows(rows) => out.push(rows),
            Step::Need(s) if at[s] >= sources[s].row_count() => merge.finish(s),
            Step::Need(s) => {
                let end = (at[s] + cut).min(sources[s].row_count());
                merge.push(s, sources[s].slice(at[s]..end));
                at[s] = end;
            }
        }
    }
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let row = (0..4_u8, -5..20_i64, prop::option::of(0..9_i64), prop::option::of("[a-c]{0,2}"));
    prop::collection::vec(row, 0..40)
}

proptest! {
    #[test]
    fn seal_keeps_the_newest_value_of_each_field(writes in prop::collection::vec(rows(), 1..4)) {
        let mut model = Model::new();
        writes.iter().for_each(|w| apply(&mut model, w));
        let batches: Vec<_> = writes.iter().map(|w| batch(w)).collect();
        prop_assert_eq!(collect(&[sealed(&batches)]), model.into_iter().collect::<Vec<_>>());
    }

    #[test]
    fn merge_equals_one_seal(
        writes in prop::collection::vec(rows(), 0..5), cut in 1..30_usize, rows_max in 1..30_usize,
    ) {
        let mut model = Model::new();
        writes.iter().for_each(|w| apply(&mut model, w));
        let sources: Vec<_> = writes.iter().map(|w| sealed(&[batch(w)])).collect();
        let parts = merged(&sources, cut, rows_max);
        prop_assert!(parts.iter().all(|p| p.row_count() > 0));
        prop_assert_eq!(collect(&parts), model.into_iter().collect::<Vec<_>>());
    }

    #[test]
    fn select_takes_the_rows_of_a_time_range(writes in rows(), start in -6..21_i64, len in 0..10_i64, skip in 0..4_usize) {
        let rows = sealed(&[batch(&writes)]);
        let range = crate::model::time::TimeRange::new(start, start + len);
        let kept: Vec<_> = rows.select(range, |run| run != skip).into_iter().map(|r| rows.slice(r)).collect();
        let joined = rows.gather(&rows.select(range, |run| run != skip)).unwrap();
        prop_assert_eq!(collect(&[joined]), collect(&kept));
        let skipped = rows.runs.get(skip).map(|r| r.key.to_string());
        let expected: Vec<_> = collect(&[rows]).into_iter()
            .filter(|((s, t), _)| range.contains(*t) && Some(s) != skipped.as_ref()).collect();
        prop_assert_eq!(collect(&kept), expected);
    }
}

#[test]
fn series_of_many_runs_merge_without_copying_when_alone() {
    let rows = sealed(&[batch(&[(0, 1, Some(1), None), (1, 1, Some(2), None)])]);
    let out = merged(std::slice::from_ref(&rows), 10, 10);
    assert_eq!(out.len(), 1);
    assert_eq!(
        out[0].fields[0].to_data().buffers()[0].as_ptr(),
        rows.fields[0].to_data().buffers()[0].as_ptr()
    );
}

#[test]
fn tags_repeat_for_every_row_of_their_series() {
    let key = |tags: &[(&str, &str)]| crate::model::series_key::encode(tags.iter().copied()).into();
    let runs = [
        super::SeriesRun { key: key(&[("a", "x"), ("b", "a value longer than twelve bytes")]), end_row: 2 },
        super::SeriesRun { key: key(&[("b", "y")]), end_row: 3 },
    ];
    let columns = super::tag_columns(&runs, &["b", "a", "none"]);
    let long = Some("a value longer than twelve bytes");
    assert_eq!(columns[0].iter().collect::<Vec<_>>(), [long, long, Some("y")]);
    assert_eq!(columns[1].iter().collect::<Vec<_>>(), [Some("x"), Some("x"), None]);
    assert_eq!(columns[2].iter().collect::<Vec<_>>(), [None, None, None]);
    assert_eq!(super::series_column(&runs).iter().flatten().map(str::len).collect::<Vec<_>>(), [39, 39, 4]);
}

/// Searching for the column of each by itself would take minutes.
#[test]
fn tens_of_thousands_of_fields_are_sealed_each_into_its_place() {
    const FIELDS: usize = 100_000;
    let name = |field: usize| -> Arc<str> { format!("f{field}").into() };
    let value = |batch: usize, field: usize| (batch * FIELDS + field) as i64;
    let batches = [0, 1].map(|batch| TableRows {
        table: "t".into(),
        series: vec!["s".into()],
        series_index: vec![0],
        times_ns: vec![batch as i64],
        fields: (0..FIELDS)
            .map(|field| FieldColumn {
                name: name(field),
                values: Arc::new(Int64Array::from(vec![value(batch, field)])),
            })
            .collect(),
    });
    let slot = |field| FieldSlot { name: name(field), data_type: DataType::Int64 };
    // One that no batch has, and the others from the last to the first.
    let slots: Vec<FieldSlot> = (0..=FIELDS).rev().map(slot).collect();
    let sealed = seal(&batches.each_ref(), &slots).unwrap();
    assert_eq!((sealed.fields.len(), sealed.fields[0].null_count()), (FIELDS + 1, 2));
    for (field, column) in (0..FIELDS).rev().zip(&sealed.fields[1..]) {
        assert_eq!(column.as_primitive::<Int64Type>().values(), &[value(0, field), value(1, field)]);
    }
}
