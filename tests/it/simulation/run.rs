//! Plays steps on an engine and compares it with the model after each.

use super::catalog::{catalog_of, read_catalog};
use super::faulty_files::{DiskFaults, FaultyDisk};
use super::faulty_store::FaultyStore;
use super::field_types::FieldTypes;
use super::keys::show_keys;
use super::model::{Batch, Effect, Filter, Model, Policy, SHORT_DURATION_NS, Selection, difference};
use super::query::{Answer, Queries, Question, expected_answer};
use super::reader::{DATABASE, read_all, table_id};
use super::request::{refusals, request};
use super::steps::{End, Meanwhile, Operation, START_NS, Step, Steps};
use fastrand::Rng;
use futures::future::join_all;
use std::path::Path;
use std::sync::{Arc, Barrier};
use std::time::Duration;
use tempfile::TempDir;
use tidegauge::clock::ManualClock;
use tidegauge::engine::{Deletion, Engine, EngineError, EngineOptions, PolicySpec, WriteError, WriteOutcome};
use tidegauge::manifest::ManifestError;
use tidegauge::model::tombstone::SeriesFilter;

/// Steps of one seed.
const STEPS: usize = 40;

/// How long a step may take. None waits for anything; this is for those that wait for ever.
const STEP_TIMEOUT: Duration = Duration::from_secs(60);

/// Threads for blocking work: one for a compaction, one for a flush, and one for whatever comes meanwhile.
pub(super) const BLOCKING_THREADS: usize = 3;

/// Something that runs beside the steps.
type Running = tokio::task::JoinHandle<Result<(), EngineError>>;

/// Edits between two checkpoints: few, so that checkpoints and what they make superfluous are met.
const CHECKPOINT_EDITS: u64 = 4;

/// Bytes of a segment of the log: few, so that there are several.
const SEGMENT_BYTES_MAX: u64 = 2_000;

/// Bytes of a compacted file: few, so that there are several of a window.
const COMPACTED_FILE_BYTES: u64 = 3_000;

/// Cells of a chunk of several parts: few, so that wide tables are cut into several in the buffer.
const CHUNK_CELLS_MAX: usize = 2_000;

/// Attempts to start; from the second on the store is well.
const STARTS_MAX: usize = 3;

/// An engine, what it stands on, and the model.
pub(super) struct Simulation<'h> {
    folder: TempDir,
    disk: FaultyDisk,
    store: FaultyStore,
    clock: ManualClock,
    now_ns: i64,
    /// `None` between a crash and the next start.
    engine: Option<Arc<Engine>>,
    model: Model,
    types: FieldTypes,
    /// Of a thousand requests to the store, so many fail.
    store_faults: u64,
    disk_faults: DiskFaults,
    /// Whether the disk had a fault since the start that ends the log.
    log_may_fail: bool,
    /// Whether it has ended: no write is taken, and none is stored.
    log_has_failed: bool,
    history: &'h mut Vec<String>,
}

impl<'h> Simulation<'h> {
    /// Plays the steps of `seed`, and notes them in `history`. Panics when the engine does not have what it should.
    pub(super) async fn run(seed: u64, history: &'h mut Vec<String>) {
        let mut random = Rng::with_seed(seed);
        let mut steps = Steps::new(random.fork());
        let mut simulation = Self::start(seed, random.fork(), history).await;
        for _ in 0..STEPS {
            simulation.play(steps.next()).await;
        }
        for step in [
            Step::StoreFaults(0),
            Step::DiskFaults(DiskFaults::default()),
            Step::Crash { power_loss: true },
            Step::Run(Operation::Flush),
            Step::Restart,
            steps.last_question(),
        ] {
            simulation.play(step).await;
        }
        simulation.end().await;
    }

    async fn start(seed: u64, random: Rng, history: &'h mut Vec<String>) -> Self {
        let folder = folder_in_memory();
        let (disk, store) = (FaultyDisk::new(random), FaultyStore::new(seed));
        let clock = ManualClock::new(START_NS);
        let opened = Engine::open(options(folder.path(), &disk), store.connect(), Arc::new(clock.clone()));
        let engine = opened.await.expect("an empty store opens");
        create_database(&engine).await;
        Self {
            folder,
            disk,
            store,
            clock,
            now_ns: START_NS,
            engine: Some(engine),
            model: Model::new(),
            types: FieldTypes::default(),
            store_faults: 0,
            disk_faults: DiskFaults::default(),
            log_may_fail: false,
            log_has_failed: false,
            history,
        }
    }

