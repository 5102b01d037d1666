//! A client of the v1 HTTP API of any server: queries, and writes that wait where they are told to.

use bytes::Bytes;
use clap::Args;
use reqwest::header::{ACCEPT, CONTENT_ENCODING, RETRY_AFTER};
use reqwest::{Response, StatusCode};
use serde::Deserialize;
use std::time::Duration;
use url::Url;

/// Time to find the server. What it does with a request may take as long as it wants.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How often a write that found the server busy or away is tried in all.
const ATTEMPTS_MAX: u32 = 8;

/// The longest that a server may make a writer wait between two attempts.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// The server to speak to.
#[derive(Clone, Debug, Args)]
pub(super) struct ServerArgs {
    /// The server's address
    #[arg(
        short = 'H',
        long,
        visible_alias = "url",
        value_name = "URL",
        env = HOST_VARIABLE,
        default_value = HOST_DEFAULT
    )]
    pub(super) host: String,
    /// The user's name, where the server asks for one
    #[arg(short, long, value_name = "NAME", env = "TIDEGAUGE_USERNAME")]
    pub(super) username: Option<String>,
    /// The user's password; better given in the environment, where other users do not see it
    #[arg(long, value_name = "PASSWORD", env = "TIDEGAUGE_PASSWORD", hide_env_values = true)]
    pub(super) password: Option<String>,
}

/// The variable that names the server.
const HOST_VARIABLE: &str = "TIDEGAUGE_HOST";

/// The server that is spoken to when none is named.
const HOST_DEFAULT: &str = "http://127.0.0.1:8086";

impl ServerArgs {
    /// Whether a flag names a server. The environment does not count: it is there for other commands too.
    pub(super) fn is_named(&self) -> bool {
        let variable = std::env::var_os(HOST_VARIABLE);
        self.host != HOST_DEFAULT && variable.as_deref() != Some(std::ffi::OsStr::new(&self.host))
    }

    /// The address as a URL; a plain `host:port` is spoken to in HTTP.
    pub(super) fn url(&self) -> Result<Url, ClientError> {
        let host = self.host.trim_end_matches('/');
        let text = if host.contains("://") { host.to_owned() } else { format!("http://{host}") };
        Url::parse(&text)
            .map_err(|error| ClientError::Address { host: self.host.clone(), reason: error.to_string() })
    }
}

/// Why a request had no good answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum ClientError {
    /// The address is none.
    #[error("\"{host}\" is no address of a server: {reason}")]
    Address {
        /// What was given.
        host: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No answer came.
    #[error("no answer from {url}: {reason}")]
    Unreachable {
        /// The server.
        url: String,
        /// Why.
        reason: String,
    },
    /// The server said no.
    #[error("the server answered {status}: {message}")]
    Refused {
        /// The status.
        status: StatusCode,
        /// Its words.
        message: String,
    },
    /// The answer is none that such a server gives.
    #[error("the answer cannot be read: {0}")]
    Answer(String),
}

/// Where points go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Target {
    /// The database.
    pub(super) database: String,
    /// The retention policy; `None` = the database's default.
    pub(super) policy: Option<String>,
    /// The unit of the timestamps: ns, u, ms, s, m or h.
    pub(super) precision: Option<String>,
}

/// What became of a batch of points.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// All are stored.
    All,
    /// Some or all were refused; the server's words. They start with `partial write` when the others
    /// are stored.
    Refused(String),
}

/// A connection to a server.
#[derive(Clone, Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    base: Url,
    username: Option<String>,
    password: Option<String>,
}

#[derive(Deserialize)]
struct ErrorBody {
    error: String,
}

