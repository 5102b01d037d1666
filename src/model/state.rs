//! The catalog and the list of files at one moment: what all [`Change`]s up to then add up to.
//!
//! In come changes, one at a time; out go lookups by name and by id, and the changes that would build
//! the same state anew (a checkpoint). A state is a value: cloning it costs a few reference counts, so
//! that every reader can hold one. It knows neither who decided a change nor where it is written.
//!
//! The engine holds two of them: the durable one of the manifest, and a live one that also has the
//! tables and columns which writes made since the last flush. So a change may be applied to the live
//! state first and become durable later, and table ids may reach the durable state out of order.

use super::change::Change;
use super::continuous_query::ContinuousQueryInfo;
use super::database::{DatabaseInfo, PolicyInfo, TableInfo};
use super::file::FileMeta;
use super::ids::{ContinuousQueryId, DatabaseId, LogId, PolicyId, Sequence, SubscriptionId, TableId, UserId};
use super::schema::TableSchema;
use super::sorted_map::SortedMap;
use super::subscription::SubscriptionInfo;
use super::tombstone::Tombstone;
use super::user::UserInfo;
use std::sync::Arc;

mod continuous_queries;
mod log;
mod subscriptions;
#[cfg(test)]
mod tests;
mod tombstones;
mod users;

/// The catalog and the list of files at one moment. See the [module documentation](self).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    databases: SortedMap<DatabaseId, Arc<DatabaseInfo>>,
    policies: SortedMap<PolicyId, Arc<PolicyInfo>>,
    tables: SortedMap<TableId, Arc<TableInfo>>,
    files: SortedMap<TableId, Arc<Vec<Arc<FileMeta>>>>,
    /// The tombstones of every table that may lack rows, possibly an empty list. A table that is not here is known to have
    /// rows, and rows with every tag of its schema.
    tombstones: SortedMap<TableId, Arc<Vec<Arc<Tombstone>>>>,
    dropped: SortedMap<(PolicyId, Arc<str>), Sequence>,
    users: SortedMap<UserId, Arc<UserInfo>>,
    continuous_queries: SortedMap<ContinuousQueryId, Arc<ContinuousQueryInfo>>,
    subscriptions: SortedMap<SubscriptionId, Arc<SubscriptionInfo>>,
    flushed_through: Sequence,
    /// The log that `flushed_through` is a place in.
    flushed_log: Option<LogId>,
    next_database: DatabaseId,
    next_policy: PolicyId,
    next_table: TableId,
    // Indexes over the above.
    database_names: SortedMap<Arc<str>, DatabaseId>,
    policy_names: SortedMap<(DatabaseId, Arc<str>), PolicyId>,
    table_names: SortedMap<(PolicyId, Arc<str>), TableId>,
    user_names: SortedMap<Arc<str>, UserId>,
}

/// A change does not fit the state. The state is as it was before.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// What the change is about does not exist (any more): decide anew.
    #[error("{what} does not exist")]
    Missing {
        /// Kind and id of what is missing.
        what: String,
    },
    /// A name, an id or a path that should be new is in use: decide anew.
    #[error("{what} exists already")]
    Taken {
        /// Kind and name of what is in use.
        what: String,
    },
    /// The change contradicts itself or what the state knows of its object: a bug, or a damaged manifest.
    #[error("{what} is inconsistent: {reason}")]
    Inconsistent {
        /// Kind and id of what the change is about.
        what: String,
        /// Why it cannot be.
        reason: &'static str,
    },
}

impl State {
    /// Every database, in the order in which they were created, as InfluxDB 1.x shows them.
    pub fn databases(&self) -> impl Iterator<Item = &Arc<DatabaseInfo>> {
        self.databases.iter().map(|(_, database)| database)
    }

    /// The database of this name.
    #[must_use]
    pub fn database(&self, name: &str) -> Option<&Arc<DatabaseInfo>> {
        self.databases.get(self.database_names.get_by(|n| n.as_ref().cmp(name))?)
    }

