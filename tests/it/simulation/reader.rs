//! All rows of an engine, read file by file and chunk by chunk, and merged.
//!
//! The queries of the simulation go another way, through InfluxQL and its plans: see `query`.

use super::model::{Rows, TableName, Tables, table_names};
use super::points::{Fields, Series, Value, field_named};
use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Float64Type, Int64Type, UInt64Type};
use futures::TryStreamExt;
use std::collections::BTreeSet;
use std::sync::Arc;
use tidegauge::engine::{Engine, EngineError, ReadView};
use tidegauge::merge::{Merge, SortedRows, Step};
use tidegauge::model::ids::TableId;
use tidegauge::model::series_key;
use tidegauge::model::time::TimeRange;
use tidegauge::model::tombstone::{concerning, deleted_times};

/// Rows of a batch of the merge: few, so that batches end in the midst of series.
const BATCH_ROWS: usize = 5;

/// The same of wide tables, of which every batch costs more; they are those with more fields than this.
const WIDE_BATCH_ROWS: usize = 40;
const FEW_FIELDS_MAX: usize = 16;

/// The database of the simulation.
pub(super) const DATABASE: &str = "db";

/// Everything that the engine has.
pub(super) async fn read_all(engine: &Engine) -> Result<Tables, EngineError> {
    let mut tables = Tables::new();
    for name in table_names() {
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
    let (names, fields) = fields_of(&view);
    let wrong = |source| EngineError::Rows { table: id.to_string(), source };
    let sources = sources(engine, &view, &fields).await?;
    let types = fields.iter().map(|(_, data_type)| data_type.clone()).collect();
    let batch_rows = if fields.len() > FEW_FIELDS_MAX { WIDE_BATCH_ROWS } else { BATCH_ROWS };
    let mut merge = Merge::new(types, sources.len(), batch_rows);
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
            Step::Rows(rows) => add_rows(&mut out, &rows, &names),
        }
    }
}

/// Stored names and types.
type StoredFields = Arc<[(Arc<str>, DataType)]>;

/// The fields of a table that files or chunks have: their names, and how they are stored.
fn fields_of(view: &ReadView) -> (Vec<&'static str>, StoredFields) {
    let in_files = view.files.iter().flat_map(|file| &file.columns);
    let in_chunks = view.chunks.iter().flat_map(|chunk| chunk.field_names());
    let written: BTreeSet<&str> = in_files.chain(in_chunks).map(|name| &**name).collect();
    let fields = view.table.schema.fields().filter(|field| written.contains(&*field.stored_name));
    let fields = fields.map(|field| {
        let data_type = field.field_type().expect("a field has a type").data_type();
        (field_named(&field.name), (field.stored_name.clone(), data_type))
    });
    let (names, stored): (Vec<_>, Vec<_>) = fields.unzip();
    (names, stored.into())
}

/// The rows of each file and chunk without what was deleted, from old to new.
async fn sources(
    engine: &Engine,
    view: &ReadView,
    fields: &StoredFields,
) -> Result<Vec<Vec<SortedRows>>, EngineError> {
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
    let (names, types): (Vec<Arc<str>>, Vec<DataType>) = fields.iter().cloned().unzip();
    sources.extend(view.chunks.iter().map(|chunk| vec![chunk.project(&names, &types)]));
    Ok(sources)
}

fn add_rows(out: &mut Rows, rows: &SortedRows, names: &[&'static str]) {
    let mut fields = vec![Fields::new(); rows.row_count()];
    for (name, column) in names.iter().zip(&rows.fields) {
        for (row, fields) in fields.iter_mut().enumerate() {
            if let Some(value) = value_at(column, row) {
                fields.insert(*name, value);
            }
        }
    }
    for (run, series) in rows.runs.iter().enumerate() {
        let tags = series_key::decode(&series.key);
        let key = tags.fold(Series::default(), |key, (tag, value)| key.with(&tag, &value));
        for row in rows.run_rows(run) {
            let doubled = out.insert((key, rows.times_ns[row]), std::mem::take(&mut fields[row]));
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
        DataType::UInt64 => Value::Unsigned(column.as_primitive::<UInt64Type>().value(row)),
        DataType::Utf8 => Value::Text(column.as_string::<i32>().value(row).to_owned()),
        DataType::Utf8View => Value::Text(column.as_string_view().value(row).to_owned()),
        other => panic!("no field has the type {other}"),
    })
}
