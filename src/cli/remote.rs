//! What only Tidegauge's own servers answer: states, files and tables. See `server/transfer`.

use super::client::{Client, ClientError, ServerArgs, cause_of};
use crate::backup::{BackupError, BackupObject, Parts, Recipient, Source};
use crate::model::database_image::DatabaseImage;
use async_trait::async_trait;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::{StreamExt, TryStreamExt, stream};
use parking_lot::Mutex;
use reqwest::{Response, StatusCode};
use serde::Deserialize;
use std::future::ready;
use std::io::Write;
use std::sync::Arc;

/// Downloads of one file that are begun before its connection counts as broken.
const DOWNLOADS_MAX: u32 = 4;

/// A running server.
pub(super) struct Remote {
    client: Client,
}

/// The databases of a server.
#[derive(Debug, Deserialize)]
pub(super) struct Catalog {
    pub(super) databases: Vec<Database>,
}

/// A database.
#[derive(Debug, Deserialize)]
pub(super) struct Database {
    pub(super) name: String,
    pub(super) default_policy: String,
    pub(super) policies: Vec<Policy>,
}

/// A retention policy.
#[derive(Debug, Deserialize)]
pub(super) struct Policy {
    pub(super) name: String,
    /// 0 = for ever, as are the limits.
    pub(super) duration_ns: i64,
    pub(super) shard_duration_ns: i64,
    pub(super) replica_n: u32,
    pub(super) future_limit_ns: i64,
    pub(super) past_limit_ns: i64,
    pub(super) tables: Vec<Table>,
}

/// A measurement within a policy.
#[derive(Debug, Deserialize)]
pub(super) struct Table {
    pub(super) name: String,
    /// Points, those that are deleted or written over included.
    pub(super) row_count: u64,
}

#[derive(Deserialize)]
struct Taken {
    path: String,
}

impl Remote {
    pub(super) fn new(server: &ServerArgs) -> Result<Self, ClientError> {
        Ok(Self { client: Client::new(server)? })
    }

    /// What there is.
    pub(super) async fn catalog(&self) -> Result<Catalog, ClientError> {
        let answer = self.client.get("api/tidegauge/catalog", &[]).await.map_err(of_stranger)?;
        let text = answer.text().await.map_err(|error| ClientError::Answer(cause_of(&error)))?;
        serde_json::from_str(&text).map_err(|error| ClientError::Answer(error.to_string()))
    }

    /// The rows of a table as a stream of Arrow IPC. `parameters` are those of the request.
    pub(super) async fn export(&self, parameters: &[(&str, &str)]) -> Result<Response, ClientError> {
        self.client.get("api/tidegauge/export", parameters).await
    }
}

#[async_trait]
impl Source for Remote {
    async fn cut(&self) -> Result<Bytes, BackupError> {
        let answer = self.client.post("api/tidegauge/backup/cut", &[], Bytes::new()).await;
        bytes_of(answer.map_err(of_stranger).map_err(of_client)?).await.map_err(of_client)
    }

    async fn file(&self, path: &str) -> Result<Parts, BackupError> {
        let answer = file_of(&self.client, path).await?;
        let (client, path) = (self.client.clone(), path.to_owned());
        let download = Download { client, path, answer, passed_bytes: 0, known_bytes: 0, begun_count: 1 };
        Ok(stream::try_unfold(download, Download::next).boxed())
    }
}

/// A data file on its way. When its connection breaks it is asked for again, and what had come by then is passed over: a data file never
/// changes.
struct Download {
    client: Client,
    path: String,
    answer: Response,
    /// Bytes that were passed on.
    passed_bytes: u64,
    /// Bytes to come of this answer that an earlier one has had.
    known_bytes: u64,
    /// How often the file was asked for.
    begun_count: u32,
}

