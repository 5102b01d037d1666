//! What was written is what is read, whole and in parts.

use super::checksums::{BLOCK_BYTES, BodyChecksums};
use super::{FileError, FileSpec, FileWriter, ParquetFile, ReaderCache, WrittenFile, check_bytes};
use crate::merge::{SeriesRun, SortedRows};
use crate::model::file::FileMeta;
use crate::model::ids::{Sequence, TableId};
use crate::model::limits::ROW_GROUP_ROWS;
use crate::model::schema::{ColumnKind, TableSchema};
use crate::model::series_key;
use crate::model::time::TimeRange;
use crate::model::value::FieldType;
use crate::object::Store;
use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray, UInt64Array};
use arrow::datatypes::DataType;
use futures::TryStreamExt;
use object_store::memory::InMemory;
use object_store::{ObjectStore, ObjectStoreExt};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

const FIELDS: [(&str, FieldType); 5] = [
    ("b", FieldType::Boolean),
    ("f", FieldType::Float),
    ("i", FieldType::Integer),
    ("s", FieldType::String),
    ("u", FieldType::Unsigned),
];

fn schema() -> TableSchema {
    let tags = [("host", ColumnKind::Tag), ("f", ColumnKind::Tag)];
    let fields = FIELDS.map(|(name, t)| (name, ColumnKind::Field(t)));
    TableSchema::default().with_columns(fields.into_iter().chain(tags)).unwrap().unwrap()
}

/// `series` series of `points` points each, a second apart.
fn sample(series: usize, points: usize) -> SortedRows {
    let rows = series * points;
    let n = || 0..i64::try_from(rows).unwrap();
    let present = |i: &i64| i % 3 != 0;
    let fields: Vec<ArrayRef> = vec![
        Arc::new(n().map(|i| Some(i % 2 == 0)).collect::<BooleanArray>()),
        Arc::new(n().map(|i| present(&i).then_some(i as f64 * 0.1)).collect::<Float64Array>()),
        Arc::new(n().map(|i| Some(-i)).collect::<Int64Array>()),
        Arc::new(n().map(|i| present(&i).then(|| format!("text {}", i % 7))).collect::<StringArray>()),
        Arc::new(n().map(|i| Some(u64::MAX - i.unsigned_abs())).collect::<UInt64Array>()),
    ];
    let key = |s: usize| series_key::encode([("host", format!("host {s:05}"))]).into();
    SortedRows {
        runs: (0..series).map(|s| SeriesRun { key: key(s), end_row: ((s + 1) * points) as u32 }).collect(),
        times_ns: n().map(|i| (i % points as i64) * 1_000_000_000).collect(),
        fields,
    }
}

fn write(rows: &SortedRows) -> WrittenFile {
    let spec = FileSpec {
        path: "data/f.parquet".into(),
        table: TableId(1),
        window: TimeRange::new(0, i64::MAX),
        sequences: (Sequence(1), Sequence(9)),
        level: 0,
        purged: Vec::new(),
        created_ns: 0,
        row_group_rows: ROW_GROUP_ROWS,
        columns: schema().columns().to_vec(),
        zstd_level: 1,
    };
    let mut writer = FileWriter::new(spec);
    for start in (0..rows.row_count()).step_by(1_000) {
        writer.write(&rows.slice(start..(start + 1_000).min(rows.row_count()))).unwrap();
    }
    writer.finish().unwrap().expect("rows were written")
}

async fn open(file: WrittenFile) -> ParquetFile {
    let store = Arc::new(InMemory::new());
    let path = object_store::path::Path::from(file.meta.path.as_ref());
    store.put(&path, file.bytes.into()).await.unwrap();
    ParquetFile::open(Arc::new(file.meta), store as Arc<dyn ObjectStore>, path, &ReaderCache::new(1 << 20))
        .await
        .unwrap()
}

/// All rows of `selection`, in one piece per batch.
async fn read(
    file: &ParquetFile,
    row_group: usize,
    selection: Vec<Range<usize>>,
    times: TimeRange,
) -> Vec<SortedRows> {
    let fields =
        FIELDS.iter().map(|(n, t)| ((*n).into(), t.data_type())).chain([("gone".into(), DataType::Int64)]);
    let series = file.series(row_group).await.unwrap();
    let rows = file.rows(row_group, series, selection, times, fields.collect()).unwrap();
    rows.try_collect().await.unwrap()
}