    /// The database of this id.
    #[must_use]
    pub fn database_by_id(&self, id: DatabaseId) -> Option<&Arc<DatabaseInfo>> {
        self.databases.get(&id)
    }

    /// The policies of a database, in the order in which they were created.
    #[must_use]
    pub fn policies_of(&self, database: DatabaseId) -> Vec<&Arc<PolicyInfo>> {
        let mut policies: Vec<_> = self
            .policy_names
            .iter_from(|(d, n)| (*d, n.as_ref()).cmp(&(database, "")))
            .take_while(|((d, _), _)| *d == database)
            .filter_map(|(_, id)| self.policies.get(id))
            .collect();
        policies.sort_unstable_by_key(|p| p.id);
        policies
    }

    /// The policy of this name in a database.
    #[must_use]
    pub fn policy(&self, database: DatabaseId, name: &str) -> Option<&Arc<PolicyInfo>> {
        self.policies.get(self.policy_names.get_by(|(d, n)| (*d, n.as_ref()).cmp(&(database, name)))?)
    }

    /// The policy of this id.
    #[must_use]
    pub fn policy_by_id(&self, id: PolicyId) -> Option<&Arc<PolicyInfo>> {
        self.policies.get(&id)
    }

    /// The policy that statements and writes without one mean, or `None` when the database has none
    /// or names one that was dropped.
    #[must_use]
    pub fn default_policy(&self, database: DatabaseId) -> Option<&Arc<PolicyInfo>> {
        self.policy(database, &self.databases.get(&database)?.default_policy)
    }

    /// The tables of a policy, sorted by name.
    pub fn tables_of(&self, policy: PolicyId) -> impl Iterator<Item = &Arc<TableInfo>> {
        self.table_names
            .iter_from(move |(p, n)| (*p, n.as_ref()).cmp(&(policy, "")))
            .take_while(move |((p, _), _)| *p == policy)
            .filter_map(|(_, id)| self.tables.get(id))
    }

    /// The table of this name in a policy.
    #[must_use]
    pub fn table(&self, policy: PolicyId, name: &str) -> Option<&Arc<TableInfo>> {
        self.tables.get(self.table_names.get_by(|(p, n)| (*p, n.as_ref()).cmp(&(policy, name)))?)
    }

    /// The table of this id.
    #[must_use]
    pub fn table_by_id(&self, id: TableId) -> Option<&Arc<TableInfo>> {
        self.tables.get(&id)
    }

    /// Every table, sorted by id.
    pub fn tables(&self) -> impl Iterator<Item = &Arc<TableInfo>> {
        self.tables.iter().map(|(_, table)| table)
    }

    /// The files of a table, sorted by the start of their window and then from old to new.
    #[must_use]
    pub fn files_of(&self, table: TableId) -> Arc<Vec<Arc<FileMeta>>> {
        self.files.get(&table).cloned().unwrap_or_default()
    }

    /// Every file, sorted by table and then as in [`State::files_of`].
    pub fn files(&self) -> impl Iterator<Item = &Arc<FileMeta>> {
        self.files.iter().flat_map(|(_, files)| files.iter())
    }

    /// The id that the next new database should have.
    #[must_use]
    pub fn next_database_id(&self) -> DatabaseId {
        self.next_database
    }

    /// The id that the next new policy should have.
    #[must_use]
    pub fn next_policy_id(&self) -> PolicyId {
        self.next_policy
    }

    /// The id that the next new table should have.
    #[must_use]
    pub fn next_table_id(&self) -> TableId {
        self.next_table
    }

    /// Whether nothing was ever changed: there was no database yet, and no log is named.
    #[must_use]
    pub fn is_new(&self) -> bool {
        *self == Self::default()
    }

