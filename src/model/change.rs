//! What can happen to the catalog and the list of files: the entries of a manifest edit.
//!
//! A change is a decided fact. Whether a statement may make it is decided in [`crate::catalog`]; here
//! it only has a name and a form, as JSON in the manifest. [`super::state::State::apply`] takes it in.
//! A variant or a member is never removed or renamed, because old manifests bear it.

use super::continuous_query::ContinuousQueryInfo;
use super::database::{DatabaseInfo, PolicyInfo, TableInfo};
use super::file::FileMeta;
use super::ids::{ContinuousQueryId, DatabaseId, LogId, PolicyId, Sequence, SubscriptionId, TableId, UserId};
use super::subscription::SubscriptionInfo;
use super::tombstone::Tombstone;
use super::user::UserInfo;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// One change of the [`super::state::State`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// A new database, without policies.
    CreateDatabase(Arc<DatabaseInfo>),
    /// Removes a database with its policies, tables, files, subscriptions and continuous queries, and what users may do with it.
    DropDatabase(DatabaseId),
    /// A new retention policy, or new settings of one that exists (same id, database and name).
    PutPolicy(Arc<PolicyInfo>),
    /// Removes a policy with its tables, files and subscriptions. The database's default may name it still.
    DropPolicy(PolicyId),
    /// Names the policy that statements and writes without one mean. It need not exist.
    SetDefaultPolicy {
        /// The database.
        database: DatabaseId,
        /// The policy's name.
        name: Arc<str>,
    },
    /// A new table, or a wider schema of one that exists (same id, policy and name). A schema that
    /// has only columns the table has already changes nothing.
    PutTable(Arc<TableInfo>),
    /// Removes a table with its files.
    DropTable {
        /// The table.
        table: TableId,
        /// Records of the write-ahead log up to this one must not be replayed into a table of
        /// the same policy and name.
        through: Sequence,
    },
    /// A file whose rows count from now on.
    AddFile(Arc<FileMeta>),
    /// A file whose rows count no longer.
    RemoveFile {
        /// The table the file belongs to.
        table: TableId,
        /// The file's path.
        path: Arc<str>,
    },
    /// Rows of a table that count no longer, wherever they are.
    PutTombstone(Arc<Tombstone>),
    /// A tombstone that is not needed: neither a file nor the write-ahead log has a row that it deletes, or a later one
    /// deletes them too.
    RemoveTombstone {
        /// The table.
        table: TableId,
        /// The tombstone's id.
        id: Arc<str>,
    },
    /// A table may lack rows, or rows with some of its tags: what [`Change::RemoveTombstone`] and expiry leave behind, and
    /// writes that were refused after their columns were registered.
    HadTombstones(TableId),
    /// All rows of the write-ahead log up to this record are in files, or were dropped. From now on the store goes on from this log.
    Flushed {
        /// The last such record.
        through: Sequence,
        /// The log that it is a place in; `None` when it is not known: earlier versions did not note it, and take no notice of it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        log: Option<LogId>,
    },
    /// Of a table that was dropped: what [`Change::DropTable`] leaves behind. Only checkpoints bear it.
    DroppedName {
        /// The policy that the table belonged to.
        policy: PolicyId,
        /// The table's name.
        name: Arc<str>,
        /// Records up to this one must not be replayed into such a table.
        through: Sequence,
    },
    /// The least identifiers that were never given out. Only checkpoints bear it: elsewhere they
    /// follow from what is created.
    NextIds {
        /// Of databases.
        database: DatabaseId,
        /// Of policies.
        policy: PolicyId,
        /// Of tables.
        table: TableId,
    },
    /// A new user, or new settings of one that exists (same id and name).
    PutUser(Arc<UserInfo>),
    /// Removes a user.
    DropUser(UserId),
    /// A new continuous query. One that exists never changes.
    CreateContinuousQuery(Arc<ContinuousQueryInfo>),
    /// Removes a continuous query.
    DropContinuousQuery(ContinuousQueryId),
    /// A new subscription. One that exists never changes.
    CreateSubscription(Arc<SubscriptionInfo>),
    /// Removes a subscription.
    DropSubscription(SubscriptionId),
}
