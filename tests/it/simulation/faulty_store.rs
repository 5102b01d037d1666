//! An object store in memory that fails, delays, loses answers, throttles, and lists half of what it has.
//!
//! What happens to an operation follows from the seed, its kind, its object and how often it was tried, so that it does
//! not depend on the order in which tasks come to run.

use async_trait::async_trait;
use fastrand::Rng;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use tidegauge::object::Store;
use tokio::sync::watch;

/// Longest delay of an operation, in turns of the scheduler.
const DELAY_TURNS_MAX: u64 = 4;

/// Operations after which a request that was given up takes effect at the latest.
const LATENESS_MAX: u64 = 12;

/// The objects, and what befalls those who ask for them.
#[derive(Clone)]
pub(super) struct FaultyStore(Arc<Shared>);

struct Shared {
    objects: InMemory,
    weather: Mutex<Weather>,
    /// The object of the operation that is being held.
    held: watch::Sender<Option<String>>,
    /// Counts changes that a held operation waits for.
    changes: watch::Sender<u64>,
}

struct Weather {
    /// The process that is alive, by number. Operations of others fail.
    process: u64,
    seed: u64,
    /// Of a thousand operations, how many meet a fault.
    faults_per_mille: u64,
    /// Operations so far.
    operations: u64,
    /// How often each operation was tried.
    attempts: HashMap<String, u64>,
    /// Operations that throttling will refuse still.
    throttled: u64,
    hold: Option<Hold>,
    late: Vec<Late>,
}

/// An operation to be held.
struct Hold {
    /// Its number, counted as `operations`.
    operation: u64,
    /// Whether it takes effect before it is held, rather than when it is released.
    takes_effect: bool,
}

/// A request whose sender has given it up, and which takes effect nevertheless.
struct Late {
    due: u64,
    to: Path,
    payload: PutPayload,
    options: PutOptions,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    /// It fails and has no effect.
    Before,
    /// It takes effect, and its answer is lost.
    After,
    /// It fails and takes effect later.
    Late,
}

impl FaultyStore {
    pub(super) fn new(seed: u64) -> Self {
        let weather = Weather {
            process: 0,
            seed,
            faults_per_mille: 0,
            operations: 0,
            attempts: HashMap::new(),
            throttled: 0,
            hold: None,
            late: Vec::new(),
        };
        Self(Arc::new(Shared {
            objects: InMemory::new(),
            weather: Mutex::new(weather),
            held: watch::Sender::new(None),
            changes: watch::Sender::new(0),
        }))
    }

    /// The store as a new process sees it.
    pub(super) fn connect(&self) -> Store {
        let mut weather = self.0.weather.lock();
        weather.process += 1;
        let connection = Connection { store: self.clone(), process: weather.process };
        Store::from_object_store(Arc::new(connection), "memory:///faulty")
    }

    /// Ends the process: nothing that it still tries has an effect. What it has sent and given up may yet have.
    pub(super) fn crash(&self) {
        let mut weather = self.0.weather.lock();
        weather.process += 1;
        weather.hold = None;
        drop(weather);
        self.0.changes.send_modify(|count| *count += 1);
    }

    /// Of a thousand operations, how many meet a fault from now on.
    pub(super) fn set_faults(&self, per_mille: u64) {
        let mut weather = self.0.weather.lock();
        weather.faults_per_mille = per_mille;
        if per_mille == 0 {
            weather.throttled = 0;
        }
    }

    /// Holds the operation after `count` others.
    pub(super) fn hold_after(&self, count: u64, takes_effect: bool) {
        let mut weather = self.0.weather.lock();
        self.0.held.send_replace(None);
        weather.hold = Some(Hold { operation: weather.operations + count, takes_effect });
    }

    /// Waits until an operation is held, and names its object.
    pub(super) async fn held(&self) -> String {
        let mut held = self.0.held.subscribe();
        let path = held.wait_for(Option::is_some).await.expect("the sender lives").clone();
        path.expect("waited for")
    }

    /// Lets the held operation go on, and holds none any more.
    pub(super) fn release(&self) {
        self.0.weather.lock().hold = None;
        self.0.changes.send_modify(|count| *count += 1);
    }

    /// Operations so far.
    pub(super) fn operation_count(&self) -> u64 {
        self.0.weather.lock().operations
    }

    /// The bucket itself, without faults.
    pub(super) fn objects(&self) -> &InMemory {
        &self.0.objects
    }

    async fn land_late(&self) {
        let due: Vec<Late> = {
            let mut weather = self.0.weather.lock();
            let now = weather.operations;
            let (due, later) =
                std::mem::take(&mut weather.late).into_iter().partition(|late| late.due <= now);
            weather.late = later;
            due
        };
        for Late { to, payload, options, .. } in due {
            // Whether it still succeeds, nobody will know.
            let _ = self.0.objects.put_opts(&to, payload, options).await;
        }
    }
}

/// The store as one process sees it.
#[derive(Clone)]
struct Connection {
    store: FaultyStore,
    process: u64,
}

/// What an operation has met before it takes effect.
struct Begun {
    fault: Fault,
    /// Chooses details.
    random: Rng,
    /// It is to be held after it took effect.
    held_after: bool,
}

