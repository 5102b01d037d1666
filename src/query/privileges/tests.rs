//! Each kind of statement and what it needs, as `error authorizing query` of InfluxDB 1.6.7 says it.

use super::{RequiredPrivilege, required_privileges};
use crate::model::change::Change;
use crate::model::database::DatabaseInfo;
use crate::model::ids::{DatabaseId, UserId};
use crate::model::state::State;
use crate::model::user::{Access, PasswordHash, UserInfo};
use influxql::{Params, parse};
use std::sync::Arc;

/// A statement, and what it needs in a request for the database `d`.
const NEEDED: &[(&str, &[&str])] = &[
    ("SELECT f FROM m", &["READ on d"]),
    ("SELECT f FROM e..m", &["READ on e"]),
    ("SELECT f FROM m, e.autogen.m", &["READ on d", "READ on e"]),
    ("SELECT f FROM (SELECT f FROM e..m)", &["READ on e"]),
    ("SELECT f INTO t FROM m", &["READ on d", "WRITE on d"]),
    ("SELECT f INTO e..t FROM m", &["READ on d", "WRITE on e"]),
    ("EXPLAIN SELECT f FROM m", &["READ on d"]),
    ("EXPLAIN ANALYZE SELECT f FROM e..m", &["READ on e"]),
    ("DELETE FROM m", &["WRITE on d"]),
    ("DROP SERIES FROM m", &["WRITE on d"]),
    ("DROP MEASUREMENT m", &["admin privilege"]),
    ("DROP SHARD 1", &["admin privilege"]),
    ("SHOW DATABASES", &[]),
    ("SHOW MEASUREMENTS", &["READ on d"]),
    ("SHOW MEASUREMENTS ON e", &["READ on e"]),
    ("SHOW MEASUREMENTS ON *.*", &["admin privilege"]),
    ("SHOW SERIES", &["READ on d"]),
    ("SHOW SERIES ON e", &["READ on e"]),
    ("SHOW TAG KEYS", &["READ on d"]),
    ("SHOW TAG KEYS ON e", &["READ on e"]),
    ("SHOW TAG VALUES WITH KEY = a", &["READ on d"]),
    ("SHOW TAG VALUES ON e WITH KEY = a", &["READ on e"]),
    ("SHOW FIELD KEYS", &["READ on d"]),
    ("SHOW FIELD KEYS ON e", &["READ on e"]),
    ("SHOW SERIES CARDINALITY", &["READ on d"]),
    ("SHOW MEASUREMENT CARDINALITY ON e", &["READ on e"]),
    ("SHOW TAG KEY EXACT CARDINALITY", &["READ on d"]),
    ("SHOW FIELD KEY CARDINALITY", &["READ on d"]),
    ("SHOW RETENTION POLICIES", &["READ on d"]),
    ("SHOW RETENTION POLICIES ON e", &["READ on e"]),
    ("SHOW CONTINUOUS QUERIES", &["READ on d"]),
    ("SHOW SUBSCRIPTIONS", &["admin privilege"]),
    ("SHOW USERS", &["admin privilege"]),
    ("SHOW GRANTS FOR u", &["admin privilege"]),
    ("SHOW SHARDS", &["admin privilege"]),
    ("SHOW SHARD GROUPS", &["admin privilege"]),
    ("SHOW QUERIES", &["READ on d"]),
    ("SHOW STATS", &["admin privilege"]),
    ("SHOW DIAGNOSTICS", &["admin privilege"]),
    ("KILL QUERY 1", &["admin privilege"]),
    ("CREATE DATABASE x", &["admin privilege"]),
    ("DROP DATABASE x", &["admin privilege"]),
    ("CREATE RETENTION POLICY p ON e DURATION 1d REPLICATION 1", &["admin privilege"]),
    ("ALTER RETENTION POLICY p ON e DURATION 1d", &["admin privilege"]),
    ("DROP RETENTION POLICY p ON e", &["WRITE on e"]),
    (
        "CREATE CONTINUOUS QUERY q ON e BEGIN SELECT mean(f) INTO t FROM m GROUP BY time(1h) END",
        &["READ on e"],
    ),
    (
        "CREATE CONTINUOUS QUERY q ON e BEGIN SELECT mean(f) INTO x..t FROM m GROUP BY time(1h) END",
        &["READ on e", "WRITE on x"],
    ),
    ("DROP CONTINUOUS QUERY q ON e", &["WRITE on e"]),
    ("CREATE SUBSCRIPTION s ON e.p DESTINATIONS ALL 'http://h:1'", &["admin privilege"]),
    ("DROP SUBSCRIPTION s ON e.p", &["admin privilege"]),
    ("CREATE USER u WITH PASSWORD 'p'", &["admin privilege"]),
    ("DROP USER u", &["admin privilege"]),
    ("SET PASSWORD FOR u = 'p'", &["admin privilege"]),
    ("GRANT READ ON e TO u", &["admin privilege"]),
    ("GRANT ALL TO u", &["admin privilege"]),
    ("REVOKE READ ON e FROM u", &["admin privilege"]),
    ("REVOKE ALL FROM u", &["admin privilege"]),
];

fn needed(text: &str, database: Option<&str>) -> Vec<RequiredPrivilege> {
    let statements = parse(text, &Params::default()).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(statements.len(), 1, "{text}");
    required_privileges(&statements[0], database)
}

#[test]
fn each_kind_of_statement() {
    for (text, expected) in NEEDED {
        let found: Vec<String> = needed(text, Some("d")).iter().map(ToString::to_string).collect();
        assert_eq!(found, *expected, "{text}");
    }
}

#[test]
fn without_a_database_there_is_none_to_have_a_privilege_on() {
    let privilege = RequiredPrivilege::On { database: String::new(), access: Access::READ };
    assert_eq!(needed("SELECT f FROM m", None), [privilege]);
}

/// The state of the databases `d` and `e`, and a user with access to `d`.
fn user_of(access: Access, is_admin: bool) -> (State, UserInfo) {
    let database = |id: u32, name: &str| {
        let (id, name) = (DatabaseId(id), name.into());
        Change::CreateDatabase(Arc::new(DatabaseInfo { id, name, default_policy: "autogen".into() }))
    };
    let state = State::default().with_changes(&[database(0, "d"), database(1, "e")]).unwrap();
    let user = UserInfo {
        id: UserId(0),
        name: "u".into(),
        password_hash: PasswordHash::new(""),
        is_admin,
        grants: Vec::new(),
    };
    (state, user.with_access(DatabaseId(0), access))
}

#[test]
fn who_holds_what() {
    let may = |text: &str, (state, user): (State, UserInfo)| {
        needed(text, Some("d")).iter().all(|privilege| privilege.is_held_by(&user, &state))
    };
    let reader = || user_of(Access::READ, false);
    let writer = || user_of(Access::WRITE, false);
    let both = || user_of(Access::ALL, false);
    let admin = || user_of(Access::NONE, true);
    for (text, allowed) in [
        ("SELECT f FROM m", [true, false, true, true]),
        ("SELECT f INTO t FROM m", [false, false, true, true]),
        ("SELECT f FROM e..m", [false, false, false, true]),
        ("SELECT f FROM nosuch..m", [false, false, false, true]),
        ("DELETE FROM m", [false, true, true, true]),
        ("DROP MEASUREMENT m", [false, false, false, true]),
        ("SHOW DATABASES", [true, true, true, true]),
    ] {
        let found = [may(text, reader()), may(text, writer()), may(text, both()), may(text, admin())];
        assert_eq!(found, allowed, "{text}");
    }
}
