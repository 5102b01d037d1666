//! One byte of one file is changed: every answer is right or names the file, start-up tells what it found, and nothing
//! is missing in silence.

use super::faulty_files::FaultyDisk;
use super::faulty_store::FaultyStore;
use super::model::{Effect, Policy, Selection, Tables, difference, table_names};
use super::query;
use super::reader::{DATABASE, read_all};
use super::request::request;
use super::run::{deletions, folder_in_memory, options};
use super::steps::{START_NS, Steps};
use crate::environment;
use crate::random::Choices;
use fastrand::Rng;
use futures::TryStreamExt;
use object_store::{ObjectStore, ObjectStoreExt};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use tidegauge::clock::ManualClock;
use tidegauge::engine::{Engine, EngineStatus, PolicySpec};
use tidegauge::object::Store;

/// Databases that bytes are changed in, each made from a seed of its own.
const DATABASES_DEFAULT: u64 = 8;

/// Bytes that are changed of each kind of file, one after the other, in each database.
const CHANGES: usize = 6;

/// Kinds of files, by how their paths begin.
const KINDS: [&str; 5] = ["data/", "manifest/log/", "manifest/checkpoint/", "manifest/latest", "wal/"];

#[tokio::test]
async fn a_changed_byte_is_found_or_does_no_harm() {
    let count = environment::number("TIDEGAUGE_DAMAGE_DATABASES", DATABASES_DEFAULT);
    for seed in 1..=count {
        let original = Original::new(seed).await;
        let mut random = Rng::with_seed(seed);
        for kind in KINDS {
            let has_bytes = |(path, bytes): &(&String, &Vec<u8>)| path.starts_with(kind) && !bytes.is_empty();
            let paths: Vec<&String> = original.files.iter().filter(has_bytes).map(|(path, _)| path).collect();
            assert!(!paths.is_empty(), "there are files of each kind");
            for _ in 0..CHANGES {
                let path = random.pick(&paths);
                let at = random.usize(..original.files[path].len());
                let change = Change { path, at, bit: 1 << random.u8(..8) };
                original.check(&change).await;
            }
        }
    }
}

/// A bit that is turned over.
#[derive(Debug)]
struct Change<'a> {
    path: &'a str,
    at: usize,
    bit: u8,
}

/// Everything that a killed server left behind, and what it should answer.
struct Original {
    /// The bytes of all objects and of the log's files, whose paths begin with `wal/`.
    files: BTreeMap<String, Vec<u8>>,
    /// What was done, in this order.
    effects: Vec<Effect>,
}

/// What a server answers.
struct Answer {
    status: EngineStatus,
    /// What was asked for, and its rows or why there are none: everything as files and chunks have it, and then table by
    /// table by InfluxQL.
    rows: Vec<(Selection, Result<Tables, String>)>,
}

