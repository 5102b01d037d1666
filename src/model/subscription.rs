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

impl SubscriptionMode {
    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::All => "ALL",
            Self::Any => "ANY",
        }
    }
}

/// The URL of a destination with five `x` in place of its password, as Go shows such URLs.
#[must_use]
pub fn without_password(url: &str) -> String {
    let whole = || url.to_owned();
    let Some(start) = url.find("://").map(|at| at + 3) else { return whole() };
    let end = url[start..].find(['/', '?', '#']).map_or(url.len(), |at| start + at);
    let Some(user_end) = url[start..end].rfind('@').map(|at| start + at) else { return whole() };
    let Some(name_end) = url[start..user_end].find(':').map(|at| start + at) else { return whole() };
    format!("{}:xxxxx{}", &url[..name_end], &url[user_end..])
}

#[cfg(test)]
mod tests {
    use super::without_password;

    #[test]
    fn passwords_of_destinations_are_hidden() {
        let check = |url: &str, expected: &str| assert_eq!(without_password(url), expected);
        check("http://user:p@w:1@h:1/a:b@c", "http://user:xxxxx@h:1/a:b@c");
        check("http://user@h:1", "http://user@h:1");
        check("http://h:1?x=a:b@c", "http://h:1?x=a:b@c");
        check("udp://:9", "udp://:9");
        check("no URL: a@b", "no URL: a@b");
    }
}
