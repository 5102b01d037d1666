//! One database on its own: what a backup takes out of a [`State`], and what it becomes in another one.
//!
//! ```text
//! State ─ of ─▶ DatabaseImage, in the identifiers of that state ─ renumbered ─▶ Changes for another state
//! ```
//!
//! Identifiers are given out anew. Sequences are all moved by one distance, behind the last one of the log of that state,
//! so that files and tombstones keep their order among each other and everything written later is newer.

use super::change::Change;
use super::continuous_query::ContinuousQueryInfo;
use super::database::{DatabaseInfo, PolicyInfo, TableInfo};
use super::file::FileMeta;
use super::ids::{ContinuousQueryId, PolicyId, Sequence, SubscriptionId, TableId};
use super::state::State;
use super::subscription::SubscriptionInfo;
use super::tombstone::Tombstone;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

#[cfg(test)]
mod tests;

/// A database with all that belongs to it. Users and what they may do are not part of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseImage {
    /// The database.
    pub database: Arc<DatabaseInfo>,
    /// Its retention policies, in the order in which they were created.
    pub policies: Vec<Arc<PolicyInfo>>,
    /// Its tables.
    pub tables: Vec<Arc<TableInfo>>,
    /// The files of the tables.
    pub files: Vec<Arc<FileMeta>>,
    /// The tables that rows were ever deleted from.
    pub tables_with_deletions: Vec<TableId>,
    /// What is deleted from the files.
    pub tombstones: Vec<Arc<Tombstone>>,
    /// Its continuous queries.
    pub continuous_queries: Vec<Arc<ContinuousQueryInfo>>,
    /// The subscriptions of its policies.
    #[serde(default)]
    pub subscriptions: Vec<Arc<SubscriptionInfo>>,
}

/// The image contradicts itself, or the identifiers or sequences are used up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the description of the database is inconsistent: {0}")]
pub struct ImageError(String);

/// What an image becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renumbered {
    /// The changes that add the database, in order.
    pub changes: Vec<Change>,
    /// The last sequence that they bear, or the one they were to come after.
    pub through: Sequence,
}

impl DatabaseImage {
    /// The database of this name, or `None` when the state has none.
    #[must_use]
    pub fn of(state: &State, name: &str) -> Option<Self> {
        let database = state.database(name)?.clone();
        let policies: Vec<_> = state.policies_of(database.id).into_iter().cloned().collect();
        let tables: Vec<_> = policies.iter().flat_map(|policy| state.tables_of(policy.id)).cloned().collect();
        let files = tables.iter().flat_map(|table| state.files_of(table.id).to_vec()).collect();
        let is_ours = |id: &TableId| state.table_by_id(*id).is_some_and(|t| t.database == database.id);
        let deletions = || state.tables_with_deletions().filter(|(id, _)| is_ours(id));
        Some(Self {
            tables_with_deletions: deletions().map(|(id, _)| id).collect(),
            tombstones: deletions().flat_map(|(_, tombstones)| tombstones.iter().cloned()).collect(),
            continuous_queries: state.continuous_queries_of(database.id).cloned().collect(),
            subscriptions: policies.iter().flat_map(|p| state.subscriptions_of(p.id)).cloned().collect(),
            policies,
            tables,
            files,
            database,
        })
    }

