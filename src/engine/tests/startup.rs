//! What a start asks the store for: the manifest, and no data file.

use super::options;
use crate::clock::ManualClock;
use crate::engine::Engine;
use crate::manifest::{Manifest, ManifestOptions};
use crate::model::change::Change;
use crate::model::database::{DatabaseInfo, PolicyInfo, TableInfo};
use crate::model::file::FileMeta;
use crate::model::ids::{DatabaseId, PolicyId, Sequence, TableId};
use crate::model::schema::{ColumnKind, TableSchema};
use crate::model::time::{DAY_NS, TimeRange};
use crate::model::value::FieldType;
use crate::object::faulty_store::{Fault, FaultyStore};
use crate::object::{Store, layout};
use object_store::memory::InMemory;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

const TABLES: u32 = 5;
const FILES: u32 = 300;
const EDITS: u64 = 30;

fn file(number: u32) -> FileMeta {
    let (table, day) = (TableId(number % TABLES), i64::from(number / TABLES));
    let window = TimeRange::new(day * DAY_NS, (day + 1) * DAY_NS);
    let path = layout::new_data_file(DatabaseId(0), PolicyId(0), table, window.start_ns);
    FileMeta {
        path: path.into(),
        table,
        window,
        time_range: window,
        series_min: "host=a".into(),
        series_max: "host=b".into(),
        series_count: 2,
        row_count: 10,
        size_bytes: 1_000,
        sequence_min: Sequence(u64::from(number) + 1),
        sequence_max: Sequence(u64::from(number) + 1),
        level: 0,
        created_ns: 0,
        purged: Vec::new(),
        columns: vec!["host".into(), "f".into()],
        tag_values: BTreeMap::new(),
        end: None,
    }
}

/// A manifest that names files which are not there, in a checkpoint and in edits after it.
async fn manifest_of_many_files() -> Arc<InMemory> {
    let inner = Arc::new(InMemory::new());
    let store = Store::from_object_store(inner.clone(), "memory");
    let options =
        ManifestOptions { checkpoint_edits: 20, ..ManifestOptions::new(Arc::new(ManualClock::new(0))) };
    let (manifest, _) = Manifest::open(store, options).await.unwrap();
    let commit = async |changes| {
        manifest.commit(changes, |_| Ok::<_, Infallible>(())).await.unwrap();
        manifest.close().await;
    };
    let columns = [("host", ColumnKind::Tag), ("f", ColumnKind::Field(FieldType::Float))];
    let schema = Arc::new(TableSchema::default().with_columns(columns).unwrap().unwrap());
    let database = DatabaseInfo { id: DatabaseId(0), name: "db".into(), default_policy: "autogen".into() };
    let policy = PolicyInfo {
        id: PolicyId(0),
        database: DatabaseId(0),
        name: "autogen".into(),
        duration_ns: 0,
        shard_duration_ns: DAY_NS,
        replica_n: 1,
        future_limit_ns: 0,
        past_limit_ns: 0,
    };
    let table = |id| TableInfo {
        id: TableId(id),
        database: DatabaseId(0),
        policy: PolicyId(0),
        name: format!("m{id}").into(),
        schema: schema.clone(),
    };
    let catalog = [Change::CreateDatabase(Arc::new(database)), Change::PutPolicy(Arc::new(policy))];
    commit(catalog.into_iter().chain((0..TABLES).map(|id| Change::PutTable(Arc::new(table(id))))).collect())
        .await;
    for numbers in (0..FILES).collect::<Vec<_>>().chunks((FILES as usize) / EDITS as usize) {
        commit(numbers.iter().map(|number| Change::AddFile(Arc::new(file(*number)))).collect()).await;
    }
    inner
}

#[tokio::test]
async fn a_start_reads_the_manifest_and_no_data_file() {
    let inner = manifest_of_many_files().await;
    for is_read_only in [true, false] {
        let faulty = FaultyStore::new(inner.clone());
        let asked: Arc<Mutex<Vec<(String, String)>>> = Arc::default();
        let noted = asked.clone();
        faulty.plan(move |operation, path| {
            noted.lock().push((operation.to_owned(), path.to_owned()));
            Fault::None
        });
        let store = Store::from_object_store(Arc::new(faulty), "counted");
        let directory = tempfile::tempdir().unwrap();
        let (options, clock) = (options(directory.path()), Arc::new(ManualClock::new(0)));
        let engine = match is_read_only {
            true => Engine::open_read_only(options, store, clock).await.unwrap(),
            false => Engine::open(options, store, clock).await.unwrap(),
        };
        // What is known of the data without reading it is known then.
        assert_eq!(engine.status().file_count, FILES as usize);
        assert_eq!(engine.visible_state().await.unwrap().tables().count(), TABLES as usize);
        let view = engine.read_view(TableId(0)).unwrap().unwrap();
        assert_eq!(view.row_count_max(), u64::from(FILES / TABLES) * 10);
        let policy = engine.state().policies_of(DatabaseId(0))[0].id;
        assert_eq!(engine.shards(policy).await.unwrap().len(), (FILES / TABLES) as usize);

        let asked = asked.lock().clone();
        let of_data: Vec<_> =
            asked.iter().filter(|(_, path)| path.starts_with(layout::DATA_FOLDER)).collect();
        assert!(of_data.is_empty(), "{of_data:?}");
        let reads = asked.iter().filter(|(operation, _)| operation == "get").count() as u64;
        // The checkpoint after edit 20, those of the 32 edits after it, and what looks whether there are more.
        assert!((10..=EDITS).contains(&reads), "{reads}: {asked:?}");
        assert!(asked.len() < 2 * EDITS as usize, "{asked:?}");
    }
}
