//! What backups, restores, exports and imports ask a server for, beside queries and writes. This API is Tidegauge's own; the commands of the
//! same names speak it. All copying is done by them: a server opens no address that a request names.
//!
//! | request | answer |
//! |---|---|
//! | `POST /api/tidegauge/backup/cut` | flushes; the state then, as a checkpoint of the manifest |
//! | `GET /api/tidegauge/backup/file?path=` | the bytes of a data file; 404 when it is not there any more |
//! | `POST /api/tidegauge/restore/file?window_start_ns=` | takes a data file; its new name |
//! | `POST /api/tidegauge/restore/database?name=` | adds a database of files that were taken, described as JSON |
//! | `GET /api/tidegauge/catalog` | databases, policies and tables as JSON |
//! | `GET /api/tidegauge/export?db=&rp=&measurement=&start_ns=&end_ns=` | the rows of a table as a stream of Arrow IPC |

pub(super) mod catalog;
pub(super) mod cut;
pub(super) mod export;
pub(super) mod file;
pub(super) mod restore;

use super::error::HttpError;
use super::parameters::Parameters;
use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::Response;

/// A response of this content type.
fn response(content_type: &'static str, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// The value of a parameter that must be there.
fn required<'a>(parameters: &'a Parameters, name: &str) -> Result<&'a str, HttpError> {
    let missing = || HttpError::bad_request(format!("missing required parameter {name:?}"));
    parameters.get_some(name).ok_or_else(missing)
}

/// The value of a parameter that is a time in nanoseconds, if it is there.
fn time_ns(parameters: &Parameters, name: &str) -> Result<Option<i64>, HttpError> {
    let wrong =
        |text: &str| HttpError::bad_request(format!("{name} is a number of nanoseconds, not {text:?}"));
    parameters.get_some(name).map(|text| text.parse().map_err(|_| wrong(text))).transpose()
}
