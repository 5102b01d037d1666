//! `POST /api/tidegauge/backup/cut`: flushes, and answers with the state of the manifest then, in the form of its checkpoints.

use super::response;
use crate::manifest::format::encode_checkpoint;
use crate::server::AppState;
use crate::server::error::{ErrorForm, HttpError};
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;

/// `POST /api/tidegauge/backup/cut`
pub(in crate::server) async fn serve(
    State(state): State<AppState>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    cut(&state).await.unwrap_or_else(|error| error.into_response(ErrorForm::of(&headers, &uri)))
}

async fn cut(state: &AppState) -> Result<Response, HttpError> {
    let checkpoint = state.engine.cut().await?;
    let encoded = tokio::task::spawn_blocking(move || encode_checkpoint(&checkpoint)).await;
    let bytes = encoded.map_err(|panic| HttpError::internal(panic.to_string()))?;
    Ok(response("application/x-ndjson", bytes))
}
