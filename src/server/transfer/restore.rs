//! `POST /api/tidegauge/restore/…`: takes the data files of a database, then its description.

use super::{required, response, time_ns};
use crate::engine::EngineError;
use crate::model::database_image::DatabaseImage;
use crate::object::Upload;
use crate::server::body::BodyParts;
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
    let (path, upload) = state.engine.upload_adoptable_file(window_start_ns)?;
    let parts =
        BodyParts::new(&head.headers, body, &state.settings, &state.body_budget, Upload::HELD_BYTES_MAX);
    // Runs on when the client goes away, so that a file that was written in part is removed.
    let stored = tokio::spawn(store(parts, upload)).await;
    stored.map_err(|panic| HttpError::internal(panic.to_string()))??;
    Ok(response("application/json", serde_json::json!({ "path": path }).to_string()))
}

/// Writes a body to the store as it comes. Of one that breaks off nothing is left.
async fn store(mut parts: BodyParts, mut upload: Upload) -> Result<(), HttpError> {
    match write_parts(&mut parts, &mut upload).await {
        Ok(()) => Ok(upload.finish().await.map_err(EngineError::from)?),
        Err(error) => {
            if let Err(error) = upload.abort().await {
                tracing::warn!(%error, "an upload that was given up may have left something behind");
            }
            Err(error)
        }
    }
}

async fn write_parts(parts: &mut BodyParts, upload: &mut Upload) -> Result<(), HttpError> {
    while let Some(part) = parts.next().await? {
        upload.write(&part).await.map_err(EngineError::from)?;
    }
    Ok(())
}

async fn adopt(state: &AppState, request: Request) -> Result<Response, HttpError> {
    let parameters = Parameters::of_uri(request.uri());
    let name = required(&parameters, "name")?;
    let (head, body) = request.into_parts();
    let body = body::read(&head.headers, body, &state.settings, &state.body_budget).await?;
    let image: DatabaseImage = serde_json::from_slice(&body.bytes).map_err(|error| {
        HttpError::bad_request(format!("the body is no description of a database: {error}"))
    })?;
    // Runs on when the client goes away. Given up half-way, nobody would know whether the database was added.
    let (engine, name) = (state.engine.clone(), name.to_owned());
    let adopted = tokio::spawn(async move { engine.adopt_database(&name, &image).await }).await;
    adopted.map_err(|panic| HttpError::internal(panic.to_string()))??;
    Ok(response("application/json", "{}"))
}

#[cfg(test)]
mod tests {
    use super::store;
    use crate::object::Store;
    use crate::server::body::{BodyBudget, BodyParts};
    use crate::server::settings::HttpSettings;
    use axum::body::Body;
    use axum::http::HeaderMap;
    use futures::TryStreamExt;
    use std::io;
    use std::sync::Arc;

    /// Stores a body of 20 MB, of which one part may fail, within a budget of 4 MB, and checks the sizes of what the store has then.
    async fn check(place: &Store, failing: Option<u8>, is_stored: bool, expected: &[u64]) {
        let part = move |number: u8| match Some(number) == failing {
            false => Ok(vec![number; 1 << 20]),
            true => Err(io::Error::other("the client went away")),
        };
        let body = Body::from_stream(futures::stream::iter((0..20).map(part)));
        let budget = Arc::new(BodyBudget::new(4 << 20));
        let parts = BodyParts::new(&HeaderMap::new(), body, &HttpSettings::default(), &budget, 4 << 20);
        assert_eq!(store(parts, place.upload("files/a")).await.is_ok(), is_stored);
        let listed: Vec<_> = place.list("files").try_collect().await.expect("a list");
        assert_eq!(listed.iter().map(|listed| listed.size_bytes).collect::<Vec<_>>(), expected);
    }

    #[tokio::test]
    async fn a_file_that_breaks_off_leaves_nothing() {
        for failing in [0, 1, 19] {
            check(&Store::in_memory(), Some(failing), false, &[]).await;
        }
        check(&Store::in_memory(), None, true, &[20 << 20]).await;
    }
}
