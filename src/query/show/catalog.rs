//! What the catalog alone answers: SHOW DATABASES, SHOW RETENTION POLICIES, SHOW FIELD KEYS.

use super::listing::{Column, Listing, page};
use super::scope::measurements_of;
use crate::model::state::State;
use crate::model::time::go_duration;
use crate::model::value::FieldType;
use crate::query::error::QueryError;
use crate::query::influxql::source::{self, Defaults};
use influxql::ast::ShowFieldKeys;
use std::collections::BTreeMap;
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
    let (mut names, mut keys, mut types): (Vec<Arc<str>>, _, _) = (Vec::new(), Vec::new(), Vec::new());
    let mut type_names: BTreeMap<&str, Arc<str>> = BTreeMap::new();
    for (name, tables) in measurements_of(state, show.database.as_deref(), &show.sources, defaults)? {
        let Some(table) = tables.first() else { continue };
        for field in page(table.schema.fields(), show.limit, show.offset) {
            names.push(Arc::clone(&name));
            keys.push(Arc::clone(&field.name));
            let type_name = field.field_type().map(FieldType::name).unwrap_or_default();
            types.push(Arc::clone(type_names.entry(type_name).or_insert_with(|| type_name.into())));
        }
    }
    Listing::new(names, vec![("fieldKey", Column::Shared(keys)), ("fieldType", Column::Shared(types))])
}
