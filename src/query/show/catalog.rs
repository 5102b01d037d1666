//! What the catalog alone answers: SHOW DATABASES, SHOW RETENTION POLICIES, SHOW FIELD KEYS.

use super::listing::{Column, Listing, page};
use crate::model::state::State;
use crate::model::time::go_duration;
use crate::query::error::QueryError;
use crate::query::influxql::source::{self, Defaults};
use influxql::ast::{MeasurementName, Name, ShowFieldKeys, Source};
use std::sync::Arc;

/// `SHOW DATABASES`, in the order of their creation.
///
/// # Errors
///
/// Never for a statement's fault.
pub fn databases(state: &State) -> Result<Listing, QueryError> {
    let mut all: Vec<_> = state.databases().collect();
    all.sort_unstable_by_key(|database| database.id);
    let names = all.iter().map(|database| database.name.to_string()).collect();
    Listing::new(vec!["databases".into(); all.len()], vec![("name", Column::Text(names))])
}

/// `SHOW RETENTION POLICIES [ON database]`, in the order of their creation.
///
/// # Errors
///
/// When there is no such database.
pub fn retention_policies(
    state: &State,
    on: Option<&str>,
    defaults: Defaults<'_>,
) -> Result<Listing, QueryError> {
    let database = source::database(state, on, defaults)?;
    let policies = state.policies_of(database.id);
    let text = |of: fn(&crate::model::database::PolicyInfo) -> String| {
        Column::Text(policies.iter().map(|policy| of(policy)).collect())
    };
    Listing::new(
        vec!["".into(); policies.len()],
        vec![
            ("name", text(|policy| policy.name.to_string())),
            ("duration", text(|policy| go_duration(policy.duration_ns))),
            ("shardGroupDuration", text(|policy| go_duration(policy.shard_duration_ns))),
            ("replicaN", Column::Integer(policies.iter().map(|policy| policy.replica_n.into()).collect())),
            ("futureWriteLimit", text(|policy| go_duration(policy.future_limit_ns))),
            ("pastWriteLimit", text(|policy| go_duration(policy.past_limit_ns))),
            (
                "default",
                Column::Boolean(policies.iter().map(|p| p.name == database.default_policy).collect()),
            ),
        ],
    )
}

/// `SHOW FIELD KEYS`, of the default policy unless FROM names another.
///
/// # Errors
///
/// When a database or policy does not exist.
pub fn field_keys(
    show: &ShowFieldKeys,
    state: &State,
    defaults: Defaults<'_>,
) -> Result<Listing, QueryError> {
    let on = show.database.as_deref();
    let database = source::database(state, on, defaults)?;
    let defaults = match on {
        // The request's policy belongs to the request's database.
        Some(on) => {
            Defaults { database: Some(on), policy: defaults.policy.filter(|_| defaults.database == Some(on)) }
        }
        None => Defaults { database: Some(&database.name), ..defaults },
    };
    let everything;
    let sources = if show.sources.is_empty() {
        let pattern = influxql::Pattern::new("").map_err(|error| QueryError::Query(error.to_string()))?;
        let name = MeasurementName { database: None, policy: None, name: Name::Regex(pattern) };
        everything = [Source::Measurement(name)];
        everything.as_slice()
    } else {
        show.sources.as_slice()
    };
    let (mut names, mut keys, mut types): (Vec<Arc<str>>, _, _) = (Vec::new(), Vec::new(), Vec::new());
    for (name, tables) in source::tables(state, sources, defaults)? {
        let Some(table) = tables.first() else { continue };
        for field in page(table.schema.fields(), show.limit, show.offset) {
            names.push(Arc::clone(&name));
            keys.push(field.name.to_string());
            types.push(field.field_type().map(|t| t.name().to_owned()).unwrap_or_default());
        }
    }
    Listing::new(names, vec![("fieldKey", Column::Text(keys)), ("fieldType", Column::Text(types))])
}
