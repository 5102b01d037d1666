//! The real server as a process of its own: started, asked, measured, killed.

use crate::scenario::http::{Request, Response, percent_encode, send};
use parking_lot::Mutex;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// What the server logs once it takes requests, before its address.
const LISTENING: &str = "listening on http://";

/// A server that has not recovered by then fails the test. Generous: machines that run tests are busy.
const START_TIMEOUT: Duration = Duration::from_secs(120);

/// A running server. Killed when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    process: Option<Child>,
    address: SocketAddr,
    log: Arc<Mutex<Vec<String>>>,
}

/// `tidegauge serve` on a folder and a free port, to be started. `settings` are variables of the environment.
pub(crate) fn command(folder: &Path, settings: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegauge"));
    command.args(["serve", "--bind", "127.0.0.1:0", "--data"]).arg(folder);
    with_environment(command, settings)
}

/// The same, on a disk of its own of so many bytes, which is mounted on the folder for nobody but the server.
/// `None` where the system does not allow that.
pub(crate) fn command_on_disk(folder: &Path, disk_bytes: u64, settings: &[(&str, &str)]) -> Option<Command> {
    const NAMESPACES: [&str; 3] = ["--user", "--map-root-user", "--mount"];
    let allowed = Command::new("unshare").args(NAMESPACES).arg("true").stderr(Stdio::null()).status();
    if !allowed.is_ok_and(|status| status.success()) {
        return None;
    }
    let script =
        "mount -t tmpfs -o size=$1 tmpfs \"$2\" && exec \"$0\" serve --bind 127.0.0.1:0 --data \"$2\"";
    let mut command = Command::new("unshare");
    command.args(NAMESPACES).args(["sh", "-c", script, env!("CARGO_BIN_EXE_tidegauge")]);
    command.arg(disk_bytes.to_string()).arg(folder);
    Some(with_environment(command, settings))
}

/// The same, with SIGHUP ignored, as `nohup` has it.
pub(crate) fn command_under_nohup(folder: &Path) -> Command {
    let script = "trap '' HUP && exec \"$0\" serve --bind 127.0.0.1:0 --data \"$1\"";
    let mut command = Command::new("sh");
    command.args(["-c", script, env!("CARGO_BIN_EXE_tidegauge")]).arg(folder);
    with_environment(command, &[])
}

