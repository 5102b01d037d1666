//! `/write`: line protocol in.
//!
//! The order of the checks is that of InfluxDB 1.x: database named, database known, body, precision, points. A write
//! of which something was refused is answered with 400 and what was refused; the rest is stored.

use super::ping::empty;
use crate::engine::{Engine, WriteError, WriteRequest};
use crate::line_protocol::Precision;
use crate::server::error::{ErrorForm, HttpError, partial_write};
use crate::server::parameters::Parameters;
use crate::server::{AppState, body};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::Method;
use axum::response::Response;

/// `POST|OPTIONS /write`
pub(in crate::server) async fn serve(State(state): State<AppState>, request: Request) -> Response {
    if request.method() == Method::OPTIONS {
        return Response::new(Body::empty());
    }
    let form = ErrorForm::of(request.headers(), request.uri());
    match write(&state, request).await {
        Ok(()) => empty(),
        Err(error) => error.into_response(form),
    }
}

/// What the URL of a write says, as it stands there.
struct WriteParameters {
    database: String,
    policy: Option<String>,
    precision: String,
    consistency: String,
}

impl WriteParameters {
    fn of(parameters: &Parameters) -> Self {
        Self {
            database: parameters.get("db").to_owned(),
            policy: parameters.get_some("rp").map(str::to_owned),
            precision: parameters.get("precision").to_owned(),
            consistency: parameters.get("consistency").to_owned(),
        }
    }

    fn check_database(&self, engine: &Engine) -> Result<(), HttpError> {
        if self.database.is_empty() {
            return Err(HttpError::bad_request("database is required"));
        }
        match engine.state().database(&self.database) {
            Some(_) => Ok(()),
            None => Err(HttpError::database_not_found(&self.database)),
        }
    }

    fn precision(&self) -> Result<Precision, HttpError> {
        Precision::from_v1(&self.precision).ok_or_else(|| {
            HttpError::bad_request(format!(
                "invalid precision {:?} (use n, u, ms, s, m or h)",
                self.precision
            ))
        })
    }

    /// The levels of a cluster are accepted; every write of ours is durable when it is acknowledged.
    fn check_consistency(&self) -> Result<(), HttpError> {
        match self.consistency.to_ascii_lowercase().as_str() {
            "" | "any" | "one" | "quorum" | "all" => Ok(()),
            _ => Err(HttpError::bad_request("invalid consistency level")),
        }
    }
}

async fn write(state: &AppState, request: Request) -> Result<(), HttpError> {
    if state.engine.is_read_only() {
        // Refused before the body is read, and before the database is looked up: clients create a database that they hear
        // is missing.
        return Err(WriteError::ReadOnly.into());
    }
    let parameters = WriteParameters::of(&Parameters::of_uri(request.uri()));
    parameters.check_database(&state.engine)?;
    let (head, body) = request.into_parts();
    let body = body::read(&head.headers, body, &state.settings, &state.body_budget).await?;
    let precision = parameters.precision()?;
    parameters.check_consistency()?;
    state.metrics.write_body_bytes.inc_by(body.bytes.len() as u64);
    let request = WriteRequest {
        database: parameters.database,
        policy: parameters.policy,
        precision,
        body: body.bytes.clone(),
    };
    let outcome = state.engine.write(request).await?;
    partial_write(&outcome).map_or(Ok(()), Err)
}
