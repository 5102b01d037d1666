//! The signals that end a server.

use std::future::pending;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// What the process answers when a second signal ends it: as if the signal had killed it.
pub(super) const EXIT_CODE_FORCED: i32 = 130;

/// SIGTERM, SIGINT and SIGHUP, from now on received instead of killing the process.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    /// The terminal of the server is gone. `None` where the server goes on then.
    hangup: Option<Signal>,
}

impl Signals {
    pub(super) fn listen() -> std::io::Result<Self> {
        let hangup = if is_hangup_ignored() { None } else { Some(signal(SignalKind::hangup())?) };
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup,
        })
    }

    /// Waits for the first one and gives its name.
    pub(super) async fn first(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
            () = received(&mut self.hangup) => "SIGHUP",
        }
    }

    /// Waits for a second signal and gives its name. SIGHUP does not count: both the system and the shell send one when a
    /// terminal is closed.
    pub(super) async fn second(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

async fn received(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => {
            signal.recv().await;
        }
        None => pending().await,
    }
}

/// Whether SIGHUP is ignored, as under `nohup`. Then it must stay ignored, which listening for it would undo. Without
/// `/proc` this cannot be told, and SIGHUP is left as it is.
fn is_hangup_ignored() -> bool {
    std::fs::read_to_string("/proc/self/status").map_or(true, |status| ignores_hangup(&status))
}

/// The line `SigIgn` of `/proc/PID/status` is a mask in hexadecimal digits. Its lowest bit is signal 1, which is SIGHUP.
pub(super) fn ignores_hangup(status: &str) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u128::from_str_radix(mask.trim(), 16).ok());
    mask.is_none_or(|mask| mask & 1 != 0)
}
