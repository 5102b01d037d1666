//! Every request of `testdata/catalog/` against what a real InfluxDB 1.x answered, and its catalog
//! afterwards; then what 1.x cannot be asked.

use super::{
    CatalogError, PolicyChange, PolicySpec, alter_policy, create_database, create_policy, drop_database,
    drop_measurement, drop_policy, resolve_write_target,
};
use crate::model::change::Change;
use crate::model::database::TableInfo;
use crate::model::ids::Sequence;
use crate::model::schema::TableSchema;
use crate::model::state::State;
use crate::model::time::go_duration;
use serde_json::{Value, json};
use std::sync::Arc;

const RECORDED: &str = include_str!("../../testdata/catalog/recorded.jsonl");

/// What one request does, or its error text.
fn decide(state: &State, request: &Value) -> Result<Vec<Change>, String> {
    let text = |key: &str| request[key].as_str().unwrap_or_default();
    let ns = |key: &str| request[key].as_i64();
    let replica_n = request["replica_n"].as_u64().map(|n| u32::try_from(n).expect("a small number"));
    let make_default = request["make_default"].as_bool().unwrap_or(false);
    let spec = PolicySpec {
        name: request["policy"].as_str().map(str::to_owned),
        duration_ns: ns("duration_ns"),
        shard_duration_ns: ns("shard_duration_ns"),
        replica_n,
        ..PolicySpec::default()
    };
    let (name, db) = (text("name"), text("db"));
    let decided: Result<_, CatalogError> = match text("op") {
        "create_database" => create_database(state, name, (spec != PolicySpec::default()).then_some(&spec)),
        "drop_database" => Ok(drop_database(state, name)),
        "create_policy" => create_policy(state, db, name, &spec, make_default),
        "alter_policy" => {
            let PolicySpec { duration_ns, shard_duration_ns, replica_n, .. } = spec;
            let change = PolicyChange {
                duration_ns,
                shard_duration_ns,
                replica_n,
                make_default,
                ..PolicyChange::default()
            };
            alter_policy(state, db, name, &change)
        }
        "drop_policy" => Ok(drop_policy(state, db, name)),
        "drop_measurement" => drop_measurement(state, db, name, Sequence(1)),
        "write" => {
            let target = resolve_write_target(state, db, spec.name.as_deref()).map_err(|e| e.to_string())?;
            return Ok(match state.table(target.policy.id, name) {
                Some(_) => Vec::new(),
                None => vec![Change::PutTable(Arc::new(TableInfo {
                    id: state.next_table_id(),
                    database: target.database.id,
                    policy: target.policy.id,
                    name: name.into(),
                    schema: Arc::new(TableSchema::default()),
                }))],
            });
        }
        other => panic!("unknown request {other}"),
    };
    decided.map_err(|e| e.to_string())
}

/// All databases and policies as SHOW DATABASES and SHOW RETENTION POLICIES tell them.
fn shown(state: &State) -> Value {
    let databases = state.databases().map(|database| {
        let policies: Vec<_> = state
            .policies_of(database.id)
            .into_iter()
            .map(|p| {
                let is_default = p.name == database.default_policy;
                json!([
                    p.name,
                    go_duration(p.duration_ns),
                    go_duration(p.shard_duration_ns),
                    p.replica_n,
                    is_default
                ])
            })
            .collect();
        let policies = if policies.is_empty() { json!([]) } else { json!(policies) };
        json!({ "name": database.name, "policies": policies })
    });
    databases.collect()
}

#[test]
fn decides_as_influxdb_does() {
    let mut state = State::default();
    let mut catalog = json!([]);
    for (number, line) in RECORDED.lines().enumerate() {
        let record: Value = serde_json::from_str(line).expect("a recorded answer");
        let context = format!("line {}: {}", number + 1, record["text"]);
        let decided = decide(&state, &record["request"]);
        assert_eq!(decided.as_ref().err().map(String::as_str), record["error"].as_str(), "{context}");
        state = state.with_changes(&decided.unwrap_or_default()).expect("decided changes fit");
        if let Some(after) = record.get("catalog") {
            catalog = after.clone();
        }
        assert_eq!(shown(&state), catalog, "{context}");
    }
}

#[test]
fn what_is_as_asked_for_changes_nothing() {
    let mut state = State::default();
    let spec = PolicySpec { name: Some("p".into()), ..PolicySpec::default() };
    for change in create_database(&state, "d", Some(&spec)).expect("a new database") {
        state.apply(&change).expect("it fits");
    }
    assert_eq!(create_database(&state, "d", Some(&spec)), Ok(vec![]));
    assert_eq!(create_policy(&state, "d", "p", &PolicySpec::default(), true), Ok(vec![]));
    let change = PolicyChange { duration_ns: Some(0), make_default: true, ..PolicyChange::default() };
    assert_eq!(alter_policy(&state, "d", "p", &change), Ok(vec![]));
    assert_eq!(drop_database(&state, "e"), vec![]);
    assert_eq!(drop_policy(&state, "d", "q"), vec![]);
}

#[test]
fn measurement_is_dropped_in_every_policy_even_where_it_is_not_durable() {
    let mut live = State::default();
    let apply = |state: &mut State, changes: Vec<Change>| {
        changes.iter().for_each(|change| state.apply(change).expect("it fits"));
    };
    let changes = create_database(&live, "d", None).expect("a new database");
    apply(&mut live, changes);
    let changes = create_policy(&live, "d", "p", &PolicySpec::default(), false).expect("a new policy");
    apply(&mut live, changes);
    let mut durable = live.clone();
    for policy in ["autogen", "p"] {
        let write = json!({"op": "write", "db": "d", "policy": policy, "name": "m"});
        let changes = decide(&live, &write).expect("a write");
        apply(&mut live, changes);
    }
    let drop = drop_measurement(&live, "d", "m", Sequence(9)).expect("the database is there");
    apply(&mut live, drop.clone());
    apply(&mut durable, drop);
    for state in [&live, &durable] {
        assert_eq!(state.tables().count(), 0);
        for policy in state.policies_of(state.database("d").expect("a database").id) {
            assert_eq!(state.dropped_through(policy.id, "m"), Sequence(9));
        }
    }
}

#[test]
fn replication_of_zero_is_refused() {
    let mut state = State::default();
    let spec = PolicySpec { replica_n: Some(0), ..PolicySpec::default() };
    assert_eq!(create_database(&state, "d", Some(&spec)), Err(CatalogError::REPLICATION_TOO_LOW));
    for change in create_database(&state, "d", None).expect("a new database") {
        state.apply(&change).expect("it fits");
    }
    let change = PolicyChange { replica_n: Some(0), ..PolicyChange::default() };
    assert_eq!(alter_policy(&state, "d", "autogen", &change), Err(CatalogError::REPLICATION_TOO_LOW));
    let change = PolicyChange { shard_duration_ns: Some(-1), duration_ns: Some(-1), ..change };
    assert_eq!(alter_policy(&state, "d", "autogen", &change), Err(CatalogError::DURATION_TOO_LOW));
}
