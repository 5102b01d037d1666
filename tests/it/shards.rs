//! SHOW SHARDS, SHOW SHARD GROUPS and DROP SHARD over HTTP: numbers last, windows come and go with their rows.
//!
//! These statements list all databases of a server, so that they cannot stand in scenarios, which share one.

use crate::scenario::http::{Request, percent_encode, send};
use serde_json::{Value, json};
use std::net::SocketAddr;
use tidegauge::app::App;
use tidegauge::config::{Config, Machine};

fn post(address: SocketAddr, target: String, body: &str) -> Value {
    let request = Request { method: "POST".into(), target, headers: Vec::new(), body: body.into() };
    let response = send(address, &request).unwrap();
    let text = String::from_utf8(response.body).unwrap();
    assert!(response.status < 300, "{} {}: {text}", response.status, request.target);
    if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() }
}

fn query(address: SocketAddr, text: &str) -> Value {
    post(address, format!("/query?db=d&epoch=s&q={}", percent_encode(text)), "")["results"][0].clone()
}

/// The windows that SHOW SHARDS lists, each as policy and start, and their numbers.
fn shards(address: SocketAddr) -> (Vec<(String, String)>, Vec<u64>) {
    let answer = query(address, "SHOW SHARDS");
    let series = answer["series"].as_array().cloned().unwrap_or_default();
    let rows = series.iter().flat_map(|series| series["values"].as_array().cloned().unwrap_or_default());
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    rows.map(|row| ((text(&row[2]), text(&row[4])), row[0].as_u64().unwrap())).unzip()
}

fn check_windows(address: SocketAddr, expected: &[(&str, &str)]) -> Vec<u64> {
    let (windows, numbers) = shards(address);
    let windows: Vec<_> = windows.iter().map(|(policy, start)| (policy.as_str(), start.as_str())).collect();
    assert_eq!(windows, expected);
    numbers
}

#[test]
fn shards_are_the_windows_that_hold_rows() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config::default();
    config.set("bind", "127.0.0.1:0").unwrap();
    config.set("data", folder.path().to_str().unwrap()).unwrap();
    let config = config.fitted_to(&Machine { memory_bytes: 2 << 30, core_count: 2 }).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();

    let app = runtime.block_on(App::start(&config)).unwrap();
    let address = app.address();
    query(address, "CREATE DATABASE d");
    query(address, "CREATE RETENTION POLICY short ON d DURATION 36500d REPLICATION 1 SHARD DURATION 1d");
    post(address, "/write?db=d&precision=s".into(), "m,h=a f=1 0\nm,h=b f=2 604800\nn f=3 -604800");
    post(address, "/write?db=d&rp=short&precision=s".into(), "m f=4 1700000000");
    let all = [
        ("autogen", "1969-12-22T00:00:00Z"),
        ("autogen", "1969-12-29T00:00:00Z"),
        ("autogen", "1970-01-05T00:00:00Z"),
        ("short", "2023-11-14T00:00:00Z"),
    ];
    let numbers = check_windows(address, &all);
    runtime.block_on(app.engine().flush()).unwrap();
    assert_eq!(check_windows(address, &all), numbers, "flushed");
    let answer = query(address, "SHOW SHARDS");
    assert_eq!(answer["series"][0]["name"], "d");
    let columns = ["database", "retention_policy", "shard_group", "start_time", "end_time", "expiry_time"];
    let columns = [&["id"][..], &columns[..], &["owners"][..]].concat();
    assert_eq!(answer["series"][0]["columns"], json!(columns));
    let (first, last) = (numbers[0], numbers[3]);
    assert_eq!(
        answer["series"][0]["values"][0],
        json!([first, "d", "autogen", first, "1969-12-22T00:00:00Z", "1969-12-29T00:00:00Z", "", ""])
    );
    let groups = query(address, "SHOW SHARD GROUPS");
    assert_eq!(groups["series"][0]["name"], "shard groups");
    assert_eq!(
        groups["series"][0]["values"][3],
        json!([last, "d", "short", "2023-11-14T00:00:00Z", "2023-11-15T00:00:00Z", "2123-10-22T00:00:00Z"])
    );

    // Other deletions empty windows too.
    query(address, "DELETE FROM m WHERE h = 'b'");
    let without_b = [all[0], all[1], all[3]];
    assert_eq!(check_windows(address, &without_b), [numbers[0], numbers[1], numbers[3]]);

    assert_eq!(query(address, &format!("DROP SHARD {first}")), json!({ "statement_id": 0 }));
    let dropped = [all[1], all[3]];
    check_windows(address, &dropped);
    assert_eq!(query(address, "SHOW SERIES")["series"][0]["values"], json!([["m"], ["m,h=a"]]));
    for number in [first, 0, 1, numbers[2], u64::from(u32::MAX), i64::MAX.unsigned_abs()] {
        assert_eq!(query(address, &format!("DROP SHARD {number}"))["error"], "shard not found", "{number}");
    }
    runtime.block_on(app.stop()).unwrap();

    let app = runtime.block_on(App::start(&config)).unwrap();
    assert_eq!(check_windows(app.address(), &dropped), [numbers[1], numbers[3]], "restarted");
    post(app.address(), "/write?db=d&precision=s".into(), "n f=3 -604800");
    assert_eq!(check_windows(app.address(), &without_b)[0], first, "the same window again");
    runtime.block_on(app.stop()).unwrap();
}
