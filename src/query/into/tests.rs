//! What `SELECT … INTO` writes of a result: which rows are points, in how large writes, and which results are refused.

use super::*;
use arrow::array::{StringViewBuilder, TimestampNanosecondArray};
use arrow::datatypes::{Field, Schema};

/// Rows of (measurement, tag `h`, time, float `f`).
fn rows(cells: &[(&str, Option<&str>, i64, Option<f64>)]) -> RecordBatch {
    let names = StringViewArray::from_iter_values(cells.iter().map(|(name, ..)| name));
    let mut tags = StringViewBuilder::new();
    cells.iter().for_each(|(_, tag, ..)| tags.append_option(*tag));
    let times = TimestampNanosecondArray::from_iter_values(cells.iter().map(|(_, _, time, _)| *time));
    let values: Float64Array = cells.iter().map(|(.., value)| *value).collect();
    let columns: Vec<ArrayRef> =
        vec![Arc::new(names), Arc::new(tags.finish()), Arc::new(times), Arc::new(values)];
    RecordBatch::try_new(shape().schema, columns).expect("columns fit")
}

fn shape() -> ResultShape {
    let time = DataType::Timestamp(TimeUnit::Nanosecond, None);
    let schema = Schema::new(vec![
        Field::new("iox::measurement", DataType::Utf8View, false),
        Field::new("h", DataType::Utf8View, true),
        Field::new("time", time, false),
        Field::new("f", DataType::Float64, true),
    ]);
    ResultShape {
        schema: Arc::new(schema),
        name: 0,
        group_tags: vec![("h".into(), 1)],
        columns: vec![("time".into(), 2), ("f".into(), 3)],
        time_zone: None,
    }
}

/// All writes, each as (table, series, times) per part.
async fn writes(
    measurement: Option<&str>,
    batches: Vec<RecordBatch>,
) -> Vec<Vec<(String, Vec<String>, Vec<i64>)>> {
    let target =
        IntoTarget { database: "db".into(), policy: "p".into(), measurement: measurement.map(Arc::from) };
    let batches = futures::stream::iter(batches.into_iter().map(Ok)).boxed();
    let mut rows = IntoRows::new(target, ResultStream { shape: shape(), batches });
    let mut writes = Vec::new();
    while let Some(tables) = rows.next().await.expect("rows") {
        let part = |t: TableRows| {
            let series = t.series_index.iter().map(|i| t.series[*i as usize].to_string()).collect();
            (t.table.to_string(), series, t.times_ns)
        };
        writes.push(tables.into_iter().map(part).collect());
    }
    writes
}

#[tokio::test]
async fn rows_without_finite_values_are_no_points() {
    let batch = rows(&[
        ("m", None, 1, Some(1.0)),
        ("m", None, 2, None),
        ("m", Some("a"), 3, Some(f64::NAN)),
        ("m", Some("a"), 4, Some(f64::INFINITY)),
        ("m", Some("a"), 5, Some(2.0)),
        ("n", Some(""), i64::MIN, Some(3.0)),
        ("n", Some(""), 6, Some(3.0)),
    ]);
    let key = "h\u{1}a\u{1}".to_owned();
    let one = vec![vec![("x".to_owned(), vec![String::new(), key.clone(), String::new()], vec![1, 5, 6])]];
    assert_eq!(writes(Some("x"), vec![batch.clone()]).await, one);
    let by_source = vec![vec![
        ("m".to_owned(), vec![String::new(), key], vec![1, 5]),
        ("n".to_owned(), vec![String::new()], vec![6]),
    ]];
    assert_eq!(writes(None, vec![batch]).await, by_source);
}

#[tokio::test]
async fn writes_are_of_ten_thousand_points() {
    let cells: Vec<_> = (0..7_000).map(|time| ("m", Some("a"), time, Some(1.0))).collect();
    let batches = vec![rows(&cells), rows(&cells), rows(&cells[..1]), rows(&cells)];
    let counts: Vec<usize> =
        writes(Some("x"), batches).await.iter().map(|tables| tables[0].2.len()).collect();
    assert_eq!(counts, [10_000, 10_000, 1_001]);
}

#[tokio::test]
async fn a_time_of_another_name_is_refused() {
    let target = IntoTarget { database: "db".into(), policy: "p".into(), measurement: None };
    let shape = ResultShape { columns: vec![("t".into(), 2), ("f".into(), 3)], ..shape() };
    let batches = futures::stream::iter([Ok(rows(&[("m", None, 1, Some(1.0))]))]).boxed();
    let mut rows = IntoRows::new(target, ResultStream { shape, batches });
    let error = rows.next().await.expect_err("is refused");
    assert_eq!(error.to_string(), "error finding time index in result");
}
