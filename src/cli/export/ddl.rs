//! The statements that make the databases and retention policies of an export.

use super::selection::Selected;
use crate::cli::remote::{Catalog, Database, Policy};
use influxql::{format_duration, quote_ident};
use std::fmt::Write;

/// `CREATE DATABASE` with the default policy for each database, `CREATE RETENTION POLICY` for its other policies that are exported.
pub(super) fn statements(catalog: &Catalog, selected: &[Selected<'_>]) -> Vec<String> {
    let mut statements = Vec::new();
    for database in &catalog.databases {
        let is_selected =
            |policy: &str| selected.iter().any(|s| s.database == database.name && s.policy == policy);
        if !database.policies.iter().any(|policy| is_selected(&policy.name)) {
            continue;
        }
        let default = database.policies.iter().find(|policy| policy.name == database.default_policy);
        statements.push(create_database(database, default));
        let others = database.policies.iter().filter(|policy| policy.name != database.default_policy);
        let others = others.filter(|policy| is_selected(&policy.name));
        statements.extend(others.map(|policy| create_policy(database, policy)));
    }
    statements
}

fn create_database(database: &Database, default: Option<&Policy>) -> String {
    let name = quote_ident(&database.name);
    match default {
        Some(policy) => {
            format!("CREATE DATABASE {name} WITH {} NAME {}", settings(policy), quote_ident(&policy.name))
        }
        None => format!("CREATE DATABASE {name}"),
    }
}

fn create_policy(database: &Database, policy: &Policy) -> String {
    let (name, database) = (quote_ident(&policy.name), quote_ident(&database.name));
    format!("CREATE RETENTION POLICY {name} ON {database} {}", settings(policy))
}

/// The limits of writes are newer than most servers and stand there only where they are set.
fn settings(policy: &Policy) -> String {
    let duration = match policy.duration_ns {
        0 => "INF".to_owned(),
        duration_ns => format_duration(duration_ns),
    };
    let shard_duration = format_duration(policy.shard_duration_ns);
    let mut text =
        format!("DURATION {duration} REPLICATION {} SHARD DURATION {shard_duration}", policy.replica_n);
    for (name, limit_ns) in [("FUTURE", policy.future_limit_ns), ("PAST", policy.past_limit_ns)] {
        if limit_ns > 0 {
            // Writing into a string does not fail.
            let _ = write!(text, " {name} LIMIT {}", format_duration(limit_ns));
        }
    }
    text
}
