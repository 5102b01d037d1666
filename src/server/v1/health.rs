//! `/health`: whether writes and queries are taken, in the form of InfluxDB 1.8 and 2.x.

use super::ping::json;
use crate::server::{AppState, REPORTED_VERSION};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;

#[derive(Serialize)]
struct Health {
    checks: Vec<Check>,
    message: String,
    name: &'static str,
    status: &'static str,
    version: &'static str,
}

#[derive(Serialize)]
struct Check {
    name: &'static str,
    message: String,
    status: &'static str,
}

/// `GET|HEAD /health`: 200 and `pass`, or 503 and `fail` while no write is taken. Damage that start-up found in log and manifest is told
/// in a check but does not fail: what could be read is served.
pub(in crate::server) async fn serve(State(state): State<AppState>) -> Response {
    let engine = state.engine.status();
    let mut checks: Vec<Check> = Vec::new();
    checks.extend(engine.wal_damage.into_iter().map(|message| Check {
        name: "write-ahead log",
        message,
        status: "pass",
    }));
    checks.extend(engine.manifest_damage.into_iter().map(|message| Check {
        name: "manifest",
        message,
        status: "pass",
    }));
    checks.extend((engine.wal_records_missing > 0).then(|| Check {
        name: "write-ahead log",
        message: format!("{} acknowledged records are missing", engine.wal_records_missing),
        status: "pass",
    }));
    let refused = engine.writes_refused;
    checks.extend(refused.iter().map(|message| Check {
        name: "writes",
        message: message.clone(),
        status: "fail",
    }));
    let (code, status) = match refused {
        None => (StatusCode::OK, "pass"),
        Some(_) => (StatusCode::SERVICE_UNAVAILABLE, "fail"),
    };
    let message = refused.unwrap_or_else(|| "ready for queries and writes".to_owned());
    let health = Health { checks, message, name: "influxdb", status, version: REPORTED_VERSION };
    let mut body = serde_json::to_vec(&health).expect("strings and lists are JSON");
    body.push(b'\n');
    json(code, body)
}
