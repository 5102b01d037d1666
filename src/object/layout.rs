//! Every name that Tidegauge gives to an object. Nothing else makes up a path.
//!
//! ```text
//! manifest/log/{number:020}.jsonl          one edit; created if absent, so numbers have no gap
//! manifest/checkpoint/{number:020}.jsonl   the state after that edit
//! manifest/latest.json                     number of the newest checkpoint, best effort
//! manifest/epoch/{epoch:010}.json          claimed by one writer; fences all with a lesser one
//! data/{database}/{policy}/{table}/{window start in ns}/{uuid v7}.parquet
//! probe/{uuid v4}                          made and deleted at start-up
//!
//! backup/{name}.jsonl                      in a place for backups: what one backup consists of
//! backup/{name}/state.jsonl                the state that it has, in the form of a checkpoint
//! ```
//!
//! A backup's data files bear the names that they have in the store they come from.
//!
//! Numbers are padded so that names sort as numbers do. Names of data files are never reused: caches
//! validate by name, and a deleted object that comes back must not be taken for another one.

use crate::model::ids::{DatabaseId, PolicyId, TableId};
use uuid::Uuid;

/// The folder of manifest edits.
pub const LOG_FOLDER: &str = "manifest/log";
/// The folder of checkpoints.
pub const CHECKPOINT_FOLDER: &str = "manifest/checkpoint";
/// The folder of epoch objects.
pub const EPOCH_FOLDER: &str = "manifest/epoch";
/// The pointer to the newest checkpoint.
pub const LATEST: &str = "manifest/latest.json";
/// The folder of data files.
pub const DATA_FOLDER: &str = "data";
/// The folder of the descriptions of backups.
pub const BACKUP_FOLDER: &str = "backup";
/// The folder of probe objects.
pub const PROBE_FOLDER: &str = "probe";

/// The object of one manifest edit.
#[must_use]
pub fn edit(number: u64) -> String {
    format!("{LOG_FOLDER}/{number:020}.jsonl")
}

/// The checkpoint of the state after an edit.
#[must_use]
pub fn checkpoint(number: u64) -> String {
    format!("{CHECKPOINT_FOLDER}/{number:020}.jsonl")
}

/// The object that claims an epoch.
#[must_use]
pub fn epoch(epoch: u64) -> String {
    format!("{EPOCH_FOLDER}/{epoch:010}.json")
}

/// The number in the name of an edit, a checkpoint or an epoch; `None` for a stranger's object.
#[must_use]
pub fn number_of(path: &str) -> Option<u64> {
    let name = path.rsplit('/').next()?;
    let digits = name.strip_suffix(".jsonl").or_else(|| name.strip_suffix(".json"))?;
    let number = digits.parse().ok()?;
    [edit(number), checkpoint(number), epoch(number)].iter().any(|own| own == path).then_some(number)
}

/// The folder of a table's data files.
#[must_use]
pub fn table_folder(database: DatabaseId, policy: PolicyId, table: TableId) -> String {
    format!("{DATA_FOLDER}/{database}/{policy}/{table}")
}

/// A new name for a data file of one table and window.
#[must_use]
pub fn new_data_file(database: DatabaseId, policy: PolicyId, table: TableId, window_start_ns: i64) -> String {
    format!("{}/{window_start_ns}/{}.parquet", table_folder(database, policy, table), Uuid::now_v7())
}

/// Whether [`new_data_file`] may have given this name.
#[must_use]
pub fn is_data_file(path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    let [DATA_FOLDER, database, policy, table, window_start_ns, file] = parts[..] else { return false };
    let is_id = |text: &str| text.parse::<u32>().is_ok_and(|id| id.to_string() == text);
    [database, policy, table].into_iter().all(is_id)
        && window_start_ns.parse::<i64>().is_ok_and(|start| start.to_string() == window_start_ns)
        && file.strip_suffix(".parquet").is_some_and(|id| Uuid::try_parse(id).is_ok())
}

/// The description of a backup.
#[must_use]
pub fn backup(name: &str) -> String {
    format!("{BACKUP_FOLDER}/{name}.jsonl")
}

/// The state that a backup has.
#[must_use]
pub fn backup_state(name: &str) -> String {
    format!("{BACKUP_FOLDER}/{name}/state.jsonl")
}

/// The name of the backup that has this description; `None` for any other object.
#[must_use]
pub fn backup_name(path: &str) -> Option<&str> {
    let name = path.strip_prefix(BACKUP_FOLDER)?.strip_prefix('/')?.strip_suffix(".jsonl")?;
    (!name.contains('/')).then_some(name)
}

/// A new name for a probe object.
#[must_use]
pub fn new_probe() -> String {
    format!("{PROBE_FOLDER}/{}", Uuid::new_v4())
}
