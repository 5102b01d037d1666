//! The port that speaks HTTP/1.1, HTTP/2 without TLS (by prior knowledge) and gRPC.
//!
//! [`Server::bind`] takes the address, so that "address in use" is known before anything else starts;
//! [`Server::run`] serves until it is told to stop, then lets requests that are being answered end, within a
//! bound.

use crate::server::{AppState, router};
use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tower::ServiceExt;

/// How long to wait after `accept` failed for want of file descriptors or memory, instead of spinning.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(100);

/// A server that has its port and does not serve yet.
pub struct Server {
    listener: TcpListener,
    local_address: SocketAddr,
    state: AppState,
    grpc: Option<Router>,
}

impl Server {
    /// Takes the port. `grpc` are the gRPC services of the port (`tonic::service::Routes::into_axum_router`).
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn bind(address: SocketAddr, state: AppState, grpc: Option<Router>) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let local_address = listener.local_addr()?;
        Ok(Self { listener, local_address, state, grpc })
    }

    /// The address that was bound, with its port.
    #[must_use]
    pub fn local_address(&self) -> SocketAddr {
        self.local_address
    }

    /// Serves until `stop` completes. Returns when all connections have ended, or when the shutdown has lasted as long as
    /// it may; what is still being answered then breaks off.
    pub async fn run(self, stop: impl Future<Output = ()> + Send) {
        let service = router::service(self.state.clone(), self.grpc);
        let mut builder = Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(self.state.settings.head_timeout)
            .http2()
            .timer(TokioTimer::new());
        let graceful = GracefulShutdown::new();
        let mut connections = JoinSet::new();
        tokio::pin!(stop);
        loop {
            let stream = tokio::select! {
                () = &mut stop => break,
                // Connections that have ended are let go at once.
                Some(_) = connections.join_next() => continue,
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) => stream,
                    Err(error) => {
                        tracing::warn!(%error, "cannot accept a connection");
                        tokio::time::sleep(ACCEPT_RETRY_DELAY).await;
                        continue;
                    }
                },
            };
            set_no_delay(&stream);
            let service =
                service.clone().map_request(|request: Request<Incoming>| request.map(axum::body::Body::new));
            let connection =
                builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
            let connection = graceful.watch(connection.into_owned());
            let metrics = self.state.metrics.clone();
            metrics.connections.inc();
            connections.spawn(async move {
                if let Err(error) = connection.await {
                    tracing::debug!(%error, "a connection ended with an error");
                }
                metrics.connections.dec();
            });
        }
        drop(self.listener);
        let bound = self.state.settings.shutdown_timeout;
        if tokio::time::timeout(bound, graceful.shutdown()).await.is_err() {
            tracing::warn!(
                connections = connections.len(),
                "requests are cut off: the shutdown lasts too long"
            );
        }
        connections.shutdown().await;
    }
}

/// Answers are written whole; waiting for more only delays them.
fn set_no_delay(stream: &TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "cannot set TCP_NODELAY");
    }
}
