//! `/query`: InfluxQL in, rows out.
//!
//! ```text
//! URL, form, multipart ─ request ─▶ statements + options ─ run ─▶ query | engine ─ encode ─▶ body
//! ```
//!
//! | file | what it does |
//! |---|---|
//! | `request` | what the client sent, as a checked value |
//! | `params`, `go_json` | bind parameters, with Go's words for what is wrong with their JSON |
//! | `run` | statements in order, into an encoder |
//! | `style` | how the result of a kind of statement looks |
//!
//! A response that fits [`run::PART_BYTES`] is sent whole. A larger one streams through a short queue: the query runs no
//! further ahead than the client reads, and ends when the client goes away.

mod go_json;
mod params;
mod request;
mod run;
mod style;

#[cfg(test)]
mod tests;

use super::ping::empty;
use crate::encode::v1::Format;
use crate::server::AppState;
use crate::server::error::ErrorForm;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, header};
use axum::response::Response;
use bytes::{Bytes, BytesMut};
use futures::stream::{self, Stream, StreamExt};
use request::QueryRequest;
use std::io;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Parts of a response that may wait for the client.
const QUEUED_PARTS_MAX: usize = 4;

/// `GET|POST|OPTIONS /query`
pub(in crate::server) async fn serve(State(state): State<AppState>, request: Request) -> Response {
    if request.method() == Method::OPTIONS {
        return Response::new(Body::empty());
    }
    let form = ErrorForm::of(request.headers(), request.uri());
    match QueryRequest::read(&state, request).await {
        Err(error) => error.into_response(form),
        Ok(request) if request.is_async => {
            tokio::spawn(run::in_background(state, request));
            empty()
        }
        Ok(request) => answer(state, request).await,
    }
}

async fn answer(state: AppState, request: QueryRequest) -> Response {
    let format = request.options.format;
    let (sender, mut parts) = mpsc::channel(QUEUED_PARTS_MAX);
    let mut run = Box::pin(run::answer(state, request, sender));
    let first = tokio::select! {
        biased;
        () = &mut run => None,
        part = parts.recv() => part,
    };
    let body = match first {
        None => Body::from(whole(&mut parts)),
        Some(first) => Body::from_stream(stream_of(first, parts, tokio::spawn(run))),
    };
    ok(format, body)
}

fn ok(format: Format, body: Body) -> Response {
    let mut response = Response::new(body);
    let content_type = HeaderValue::from_static(format.content_type());
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    response
}

/// All parts of a run that has ended.
fn whole(parts: &mut mpsc::Receiver<Bytes>) -> Bytes {
    let Ok(first) = parts.try_recv() else { return Bytes::new() };
    let Ok(second) = parts.try_recv() else { return first };
    let mut all = BytesMut::from(first);
    all.extend_from_slice(&second);
    while let Ok(part) = parts.try_recv() {
        all.extend_from_slice(&part);
    }
    all.freeze()
}

/// The parts of a run that goes on. When the run breaks off, so does the response, instead of looking complete.
fn stream_of(
    first: Bytes,
    parts: mpsc::Receiver<Bytes>,
    run: JoinHandle<()>,
) -> impl Stream<Item = io::Result<Bytes>> {
    let parts = stream::unfold((Some(first), parts, Some(run)), |(first, mut parts, run)| async move {
        if let Some(part) = first {
            return Some((Ok(part), (None, parts, run)));
        }
        if let Some(part) = parts.recv().await {
            return Some((Ok(part), (None, parts, run)));
        }
        let error = run?.await.err()?;
        Some((Err(io::Error::other(error)), (None, parts, None)))
    });
    // Compression asks once more after the end.
    parts.fuse()
}