impl Connection {
    /// To be called by each operation first. Fails for the dead, and when nothing is to take effect.
    async fn begin(&self, operation: &str, path: &str) -> Result<Begun> {
        self.store.land_late().await;
        let (mut begun, held_before) = {
            let mut weather = self.store.0.weather.lock();
            if self.process != weather.process {
                return Err(dead());
            }
            let number = weather.operations;
            weather.operations += 1;
            let mut random = weather.choose(operation, path);
            let fault = weather.fault(operation, &mut random);
            let hold = weather.hold.as_ref().filter(|hold| hold.operation == number);
            let held_after = hold.map(|hold| hold.takes_effect);
            (Begun { fault, random, held_after: held_after == Some(true) }, held_after == Some(false))
        };
        for _ in 0..begun.random.u64(..DELAY_TURNS_MAX) {
            tokio::task::yield_now().await;
        }
        if held_before {
            self.hold(path).await?;
        }
        self.check_alive()?;
        if begun.fault == Fault::Before { Err(lost()) } else { Ok(begun) }
    }

    /// The answer of an operation that has taken effect.
    async fn end<T>(&self, path: &str, begun: Begun, result: Result<T>) -> Result<T> {
        if begun.held_after {
            self.hold(path).await?;
        }
        self.check_alive()?;
        if begun.fault == Fault::None { result } else { Err(lost()) }
    }

    async fn hold(&self, path: &str) -> Result<()> {
        let shared = &self.store.0;
        let mut changes = shared.changes.subscribe();
        shared.held.send_replace(Some(path.to_owned()));
        let is_over = || {
            let weather = shared.weather.lock();
            weather.hold.is_none() || weather.process != self.process
        };
        let _ = changes.wait_for(|_| is_over()).await;
        shared.held.send_replace(None);
        self.check_alive()
    }

    fn check_alive(&self) -> Result<()> {
        if self.store.0.weather.lock().process == self.process { Ok(()) } else { Err(dead()) }
    }
}

impl Weather {
    /// Random numbers for the next attempt at an operation.
    fn choose(&mut self, operation: &str, path: &str) -> Rng {
        // The names of data files are random themselves.
        let path = if path.starts_with("data/") {
            path.rsplit_once('/').map_or("", |(folder, _)| folder)
        } else {
            path
        };
        let key = format!("{operation} {path}");
        let hash =
            key.bytes().fold(self.seed, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        let attempt = self.attempts.entry(key).or_insert(0);
        *attempt += 1;
        Rng::with_seed(hash.wrapping_add(attempt.wrapping_mul(0x9e37_79b9)))
    }

    fn fault(&mut self, operation: &str, random: &mut Rng) -> Fault {
        if self.throttled > 0 {
            self.throttled -= 1;
            return Fault::Before;
        }
        if random.u64(..1_000) >= self.faults_per_mille {
            return Fault::None;
        }
        match random.u8(..8) {
            0..=2 => Fault::Before,
            3..=5 => Fault::After,
            6 if operation == "put" => Fault::Late,
            _ => {
                self.throttled = random.u64(..8);
                Fault::Before
            }
        }
    }
}

fn lost() -> Error {
    Error::Generic { store: "faulty", source: "the connection was lost, or the server is busy".into() }
}

fn dead() -> Error {
    Error::Generic { store: "faulty", source: "the process is dead".into() }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Connection of process {}", self.process)
    }
}

impl std::fmt::Display for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "faulty store, process {}", self.process)
    }
}

#[async_trait]
impl ObjectStore for Connection {
    async fn put_opts(&self, to: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let mut begun = self.begin("put", to.as_ref()).await?;
        if begun.fault == Fault::Late {
            let mut weather = self.store.0.weather.lock();
            let due = weather.operations + begun.random.u64(..LATENESS_MAX);
            weather.late.push(Late { due, to: to.clone(), payload, options });
            return Err(lost());
        }
        let result = self.store.0.objects.put_opts(to, payload, options).await;
        self.end(to.as_ref(), begun, result).await
    }

    async fn put_multipart_opts(
        &self,
        to: &Path,
        _options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        Err(Error::NotImplemented {
            operation: format!("upload of {to} in parts"),
            implementer: self.to_string(),
        })
    }

    async fn get_opts(&self, from: &Path, options: GetOptions) -> Result<GetResult> {
        let begun = self.begin("get", from.as_ref()).await?;
        let result = self.store.0.objects.get_opts(from, options).await;
        self.end(from.as_ref(), begun, result).await
    }

    fn delete_stream(&self, paths: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let this = self.clone();
        let delete = move |path: Result<Path>| {
            let this = this.clone();
            async move {
                let path = path?;
                let begun = this.begin("delete", path.as_ref()).await?;
                let result = this.store.0.objects.delete(&path).await;
                this.end(path.as_ref(), begun, result).await?;
                Ok(path)
            }
        };
        paths.then(delete).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let (this, prefix) = (self.clone(), prefix.cloned());
        let listed = async move {
            let path = prefix.as_ref().map_or("", Path::as_ref);
            let mut begun = this.begin("list", path).await?;
            let found: Vec<ObjectMeta> = this.store.0.objects.list(prefix.as_ref()).try_collect().await?;
            let mut found: Vec<Result<ObjectMeta>> = found.into_iter().map(Ok).collect();
            if begun.fault != Fault::None {
                let count = begun.random.usize(..=found.len());
                found.truncate(count);
                found.push(Err(lost()));
                begun.fault = Fault::None;
            }
            this.end(path, begun, Ok(futures::stream::iter(found))).await
        };
        futures::stream::once(listed).try_flatten().boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let path = prefix.map_or("", Path::as_ref).to_owned();
        let begun = self.begin("list", &path).await?;
        let result = self.store.0.objects.list_with_delimiter(prefix).await;
        self.end(&path, begun, result).await
    }

    async fn copy_opts(&self, from: &Path, _to: &Path, _options: CopyOptions) -> Result<()> {
        Err(Error::NotImplemented { operation: format!("copy of {from}"), implementer: self.to_string() })
    }
}
