//! What a reader finds in a buffer equals what was pushed, however pushes and reads alternate.

use super::TableBuffer;
use crate::model::batch::{FieldColumn, TableRows};
use crate::model::ids::Sequence;
use crate::model::limits::{CHUNK_BYTES_MAX, CHUNK_CELLS_MAX, PENDING_ROWS_MAX};
use crate::model::schema::{ColumnKind, TableSchema};
use crate::model::time::TimeRange;
use crate::model::value::FieldType;
use arrow::array::{Array, AsArray, Int64Array, StringArray};
use arrow::datatypes::{DataType, Int64Type};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

fn rows(points: &[(u8, i64, i64)]) -> Arc<TableRows> {
    Arc::new(TableRows {
        table: "t".into(),
        series: (0..=u8::MAX).map(|s| format!("{s:03}").into()).collect(),
        series_index: points.iter().map(|p| u32::from(p.0)).collect(),
        times_ns: points.iter().map(|p| p.1).collect(),
        fields: vec![FieldColumn {
            name: "i".into(),
            values: Arc::new(points.iter().map(|p| p.2).collect::<Int64Array>()),
        }],
    })
}

fn schema() -> TableSchema {
    let field = ("i", ColumnKind::Field(FieldType::Integer));
    TableSchema::default().with_columns([field]).unwrap().unwrap()
}

proptest! {
    #[test]
    fn readers_find_the_newest_values(
        writes in prop::collection::vec(
            (prop::collection::vec((0..6_u8, 0..9_i64, 0..100_i64), 1..20), any::<bool>()), 1..20),
    ) {
        let mut buffer = TableBuffer::new(CHUNK_CELLS_MAX);
        let mut model = BTreeMap::new();
        for (n, (points, read)) in writes.iter().enumerate() {
            buffer.push(Sequence(n as u64 + 1), rows(points));
            model.extend(points.iter().map(|(s, t, i)| ((format!("{s:03}"), *t), *i)));
            if !read {
                continue;
            }
            let mut found = BTreeMap::new();
            let chunks = buffer.chunks(&schema()).unwrap();
            prop_assert!(chunks.windows(2).all(|w| w[0].sequence_max < w[1].sequence_min));
            for chunk in chunks {
                chunk.rows().assert_sorted();
                let values = chunk.rows().fields[0].as_primitive::<Int64Type>();
                for run in 0..chunk.rows().runs.len() {
                    let key = chunk.rows().runs[run].key.to_string();
                    found.extend(chunk.rows().run_rows(run)
                        .map(|row| ((key.clone(), chunk.rows().times_ns[row]), values.value(row))));
                }
            }
            prop_assert_eq!(&found, &model);
        }
    }
}

#[test]
fn a_reader_after_every_write_leaves_few_chunks() {
    let mut buffer = TableBuffer::new(CHUNK_CELLS_MAX);
    for n in 0..1_000 {
        buffer.push(Sequence(n as u64 + 1), rows(&[(0, n, n)]));
        buffer.chunks(&schema()).unwrap();
    }
    assert!(buffer.chunks(&schema()).unwrap().len() <= 11, "the sizes of chunks at least halve");
    assert!(!buffer.is_empty());
}

#[test]
fn what_sealing_takes_is_known_before() {
    let mut buffer = TableBuffer::new(CHUNK_CELLS_MAX);
    let push = |buffer: &mut TableBuffer, sequence: u64, row_count: i64| {
        let points: Vec<_> =
            (0..row_count).map(|time_ns| (0, time_ns + 10_000 * sequence as i64, 0)).collect();
        buffer.push(Sequence(sequence), rows(&points));
    };
    assert_eq!(buffer.unsealed_row_count(), 0);
    push(&mut buffer, 1, 100);
    push(&mut buffer, 2, 100);
    assert_eq!(buffer.unsealed_row_count(), 200);
    buffer.chunks(&schema()).unwrap();
    assert_eq!(buffer.unsealed_row_count(), 0);
    // They are merged with the others or not.
    push(&mut buffer, 3, 10);
    assert_eq!(buffer.unsealed_row_count(), 10);
    push(&mut buffer, 4, 100);
    assert_eq!(buffer.unsealed_row_count(), 310);
    buffer.chunks(&schema()).unwrap();
    push(&mut buffer, 5, PENDING_ROWS_MAX as i64 - 200);
    assert_eq!(buffer.unsealed_row_count(), PENDING_ROWS_MAX - 200, "the chunk would be too large");
}

