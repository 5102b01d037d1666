//! What the catalog knows of subscriptions: whom writes into a retention policy are to be handed on to.

use super::ids::{PolicyId, SubscriptionId};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A subscription.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubscriptionInfo {
    /// Its identifier.
    pub id: SubscriptionId,
    /// The retention policy it belongs to and is dropped with.
    pub policy: PolicyId,
    /// Its name, unique within the policy.
    pub name: Arc<str>,
    /// Which destinations a write is for.
    pub mode: SubscriptionMode,
    /// The URLs as they were written, in their order; one may stand there twice.
    pub destinations: Vec<Arc<str>>,
}

/// Which destinations of a subscription a write is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubscriptionMode {
    /// Every one.
    All,
    /// One of them.
    Any,
}