#[tokio::test]
async fn all_rows_read_back() {
    let rows = sample(40, 5_000);
    let written = write(&rows);
    let meta = &written.meta;
    assert_eq!((meta.row_count, meta.series_count), (200_000, 40));
    assert_eq!(meta.time_range, TimeRange::new(0, 4_999_000_000_001));
    assert_eq!(meta.series_max, rows.runs[39].key);
    assert_eq!(meta.columns.iter().map(AsRef::as_ref).collect::<Vec<_>>(), ["host", "b", "f", "i", "s", "u"]);
    assert_eq!(meta.tag_values["host"].len(), 40);
    assert_eq!(meta.tag_values["f::tag"], ["".into()]);

    let file = open(written).await;
    assert_eq!(file.row_group_count(), 2);
    let mut at = 0;
    for group in 0..2 {
        let group_rows = file.series(group).await.unwrap().last().unwrap().end_row as usize;
        let all = std::iter::once(0..group_rows).collect();
        for part in read(&file, group, all, TimeRange::ALL).await {
            part.assert_sorted();
            let expected = rows.slice(at..at + part.row_count());
            assert_eq!(part.runs, expected.runs);
            assert_eq!(part.times_ns, expected.times_ns);
            assert_eq!(part.fields[..5], expected.fields);
            assert_eq!(part.fields[5].null_count(), part.row_count());
            at += part.row_count();
        }
    }
    assert_eq!(at, rows.row_count());
}

#[tokio::test]
async fn a_selection_gives_those_rows_cut_to_the_times() {
    use arrow::array::Array;
    let rows = sample(30, 1_000);
    let file = open(write(&rows)).await;
    // Parts of series 2 and 3, all of series 20; of these the times 100 s to 1,000 s.
    let selection = vec![2_500..3_050, 20_000..21_000];
    let times = TimeRange::new(100_000_000_000, 1_000_000_000_000);
    let parts = read(&file, 0, selection, times).await;
    let found: Vec<(String, i64)> = parts
        .iter()
        .flat_map(|p| {
            (0..p.runs.len())
                .flat_map(move |r| p.run_rows(r).map(move |row| (p.runs[r].key.to_string(), p.times_ns[row])))
        })
        .collect();
    let expected: Vec<(String, i64)> = [(2, 500..1_000), (20, 100..1_000)]
        .into_iter()
        .flat_map(|(s, t)| {
            t.map(move |t| (series_key::encode([("host", format!("host {s:05}"))]), t * 1_000_000_000))
        })
        .collect();
    assert_eq!(found, expected);
    assert!(parts.iter().all(|p| p.fields[2].null_count() == 0));
}

#[tokio::test]
async fn a_file_that_is_not_what_the_manifest_says_is_refused() {
    let mut written = write(&sample(1, 10));
    written.meta.row_count = 11;
    let store = Arc::new(InMemory::new());
    let path = object_store::path::Path::from("data/f.parquet");
    store.put(&path, written.bytes.into()).await.unwrap();
    let error =
        ParquetFile::open(Arc::new(written.meta), store, path, &ReaderCache::new(1 << 20)).await.unwrap_err();
    assert_eq!(error.to_string(), "data/f.parquet is damaged: it has 10 rows instead of 11");
}

/// All rows of a file in one piece, or why they cannot be read.
async fn read_all(meta: &FileMeta, bytes: Vec<u8>) -> Result<Vec<SortedRows>, FileError> {
    let store = Arc::new(InMemory::new());
    let path = object_store::path::Path::from(meta.path.as_ref());
    store.put(&path, bytes.into()).await.unwrap();
    read_all_of(meta, store).await
}

