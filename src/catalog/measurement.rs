//! DROP MEASUREMENT, and where a write goes.

use super::CatalogError;
use super::policy::find_database;
use crate::model::change::Change;
use crate::model::database::{DatabaseInfo, PolicyInfo};
use crate::model::ids::Sequence;
use crate::model::state::State;
use std::sync::Arc;

/// The database and policy that a write goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteTarget {
    /// The database.
    pub database: Arc<DatabaseInfo>,
    /// The policy, which belongs to it.
    pub policy: Arc<PolicyInfo>,
}

/// Why a write goes nowhere. Displays as InfluxDB 1.x's text, which quotes the database here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteTargetError {
    /// There is no such database.
    #[error("database not found: {0:?}")]
    DatabaseNotFound(String),
    /// There is no such retention policy, or the default one was dropped.
    #[error("retention policy not found: {0}")]
    PolicyNotFound(String),
}

/// Finds where a write to `database` goes; without `policy`, or with an empty one, to the default one.
///
/// # Errors
/// When the database or the policy does not exist, which may be the default one.
pub fn resolve_write_target(
    state: &State,
    database: &str,
    policy: Option<&str>,
) -> Result<WriteTarget, WriteTargetError> {
    let not_found = || WriteTargetError::DatabaseNotFound(database.to_owned());
    let database = state.database(database).ok_or_else(not_found)?;
    let policy = policy.filter(|name| !name.is_empty()).unwrap_or(&database.default_policy);
    match state.policy(database.id, policy) {
        Some(policy) => Ok(WriteTarget { database: database.clone(), policy: policy.clone() }),
        None => Err(WriteTargetError::PolicyNotFound(policy.to_owned())),
    }
}

/// The changes for `DROP MEASUREMENT name` in `database`, which drops it in every policy; none when
/// no policy has it. `through` is the last record of the write-ahead log.
///
/// Each table is put before it is dropped, so that the changes also fit a state that does not know it
/// yet: the durable one, when the table was made by writes that were not flushed.
///
/// # Errors
/// When the database does not exist.
pub fn drop_measurement(
    state: &State,
    database: &str,
    name: &str,
    through: Sequence,
) -> Result<Vec<Change>, CatalogError> {
    let database = find_database(state, database)?;
    let policies = state.policies_of(database.id);
    let tables = policies.into_iter().filter_map(|policy| state.table(policy.id, name));
    let changes = tables
        .flat_map(|table| [Change::PutTable(table.clone()), Change::DropTable { table: table.id, through }]);
    Ok(changes.collect())
}
