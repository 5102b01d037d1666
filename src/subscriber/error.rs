//! Why writes are not handed on.

use std::path::PathBuf;

/// Why nothing can be handed on.
#[derive(Debug, thiserror::Error)]
pub enum SubscriberError {
    /// The file of certificates cannot be read.
    #[error("setting subscriber.ca_certs: cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It holds no certificates.
    #[error("setting subscriber.ca_certs: {} holds no certificates in the form PEM", path.display())]
    Certificates {
        /// The file.
        path: PathBuf,
    },
    /// No client can be made.
    #[error("cannot make a client for HTTP: {0}")]
    Client(String),
}

/// Why a destination has not taken a write.
#[derive(Debug, thiserror::Error)]
pub(super) enum SendError {
    /// It answers something else than success.
    #[error("it answers {status}: {text}")]
    Refused { status: u16, text: String },
    /// It does not answer.
    #[error("{0}")]
    Http(String),
    /// The datagrams cannot be sent.
    #[error("{0}")]
    Udp(#[from] std::io::Error),
    /// Its URL leads nowhere.
    #[error("{0}")]
    Unusable(String),
    /// The rows have no form as text.
    #[error("rows cannot be written as line protocol: {0}")]
    Lines(String),
}

/// The innermost cause: "Connection refused" rather than "error sending request".
pub(super) fn cause_of(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
