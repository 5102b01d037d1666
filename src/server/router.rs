//! Which handler answers which path and method.
//!
//! gRPC and plain HTTP share the port: a request whose content type is `application/grpc` goes to the gRPC
//! services, everything else to the handlers here. Unknown paths and methods are answered in the words of
//! InfluxDB 1.x.

use super::error::{ErrorForm, HttpError};
use super::metrics::{Metrics, count_request};
use super::{AppState, headers, transfer, v1};
use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Request};
use axum::handler::Handler;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{MethodRouter, any};
use std::any::Any;
use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};
use tower::Service;
use tower_http::CompressionLevel;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;

/// The whole service of the port. `grpc` are the gRPC services, if any.
pub(super) fn service(state: AppState, grpc: Option<Router>) -> ByProtocol {
    ByProtocol { http: http(state), grpc }
}

/// Everything that is not gRPC.
pub(super) fn http(state: AppState) -> Router {
    let metrics = state.metrics.clone();
    // Compressed as fast as possible: the network between a server and its clients is rarely slow.
    let gzip = CompressionLayer::new().quality(CompressionLevel::Fastest);
    let read = [Method::GET, Method::HEAD];
    Router::new()
        .route("/query", only([Method::GET, Method::POST, Method::OPTIONS], v1::query::serve))
        .route("/write", only([Method::POST, Method::OPTIONS], v1::write::serve))
        .route("/ping", only(read.clone(), v1::ping::serve))
        .route("/status", only(read.clone(), v1::ping::status))
        .route("/health", only(read.clone(), v1::health::serve))
        .route("/metrics", only(read.clone(), v1::metrics::serve))
        .route("/debug/vars", only(read.clone(), v1::vars::serve))
        .route("/debug/flush", only([Method::POST], v1::flush::serve))
        .route("/api/tidegauge/backup/cut", only([Method::POST], transfer::cut::serve))
        .route("/api/tidegauge/backup/file", only([Method::GET], transfer::file::serve))
        .route("/api/tidegauge/restore/file", only([Method::POST], transfer::restore::file))
        .route("/api/tidegauge/restore/database", only([Method::POST], transfer::restore::database))
        .route("/api/tidegauge/catalog", only([Method::GET], transfer::catalog::serve))
        .route("/api/tidegauge/export", only([Method::GET], transfer::export::serve))
        .fallback(not_found)
        .layer(DefaultBodyLimit::disable())
        .layer(gzip)
        .layer(CatchPanicLayer::custom({
            let metrics = metrics.clone();
            move |panic: Box<dyn Any + Send>| answer_panic(&metrics, panic.as_ref())
        }))
        .layer(middleware::from_fn_with_state(metrics, count_request))
        .layer(middleware::from_fn(headers::common))
        .with_state(state)
}

/// A handler for some methods. axum would answer HEAD where GET is; InfluxDB does not.
fn only<const N: usize, H, T>(methods: [Method; N], handler: H) -> MethodRouter<AppState>
where
    H: Handler<T, AppState>,
    T: 'static,
{
    let methods: Arc<[Method]> = methods.into();
    let allow = methods.iter().map(Method::as_str).collect::<Vec<_>>().join(", ");
    let allow = HeaderValue::from_str(&allow).expect("names of methods");
    any(handler).layer(middleware::from_fn(move |request: Request, next: Next| {
        let is_allowed = methods.contains(request.method());
        let allow = allow.clone();
        async move {
            if is_allowed {
                return next.run(request).await;
            }
            let mut response = plain_text(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed\n");
            response.headers_mut().insert(header::ALLOW, allow);
            response
        }
    }))
}

async fn not_found() -> Response {
    plain_text(StatusCode::NOT_FOUND, "404 page not found\n")
}

fn plain_text(status: StatusCode, text: &'static str) -> Response {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff"));
    response
}

/// A bug must not take the server down, nor tell a client to drop its data.
fn answer_panic(metrics: &Metrics, panic: &(dyn Any + Send)) -> Response {
    metrics.panics.inc();
    let text =
        panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    tracing::error!(panic = text.unwrap_or("of unknown kind"), "a request met a bug");
    HttpError::internal("internal error: the server met a bug while answering")
        .into_response(ErrorForm::default())
}

/// Sends requests to the gRPC services or to the HTTP handlers.
#[derive(Clone)]
pub(super) struct ByProtocol {
    http: Router,
    grpc: Option<Router>,
}

impl Service<Request> for ByProtocol {
    type Response = Response;
    type Error = Infallible;
    type Future = <Router as Service<Request>>::Future;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // Routers are always ready.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        match &mut self.grpc {
            Some(grpc) if is_grpc(&request) => grpc.call(request),
            _ => self.http.call(request),
        }
    }
}

fn is_grpc(request: &Request) -> bool {
    let content_type = request.headers().get(header::CONTENT_TYPE);
    content_type.is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"))
}
