//! How long a start takes when the manifest names many data files. `cargo bench --bench startup`.
//!
//! The manifest is made through the engine's own types, by edits of [`EDIT_FILES`] files: first as many as fill checkpoints,
//! then nearly as many as opening has to read one by one. The files themselves are not there: a start that asks for one fails.
//!
//! | start | what |
//! |---|---|
//! | `writer` | the manifest is read and opened for writing, an empty log replayed |
//! | `reader` | a server that only reads: the manifest is read |
//! | `follower` | an edit of another process is taken in by a reader that runs |
//!
//! Each on a local folder and in memory behind [`LATENCY`], as an object store far away has it. Medians of several starts.
//!
//! `TIDEGAUGE_BENCH_FILES` sets the number of files (10,000), `TIDEGAUGE_BENCH_TABLES` that of tables (200).

use object_store::memory::InMemory;
use object_store::throttle::{ThrottleConfig, ThrottledStore};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tidegauge::clock::{Clock, ManualClock};
use tidegauge::engine::{Engine, EngineOptions};
use tidegauge::manifest::{Manifest, ManifestOptions};
use tidegauge::model::change::Change;
use tidegauge::model::database::{DatabaseInfo, PolicyInfo, TableInfo};
use tidegauge::model::file::{FileEnd, FileMeta};
use tidegauge::model::ids::{DatabaseId, PolicyId, Sequence, TableId};
use tidegauge::model::schema::{ColumnKind, TableSchema};
use tidegauge::model::time::{DAY_NS, TimeRange};
use tidegauge::model::value::FieldType;
use tidegauge::object::{Store, StoreOptions, layout};
use tokio::runtime::Runtime;

/// The server's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const DATABASES: usize = 4;
const TAGS: [&str; 4] = ["datacenter", "hostname", "rack", "region"];
const FIELDS: usize = 10;
/// Values that a tag has in a file, of those tags that have few.
const TAG_VALUES: usize = 20;
/// Files that one edit adds.
const EDIT_FILES: usize = 51;
/// What each request of a store takes that is far away.
const LATENCY: Duration = Duration::from_millis(20);
/// Starts of each kind.
const STARTS: usize = 7;

fn number_of(variable: &str, default: usize) -> usize {
    let Ok(text) = std::env::var(variable) else { return default };
    text.parse().ok().filter(|number| *number > 0).unwrap_or_else(|| panic!("{variable} is a number above 0"))
}

fn id(number: usize) -> u32 {
    u32::try_from(number).expect("a small number")
}

fn database_of(table: usize) -> usize {
    table % DATABASES
}

/// The databases, each with a policy, and the tables.
fn catalog(table_count: usize) -> Vec<Change> {
    let tags = TAGS.map(|tag| (tag.to_owned(), ColumnKind::Tag));
    let fields = (0..FIELDS).map(|field| (format!("usage_{field}"), ColumnKind::Field(FieldType::Float)));
    let columns: Vec<_> = tags.into_iter().chain(fields).collect();
    let columns = columns.iter().map(|(name, kind)| (name.as_str(), *kind));
    let schema = TableSchema::default().with_columns(columns).expect("no conflict").expect("new columns");
    let schema = Arc::new(schema);
    let databases = (0..DATABASES).flat_map(|database| {
        let name: Arc<str> = format!("database_{database}").into();
        let policy = PolicyInfo {
            id: PolicyId(id(database)),
            database: DatabaseId(id(database)),
            name: "autogen".into(),
            duration_ns: 0,
            shard_duration_ns: 7 * DAY_NS,
            replica_n: 1,
            future_limit_ns: 0,
            past_limit_ns: 0,
        };
        let info = DatabaseInfo { id: DatabaseId(id(database)), name, default_policy: "autogen".into() };
        [Change::CreateDatabase(Arc::new(info)), Change::PutPolicy(Arc::new(policy))]
    });
    let tables = (0..table_count).map(|table| {
        Change::PutTable(Arc::new(TableInfo {
            id: TableId(id(table)),
            database: DatabaseId(id(database_of(table))),
            policy: PolicyId(id(database_of(table))),
            name: format!("measurement_{table}").into(),
            schema: schema.clone(),
        }))
    });
    databases.chain(tables).collect()
}

/// The entry of file `number`: a day of its table, with what a flush notes of it.
fn file(number: usize, table_count: usize) -> FileMeta {
    let (table, day) = (number % table_count, (number / table_count) as i64);
    let database = id(database_of(table));
    let window = TimeRange::new(day * DAY_NS, (day + 1) * DAY_NS);
    let key = |host: usize| -> Arc<str> { format!("datacenter=eu-central-1a,hostname=host_{host}").into() };
    let values = |tag: &str| (0..TAG_VALUES).map(|value| format!("{tag}_{value:02}").into()).collect();
    let fields = (0..FIELDS).map(|field| format!("usage_{field}").into());
    FileMeta {
        path: layout::new_data_file(
            DatabaseId(database),
            PolicyId(database),
            TableId(id(table)),
            window.start_ns,
        )
        .into(),
        table: TableId(id(table)),
        window,
        time_range: window,
        series_min: key(0),
        series_max: key(999),
        series_count: 1_000,
        row_count: 8_640_000,
        size_bytes: 100 << 20,
        sequence_min: Sequence(number as u64 + 1),
        sequence_max: Sequence(number as u64 + 1),
        level: 1,
        created_ns: window.end_ns,
        purged: Vec::new(),
        columns: TAGS.iter().map(|tag| (*tag).into()).chain(fields).collect(),
        tag_values: ["datacenter", "rack", "region"].map(|tag| (tag.into(), values(tag))).into(),
        end: Some(FileEnd { bytes: 100_000, crc32c: 1 }),
    }
}

