//! What is known of the data without reading it all: which measurements there are, with which tags, and in which shards.
//!
//! Looks at the policy that keeps rows for ever, whose rows do not come and go with the clock.

use super::model::{Policy, Tables};
use super::reader::DATABASE;
use std::collections::BTreeSet;
use tidegauge::engine::{Engine, EngineError};
use tidegauge::model::shard::Shard;

/// Measurements with their tags, and the starts of shards.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Catalog {
    measurements: BTreeSet<(String, BTreeSet<String>)>,
    shards: BTreeSet<i64>,
}

/// What the engine knows.
pub(super) async fn read_catalog(engine: &Engine) -> Result<Catalog, EngineError> {
    let state = engine.visible_state().await?;
    let policy =
        state.database(DATABASE).and_then(|database| state.policy(database.id, Policy::Autogen.name()));
    let policy = policy.expect("the database is never dropped").id;
    let measurements = state
        .tables_of(policy)
        .map(|table| (table.name.to_string(), table.schema.tags().map(|tag| tag.name.to_string()).collect()));
    let shards = engine.shards(policy).await?;
    let shards = shards.iter().map(|shard| shard.times.start_ns).collect();
    Ok(Catalog { measurements: measurements.collect(), shards })
}

/// What follows from the rows.
pub(super) fn catalog_of(engine: &Engine, tables: &Tables) -> Catalog {
    let state = engine.state();
    let policy =
        state.database(DATABASE).and_then(|database| state.policy(database.id, Policy::Autogen.name()));
    let policy = policy.expect("the database is never dropped");
    let mut catalog = Catalog::default();
    for ((_, measurement), rows) in tables.iter().filter(|((policy, _), _)| *policy == Policy::Autogen) {
        let tags: BTreeSet<&str> =
            rows.keys().flat_map(|(series, _)| series.tags()).map(|(tag, _)| tag).collect();
        let tags = tags.into_iter().map(str::to_owned).collect();
        catalog.measurements.insert(((*measurement).to_owned(), tags));
        let shard = |time_ns| Shard::of_time(policy.id, policy.shard_duration_ns, time_ns).times.start_ns;
        catalog.shards.extend(rows.keys().map(|(_, time_ns)| shard(*time_ns)));
    }
    catalog
}