impl Download {
    async fn next(mut self) -> Result<Option<(Bytes, Self)>, BackupError> {
        loop {
            match self.answer.chunk().await {
                Ok(None) => return Ok(None),
                Ok(Some(part)) => {
                    let known = usize::try_from(self.known_bytes).unwrap_or(usize::MAX).min(part.len());
                    self.known_bytes -= known as u64;
                    let part = part.slice(known..);
                    if !part.is_empty() {
                        self.passed_bytes += part.len() as u64;
                        return Ok(Some((part, self)));
                    }
                }
                Err(error) if self.begun_count == DOWNLOADS_MAX => {
                    return Err(of_client(ClientError::Answer(cause_of(&error))));
                }
                Err(_) => {
                    self.begun_count += 1;
                    self.answer = file_of(&self.client, &self.path).await?;
                    self.known_bytes = self.passed_bytes;
                }
            }
        }
    }
}

/// A server's answer to the question for a data file.
async fn file_of(client: &Client, path: &str) -> Result<Response, BackupError> {
    match client.get("api/tidegauge/backup/file", &[("path", path)]).await {
        Err(ClientError::Refused { status: StatusCode::NOT_FOUND, .. }) => {
            Err(BackupError::Gone { path: path.to_owned() })
        }
        answer => answer.map_err(of_client),
    }
}

#[async_trait]
impl Recipient for Remote {
    async fn has_database(&self, name: &str) -> Result<bool, BackupError> {
        let catalog = self.catalog().await.map_err(of_client)?;
        Ok(catalog.databases.iter().any(|database| database.name == name))
    }

    async fn put_file(&self, window_start_ns: i64, file: BackupObject<'_>) -> Result<String, BackupError> {
        let start = window_start_ns.to_string();
        let parameters = [("window_start_ns", start.as_str())];
        // What is wrong with the file, if something is. The server only learns that it breaks off, and no other attempt is made then.
        let fault: Arc<Mutex<Option<BackupError>>> = Arc::default();
        let body = || {
            let fault = fault.clone();
            async move {
                if fault.lock().is_some() {
                    return Err(ClientError::Answer("the file broke off".to_owned()));
                }
                let parts = file.parts().await;
                let parts = parts.unwrap_or_else(|error| stream::once(ready(Err(error))).boxed());
                let noted = parts.map_err(move |error| {
                    let text = error.to_string();
                    *fault.lock() = Some(error);
                    std::io::Error::other(text)
                });
                Ok(reqwest::Body::wrap_stream(noted))
            }
        };
        let answer = self.client.post_parts("api/tidegauge/restore/file", &parameters, body).await;
        let fault = fault.lock().take();
        if let Some(fault) = fault {
            return Err(fault);
        }
        let answer = bytes_of(answer.map_err(of_client)?).await.map_err(of_client)?;
        let taken: Taken = serde_json::from_slice(&answer)
            .map_err(|error| of_client(ClientError::Answer(error.to_string())))?;
        Ok(taken.path)
    }

    async fn adopt(&self, name: &str, image: &DatabaseImage) -> Result<(), BackupError> {
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        let body = serde_json::to_vec(image).map_err(|error| BackupError::Remote(error.to_string()))?;
        packed.write_all(&body).map_err(|error| BackupError::Remote(error.to_string()))?;
        let packed = packed.finish().map_err(|error| BackupError::Remote(error.to_string()))?;
        let parameters = [("name", name)];
        let answer = self.client.post_gzip_once("api/tidegauge/restore/database", &parameters, packed).await;
        answer.map(drop).map_err(of_client)
    }
}

async fn bytes_of(answer: Response) -> Result<Bytes, ClientError> {
    answer.bytes().await.map_err(|error| ClientError::Answer(cause_of(&error)))
}

fn of_client(error: ClientError) -> BackupError {
    BackupError::Remote(error.to_string())
}

/// A server that does not know the path is no Tidegauge, or an older one.
fn of_stranger(error: ClientError) -> ClientError {
    match error {
        ClientError::Refused { status: status @ StatusCode::NOT_FOUND, message } => {
            ClientError::Refused { status, message: format!("{message} (this server is no Tidegauge)") }
        }
        other => other,
    }
}
