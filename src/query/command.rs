//! Changes as values.

use crate::config::Secret;
use crate::engine::{Deletion, PolicyChange, PolicySpec, RightsChange, SubscriptionSpec};

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
    /// `CREATE CONTINUOUS QUERY`.
    CreateContinuousQuery {
        /// The database.
        database: String,
        /// The continuous query's name.
        name: String,
        /// The whole statement, in which every measurement bears database and policy.
        statement: String,
    },
    /// `DROP CONTINUOUS QUERY`.
    DropContinuousQuery {
        /// The database.
        database: String,
        /// The continuous query's name.
        name: String,
    },
    /// `CREATE SUBSCRIPTION`.
    CreateSubscription {
        /// The database.
        database: String,
        /// The retention policy.
        policy: String,
        /// Its name, mode and destinations.
        spec: SubscriptionSpec,
    },
    /// `DROP SUBSCRIPTION`.
    DropSubscription {
        /// The database.
        database: String,
        /// The retention policy.
        policy: String,
        /// The subscription's name.
        name: String,
    },
    /// A statement about a user.
    User(UserCommand),
}

/// A statement about a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserCommand {
    /// `CREATE USER`.
    Create {
        /// The name.
        name: String,
        /// The password in clear, which nothing shows.
        password: Secret,
        /// `WITH ALL PRIVILEGES`.
        is_admin: bool,
    },
    /// `DROP USER`.
    Drop {
        /// The name.
        name: String,
    },
    /// `SET PASSWORD`.
    SetPassword {
        /// The name.
        name: String,
        /// The password in clear, which nothing shows.
        password: Secret,
    },
    /// `GRANT` and `REVOKE`.
    ChangeRights {
        /// The name.
        name: String,
        /// What is granted or revoked.
        change: RightsChange,
    },
}
