//! SHOW USERS and SHOW GRANTS.

use super::listing::{Column, Listing};
use crate::model::state::State;
use crate::query::error::QueryError;

/// `SHOW USERS`, in the order of their creation.
///
/// # Errors
///
/// Never for a statement's fault.
pub fn users(state: &State) -> Result<Listing, QueryError> {
    let names: Vec<_> = state.users().map(|user| user.name.to_string()).collect();
    let admins = state.users().map(|user| user.is_admin).collect();
    Listing::new(
        vec!["".into(); names.len()],
        vec![("user", Column::Text(names)), ("admin", Column::Boolean(admins))],
    )
}

/// `SHOW GRANTS FOR user`, in the order in which the databases were created (InfluxDB 1.x has none). That a user is an admin
/// is no grant.
///
/// # Errors
///
/// When there is no such user.
pub fn grants(state: &State, user: &str) -> Result<Listing, QueryError> {
    let user = state.user(user).ok_or_else(|| QueryError::Query("user not found".to_owned()))?;
    let (mut databases, mut privileges) = (Vec::new(), Vec::new());
    for grant in &user.grants {
        let Some(database) = state.database_by_id(grant.database) else { continue };
        databases.push(database.name.to_string());
        privileges.push(grant.access.to_string());
    }
    Listing::new(
        vec!["".into(); databases.len()],
        vec![("database", Column::Text(databases)), ("privilege", Column::Text(privileges))],
    )
}
