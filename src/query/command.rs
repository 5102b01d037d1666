//! Changes as values.

use crate::engine::{Deletion, PolicyChange, PolicySpec};

/// A statement that changes something, with its names filled in. The engine checks the rules.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// `CREATE DATABASE`.
    CreateDatabase {
        /// Its name.
        name: String,
        /// What the `WITH` clause says of its retention policy.
        policy: Option<PolicySpec>,
    },
    /// `DROP DATABASE`.
    DropDatabase {
        /// Its name.
        name: String,
    },
    /// `CREATE RETENTION POLICY`.
    CreatePolicy {
        /// The database.
        database: String,
        /// The policy's name.
        name: String,
        /// Its settings.
        spec: PolicySpec,
        /// Whether it becomes the database's default.
        make_default: bool,
    },
    /// `ALTER RETENTION POLICY`.
    AlterPolicy {
        /// The database.
        database: String,
        /// The policy's name.
        name: String,
        /// The new settings.
        change: PolicyChange,
    },
    /// `DROP RETENTION POLICY`.
    DropPolicy {
        /// The database.
        database: String,
        /// The policy's name.
        name: String,
    },
    /// `DELETE`, `DROP SERIES` or `DROP SHARD`.
    Delete {
        /// What to delete of each table.
        deletions: Vec<Deletion>,
    },
    /// `DROP MEASUREMENT`.
    DropMeasurement {
        /// The database.
        database: String,
        /// The measurement's name.
        name: String,
    },
}
