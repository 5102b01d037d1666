//! What every response bears: version, build, request id, CORS.

use super::REPORTED_VERSION;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use uuid::Uuid;

/// `X-Influxdb-Error`
pub(super) const INFLUXDB_ERROR: HeaderName = HeaderName::from_static("x-influxdb-error");
const INFLUXDB_VERSION: HeaderName = HeaderName::from_static("x-influxdb-version");
const INFLUXDB_BUILD: HeaderName = HeaderName::from_static("x-influxdb-build");
const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Most bytes of an error text in a header (influxdb 1.x `httpError`).
const ERROR_BYTES_MAX: usize = 1_024;

/// Puts the common headers on the response to a request.
pub(super) async fn common(request: Request, next: Next) -> Response {
    let id = request_id(request.headers());
    let origin = request.headers().get(header::ORIGIN).cloned();
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(INFLUXDB_VERSION, HeaderValue::from_static(REPORTED_VERSION));
    headers.insert(INFLUXDB_BUILD, HeaderValue::from_static("OSS"));
    headers.insert(REQUEST_ID, id.clone());
    headers.insert(X_REQUEST_ID, id);
    if let Some(origin) = origin {
        allow_origin(headers, origin);
    }
    response
}

/// The client's id, or a fresh one.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    let given =
        [X_REQUEST_ID, REQUEST_ID].iter().find_map(|name| headers.get(name).filter(|id| !id.is_empty()));
    given.cloned().unwrap_or_else(|| {
        HeaderValue::from_str(&Uuid::now_v7().to_string()).expect("a UUID is hexadecimal digits and dashes")
    })
}

/// As InfluxDB 1.11: any origin may ask.
fn allow_origin(headers: &mut HeaderMap, origin: HeaderValue) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    for (name, value) in [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "DELETE, GET, OPTIONS, POST, PUT, PATCH"),
        (
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            "Accept, Accept-Encoding, Authorization, Content-Length, Content-Type, User-Agent, X-CSRF-Token, \
             X-HTTP-Method-Override",
        ),
        (header::ACCESS_CONTROL_EXPOSE_HEADERS, "Date, X-InfluxDB-Version, X-InfluxDB-Build"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// A text as a header value: its first 1024 bytes, control characters as blanks.
pub(super) fn header_text(text: &str) -> HeaderValue {
    let end = (0..=text.len().min(ERROR_BYTES_MAX)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let bytes: Vec<u8> = text.as_bytes()[..end]
        .iter()
        .map(|byte| if *byte < 0x20 || *byte == 0x7f { b' ' } else { *byte })
        .collect();
    HeaderValue::from_bytes(&bytes).expect("no control characters are left")
}
