//! FROM: which tables a statement reads.
//!
//! In: the sources as written, the catalog and the request's database and policy. Out: the measurements, sorted by name.

use super::error::{Result, err};
use crate::model::database::{DatabaseInfo, PolicyInfo, TableInfo};
use crate::model::state::State;
use crate::query::error::QueryError;
use crate::query::into::IntoTarget;
use influxql::ast::{MeasurementName, Name, Source, Target, TargetName};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a request says about names that a statement leaves out.
#[derive(Clone, Copy, Debug, Default)]
pub struct Defaults<'a> {
    /// The database.
    pub database: Option<&'a str>,
    /// The retention policy, which goes before the database's default.
    pub policy: Option<&'a str>,
}

/// The database of this name, or else of the request.
pub fn database<'s>(
    state: &'s State,
    name: Option<&str>,
    defaults: Defaults<'_>,
) -> Result<&'s Arc<DatabaseInfo>> {
    let Some(name) = name.or(defaults.database).filter(|name| !name.is_empty()) else {
        return err("database name required");
    };
    match state.database(name) {
        Some(database) => Ok(database),
        None => err(format!("database not found: {name}")),
    }
}

/// Checks what needs no policy, before anything else of a statement is looked at.
pub fn check_databases(state: &State, sources: &[Source], defaults: Defaults<'_>) -> Result<()> {
    for source in sources {
        match source {
            Source::Measurement(measurement) => {
                if let Name::Name(name) = &measurement.name {
                    check_not_a_system_name(name)?;
                }
                database(state, measurement.database.as_deref(), defaults)?;
            }
            Source::Subquery(select) => {
                // Nothing is written there, but it has to exist.
                if let Some(to) = &select.target {
                    target(state, to, defaults)?;
                }
                check_databases(state, &select.sources, defaults)?;
            }
        }
    }
    Ok(())
}

fn check_not_a_system_name(name: &str) -> Result<()> {
    let instead = match name {
        "_fieldKeys" => "SHOW FIELD KEYS",
        "_measurements" => "SHOW MEASUREMENTS",
        "_series" => "SHOW SERIES",
        "_tagKeys" => "SHOW TAG KEYS",
        "_tags" => "SHOW TAG VALUES",
        _ => return Ok(()),
    };
    err(format!("unable to use system source '{name}': use {instead} instead"))
}

/// Where INTO writes to. Its policy may be missing: that matters when there is something to write.
pub(super) fn target(state: &State, target: &Target, defaults: Defaults<'_>) -> Result<IntoTarget> {
    let database = database(state, target.database.as_deref(), defaults)?;
    Ok(IntoTarget {
        database: database.name.to_string(),
        policy: policy_name(database, target.policy.as_deref(), defaults)?.to_owned(),
        measurement: match &target.name {
            TargetName::Name(name) => Some(name.as_str().into()),
            TargetName::SameAsSource => None,
        },
    })
}

fn policy_name<'a>(
    database: &'a DatabaseInfo,
    name: Option<&'a str>,
    defaults: Defaults<'a>,
) -> Result<&'a str> {
    match name.or(defaults.policy).filter(|name| !name.is_empty()) {
        Some(name) => Ok(name),
        None if database.default_policy.is_empty() => {
            err(format!("default retention policy not set for: {:?}", database.name))
        }
        None => Ok(&database.default_policy),
    }
}

/// The policy that a measurement without one belongs to.
pub fn policy<'s>(
    state: &'s State,
    database: &DatabaseInfo,
    name: Option<&str>,
    defaults: Defaults<'_>,
) -> Result<&'s Arc<PolicyInfo>> {
    let name = policy_name(database, name, defaults)?;
    match state.policy(database.id, name) {
        Some(policy) => Ok(policy),
        None => err(format!("retention policy not found: {name}")),
    }
}

/// The tables that the FROM of a statement without subqueries names, grouped by measurement and sorted by its name.
pub fn tables(
    state: &State,
    sources: &[Source],
    defaults: Defaults<'_>,
) -> Result<BTreeMap<Arc<str>, Vec<Arc<TableInfo>>>> {
    let mut found = Vec::new();
    for source in sources {
        let Source::Measurement(measurement) = source else {
            return Err(QueryError::unsupported("FROM (SELECT …) here"));
        };
        found.extend(tables_of(state, measurement, defaults)?);
    }
    Ok(by_name(found))
}

/// Tables grouped by their names; those of one name stay in order. Quick for the many tables of one policy, which are sorted.
pub(in crate::query) fn by_name(mut tables: Vec<&Arc<TableInfo>>) -> BTreeMap<Arc<str>, Vec<Arc<TableInfo>>> {
    tables.sort_by(|a, b| a.name.cmp(&b.name));
    let of_one_name = tables.chunk_by(|a, b| a.name == b.name);
    of_one_name
        .map(|tables| (Arc::clone(&tables[0].name), tables.iter().copied().cloned().collect()))
        .collect()
}

/// The tables that one entry of FROM names.
pub(in crate::query) fn tables_of<'s>(
    state: &'s State,
    measurement: &MeasurementName,
    defaults: Defaults<'_>,
) -> Result<Vec<&'s Arc<TableInfo>>> {
    let database = database(state, measurement.database.as_deref(), defaults)?;
    let policy = policy(state, database, measurement.policy.as_deref(), defaults)?;
    Ok(match &measurement.name {
        Name::Name(name) => state.table(policy.id, name).into_iter().collect(),
        Name::Regex(pattern) => {
            state.tables_of(policy.id).filter(|table| pattern.is_match(&table.name)).collect()
        }
    })
}
