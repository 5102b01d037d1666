//! What the engine counts is what the buffers hold, whatever happens to the tables.

use super::Table;
use crate::buffer::TableBuffer;
use crate::engine::buffer_memory::BufferMemory;
use crate::model::batch::{FieldColumn, TableRows};
use crate::model::database::TableInfo;
use crate::model::ids::{DatabaseId, PolicyId, Sequence, TableId};
use crate::model::limits::CHUNK_CELLS_MAX;
use crate::model::schema::{ColumnKind, TableSchema};
use crate::model::time::TimeRange;
use crate::model::tombstone::{SeriesFilter, Tombstone};
use crate::model::value::FieldType;
use arrow::array::Int64Array;
use proptest::prelude::*;
use std::ops::Range;
use std::sync::Arc;

const FIELD_COUNT: usize = 40;

#[derive(Clone, Debug)]
enum Action {
    /// Rows at these times, all with these fields.
    Push(Range<i64>, Range<usize>),
    Read,
    Delete(Range<i64>),
    SetApart,
    Rejoin,
    Freeze,
    Flushed,
    /// The table is dropped, and rows that came after so many writes and were set apart are those of another.
    Drop(u64),
}

fn actions() -> impl Strategy<Value = Vec<(bool, Action)>> {
    let times = || (0..100_i64, 1..80_i64).prop_map(|(start, count)| start..start + count);
    let fields =
        (0..FIELD_COUNT, 1..9_usize).prop_map(|(start, count)| start..FIELD_COUNT.min(start + count));
    let action = prop_oneof![
        8 => (times(), fields).prop_map(|(times, fields)| Action::Push(times, fields)),
        3 => Just(Action::Read),
        1 => times().prop_map(Action::Delete),
        1 => Just(Action::SetApart),
        1 => Just(Action::Rejoin),
        2 => Just(Action::Freeze),
        1 => Just(Action::Flushed),
        1 => (0..30_u64).prop_map(Action::Drop),
    ];
    prop::collection::vec((any::<bool>(), action), 1..30)
}

fn table_without_rows(memory: &Arc<BufferMemory>) -> Table {
    Table::new(memory.clone(), CHUNK_CELLS_MAX)
}

fn name(field: usize) -> String {
    format!("f{field}")
}

fn rows(times: Range<i64>, fields: Range<usize>) -> TableRows {
    let times_ns: Vec<i64> = times.collect();
    let values = Arc::new(Int64Array::from(times_ns.clone()));
    TableRows {
        table: "t".into(),
        series: vec!["s".into()],
        series_index: vec![0; times_ns.len()],
        times_ns,
        fields: fields
            .map(|field| FieldColumn { name: name(field).into(), values: values.clone() })
            .collect(),
    }
}

fn info() -> Arc<TableInfo> {
    let names: Vec<String> = (0..FIELD_COUNT).map(name).collect();
    let columns = names.iter().map(|name| (name.as_str(), ColumnKind::Field(FieldType::Integer)));
    let schema = TableSchema::default().with_columns(columns).unwrap().unwrap();
    Arc::new(TableInfo {
        id: TableId(1),
        database: DatabaseId(1),
        policy: PolicyId(1),
        name: "t".into(),
        schema: Arc::new(schema),
    })
}

/// What the buffers of a table hold: those that wait, and those that are being flushed.
fn held(table: &Table) -> (usize, usize) {
    let parts = table.parts.lock();
    let bytes = |buffers: &[TableBuffer]| buffers.iter().map(TableBuffer::memory_bytes).sum::<usize>();
    let (flushing, waiting) = parts.closed.split_at(parts.frozen);
    (bytes(waiting) + parts.buffer.memory_bytes(), bytes(flushing))
}

