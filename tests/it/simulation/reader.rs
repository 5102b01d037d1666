//! All rows of an engine, read file by file and chunk by chunk, and merged.
//!
//! The queries of the simulation go another way, through InfluxQL and its plans: see `query`.

use super::model::{FIELDS, Fields, MEASUREMENTS, Policy, Rows, Series, TableName, Tables, Value};
use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use futures::TryStreamExt;
use std::sync::Arc;
use tidegauge::engine::{Engine, EngineError, ReadView};
use tidegauge::merge::{Merge, SortedRows, Step};
use tidegauge::model::ids::TableId;
use tidegauge::model::series_key;
use tidegauge::model::time::TimeRange;
use tidegauge::model::tombstone::{concerning, deleted_times};

/// Rows of a batch of the merge: few, so that batches end in the midst of series.
const BATCH_ROWS: usize = 5;

/// The database of the simulation.
pub(super) const DATABASE: &str = "db";

/// Everything that the engine has.
pub(super) async fn read_all(engine: &Engine) -> Result<Tables, EngineError> {
    let mut tables = Tables::new();
    for name in
        Policy::ALL.into_iter().flat_map(|policy| MEASUREMENTS.map(|measurement| (policy, measurement)))
    {
        let rows = read_table(engine, name).await?;
        if !rows.is_empty() {
            tables.insert(name, rows);
        }
    }
    Ok(tables)
}

/// The id of a table, if it exists.
pub(super) fn table_id(engine: &Engine, (policy, measurement): TableName) -> Option<TableId> {
    let state = engine.state();
    let database = state.database(DATABASE)?.id;
    let policy = state.policy(database, policy.name())?.id;
    Some(state.table(policy, measurement)?.id)
}

async fn read_table(engine: &Engine, name: TableName) -> Result<Rows, EngineError> {
    let Some(id) = table_id(engine, name) else { return Ok(Rows::new()) };
    let Some(view) = engine.read_view(id)? else { return Ok(Rows::new()) };
    let types = FIELDS.map(field_type);
    let wrong = |source| EngineError::Rows { table: id.to_string(), source };
    let sources = sources(engine, &view, &types).await?;
    let mut merge = Merge::new(types.to_vec(), sources.len(), BATCH_ROWS);
    let mut sources: Vec<_> = sources.into_iter().map(Vec::into_iter).collect();
    let mut out = Rows::new();
    loop {
        match merge.step().map_err(wrong)? {
            Step::Done => {
                out.retain(|(_, time_ns), _| view.expired_before_ns.is_none_or(|before| *time_ns >= before));
                return Ok(out);
            }
            Step::Need(source) => match sources[source].next() {
                Some(rows) => merge.push(source, rows),
                None => merge.finish(source),
            },
            Step::Rows(rows) => add_rows(&mut out, &rows),
        }
    }
}

/// The rows of each file and chunk without what was deleted, from old to new.
async fn sources(
    engine: &Engine,
    view: &ReadView,
    types: &[DataType],
) -> Result<Vec<Vec<SortedRows>>, EngineError> {
    let fields: Arc<[(Arc<str>, DataType)]> =
        FIELDS.iter().map(|name| Arc::from(*name)).zip(types.iter().cloned()).collect();
    let mut files = view.files.to_vec();
    files.sort_by_key(|file| (file.sequence_max, file.sequence_min));
    let mut sources = Vec::new();
    for meta in files {
        let tombstones = concerning(&view.tombstones, &meta);
        let file = engine.open_file(meta).await?;
        let mut rows = Vec::new();
        for group in 0..file.row_group_count() {
            let series = file.series(group).await?;
            let all = std::iter::once(0..file.row_group_row_count(group)).collect();
            let stream = file.rows(group, series, all, TimeRange::ALL, fields.clone())?;
            for part in stream.try_collect::<Vec<_>>().await? {
                let left = part.without(|series| deleted_times(&tombstones, series));
                rows.push(
                    left.map_err(|source| EngineError::Rows { table: view.table.id.to_string(), source })?,
                );
            }
        }
        rows.retain(|part| part.row_count() > 0);
        sources.push(rows);
    }
    sources.extend(view.chunks.iter().map(|chunk| vec![chunk.project(&FIELDS, types)]));
    Ok(sources)
}

fn field_type(name: &str) -> DataType {
    match name {
        "b" => DataType::Boolean,
        "f" => DataType::Float64,
        "i" => DataType::Int64,
        _ => DataType::Utf8,
    }
}

fn add_rows(out: &mut Rows, rows: &SortedRows) {
    for (run, series) in rows.runs.iter().enumerate() {
        let tag = |name: &str| series_key::tag_value(&series.key, name).map(|value| value.into_owned());
        let key = Series { host: tag("host").expect("every series has a host"), zone: tag("zone") };
        for row in rows.run_rows(run) {
            let columns = FIELDS.into_iter().zip(&rows.fields);
            let fields: Fields =
                columns.filter_map(|(name, column)| Some((name, value_at(column, row)?))).collect();
            let doubled = out.insert((key.clone(), rows.times_ns[row]), fields);
            assert!(doubled.is_none(), "a point comes out of the merge once");
        }
    }
}

/// The value of a field in a row of its column, or `None` when it is null.
pub(super) fn value_at(column: &dyn Array, row: usize) -> Option<Value> {
    // A column that no row has is of no type.
    let is_null = column.is_null(row) || *column.data_type() == DataType::Null;
    (!is_null).then(|| match column.data_type() {
        DataType::Boolean => Value::Boolean(column.as_boolean().value(row)),
        DataType::Float64 => Value::Float(column.as_primitive::<Float64Type>().value(row)),
        DataType::Int64 => Value::Integer(column.as_primitive::<Int64Type>().value(row)),
        DataType::Utf8 => Value::Text(column.as_string::<i32>().value(row).to_owned()),
        DataType::Utf8View => Value::Text(column.as_string_view().value(row).to_owned()),
        other => panic!("no field has the type {other}"),
    })
}