    fn engine(&self) -> Arc<Engine> {
        self.engine.clone().expect("between steps an engine runs")
    }

    async fn play(&mut self, step: Step) {
        self.history.push(format!("{step:?}"));
        let played = tokio::time::timeout(STEP_TIMEOUT, async {
            self.step(step).await;
            self.settle().await;
            self.look().await;
        });
        played.await.expect("the step ends");
        if self.model.world_count() > 1 {
            self.history.push(format!("{} ways in which things may be", self.model.world_count()));
        }
    }

    async fn step(&mut self, step: Step) {
        match step {
            Step::Write(batches) => self.write(&batches).await,
            Step::CrashAmidWrite { batches, after, power_loss } => {
                self.disk.set(DiskFaults { dies_after: Some(after), ..self.disk_faults.clone() });
                self.log_may_fail = true;
                self.write(&batches).await;
                self.crash(power_loss).await;
                self.open().await;
            }
            Step::Run(operation) => {
                let outcome = perform(self.engine(), operation.clone()).await;
                self.note_operation(&operation, outcome).await;
            }
            Step::Amid { operation, after, takes_effect, meanwhile, end } => {
                self.store.hold_after(after, takes_effect);
                self.amid(operation, meanwhile, end).await;
            }
            Step::Query { selection, question } => self.query(&selection, &question).await,
            Step::ShowKeys => self.show_keys().await,
            Step::Crash { power_loss } => {
                self.crash(power_loss).await;
                self.open().await;
            }
            Step::CrashAmidStart { after, takes_effect } => {
                self.crash(true).await;
                self.store.hold_after(after, takes_effect);
                self.crash_amid_start().await;
            }
            Step::Restart => self.restart().await,
            Step::StoreFaults(per_mille) => {
                self.store_faults = per_mille;
                self.store.set_faults(per_mille);
            }
            Step::DiskFaults(faults) => {
                self.log_may_fail |= faults.write_fails || faults.sync_fails || faults.sync_directory_fails;
                self.disk.set(faults.clone());
                self.disk_faults = faults;
            }
            Step::Advance { by_ns } => {
                self.now_ns += by_ns;
                self.clock.set(self.now_ns);
            }
        }
    }

    async fn write(&mut self, batches: &[Batch]) {
        let engine = self.engine();
        let outcomes = join_all(batches.iter().map(|batch| engine.write(request(batch)))).await;
        // Any of them may have met types that another had fixed.
        batches.iter().for_each(|batch| self.types.sent(batch));
        for (batch, outcome) in batches.iter().zip(outcomes) {
            self.note_write(batch, outcome);
        }
        let refused = engine.status().writes_refused;
        self.log_has_failed |= refused.is_some_and(|why| why.contains("stopped"));
    }

    fn note_write(&mut self, batch: &Batch, outcome: Result<WriteOutcome, WriteError>) {
        if let Err(error) = &outcome {
            self.history.push(format!("failed: {error}"));
        }
        let oldest_ns = batch.policy.oldest_ns(self.now_ns);
        let mut kept = batch.clone();
        kept.points.retain(|point| point.time_ns >= oldest_ns);
        match outcome {
            Ok(outcome) => {
                let stored = self.types.judge(batch, &refusals(&outcome), oldest_ns);
                assert!(
                    !self.log_has_failed || stored.points.is_empty(),
                    "the log has failed and takes writes"
                );
                assert_eq!(outcome.points_written, stored.points.len(), "all others are stored");
                self.model.succeeded(&Effect::Write(stored));
            }
            Err(WriteError::DiskFull { .. }) => {
                assert!(self.disk_faults.room_bytes.is_some(), "the disk is not full");
            }
            Err(WriteError::Closed(_)) if self.log_has_failed => {}
            Err(WriteError::Closed(reason)) => {
                assert!(self.log_may_fail, "nothing was wrong with the disk: {reason}");
                let ways = self.types.ways_to_judge(&kept).into_iter().map(Effect::Write);
                self.model.may_have_succeeded(&ways.collect::<Vec<_>>());
            }
            Err(other) => panic!("a write fails for no reason: {other:?}"),
        }
    }

