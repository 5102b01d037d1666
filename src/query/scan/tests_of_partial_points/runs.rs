//! The rows that a scan yields when only some of each run are wanted.

use super::history::Shape;
use super::model::{Fields, Key, Model, Series, TAGS, Value};
use super::random::Choices;
use super::values::value_at;
use crate::engine::Engine;
use crate::model::schema::TIME_COLUMN;
use crate::query::scan::{RunEnd, RunRows, SeriesColumn, TableSource};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Expr, col, lit};
use datafusion::prelude::{SessionConfig, SessionContext};
use fastrand::Rng;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Compares what some [`RunRows`] leave with the model.
pub(super) async fn check(engine: &Arc<Engine>, shape: &Shape, model: &Model, random: &mut Rng) {
    let ends = [RunEnd::First, RunEnd::Last];
    let wanted = if random.bool() {
        RunRows::Outer(random.pick(&ends), random.usize(1..=3))
    } else {
        let mut fields = random.some(&shape.fields);
        fields.truncate(2);
        let end = random.pick(&ends);
        let mut end_of = || if random.once_in(4) { random.pick(&ends) } else { end };
        RunRows::WithValue(fields.iter().map(|field| ((*field).into(), end_of())).collect())
    };
    let (start_ns, end_ns) = shape.times_ns(random);
    let times_ns = if random.bool() { start_ns..end_ns } else { 0..shape.end * shape.unit_ns };
    let host = random.once_in(3).then_some("h0");
    let time = |time_ns| lit(ScalarValue::TimestampNanosecond(Some(time_ns), None));
    let mut filter =
        col(TIME_COLUMN).gt_eq(time(times_ns.start)).and(col(TIME_COLUMN).lt(time(times_ns.end)));
    if let Some(host) = host {
        filter = filter.and(col("host").eq(lit(host)));
    }
    let found = scan(engine, shape, wanted.clone(), filter).await;
    let is_asked =
        |key: &Key, _: &Fields| times_ns.contains(&key.1) && (host.is_none() || key.0.tag("host") == host);
    let of_series = model.groups(&[], is_asked).into_values().flatten();
    let mut expected: BTreeMap<Series, Vec<(i64, &Fields)>> = BTreeMap::new();
    for ((series, time_ns), fields) in of_series {
        expected.entry(series).or_default().push((time_ns, fields));
    }
    let none = Vec::new();
    for series in expected.keys().chain(found.keys()) {
        let found = found.get(series).unwrap_or(&none);
        let found: Vec<(i64, &Fields)> = found.iter().map(|(time_ns, fields)| (*time_ns, fields)).collect();
        let expected = expected.get(series).cloned().unwrap_or_default();
        let about = || format!("{wanted:?} at {times_ns:?} of {host:?}: {series:?}");
        match &wanted {
            RunRows::Outer(end, count) => {
                assert_eq!(outer(found, *end, *count), outer(expected, *end, *count), "{}", about());
            }
            RunRows::WithValue(fields) => {
                for (field, end) in fields.iter() {
                    let of = |rows: &[(i64, &Fields)]| -> Option<(i64, Fields)> {
                        let mut rows: Vec<_> = rows
                            .iter()
                            .filter(|(_, fields)| fields.contains_key(&**field))
                            .copied()
                            .collect();
                        rows.sort_by_key(|(time_ns, _)| *time_ns);
                        let (time_ns, fields) = *outer(rows, *end, 1).first()?;
                        Some((time_ns, fields.clone()))
                    };
                    assert_eq!(of(&found), of(&expected), "{field} of {}", about());
                }
            }
        }
    }
}

/// So many rows at one end, in order of time.
fn outer(mut rows: Vec<(i64, &Fields)>, end: RunEnd, count: usize) -> Vec<(i64, &Fields)> {
    rows.sort_by_key(|(time_ns, _)| *time_ns);
    let skipped = rows.len().saturating_sub(count);
    match end {
        RunEnd::First => rows.truncate(count),
        RunEnd::Last => drop(rows.drain(..skipped)),
    }
    rows
}

/// The rows that are yielded, by series.
async fn scan(
    engine: &Arc<Engine>,
    shape: &Shape,
    wanted: RunRows,
    filter: Expr,
) -> BTreeMap<Series, Vec<(i64, Fields)>> {
    let table = engine.state().tables().next().expect("it was written to").id;
    let view = engine.read_view(table).unwrap().expect("the table exists");
    let source = TableSource::new(engine.clone(), view, SeriesColumn::Shown).of_runs(wanted);
    let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(2));
    let batches =
        context.read_table(Arc::new(source)).unwrap().filter(filter).unwrap().collect().await.unwrap();
    let mut rows: BTreeMap<Series, Vec<(i64, Fields)>> = BTreeMap::new();
    for batch in &batches {
        let value = |name: &str, row| value_at(batch.column_by_name(name)?, row);
        for row in 0..batch.num_rows() {
            let is_series = |series: &Series| {
                TAGS.iter()
                    .all(|tag| value(tag, row) == series.tag(tag).map(|text| Value::Text(text.to_owned())))
            };
            let series = Series::all().into_iter().find(is_series).expect("one that was written");
            let time_ns = match value(TIME_COLUMN, row) {
                Some(Value::Integer(time_ns)) => time_ns,
                other => panic!("{other:?} is no time"),
            };
            let fields = shape.fields.iter().filter_map(|field| Some((*field, value(field, row)?))).collect();
            let of_series = rows.entry(series).or_default();
            assert!(of_series.iter().all(|(known, _)| *known != time_ns), "a point comes once");
            of_series.push((time_ns, fields));
        }
    }
    rows
}
