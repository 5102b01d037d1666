//! Statements about users. Passwords are hashed and checked on threads that may take their time.

use super::Engine;
use super::error::EngineError;
use crate::auth;
use crate::catalog::{self, CatalogError};
use crate::config::Secret;
use crate::model::user::{Access, PasswordHash};

/// What becomes of a user's rights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RightsChange {
    /// To be an admin, or no longer.
    Admin(bool),
    /// Exactly this access to a database, in place of what was.
    Grant {
        /// The database's name.
        database: String,
        /// What may be done with it.
        access: Access,
    },
    /// This access to a database no longer.
    Revoke {
        /// The database's name.
        database: String,
        /// What may not be done with it any more.
        access: Access,
    },
}

impl Engine {
    /// `CREATE USER`.
    ///
    /// # Errors
    /// When the name is empty, or a user of this name has another password or other rights.
    pub async fn create_user(&self, name: &str, password: Secret, is_admin: bool) -> Result<(), EngineError> {
        self.writer()?;
        // The same password has another hash each time. So what counts as the same user is one with the known hash,
        // if the password fits it.
        loop {
            let known = self.state().user(name).map(|user| user.password_hash.clone());
            let is_new = known.is_none();
            let hash = match known {
                Some(known) if is_password(password.clone(), known.clone()).await? => known,
                _ => hash_password(password.clone()).await?,
            };
            let created = self.change(|state| catalog::create_user(state, name, &hash, is_admin)).await;
            let was_overtaken = created.is_err() && is_new && self.state().user(name).is_some();
            if !was_overtaken {
                return created;
            }
        }
    }

    /// `DROP USER`.
    ///
    /// # Errors
    /// When there is no such user.
    pub async fn drop_user(&self, name: &str) -> Result<(), EngineError> {
        self.change(|state| catalog::drop_user(state, name)).await
    }

    /// `SET PASSWORD`.
    ///
    /// # Errors
    /// When there is no such user.
    pub async fn set_password(&self, name: &str, password: Secret) -> Result<(), EngineError> {
        self.writer()?;
        if self.state().user(name).is_none() {
            return Err(CatalogError::UserNotFound.into());
        }
        let hash = hash_password(password).await?;
        self.change(|state| catalog::set_password(state, name, &hash)).await
    }

    /// `GRANT` and `REVOKE`.
    ///
    /// # Errors
    /// When there is no such user or database.
    pub async fn change_rights(&self, name: &str, change: &RightsChange) -> Result<(), EngineError> {
        self.change(|state| match change {
            RightsChange::Admin(is_admin) => catalog::set_admin(state, name, *is_admin),
            RightsChange::Grant { database, access } => catalog::grant(state, name, database, *access),
            RightsChange::Revoke { database, access } => catalog::revoke(state, name, database, *access),
        })
        .await
    }
}

async fn hash_password(password: Secret) -> Result<PasswordHash, EngineError> {
    let hashed = tokio::task::spawn_blocking(move || auth::hash_password(password.reveal())).await;
    match hashed {
        Ok(Ok(hash)) => Ok(hash),
        Ok(Err(error)) => Err(EngineError::Internal(error.to_string())),
        Err(panic) => Err(EngineError::Internal(panic.to_string())),
    }
}

async fn is_password(password: Secret, hash: PasswordHash) -> Result<bool, EngineError> {
    let checked = tokio::task::spawn_blocking(move || auth::is_password(password.reveal(), &hash)).await;
    checked.map_err(|panic| EngineError::Internal(panic.to_string()))
}
