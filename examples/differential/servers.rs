//! Both servers: the oracle, and Tidegauge as a process of its own.
//!
//! In: the binary's path. Out: answers of both to the same request. A Tidegauge that ended is noticed, told and started again
//! on its folder; panics that it caught are read from its log.

use crate::binds::bind;
use crate::oracle::{Oracle, free_address, wait_for};
use crate::scenario::http::{Request, Response, percent_encode, send};
use crate::schema::DATABASE;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A statement that would fill the memory of either is refused by both: windows that a series may have …
const BUCKETS_MAX: u64 = 100_000;
/// … and for how long a query may run.
const QUERY_TIMEOUT_S: u64 = 30;

/// Both servers.
pub(crate) struct Servers {
    oracle: Oracle,
    process: Child,
    address: SocketAddr,
    binary: PathBuf,
    folder: PathBuf,
    /// How much of the log has been read.
    log_length: usize,
}

/// What both answered.
#[derive(Debug, Clone)]
pub(crate) struct Pair {
    pub(crate) oracle: Response,
    pub(crate) ours: Response,
}

/// How a query is asked, besides its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Form {
    /// The value of `epoch`, empty for timestamps as text.
    pub(crate) epoch: &'static str,
    /// The value of `chunk_size`, 0 for an answer in one piece.
    pub(crate) chunk_size: usize,
    /// Whether literals are bind parameters.
    pub(crate) has_parameters: bool,
}

impl Form {
    /// The text of a statement in this form, and its parameters.
    pub(crate) fn bound(self, statement: &str) -> (String, Option<String>) {
        if !self.has_parameters {
            return (statement.to_owned(), None);
        }
        let (text, parameters) = bind(statement);
        (text, Some(parameters))
    }

    /// The options as a scenario writes them after `query`.
    pub(crate) fn options(self, parameters: Option<&str>) -> String {
        let mut out = String::new();
        if !self.epoch.is_empty() {
            out += &format!(" epoch={}", self.epoch);
        }
        if self.chunk_size > 0 {
            out += &format!(" chunked=true chunk_size={}", self.chunk_size);
        }
        if let Some(parameters) = parameters {
            out += &format!(" params='{parameters}'");
        }
        out
    }
}

impl Servers {
    /// Starts both.
    pub(crate) fn start(binary: &Path) -> Result<Servers, String> {
        let sections = format!(
            "[coordinator]\nmax-select-buckets = {BUCKETS_MAX}\nquery-timeout = \"{QUERY_TIMEOUT_S}s\"\n"
        );
        let oracle = Oracle::start("differential", &sections)?;
        let folder = std::env::temp_dir().join(format!("tidegauge-differential-ours-{}", std::process::id()));
        std::fs::create_dir_all(&folder)
            .map_err(|error| format!("cannot create {}: {error}", folder.display()))?;
        let address = free_address()?;
        let process = spawn(binary, &folder, address)?;
        let servers = Servers { oracle, process, address, binary: binary.to_owned(), folder, log_length: 0 };
        wait_for(address).map_err(|error| format!("tidegauge does not answer: {error}"))?;
        println!("tidegauge: {} at {address}", binary.display());
        Ok(servers)
    }

    /// Asks both. A statement that ours does not know yet is kept from the oracle, so that both stay equal.
    pub(crate) fn query(&self, text: &str, form: Form) -> Result<Pair, String> {
        let mut target = format!("/query?db={DATABASE}");
        if !form.epoch.is_empty() {
            target += &format!("&epoch={}", form.epoch);
        }
        if form.chunk_size > 0 {
            target += &format!("&chunked=true&chunk_size={}", form.chunk_size);
        }
        let (text, parameters) = form.bound(text);
        if let Some(parameters) = parameters {
            target += &format!("&params={}", percent_encode(&parameters));
        }
        let body = format!("q={}", percent_encode(&text));
        let request = request(target, "application/x-www-form-urlencoded", body);
        let ours = send(self.address, &request).map_err(|error| format!("tidegauge: {error}"))?;
        if crate::compare::is_unsupported(&ours) {
            return Ok(Pair { oracle: ours.clone(), ours });
        }
        let oracle = send(self.oracle.address, &request).map_err(|error| format!("influxd: {error}"))?;
        Ok(Pair { oracle, ours })
    }

