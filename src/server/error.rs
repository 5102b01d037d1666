//! The only place that turns errors into a status and a body.
//!
//! A request that fails as a whole is answered with `{"error":"…"}` in the format that the client wants, a status and
//! the header `X-Influxdb-Error`. Statements that fail within a query are results, not errors of the request. What
//! senders do with a status decides over data: 4xx makes them drop a batch, 5xx makes them send it again.

use super::accept;
use super::headers::{self, header_text};
use super::parameters::Parameters;
use crate::catalog::{CatalogError, WriteTargetError};
use crate::encode::v1::{Format, error_body};
use crate::engine::{EngineError, WriteError, WriteOutcome};
use crate::line_protocol::{PointFault, Reason, Rejection};
use crate::manifest::ManifestError;
use crate::object::StoreError;
use crate::query::QueryError;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, Uri, header};
use std::time::Duration;

/// A request that fails as a whole.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct HttpError {
    status: StatusCode,
    text: String,
    retry_after: Option<Duration>,
}

/// How the client wants errors to look.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ErrorForm {
    format: Format,
    pretty: bool,
}

impl ErrorForm {
    /// The form for a request. `pretty` counts in the URL only, as in InfluxDB 1.x.
    pub(super) fn of(headers: &HeaderMap, uri: &Uri) -> Self {
        Self { format: accept::format(headers), pretty: Parameters::of_uri(uri).get("pretty") == "true" }
    }
}

impl HttpError {
    /// The request is wrong and will never be right.
    pub(super) fn bad_request(text: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, text)
    }

    /// The body is too large.
    pub(super) fn body_too_large() -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large")
    }

    /// The body has not come to its end, and nothing more of it comes.
    pub(super) fn body_timeout(waited: Duration) -> Self {
        let text = format!("timeout: nothing more of the body has come for {waited:?}");
        Self::new(StatusCode::REQUEST_TIMEOUT, text)
    }

    /// The body has not come to its end, and comes so slowly that it would be read for ever.
    pub(super) fn body_too_slow(bytes: u64, waited: Duration) -> Self {
        let text = format!("timeout: only {bytes} bytes of the body have come in {waited:?}");
        Self::new(StatusCode::REQUEST_TIMEOUT, text)
    }

    /// Too many bodies at once.
    pub(super) fn too_many_bodies() -> Self {
        let text = "too many requests are being read; try again later";
        Self { retry_after: Some(Duration::from_secs(1)), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, text) }
    }

    /// A write names no database that exists. Telegraf creates it when it reads this text.
    pub(super) fn database_not_found(name: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("database not found: {}", go_quoted(name)))
    }

    /// Something that the request names does not exist.
    pub(super) fn not_found(text: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, text)
    }

    /// The server does not do that, whoever asks.
    fn forbidden(text: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, text)
    }

    /// A fault of the server.
    pub(super) fn internal(text: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, text)
    }

    fn new(status: StatusCode, text: impl Into<String>) -> Self {
        Self { status, text: text.into(), retry_after: None }
    }

    /// The response.
    pub(super) fn into_response(self, form: ErrorForm) -> Response<Body> {
        let body = error_body(form.format, form.pretty, &self.text);
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(form.format.content_type()));
        headers.insert(headers::INFLUXDB_ERROR, header_text(&self.text));
        if self.is_timeout() {
            // What may still come of the body is no request.
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        if let Some(wait) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
        }
        response
    }

    /// Whether the client has stalled.
    pub(super) fn is_timeout(&self) -> bool {
        self.status == StatusCode::REQUEST_TIMEOUT
    }

    #[cfg(test)]
    pub(super) fn status_and_text(&self) -> (u16, &str) {
        (self.status.as_u16(), &self.text)
    }
}

impl From<WriteError> for HttpError {
    fn from(error: WriteError) -> Self {
        let text = error.to_string();
        let retry_after = |wait| Self {
            retry_after: Some(wait),
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, text.clone())
        };
        match error {
            WriteError::Target(WriteTargetError::DatabaseNotFound(name)) => Self::database_not_found(&name),
            // InfluxDB 1.x answers 500 to an unknown retention policy, and clients know its text.
            WriteError::Target(_) | WriteError::Internal(_) => Self::internal(text),
            WriteError::Overloaded { retry_after: wait } | WriteError::DiskFull { retry_after: wait } => {
                retry_after(wait)
            }
            WriteError::ReadOnly => Self::forbidden(text),
            WriteError::Closed(_) => Self::new(StatusCode::SERVICE_UNAVAILABLE, text),
        }
    }
}

