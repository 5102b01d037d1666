//! What the catalog knows of users. A password is known by its hash only.

use super::ids::{DatabaseId, UserId};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// A user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserInfo {
    /// Its identifier.
    pub id: UserId,
    /// Its name, unique over all users.
    pub name: Arc<str>,
    /// What a password is checked against.
    pub password_hash: PasswordHash,
    /// Whether it may do everything.
    pub is_admin: bool,
    /// What it may do with single databases, sorted by database; each database once.
    pub grants: Vec<Grant>,
}

/// What a user may do with one database. It stays when everything was taken away again, and SHOW GRANTS shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The database.
    pub database: DatabaseId,
    /// What may be done.
    pub access: Access,
}

/// What may be done with a database. Neither of reading and writing implies the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Access {
    /// Points may be read.
    pub read: bool,
    /// Points may be written and deleted.
    pub write: bool,
}

/// The hash of a password, as a PHC string: it names its function, the parameters and the salt. `Debug` hides it, so
/// that no log holds what can be guessed at offline.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PasswordHash(Arc<str>);

impl UserInfo {
    /// What the user may do with a database by what was granted, its being an admin aside.
    #[must_use]
    pub fn access_to(&self, database: DatabaseId) -> Access {
        self.position(database).map_or(Access::NONE, |at| self.grants[at].access)
    }

    /// The user with exactly this access to a database, in place of what it had.
    #[must_use]
    pub fn with_access(&self, database: DatabaseId, access: Access) -> Self {
        let mut user = self.clone();
        match user.position(database) {
            Ok(at) => user.grants[at].access = access,
            Err(at) => user.grants.insert(at, Grant { database, access }),
        }
        user
    }

    /// Where the grant on a database is, or would be.
    fn position(&self, database: DatabaseId) -> Result<usize, usize> {
        self.grants.binary_search_by_key(&database, |grant| grant.database)
    }
}

impl Access {
    /// Nothing.
    pub const NONE: Self = Self { read: false, write: false };
    /// Reading.
    pub const READ: Self = Self { read: true, write: false };
    /// Writing and deleting.
    pub const WRITE: Self = Self { read: false, write: true };
    /// Both.
    pub const ALL: Self = Self { read: true, write: true };

    /// Whether it has all of `needed`.
    #[must_use]
    pub const fn includes(self, needed: Self) -> bool {
        (self.read || !needed.read) && (self.write || !needed.write)
    }

    /// What is left without `taken`.
    #[must_use]
    pub const fn without(self, taken: Self) -> Self {
        Self { read: self.read && !taken.read, write: self.write && !taken.write }
    }
}

impl fmt::Display for Access {
    /// As InfluxDB 1.x names it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.read, self.write) {
            (false, false) => "NO PRIVILEGES",
            (true, false) => "READ",
            (false, true) => "WRITE",
            (true, true) => "ALL PRIVILEGES",
        })
    }
}

impl PasswordHash {
    /// Wraps a hash.
    #[must_use]
    pub fn new(hash: impl Into<Arc<str>>) -> Self {
        Self(hash.into())
    }

    /// The hash, for whoever checks a password against it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}