/// Chunks of 2 GiB of texts cannot be made.
#[test]
fn long_texts_become_chunks_of_bounded_size() {
    const TEXT_BYTES: usize = 3 * CHUNK_BYTES_MAX / 8;
    let field = ("s", ColumnKind::Field(FieldType::String));
    let schema = TableSchema::default().with_columns([field]).unwrap().unwrap();
    let text = "x".repeat(TEXT_BYTES);
    let part = |time_ns: i64| TableRows {
        table: "t".into(),
        series: vec!["s".into()],
        series_index: vec![0],
        times_ns: vec![time_ns],
        fields: vec![FieldColumn { name: "s".into(), values: Arc::new(StringArray::from(vec![&*text])) }],
    };
    let mut buffer = TableBuffer::new(CHUNK_CELLS_MAX);
    for time_ns in 0..4 {
        buffer.push(Sequence(time_ns as u64 + 1), Arc::new(part(time_ns)));
    }
    let row_counts = |buffer: &mut TableBuffer| -> Vec<usize> {
        buffer.chunks(&schema).unwrap().iter().map(|chunk| chunk.rows().row_count()).collect()
    };
    assert_eq!(row_counts(&mut buffer), [2, 2], "neither sealed nor merged into one");
}

/// Distinct fields of [`sparse_part`], besides `all`.
const SPARSE_FIELD_COUNT: usize = 2_500;

/// Rows as the line protocol cuts them where each has a field of its own. Each also has the field `all`, with its number over all parts. Of
/// successive parts the last and the first 28 points are the same.
fn sparse_part(part: usize) -> Arc<TableRows> {
    let numbers: Vec<usize> = (part * 128..(part + 1) * 128).collect();
    let own = numbers.iter().map(|number| {
        let value = |other: &usize| (other == number).then_some(*number as i64);
        FieldColumn {
            name: format!("f{}", number % SPARSE_FIELD_COUNT).into(),
            values: Arc::new(numbers.iter().map(value).collect::<Int64Array>()),
        }
    });
    let all: Int64Array = numbers.iter().map(|number| Some(*number as i64)).collect();
    let all = FieldColumn { name: "all".into(), values: Arc::new(all) };
    Arc::new(TableRows {
        table: "t".into(),
        series: vec!["s".into()],
        series_index: vec![0; 128],
        times_ns: (0..128).map(|row| part as i64 * 100 + row).collect(),
        fields: own.chain([all]).collect(),
    })
}

fn sparse_schema() -> TableSchema {
    let names: Vec<String> = (0..SPARSE_FIELD_COUNT).map(|field| format!("f{field}")).collect();
    let names = names.iter().map(String::as_str).chain(["all"]);
    let columns = names.map(|name| (name, ColumnKind::Field(FieldType::Integer)));
    TableSchema::default().with_columns(columns).unwrap().unwrap()
}

/// Values by time and field.
type Values = BTreeMap<(i64, Arc<str>), i64>;

fn add_values(values: &mut Values, times_ns: &[i64], name: &Arc<str>, column: &dyn Array) {
    let column = column.as_primitive::<Int64Type>();
    let valid = (0..column.len()).filter(|row| column.is_valid(*row));
    values.extend(valid.map(|row| ((times_ns[row], name.clone()), column.value(row))));
}

#[test]
fn sparse_rows_become_chunks_of_bounded_size_in_the_order_of_their_arrival() {
    let mut buffer = TableBuffer::new(CHUNK_CELLS_MAX);
    let mut model = Values::new();
    let schema = sparse_schema();
    for part in 0..26 {
        let rows = sparse_part(part);
        for field in &rows.fields {
            add_values(&mut model, &rows.times_ns, &field.name, &field.values);
        }
        // All are parts of one write.
        buffer.push(Sequence(1), rows);
        buffer.seal_full(&schema).unwrap();
    }
    assert_eq!(
        (buffer.chunks.len(), buffer.pending.len()),
        (1, 1),
        "what fills a chunk does not wait for a reader"
    );
    let counted = buffer.memory_bytes();
    let chunks = buffer.chunks(&schema).unwrap().to_vec();
    assert_eq!(chunks.len(), 2, "they are of similar size, but not merged");
    let mut found = Values::new();
    for chunk in &chunks {
        chunk.rows().assert_sorted();
        assert!(chunk.rows().row_count() * chunk.field_names().len() <= CHUNK_CELLS_MAX);
        assert!(chunk.memory_bytes() < 10 * CHUNK_CELLS_MAX);
        for (name, column) in chunk.field_names().iter().zip(&chunk.rows().fields) {
            add_values(&mut found, &chunk.rows().times_ns, name, column);
        }
    }
    assert!(found == model, "as if they were merged by hand");
    let held: usize = chunks.iter().map(|chunk| chunk.memory_bytes()).sum();
    assert_eq!(buffer.memory_bytes(), held);
    assert!(
        held < counted + counted / 10,
        "rows that wait count as what they become: {counted}, then {held}"
    );
}