impl Client {
    /// A client of a server. Nothing is sent yet.
    pub(super) fn new(server: &ServerArgs) -> Result<Self, ClientError> {
        let base = server.url()?;
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .user_agent(concat!("tidegauge/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| ClientError::Address { host: server.host.clone(), reason: cause_of(&error) })?;
        Ok(Self { http, base, username: server.username.clone(), password: server.password.clone() })
    }

    /// Sends InfluxQL; the answer is in the media type asked for. `parameters` are those of `/query`.
    pub(super) async fn query(
        &self,
        text: &str,
        parameters: &[(&str, &str)],
        accept: &str,
    ) -> Result<Response, ClientError> {
        let request = self.http.post(self.endpoint("query", parameters)?).header(ACCEPT, accept);
        let answer = self.authorized(request).form(&[("q", text)]).send().await;
        let answer = answer.map_err(|error| self.unreachable(&error))?;
        if answer.status().is_success() { Ok(answer) } else { Err(refused(answer).await) }
    }

    /// Gets what a path has to offer. A server that is busy or away is waited for.
    pub(super) async fn get(&self, path: &str, parameters: &[(&str, &str)]) -> Result<Response, ClientError> {
        let url = self.endpoint(path, parameters)?;
        self.patiently(|| self.http.get(url.clone())).await
    }

    /// Posts a body. A server that is busy or away is waited for, so it must do no harm to do it twice.
    pub(super) async fn post(
        &self,
        path: &str,
        parameters: &[(&str, &str)],
        body: Bytes,
    ) -> Result<Response, ClientError> {
        let url = self.endpoint(path, parameters)?;
        self.patiently(|| self.http.post(url.clone()).body(body.clone())).await
    }

    /// Posts a body that comes part by part, as [`Client::post`] does a whole one; `body` begins it anew for each attempt. A server knows
    /// that one which ends in an error is not complete.
    pub(super) async fn post_parts<B>(
        &self,
        path: &str,
        parameters: &[(&str, &str)],
        body: impl Fn() -> B,
    ) -> Result<Response, ClientError>
    where
        B: Future<Output = Result<reqwest::Body, ClientError>>,
    {
        let url = self.endpoint(path, parameters)?;
        let mut attempt = 1;
        loop {
            let request = self.http.post(url.clone()).body(body().await?);
            if let Some(answer) = self.attempt(request, attempt).await? {
                return Ok(answer);
            }
            attempt += 1;
        }
    }

    /// Posts a body that is gzip, once.
    pub(super) async fn post_gzip_once(
        &self,
        path: &str,
        parameters: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<Response, ClientError> {
        let request = self.http.post(self.endpoint(path, parameters)?).header(CONTENT_ENCODING, "gzip");
        let answer = self.authorized(request).body(body).send().await;
        let answer = answer.map_err(|error| self.unreachable(&error))?;
        if answer.status().is_success() { Ok(answer) } else { Err(refused(answer).await) }
    }

    async fn patiently(
        &self,
        request: impl Fn() -> reqwest::RequestBuilder,
    ) -> Result<Response, ClientError> {
        let mut attempt = 1;
        loop {
            if let Some(answer) = self.attempt(request(), attempt).await? {
                return Ok(answer);
            }
            attempt += 1;
        }
    }

    /// Sends a request. `None`, after a while, when the server is busy or away and another attempt may be made.
    async fn attempt(
        &self,
        request: reqwest::RequestBuilder,
        attempt: u32,
    ) -> Result<Option<Response>, ClientError> {
        let error = match self.authorized(request).send().await {
            Ok(answer) if answer.status().is_success() => return Ok(Some(answer)),
            Ok(answer) if !is_passing(answer.status()) => return Err(refused(answer).await),
            Ok(answer) => refused(answer).await,
            Err(error) => self.unreachable(&error),
        };
        if attempt == ATTEMPTS_MAX {
            return Err(error);
        }
        tokio::time::sleep(backoff(attempt)).await;
        Ok(None)
    }

    /// Writes a batch of lines. A server that is busy (429, 503) or away is waited for: writing the
    /// same points twice stores them once.
    pub(super) async fn write(&self, target: &Target, lines: Bytes) -> Result<Written, ClientError> {
        let mut attempt = 1;
        loop {
            let (error, wait) = match self.write_once(target, lines.clone()).await? {
                Attempt::Done(written) => return Ok(written),
                Attempt::Later { error, wait } => (error, wait),
            };
            if attempt == ATTEMPTS_MAX {
                return Err(error);
            }
            // Unless the server says how long.
            tokio::time::sleep(wait.unwrap_or(backoff(attempt)).min(WAIT_MAX)).await;
            attempt += 1;
        }
    }

    async fn write_once(&self, target: &Target, lines: Bytes) -> Result<Attempt, ClientError> {
        let mut parameters = vec![("db", target.database.as_str())];
        parameters.extend(target.policy.as_deref().map(|policy| ("rp", policy)));
        parameters.extend(target.precision.as_deref().map(|precision| ("precision", precision)));
        let request = self.authorized(self.http.post(self.endpoint("write", &parameters)?));
        let answer = match request.body(lines).send().await {
            Ok(answer) => answer,
            Err(error) => return Ok(Attempt::Later { error: self.unreachable(&error), wait: None }),
        };
        match answer.status() {
            status if status.is_success() => Ok(Attempt::Done(Written::All)),
            StatusCode::BAD_REQUEST => match refused(answer).await {
                ClientError::Refused { message, .. } => Ok(Attempt::Done(Written::Refused(message))),
                error => Err(error),
            },
            status if is_passing(status) => {
                let seconds =
                    answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
                let wait = seconds.map(Duration::from_secs);
                Ok(Attempt::Later { error: refused(answer).await, wait })
            }
            _ => Err(refused(answer).await),
        }
    }

    fn endpoint(&self, path: &str, parameters: &[(&str, &str)]) -> Result<Url, ClientError> {
        let mut url = self.base.clone();
        url.path_segments_mut()
            .map_err(|()| ClientError::Address {
                host: self.base.to_string(),
                reason: "it has no path".into(),
            })?
            .pop_if_empty()
            .extend(path.split('/'));
        if !parameters.is_empty() {
            url.query_pairs_mut().extend_pairs(parameters);
        }
        Ok(url)
    }

    fn authorized(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        match &self.username {
            Some(name) => request.basic_auth(name, self.password.as_ref()),
            None => request,
        }
    }

    fn unreachable(&self, error: &reqwest::Error) -> ClientError {
        ClientError::Unreachable { url: self.base.to_string(), reason: cause_of(error) }
    }
}

enum Attempt {
    Done(Written),
    Later { error: ClientError, wait: Option<Duration> },
}

/// Whether the same request may succeed later.
fn is_passing(status: StatusCode) -> bool {
    matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS)
}

/// The wait behind an attempt, counted from 1: 0.1 s, 0.2 s, 0.4 s …
fn backoff(attempt: u32) -> Duration {
    Duration::from_millis(100) * 2_u32.pow(attempt - 1)
}

/// The body of an error as its words.
async fn refused(answer: Response) -> ClientError {
    let status = answer.status();
    let text = match answer.text().await {
        Ok(text) => text,
        Err(error) => return ClientError::Answer(cause_of(&error)),
    };
    let message = match serde_json::from_str::<ErrorBody>(&text) {
        Ok(body) => body.error,
        Err(_) => text.trim().to_owned(),
    };
    ClientError::Refused { status, message }
}

/// The innermost cause: "Connection refused" rather than "error sending request".
pub(super) fn cause_of(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
