//! Statements that change databases, retention policies, continuous queries and subscriptions, and
//! those that delete data. A policy's duration of 0 means for ever (`INF`).

use super::{Expr, Select, Source};

/// `CREATE DATABASE name [WITH …]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateDatabase {
    /// The database.
    pub name: String,
    /// The options after WITH.
    pub policy: Option<DatabasePolicy>,
}

/// The options after WITH, which describe the default retention policy; at least one is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DatabasePolicy {
    /// DURATION in nanoseconds; 0 is INF.
    pub duration_ns: Option<i64>,
    /// REPLICATION.
    pub replication: Option<u32>,
    /// SHARD DURATION in nanoseconds.
    pub shard_duration_ns: Option<i64>,
    /// FUTURE LIMIT in nanoseconds (since 1.12).
    pub future_limit_ns: Option<i64>,
    /// PAST LIMIT in nanoseconds (since 1.12).
    pub past_limit_ns: Option<i64>,
    /// NAME.
    pub name: Option<String>,
}

/// `CREATE RETENTION POLICY name ON database DURATION d REPLICATION n …`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateRetentionPolicy {
    /// The policy.
    pub name: String,
    /// The database.
    pub database: String,
    /// DURATION in nanoseconds; 0 is INF.
    pub duration_ns: i64,
    /// REPLICATION.
    pub replication: u32,
    /// SHARD DURATION in nanoseconds.
    pub shard_duration_ns: Option<i64>,
    /// DEFAULT.
    pub default: bool,
    /// FUTURE LIMIT in nanoseconds (since 1.12).
    pub future_limit_ns: Option<i64>,
    /// PAST LIMIT in nanoseconds (since 1.12).
    pub past_limit_ns: Option<i64>,
}

/// `ALTER RETENTION POLICY name ON database …`; at least one change is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlterRetentionPolicy {
    /// The policy.
    pub name: String,
    /// The database.
    pub database: String,
    /// DURATION in nanoseconds; 0 is INF.
    pub duration_ns: Option<i64>,
    /// REPLICATION.
    pub replication: Option<u32>,
    /// SHARD DURATION in nanoseconds.
    pub shard_duration_ns: Option<i64>,
    /// DEFAULT.
    pub default: bool,
    /// FUTURE LIMIT in nanoseconds (since 1.12).
    pub future_limit_ns: Option<i64>,
    /// PAST LIMIT in nanoseconds (since 1.12).
    pub past_limit_ns: Option<i64>,
}

/// `CREATE CONTINUOUS QUERY name ON database [RESAMPLE …] BEGIN SELECT … END`.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateContinuousQuery {
    /// The continuous query.
    pub name: String,
    /// Its database.
    pub database: String,
    /// RESAMPLE EVERY in nanoseconds.
    pub every_ns: Option<i64>,
    /// RESAMPLE FOR in nanoseconds.
    pub for_ns: Option<i64>,
    /// The query run; it has a target.
    pub select: Box<Select>,
}

/// `CREATE SUBSCRIPTION name ON database.policy DESTINATIONS ALL|ANY 'url', …`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateSubscription {
    /// The subscription.
    pub name: String,
    /// The database.
    pub database: String,
    /// The retention policy.
    pub policy: String,
    /// ALL or ANY.
    pub mode: SubscriptionMode,
    /// The URLs as written.
    pub destinations: Vec<String>,
}

/// Which destinations of a subscription get a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SubscriptionMode {
    /// Every one.
    All,
    /// One of them.
    Any,
}

/// `DELETE [FROM …] [WHERE …]`; at least one is given.
#[derive(Clone, Debug, PartialEq)]
pub struct Delete {
    /// FROM; empty means all measurements.
    pub sources: Vec<Source>,
    /// WHERE.
    pub condition: Option<Expr>,
}

/// `DROP SERIES [FROM …] [WHERE …]`; at least one is given.
#[derive(Clone, Debug, PartialEq)]
pub struct DropSeries {
    /// FROM; empty means all measurements.
    pub sources: Vec<Source>,
    /// WHERE.
    pub condition: Option<Expr>,
}
