//! `POST /api/tidegauge/restore/…`: takes the data files of a database, then its description.

use super::{required, response, time_ns};
use crate::model::database_image::DatabaseImage;
use crate::server::error::{ErrorForm, HttpError};
use crate::server::parameters::Parameters;
use crate::server::{AppState, body};
use axum::extract::{Request, State};
use axum::response::Response;

/// `POST /api/tidegauge/restore/file?window_start_ns=`: the body is a data file; answers with `{"path":"…"}`.
pub(in crate::server) async fn file(State(state): State<AppState>, request: Request) -> Response {
    let form = ErrorForm::of(request.headers(), request.uri());
    put_file(&state, request).await.unwrap_or_else(|error| error.into_response(form))
}

/// `POST /api/tidegauge/restore/database?name=`: the body is a [`DatabaseImage`] as JSON, whose files were put before.
pub(in crate::server) async fn database(State(state): State<AppState>, request: Request) -> Response {
    let form = ErrorForm::of(request.headers(), request.uri());
    adopt(&state, request).await.unwrap_or_else(|error| error.into_response(form))
}

async fn put_file(state: &AppState, request: Request) -> Result<Response, HttpError> {
    let parameters = Parameters::of_uri(request.uri());
    let window_start_ns = time_ns(&parameters, "window_start_ns")?
        .ok_or_else(|| HttpError::bad_request("missing required parameter \"window_start_ns\""))?;
    let (head, body) = request.into_parts();
    let body = body::read_file(&head.headers, body, &state.settings, &state.body_budget).await?;
    let path = state.engine.put_adoptable_file(window_start_ns, body.bytes.clone()).await?;
    Ok(response("application/json", serde_json::json!({ "path": path }).to_string()))
}

async fn adopt(state: &AppState, request: Request) -> Result<Response, HttpError> {
    let parameters = Parameters::of_uri(request.uri());
    let name = required(&parameters, "name")?;
    let (head, body) = request.into_parts();
    let body = body::read(&head.headers, body, &state.settings, &state.body_budget).await?;
    let image: DatabaseImage = serde_json::from_slice(&body.bytes).map_err(|error| {
        HttpError::bad_request(format!("the body is no description of a database: {error}"))
    })?;
    // Goes on when the client goes away: nobody would know otherwise whether the database is there.
    let (engine, name) = (state.engine.clone(), name.to_owned());
    let adopted = tokio::spawn(async move { engine.adopt_database(&name, &image).await }).await;
    adopted.map_err(|panic| HttpError::internal(panic.to_string()))??;
    Ok(response("application/json", "{}"))
}
