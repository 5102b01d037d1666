//! What a user must be allowed to do for a statement: the one place that says so.
//!
//! In: a statement and the database of the request. Out: the privileges that are needed, all of them, and whether a user has
//! them. Who the user is, and what becomes of a statement that is not allowed, is up to the caller.
//!
//! The table is InfluxDB 1.x's, with its surprises: DROP RETENTION POLICY needs no more than WRITE, and reading is not implied by
//! writing. SHOW DATABASES needs nothing and shows what the user has any access to.

use crate::model::state::State;
use crate::model::user::{Access, UserInfo};
use influxql::ast::{self, Statement};
use std::fmt;

/// One privilege that a statement needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequiredPrivilege {
    /// To be an admin.
    Admin,
    /// To read or to write a database.
    On {
        /// The database's name; empty when neither the statement nor the request names one.
        database: String,
        /// What has to be done with it.
        access: Access,
    },
}

/// The privileges that a statement needs. `database` is the one of the request, for names without.
#[must_use]
pub fn required_privileges(statement: &Statement, database: Option<&str>) -> Vec<RequiredPrivilege> {
    let needed = statement.required_privileges().into_iter();
    needed
        .map(|needed| match needed {
            ast::RequiredPrivilege::Admin => RequiredPrivilege::Admin,
            ast::RequiredPrivilege::On { database: named, privilege } => RequiredPrivilege::On {
                database: named.unwrap_or_else(|| database.unwrap_or_default().to_owned()),
                access: super::statement::access(privilege),
            },
        })
        .collect()
}

impl RequiredPrivilege {
    /// Whether a user has this privilege. An admin has all of them.
    #[must_use]
    pub fn is_held_by(&self, user: &UserInfo, state: &State) -> bool {
        match self {
            _ if user.is_admin => true,
            Self::Admin => false,
            Self::On { database, access } => {
                state.database(database).is_some_and(|found| user.access_to(found.id).includes(*access))
            }
        }
    }
}

impl fmt::Display for RequiredPrivilege {
    /// As InfluxDB 1.x's errors name it: completes "requires …".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Admin => f.write_str("admin privilege"),
            Self::On { database, access } => write!(f, "{access} on {database}"),
        }
    }
}

#[cfg(test)]
mod tests;
