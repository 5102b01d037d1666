//! CREATE and DROP USER, SET PASSWORD, GRANT and REVOKE. Passwords come as hashes: making and comparing them takes long,
//! so the caller does it beforehand.

use super::CatalogError;
use super::policy::find_database;
use crate::model::change::Change;
use crate::model::state::State;
use crate::model::user::{Access, PasswordHash, UserInfo};
use std::sync::Arc;

/// The changes for `CREATE USER name WITH PASSWORD … [WITH ALL PRIVILEGES]`; none when it is there already just so: with the very
/// hash `password_hash` and the same rights.
///
/// # Errors
/// When the name is empty, or a user of this name has another password or other rights.
pub fn create_user(
    state: &State,
    name: &str,
    password_hash: &PasswordHash,
    is_admin: bool,
) -> Result<Vec<Change>, CatalogError> {
    if name.is_empty() {
        return Err(CatalogError::USERNAME_REQUIRED);
    }
    if let Some(user) = state.user(name) {
        let is_same = user.password_hash == *password_hash && user.is_admin == is_admin;
        return if is_same { Ok(Vec::new()) } else { Err(CatalogError::USER_EXISTS) };
    }
    let id = state.next_user_id().filter(|id| id.0 < u32::MAX).ok_or(CatalogError::USERS_USED_UP)?;
    let password_hash = password_hash.clone();
    let user = UserInfo { id, name: name.into(), password_hash, is_admin, grants: Vec::new() };
    Ok(vec![Change::PutUser(Arc::new(user))])
}

/// The changes for `DROP USER name`.
///
/// # Errors
/// When there is no such user.
pub fn drop_user(state: &State, name: &str) -> Result<Vec<Change>, CatalogError> {
    Ok(vec![Change::DropUser(find_user(state, name)?.id)])
}

/// The changes for `SET PASSWORD FOR name = …`.
///
/// # Errors
/// When there is no such user.
pub fn set_password(
    state: &State,
    name: &str,
    password_hash: &PasswordHash,
) -> Result<Vec<Change>, CatalogError> {
    let user = UserInfo::clone(find_user(state, name)?);
    Ok(vec![Change::PutUser(Arc::new(UserInfo { password_hash: password_hash.clone(), ..user }))])
}

/// The changes for `GRANT ALL TO name` and `REVOKE ALL FROM name`, which make and unmake an admin.
///
/// # Errors
/// When there is no such user.
pub fn set_admin(state: &State, name: &str, is_admin: bool) -> Result<Vec<Change>, CatalogError> {
    let user = find_user(state, name)?;
    Ok(put_if_changed(user, UserInfo { is_admin, ..UserInfo::clone(user) }))
}

/// The changes for `GRANT access ON database TO name`. What was granted before is replaced, not added to.
///
/// # Errors
/// When there is no such user or database.
pub fn grant(state: &State, name: &str, database: &str, access: Access) -> Result<Vec<Change>, CatalogError> {
    let user = find_user(state, name)?;
    let database = find_database(state, database)?;
    Ok(put_if_changed(user, user.with_access(database.id, access)))
}

/// The changes for `REVOKE access ON database FROM name`. The grant stays, with what is left.
///
/// # Errors
/// When there is no such user or database.
pub fn revoke(
    state: &State,
    name: &str,
    database: &str,
    access: Access,
) -> Result<Vec<Change>, CatalogError> {
    let user = find_user(state, name)?;
    let database = find_database(state, database)?;
    let left = user.access_to(database.id).without(access);
    Ok(put_if_changed(user, user.with_access(database.id, left)))
}

fn find_user<'a>(state: &'a State, name: &str) -> Result<&'a Arc<UserInfo>, CatalogError> {
    state.user(name).ok_or(CatalogError::UserNotFound)
}

fn put_if_changed(old: &UserInfo, new: UserInfo) -> Vec<Change> {
    if *old == new { Vec::new() } else { vec![Change::PutUser(Arc::new(new))] }
}
