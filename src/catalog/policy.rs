//! CREATE, ALTER and DROP RETENTION POLICY, and the settings of a policy.

use super::{CatalogError, name};
use crate::model::change::Change;
use crate::model::database::{DEFAULT_POLICY_NAME, DatabaseInfo, PolicyInfo};
use crate::model::ids::{DatabaseId, PolicyId};
use crate::model::state::State;
use crate::model::time::HOUR_NS;
use std::sync::Arc;

/// The shortest time that points may be kept, and the shortest shard duration.
const DURATION_MIN_NS: i64 = HOUR_NS;

/// Settings of a new policy; what is missing takes its default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicySpec {
    /// Its name; `autogen` when missing (only CREATE DATABASE may leave it out).
    pub name: Option<String>,
    /// How long points are kept, in nanoseconds; 0 = for ever, the default.
    pub duration_ns: Option<i64>,
    /// The shard group duration in nanoseconds; 0 = the default for the duration.
    pub shard_duration_ns: Option<i64>,
    /// The replication factor; default 1.
    pub replica_n: Option<u32>,
    /// How far in the future points may lie when they are written, in nanoseconds; 0 = any time, the default.
    pub future_limit_ns: Option<i64>,
    /// How far in the past points may lie when they are written, in nanoseconds; 0 = any time, the default.
    pub past_limit_ns: Option<i64>,
}

/// New settings of a policy; what is missing stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicyChange {
    /// How long points are kept, in nanoseconds; 0 = for ever.
    pub duration_ns: Option<i64>,
    /// The shard group duration in nanoseconds; 0 = the default for the duration.
    pub shard_duration_ns: Option<i64>,
    /// The replication factor.
    pub replica_n: Option<u32>,
    /// How far in the future points may lie when they are written, in nanoseconds; 0 = any time.
    pub future_limit_ns: Option<i64>,
    /// How far in the past points may lie when they are written, in nanoseconds; 0 = any time.
    pub past_limit_ns: Option<i64>,
    /// Whether it becomes the database's default.
    pub make_default: bool,
}

impl PolicySpec {
    pub(super) fn name(&self) -> &str {
        self.name.as_deref().filter(|name| !name.is_empty()).unwrap_or(DEFAULT_POLICY_NAME)
    }

    /// Whether `policy` is what this would make, as far as it says anything.
    pub(super) fn matches(&self, policy: &PolicyInfo) -> bool {
        let shard_duration_ns = normal_shard_duration_ns(self.shard_duration_ns, policy.duration_ns);
        self.name() == policy.name.as_ref()
            && self.duration_ns.is_none_or(|duration_ns| duration_ns == policy.duration_ns)
            && self.replica_n.is_none_or(|replica_n| replica_n == policy.replica_n)
            && self.future_limit_ns.is_none_or(|limit_ns| limit_ns == policy.future_limit_ns)
            && self.past_limit_ns.is_none_or(|limit_ns| limit_ns == policy.past_limit_ns)
            && shard_duration_ns == policy.shard_duration_ns
    }

    /// Checks all but the form of the name, in 1.x's order.
    pub(super) fn check(&self) -> Result<(), CatalogError> {
        check_duration(self.duration_ns)?;
        name::check_length(self.name())?;
        if self.replica_n == Some(0) {
            return Err(CatalogError::REPLICATION_TOO_LOW);
        }
        let duration_ns = self.duration_ns.unwrap_or(0);
        if duration_ns > 0 && duration_ns < normal_shard_duration_ns(self.shard_duration_ns, duration_ns) {
            return Err(CatalogError::SHARD_TOO_LONG);
        }
        Ok(())
    }

    /// The policy that this makes once it was checked.
    pub(super) fn build(&self, database: DatabaseId, id: PolicyId) -> PolicyInfo {
        let duration_ns = self.duration_ns.unwrap_or(0);
        PolicyInfo {
            id,
            database,
            name: self.name().into(),
            duration_ns,
            shard_duration_ns: normal_shard_duration_ns(self.shard_duration_ns, duration_ns),
            replica_n: self.replica_n.unwrap_or(1),
            future_limit_ns: self.future_limit_ns.unwrap_or(0),
            past_limit_ns: self.past_limit_ns.unwrap_or(0),
        }
    }
}

