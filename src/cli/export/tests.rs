//! Selections and DDL of exports, as text.

use super::ddl;
use super::parquet::file_name;
use super::selection::Selected;
use crate::cli::remote::{Catalog, Database, Policy, Table};

fn policy(name: &str, duration_ns: i64, tables: &[&str]) -> Policy {
    Policy {
        name: name.into(),
        duration_ns,
        shard_duration_ns: 86_400_000_000_000,
        replica_n: 1,
        future_limit_ns: 0,
        past_limit_ns: if duration_ns > 0 { 3_600_000_000_000 } else { 0 },
        tables: tables.iter().map(|table| Table { name: (*table).into(), row_count: 3 }).collect(),
    }
}

fn catalog() -> Catalog {
    let policies = vec![policy("my default", 0, &["m"]), policy("week", 604_800_000_000_000, &["m", "n"])];
    let database = Database { name: "a".into(), default_policy: "my default".into(), policies };
    let policies = vec![policy("left", 0, &["m"])];
    let other = Database { name: "b c".into(), default_policy: "gone".into(), policies };
    Catalog { databases: vec![database, other] }
}

fn table<'a>(database: &'a str, policy: &'a str) -> Selected<'a> {
    Selected { database, policy, measurement: "m", row_count: 3 }
}

#[test]
fn statements_make_what_is_exported() {
    let catalog = catalog();
    let all = [table("a", "my default"), table("a", "week"), table("b c", "left")];
    let create_a = "CREATE DATABASE a WITH DURATION INF REPLICATION 1 SHARD DURATION 1d NAME \"my default\"";
    assert_eq!(
        ddl::statements(&catalog, &all),
        [
            create_a,
            "CREATE RETENTION POLICY week ON a DURATION 1w REPLICATION 1 SHARD DURATION 1d PAST LIMIT 1h",
            "CREATE DATABASE \"b c\"",
            "CREATE RETENTION POLICY left ON \"b c\" DURATION INF REPLICATION 1 SHARD DURATION 1d",
        ]
    );
    assert_eq!(ddl::statements(&catalog, &all[..1]), [create_a]);
}

#[test]
fn every_statement_is_one_that_parses() {
    let all = [table("a", "my default"), table("a", "week"), table("b c", "left")];
    for statement in ddl::statements(&catalog(), &all) {
        assert!(influxql::parse(&statement, &influxql::Params::default()).is_ok(), "{statement}");
    }
}

#[test]
fn names_become_parts_of_paths() {
    assert_eq!(file_name("cpu_load-1.5"), "cpu_load-1.5");
    assert_eq!(file_name("../a b/é"), "%2E.%2Fa%20b%2F%C3%A9");
    assert_eq!(file_name(""), "");
    let (one, other) = (file_name(&"x".repeat(300)), file_name(&"x".repeat(301)));
    assert!(one.len() == 200 && other.len() == 200 && one != other, "{one} {other}");
}
