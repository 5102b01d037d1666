//! An S3-speaking server inside the test process: `s3s-fs` over a temporary folder, on loopback.
//!
//! Unit tests include this file too (`#[path]`), so it knows nothing of Tidegauge. Writes of `s3s-fs`
//! honour `If-None-Match: *` by looking and then writing; a lock around every PUT makes that one step,
//! as it is in S3.

use hyper::Method;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

const ACCESS_KEY: &str = "tidegauge-test";
const SECRET_KEY: &str = "tidegauge-test-secret";
const BUCKET: &str = "bucket";

/// A running server with one empty bucket. Stops, and forgets its objects, when it is dropped.
pub(crate) struct S3Server {
    address: SocketAddr,
    task: JoinHandle<()>,
    _folder: TempDir,
}

impl S3Server {
    /// Starts a server on a free port. Must be called inside a Tokio runtime, which it lives on.
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::create_dir(folder.path().join(BUCKET)).expect("the bucket's folder");
        let mut builder =
            S3ServiceBuilder::new(s3s_fs::FileSystem::new(folder.path()).expect("the folder exists"));
        builder.set_auth(SimpleAuth::from_single(ACCESS_KEY, SECRET_KEY));
        let s3 = builder.build();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound listener has an address");
        let put_lock = Arc::new(Mutex::new(()));
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                let (s3, put_lock) = (s3.clone(), put_lock.clone());
                let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
                    let (s3, put_lock) = (s3.clone(), put_lock.clone());
                    async move {
                        let is_put = request.method() == Method::PUT;
                        let _one_at_a_time = if is_put { Some(put_lock.lock().await) } else { None };
                        Service::call(&s3, request).await
                    }
                });
                connections.spawn(async move {
                    // A client that goes away is no concern of the server.
                    let _ = Builder::new(TokioExecutor::new())
                        .serve_connection(TokioIo::new(socket), service)
                        .await;
                });
            }
        });
        Self { address, task, _folder: folder }
    }

    /// The address of objects below a prefix of the bucket.
    pub(crate) fn url(&self, prefix: &str) -> String {
        format!("s3://{BUCKET}/{prefix}")
    }

    /// Where the server listens: `http://127.0.0.1:port`.
    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The settings of a client: endpoint, region and keys, by their usual names.
    pub(crate) fn options(&self) -> BTreeMap<String, String> {
        [
            ("endpoint", self.endpoint()),
            ("region", "us-east-1".into()),
            ("access_key_id", ACCESS_KEY.into()),
            ("secret_access_key", SECRET_KEY.into()),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}
