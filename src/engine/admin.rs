//! Statements that change the catalog: the catalog decides, the manifest makes it durable, then it is seen.

use super::Engine;
use super::commit::Effect;
use super::error::EngineError;
use crate::catalog::{self, CatalogError, PolicyChange, PolicySpec, SubscriptionSpec};
use crate::model::change::Change;
use crate::model::state::State;
use std::sync::atomic::Ordering;

impl Engine {
    /// `CREATE DATABASE`.
    ///
    /// # Errors
    /// When the name or the policy will not do, or a policy conflicts with the existing one.
    pub async fn create_database(&self, name: &str, policy: Option<PolicySpec>) -> Result<(), EngineError> {
        self.change(|state| catalog::create_database(state, name, policy.as_ref())).await
    }

    /// `DROP DATABASE`.
    ///
    /// # Errors
    /// When the manifest cannot be extended.
    pub async fn drop_database(&self, name: &str) -> Result<(), EngineError> {
        let _flush = self.flush_lock.lock().await;
        self.change(|state| Ok(catalog::drop_database(state, name))).await
    }

    /// `CREATE RETENTION POLICY`.
    ///
    /// # Errors
    /// When the database is missing, or name or durations will not do.
    pub async fn create_policy(
        &self,
        database: &str,
        name: &str,
        spec: PolicySpec,
        make_default: bool,
    ) -> Result<(), EngineError> {
        self.change(|state| catalog::create_policy(state, database, name, &spec, make_default)).await
    }

    /// `ALTER RETENTION POLICY`.
    ///
    /// # Errors
    /// When database or policy are missing, or durations will not do.
    pub async fn alter_policy(
        &self,
        database: &str,
        name: &str,
        change: PolicyChange,
    ) -> Result<(), EngineError> {
        self.change(|state| catalog::alter_policy(state, database, name, &change)).await
    }

    /// `DROP RETENTION POLICY`.
    ///
    /// # Errors
    /// When the manifest cannot be extended.
    pub async fn drop_policy(&self, database: &str, name: &str) -> Result<(), EngineError> {
        let _flush = self.flush_lock.lock().await;
        self.change(|state| Ok(catalog::drop_policy(state, database, name))).await
    }

    /// `DROP MEASUREMENT`: the tables of that name in all retention policies.
    ///
    /// # Errors
    /// When the database is missing.
    pub async fn drop_measurement(&self, database: &str, name: &str) -> Result<(), EngineError> {
        let wal = &self.writer()?.wal;
        let _flush = self.flush_lock.lock().await;
        self.change(|state| catalog::drop_measurement(state, database, name, wal.last_sequence())).await
    }

    /// `CREATE CONTINUOUS QUERY`, whose whole normalised text is `statement`.
    ///
    /// # Errors
    /// When the database is missing, or has another continuous query of this name.
    pub async fn create_continuous_query(
        &self,
        database: &str,
        name: &str,
        statement: &str,
    ) -> Result<(), EngineError> {
        self.change(|state| catalog::create_continuous_query(state, database, name, statement)).await
    }

    /// `DROP CONTINUOUS QUERY`.
    ///
    /// # Errors
    /// When the manifest cannot be extended.
    pub async fn drop_continuous_query(&self, database: &str, name: &str) -> Result<(), EngineError> {
        self.change(|state| Ok(catalog::drop_continuous_query(state, database, name))).await
    }

    /// `CREATE SUBSCRIPTION`.
    ///
    /// # Errors
    /// When database or policy are missing, a destination is none, or the policy has a subscription of this name.
    pub async fn create_subscription(
        &self,
        database: &str,
        policy: &str,
        spec: &SubscriptionSpec,
    ) -> Result<(), EngineError> {
        self.change(|state| catalog::create_subscription(state, database, policy, spec)).await?;
        if self.options.outbox.is_none() {
            tracing::warn!(
                database,
                policy,
                name = spec.name,
                "this server does not hand writes on to subscriptions"
            );
        }
        Ok(())
    }

    /// `DROP SUBSCRIPTION`.
    ///
    /// # Errors
    /// When database, policy or subscription are missing.
    pub async fn drop_subscription(
        &self,
        database: &str,
        policy: &str,
        name: &str,
    ) -> Result<(), EngineError> {
        self.change(|state| catalog::drop_subscription(state, database, policy, name)).await
    }

    /// Makes the changes that `decide` names, durably and alone.
    pub(super) async fn change(
        &self,
        decide: impl Fn(&State) -> Result<Vec<Change>, CatalogError>,
    ) -> Result<(), EngineError> {
        self.writer()?;
        if self.closed.load(Ordering::Acquire) {
            return Err(EngineError::Closed);
        }
        let closed = self.close_gate().await?;
        let changes = decide(&self.live.load())?;
        if changes.is_empty() {
            return Ok(());
        }
        self.commit_decided(closed, changes, Effect::Catalog).await
    }
}