fn with_environment(mut command: Command, settings: &[(&str, &str)]) -> Command {
    command
        .env("TIDEGAUGE_LOG_LEVEL", "info")
        .env("TIDEGAUGE_WAL_DISK_LOW_WATER_BYTES", "0")
        .envs(settings.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command
}

/// Starts the process without waiting for anything. Its log is its standard error.
pub(crate) fn spawn(folder: &Path, settings: &[(&str, &str)]) -> Child {
    command(folder, settings).spawn().expect("the server's program starts")
}

/// SIGKILL, and the end of the process.
pub(crate) fn kill(mut process: Child) {
    process.kill().expect("the process was not waited for yet");
    process.wait().expect("the process ends");
}

impl Server {
    /// Starts the server on `folder` and waits until it listens.
    pub(crate) fn start(folder: &Path, settings: &[(&str, &str)]) -> Self {
        Self::run(command(folder, settings))
    }

    /// Starts the server that a command describes and waits until it listens.
    pub(crate) fn run(mut command: Command) -> Self {
        let mut process = command.spawn().expect("the server's program starts");
        let stderr = process.stderr.take().expect("stderr is piped");
        let log = Arc::new(Mutex::new(Vec::new()));
        let listening = follow_log(BufReader::new(stderr), Arc::clone(&log));
        let mut server = Self { process: Some(process), address: SocketAddr::from(([127, 0, 0, 1], 0)), log };
        match listening.recv_timeout(START_TIMEOUT) {
            Ok(address) => server.address = address,
            Err(_) => panic!("the server does not listen; its log:\n{}", server.log_text()),
        }
        server
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Kills it and gives its log.
    pub(crate) fn kill(mut self) -> String {
        kill(self.process.take().expect("a server is killed once"));
        self.log_text()
    }

    /// What the server logged up to now.
    pub(crate) fn log_text(&self) -> String {
        self.log.lock().join("\n")
    }

    /// A path as the server sees it.
    pub(crate) fn its_path(&self, path: &Path) -> PathBuf {
        let below_root = path.strip_prefix("/").expect("an absolute path");
        Path::new("/proc").join(self.id().to_string()).join("root").join(below_root)
    }

    /// The most memory that the process ever held, in bytes.
    pub(crate) fn memory_bytes_max(&self) -> u64 {
        let kibibytes: u64 = self.status("VmHWM:").trim_end_matches(" kB").parse().expect("a number of kB");
        kibibytes * 1024
    }

    /// Signals that the process catches (`SigCgt:`) or ignores (`SigIgn:`); bit 0 is signal 1.
    pub(crate) fn signals(&self, name: &str) -> u64 {
        u64::from_str_radix(&self.status(name), 16).expect("a mask of signals")
    }

    /// What Linux tells of the process under a name.
    fn status(&self, name: &str) -> String {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.id())).expect("the process runs");
        let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("Linux tells it");
        line.trim().to_owned()
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        let process = self.process.as_ref().expect("it is not killed yet");
        kill_process(Pid::from_child(process), signal).expect("the process was not waited for yet");
    }

    /// Waits until it has ended.
    pub(crate) fn wait(mut self) -> ExitStatus {
        let mut process = self.process.take().expect("it is not killed yet");
        process.wait().expect("the process ends")
    }

    fn id(&self) -> u32 {
        self.process.as_ref().expect("it is not killed yet").id()
    }

    /// Sends lines to a database.
    pub(crate) fn write(&self, database: &str, lines: impl Into<Vec<u8>>) -> Response {
        let target = format!("/write?db={database}");
        self.send(&Request { method: "POST".into(), target, headers: Vec::new(), body: lines.into() })
    }

    /// The answer to statements that must not fail.
    pub(crate) fn query(&self, database: &str, statements: &str) -> Value {
        let target = format!("/query?db={database}&epoch=ns&q={}", percent_encode(statements));
        let response =
            self.send(&Request { method: "POST".into(), target, headers: Vec::new(), body: Vec::new() });
        let text = String::from_utf8_lossy(&response.body);
        assert_eq!(response.status, 200, "{statements}: {text}");
        let answer: Value =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{statements}: {error}: {text}"));
        assert!(!text.contains("\"error\""), "{statements}: {text}");
        answer
    }

    /// The documents of a chunked answer to a statement.
    pub(crate) fn query_chunks(&self, database: &str, statement: &str) -> Vec<Value> {
        let target = format!("/query?db={database}&epoch=ns&chunked=true&q={}", percent_encode(statement));
        let response =
            self.send(&Request { method: "POST".into(), target, headers: Vec::new(), body: Vec::new() });
        let documents = serde_json::Deserializer::from_slice(&response.body).into_iter();
        let documents = documents.map(|document| document.expect("a chunk is one document"));
        documents
            .inspect(|document: &Value| assert!(document["results"][0]["error"].is_null(), "{document}"))
            .collect()
    }

    fn send(&self, request: &Request) -> Response {
        send(self.address, request)
            .unwrap_or_else(|error| panic!("{error}; the server's log:\n{}", self.log_text()))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            // The test may be failing already: what cannot be killed is gone.
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// Collects the log in a thread until the process ends; tells the address when it stands there.
fn follow_log(stderr: impl BufRead + Send + 'static, log: Arc<Mutex<Vec<String>>>) -> Receiver<SocketAddr> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in stderr.lines().map_while(Result::ok) {
            if let Some(address) = address_in(&line) {
                let _ = sender.send(address);
            }
            log.lock().push(line);
        }
    });
    receiver
}

fn address_in(line: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once(LISTENING)?;
    let is_address = |c: char| c.is_ascii_hexdigit() || matches!(c, '.' | ':' | '[' | ']');
    rest.split(|c| !is_address(c)).next()?.parse().ok()
}