    async fn note_operation(&mut self, operation: &Operation, outcome: Result<(), EngineError>) {
        if let Err(error) = &outcome {
            self.check_expected(error);
        }
        self.note_effect(operation, outcome.is_ok());
        if matches!(operation, Operation::DropPolicy | Operation::DropDatabase) {
            self.create_database().await;
        }
    }

    /// Takes in what an operation did to the data, or may have done.
    fn note_effect(&mut self, operation: &Operation, has_succeeded: bool) {
        let Some(effect) = effect(operation) else { return };
        if has_succeeded {
            self.model.succeeded(&effect);
            self.types.succeeded(&effect);
        } else {
            self.model.may_have_succeeded(std::slice::from_ref(&effect));
            self.types.may_have_succeeded(&effect);
        }
    }

    /// Makes database and policies where they are missing, without faults.
    async fn create_database(&mut self) {
        self.store.set_faults(0);
        create_database(&self.engine()).await;
        self.store.set_faults(self.store_faults);
    }

    /// Panics when an error does not come from a fault of store or disk.
    fn check_expected(&mut self, error: &EngineError) {
        self.history.push(format!("failed: {error}"));
        let is_from_store = match error {
            EngineError::Store(_)
            | EngineError::Manifest(ManifestError::Store(_))
            | EngineError::File(_)
            | EngineError::Unsettled => true,
            EngineError::Wal(_) => {
                let disk = &self.disk_faults;
                assert!(self.log_may_fail || disk.remove_fails, "nothing was wrong with the disk: {error}");
                return;
            }
            _ => false,
        };
        assert!(is_from_store && self.store_faults > 0, "nothing was wrong with the store: {error:?}");
    }

    /// An operation stands still at a request to the store, if it gets as far as that.
    async fn amid(&mut self, operation: Operation, meanwhile: Vec<Meanwhile>, end: End) {
        let mut running = tokio::spawn(perform(self.engine(), operation.clone()));
        let held_at = tokio::select! {
            biased;
            path = self.store.held() => path,
            ended = &mut running => {
                self.store.release();
                self.note_operation(&operation, ended.expect("operations do not panic")).await;
                return;
            }
        };
        // Changes of the catalog and deletions pass alone, so that writes would wait for them.
        let mut beside = Vec::new();
        if effect(&operation).is_none() {
            for step in meanwhile {
                beside.extend(self.meanwhile(step, &operation, &held_at).await);
            }
        }
        match end {
            End::GoesOn => {
                self.store.release();
                let outcome = running.await.expect("operations do not panic");
                self.note_operation(&operation, outcome).await;
                for compaction in beside {
                    let outcome = compaction.await.expect("operations do not panic");
                    self.note_operation(&Operation::Compact, outcome).await;
                }
            }
            End::Crash { power_loss } => {
                self.kill(power_loss);
                let outcome = running.await.expect("operations do not panic");
                self.note_effect(&operation, outcome.is_ok());
                for compaction in beside {
                    // It fails, or was done before; it changes nothing that is seen.
                    let _ = compaction.await.expect("operations do not panic");
                }
                self.bury().await;
                self.open().await;
            }
        }
    }

    /// Does something while an operation stands still; what cannot end before that goes on is handed back.
    async fn meanwhile(&mut self, step: Meanwhile, held: &Operation, held_at: &str) -> Option<Running> {
        let operation = match step {
            Meanwhile::Write(batch) => {
                self.write(&[batch]).await;
                return None;
            }
            Meanwhile::Look => {
                self.look().await;
                return None;
            }
            Meanwhile::Delete(selection) => Operation::Delete(selection),
            Meanwhile::FlushOrCompact => match held {
                // What it merges is named only when the flush is done.
                Operation::Flush => return Some(tokio::spawn(perform(self.engine(), Operation::Compact))),
                Operation::Compact => Operation::Flush,
                _ => return None,
            },
        };
        // Where the manifest is being changed, another change waits.
        if held_at.starts_with("data/") {
            let outcome = perform(self.engine(), operation.clone()).await;
            self.note_operation(&operation, outcome).await;
        }
        None
    }

