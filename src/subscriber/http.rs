//! Posting lines to another server.

use super::SubscriberOptions;
use super::error::{SendError, SubscriberError, cause_of};
use super::lines::Part;
use crate::model::limits::FORWARD_ANSWER_BYTES_MAX;
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Certificate, Client, Response, StatusCode, Url};
use std::time::Duration;

/// Redirections of one request that are followed.
const REDIRECTIONS_MAX: usize = 10;

/// What clients are made with.
#[derive(Debug)]
pub(super) struct HttpOptions {
    timeout: Duration,
    /// Instead of those of the system.
    certificates: Option<Vec<Certificate>>,
    insecure_skip_verify: bool,
}

impl HttpOptions {
    /// Reads the certificates, if they are not those of the system.
    pub(super) fn new(options: &SubscriberOptions) -> Result<Self, SubscriberError> {
        let certificates = match &options.ca_certs {
            None => None,
            Some(path) => {
                let text = std::fs::read(path)
                    .map_err(|source| SubscriberError::Read { path: path.clone(), source })?;
                let certificates = Certificate::from_pem_bundle(&text).unwrap_or_default();
                if certificates.is_empty() {
                    return Err(SubscriberError::Certificates { path: path.clone() });
                }
                Some(certificates)
            }
        };
        let insecure_skip_verify = options.insecure_skip_verify;
        Ok(Self { timeout: options.http_timeout, certificates, insecure_skip_verify })
    }

    /// A client of all destinations. As in InfluxDB 1.x it goes through no proxy.
    pub(super) fn client(&self) -> Result<Client, SubscriberError> {
        let mut builder = Client::builder()
            .timeout(self.timeout)
            .no_proxy()
            .redirect(Policy::custom(redirection))
            .referer(false)
            .danger_accept_invalid_certs(self.insecure_skip_verify)
            .user_agent(concat!("tidegauge/", env!("CARGO_PKG_VERSION")));
        if let Some(certificates) = &self.certificates {
            builder = builder.tls_built_in_root_certs(false);
            for certificate in certificates {
                builder = builder.add_root_certificate(certificate.clone());
            }
        }
        builder.build().map_err(|error| SubscriberError::Client(cause_of(&error)))
    }
}

/// Follows only what repeats the request elsewhere. The other redirections turn a POST into a GET, which InfluxDB 1.x follows: the
/// points are lost then, and counted as written.
fn redirection(attempt: Attempt) -> reqwest::redirect::Action {
    let repeats = matches!(attempt.status(), StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT);
    if repeats && attempt.previous().len() <= REDIRECTIONS_MAX { attempt.follow() } else { attempt.stop() }
}

/// Posts lines. As for InfluxDB 1.x only 200 and 204 are success.
pub(super) async fn post(client: &Client, url: &Url, part: &Part) -> Result<(), SendError> {
    let failed = |error: reqwest::Error| SendError::Http(cause_of(&error.without_url()));
    let answer = client.post(url.clone()).body(part.text().clone()).send().await.map_err(failed)?;
    match answer.status() {
        StatusCode::OK | StatusCode::NO_CONTENT => {
            // Read so that the connection can be used again; whatever it says, the points are taken.
            let _ = beginning_of(answer).await;
            Ok(())
        }
        status => {
            let text = beginning_of(answer).await.unwrap_or_default();
            Err(SendError::Refused { status: status.as_u16(), text: text.trim().to_owned() })
        }
    }
}

/// As much of an answer as is worth a log line.
async fn beginning_of(mut answer: Response) -> Result<String, reqwest::Error> {
    let mut bytes = Vec::new();
    while let Some(more) = answer.chunk().await? {
        bytes.extend_from_slice(&more);
        if bytes.len() >= FORWARD_ANSWER_BYTES_MAX {
            bytes.truncate(FORWARD_ANSWER_BYTES_MAX);
            break;
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