    /// The changes that make this state of an empty one.
    pub fn to_changes(&self) -> impl Iterator<Item = Change> {
        let dropped = self.dropped.iter().map(|((policy, name), through)| Change::DroppedName {
            policy: *policy,
            name: name.clone(),
            through: *through,
        });
        let databases = self.databases.iter().map(|(_, d)| Change::CreateDatabase(d.clone()));
        let policies = self.policies.iter().map(|(_, p)| Change::PutPolicy(p.clone()));
        let tables = self.tables().map(|t| Change::PutTable(t.clone()));
        let files = self.files().map(|f| Change::AddFile(f.clone()));
        let tombstones = self.tombstones.iter().flat_map(|(table, tombstones)| {
            let put = tombstones.iter().map(|t| Change::PutTombstone(t.clone()));
            std::iter::once(Change::HadTombstones(*table)).chain(put)
        });
        let users = self.users().map(|u| Change::PutUser(u.clone()));
        let continuous = self.continuous_queries().map(|c| Change::CreateContinuousQuery(c.clone()));
        let subscriptions = self.subscriptions().map(|s| Change::CreateSubscription(s.clone()));
        let last = [
            Change::Flushed { through: self.flushed_through, log: self.flushed_log.clone() },
            Change::NextIds {
                database: self.next_database,
                policy: self.next_policy,
                table: self.next_table,
            },
        ];
        let catalog =
            databases.chain(policies).chain(tables).chain(users).chain(continuous).chain(subscriptions);
        catalog.chain(files).chain(tombstones).chain(dropped).chain(last)
    }