impl From<EngineError> for HttpError {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::ReadOnly => Self::forbidden(error.to_string()),
            // Another server takes it now, or this one after a restart.
            EngineError::Closed | EngineError::Manifest(ManifestError::Fenced { .. }) => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
            }
            EngineError::Catalog(CatalogError::Conflict(_)) => {
                Self::new(StatusCode::CONFLICT, error.to_string())
            }
            EngineError::Catalog(_)
            | EngineError::Image(_)
            | EngineError::Unfit(_)
            | EngineError::Adopted { .. } => Self::bad_request(error.to_string()),
            other => Self::internal(other.to_string()),
        }
    }
}

impl From<StoreError> for HttpError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound { .. } => Self::not_found(error.to_string()),
            other => Self::internal(other.to_string()),
        }
    }
}

impl From<QueryError> for HttpError {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::Query(_) | QueryError::Dropped => Self::bad_request(error.to_string()),
            QueryError::Resource(_) | QueryError::Cancelled => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
            }
            QueryError::Internal(_) => Self::internal(error.to_string()),
        }
    }
}

/// The error of a write of which something was refused; `None` when nothing was.
///
/// As InfluxDB 1.x: points that parse and cannot be stored come first and are counted; lines that do not parse are all
/// named, and make a write "partial" only when there were points, too. 1.x does not name the lines where it names a point; here they
/// follow it, so that what is neither counted nor named is stored.
pub(super) fn partial_write(outcome: &WriteOutcome) -> Option<HttpError> {
    partial_write_text(outcome).map(HttpError::bad_request)
}

/// Its text.
pub(super) fn partial_write_text(outcome: &WriteOutcome) -> Option<String> {
    let WriteOutcome { points_written, rejections, rejections_omitted, points_dropped, .. } = outcome;
    if rejections.is_empty() && *rejections_omitted == 0 && *points_dropped == 0 {
        return None;
    }
    let (of_points, target) = texts_of_points(outcome).unzip();
    let texts: Vec<String> = of_points.into_iter().chain(texts_of_lines(outcome)).collect();
    let texts = texts.join("\n");
    Some(if *points_written == 0 && *points_dropped == 0 {
        texts
    } else {
        format!("partial write: {texts} dropped={points_dropped}{}", target.unwrap_or_default())
    })
}

/// The text about refused points, and what follows their number in the answer.
fn texts_of_points(outcome: &WriteOutcome) -> Option<(String, String)> {
    let is_of_point = |rejection: &&Rejection| rejection.counts_as_dropped() || rejection.is_stored();
    let is_of_age = |rejection: &&Rejection| {
        use PointFault::{BeyondRetention, OutsideWriteWindow};
        matches!(rejection.reason, Reason::Point(BeyondRetention | OutsideWriteWindow))
    };
    // InfluxDB 1.x mentions points outside the write window only when it found nothing else wrong with points.
    let mut of_points = outcome.rejections.iter().filter(is_of_point);
    let first = of_points.clone().find(|rejection| !is_of_age(rejection)).or_else(|| of_points.next())?;
    match &outcome.outside_window {
        // As since InfluxDB 1.12. It tells of these first, also when others are too old for the policy.
        Some(outside) if is_of_age(&first) => {
            let WriteOutcome { database, policy, .. } = outcome;
            let target = format!(" for database: {database} for retention policy: {policy}");
            Some((outside.to_string(), target))
        }
        _ => Some((first.text(), String::new())),
    }
}

/// What is said of lines that do not parse, one text each.
fn texts_of_lines(outcome: &WriteOutcome) -> Vec<String> {
    let is_of_line = |rejection: &&Rejection| matches!(rejection.reason, Reason::Line(_));
    let mut texts: Vec<String> = outcome.rejections.iter().filter(is_of_line).map(Rejection::text).collect();
    let omitted = outcome.lines_refused.saturating_sub(texts.len());
    if omitted > 0 {
        texts.push(format!("and {omitted} more"));
    }
    texts
}

/// What a client reads of a statement that failed in the query layer.
pub(super) fn statement_text(error: &QueryError) -> String {
    if let QueryError::Internal(_) = error {
        tracing::error!(%error, "a statement failed by a fault of the server");
    }
    error.to_string()
}

/// What a client reads of a statement that the engine refused or failed to carry out.
pub(super) fn command_text(error: &EngineError) -> String {
    if !matches!(error, EngineError::Catalog(_) | EngineError::ReadOnly) {
        tracing::error!(%error, "a statement could not be carried out");
    }
    error.to_string()
}

/// A string in Go's `%q` form.
fn go_quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if u32::from(c) < 0x20 || c == '\u{7f}' => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