async fn read_all_of(meta: &FileMeta, store: Arc<dyn ObjectStore>) -> Result<Vec<SortedRows>, FileError> {
    let path = object_store::path::Path::from(meta.path.as_ref());
    let file = ParquetFile::open(Arc::new(meta.clone()), store, path, &ReaderCache::new(1 << 20)).await?;
    let fields: Arc<[_]> = FIELDS.iter().map(|(n, t)| ((*n).into(), t.data_type())).collect();
    let mut parts = Vec::new();
    for group in 0..file.row_group_count() {
        let series = file.series(group).await?;
        let all = std::iter::once(0..file.row_group_row_count(group)).collect();
        let rows = file.rows(group, series, all, TimeRange::ALL, fields.clone())?;
        parts.extend(rows.try_collect::<Vec<_>>().await?);
    }
    Ok(parts)
}

#[tokio::test]
async fn a_changed_byte_anywhere_is_found_and_the_file_named() {
    let WrittenFile { bytes, meta } = write(&sample(3, 20));
    assert!(check_bytes(&meta, &bytes).is_ok());
    assert!(!read_all(&meta, bytes.clone()).await.unwrap().is_empty());
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        let found = check_bytes(&meta, &changed).unwrap_err().to_string();
        assert!(found.contains("data/f.parquet"), "byte {at}: {found}");
        match read_all(&meta, changed).await {
            Err(error) => assert!(error.to_string().contains("data/f.parquet"), "byte {at}: {error}"),
            Ok(rows) => panic!("byte {at}: {} parts", rows.len()),
        }
    }
}

#[tokio::test]
async fn what_a_cache_has_wrongly_is_read_again() {
    let WrittenFile { bytes, meta } = write(&sample(3, 20));
    let path = object_store::path::Path::from(meta.path.as_ref());
    for at in [0, bytes.len() / 2, bytes.len() - 20] {
        let inner = Arc::new(InMemory::new());
        let cached = Store::from_object_store(inner.clone(), "far").cached(1 << 20);
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        // What is written through the cache is kept there.
        cached.object_store().put(&path, changed.into()).await.unwrap();
        inner.put(&path, bytes.clone().into()).await.unwrap();
        for _ in 0..2 {
            let parts = read_all_of(&meta, cached.object_store()).await.unwrap();
            assert_eq!(parts.iter().map(SortedRows::row_count).sum::<usize>(), 60, "byte {at}");
        }
    }
}

#[tokio::test]
async fn blocks_are_checked_wherever_a_selection_begins_and_ends() {
    let mut rows = sample(30, 4_000);
    // Numbers that cannot be compressed.
    let numbers = (1..=120_000_i64).map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15_u64 as i64).rotate_left(29));
    rows.fields[2] = Arc::new(numbers.map(|i| i.wrapping_mul(i)).collect::<Int64Array>());
    let WrittenFile { bytes, meta } = write(&rows);
    let body = bytes.len() - usize::try_from(meta.end.unwrap().bytes).unwrap();
    assert!(body > 4 * BLOCK_BYTES as usize, "several blocks, and the last is shorter: {body} bytes");
    let all = read_all(&meta, bytes.clone()).await.unwrap();
    assert_eq!(all.iter().map(SortedRows::row_count).sum::<usize>(), rows.row_count());
    let file = open(WrittenFile { bytes: bytes.clone(), meta: meta.clone() }).await;
    for start in (0..rows.row_count() - 700).step_by(9_973) {
        let parts = read(&file, 0, vec![start..start + 7, start + 500..start + 700], TimeRange::ALL).await;
        let times: Vec<i64> = parts.iter().flat_map(|part| part.times_ns.to_vec()).collect();
        let expected = [&rows.times_ns[start..start + 7], &rows.times_ns[start + 500..start + 700]].concat();
        assert_eq!(times, expected, "from row {start}");
    }
    for at in (0..bytes.len()).step_by(4_999) {
        let mut changed = bytes.clone();
        changed[at] ^= 0x10;
        assert!(check_bytes(&meta, &changed).is_err(), "byte {at}");
    }
}

#[tokio::test]
async fn a_file_without_checksums_is_read_as_it_is() {
    let WrittenFile { bytes, meta } = write(&sample(3, 20));
    let meta = FileMeta { end: None, ..meta };
    assert_eq!(read_all(&meta, bytes).await.unwrap().iter().map(SortedRows::row_count).sum::<usize>(), 60);
}

