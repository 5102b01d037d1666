//! Layer 4: backups: copying a database to a place of its own, and back.
//!
//! A place for backups is an object store like any other. It holds any number of backups, which share their data files: those
//! never change and are named uniquely, so a later backup copies only what the earlier ones lack.
//!
//! ```text
//! data/…/{uuid}.parquet            data files, under the names that they have in the store they come from
//! backup/{name}/state.jsonl        catalog and list of files, a checkpoint of the manifest
//! backup/{name}.jsonl              the description: what the backup consists of, with checksums. Written last
//!
//! create     cut (flush, one state of the manifest) ─▶ copy the files it names ─▶ state ─▶ description
//! check      description ─▶ every object read and compared
//! restore    description ─▶ state, files, each compared ─▶ an empty store: files, then the manifest
//!                                                      └─▶ a server: files of one database, then one edit of its manifest
//! ```
//!
//! **What is consistent.** A cut has every write that was acknowledged before it, and of those that come during the backup none:
//! the state is a prefix of the write-ahead log. Files that compaction or retention removes are kept for a while; should a
//! copy meet one that is gone, it begins anew with a newer cut and keeps what it has.
//!
//! **Who copies.** The process that was told to make a backup, which is the command line: it takes cut and files from a [`Source`]
//! and writes them to the place itself. So a server opens no address that a request names and needs no credentials for places
//! of backups; it only answers "your state, flushed" and "this file". The same code makes backups of a stopped server's
//! store. The way back is the same: a [`Recipient`] takes files and, last, the description of a database.
//!
//! Which protocol lies between is not known here.
//!
//! | file | what |
//! |---|---|
//! | `description` | the bytes of a description |
//! | `place` | the backups of a place: listing, opening, deleting |
//! | `source` | where a backup comes from |
//! | `create` | making a backup |
//! | `files` | several files at a time, within a bound of memory |
//! | `object` | reading an object part by part |
//! | `check` | comparing a backup's objects with its description |
//! | `restore` | a whole backup into an empty store |
//! | `database` | one database into a server |

mod check;
mod create;
mod database;
mod description;
mod error;
mod files;
mod object;
mod place;
mod restore;
mod source;
#[cfg(test)]
mod tests;

pub use check::check;
pub use create::{Created, create};
pub use database::{Recipient, restore_database};
pub use description::{BackedUp, Description};
pub use error::BackupError;
pub use files::{Progress, Step};
pub use object::{BackupObject, Parts};
pub use place::{delete_old, list, newest, open};
pub use restore::restore;
pub use source::{Source, StoreSource};