    /// The state after all of `changes`, in their order.
    ///
    /// # Errors
    /// The first change that does not fit.
    pub fn with_changes<'a>(
        &self,
        changes: impl IntoIterator<Item = &'a Change>,
    ) -> Result<Self, ApplyError> {
        let mut next = self.clone();
        for change in changes {
            next.apply(change)?;
        }
        Ok(next)
    }

    /// Takes a change in.
    ///
    /// # Errors
    /// When the change does not fit; the state is unchanged then.
    pub fn apply(&mut self, change: &Change) -> Result<(), ApplyError> {
        match change {
            Change::CreateDatabase(info) => self.create_database(info),
            Change::DropDatabase(id) => self.drop_database(*id),
            Change::PutPolicy(info) => self.put_policy(info),
            Change::DropPolicy(id) => self.drop_policy(*id),
            Change::SetDefaultPolicy { database, name } => self.set_default_policy(*database, name),
            Change::PutTable(info) => self.put_table(info),
            Change::DropTable { table, through } => self.drop_table(*table, *through),
            Change::AddFile(file) => self.add_file(file),
            Change::RemoveFile { table, path } => self.remove_file(*table, path),
            Change::PutTombstone(tombstone) => self.put_tombstone(tombstone),
            Change::RemoveTombstone { table, id } => {
                self.remove_tombstone(*table, id);
                Ok(())
            }
            Change::HadTombstones(table) => self.remember_tombstones(*table).map(|_| ()),
            Change::Flushed { through, log } => self.flushed(*through, log.as_ref()),
            Change::DroppedName { policy, name, through } => {
                self.remember_dropped(*policy, name, *through);
                Ok(())
            }
            Change::NextIds { database, policy, table } => {
                self.next_database = self.next_database.max(*database);
                self.next_policy = self.next_policy.max(*policy);
                self.next_table = self.next_table.max(*table);
                Ok(())
            }
            Change::PutUser(info) => self.put_user(info),
            Change::DropUser(id) => self.drop_user(*id),
            Change::CreateContinuousQuery(info) => self.create_continuous_query(info),
            Change::DropContinuousQuery(id) => self.drop_continuous_query(*id),
            Change::CreateSubscription(info) => self.create_subscription(info),
            Change::DropSubscription(id) => self.drop_subscription(*id),
        }
    }

    fn create_database(&mut self, info: &Arc<DatabaseInfo>) -> Result<(), ApplyError> {
        if self.databases.get(&info.id).is_some() {
            return Err(taken("database", info.id));
        }
        if self.database_names.get(&info.name).is_some() {
            return Err(taken("database", format_args!("{:?}", info.name)));
        }
        self.next_database = self.next_database.max(DatabaseId(id_after("database", info.id.0)?));
        self.database_names.insert(info.name.clone(), info.id);
        self.databases.insert(info.id, info.clone());
        Ok(())
    }

    fn drop_database(&mut self, id: DatabaseId) -> Result<(), ApplyError> {
        let info = self.databases.remove(&id).ok_or_else(|| missing("database", id))?;
        self.database_names.remove(&info.name);
        self.drop_grants_on(id);
        self.drop_continuous_queries_of(id);
        let policies: Vec<_> = self.policies_of(id).into_iter().map(|p| p.id).collect();
        policies.into_iter().try_for_each(|policy| self.drop_policy(policy))
    }

    fn put_policy(&mut self, info: &Arc<PolicyInfo>) -> Result<(), ApplyError> {
        if self.databases.get(&info.database).is_none() {
            return Err(missing("database", info.database));
        }
        let key = (info.database, info.name.clone());
        let same_name = self.policy_names.get(&key).copied();
        match self.policies.get(&info.id) {
            Some(_) if same_name != Some(info.id) => {
                return Err(inconsistent("retention policy", info.id, "its database or name differs"));
            }
            None if same_name.is_some() => {
                return Err(taken("retention policy", format_args!("{:?}", info.name)));
            }
            _ => {}
        }
        if info.shard_duration_ns <= 0 || info.duration_ns < 0 {
            return Err(inconsistent("retention policy", info.id, "a duration is out of range"));
        }
        self.next_policy = self.next_policy.max(PolicyId(id_after("retention policy", info.id.0)?));
        self.policy_names.insert(key, info.id);
        self.policies.insert(info.id, info.clone());
        Ok(())
    }

    fn drop_policy(&mut self, id: PolicyId) -> Result<(), ApplyError> {
        let info = self.policies.remove(&id).ok_or_else(|| missing("retention policy", id))?;
        self.policy_names.remove(&(info.database, info.name.clone()));
        self.drop_subscriptions_of(id);
        let tables: Vec<_> = self
            .table_names
            .iter_from(|(p, n)| (*p, n.as_ref()).cmp(&(id, "")))
            .take_while(|((p, _), _)| *p == id)
            .map(|(key, table)| (key.clone(), *table))
            .collect();
        for (key, table) in tables {
            self.table_names.remove(&key);
            self.tables.remove(&table);
            self.files.remove(&table);
            self.tombstones.remove(&table);
        }
        // Records of a policy that is gone are never replayed: its id says so.
        self.retain_dropped(|policy, _| policy != id);
        Ok(())
    }

    fn set_default_policy(&mut self, database: DatabaseId, name: &Arc<str>) -> Result<(), ApplyError> {
        let info = self.databases.get_mut(&database).ok_or_else(|| missing("database", database))?;
        Arc::make_mut(info).default_policy = name.clone();
        Ok(())
    }

    fn put_table(&mut self, info: &Arc<TableInfo>) -> Result<(), ApplyError> {
        match self.policies.get(&info.policy) {
            None => return Err(missing("retention policy", info.policy)),
            Some(policy) if policy.database != info.database => {
                return Err(inconsistent("table", info.id, "its policy belongs to another database"));
            }
            Some(_) => {}
        }
        let key = (info.policy, info.name.clone());
        let same_name = self.table_names.get(&key).copied();
        if let Some(existing) = self.tables.get(&info.id) {
            if same_name != Some(info.id) {
                return Err(inconsistent("table", info.id, "its policy or name differs"));
            }
            if has_columns_of(&existing.schema, &info.schema) {
                return Ok(());
            }
            if !has_columns_of(&info.schema, &existing.schema) {
                return Err(inconsistent("table", info.id, "its schema contradicts the one it has"));
            }
        } else if same_name.is_some() {
            return Err(taken("table", format_args!("{:?}", info.name)));
        }
        self.next_table = self.next_table.max(TableId(id_after("table", info.id.0)?));
        self.table_names.insert(key, info.id);
        self.tables.insert(info.id, info.clone());
        Ok(())
    }

    fn drop_table(&mut self, id: TableId, through: Sequence) -> Result<(), ApplyError> {
        let info = self.tables.remove(&id).ok_or_else(|| missing("table", id))?;
        self.table_names.remove(&(info.policy, info.name.clone()));
        self.files.remove(&id);
        self.tombstones.remove(&id);
        self.remember_dropped(info.policy, &info.name, through);
        Ok(())
    }

    fn add_file(&mut self, file: &Arc<FileMeta>) -> Result<(), ApplyError> {
        if self.tables.get(&file.table).is_none() {
            return Err(missing("table", file.table));
        }
        if let Some(reason) = contradiction_in(file) {
            return Err(inconsistent("file", format_args!("{:?}", file.path), reason));
        }
        if self.files.get(&file.table).is_none() {
            self.files.insert(file.table, Arc::default());
        }
        let files = self.files.get_mut(&file.table).ok_or_else(|| missing("table", file.table))?;
        match files.binary_search_by(|f| file_order(f).cmp(&file_order(file))) {
            Ok(_) => return Err(taken("file", format_args!("{:?}", file.path))),
            Err(at) => Arc::make_mut(files).insert(at, file.clone()),
        }
        Ok(())
    }

    fn remove_file(&mut self, table: TableId, path: &Arc<str>) -> Result<(), ApplyError> {
        let absent = || missing("file", format_args!("{path:?}"));
        let at = self.files.get(&table).and_then(|files| files.iter().position(|f| f.path == *path));
        let (Some(at), Some(files)) = (at, self.files.get_mut(&table)) else { return Err(absent()) };
        Arc::make_mut(files).remove(at);
        if files.is_empty() {
            self.files.remove(&table);
        }
        Ok(())
    }
}

