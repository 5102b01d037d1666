//! The signals that end a server.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// What the process answers when a second signal ends it: as if the signal had killed it.
pub(super) const EXIT_CODE_FORCED: i32 = 130;

/// SIGTERM and SIGINT, from now on received instead of killing the process.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    pub(super) fn listen() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits for the next one and gives its name.
    pub(super) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}