fn take(
    table: &mut Table,
    info: &Arc<TableInfo>,
    sequence: u64,
    action: &Action,
    memory: &Arc<BufferMemory>,
) {
    match action {
        Action::Push(times, fields) => {
            let rows = rows(times.clone(), fields.clone());
            table.push(Sequence(sequence), rows, &info.schema).unwrap();
        }
        Action::Read => {
            table.read(|| Some(info.clone())).unwrap();
        }
        Action::Delete(times) => {
            let tombstone = Tombstone {
                id: sequence.to_string().into(),
                table: info.id,
                times: TimeRange::new(times.start, times.end),
                series: SeriesFilter::all(),
                through: Sequence(sequence),
            };
            table.delete(&Arc::new(tombstone), &info.schema).unwrap();
        }
        Action::SetApart => table.set_apart(),
        Action::Rejoin => table.rejoin(),
        Action::Freeze => {
            table.freeze();
        }
        Action::Flushed => {
            table.frozen(|| Some(info.clone())).unwrap();
            table.flushed(Arc::default(), &[]);
        }
        Action::Drop(through) => {
            *table = table.newer_than(Sequence(*through)).unwrap_or_else(|| table_without_rows(memory));
        }
    }
}

proptest! {
    #[test]
    fn the_count_is_the_sum_of_what_all_buffers_hold(actions in actions()) {
        let memory = Arc::new(BufferMemory::default());
        let mut tables = [table_without_rows(&memory), table_without_rows(&memory)];
        let info = info();
        for (sequence, (is_second, action)) in (1..).zip(&actions) {
            take(&mut tables[usize::from(*is_second)], &info, sequence, action, &memory);
            let (a, b) = (held(&tables[0]), held(&tables[1]));
            prop_assert_eq!((memory.waiting_bytes(), memory.flushing_bytes()), (a.0 + b.0, a.1 + b.1));
        }
        let contents = tables.each_ref().map(|table| table.read(|| Some(info.clone())).unwrap().unwrap());
        let chunks = contents.iter().flat_map(|contents| &contents.chunks);
        prop_assert_eq!(memory.bytes(), chunks.map(|chunk| chunk.memory_bytes()).sum::<usize>());
        drop(tables);
        prop_assert_eq!(memory.bytes(), 0);
    }
}

#[test]
fn what_a_reader_seals_is_counted() {
    let memory = Arc::new(BufferMemory::default());
    let table = table_without_rows(&memory);
    let info = info();
    // Each part has fields of its own, so that their chunk has far more cells than they do.
    for number in 0..20_usize {
        let times = 1_000 * number as i64..1_000 * number as i64 + 100;
        table.push(Sequence(1), rows(times, 2 * number..2 * number + 2), &info.schema).unwrap();
    }
    let cell_bytes = 20 * 100 * FIELD_COUNT * size_of::<i64>();
    assert!(memory.waiting_bytes() >= cell_bytes, "before a flush seals it: {}", memory.waiting_bytes());
    let contents = table.read(|| Some(info.clone())).unwrap().unwrap();
    assert!(contents.chunks[0].memory_bytes() >= cell_bytes);
    assert_eq!(memory.waiting_bytes(), contents.chunks[0].memory_bytes());
    assert!(table.freeze());
    assert_eq!((memory.waiting_bytes(), memory.flushing_bytes()), (0, contents.chunks[0].memory_bytes()));
    table.flushed(Arc::default(), &[]);
    assert_eq!(memory.bytes(), 0);
}

/// Its readers would miss them until they are shown the table that they become rows of.
#[test]
fn rows_that_came_after_a_drop_are_in_the_dropped_table_as_long_as_it_is_there() {
    let memory = Arc::new(BufferMemory::default());
    let table = table_without_rows(&memory);
    let info = info();
    table.push(Sequence(1), rows(0..10, 0..2), &info.schema).unwrap();
    table.set_apart();
    table.push(Sequence(2), rows(10..13, 0..2), &info.schema).unwrap();
    let newer = table.newer_than(Sequence(1)).unwrap();
    let row_count = |table: &Table| {
        let contents = table.read(|| Some(info.clone())).unwrap().unwrap();
        contents.chunks.iter().map(|chunk| chunk.rows().row_count()).sum::<usize>()
    };
    assert_eq!((row_count(&table), row_count(&newer)), (13, 3));
    drop(table);
    assert_eq!(row_count(&newer), 3);
    assert_eq!((memory.waiting_bytes(), memory.flushing_bytes()), held(&newer));
}
