//! The weather of New York's airports: our answers against those that DuckDB computed from the original file.
//!
//! `testdata/weather/expected.json` is made by `scripts/expected_weather.py`. Here the questions in InfluxQL are
//! asked over HTTP, in every state of the data; `tests/clients` asks those in SQL over Flight.

use crate::scenario::http::{Request, send};
use serde_json::Value;
use std::net::SocketAddr;
use std::path::Path;
use tidegauge::app::App;
use tidegauge::config::{Config, Machine};

/// Sums are added up in another order by DuckDB; all else is exact.
const RELATIVE_ERROR_MAX: f64 = 1e-12;

fn testdata(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/weather").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn post(address: SocketAddr, target: String, body: Vec<u8>) -> Value {
    let request = Request { method: "POST".into(), target, headers: Vec::new(), body };
    let response = send(address, &request).unwrap();
    let text = String::from_utf8(response.body).unwrap();
    assert!(response.status < 300, "{} {}: {text}", response.status, request.target);
    if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() }
}

fn query(address: SocketAddr, text: &str) -> Value {
    let parameters: String =
        url::form_urlencoded::Serializer::new(String::new()).append_pair("q", text).finish();
    post(address, format!("/query?db=nyc&epoch=s&{parameters}"), Vec::new())
}

/// The rows of the one statement's answer, each with the values of its group tags in front.
fn rows_of(answer: &Value) -> Vec<Vec<Value>> {
    assert_eq!(answer.pointer("/results/0/error"), None);
    let no_series = Vec::new();
    let series = answer.pointer("/results/0/series").and_then(Value::as_array).unwrap_or(&no_series);
    let mut rows = Vec::new();
    for series in series {
        let tags: Vec<Value> =
            series["tags"].as_object().map(|tags| tags.values().cloned().collect()).unwrap_or_default();
        for row in series["values"].as_array().unwrap() {
            rows.push(tags.iter().chain(row.as_array().unwrap()).cloned().collect());
        }
    }
    rows
}

fn is_equal(ours: &Value, expected: &Value) -> bool {
    match (ours.as_f64(), expected.as_f64()) {
        (Some(a), Some(b)) => a == b || (a - b).abs() <= RELATIVE_ERROR_MAX * a.abs().max(b.abs()),
        _ => ours == expected,
    }
}

fn check_questions(address: SocketAddr, state: &str) {
    let questions: Vec<Value> = serde_json::from_slice(&testdata("expected.json")).unwrap();
    let mut asked = 0;
    for question in questions.iter().filter(|question| question["language"] == "influxql") {
        let text = question["question"].as_str().unwrap();
        let ours = rows_of(&query(address, text));
        let expected = question["rows"].as_array().unwrap();
        assert_eq!(ours.len(), expected.len(), "{state}: number of rows of {text}");
        for (ours, expected) in ours.iter().zip(expected) {
            let expected = expected.as_array().unwrap();
            let equal = ours.len() == expected.len()
                && ours.iter().zip(expected).all(|(ours, expected)| is_equal(ours, expected));
            assert!(equal, "{state}: {text}\nours:     {ours:?}\nexpected: {expected:?}");
        }
        asked += 1;
    }
    assert!(asked >= 10, "the questions are found");
}

#[test]
fn answers_are_those_that_duckdb_computed() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config::default();
    config.set("bind", "127.0.0.1:0").unwrap();
    config.set("data", folder.path().to_str().unwrap()).unwrap();
    let config = config.fitted_to(&Machine { memory_bytes: 8 << 30, core_count: 2 }).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();

    let app = runtime.block_on(App::start(&config)).unwrap();
    query(app.address(), "CREATE DATABASE nyc");
    post(app.address(), "/write?db=nyc".into(), testdata("weather.lp"));
    check_questions(app.address(), "buffered");
    runtime.block_on(app.engine().flush()).unwrap();
    check_questions(app.address(), "flushed");
    // The same points once more: buffer and files overlap completely.
    post(app.address(), "/write?db=nyc".into(), testdata("weather.lp"));
    check_questions(app.address(), "written twice");
    runtime.block_on(app.stop()).unwrap();

    let app = runtime.block_on(App::start(&config)).unwrap();
    check_questions(app.address(), "restarted");
    runtime.block_on(app.stop()).unwrap();
}
