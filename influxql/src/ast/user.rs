//! Users and privileges.

use std::fmt;

/// `CREATE USER name WITH PASSWORD 'password' [WITH ALL PRIVILEGES]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateUser {
    /// The user.
    pub name: String,
    /// The password.
    pub password: Password,
    /// WITH ALL PRIVILEGES.
    pub admin: bool,
}

/// A password in clear, which neither `Display` nor `Debug` ever show.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// Wraps a password.
    pub fn new(password: impl Into<String>) -> Self {
        Self(password.into())
    }

    /// The password in clear.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[REDACTED]")
    }
}

/// What a user may do with a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Privilege {
    /// Read points.
    Read,
    /// Write and delete points.
    Write,
    /// Both.
    All,
}