    /// The changes that add this to `state` as the database `name`. Its sequences become those that follow on `after`.
    ///
    /// # Errors
    /// When the image names what it does not have, or numbers are used up.
    pub fn renumbered(&self, state: &State, name: &str, after: Sequence) -> Result<Renumbered, ImageError> {
        let database = state.next_database_id();
        let policies: BTreeMap<PolicyId, PolicyId> =
            new_ids(self.policies.iter().map(|p| p.id), state.next_policy_id().0, PolicyId)?;
        let tables: BTreeMap<TableId, TableId> =
            new_ids(self.tables.iter().map(|t| t.id), state.next_table_id().0, TableId)?;
        let policy_of =
            |id: PolicyId| policies.get(&id).copied().ok_or_else(|| unknown("retention policy", id));
        let table_of = |id: TableId| tables.get(&id).copied().ok_or_else(|| unknown("table", id));
        let sequences = Shift::behind(after, self);

        let info = DatabaseInfo {
            id: database,
            name: name.into(),
            default_policy: self.database.default_policy.clone(),
        };
        let mut changes = vec![Change::CreateDatabase(Arc::new(info))];
        for policy in &self.policies {
            let id = policy_of(policy.id)?;
            changes.push(Change::PutPolicy(Arc::new(PolicyInfo {
                id,
                database,
                ..PolicyInfo::clone(policy)
            })));
        }
        for table in &self.tables {
            let (id, policy) = (table_of(table.id)?, policy_of(table.policy)?);
            let info = TableInfo { id, database, policy, ..TableInfo::clone(table) };
            changes.push(Change::PutTable(Arc::new(info)));
        }
        for file in &self.files {
            changes.push(Change::AddFile(Arc::new(FileMeta {
                table: table_of(file.table)?,
                sequence_min: sequences.of(file.sequence_min)?,
                sequence_max: sequences.of(file.sequence_max)?,
                ..FileMeta::clone(file)
            })));
        }
        for table in &self.tables_with_deletions {
            changes.push(Change::HadTombstones(table_of(*table)?));
        }
        for tombstone in &self.tombstones {
            changes.push(Change::PutTombstone(Arc::new(Tombstone {
                table: table_of(tombstone.table)?,
                through: sequences.of(tombstone.through)?,
                ..Tombstone::clone(tombstone)
            })));
        }
        let mut next_query = state.next_continuous_query_id();
        for query in &self.continuous_queries {
            let id = next_query.ok_or_else(|| used_up("continuous query"))?;
            next_query = id.0.checked_add(1).map(ContinuousQueryId);
            let info = ContinuousQueryInfo { id, database, ..ContinuousQueryInfo::clone(query) };
            changes.push(Change::CreateContinuousQuery(Arc::new(info)));
        }
        let mut next_subscription = state.next_subscription_id();
        for subscription in &self.subscriptions {
            let id = next_subscription.ok_or_else(|| used_up("subscription"))?;
            next_subscription = id.0.checked_add(1).map(SubscriptionId);
            let policy = policy_of(subscription.policy)?;
            let info = SubscriptionInfo { id, policy, ..SubscriptionInfo::clone(subscription) };
            changes.push(Change::CreateSubscription(Arc::new(info)));
        }
        Ok(Renumbered { changes, through: sequences.last()? })
    }
}

/// New identifiers for old ones, from `first` on, in the order of the old ones.
fn new_ids<T: Ord + Copy + std::fmt::Display>(
    old: impl Iterator<Item = T>,
    first: u32,
    make: impl Fn(u32) -> T,
) -> Result<BTreeMap<T, T>, ImageError> {
    let mut next = Some(first);
    let mut ids = BTreeMap::new();
    for id in old {
        // The last number stays free: the state counts past every one that is given out.
        let new = next.filter(|n| *n < u32::MAX).ok_or_else(|| used_up("identifier"))?;
        next = new.checked_add(1);
        if ids.insert(id, make(new)).is_some() {
            return Err(ImageError(format!("identifier {id} is given out twice")));
        }
    }
    Ok(ids)
}

/// Sequences moved by one distance.
struct Shift {
    /// The least and the greatest sequence that are moved.
    old: Option<(Sequence, Sequence)>,
    after: Sequence,
}

impl Shift {
    fn behind(after: Sequence, image: &DatabaseImage) -> Self {
        let of_files = image.files.iter().flat_map(|f| [f.sequence_min, f.sequence_max]);
        let all = of_files.chain(image.tombstones.iter().map(|t| t.through));
        let old = all.map(|s| (s, s)).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
        Self { old, after }
    }

    fn of(&self, sequence: Sequence) -> Result<Sequence, ImageError> {
        let least = self.old.map_or(sequence, |(least, _)| least);
        let distance = sequence.0.checked_sub(least.0).and_then(|d| d.checked_add(1));
        let new = distance.and_then(|d| self.after.0.checked_add(d)).filter(|new| *new < u64::MAX);
        new.map(Sequence).ok_or_else(|| used_up("sequence"))
    }

    fn last(&self) -> Result<Sequence, ImageError> {
        self.old.map_or(Ok(self.after), |(_, greatest)| self.of(greatest))
    }
}

fn unknown(kind: &str, id: impl std::fmt::Display) -> ImageError {
    ImageError(format!("{kind} {id} is missing"))
}

fn used_up(kind: &str) -> ImageError {
    ImageError(format!("no {kind} is left"))
}
