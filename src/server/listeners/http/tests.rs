//! Connections through real sockets: how many, and how long they wait for requests.

use super::{Port, Server};
use crate::clock::ManualClock;
use crate::engine::{Engine, EngineOptions};
use crate::object::Store;
use crate::query::{QueryEngine, QueryOptions};
use crate::server::{AppState, HttpSettings};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

const SHORT: Duration = Duration::from_millis(50);

/// A server with the database `t`.
struct Running {
    address: SocketAddr,
    _stop: oneshot::Sender<()>,
    _folder: TempDir,
}

async fn start(settings: HttpSettings) -> Running {
    let folder = tempfile::tempdir().unwrap();
    let mut options = EngineOptions::new(folder.path().join("wal"));
    options.wal.disk_low_water_bytes = 0;
    let clock = Arc::new(ManualClock::new(10_000_000_000));
    let engine = Engine::open(options, Store::in_memory(), clock).await.unwrap();
    engine.create_database("t", None).await.unwrap();
    let query = QueryEngine::new(engine.clone(), QueryOptions { threads: 1, ..QueryOptions::default() });
    let state = AppState::new(engine, Arc::new(query.unwrap()), settings);
    let port = Port::take("127.0.0.1:0".parse().unwrap()).unwrap();
    let server = Server::listen(port, state, None).unwrap();
    let address = server.local_address();
    let (stop, stopped) = oneshot::channel::<()>();
    tokio::spawn(server.run(async move {
        let _ = stopped.await;
    }));
    Running { address, _stop: stop, _folder: folder }
}

impl Running {
    /// A new connection on which `text` was sent.
    async fn send(&self, text: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        // One that is closed at once may notice it here.
        let _ = stream.write_all(text.as_bytes()).await;
        stream
    }
}

/// What comes until the server hangs up.
async fn read_to_end(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    // A connection that is reset is closed too.
    let _ = stream.read_to_end(&mut bytes).await;
    String::from_utf8(bytes).unwrap()
}

/// Whether a request is answered on this connection.
async fn is_served(stream: &mut TcpStream) -> bool {
    if stream.write_all(b"GET /ping HTTP/1.1\r\nhost: t\r\n\r\n").await.is_err() {
        return false;
    }
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => answer.push(byte),
            Err(_) => return false,
        }
    }
    answer.starts_with(b"HTTP/1.1 204 ")
}

#[tokio::test]
async fn a_connection_that_sends_no_request_is_closed() {
    let server = start(HttpSettings { head_timeout: Some(SHORT), ..HttpSettings::default() }).await;
    for sent in ["", "P", "PRI * HTTP/2.0\r\n", "GET /ping HTTP/1.1\r\nhost: t\r\n"] {
        assert_eq!(read_to_end(server.send(sent).await).await, "", "{sent:?}");
    }
}

#[tokio::test]
async fn one_connection_more_than_may_be_is_closed() {
    let server = start(HttpSettings { connections_max: Some(1), ..HttpSettings::default() }).await;
    let mut first = server.send("").await;
    assert!(is_served(&mut first).await);
    assert_eq!(read_to_end(server.send("").await).await, "");
    assert!(is_served(&mut first).await);
    drop(first);
    // The server learns of it in its own time.
    while !is_served(&mut server.send("").await).await {}
}

#[tokio::test]
async fn a_client_that_stalls_within_a_body_is_answered_and_hung_up_on() {
    let server = start(HttpSettings { body_timeout: Some(SHORT), ..HttpSettings::default() }).await;
    let head = "POST /write?db=t HTTP/1.1\r\nhost: t\r\ncontent-length: 100\r\n\r\n";
    for sent in ["", "m f=1"] {
        let answer = read_to_end(server.send(&format!("{head}{sent}")).await).await;
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
        assert!(answer.contains("\r\nconnection: close\r\n"), "{answer}");
        assert!(answer.contains("nothing more of the body has come for 50ms"), "{answer}");
    }
}

#[tokio::test]
async fn a_connection_waits_for_another_request_longer_than_for_the_first() {
    let server = start(HttpSettings { head_timeout: Some(SHORT), ..HttpSettings::default() }).await;
    let mut kept = server.send("").await;
    assert!(is_served(&mut kept).await);
    // One that begins later and sends nothing lives as long as a head may take.
    read_to_end(server.send("").await).await;
    assert!(is_served(&mut kept).await);
}

#[tokio::test]
async fn an_idle_connection_is_closed_in_the_end() {
    let server = start(HttpSettings { idle_timeout: Some(SHORT), ..HttpSettings::default() }).await;
    let mut idle = server.send("").await;
    assert!(is_served(&mut idle).await);
    assert_eq!(read_to_end(idle).await, "");
}

#[tokio::test]
async fn without_limits_connections_are_served() {
    let none = HttpSettings { head_timeout: None, idle_timeout: None, ..HttpSettings::default() };
    let server = start(HttpSettings { body_timeout: None, ..none }).await;
    let mut stream = server.send("").await;
    assert!(is_served(&mut stream).await);
    assert!(is_served(&mut stream).await);
}
