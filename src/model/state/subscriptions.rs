//! Subscriptions within the state.

use super::{ApplyError, State, id_after, missing, taken};
use crate::model::ids::{PolicyId, SubscriptionId};
use crate::model::subscription::SubscriptionInfo;
use std::sync::Arc;

impl State {
    /// Every subscription, in the order in which they were created.
    pub fn subscriptions(&self) -> impl Iterator<Item = &Arc<SubscriptionInfo>> {
        self.subscriptions.iter().map(|(_, subscription)| subscription)
    }

    /// The subscriptions of a policy, in the order in which they were created.
    pub fn subscriptions_of(&self, policy: PolicyId) -> impl Iterator<Item = &Arc<SubscriptionInfo>> {
        self.subscriptions().filter(move |subscription| subscription.policy == policy)
    }

    /// The subscription of this name in a policy.
    #[must_use]
    pub fn subscription(&self, policy: PolicyId, name: &str) -> Option<&Arc<SubscriptionInfo>> {
        self.subscriptions_of(policy).find(|subscription| subscription.name.as_ref() == name)
    }

    /// The id that the next new subscription should have: greater than those of all others. `None` when there is none.
    #[must_use]
    pub fn next_subscription_id(&self) -> Option<SubscriptionId> {
        let last = self.subscriptions.iter().last().map(|(id, _)| id.0);
        last.map_or(Some(0), |id| id.checked_add(1)).map(SubscriptionId)
    }

    pub(super) fn create_subscription(&mut self, info: &Arc<SubscriptionInfo>) -> Result<(), ApplyError> {
        if self.policies.get(&info.policy).is_none() {
            return Err(missing("retention policy", info.policy));
        }
        if self.subscriptions.get(&info.id).is_some() {
            return Err(taken("subscription", info.id));
        }
        if self.subscription(info.policy, &info.name).is_some() {
            return Err(taken("subscription", format_args!("{:?}", info.name)));
        }
        id_after("subscription", info.id.0)?;
        self.subscriptions.insert(info.id, info.clone());
        Ok(())
    }

    pub(super) fn drop_subscription(&mut self, id: SubscriptionId) -> Result<(), ApplyError> {
        self.subscriptions.remove(&id).map(|_| ()).ok_or_else(|| missing("subscription", id))
    }

    pub(super) fn drop_subscriptions_of(&mut self, policy: PolicyId) {
        let gone: Vec<_> = self.subscriptions_of(policy).map(|subscription| subscription.id).collect();
        for id in gone {
            self.subscriptions.remove(&id);
        }
    }
}
