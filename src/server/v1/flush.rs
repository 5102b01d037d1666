//! `POST /debug/flush`: writes everything that is buffered to files, now, and answers 204 when that is done.
//!
//! For operators before a maintenance, and for tests. It is not part of InfluxDB's API.

use super::ping::empty;
use crate::server::AppState;
use crate::server::error::{ErrorForm, HttpError};
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;

/// `POST /debug/flush`
pub(in crate::server) async fn serve(
    State(state): State<AppState>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    match state.engine.flush().await {
        Ok(()) => empty(),
        Err(error) => HttpError::from(error).into_response(ErrorForm::of(&headers, &uri)),
    }
}
