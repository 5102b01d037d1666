//! What InfluxDB added after the 1.6.7 that the corpus was recorded from.

use influxql::ast::{RequiredPrivilege, ScopePart, Statement};
use influxql::{Params, parse};

/// Parses one statement, checks its canonical text and gives it back.
fn check(text: &str, printed: &str) -> Statement {
    let mut statements = parse(text, &Params::new()).unwrap_or_else(|e| panic!("{text}: {e}"));
    let statement = statements.pop().expect("one statement");
    assert_eq!(statement.to_string(), printed);
    statement
}

fn check_error(text: &str, error: &str) {
    let result = parse(text, &Params::new()).map_err(|e| e.to_string());
    assert_eq!(result, Err(error.to_owned()), "{text}");
}

#[test]
fn write_limits() {
    let printed = "CREATE DATABASE d WITH DURATION 1d FUTURE LIMIT 90m PAST LIMIT 1w NAME n";
    check("create database d with duration 24h future limit 90m past limit 7d name n", printed);
    let printed = "CREATE RETENTION POLICY p ON d DURATION 0s REPLICATION 1 DEFAULT FUTURE LIMIT 0s";
    check("create retention policy p on d duration inf replication 1 default future limit inf", printed);
    check("alter retention policy p on d past limit 1h", "ALTER RETENTION POLICY p ON d PAST LIMIT 1h");
    check_error("create database d with future 1h", "found 1h, expected LIMIT at line 1, char 31");
    check_error(
        "alter retention policy p on d past limit 1h past limit 2h",
        "found duplicate PAST option at line 1, char 45",
    );
    // The options have an order, which the name ends.
    check_error(
        "create database d with past limit 1h future limit 1h",
        "found FUTURE, expected ; at line 1, char 38",
    );
}

#[test]
fn measurements_of_every_database() {
    let statement = check("show measurements on *.*", "SHOW MEASUREMENTS ON *.*");
    let Statement::ShowMeasurements(show) = &statement else { panic!("SHOW MEASUREMENTS") };
    assert_eq!(show.database, Some(ScopePart::Any));
    assert_eq!(statement.default_database(), None);
    assert_eq!(statement.required_privileges(), [RequiredPrivilege::Admin]);
    let statement = check("show measurements on d.rp", "SHOW MEASUREMENTS ON d.rp");
    assert_eq!(statement.default_database(), Some("d"));
    check_error("show measurements on d.5", "found .5, expected ; at line 1, char 23");
}

#[test]
fn tag_keys_with_key() {
    check("show tag keys with key in (a, b)", "SHOW TAG KEYS WITH KEY IN (a, b)");
    check(
        "show tag keys from m with key !~ /a/ where t = 'x'",
        "SHOW TAG KEYS FROM m WITH KEY !~ /a/ WHERE t = 'x'",
    );
}

#[test]
fn explain_verbose() {
    check("explain verbose select f from m", "EXPLAIN VERBOSE SELECT f FROM m");
    check("explain analyze verbose select f from m", "EXPLAIN ANALYZE VERBOSE SELECT f FROM m");
}

#[test]
fn passwords_are_never_shown() {
    let statement = check("create user u with password 'secret'", "CREATE USER u WITH PASSWORD [REDACTED]");
    assert!(!format!("{statement:?}").contains("secret"));
    let Statement::CreateUser(create) = &statement else { panic!("CREATE USER") };
    assert_eq!(create.password.reveal(), "secret");
    let statement = check("set password for u = 'secret'", "SET PASSWORD FOR u = [REDACTED]");
    assert!(!format!("{statement:?}").contains("secret"));
}
