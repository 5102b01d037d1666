//! SHOW SUBSCRIPTIONS.

use super::listing::{Column, Listing};
use crate::model::state::State;
use crate::query::error::QueryError;

/// `SHOW SUBSCRIPTIONS`: a series for each database that has any; policies and their subscriptions in the order of their creation.
///
/// # Errors
///
/// Never for a statement's fault.
pub fn subscriptions(state: &State) -> Result<Listing, QueryError> {
    let (mut databases, mut policies, mut names) = (Vec::new(), Vec::new(), Vec::new());
    let (mut modes, mut destinations) = (Vec::new(), Vec::new());
    for database in state.databases() {
        for policy in state.policies_of(database.id) {
            for subscription in state.subscriptions_of(policy.id) {
                databases.push(database.name.clone());
                policies.push(policy.name.clone());
                names.push(subscription.name.clone());
                modes.push(subscription.mode.word().to_owned());
                destinations.push(subscription.destinations.clone());
            }
        }
    }
    let columns = vec![
        ("retention_policy", Column::Shared(policies)),
        ("name", Column::Shared(names)),
        ("mode", Column::Text(modes)),
        ("destinations", Column::Lists(destinations)),
    ];
    Listing::new(databases, columns)
}
