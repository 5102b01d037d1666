//! Signals to the real server process.

use crate::process::{self, Server};
use rustix::process::Signal;

/// SIGHUP in a mask of signals.
const HANGUP: u64 = 1;

/// SIGINT, which the server catches last.
const INTERRUPT: u64 = 1 << 1;

/// Waits until the server catches signals, which it does soon after it listens.
fn wait_until_it_catches_signals(server: &Server) {
    while server.signals("SigCgt:") & INTERRUPT == 0 {
        std::thread::yield_now();
    }
}

/// It ended without a flush.
#[test]
fn a_closed_terminal_ends_the_server_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    if server.signals("SigIgn:") & HANGUP != 0 {
        eprintln!("skipped: the tests run under nohup");
        return;
    }
    server.query("db", "CREATE DATABASE db");
    assert_eq!(server.write("db", "m f=1 1").status, 204);
    wait_until_it_catches_signals(&server);
    // The system sends one, and so may the shell: the second is no order to hurry.
    server.signal(Signal::HUP);
    server.signal(Signal::HUP);
    let status = server.wait();
    assert!(status.success(), "{status}");
}

#[test]
fn a_server_under_nohup_outlives_its_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::run(process::command_under_nohup(folder.path()));
    wait_until_it_catches_signals(&server);
    assert_eq!(server.signals("SigIgn:") & HANGUP, HANGUP);
    assert_eq!(server.signals("SigCgt:") & HANGUP, 0);
    server.signal(Signal::HUP);
    server.query("db", "CREATE DATABASE db");
    server.signal(Signal::TERM);
    let status = server.wait();
    assert!(status.success(), "{status}");
}
