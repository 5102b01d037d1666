//! `GET /api/tidegauge/backup/file?path=`: the bytes of a data file, as they come from the store.

use super::{required, response};
use crate::object::layout;
use crate::server::AppState;
use crate::server::error::{ErrorForm, HttpError};
use crate::server::parameters::Parameters;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::response::Response;

/// `GET /api/tidegauge/backup/file`
pub(in crate::server) async fn serve(
    State(state): State<AppState>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    file(&state, &uri).await.unwrap_or_else(|error| error.into_response(ErrorForm::of(&headers, &uri)))
}

async fn file(state: &AppState, uri: &Uri) -> Result<Response, HttpError> {
    let parameters = Parameters::of_uri(uri);
    let path = required(&parameters, "path")?;
    // Nothing else of the store is anybody's business.
    if !layout::is_data_file(path) {
        return Err(HttpError::bad_request(format!("{path:?} is no name of a data file")));
    }
    let (size_bytes, bytes) = state.engine.data_file(path).await?;
    let mut response = response("application/vnd.apache.parquet", Body::from_stream(bytes));
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(size_bytes));
    Ok(response)
}
