//! What a client sent to `/query`, as a checked value.
//!
//! Parameters come from the URL, an urlencoded form or a multipart form; of a form's and the URL's value the urlencoded form's
//! counts, as in Go, unless the form is larger than [`FORM_BYTES_MAX`]: InfluxDB 1.6.7 takes no notice of such a form. `q` may be a
//! file of a multipart form. `pretty` counts in the URL only.

use super::params::bind_parameters;
use crate::encode::v1::{Epoch, Options};
use crate::model::limits::{CHUNK_ROWS_DEFAULT, FORM_BYTES_MAX};
use crate::server::body::Share;
use crate::server::error::HttpError;
use crate::server::parameters::Parameters;
use crate::server::{AppState, accept, body};
use axum::body::Body;
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::{Method, header};
use bytes::Bytes;
use influxql::ast::Statement;

/// A request whose text is InfluxQL.
#[derive(Debug)]
pub(super) struct QueryRequest {
    pub(super) statements: Vec<Statement>,
    pub(super) database: Option<String>,
    pub(super) policy: Option<String>,
    pub(super) options: Options,
    /// The method promises to change nothing: statements that do get a warning.
    pub(super) is_read_only: bool,
    /// Answer at once and run in the background.
    pub(super) is_async: bool,
    /// The body's part of the memory of all bodies: statements take at least as much as their text.
    _body_share: Option<Share>,
}

impl QueryRequest {
    /// Reads a request.
    pub(super) async fn read(state: &AppState, request: Request) -> Result<Self, HttpError> {
        let (head, body) = request.into_parts();
        let url = Parameters::of_uri(&head.uri);
        let is_read_only = head.method != Method::POST;
        let (mut file, mut share) = (None, None);
        let mut parameters = url.clone();
        if !is_read_only {
            match form_kind(head.headers.get(header::CONTENT_TYPE).map(|value| value.as_bytes())) {
                Some(Form::UrlEncoded) => {
                    let body = body::read(&head.headers, body, &state.settings, &state.body_budget).await?;
                    if body.bytes.len() <= FORM_BYTES_MAX {
                        parameters = Parameters::parse(&body.bytes).followed_by(parameters);
                        share = Some(body.into_share());
                    }
                }
                Some(Form::Multipart) => {
                    let body = body::read(&head.headers, body, &state.settings, &state.body_budget).await?;
                    let content_type = head.headers.get(header::CONTENT_TYPE).cloned();
                    let mut request = Request::new(Body::from(body.bytes.clone()));
                    request.headers_mut().extend(content_type.map(|value| (header::CONTENT_TYPE, value)));
                    file = read_multipart(request, &mut parameters).await?;
                    share = Some(body.into_share());
                }
                None => {}
            }
        }
        let options = Options {
            format: accept::format(&head.headers),
            epoch: Epoch::from_parameter(parameters.get("epoch").trim()),
            text_times: wants_text_times(&parameters)?,
            pretty: url.get("pretty") == "true",
            chunk_rows: chunk_rows(&parameters),
            row_limit: state.settings.row_limit,
        };
        let request = Self::checked(&parameters, file.as_deref(), options, is_read_only)?;
        Ok(Self { _body_share: share, ..request })
    }

    /// Parses the text.
    pub(super) fn checked(
        parameters: &Parameters,
        file: Option<&str>,
        options: Options,
        is_read_only: bool,
    ) -> Result<Self, HttpError> {
        let text = match (parameters.get("q").trim(), file) {
            ("", Some(file)) => file,
            (text, _) => text,
        };
        if text.is_empty() && file.is_none() {
            return Err(HttpError::bad_request("missing required parameter \"q\""));
        }
        let bound =
            bind_parameters(parameters.get("params")).map_err(|e| HttpError::bad_request(e.to_string()))?;
        let statements = influxql::parse(text, &bound)
            .map_err(|error| HttpError::bad_request(format!("error parsing query: {error}")))?;
        Ok(Self {
            statements,
            database: parameters.get_some("db").map(str::to_owned),
            policy: parameters.get_some("rp").map(str::to_owned),
            options,
            is_read_only,
            is_async: parameters.get("async") == "true",
            _body_share: None,
        })
    }
}

/// Whether times are text in every format, as the parameter `time_format` says since InfluxDB 1.12.3; else `epoch` counts.
pub(super) fn wants_text_times(parameters: &Parameters) -> Result<bool, HttpError> {
    match parameters.get("time_format").trim() {
        "" | "epoch" => Ok(false),
        "rfc3339" => Ok(true),
        _ => Err(HttpError::bad_request("Time format must be one of the following: rfc3339,epoch")),
    }
}

/// Rows of a chunk, or `None` when the response is to be one document. Sizes that are no positive number mean
/// the default.
fn chunk_rows(parameters: &Parameters) -> Option<usize> {
    if parameters.get("chunked") != "true" {
        return None;
    }
    let size = parameters.get("chunk_size").parse::<usize>().ok();
    Some(size.filter(|rows| *rows > 0).unwrap_or(CHUNK_ROWS_DEFAULT))
}

enum Form {
    UrlEncoded,
    Multipart,
}

fn form_kind(content_type: Option<&[u8]>) -> Option<Form> {
    let kind = content_type?.split(|byte| *byte == b';').next()?.trim_ascii().to_ascii_lowercase();
    match kind.as_slice() {
        b"application/x-www-form-urlencoded" => Some(Form::UrlEncoded),
        b"multipart/form-data" => Some(Form::Multipart),
        _ => None,
    }
}

/// Adds the values of a multipart form to `parameters`, behind those of the URL, and gives the file `q`.
async fn read_multipart(request: Request, parameters: &mut Parameters) -> Result<Option<String>, HttpError> {
    let wrong =
        |error: &dyn std::fmt::Display| HttpError::bad_request(format!("cannot read the form: {error}"));
    let mut form = Multipart::from_request(request, &()).await.map_err(|e| wrong(&e))?;
    let mut file = None;
    while let Some(field) = form.next_field().await.map_err(|e| wrong(&e))? {
        let Some(name) = field.name().map(str::to_owned) else { continue };
        let is_file = field.file_name().is_some();
        let value: Bytes = field.bytes().await.map_err(|e| wrong(&e))?;
        let value = String::from_utf8_lossy(&value).into_owned();
        if !is_file {
            parameters.push(&name, value);
        } else if name == "q" && file.is_none() {
            file = Some(value);
        }
    }
    Ok(file)
}
