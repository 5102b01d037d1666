//! Logs as their export gives them.

use super::names::{Names, Target};
use crate::cli::error::CliError;
use crate::cli::{Cli, Command};
use crate::line_protocol::{Precision, WriteOptions, to_batches};
use crate::model::batch::WriteBatch;
use crate::model::change::Change;
use crate::model::database::{DatabaseInfo, PolicyInfo};
use crate::model::ids::{DatabaseId, PolicyId, Sequence};
use crate::model::state::State;
use crate::wal::{Wal, WalOptions, batch};
use clap::Parser;
use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

/// Makes a log of writes: (database, retention policy, lines).
fn log(writes: &[(u32, u32, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let options = WalOptions { disk_low_water_bytes: 0, ..WalOptions::new(folder.path()) };
    let (wal, _) = Wal::open(options, Sequence::ZERO, |_, _| Ok::<(), Infallible>(())).unwrap();
    for (database, policy, lines) in writes {
        let read = to_batches(lines.as_bytes(), &WriteOptions::new(Precision::Nanosecond, 0), |_| None);
        assert!(read.rejections.is_empty(), "{lines}");
        let (database, policy) = (DatabaseId(*database), PolicyId(*policy));
        let written = WriteBatch { database, policy, tables: read.tables };
        wal.append(batch::encode(&written)).unwrap().durable.wait().unwrap();
    }
    wal.close().unwrap();
    folder
}

fn three_policies() -> TempDir {
    log(&[
        (1, 2, "cpu,host=a\\ b v=1 10\ncpu,host=c v=2 20"),
        (4, 7, "mem free=3i 10"),
        (1, 3, "cpu v=\"text\" 10"),
        (1, 2, "cpu,host=c v=4 20\ndisk used=0.5 30"),
    ])
}

/// Runs `tidegauge export` and gives what it wrote.
fn export(path: &Path, arguments: &[&str]) -> (Result<(), CliError>, String) {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.lp");
    let (path, out_text) = (path.to_str().unwrap(), out.to_str().unwrap());
    let fixed = ["tidegauge", "export", "--quarantined", path, "--out", out_text];
    let cli = Cli::try_parse_from(fixed.iter().chain(arguments).copied()).expect("the arguments are right");
    let Command::Export(export) = cli.command else { panic!("it is another command") };
    let outcome = export.run();
    (outcome, std::fs::read_to_string(out).unwrap_or_default())
}

fn check_text(path: &Path, arguments: &[&str], expected: &str) {
    let (outcome, text) = export(path, arguments);
    outcome.unwrap();
    assert_eq!(text, expected, "{arguments:?}");
}

#[test]
fn a_log_becomes_the_text_of_an_export() {
    let folder = three_policies();
    let expected = "\
# INFLUXDB EXPORT: 1677-09-21T00:12:43.145224194Z - 2262-04-11T23:47:16.854775807Z
# DDL
CREATE DATABASE found WITH DURATION INF REPLICATION 1 SHARD DURATION 1w NAME database_1_policy_2
CREATE RETENTION POLICY database_1_policy_3 ON found DURATION INF REPLICATION 1 SHARD DURATION 1w
CREATE RETENTION POLICY database_4_policy_7 ON found DURATION INF REPLICATION 1 SHARD DURATION 1w
# DML
# CONTEXT-DATABASE:found
# CONTEXT-RETENTION-POLICY:database_1_policy_2
# writing wal data
cpu,host=a\\ b v=1.0 10
cpu,host=c v=2.0 20
cpu,host=c v=4.0 20
disk used=0.5 30
# CONTEXT-DATABASE:found
# CONTEXT-RETENTION-POLICY:database_1_policy_3
# writing wal data
cpu v=\"text\" 10
# CONTEXT-DATABASE:found
# CONTEXT-RETENTION-POLICY:database_4_policy_7
# writing wal data
mem free=3i 10
";
    check_text(folder.path(), &["--no-store", "--unknown-database", "found"], expected);
}

#[test]
fn a_part_of_a_log_can_be_asked_for() {
    let folder = three_policies();
    let only = ["--no-store", "--lponly"];
    let with = |arguments: &[&'static str]| [&only[..], arguments].concat();
    check_text(folder.path(), &with(&["--rp", "database_4_policy_7"]), "mem free=3i 10\n");
    check_text(folder.path(), &with(&["--measurement", "disk"]), "disk used=0.5 30\n");
    let second = ["--start", "1970-01-01T00:00:00.00000002Z", "--end", "1970-01-01T00:00:00.00000003Z"];
    check_text(folder.path(), &with(&second), "cpu,host=c v=2.0 20\ncpu,host=c v=4.0 20\n");
    let (outcome, text) = export(folder.path(), &with(&["-d", "nyc"]));
    let error = outcome.unwrap_err().to_string();
    assert!(error.starts_with("none of these points"), "{error}");
    assert_eq!(text, "");
}

#[test]
fn what_cannot_be_read_is_an_error_and_the_rest_is_written() {
    let folder = log(&[(1, 2, "m s=\"first\" 1"), (1, 2, "m s=\"second\" 2"), (1, 2, "m s=\"third\" 3")]);
    let segment = folder.path().join("00000000000000000001.wal");
    let mut bytes = std::fs::read(&segment).unwrap();
    let at = bytes.windows(6).position(|part| part == b"second").unwrap();
    bytes[at] = b'S';
    std::fs::write(&segment, bytes).unwrap();
    let (outcome, text) = export(folder.path(), &["--no-store", "--lponly"]);
    assert_eq!(outcome.unwrap_err().to_string(), "1 part could not be read");
    assert_eq!(text, "m s=\"first\" 1\nm s=\"third\" 3\n");
}

#[test]
fn a_folder_without_a_log_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    for (path, expected) in [
        (folder.path().to_owned(), "is of a write-ahead log"),
        (folder.path().join("gone"), "it is not there"),
    ] {
        let error = export(&path, &["--no-store"]).0.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_store_that_cannot_be_read_is_told_with_what_to_do() {
    let folder = three_policies();
    let gone = folder.path().join("gone");
    let error = export(folder.path(), &["--data", gone.to_str().unwrap()]).0.unwrap_err().to_string();
    assert!(error.starts_with("there is no data in ") && error.contains("--no-store"), "{error}");
}

#[test]
fn arguments_that_contradict_each_other_are_refused() {
    for (line, expected) in [
        ("tidegauge export --data d --out o", "belong to --quarantined"),
        ("tidegauge export --quarantined q --format parquet --out o", "line protocol"),
        ("tidegauge export --quarantined q --url http://db1:8086 --out o", "asks no server"),
    ] {
        let Command::Export(export) = Cli::try_parse_from(line.split(' ')).expect(line).command else {
            panic!("{line}")
        };
        let error = export.run().unwrap_err().to_string();
        assert!(error.contains(expected), "{line}: {error}");
    }
    for line in ["tidegauge export --no-store --out o", "tidegauge export --unknown-database x --out o"] {
        assert!(Cli::try_parse_from(line.split(' ')).is_err(), "{line}");
    }
    assert!(Cli::try_parse_from("tidegauge export --quarantined --data d --out o".split(' ')).is_ok());
}

fn state() -> State {
    let mut state = State::default();
    for (id, name) in [(1, "nyc"), (2, "quarantined")] {
        let (id, name) = (DatabaseId(id), name.into());
        let info = DatabaseInfo { id, name, default_policy: "autogen".into() };
        state.apply(&Change::CreateDatabase(Arc::new(info))).unwrap();
    }
    for (id, database) in [(5, 1), (6, 2)] {
        let info = PolicyInfo {
            id: PolicyId(id),
            database: DatabaseId(database),
            name: "autogen".into(),
            duration_ns: 0,
            shard_duration_ns: 3_600_000_000_000,
            replica_n: 1,
            future_limit_ns: 0,
            past_limit_ns: 0,
        };
        state.apply(&Change::PutPolicy(Arc::new(info))).unwrap();
    }
    state
}

fn check_target(names: &Names, (database, policy): (u32, u32), expected: (&str, &str, bool)) {
    let Target { database, policy, is_known } = names.target((DatabaseId(database), PolicyId(policy)));
    assert_eq!((database.as_str(), policy.as_str(), is_known), expected);
}

#[test]
fn numbers_are_known_by_the_store() {
    let names = Names::new(Some(state()), "lost");
    check_target(&names, (1, 5), ("nyc", "autogen", true));
    check_target(&names, (1, 9), ("lost", "database_1_policy_9", false));
    // The policy is another database's.
    check_target(&names, (1, 6), ("lost", "database_1_policy_6", false));
    check_target(&names, (3, 5), ("lost", "database_3_policy_5", false));
    check_target(&Names::new(None, "lost"), (1, 5), ("lost", "database_1_policy_5", false));
}

#[test]
fn what_is_not_known_may_go_to_a_database_of_the_store() {
    let names = Names::new(Some(state()), "quarantined");
    let targets =
        [(1, 5), (8, 9)].map(|(database, policy)| names.target((DatabaseId(database), PolicyId(policy))));
    let catalog = names.catalog(targets.iter());
    let found: Vec<(&str, &str, Vec<&str>)> = catalog
        .databases
        .iter()
        .map(|database| {
            let policies = database.policies.iter().map(|policy| policy.name.as_str()).collect();
            (database.name.as_str(), database.default_policy.as_str(), policies)
        })
        .collect();
    assert_eq!(
        found,
        [
            ("nyc", "autogen", vec!["autogen"]),
            ("quarantined", "autogen", vec!["autogen", "database_8_policy_9"])
        ]
    );
}
