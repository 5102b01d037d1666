//! Users within the state.

use super::{ApplyError, State, id_after, inconsistent, missing, taken};
use crate::model::ids::{DatabaseId, UserId};
use crate::model::user::UserInfo;
use std::sync::Arc;

impl State {
    /// Every user, in the order in which they were created.
    pub fn users(&self) -> impl Iterator<Item = &Arc<UserInfo>> {
        self.users.iter().map(|(_, user)| user)
    }

    /// The user of this name.
    #[must_use]
    pub fn user(&self, name: &str) -> Option<&Arc<UserInfo>> {
        self.users.get(self.user_names.get_by(|n| n.as_ref().cmp(name))?)
    }

    /// The id that the next new user should have: greater than those of all users. `None` when there is none.
    #[must_use]
    pub fn next_user_id(&self) -> Option<UserId> {
        let last = self.users.iter().last().map(|(id, _)| id.0);
        last.map_or(Some(0), |id| id.checked_add(1)).map(UserId)
    }

    pub(super) fn put_user(&mut self, info: &Arc<UserInfo>) -> Result<(), ApplyError> {
        let same_name = self.user_names.get(&info.name).copied();
        match self.users.get(&info.id) {
            Some(_) if same_name != Some(info.id) => {
                return Err(inconsistent("user", info.id, "its name differs"));
            }
            None if same_name.is_some() => return Err(taken("user", format_args!("{:?}", info.name))),
            _ => {}
        }
        if let Some(grant) = info.grants.iter().find(|g| self.databases.get(&g.database).is_none()) {
            return Err(missing("database", grant.database));
        }
        if !info.grants.is_sorted_by(|a, b| a.database < b.database) {
            return Err(inconsistent("user", info.id, "its grants are out of order"));
        }
        id_after("user", info.id.0)?;
        self.user_names.insert(info.name.clone(), info.id);
        self.users.insert(info.id, info.clone());
        Ok(())
    }

    pub(super) fn drop_user(&mut self, id: UserId) -> Result<(), ApplyError> {
        let info = self.users.remove(&id).ok_or_else(|| missing("user", id))?;
        self.user_names.remove(&info.name);
        Ok(())
    }

    /// Takes from all users what they may do with a database that is dropped.
    pub(super) fn drop_grants_on(&mut self, database: DatabaseId) {
        let holders = self.users().filter(|user| user.grants.iter().any(|g| g.database == database));
        let holders: Vec<UserId> = holders.map(|user| user.id).collect();
        for id in holders {
            if let Some(user) = self.users.get_mut(&id) {
                Arc::make_mut(user).grants.retain(|grant| grant.database != database);
            }
        }
    }
}
