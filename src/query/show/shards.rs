//! `SHOW SHARDS` and `SHOW SHARD GROUPS`: the windows of shard duration that hold rows. Every group has one shard, which bears
//! the same number ([`Shard::number`]).

use super::listing::{Column, Listing};
use super::scope::SeriesSource;
use crate::model::database::{DatabaseInfo, PolicyInfo};
use crate::model::shard::Shard;
use crate::model::state::State;
use crate::query::error::QueryError;
use chrono::{DateTime, SecondsFormat};
use std::sync::Arc;

/// A shard with what it belongs to.
type ShardOf<'s> = (&'s DatabaseInfo, &'s PolicyInfo, Shard);

/// `SHOW SHARDS`: per database, by policy and time.
///
/// # Errors
///
/// When reading fails.
pub async fn shards(state: &State, source: &dyn SeriesSource) -> Result<Listing, QueryError> {
    let shards = all_shards(state, source).await?;
    let names = shards.iter().map(|(database, ..)| Arc::clone(&database.name)).collect();
    let text = |of: fn(&ShardOf<'_>) -> String| Column::Text(shards.iter().map(of).collect());
    Listing::new(
        names,
        vec![
            ("id", numbers(&shards)),
            ("database", text(|(database, ..)| database.name.to_string())),
            ("retention_policy", text(|(_, policy, _)| policy.name.to_string())),
            ("shard_group", numbers(&shards)),
            ("start_time", text(|(.., shard)| time_text(shard.times.start_ns))),
            ("end_time", text(|(.., shard)| time_text(shard.times.end_ns))),
            ("expiry_time", text(|(_, policy, shard)| expiry_text(policy, shard))),
            ("owners", text(|_| String::new())),
        ],
    )
}

/// `SHOW SHARD GROUPS`, by database, policy and time.
///
/// # Errors
///
/// When reading fails.
pub async fn shard_groups(state: &State, source: &dyn SeriesSource) -> Result<Listing, QueryError> {
    let shards = all_shards(state, source).await?;
    let text = |of: fn(&ShardOf<'_>) -> String| Column::Text(shards.iter().map(of).collect());
    Listing::new(
        vec!["shard groups".into(); shards.len()],
        vec![
            ("id", numbers(&shards)),
            ("database", text(|(database, ..)| database.name.to_string())),
            ("retention_policy", text(|(_, policy, _)| policy.name.to_string())),
            ("start_time", text(|(.., shard)| time_text(shard.times.start_ns))),
            ("end_time", text(|(.., shard)| time_text(shard.times.end_ns))),
            ("expiry_time", text(|(_, policy, shard)| expiry_text(policy, shard))),
        ],
    )
}

async fn all_shards<'s>(state: &'s State, source: &dyn SeriesSource) -> Result<Vec<ShardOf<'s>>, QueryError> {
    let mut all = Vec::new();
    for database in state.databases() {
        for policy in state.policies_of(database.id) {
            let shards = source.shards(policy.id).await?;
            all.extend(shards.into_iter().map(|shard| (&**database, &**policy, shard)));
        }
    }
    Ok(all)
}

fn numbers(shards: &[ShardOf<'_>]) -> Column {
    let number = |(.., shard): &ShardOf<'_>| i64::try_from(shard.number()).unwrap_or(i64::MAX);
    Column::Integer(shards.iter().map(number).collect())
}

/// When a shard's rows may be gone; empty, as since InfluxDB 1.12, when they are kept for ever.
fn expiry_text(policy: &PolicyInfo, shard: &Shard) -> String {
    match policy.duration_ns {
        0 => String::new(),
        duration => time_text(shard.times.end_ns.saturating_add(duration)),
    }
}

fn time_text(time_ns: i64) -> String {
    DateTime::from_timestamp_nanos(time_ns).to_rfc3339_opts(SecondsFormat::Secs, true)
}
