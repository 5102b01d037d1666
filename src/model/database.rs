//! What the catalog knows of databases, retention policies and tables.

use super::ids::{DatabaseId, PolicyId, TableId};
use super::schema::TableSchema;
use super::time::{DAY_NS, HOUR_NS};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The name of the retention policy that a new database gets, as in InfluxDB 1.x.
pub const DEFAULT_POLICY_NAME: &str = "autogen";

/// A database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseInfo {
    /// Its identifier.
    pub id: DatabaseId,
    /// Its name.
    pub name: Arc<str>,
    /// The name of the policy that statements and writes without one mean. It may name a policy that has
    /// been dropped, as in InfluxDB 1.x, and is empty when there never was one.
    pub default_policy: Arc<str>,
}

/// A retention policy: how long the points of its tables are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyInfo {
    /// Its identifier.
    pub id: PolicyId,
    /// The database it belongs to.
    pub database: DatabaseId,
    /// Its name, unique within the database.
    pub name: Arc<str>,
    /// How long points are kept, in nanoseconds; 0 = for ever.
    pub duration_ns: i64,
    /// The shard group duration that clients see, in nanoseconds; > 0. Windows of files derive from it.
    pub shard_duration_ns: i64,
    /// The replication factor that clients see; it has no effect.
    pub replica_n: u32,
    /// How far in the future points may lie when they are written, in nanoseconds; 0 = any time.
    #[serde(default)]
    pub future_limit_ns: i64,
    /// How far in the past points may lie when they are written, in nanoseconds; 0 = any time.
    #[serde(default)]
    pub past_limit_ns: i64,
}

impl PolicyInfo {
    /// The shard group duration that InfluxDB 1.x derives from a policy's duration (0 = infinite):
    /// under two days an hour, under 180 days a day, else a week.
    #[must_use]
    pub const fn default_shard_duration_ns(duration_ns: i64) -> i64 {
        match duration_ns {
            0 => 7 * DAY_NS,
            d if d < 2 * DAY_NS => HOUR_NS,
            d if d < 180 * DAY_NS => DAY_NS,
            _ => 7 * DAY_NS,
        }
    }
}

/// A table: one measurement within one retention policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableInfo {
    /// Its identifier.
    pub id: TableId,
    /// The database it belongs to.
    pub database: DatabaseId,
    /// The retention policy it belongs to.
    pub policy: PolicyId,
    /// Its name, unique within the policy.
    pub name: Arc<str>,
    /// Its columns.
    pub schema: Arc<TableSchema>,
}
