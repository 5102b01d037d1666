//! Queries as users ask them: InfluxQL, planned and run by the query engine.

use super::model::Value;
use super::model::{FIELDS, Fields, Filter, Rows, Selection, Series, Tables};
use super::reader::{DATABASE, value_at};
use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Int64Type, TimestampNanosecondType};
use futures::TryStreamExt;
use std::sync::Arc;
use tidegauge::engine::Engine;
use tidegauge::query::{QueryContext, QueryEngine, QueryError, QueryOptions, StatementOutcome};

/// The rows of a selection, table by table.
pub(super) async fn select(
    engine: &Arc<Engine>,
    selection: &Selection,
    now_ns: i64,
) -> Result<Tables, QueryError> {
    let options = QueryOptions { threads: 1, ..QueryOptions::default() };
    let queries = QueryEngine::new(engine.clone(), options)?;
    let context = QueryContext { database: Some(DATABASE.to_owned()), now_ns, ..QueryContext::default() };
    let mut tables = Tables::new();
    for name in &selection.tables {
        let (policy, measurement) = *name;
        let text = format!(
            "SELECT b, f, i, s, host, zone FROM {}.{measurement} WHERE time >= {} AND time < {}{}",
            policy.name(),
            selection.times.start_ns,
            selection.times.end_ns,
            condition(&selection.filter),
        );
        let statements = influxql::parse(&text, &influxql::Params::new()).expect(&text);
        let StatementOutcome::Rows(answer) = queries.influxql(&statements[0], &context).await? else {
            panic!("{text} has rows");
        };
        let mut rows = Rows::new();
        for batch in answer.batches.try_collect::<Vec<_>>().await? {
            add_batch(&mut rows, &batch);
        }
        if !rows.is_empty() {
            tables.insert(*name, rows);
        }
    }
    Ok(tables)
}

/// The rows that a selection should have.
pub(super) fn expected(tables: &Tables, selection: &Selection) -> Tables {
    let mut selected = tables.clone();
    selected.retain(|name, _| selection.tables.contains(name));
    for rows in selected.values_mut() {
        rows.retain(|(series, time_ns), _| {
            selection.filter.has(series) && selection.times.contains(*time_ns)
        });
    }
    selected.retain(|_, rows| !rows.is_empty());
    selected
}

fn condition(filter: &Filter) -> String {
    match filter {
        Filter::All => String::new(),
        Filter::Host(host) => format!(" AND host = '{host}'"),
        Filter::NotHost(host) => format!(" AND host != '{host}'"),
        Filter::WithoutZone => " AND zone = ''".to_owned(),
    }
}

fn add_batch(rows: &mut Rows, batch: &RecordBatch) {
    let column = |name: &str| batch.column_by_name(name);
    let times = column("time").expect("every answer has times");
    let time = |row: usize| match times.as_primitive_opt::<TimestampNanosecondType>() {
        Some(times) => times.value(row),
        None => times.as_primitive::<Int64Type>().value(row),
    };
    let text = |name: &str, row: usize| match value_at(column(name)?, row)? {
        Value::Text(text) => Some(text),
        other => panic!("tag {name} is {other:?}"),
    };
    for row in 0..batch.num_rows() {
        let series =
            Series { host: text("host", row).expect("every series has a host"), zone: text("zone", row) };
        let fields: Fields =
            FIELDS.into_iter().filter_map(|name| Some((name, value_at(column(name)?, row)?))).collect();
        let doubled = rows.insert((series, time(row)), fields);
        assert!(doubled.is_none(), "a point is answered once");
    }
}
