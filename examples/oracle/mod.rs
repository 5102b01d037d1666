//! A real InfluxDB for the examples: Debian's influxd on loopback, with a folder and ports of its own.
//!
//! In: the name of whoever starts it. Out: a running server's address. It is stopped, and its folder removed, when the value is
//! dropped. It uses the little HTTP of the scenarios (`crate::scenario`), which each example includes.

use crate::scenario::http::{Request, send};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running influxd, stopped and removed when dropped.
pub(crate) struct Oracle {
    process: Child,
    folder: PathBuf,
    /// Where it answers HTTP.
    pub(crate) address: SocketAddr,
    name: &'static str,
}

/// How long a server may take to answer its first ping.
const START_TIMEOUT: Duration = Duration::from_secs(30);

impl Oracle {
    /// Starts influxd. `name` is part of its folder's name and stands before messages. `sections` are added to its
    /// configuration.
    pub(crate) fn start(name: &'static str, sections: &str) -> Result<Oracle, String> {
        let folder = std::env::temp_dir().join(format!("tidegauge-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder)
            .map_err(|error| format!("cannot create {}: {error}", folder.display()))?;
        let (address, rpc_address) = (free_address()?, free_address()?);
        let root = folder.display();
        let config = format!(
            "reporting-disabled = true\nbind-address = \"{rpc_address}\"\n[meta]\ndir = \"{root}/meta\"\n[data]\ndir = \"{root}/data\"\n\
             wal-dir = \"{root}/wal\"\nquery-log-enabled = false\n[monitor]\nstore-enabled = false\n[http]\nbind-address = \"{address}\"\n\
             log-enabled = false\n[logging]\nlevel = \"error\"\n{sections}"
        );
        let config_path = folder.join("influxdb.conf");
        std::fs::write(&config_path, config)
            .map_err(|error| format!("cannot write {}: {error}", config_path.display()))?;
        let process = Command::new("influxd")
            .arg("-config")
            .arg(&config_path)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("cannot start influxd (Debian package 'influxdb'): {error}"))?;
        let oracle = Oracle { process, folder, address, name };
        let version = wait_for(address).map_err(|error| format!("influxd does not answer: {error}"))?;
        println!("oracle: InfluxDB {version} at {address}");
        Ok(oracle)
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        let stopped = self.process.kill().and_then(|()| self.process.wait().map(drop));
        let removed = std::fs::remove_dir_all(&self.folder);
        for error in [stopped.err(), removed.err()].into_iter().flatten() {
            eprintln!("{}: cannot clean up after influxd: {error}", self.name);
        }
    }
}

/// Waits until the server at `address` answers a ping, and tells its version.
pub(crate) fn wait_for(address: SocketAddr) -> Result<String, String> {
    let ping = Request {
        method: "GET".to_owned(),
        target: "/ping".to_owned(),
        headers: Vec::new(),
        body: Vec::new(),
    };
    let begin = Instant::now();
    loop {
        match send(address, &ping) {
            Ok(response) => return Ok(response.header("X-Influxdb-Version").unwrap_or("?").to_owned()),
            Err(error) if begin.elapsed() > START_TIMEOUT => return Err(error),
            Err(_) => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}

/// An address on loopback that nobody listens on.
pub(crate) fn free_address() -> Result<SocketAddr, String> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| format!("no free port: {error}"))?;
    listener.local_addr().map_err(|error| format!("no free port: {error}"))
}
