//! CREATE and DROP DATABASE.

use super::policy::{PolicySpec, check_duration, new_id};
use super::{CatalogError, name};
use crate::model::change::Change;
use crate::model::database::DatabaseInfo;
use crate::model::state::State;
use std::sync::Arc;

/// The changes for `CREATE DATABASE name [WITH …]`; none when it is there already just so. Without
/// `policy` an existing database is always just so, and a new one gets the policy `autogen`.
///
/// # Errors
/// See [`CatalogError`].
pub fn create_database(
    state: &State,
    name: &str,
    policy: Option<&PolicySpec>,
) -> Result<Vec<Change>, CatalogError> {
    if let Some(existing) = state.database(name) {
        return match policy {
            None => Ok(Vec::new()),
            Some(spec) => add_first_policy(state, existing, spec),
        };
    }
    name::check_form(name)?;
    let spec = policy.cloned().unwrap_or_default();
    name::check_form(spec.name())?;
    check_duration(spec.duration_ns)?;
    name::check_length(name)?;
    spec.check()?;
    let id = state.next_database_id();
    if id.0 == u32::MAX {
        return Err(CatalogError::USED_UP);
    }
    let database = DatabaseInfo { id, name: name.into(), default_policy: spec.name().into() };
    let policy = spec.build(id, new_id(state)?);
    Ok(vec![Change::CreateDatabase(Arc::new(database)), Change::PutPolicy(Arc::new(policy))])
}

/// Whether a database of this name can be added as a whole, with its policies and tables.
///
/// # Errors
/// When there is one of this name, or the name will not do.
pub fn check_new_database(state: &State, name: &str) -> Result<(), CatalogError> {
    if state.database(name).is_some() {
        return Err(CatalogError::DATABASE_EXISTS);
    }
    name::check_form(name)?;
    name::check_length(name)
}

/// CREATE DATABASE with a policy on a database that exists.
fn add_first_policy(
    state: &State,
    database: &DatabaseInfo,
    spec: &PolicySpec,
) -> Result<Vec<Change>, CatalogError> {
    name::check_form(spec.name())?;
    check_duration(spec.duration_ns)?;
    if state.policies_of(database.id).is_empty() {
        spec.check()?;
        let policy = spec.build(database.id, new_id(state)?);
        let name = policy.name.clone();
        let make_default = Change::SetDefaultPolicy { database: database.id, name };
        return Ok(vec![Change::PutPolicy(Arc::new(policy)), make_default]);
    }
    let existing = state.policy(database.id, spec.name()).filter(|existing| spec.matches(existing));
    match existing {
        Some(existing) if existing.name == database.default_policy => Ok(Vec::new()),
        _ => Err(CatalogError::POLICY_CONFLICT),
    }
}

/// The changes for `DROP DATABASE name`; none when there is no such database.
#[must_use]
pub fn drop_database(state: &State, name: &str) -> Vec<Change> {
    state.database(name).map(|database| Change::DropDatabase(database.id)).into_iter().collect()
}