/// The changes for `CREATE RETENTION POLICY name ON database …`; none when it is there already just so.
///
/// # Errors
/// See [`CatalogError`].
pub fn create_policy(
    state: &State,
    database: &str,
    name: &str,
    spec: &PolicySpec,
    make_default: bool,
) -> Result<Vec<Change>, CatalogError> {
    name::check_form(name)?;
    let spec = PolicySpec { name: Some(name.to_owned()), ..spec.clone() };
    spec.check()?;
    let database = find_database(state, database)?;
    let policy = spec.build(database.id, new_id(state)?);
    if let Some(existing) = state.policy(database.id, name) {
        let same = PolicyInfo { id: existing.id, ..policy } == **existing;
        return match (same, make_default && database.default_policy != existing.name) {
            (false, _) => Err(CatalogError::POLICY_EXISTS),
            (true, true) => Err(CatalogError::POLICY_CONFLICT),
            (true, false) => Ok(Vec::new()),
        };
    }
    let mut changes = vec![Change::PutPolicy(Arc::new(policy))];
    if make_default {
        changes.push(Change::SetDefaultPolicy { database: database.id, name: name.into() });
    }
    Ok(changes)
}

/// The changes for `ALTER RETENTION POLICY name ON database …`.
///
/// # Errors
/// See [`CatalogError`].
pub fn alter_policy(
    state: &State,
    database: &str,
    name: &str,
    change: &PolicyChange,
) -> Result<Vec<Change>, CatalogError> {
    let database = find_database(state, database)?;
    let policy =
        state.policy(database.id, name).ok_or_else(|| CatalogError::PolicyNotFound(name.to_owned()))?;
    check_duration(change.duration_ns)?;
    let duration_ns = change.duration_ns.unwrap_or(policy.duration_ns);
    // As asked for, not as normalised: 1.x compares before it raises short ones to an hour.
    if duration_ns > 0 && duration_ns < change.shard_duration_ns.unwrap_or(policy.shard_duration_ns) {
        return Err(CatalogError::SHARD_TOO_LONG);
    }
    let replica_n = change.replica_n.unwrap_or(policy.replica_n);
    if replica_n < 1 {
        return Err(CatalogError::REPLICATION_TOO_LOW);
    }
    let shard_duration_ns = match change.shard_duration_ns {
        Some(shard_duration_ns) => normal_shard_duration_ns(Some(shard_duration_ns), duration_ns),
        None => policy.shard_duration_ns,
    };
    let altered = PolicyInfo {
        duration_ns,
        shard_duration_ns,
        replica_n,
        future_limit_ns: change.future_limit_ns.unwrap_or(policy.future_limit_ns),
        past_limit_ns: change.past_limit_ns.unwrap_or(policy.past_limit_ns),
        ..PolicyInfo::clone(policy)
    };
    let mut changes = Vec::new();
    if altered != **policy {
        changes.push(Change::PutPolicy(Arc::new(altered)));
    }
    if change.make_default && database.default_policy != policy.name {
        changes.push(Change::SetDefaultPolicy { database: database.id, name: policy.name.clone() });
    }
    Ok(changes)
}

/// The changes for `DROP RETENTION POLICY name ON database`; none when there is no such policy. A
/// database may lose its default policy this way.
#[must_use]
pub fn drop_policy(state: &State, database: &str, name: &str) -> Vec<Change> {
    let policy = state.database(database).and_then(|database| state.policy(database.id, name));
    policy.map(|policy| Change::DropPolicy(policy.id)).into_iter().collect()
}

pub(super) fn find_database<'a>(state: &'a State, name: &str) -> Result<&'a Arc<DatabaseInfo>, CatalogError> {
    state.database(name).ok_or_else(|| CatalogError::DatabaseNotFound(name.to_owned()))
}

pub(super) fn check_duration(duration_ns: Option<i64>) -> Result<(), CatalogError> {
    match duration_ns {
        Some(duration_ns) if duration_ns != 0 && duration_ns < DURATION_MIN_NS => {
            Err(CatalogError::DURATION_TOO_LOW)
        }
        _ => Ok(()),
    }
}

/// The id of a new policy.
pub(super) fn new_id(state: &State) -> Result<PolicyId, CatalogError> {
    let id = state.next_policy_id();
    if id.0 == u32::MAX { Err(CatalogError::USED_UP) } else { Ok(id) }
}

fn normal_shard_duration_ns(asked_ns: Option<i64>, duration_ns: i64) -> i64 {
    match asked_ns.unwrap_or(0) {
        0 => PolicyInfo::default_shard_duration_ns(duration_ns),
        asked_ns => asked_ns.max(DURATION_MIN_NS),
    }
}
