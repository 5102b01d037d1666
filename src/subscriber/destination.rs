//! Where the URL of a destination leads, read as InfluxDB 1.x reads it.
//!
//! | URL | what is sent |
//! |---|---|
//! | `http://user:pw@host:8086` | `POST http://host:8086/write?consistency=&db=…&precision=ns&rp=…`, with basic authentication |
//! | `http://host:8086/path?x=1` | `POST http://host:8086/path/write?consistency=&db=…&precision=ns&rp=…&x=1` |
//! | `udp://host:8089` | datagrams to host:8089 |
//! | `http://:8086`, `udp://:8089` | to this machine |

use super::error::SendError;
use super::lines::Part;
use super::{http, udp};
use crate::model::subscription::without_password;
use crate::outbox::Target;
use reqwest::Url;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

/// This machine, where a URL names no host.
const LOCAL_HOST: &str = "127.0.0.1";

/// A destination of a subscription.
#[derive(Debug)]
pub(super) struct Destination {
    /// The URL as it may be logged.
    shown: String,
    address: Address,
    /// Whether the last write has failed.
    is_failing: AtomicBool,
}

/// The way to a destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Address {
    /// What is posted to. Name and password stand in it.
    Http(Url),
    Udp {
        host: String,
        port: u16,
    },
    /// There is none; why. InfluxDB 1.x takes such subscriptions, and every write fails.
    Unusable(String),
}

impl Destination {
    pub(super) fn new(url: &str, target: &Target) -> Self {
        let shown = without_password(url);
        Self { shown, address: Address::of(url, target), is_failing: AtomicBool::new(false) }
    }

    /// Sends lines.
    pub(super) async fn send(&self, client: &reqwest::Client, part: &Part) -> Result<(), SendError> {
        match &self.address {
            Address::Http(url) => http::post(client, url, part).await,
            Address::Udp { host, port } => udp::send(host, *port, part).await,
            Address::Unusable(reason) => Err(SendError::Unusable(reason.clone())),
        }
    }

    /// Logs what became of a write where that is news.
    pub(super) fn log(&self, target: &Target, sent: &Result<(), SendError>) {
        let was_failing = self.is_failing.swap(sent.is_err(), Ordering::Relaxed);
        let (destination, name) = (&self.shown, &*target.subscription.name);
        let (database, policy) = (&*target.database, &*target.policy);
        match sent {
            Ok(()) if was_failing => {
                tracing::info!(database, policy, name, destination, "a destination takes writes again");
            }
            Ok(()) => {}
            Err(error) if was_failing => {
                tracing::debug!(database, policy, name, destination, %error, "a destination takes no write");
            }
            Err(error) => {
                tracing::warn!(database, policy, name, destination, %error, "a destination has not taken a write");
            }
        }
    }
}

impl Address {
    pub(super) fn of(url: &str, target: &Target) -> Self {
        let Some((scheme, rest)) = url.split_once("://") else {
            return Self::Unusable("it is no URL".to_owned());
        };
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let (user, address) =
            authority.rsplit_once('@').map_or(("", authority), |(user, address)| (user, address));
        let address =
            if address.starts_with(':') { format!("{LOCAL_HOST}{address}") } else { address.to_owned() };
        if scheme.eq_ignore_ascii_case("udp") {
            return Self::udp(&address);
        }
        let separator = if authority.contains('@') { "@" } else { "" };
        match Url::parse(&format!("{scheme}://{user}{separator}{address}{path}")) {
            Ok(url) => Self::Http(write_url(url, target)),
            Err(error) => Self::Unusable(error.to_string()),
        }
    }

    fn udp(address: &str) -> Self {
        let parts = address.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?)));
        let Some((host, port)) = parts else { return Self::Unusable("it has no port".to_owned()) };
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        Self::Udp { host, port }
    }
}

/// What is posted to: the path goes on with `write`, and parameters of the destination's own stay. They are sorted by name.
fn write_url(mut url: Url, target: &Target) -> Url {
    let mut parameters: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in url.query_pairs() {
        parameters.entry(name.into_owned()).or_default().push(value.into_owned());
    }
    for (name, value) in
        [("consistency", ""), ("db", &*target.database), ("precision", "ns"), ("rp", &*target.policy)]
    {
        parameters.insert(name.to_owned(), vec![value.to_owned()]);
    }
    let path = format!("{}/write", url.path().trim_end_matches('/'));
    url.set_path(&path);
    url.set_fragment(None);
    let pairs = parameters.iter().flat_map(|(name, values)| values.iter().map(move |value| (name, value)));
    url.query_pairs_mut().clear().extend_pairs(pairs);
    url
}