/// Writes the manifest of a store.
async fn fill(store: &Store, clock: &Arc<dyn Clock>, file_count: usize, table_count: usize) {
    let options = ManifestOptions::new(clock.clone());
    let (manifest, _) = Manifest::open(store.clone(), options).await.expect("the store is empty");
    let commit = async |changes| {
        manifest.commit(changes, |_| Ok::<_, Infallible>(())).await.expect("they fit");
        // Checkpoints are written where they fall due, and not later.
        manifest.close().await;
    };
    commit(catalog(table_count)).await;
    let numbers: Vec<usize> = (0..file_count).collect();
    for numbers in numbers.chunks(EDIT_FILES) {
        let files = numbers.iter().map(|number| Change::AddFile(Arc::new(file(*number, table_count))));
        commit(files.collect()).await;
    }
}

/// The median of several times, and the longest.
fn report(what: &str, mut measure: impl FnMut() -> Duration) {
    let mut times: Vec<Duration> = (0..STARTS).map(|_| measure()).collect();
    times.sort_unstable();
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    println!("{what:24} {:9.1} ms, at most {:9.1} ms", ms(times[STARTS / 2]), ms(times[STARTS - 1]));
}

fn measure(runtime: &Runtime, name: &str, store: &Store, clock: &Arc<dyn Clock>, file_count: usize) {
    let options = |folder: &std::path::Path| {
        let mut options = EngineOptions::new(folder.join("wal"));
        options.wal.disk_low_water_bytes = 0;
        options.upkeep_interval = None;
        options.follow_interval = None;
        options
    };
    report(&format!("{name}/reader"), || {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("the folder can be made");
        let start = Instant::now();
        let opening = Engine::open_read_only(options(folder.path()), store.clone(), clock.clone());
        let engine = runtime.block_on(opening).expect("the manifest is whole");
        let time = start.elapsed();
        assert_eq!(engine.status().file_count, file_count);
        time
    });
    report(&format!("{name}/writer"), || {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("the folder can be made");
        let start = Instant::now();
        let opening = Engine::open(options(folder.path()), store.clone(), clock.clone());
        let engine = runtime.block_on(opening).expect("the manifest is whole");
        let time = start.elapsed();
        assert_eq!(engine.status().file_count, file_count);
        runtime.block_on(engine.shutdown()).expect("there is nothing to flush");
        time
    });
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("the folder can be made");
    let opening = Engine::open(options(folder.path()), store.clone(), clock.clone());
    let writer = runtime.block_on(opening).expect("the manifest is whole");
    let opening = Engine::open_read_only(options(folder.path()), store.clone(), clock.clone());
    let reader = runtime.block_on(opening).expect("the manifest is whole");
    let mut number = 0;
    report(&format!("{name}/follower"), || {
        number += 1;
        runtime.block_on(writer.create_database(&format!("new_{number}"), None)).expect("the name will do");
        let start = Instant::now();
        assert!(runtime.block_on(reader.refresh()).expect("the edit is whole"));
        start.elapsed()
    });
    runtime.block_on(writer.shutdown()).expect("there is nothing to flush");
}

fn main() {
    // `cargo test --benches` only wants to know that it runs.
    let default = if std::env::args().any(|argument| argument == "--test") { 400 } else { 10_000 };
    let file_count = number_of("TIDEGAUGE_BENCH_FILES", default);
    let table_count = number_of("TIDEGAUGE_BENCH_TABLES", 200);
    let runtime = Runtime::new().expect("threads can be had");
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(0));
    println!("{file_count} files in {table_count} tables of {DATABASES} databases");

    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("the folder can be made");
    let url = folder.path().join("store").into_os_string().into_string().expect("the path is UTF-8");
    let local = Store::open(&StoreOptions::new(url)).expect("the store opens");
    runtime.block_on(fill(&local, &clock, file_count, table_count));
    measure(&runtime, "local", &local, &clock, file_count);

    let memory = ThrottledStore::new(InMemory::new(), ThrottleConfig::default());
    let memory = Arc::new(memory);
    let far = Store::from_object_store(memory.clone(), "far away");
    runtime.block_on(fill(&far, &clock, file_count, table_count));
    memory.config_mut(|config| {
        config.wait_get_per_call = LATENCY;
        config.wait_put_per_call = LATENCY;
        config.wait_list_per_call = LATENCY;
        config.wait_delete_per_call = LATENCY;
    });
    measure(&runtime, "far", &far, &clock, file_count);
}
