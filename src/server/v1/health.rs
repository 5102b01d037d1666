//! `/health`: whether writes and queries are taken, in the form of InfluxDB 1.8 and 2.x.

use super::ping::json;
use crate::engine::FollowStatus;
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

fn failing(name: &'static str, message: &str) -> Check {
    Check { name, message: message.to_owned(), status: "fail" }
}

/// `GET|HEAD /health`: 200 and `pass`, or 503 and `fail` while no write is taken; of a server that only reads, while it cannot read on
/// in the manifest. Damage that start-up found in log and manifest is told
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
    let (failed, ready) = match engine.follows {
        None => {
            let failed = engine.writes_refused;
            checks.extend(failed.iter().map(|message| failing("writes", message)));
            (failed, "ready for queries and writes")
        }
        Some(FollowStatus { edit_number, failure, .. }) => {
            checks.push(Check {
                name: "read-only",
                message: format!(
                    "shows what another server has flushed, up to edit {edit_number} of the manifest"
                ),
                status: "pass",
            });
            checks.extend(failure.iter().map(|message| failing("manifest", message)));
            (failure, "ready for queries; read-only")
        }
    };
    let (code, status) = match failed {
        None => (StatusCode::OK, "pass"),
        Some(_) => (StatusCode::SERVICE_UNAVAILABLE, "fail"),
    };
    let message = failed.unwrap_or_else(|| ready.to_owned());
    let health = Health { checks, message, name: "influxdb", status, version: REPORTED_VERSION };
    let mut body = serde_json::to_vec(&health).expect("strings and lists are JSON");
    body.push(b'\n');
    json(code, body)
}