/// By window, then from old to new; the path makes it unique.
fn file_order(file: &FileMeta) -> (i64, Sequence, Sequence, &str) {
    (file.window.start_ns, file.sequence_max, file.sequence_min, &file.path)
}

/// Whether `wide` has every column of `narrow`, of the same kind and stored name.
fn has_columns_of(wide: &TableSchema, narrow: &TableSchema) -> bool {
    narrow.columns().iter().all(|column| {
        let found = match column.field_type() {
            None => wide.tag(&column.name),
            Some(_) => wide.field(&column.name),
        };
        found == Some(column)
    })
}

fn contradiction_in(file: &FileMeta) -> Option<&'static str> {
    if file.row_count == 0 || file.time_range.is_empty() {
        return Some("it has no rows");
    }
    if file.window.intersect(&file.time_range) != file.time_range {
        return Some("it has rows outside its window");
    }
    if file.series_min > file.series_max {
        return Some("its least series is greater than its greatest");
    }
    if file.sequence_min > file.sequence_max {
        return Some("its oldest write is newer than its newest");
    }
    None
}

fn id_after(kind: &'static str, id: u32) -> Result<u32, ApplyError> {
    id.checked_add(1).ok_or_else(|| inconsistent(kind, id, "identifiers are used up"))
}

fn missing(kind: &str, which: impl std::fmt::Display) -> ApplyError {
    ApplyError::Missing { what: format!("{kind} {which}") }
}

fn taken(kind: &str, which: impl std::fmt::Display) -> ApplyError {
    ApplyError::Taken { what: format!("{kind} {which}") }
}

fn inconsistent(kind: &str, which: impl std::fmt::Display, reason: &'static str) -> ApplyError {
    ApplyError::Inconsistent { what: format!("{kind} {which}"), reason }
}