    /// Writes lines to a policy of both, which have to take them.
    pub(crate) fn write(&self, policy: &str, lines: &str) -> Result<(), String> {
        let target = format!("/write?db={DATABASE}&rp={}", percent_encode(policy));
        let request = request(target, "text/plain", lines.to_owned());
        for (name, address) in [("influxd", self.oracle.address), ("tidegauge", self.address)] {
            let response = send(address, &request).map_err(|error| format!("{name}: {error}"))?;
            if response.status != 204 {
                let body = String::from_utf8_lossy(&response.body);
                return Err(format!("{name} refuses points: {} {body}", response.status));
            }
        }
        Ok(())
    }

    /// Makes files of what Tidegauge has buffered.
    pub(crate) fn flush(&self) -> Result<(), String> {
        let request = request("/debug/flush".to_owned(), "text/plain", String::new());
        match send(self.address, &request) {
            Ok(response) if response.status == 204 || response.status == 404 => Ok(()),
            Ok(response) => Err(format!("tidegauge does not flush: {}", response.status)),
            Err(error) => Err(format!("tidegauge: {error}")),
        }
    }

    /// Runs a statement that both have to take without an error.
    pub(crate) fn run(&self, text: &str) -> Result<(), String> {
        let pair = self.query(text, Form::default())?;
        for (name, response) in [("influxd", &pair.oracle), ("tidegauge", &pair.ours)] {
            let body = String::from_utf8_lossy(&response.body);
            if response.status != 200 || body.contains("\"error\"") {
                return Err(format!("{name} refuses {text}: {} {body}", response.status));
            }
        }
        Ok(())
    }

    /// What went wrong inside of Tidegauge since the last call: panics in its log, or its end, after which it is started again.
    pub(crate) fn trouble(&mut self) -> Result<Option<String>, String> {
        let path = self.folder.join("log");
        let log = std::fs::read(&path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        let log = String::from_utf8_lossy(&log).into_owned();
        let new = log.get(self.log_length..).unwrap_or_default().to_owned();
        self.log_length = log.len();
        let ended = self.process.try_wait().map_err(|error| format!("cannot wait for tidegauge: {error}"))?;
        if let Some(status) = ended {
            self.process = spawn(&self.binary, &self.folder, self.address)?;
            wait_for(self.address).map_err(|error| format!("tidegauge does not answer: {error}"))?;
            return Ok(Some(format!("tidegauge ended with {status}\n{new}")));
        }
        let is_panic = new.contains("panicked at");
        Ok(is_panic.then_some(new))
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        let stopped = self.process.kill().and_then(|()| self.process.wait().map(drop));
        let removed = std::fs::remove_dir_all(&self.folder);
        for error in [stopped.err(), removed.err()].into_iter().flatten() {
            eprintln!("differential: cannot clean up after tidegauge: {error}");
        }
    }
}

fn request(target: String, kind: &str, body: String) -> Request {
    Request {
        method: "POST".to_owned(),
        target,
        headers: vec![("Content-Type".to_owned(), kind.to_owned())],
        body: body.into_bytes(),
    }
}

fn spawn(binary: &Path, folder: &Path, address: SocketAddr) -> Result<Child, String> {
    let path = folder.join("log");
    let log = std::fs::OpenOptions::new().create(true).append(true).open(&path);
    let log = log.map_err(|error| format!("cannot create {}: {error}", path.display()))?;
    Command::new(binary)
        .args(["serve", "--bind", &address.to_string(), "--data"])
        .arg(folder.join("data"))
        .env("RUST_BACKTRACE", "0")
        .env("TIDEGAUGE_QUERY_SELECT_BUCKETS_MAX", BUCKETS_MAX.to_string())
        .env("TIDEGAUGE_QUERY_TIMEOUT_S", QUERY_TIMEOUT_S.to_string())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .map_err(|error| format!("cannot start {}: {error}", binary.display()))
}
