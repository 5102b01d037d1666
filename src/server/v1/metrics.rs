//! `/metrics`: figures for Prometheus.

use crate::server::AppState;
use crate::server::error::{ErrorForm, HttpError};
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::Response;

/// `GET /metrics`
pub(in crate::server) async fn serve(State(state): State<AppState>) -> Response {
    match state.metrics.text() {
        Ok(text) => {
            let mut response = Response::new(Body::from(text));
            let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
            response
        }
        Err(error) => HttpError::internal(error.to_string()).into_response(ErrorForm::default()),
    }
}