    /// Asks about a selection as users do.
    async fn query(&mut self, selection: &Selection, question: &Question) {
        let answer = async {
            let queries = Queries::new(&self.engine(), self.now_ns)?;
            queries.ask(selection, question).await
        };
        let found = match answer.await {
            Ok(found) => found,
            Err(error) => {
                assert!(self.store_faults > 0, "a query fails for no reason: {error}");
                return;
            }
        };
        let views = self.model.views(self.now_ns);
        let expected: Vec<_> = views.iter().map(|view| expected_answer(view, selection, question)).collect();
        if !expected.contains(&found) {
            let differences = expected.iter().map(|expected| match (expected, &found) {
                (Answer::Rows(expected), Answer::Rows(found)) => difference(expected, found),
                _ => format!("{found:?} instead of {expected:?}"),
            });
            panic!(
                "a query has the wrong answer:\n{}",
                differences.min_by_key(String::len).unwrap_or_default()
            );
        }
    }

    /// Asks what fields and tags there are.
    async fn show_keys(&mut self) {
        let shown = match show_keys(&self.engine(), self.now_ns).await {
            Ok(shown) => shown,
            Err(error) => {
                assert!(self.store_faults > 0, "fields and tags are not shown for no reason: {error}");
                return;
            }
        };
        let views = self.model.views(self.now_ns);
        assert!(views.iter().any(|view| shown.fit(view)), "other fields and tags have rows: {shown:?}");
        let strangers = shown.strangers(&self.types);
        assert!(strangers.is_empty(), "nobody wrote {strangers:?}");
    }

    /// Reads everything, without faults, and compares.
    async fn look(&mut self) {
        self.store.set_faults(0);
        let engine = self.engine();
        let found = read_all(&engine).await.expect("what was written can be read");
        let catalog = read_catalog(&engine).await.expect("what was written can be read");
        assert_eq!(catalog, catalog_of(&engine, &found));
        self.store.set_faults(self.store_faults);
        if let Err(difference) = self.model.observe(&found, self.now_ns) {
            panic!("{difference}");
        }
        if self.model.is_certain() {
            self.types.learn(&found);
        }
    }

    /// Lets what the engine does in the background come to its end.
    async fn settle(&self) {
        loop {
            let before = self.store.operation_count();
            for _ in 0..4 {
                // When all threads for blocking work are here, all that was asked of them before is done.
                let met = Arc::new(Barrier::new(BLOCKING_THREADS));
                let wait = || {
                    let met = met.clone();
                    tokio::task::spawn_blocking(move || met.wait().is_leader())
                };
                join_all((0..BLOCKING_THREADS).map(|_| wait())).await;
                for _ in 0..8 {
                    tokio::task::yield_now().await;
                }
            }
            if self.store.operation_count() == before {
                return;
            }
        }
    }

    async fn crash(&mut self, power_loss: bool) {
        self.kill(power_loss);
        self.bury().await;
    }

    /// From now on nothing that the engine does has an effect.
    fn kill(&mut self, power_loss: bool) {
        self.store.crash();
        self.disk.crash(power_loss);
        self.disk_faults = DiskFaults::default();
    }

    /// Waits until what the dead engine was doing has failed.
    async fn bury(&mut self) {
        self.settle().await;
        let Some(engine) = self.engine.take() else { return };
        while Arc::strong_count(&engine) > 1 {
            tokio::task::yield_now().await;
        }
    }

    async fn restart(&mut self) {
        if let Err(error) = self.engine().shutdown().await {
            self.check_expected(&error);
        }
        self.crash(false).await;
        self.open().await;
    }

    /// Starts an engine in the place of the dead one. The first time the store may be unwell.
    async fn open(&mut self) {
        for _ in 0..STARTS_MAX {
            match self.try_open().await {
                Ok(engine) => return self.opened(engine).await,
                Err(error) => self.check_expected(&error),
            }
            self.store.crash();
            self.store_faults = 0;
            self.store.set_faults(0);
        }
        panic!("the engine does not start");
    }

    /// An attempt to start. Does not borrow, so that it can be spawned.
    fn try_open(&self) -> impl Future<Output = Result<Arc<Engine>, EngineError>> + Send + use<> {
        let options = options(self.folder.path(), &self.disk);
        Engine::open(options, self.store.connect(), Arc::new(self.clock.clone()))
    }

    async fn opened(&mut self, engine: Arc<Engine>) {
        self.history.push("started".to_owned());
        let status = engine.status();
        assert_eq!(status.wal_damage, Vec::<String>::new(), "nothing was damaged");
        assert_eq!(status.wal_records_missing, 0, "nothing was lost");
        self.engine = Some(engine);
        self.log_may_fail = false;
        self.log_has_failed = false;
        self.model.restarted();
        self.types.restarted();
        self.create_database().await; // the process may have died between dropping it and making it again
    }

