//! `/ping` and `/status`: whether the server is there, and which version it is.

use crate::server::REPORTED_VERSION;
use crate::server::parameters::Parameters;
use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::Response;

/// `GET|HEAD /ping`: 204, or with `verbose=true` 200 and the version. `wait_for_leader` is taken and means nothing,
/// as since 0.11.
pub(in crate::server) async fn serve(uri: Uri) -> Response {
    // Any value but false and 0, as in 1.8.
    match Parameters::of_uri(&uri).get("verbose") {
        "" | "0" | "false" => empty(),
        _ => json(StatusCode::OK, format!("{{\"version\":\"{REPORTED_VERSION}\"}}\n")),
    }
}

/// `GET|HEAD /status`: 204.
pub(in crate::server) async fn status() -> Response {
    empty()
}

/// 204 with the content type that 1.x sends even so.
pub(super) fn empty() -> Response {
    json(StatusCode::NO_CONTENT, Body::empty())
}

/// A response of JSON.
pub(super) fn json(status: StatusCode, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
