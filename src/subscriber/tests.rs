//! Where URLs lead, and how writes are cut into parts. The rest is tested over sockets: `tests/it/subscriptions.rs`.

use super::destination::Address;
use super::lines::Parts;
use super::{Subscriber, SubscriberError, SubscriberOptions};
use crate::line_protocol::{Precision, WriteOptions, to_batches};
use crate::model::ids::{PolicyId, SubscriptionId};
use crate::model::subscription::{SubscriptionInfo, SubscriptionMode};
use crate::outbox::{AcceptedWrite, Outbox, OutboxLimits, Target};
use std::sync::Arc;
use std::time::Duration;

const LIMITS: OutboxLimits = OutboxLimits { writes_max: 10, bytes_max: 1 << 20 };

fn target(database: &str, policy: &str) -> Target {
    let subscription = SubscriptionInfo {
        id: SubscriptionId(0),
        policy: PolicyId(0),
        name: "s".into(),
        mode: SubscriptionMode::All,
        destinations: Vec::new(),
    };
    Target { database: database.into(), policy: policy.into(), subscription: Arc::new(subscription) }
}

fn check_http(url: &str, expected: &str) {
    match Address::of(url, &target("d b", "r&p")) {
        Address::Http(found) => assert_eq!(found.as_str(), expected, "{url}"),
        other => panic!("{url}: {other:?}"),
    }
}

/// As InfluxDB 1.6.7 was seen to ask.
#[test]
fn http_destinations_are_posted_to() {
    let query = "consistency=&db=d+b&precision=ns&rp=r%26p";
    check_http("http://h:1", &format!("http://h:1/write?{query}"));
    check_http("HTTP://user:p%40w@h:1/", &format!("http://user:p%40w@h:1/write?{query}"));
    check_http(
        "https://[::1]:8/some/path?x=1&a=2&db=no#f",
        &format!("https://[::1]:8/some/path/write?a=2&{query}&x=1"),
    );
    check_http("http://:80", &format!("http://127.0.0.1/write?{query}"));
    check_http("http://u@:81", &format!("http://u@127.0.0.1:81/write?{query}"));
}

#[test]
fn udp_destinations_are_a_host_and_a_port() {
    let check = |url: &str, expected: Option<(&str, u16)>| {
        let found = match Address::of(url, &target("d", "r")) {
            Address::Udp { host, port } => Some((host, port)),
            Address::Unusable(_) => None,
            other @ Address::Http(_) => panic!("{url}: {other:?}"),
        };
        assert_eq!(found.as_ref().map(|(host, port)| (host.as_str(), *port)), expected, "{url}");
    };
    check("udp://h:1", Some(("h", 1)));
    check("UDP://u:p@[::1]:9/x", Some(("::1", 9)));
    check("udp://:9", Some(("127.0.0.1", 9)));
    check("udp://h:99999", None);
    check("http://h:99999", None);
    check("h:1", None);
}

fn write_of(text: &str) -> (AcceptedWrite, Outbox) {
    let (outbox, _) = Outbox::new(LIMITS);
    let tables = to_batches(text.as_bytes(), &WriteOptions::new(Precision::Nanosecond, 7), |_| None).tables;
    (outbox.accepted(tables), outbox)
}

#[test]
fn a_large_write_goes_in_parts() {
    let text = "m,h=a f=1 1\nm,h=a s=\"x\ny\" 2\nm f=2 3\nn i=1i\n";
    let (write, outbox) = write_of(text);
    let parts = |bytes_enough| -> Vec<Vec<String>> {
        let lines = |part: super::lines::Part| {
            let lines: Vec<_> = part.lines().map(|line| String::from_utf8(line.to_vec()).unwrap()).collect();
            assert_eq!(lines.join("\n") + "\n", String::from_utf8_lossy(part.text()));
            lines
        };
        Parts::new(&write, bytes_enough).map(|part| lines(part.unwrap())).collect()
    };
    let lines = ["m,h=a f=1.0 1", "m,h=a s=\"x\ny\" 2", "m f=2.0 3", "n i=1i 7"];
    assert_eq!(parts(1 << 20), [lines]);
    assert_eq!(parts(1), lines.map(|line| vec![line.to_owned()]));
    assert_eq!(parts(20), [lines[..2].to_vec(), lines[2..].to_vec()]);
    let before = outbox.status().held_bytes;
    let part = Parts::new(&write, 1).next();
    assert!(outbox.status().held_bytes > before, "the text counts, too");
    drop(part);
    assert_eq!(outbox.status().held_bytes, before);
}

#[tokio::test]
async fn certificates_that_cannot_be_used_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let start = |name: &str| {
        let (outbox, openings) = Outbox::new(LIMITS);
        let options = SubscriberOptions {
            http_timeout: Duration::from_secs(1),
            write_concurrency: 1,
            ca_certs: Some(folder.path().join(name)),
            insecure_skip_verify: false,
        };
        Subscriber::start(options, Arc::new(outbox), openings)
    };
    std::fs::write(folder.path().join("empty.pem"), "").unwrap();
    assert!(matches!(start("missing.pem"), Err(SubscriberError::Read { .. })));
    assert!(matches!(start("empty.pem"), Err(SubscriberError::Certificates { .. })));
}