impl Original {
    async fn new(seed: u64) -> Self {
        let folder = folder_in_memory();
        let (disk, store) = (FaultyDisk::new(Rng::with_seed(seed)), FaultyStore::new(seed));
        let mut steps = Steps::new(Rng::with_seed(seed));
        let engine = Engine::open(options(folder.path(), &disk), store.connect(), clock()).await.unwrap();
        engine.create_database(DATABASE, None).await.unwrap();
        engine.create_policy(DATABASE, Policy::Short.name(), PolicySpec::default(), false).await.unwrap();
        let mut effects = Vec::new();
        for round in 0..6 {
            for _ in 0..8 {
                let batch = steps.batch();
                engine.write(request(&batch)).await.unwrap();
                effects.push(Effect::Write(batch));
            }
            if round < 5 {
                engine.flush().await.unwrap();
                let selection = steps.selection();
                engine.delete(&deletions(&engine, &selection)).await.unwrap();
                effects.push(Effect::Delete(selection));
            }
        }
        // What the manifest does in the background has time to end; then the process is killed.
        for _ in 0..100 {
            tokio::task::spawn_blocking(|| {}).await.unwrap();
            tokio::task::yield_now().await;
        }
        store.crash();
        disk.crash(false);
        drop(engine);

        let mut files = BTreeMap::new();
        for meta in store.objects().list(None).try_collect::<Vec<_>>().await.unwrap() {
            let bytes = store.objects().get(&meta.location).await.unwrap().bytes().await.unwrap();
            files.insert(meta.location.to_string(), bytes.to_vec());
        }
        for entry in std::fs::read_dir(folder.path().join("wal")).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            // The id of the log stands in the name of a file without bytes.
            if name.ends_with(".wal") || name.ends_with(".id") {
                files.insert(format!("wal/{name}"), std::fs::read(entry.path()).unwrap());
            }
        }
        Self { files, effects }
    }

    /// What the rows are when `effects` were done.
    fn expected<'a>(effects: impl IntoIterator<Item = &'a Effect>) -> Tables {
        let mut tables = Tables::new();
        effects.into_iter().for_each(|effect| effect.apply(&mut tables));
        tables
    }

    async fn check(&self, change: &Change<'_>) {
        let folder = folder_in_memory();
        let store = self.put_changed(change, folder.path()).await;
        let name = change.path.rsplit('/').next().expect("every path has a name");
        let answer = match Self::ask(folder.path(), &store).await {
            Ok(answer) => answer,
            Err(error) => {
                assert!(change.path.starts_with("manifest/"), "{change:?}: the server starts: {error}");
                assert!(error.contains(name), "{change:?} is not named: {error}");
                return;
            }
        };
        let all = Self::expected(&self.effects);
        for (selection, rows) in &answer.rows {
            let expected = query::expected(&all, selection);
            match rows {
                Ok(rows) if *rows == expected => {}
                Ok(rows) => {
                    let difference = difference(&expected, rows);
                    assert!(self.is_told(change, &answer.status), "{change:?}: not told\n{difference}");
                    assert!(self.lacks_one_record(selection, rows), "{change:?}: more is lost\n{difference}");
                }
                Err(error) => {
                    assert!(change.path.starts_with("data/"), "{change:?}: {error}");
                    assert!(error.contains(name), "{change:?} is not named: {error}");
                }
            }
        }
        if change.path.starts_with("manifest/checkpoint/") && self.is_newest(change.path) {
            let told = answer.status.manifest_damage.iter().any(|damage| damage.contains(name));
            // The version stands outside of the checksum, and lesser ones are as good.
            let is_version = self.files[change.path][change.at].is_ascii_digit() && change.at < 24;
            assert!(told || is_version, "{change:?}: start-up says nothing");
        }
    }

    fn is_newest(&self, path: &str) -> bool {
        self.files.keys().rfind(|other| other.starts_with("manifest/checkpoint/")) == Some(&path.to_owned())
    }

    /// Whether start-up has said that the changed segment is damaged and that records are missing.
    fn is_told(&self, change: &Change<'_>, status: &EngineStatus) -> bool {
        let Some(name) = change.path.strip_prefix("wal/") else { return false };
        status.wal_damage.iter().any(|damage| damage.contains(name)) && status.wal_records_missing == 1
    }

    fn lacks_one_record(&self, selection: &Selection, rows: &Tables) -> bool {
        (0..self.effects.len()).any(|missing| {
            let left = self.effects.iter().enumerate().filter(|(at, _)| *at != missing);
            *rows == query::expected(&Self::expected(left.map(|(_, effect)| effect)), selection)
        })
    }

    /// The files with the change: objects in a store, segments in a folder.
    async fn put_changed(&self, change: &Change<'_>, folder: &Path) -> Store {
        let objects = object_store::memory::InMemory::new();
        std::fs::create_dir(folder.join("wal")).unwrap();
        for (path, bytes) in &self.files {
            let mut bytes = bytes.clone();
            if path == change.path {
                bytes[change.at] ^= change.bit;
            }
            if path.starts_with("wal/") {
                std::fs::write(folder.join(path), bytes).unwrap();
            } else {
                objects.put(&object_store::path::Path::from(path.as_str()), bytes.into()).await.unwrap();
            }
        }
        Store::from_object_store(Arc::new(objects), "memory:///damaged")
    }

    async fn ask(folder: &Path, store: &Store) -> Result<Answer, String> {
        let disk = FaultyDisk::new(Rng::with_seed(0));
        let engine = Engine::open(options(folder, &disk), store.clone(), clock()).await;
        let engine = engine.map_err(|error| error.to_string())?;
        let found = read_all(&engine).await.map_err(|error| error.to_string());
        let mut rows = vec![(Selection::all_of(table_names()), found)];
        for table in table_names() {
            let selection = Selection::all_of(vec![table]);
            let found = query::select(&engine, &selection, START_NS).await.map_err(|error| error.to_string());
            rows.push((selection, found));
        }
        Ok(Answer { status: engine.status(), rows })
    }
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(START_NS))
}
