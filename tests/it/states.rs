//! The scenarios in every state that data can be in: answers must not depend on it.
//!
//! One test per place of the data and state; each plays all files of `testdata/scenarios` against a server of its
//! own. Where a state needs a restart, the files are played in step, so that one restart serves all of them. A
//! memory store does not outlive its server, so it is never restarted.

use crate::s3_server::S3Server;
use crate::scenario::{Moment, Scenario, Target, load_folder, run_rounds, run_scenario};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tidegauge::app::App;
use tidegauge::config::{Config, Machine};
use tokio::runtime::{Builder, Runtime};

/// Functions of later releases have their answers recorded already.
const SKIPPED: &[&str] = &["later"];
/// How long what a dropped runtime was doing may take to let go of the engine.
const CRASH_TIMEOUT: Duration = Duration::from_secs(30);

fn runtime() -> Runtime {
    Builder::new_multi_thread().enable_all().build().unwrap()
}

/// A server that can be flushed, stopped and killed, over data that outlives it.
struct Server {
    config: Config,
    running: Mutex<Option<(App, Runtime)>>,
    _folder: TempDir,
}

impl Server {
    /// Starts a server with a fresh log and the settings `settings` besides.
    fn start(settings: &BTreeMap<String, String>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        config.set("bind", "127.0.0.1:0").unwrap();
        config.set("data", folder.path().to_str().unwrap()).unwrap();
        for (name, value) in settings {
            config.set(&format!("object_store.{name}"), value).unwrap();
        }
        let config = config.fitted_to(&Machine { memory_bytes: 2 << 30, core_count: 2 }).unwrap();
        let server = Self { config, running: Mutex::new(None), _folder: folder };
        server.run();
        server
    }

    fn run(&self) {
        let runtime = runtime();
        let app = runtime.block_on(App::start(&self.config)).unwrap();
        *self.running.lock().unwrap() = Some((app, runtime));
    }

    fn address(&self) -> SocketAddr {
        self.running.lock().unwrap().as_ref().expect("the server runs").0.address()
    }

    /// Everything buffered goes to files.
    fn flush(&self) {
        let running = self.running.lock().unwrap();
        let (app, runtime) = running.as_ref().expect("the server runs");
        runtime.block_on(app.engine().flush()).unwrap();
    }

    /// Everything buffered goes to files, and these are made as few as they can be.
    fn compact(&self) {
        let running = self.running.lock().unwrap();
        let (app, runtime) = running.as_ref().expect("the server runs");
        runtime.block_on(async {
            app.engine().flush().await.unwrap();
            app.engine().compact().await.unwrap();
        });
    }

    /// Stops in order, which flushes, and starts again.
    fn restart(&self) {
        let (app, runtime) = self.running.lock().unwrap().take().expect("the server runs");
        runtime.block_on(app.stop()).unwrap();
        drop(runtime);
        self.run();
    }

    /// Lets go of the server where it stands, without a flush, and starts again from what is on disk.
    fn crash(&self) {
        let (app, runtime) = self.running.lock().unwrap().take().expect("the server runs");
        let engine = Arc::downgrade(app.engine());
        drop(app);
        runtime.shutdown_timeout(CRASH_TIMEOUT);
        let begin = Instant::now();
        while engine.strong_count() > 0 {
            assert!(begin.elapsed() < CRASH_TIMEOUT, "somebody still holds the engine of a dead server");
            std::thread::yield_now();
        }
        self.run();
    }
}

/// What is done to the server while the files are played.
#[derive(Clone, Copy, Debug)]
enum State {
    /// Nothing: all points are in the buffer.
    Buffered,
    /// Flushed after each write: all points are in files, one per write.
    Flushed,
    /// Flushed after every second write: the buffer overlaps files.
    HalfFlushed,
    /// Flushed after each write, compacted before queries: all points are in files that were merged.
    Compacted,
    /// Stopped and started before queries: all points are in files that another process wrote.
    Restarted,
    /// Killed before queries and never flushed: all points come from the log.
    Crashed,
    /// In turns flushed, killed, compacted and stopped: points are in files of all kinds and in the log.
    Mixed,
}

fn check(settings: &BTreeMap<String, String>, state: State) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/scenarios");
    let files = load_folder(&folder, SKIPPED).unwrap();
    assert!(files.len() > 60, "the scenarios are found");
    let server = Server::start(settings);
    let address = || server.address();
    let plays: Vec<(Target<'_>, &Scenario)> = files
        .iter()
        .enumerate()
        .map(|(number, (_, scenario))| {
            (Target { address: &address, prefix: format!("zq{number}_") }, scenario)
        })
        .collect();
    let mut count = 0;
    let mut hook = |moment: Moment| {
        let is_write = moment == Moment::Wrote;
        count +=
            usize::from(is_write == matches!(state, State::Flushed | State::HalfFlushed | State::Compacted));
        match (state, is_write) {
            (State::Flushed | State::Compacted, true) => server.flush(),
            (State::Compacted, false) => server.compact(),
            (State::HalfFlushed, true) if count % 2 == 0 => server.flush(),
            (State::Restarted, false) => server.restart(),
            (State::Crashed, false) => server.crash(),
            (State::Mixed, false) => match count % 4 {
                0 => server.flush(),
                1 => server.crash(),
                2 => server.compact(),
                _ => server.restart(),
            },
            _ => {}
        }
        Ok(())
    };
    let mismatches = match state {
        State::Buffered | State::Flushed | State::HalfFlushed | State::Compacted => plays
            .iter()
            .filter_map(|(target, scenario)| run_scenario(target, scenario, &mut hook).err())
            .collect(),
        State::Restarted | State::Crashed | State::Mixed => run_rounds(&plays, &mut hook),
    };
    let texts: Vec<String> = mismatches.iter().map(ToString::to_string).collect();
    assert!(texts.is_empty(), "{state:?}: {} files differ\n{}", texts.len(), texts.join("\n"));
}

fn local() -> BTreeMap<String, String> {
    BTreeMap::new()
}

fn memory() -> BTreeMap<String, String> {
    [("url".to_owned(), "memory:///".to_owned())].into()
}

#[test]
fn local_buffered() {
    check(&local(), State::Buffered);
}

#[test]
fn local_flushed() {
    check(&local(), State::Flushed);
}

#[test]
fn local_compacted() {
    check(&local(), State::Compacted);
}

#[test]
fn local_restarted() {
    check(&local(), State::Restarted);
}

#[test]
fn local_crashed() {
    check(&local(), State::Crashed);
}

#[test]
fn memory_buffered() {
    check(&memory(), State::Buffered);
}

#[test]
fn memory_flushed() {
    check(&memory(), State::Flushed);
}

#[test]
fn memory_half_flushed() {
    check(&memory(), State::HalfFlushed);
}

#[test]
fn s3_buffered() {
    check_on_s3(State::Buffered);
}

#[test]
fn s3_flushed() {
    check_on_s3(State::Flushed);
}

#[test]
fn s3_restarted() {
    check_on_s3(State::Restarted);
}

#[test]
fn s3_mixed() {
    check_on_s3(State::Mixed);
}

fn check_on_s3(state: State) {
    let runtime = runtime();
    let s3 = runtime.block_on(S3Server::start());
    let mut settings = s3.options();
    settings.insert("url".into(), s3.url("states"));
    check(&settings, state);
}
