//! A server in this process, and the commands as processes of their own.

use crate::scenario::http::{Request, Response, send};
use serde_json::Value;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;
use tidegauge::app::App;
use tidegauge::config::{Config, Machine};
use tokio::runtime::{Builder, Runtime};

/// A server over a folder.
pub(super) struct Server {
    app: Option<App>,
    runtime: Option<Runtime>,
    pub(super) folder: PathBuf,
}

impl Server {
    /// Starts a server on `folder`.
    pub(super) fn start(folder: &Path) -> Self {
        Self::start_with(folder, &[])
    }

    /// The same with some settings.
    pub(super) fn start_with(folder: &Path, settings: &[(&str, &str)]) -> Self {
        let mut config = Config::default();
        config.set("bind", "127.0.0.1:0").unwrap();
        config.set("data", folder.to_str().unwrap()).unwrap();
        config.set("wal.disk_low_water_bytes", "0").unwrap();
        for (name, value) in settings {
            config.set(name, value).unwrap();
        }
        let config = config.fitted_to(&Machine { memory_bytes: 2 << 30, core_count: 2 }).unwrap();
        let runtime = Builder::new_multi_thread().enable_all().build().unwrap();
        let app = runtime.block_on(App::start(&config)).unwrap();
        Self { app: Some(app), runtime: Some(runtime), folder: folder.to_owned() }
    }

    fn app(&self) -> &App {
        self.app.as_ref().expect("the server runs")
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.app().address()
    }

    /// The flag that names it to a command.
    pub(super) fn url(&self) -> String {
        format!("--url=http://{}", self.address())
    }

    /// Writes what is buffered to files.
    pub(super) fn flush(&self) {
        self.runtime.as_ref().expect("the server runs").block_on(self.app().engine().flush()).unwrap();
    }

    /// Ends in order, which flushes.
    pub(super) fn stop(mut self) -> PathBuf {
        let (app, runtime) = (self.app.take().unwrap(), self.runtime.take().unwrap());
        runtime.block_on(app.stop()).unwrap();
        self.folder.clone()
    }

    /// Lets go of it without a flush.
    pub(super) fn crash(mut self) -> PathBuf {
        let engine = std::sync::Arc::downgrade(self.app().engine());
        drop(self.app.take());
        self.runtime.take().unwrap().shutdown_timeout(std::time::Duration::from_secs(30));
        let begin = std::time::Instant::now();
        while engine.strong_count() > 0 {
            assert!(begin.elapsed().as_secs() < 30, "somebody still holds the engine of a dead server");
            std::thread::yield_now();
        }
        self.folder.clone()
    }

    pub(super) fn write(&self, database: &str, lines: &str) {
        self.write_to(database, "", lines);
    }

    pub(super) fn write_to(&self, database: &str, policy: &str, lines: &str) {
        write(self.address(), database, policy, lines);
    }

    /// Runs statements and gives the answer.
    pub(super) fn query(&self, database: &str, text: &str) -> Value {
        query(self.address(), database, text)
    }

    /// The rows of one statement, each with the values of its group tags in front.
    pub(super) fn rows(&self, database: &str, text: &str) -> Vec<Vec<Value>> {
        let answer = self.query(database, text);
        let mut rows = Vec::new();
        for series in answer["results"][0]["series"].as_array().into_iter().flatten() {
            assert!(series["partial"].is_null(), "the answer was cut");
            let tags: Vec<Value> =
                series["tags"].as_object().map(|tags| tags.values().cloned().collect()).unwrap_or_default();
            let values = series["values"].as_array().unwrap();
            rows.extend(
                values.iter().map(|row| tags.iter().chain(row.as_array().unwrap()).cloned().collect()),
            );
        }
        rows
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.app.take());
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

pub(super) fn write(address: SocketAddr, database: &str, policy: &str, lines: &str) {
    let parameters = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("db", database)
        .append_pair("rp", policy)
        .finish();
    let response = post(address, format!("/write?{parameters}"), lines);
    assert!(response.status < 300, "{}: {}", response.status, String::from_utf8_lossy(&response.body));
}

fn query(address: SocketAddr, database: &str, text: &str) -> Value {
    let parameters = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("db", database)
        .append_pair("epoch", "ns")
        .append_pair("q", text)
        .finish();
    let response = post(address, format!("/query?{parameters}"), "");
    let body = String::from_utf8(response.body).unwrap();
    assert!(response.status < 300 && !body.contains("\"error\""), "{text}: {body}");
    serde_json::from_str(&body).unwrap()
}

fn post(address: SocketAddr, target: String, body: &str) -> Response {
    let request = Request { method: "POST".into(), target, headers: Vec::new(), body: body.into() };
    send(address, &request).unwrap()
}

/// An empty folder, and paths in it.
pub(super) struct Folder(TempDir);

impl Folder {
    pub(super) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(super) fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }
}

/// What a command said.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) succeeded: bool,
    pub(super) output: String,
    pub(super) errors: String,
}

/// `tidegauge` with these arguments.
fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegauge"));
    command.args(arguments).env("TIDEGAUGE_WAL_DISK_LOW_WATER_BYTES", "0");
    for variable in ["TIDEGAUGE_CONFIG", "TIDEGAUGE_HOST"] {
        command.env_remove(variable);
    }
    command
}

/// Runs `tidegauge` with these arguments.
pub(super) fn run(arguments: &[&str]) -> Said {
    let done = command(arguments).output().unwrap();
    Said {
        succeeded: done.status.success(),
        output: String::from_utf8_lossy(&done.stdout).into_owned(),
        errors: String::from_utf8_lossy(&done.stderr).into_owned(),
    }
}

/// The same, of a command that succeeds; what it said to standard error.
pub(super) fn must(arguments: &[&str]) -> String {
    let said = run(arguments);
    assert!(said.succeeded, "{arguments:?}: {}", said.errors);
    said.errors
}

/// The same, of a command that fails.
pub(super) fn must_fail(arguments: &[&str]) -> String {
    let said = run(arguments);
    assert!(!said.succeeded, "{arguments:?}: {}", said.errors);
    said.errors
}

/// Runs it where nobody reads what it says to standard error, and tells whether it succeeded.
pub(super) fn succeeds_unheard(arguments: &[&str]) -> bool {
    let mut running = command(arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    drop(running.stderr.take());
    running.wait().unwrap().success()
}

/// Every file below a folder, relative to it, sorted.
pub(super) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path.strip_prefix(folder).unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}
