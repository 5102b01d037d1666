//! Layer 2: what statements may do to databases, retention policies, measurements, users, continuous queries and subscriptions.
//!
//! In come a [`State`] and what a statement asks for; out go the [`Change`]s that do it (none, when all
//! is as asked for already) or a [`CatalogError`] with InfluxDB 1.x's text. Pure decisions: nothing is
//! written here, and the caller decides again when somebody else's change came between.
//!
//! The rules are those of InfluxDB 1.6, observed on the real server: `testdata/catalog/` has the
//! statements and its answers.
//!
//! [`State`]: crate::model::state::State
//! [`Change`]: crate::model::change::Change

mod continuous_query;
mod database;
mod measurement;
mod name;
mod policy;
mod subscription;
#[cfg(test)]
mod tests;
mod user;

pub use continuous_query::{create_continuous_query, drop_continuous_query};
pub use database::{check_new_database, create_database, drop_database};
pub use measurement::{WriteTarget, WriteTargetError, drop_measurement, resolve_write_target};
pub use policy::{PolicyChange, PolicySpec, alter_policy, create_policy, drop_policy};
pub use subscription::{SubscriptionSpec, create_subscription, drop_subscription};
pub use user::{create_user, drop_user, grant, revoke, set_admin, set_password};

/// Why a statement must not do what it asks for. Displays as InfluxDB 1.x's text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CatalogError {
    /// There is no such database.
    #[error("database not found: {0}")]
    DatabaseNotFound(String),
    /// There is no such retention policy, or the default one was dropped.
    #[error("retention policy not found: {0}")]
    PolicyNotFound(String),
    /// There is no such user.
    #[error("user not found")]
    UserNotFound,
    /// There is no such subscription.
    #[error("subscription not found")]
    SubscriptionNotFound,
    /// Points cannot be handed on to what a subscription names.
    #[error("invalid subscription URL: {0}")]
    InvalidDestination(String),
    /// What the statement would make exists with other settings.
    #[error("{0}")]
    Conflict(&'static str),
    /// A name or value that is never right.
    #[error("{0}")]
    Invalid(&'static str),
}

impl CatalogError {
    const DATABASE_EXISTS: Self = Self::Conflict("database already exists");
    const POLICY_EXISTS: Self = Self::Conflict("retention policy already exists");
    const POLICY_CONFLICT: Self = Self::Conflict("retention policy conflicts with an existing policy");
    const DURATION_TOO_LOW: Self = Self::Invalid("retention policy duration must be at least 1h0m0s");
    const SHARD_TOO_LONG: Self =
        Self::Invalid("retention policy duration must be greater than the shard duration");
    const REPLICATION_TOO_LOW: Self = Self::Invalid("replication factor must be greater than 0");
    const INVALID_NAME: Self = Self::Invalid("invalid name");
    const NAME_TOO_LONG: Self = Self::Invalid("name too long");
    const USERNAME_REQUIRED: Self = Self::Invalid("username required");
    const USER_EXISTS: Self = Self::Conflict("user already exists");
    const USERS_USED_UP: Self = Self::Invalid("too many users were created");
    const CONTINUOUS_QUERY_EXISTS: Self = Self::Conflict("continuous query already exists");
    const CONTINUOUS_QUERIES_USED_UP: Self = Self::Invalid("too many continuous queries were created");
    const SUBSCRIPTION_EXISTS: Self = Self::Conflict("subscription already exists");
    const SUBSCRIPTIONS_USED_UP: Self = Self::Invalid("too many subscriptions were created");
    const USED_UP: Self = Self::Invalid("too many databases or retention policies were created");
}