#[test]
fn checksums_are_read_as_they_are_written() {
    for bytes in [0, 1, 16_383, 16_384, 16_385, 200_000] {
        let body: Vec<u8> = (0..bytes).map(|at| (at % 251) as u8).collect();
        let mut checksums = BodyChecksums::default();
        checksums.append(&body);
        let mut in_parts = BodyChecksums::default();
        body.chunks(50_000).for_each(|part| in_parts.append(part));
        assert_eq!(in_parts, checksums);
        let text = checksums.encode();
        assert_eq!(BodyChecksums::decode(&text, bytes as u64), Some(checksums.clone()));
        assert_eq!(BodyChecksums::decode(&text, bytes as u64 + BLOCK_BYTES), None);
        assert_eq!(BodyChecksums::decode(&format!("{text}0"), bytes as u64), None);
        assert_eq!(checksums.check(0, &body), Ok(()));
    }
    for text in
        ["", "crc32c", "crc32c 16384", "crc32c 1024 00000000", "crc32c 16384 0000000g", "crc32c 16384 öööö"]
    {
        assert_eq!(BodyChecksums::decode(text, 10), None, "{text}");
    }
    let older = BodyChecksums::decode("crc32c 65536 0011aaff", 60_000).unwrap();
    assert_eq!(older.blocks_around(&(20_000..20_001)), 0..60_000, "blocks of 64 KiB");
}

#[tokio::test]
async fn pages_of_other_times_are_left_out_and_no_row_is_missed() {
    let rows = sample(2, 60_000);
    let file = open(write(&rows)).await;
    assert_eq!(file.row_group_count(), 1);
    let second = 1_000_000_000;
    for (start, end) in
        [(0, 1), (59_999, 60_000), (20_000, 20_100), (16_000, 17_000), (0, 60_000), (70_000, 80_000)]
    {
        let times = TimeRange::new(start * second, end * second);
        let near = file.rows_near(0, vec![0..50_000, 60_000..120_000], times);
        let near_count: usize = near.iter().map(Range::len).sum();
        assert!(near_count <= 4 * 16_384 || end - start == 60_000, "{start}: {near_count} rows");
        let found: Vec<i64> =
            read(&file, 0, near, times).await.iter().flat_map(|r| r.times_ns.to_vec()).collect();
        let wanted = (0..50_000).chain(60_000..120_000).map(|row| rows.times_ns[row]);
        assert_eq!(found, wanted.filter(|time| times.contains(*time)).collect::<Vec<_>>(), "{start}");
    }
    let everything = file.rows_near(0, vec![5..7, 9..10], TimeRange::ALL);
    assert_eq!(everything, [5..7, 9..10]);
}

#[tokio::test]
async fn the_index_of_a_tag_gives_the_row_groups_of_each_value() {
    let mut rows = sample(400, 1_000);
    let key = |number: usize| {
        let (dc, host) = (number / 100, number % 7);
        series_key::encode([
            ("dc", dc.to_string()),
            ("host", host.to_string()),
            ("n", format!("{number:03}")),
        ])
    };
    for (number, run) in rows.runs.iter_mut().enumerate() {
        run.key = key(number).into();
    }
    rows.runs.sort_by(|a, b| a.key.cmp(&b.key));
    for (run, end_row) in rows.runs.iter_mut().zip((1_000..).step_by(1_000)) {
        run.end_row = end_row;
    }
    let file = open(write(&rows)).await;
    assert_eq!(file.row_group_count(), 4);
    for tag in ["dc", "host", "n", "none"] {
        let index = file.tag_index(&tag.into()).await.unwrap().expect("few values");
        let mut expected: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for group in 0..file.row_group_count() {
            for run in file.series(group).await.unwrap().iter() {
                let value = series_key::decode(&run.key).find(|(name, _)| name == tag);
                let groups = value.map(|(_, value)| expected.entry(value.into_owned()).or_default());
                groups.into_iter().filter(|groups| groups.last() != Some(&group)).for_each(|g| g.push(group));
            }
        }
        for (value, groups) in &expected {
            assert_eq!(index.row_groups(value).collect::<Vec<_>>(), *groups, "{tag} {value}");
        }
        assert_eq!(index.row_groups("no value").next(), None);
        assert_eq!(expected.is_empty(), tag == "none");
    }
}