/// They wait where nobody has sealed what was full.
#[test]
fn several_groups_that_wait_are_sealed_each_by_itself() {
    let mut buffer = TableBuffer::new(CHUNK_CELLS_MAX);
    (0..20).for_each(|part| buffer.push(Sequence(part as u64 + 1), sparse_part(part)));
    assert_eq!(buffer.pending.len(), 2);
    let sequences: Vec<_> = buffer
        .chunks(&sparse_schema())
        .unwrap()
        .iter()
        .map(|chunk| (chunk.sequence_min.0, chunk.sequence_max.0))
        .collect();
    assert_eq!(sequences, [(1, 15), (16, 20)]);
    assert!(buffer.pending.is_empty());
}

#[test]
fn rows_of_few_fields_are_sealed_by_their_number() {
    let mut buffer = TableBuffer::new(CHUNK_CELLS_MAX);
    let part: Vec<(u8, i64, i64)> = (0..1_024).map(|time| (0, time, time)).collect();
    let part = rows(&part);
    for sequence in 1..PENDING_ROWS_MAX as u64 / 1_024 {
        buffer.push(Sequence(sequence), part.clone());
        buffer.seal_full(&schema()).unwrap();
    }
    assert_eq!((buffer.chunks.len(), buffer.pending.len()), (0, 1));
    buffer.push(Sequence(100), part);
    buffer.seal_full(&schema()).unwrap();
    assert_eq!((buffer.chunks.len(), buffer.pending.len()), (1, 0));
    assert_eq!(buffer.memory_bytes(), buffer.chunks[0].memory_bytes());
}

proptest! {
    #[test]
    fn the_memory_is_that_of_the_chunks(
        writes in prop::collection::vec(
            (prop::collection::vec((0..6_u8, 0..9_i64, 0..100_i64), 1..20), any::<bool>()), 1..20),
    ) {
        let mut buffer = TableBuffer::new(CHUNK_CELLS_MAX);
        for (n, (points, is_deletion)) in writes.iter().enumerate() {
            buffer.push(Sequence(n as u64 + 1), rows(points));
            if *is_deletion {
                let times = vec![TimeRange::new(0, 5)];
                buffer.delete(&schema(), &|_| times.clone()).unwrap();
            }
            let held: usize = buffer.chunks(&schema()).unwrap().iter().map(|chunk| chunk.memory_bytes()).sum();
            prop_assert_eq!(buffer.memory_bytes(), held);
        }
    }
}

#[test]
fn fields_that_a_chunk_lacks_share_a_column() {
    let mut buffer = TableBuffer::new(CHUNK_CELLS_MAX);
    buffer.push(Sequence(1), rows(&[(0, 1, 7), (0, 2, 8), (1, 2, 9)]));
    let chunk = buffer.chunks(&schema()).unwrap()[0].within(TimeRange::new(2, 3)).unwrap();
    assert_eq!(&chunk.rows().times_ns[..], [2, 2]);
    let types = [DataType::Utf8, DataType::Int64, DataType::Int64, DataType::Utf8];
    let rows = chunk.project(&["a", "i", "b", "c"], &types);
    rows.assert_sorted();
    assert_eq!(rows.fields.iter().map(|field| field.data_type().clone()).collect::<Vec<_>>(), types);
    assert_eq!(rows.fields.iter().map(|field| field.null_count()).collect::<Vec<_>>(), [2, 0, 2, 2]);
    assert!(Arc::ptr_eq(&rows.fields[0], &rows.fields[3]));
}

/// Searching for each by itself would take minutes.
#[test]
fn tens_of_thousands_of_fields_are_found_when_chunks_are_merged_and_read() {
    const FIELDS: usize = 100_000;
    let names: Vec<String> = (0..FIELDS).map(|field| format!("f{field}")).collect();
    let columns = names.iter().map(|name| (name.as_str(), ColumnKind::Field(FieldType::Integer)));
    let schema = TableSchema::default().with_columns(columns).unwrap().unwrap();
    let row = |time: i64| {
        let field = |(field, name): (usize, &String)| FieldColumn {
            name: name.as_str().into(),
            values: Arc::new(Int64Array::from(vec![time * FIELDS as i64 + field as i64])),
        };
        Arc::new(TableRows {
            table: "t".into(),
            series: vec!["s".into()],
            series_index: vec![0],
            times_ns: vec![time],
            fields: names.iter().enumerate().map(field).collect(),
        })
    };
    let mut buffer = TableBuffer::new(CHUNK_CELLS_MAX);
    for time in 0..2 {
        buffer.push(Sequence(time as u64 + 1), row(time));
        buffer.chunks(&schema).unwrap();
    }
    let chunks = buffer.chunks(&schema).unwrap();
    assert_eq!(chunks.len(), 1, "they are merged");
    let read = chunks[0].project(&names, &vec![DataType::Int64; FIELDS]);
    for (field, column) in read.fields.iter().enumerate() {
        let expected = [0, 1].map(|time| time * FIELDS as i64 + field as i64);
        assert_eq!(column.as_primitive::<Int64Type>().values(), &expected);
    }
}
