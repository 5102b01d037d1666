//! Kills the real server with SIGKILL, over and over, and counts what is left.
//!
//! Four writers send batches of points over keep-alive connections, and a deleter deletes some that were acknowledged. At a random moment the process is
//! killed, sometimes again while it recovers; then it is started on the same folder and asked for everything.
//! Every acknowledged point must be there with its values, every unacknowledged batch whole or not at all, and
//! what was found once must be found for ever, unless it was deleted: then it must never be found again. Some batches also write
//! rows that have few of many fields, each field in a line of its own; the same holds for every value of them.
//!
//! | variable | meaning | default |
//! |---|---|---|
//! | `TIDEGAUGE_CRASH_ROUNDS` | how often each test kills the server; a soak takes 100 and more | 5 |
//! | `TIDEGAUGE_CRASH_SEED` | seed of all random choices; a failure names it | a constant |
//!
//! The seed fixes batches and the planned moments, not how the machine schedules the threads: a failure may
//! need several runs to come back.
//!
//! What this cannot see is a missing fsync: the page cache outlives the process. The unit tests of the log count
//! its syncs instead.

mod deleter;
mod ledger;
mod questions;
mod wide;
mod writer;

use crate::environment;
use crate::process::{self, Server};
use fastrand::Rng;
use ledger::Ledger;
use questions::{check_log, create_database, read_batches};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

const WRITERS: usize = 4;
const ROUNDS_DEFAULT: u64 = 5;
const SEED_DEFAULT: u64 = 0x71de_6a06;

/// Acknowledged batches after which a round ends, at most.
const BATCHES_PER_ROUND_MAX: u64 = 60;
/// How long after that the process lives on, at most: about two group commits, so that the kill meets every
/// stage of a write.
const LAST_MOMENT_US_MAX: u64 = 20_000;
/// How long a process that is killed while it starts has lived, at most.
const STARTING_US_MAX: u64 = 150_000;

/// Flushes several times a round, onto segments as small as they may be.
const FLUSHING: [(&str, &str); 4] = [
    ("TIDEGAUGE_BUFFER_FLUSH_BYTES", "100000"),
    ("TIDEGAUGE_BUFFER_BYTES_MAX", "100000000"),
    ("TIDEGAUGE_BUFFER_FLUSH_AGE_S", "1"),
    ("TIDEGAUGE_WAL_SEGMENT_BYTES", "65536"),
];

/// Merges whatever can be merged, and deletes at once what is not needed.
const COMPACTING: [(&str, &str); 4] = [
    ("TIDEGAUGE_COMPACTION_INTERVAL_S", "1"),
    ("TIDEGAUGE_COMPACTION_QUIET_S", "0"),
    ("TIDEGAUGE_COMPACTION_WORK_PERCENT", "100"),
    ("TIDEGAUGE_COMPACTION_DELETE_AFTER_S", "0"),
];

#[test]
fn acknowledged_writes_survive_kill_9() {
    check_survival(&[]);
}

#[test]
fn acknowledged_writes_survive_kill_9_amid_flushes() {
    let (folder, _) = check_survival(&FLUSHING);
    assert!(has_data_files(folder.path()), "nothing was flushed: this test has tested nothing");
}

#[test]
fn acknowledged_writes_survive_kill_9_amid_compaction() {
    let (_, log) = check_survival(&[FLUSHING, COMPACTING].concat());
    assert!(log.contains("files compacted"), "nothing was compacted: this test has tested nothing");
}

fn has_data_files(folder: &Path) -> bool {
    let entries = std::fs::read_dir(folder).expect("the data folder can be read");
    let mut paths = entries.map(|entry| entry.expect("the data folder can be read").path());
    paths.any(|path| match path.is_dir() {
        true => has_data_files(&path),
        false => path.extension().is_some_and(|extension| extension == "parquet"),
    })
}

/// Kills the server with these settings as often as asked for, and checks what it kept each time. The folder
/// of the data that remains, and what the servers logged.
fn check_survival(settings: &[(&str, &str)]) -> (TempDir, String) {
    let rounds = environment::number("TIDEGAUGE_CRASH_ROUNDS", ROUNDS_DEFAULT);
    let seed = environment::number("TIDEGAUGE_CRASH_SEED", SEED_DEFAULT);
    eprintln!("{rounds} rounds with TIDEGAUGE_CRASH_SEED={seed}");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut random = Rng::with_seed(seed);
    let ledger = Arc::new(Ledger::default());

    let mut server = Server::start(folder.path(), settings);
    create_database(&server);
    let mut log = String::new();
    for round in 0..rounds {
        log += &write_until_killed(server, &ledger, &mut random);
        if random.u64(..3) == 0 {
            kill_while_starting(folder.path(), settings, &mut random);
        }
        server = Server::start(folder.path(), settings);
        // Everything from time to time, otherwise only what the last rounds wrote.
        let from = if round % 10 == 9 { 0 } else { ledger.first_unchecked() };
        ledger.check(&read_batches(&server, from, ledger.last()), from);
        check_log(&server);
    }
    ledger.check(&read_batches(&server, 0, ledger.last()), 0);
    let (written, deleted) = (ledger.acknowledged_count(), ledger.deleted_count());
    let (points, wide_rows) = ledger.found_counts();
    eprintln!(
        "{written} batches acknowledged, {deleted} deleted, {points} points and {wide_rows} wide rows found"
    );
    assert!(written > 0, "nothing was written");
    assert!(deleted > 0, "nothing was deleted");
    assert!(wide_rows > 0, "no wide row was written");
    (folder, log)
}

/// Lets the writers write, kills the server amid their requests, and waits for them to notice. The server's log.
fn write_until_killed(server: Server, ledger: &Arc<Ledger>, random: &mut Rng) -> String {
    let batches = random.u64(1..=BATCHES_PER_ROUND_MAX);
    let target = ledger.acknowledged_count() + batches;
    let last_moment = Duration::from_micros(random.u64(..LAST_MOMENT_US_MAX));
    std::thread::scope(|scope| {
        for number in 0..WRITERS {
            let (ledger, address, random) = (ledger.clone(), server.address(), random.fork());
            scope.spawn(move || writer::write_until_gone(number, address, &ledger, random));
        }
        let (deleter, address, random) = (ledger.clone(), server.address(), random.fork());
        scope.spawn(move || deleter::delete_until_gone(address, &deleter, random));
        ledger.wait_for_acknowledged(target);
        // The one place where time matters: a kill at the very moment of an answer would meet one stage only.
        std::thread::sleep(last_moment);
        server.kill()
    })
}

/// Starts the server and kills it before, while or shortly after it recovers.
fn kill_while_starting(folder: &Path, settings: &[(&str, &str)], random: &mut Rng) {
    let starting = process::spawn(folder, settings);
    std::thread::sleep(Duration::from_micros(random.u64(..STARTING_US_MAX)));
    process::kill(starting);
}
