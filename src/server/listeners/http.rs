//! The port that speaks HTTP/1.1, HTTP/2 without TLS (by prior knowledge) and gRPC.
//!
//! [`Port::take`] takes the address, so that "address in use" is known before anything else starts; clients are refused there until
//! [`Server::listen`]. [`Server::run`] serves until it is told to stop, then lets requests that are being answered end, within a
//! bound.

use crate::server::{AppState, router};
use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use rustix::net::sockopt::{set_socket_keepalive, set_tcp_keepidle, set_tcp_keepintvl};
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tower::ServiceExt;

/// Connections that wait to be accepted. The system has a bound of its own (`net.core.somaxconn`, 4096 on Linux).
const ACCEPT_QUEUE_MAX: u32 = 4096;

/// How long to wait after `accept` failed for want of file descriptors or memory, instead of spinning.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(100);

/// A client that was silent for so long is asked whether it is still there, then again at each interval. The system gives up after
/// some ten of them: a client that has lost its power or network is gone after three to four minutes.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(60);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(15);

/// An address that was taken and on which nobody listens yet.
#[derive(Debug)]
pub struct Port {
    socket: TcpSocket,
}

impl Port {
    /// Takes the address.
    ///
    /// # Errors
    /// When it cannot be had, as when another server listens there. Of two that start at the same time, the later finds out
    /// in [`Server::listen`].
    pub fn take(address: SocketAddr) -> io::Result<Self> {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        // Connections that a server before left behind must not keep its successor from the port.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        Ok(Self { socket })
    }
}

/// A server that has its port and does not serve yet.
pub struct Server {
    listener: TcpListener,
    local_address: SocketAddr,
    state: AppState,
    grpc: Option<Router>,
}

impl Server {
    /// Listens: connections are taken from now on. To be called inside a Tokio runtime. `grpc` are the gRPC services of the port
    /// (`tonic::service::Routes::into_axum_router`).
    ///
    /// # Errors
    /// When another server listens there meanwhile.
    pub fn listen(port: Port, state: AppState, grpc: Option<Router>) -> io::Result<Self> {
        let listener = port.socket.listen(ACCEPT_QUEUE_MAX)?;
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
        let builder = builder(self.state.settings.idle_timeout);
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
            while connections.try_join_next().is_some() {} // so that only open ones count
            if self.state.settings.connections_max.is_some_and(|max| connections.len() >= max) {
                self.state.metrics.connections_refused.inc();
                tracing::debug!("closed a connection: as many as may be are open");
                continue;
            }
            set_options(&stream);
            let has_begun = Arc::new(AtomicBool::new(false));
            let service = service.clone().map_request({
                let has_begun = has_begun.clone();
                move |request: Request<Incoming>| {
                    has_begun.store(true, Ordering::Relaxed);
                    request.map(axum::body::Body::new)
                }
            });
            let connection =
                builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
            let connection = graceful.watch(connection.into_owned());
            let head_timeout = self.state.settings.head_timeout;
            let metrics = self.state.metrics.clone();
            metrics.connections.inc();
            connections.spawn(async move {
                match drive(connection, head_timeout, &has_begun).await {
                    Some(Ok(())) => {}
                    Some(Err(error)) => tracing::debug!(%error, "a connection ended with an error"),
                    None => tracing::debug!("hung up: no request came"),
                }
                metrics.connections.dec();
            });
        }
        drop(self.listener);
        shut_down(graceful, connections, self.state.settings.drain_timeout).await;
    }
}

/// What speaks HTTP on a connection.
fn builder(idle_timeout: Option<Duration>) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    // For `hyper` the wait for another request is part of reading its head; the first head has a bound of its own.
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(idle_timeout)
        .http2()
        .timer(TokioTimer::new());
    builder
}

/// Lets requests that are being answered end, within the bound, then drops every connection.
async fn shut_down(graceful: GracefulShutdown, mut connections: JoinSet<()>, bound: Duration) {
    if tokio::time::timeout(bound, graceful.shutdown()).await.is_err() {
        tracing::warn!(connections = connections.len(), "requests are cut off: the shutdown lasts too long");
    }
    connections.shutdown().await;
}

/// Serves a connection to its end; `None` when `head_timeout` has passed and no request has begun. The timer of `hyper` starts
/// only once the first bytes have told which version of HTTP they are.
async fn drive<C: Future>(
    connection: C,
    head_timeout: Option<Duration>,
    has_begun: &AtomicBool,
) -> Option<C::Output> {
    let mut connection = pin!(connection);
    if let Some(head_timeout) = head_timeout {
        match tokio::time::timeout(head_timeout, connection.as_mut()).await {
            Ok(ended) => return Some(ended),
            Err(_) if !has_begun.load(Ordering::Relaxed) => return None,
            Err(_) => {}
        }
    }
    Some(connection.await)
}

/// Answers are written whole, so that waiting for more only delays them. Clients that are gone without a word are noticed.
fn set_options(stream: &TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "cannot set TCP_NODELAY");
    }
    let keepalive = set_socket_keepalive(stream, true)
        .and_then(|()| set_tcp_keepidle(stream, KEEPALIVE_IDLE))
        .and_then(|()| set_tcp_keepintvl(stream, KEEPALIVE_INTERVAL));
    if let Err(error) = keepalive {
        tracing::debug!(%error, "cannot set SO_KEEPALIVE");
    }
}

#[cfg(test)]
mod tests;