    async fn crash_amid_start(&mut self) {
        let mut starting = tokio::spawn(self.try_open());
        let opened = tokio::select! {
            biased;
            _ = self.store.held() => None,
            opened = &mut starting => Some(opened.expect("starting does not panic")),
        };
        match opened {
            Some(Ok(engine)) => {
                self.store.release();
                self.opened(engine).await;
            }
            Some(Err(error)) => {
                self.check_expected(&error);
                self.store.crash();
                self.open().await;
            }
            None => {
                self.store.crash();
                self.disk.crash(false);
                drop(starting.await.expect("starting does not panic"));
                self.settle().await;
                self.open().await;
            }
        }
    }

    async fn end(self) {
        self.engine().shutdown().await.expect("the store is well");
    }
}

/// Of an engine that flushes only when it is told to.
pub(super) fn options(folder: &Path, disk: &FaultyDisk) -> EngineOptions {
    let mut options = EngineOptions::new(folder.join("wal"));
    options.wal.segment_bytes_max = SEGMENT_BYTES_MAX;
    options.wal.disk_low_water_bytes = 1;
    options.log_files = disk.mount();
    options.checkpoint_edits = CHECKPOINT_EDITS;
    options.commit_backoff = Duration::ZERO;
    options.compaction.file_bytes = COMPACTED_FILE_BYTES;
    options.delete_after = Duration::ZERO;
    options.chunk_cells_max = CHUNK_CELLS_MAX;
    // Only steps do anything.
    options.upkeep_interval = None;
    options.flush_bytes = usize::MAX;
    options.buffer_bytes_max = usize::MAX;
    options.flush_age = Duration::MAX;
    options
}

/// A folder in memory where the system has such a place: recovery really syncs, which a disk takes its time for.
pub(super) fn folder_in_memory() -> TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    made.expect("a temporary folder")
}

/// Makes the database and its second policy, where they are missing.
async fn create_database(engine: &Engine) {
    engine.create_database(DATABASE, None).await.expect("the store is well");
    let spec = PolicySpec { duration_ns: Some(SHORT_DURATION_NS), ..PolicySpec::default() };
    let created = engine.create_policy(DATABASE, Policy::Short.name(), spec, false).await;
    created.expect("the store is well");
}

async fn perform(engine: Arc<Engine>, operation: Operation) -> Result<(), EngineError> {
    match operation {
        Operation::Flush => engine.flush().await,
        Operation::Delete(selection) => engine.delete(&deletions(&engine, &selection)).await,
        Operation::DropMeasurement(name) => engine.drop_measurement(DATABASE, name).await,
        Operation::DropPolicy => engine.drop_policy(DATABASE, Policy::Short.name()).await,
        Operation::DropDatabase => engine.drop_database(DATABASE).await,
        Operation::Compact => engine.compact().await,
        Operation::Expire => engine.drop_dead_files().await.map(drop),
        Operation::CollectUnreferenced => {
            engine.collect_unreferenced().await;
            Ok(())
        }
        Operation::CollectOrphans => engine.collect_orphans(Duration::ZERO).await.map(drop),
    }
}

/// What an operation does to the data; `None` when it must not change a thing.
fn effect(operation: &Operation) -> Option<Effect> {
    match operation {
        Operation::Flush
        | Operation::Compact
        | Operation::Expire
        | Operation::CollectUnreferenced
        | Operation::CollectOrphans => None,
        Operation::Delete(selection) => Some(Effect::Delete(selection.clone())),
        Operation::DropMeasurement(name) => Some(Effect::DropMeasurement(name)),
        Operation::DropPolicy => Some(Effect::DropPolicy(Policy::Short)),
        Operation::DropDatabase => Some(Effect::DropDatabase),
    }
}

/// A selection as the engine takes it: without tables that do not exist.
pub(super) fn deletions(engine: &Engine, selection: &Selection) -> Vec<Deletion> {
    let series = match selection.filter {
        Filter::All => SeriesFilter::all(),
        Filter::Equal(tag, value) => SeriesFilter::tag_in(tag, [value]),
        Filter::NotEqual(tag, value) => SeriesFilter::tag_in(tag, [value]).inverted(),
        Filter::Missing(tag) => SeriesFilter::tag_in(tag, [""]),
    };
    let tables = selection.tables.iter().filter_map(|name| table_id(engine, *name));
    tables.map(|table| Deletion { table, times: selection.times, series: series.clone() }).collect()
}
