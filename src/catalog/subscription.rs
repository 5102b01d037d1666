//! CREATE and DROP SUBSCRIPTION.

use super::CatalogError;
use super::policy::find_database;
use crate::model::change::Change;
use crate::model::database::PolicyInfo;
use crate::model::state::State;
use crate::model::subscription::{SubscriptionInfo, SubscriptionMode};
use std::sync::Arc;

/// The schemes that points may be handed on by.
const SCHEMES: [&str; 3] = ["udp", "http", "https"];

/// What CREATE SUBSCRIPTION says besides where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionSpec {
    /// The name.
    pub name: String,
    /// ALL or ANY.
    pub mode: SubscriptionMode,
    /// The URLs as written.
    pub destinations: Vec<String>,
}

/// The changes for `CREATE SUBSCRIPTION name ON database.policy DESTINATIONS …`.
///
/// # Errors
/// When a destination is none, there is no such database or policy, or a subscription of this name, be it the same.
pub fn create_subscription(
    state: &State,
    database: &str,
    policy: &str,
    spec: &SubscriptionSpec,
) -> Result<Vec<Change>, CatalogError> {
    if let Some(url) = spec.destinations.iter().find(|url| !is_destination(url)) {
        return Err(CatalogError::InvalidDestination(url.clone()));
    }
    let policy = find_policy(state, database, policy)?;
    if state.subscription(policy.id, &spec.name).is_some() {
        return Err(CatalogError::SUBSCRIPTION_EXISTS);
    }
    let id = state.next_subscription_id().filter(|id| id.0 < u32::MAX);
    let id = id.ok_or(CatalogError::SUBSCRIPTIONS_USED_UP)?;
    let info = SubscriptionInfo {
        id,
        policy: policy.id,
        name: spec.name.as_str().into(),
        mode: spec.mode,
        destinations: spec.destinations.iter().map(|url| url.as_str().into()).collect(),
    };
    Ok(vec![Change::CreateSubscription(Arc::new(info))])
}

/// The changes for `DROP SUBSCRIPTION name ON database.policy`.
///
/// # Errors
/// When there is no such database, policy or subscription.
pub fn drop_subscription(
    state: &State,
    database: &str,
    policy: &str,
    name: &str,
) -> Result<Vec<Change>, CatalogError> {
    let policy = find_policy(state, database, policy)?;
    let subscription = state.subscription(policy.id, name).ok_or(CatalogError::SubscriptionNotFound)?;
    Ok(vec![Change::DropSubscription(subscription.id)])
}

fn find_policy<'a>(
    state: &'a State,
    database: &str,
    name: &str,
) -> Result<&'a Arc<PolicyInfo>, CatalogError> {
    let database = find_database(state, database)?;
    state.policy(database.id, name).ok_or_else(|| CatalogError::PolicyNotFound(name.to_owned()))
}

/// Whether InfluxDB 1.x takes a URL: of a known scheme, with a port. The host may be empty. (The rules of Go's `url.Parse`, which are
/// not those of browsers.)
fn is_destination(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let address = authority.rsplit_once('@').map_or(authority, |(_, address)| address);
    let Some((host, port)) = address.rsplit_once(':') else { return false };
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or_else(|| {
        // Outside of brackets a colon separates the port.
        if host.contains([':', '[', ']']) { " " } else { host }
    });
    let is_of_host = |c: char| !c.is_control() && !" %\\^`{|}".contains(c);
    SCHEMES.iter().any(|known| scheme.eq_ignore_ascii_case(known))
        && !port.is_empty()
        && port.bytes().all(|digit| digit.is_ascii_digit())
        && host.chars().all(is_of_host)
        && !url.contains(|c: char| c.is_ascii_control())
}

#[cfg(test)]
mod tests {
    use super::is_destination;

    #[test]
    fn destinations_are_those_of_influxdb() {
        let right = [
            "http://h:1",
            "HTTP://h:1",
            "https://user:pw@127.0.0.1:8/path?x=1",
            "udp://[::1]:9",
            "udp://:9",
            "http://:80",
            "http://h:99999",
        ];
        let wrong = [
            "",
            ":",
            "foo",
            "ftp://h:1",
            "http://",
            "http:///a",
            "udp://h",
            "http://h",
            "http://h:abc",
            "http://%zz",
            "http://h:9 ",
            " http://h:9",
            "mailto:x",
            "udp://h:x",
            "udp://h:",
            "//h:80",
            "h:80",
            "udp:h:80",
            "http://::1:80",
        ];
        for url in right {
            assert!(is_destination(url), "{url}");
        }
        for url in wrong {
            assert!(!is_destination(url), "{url}");
        }
    }
}
