//! The responses of InfluxDB 1.x's `/query`: JSON, CSV and MessagePack, streamed.
//!
//! [`ResponseEncoder`] is told what happens, statement by statement and batch by batch, and appends bytes to a
//! buffer that the caller drains with [`ResponseEncoder::take`] whenever it likes:
//!
//! ```text
//! begin_statement ─ message* ─ rows(shape) ─ batch* ─ [error] ─ end_statement      … once per statement
//! finish
//! ```
//!
//! The encoder finds the borders between series in the stream, splits `chunked` responses and cuts at
//! `max-row-limit`; what the bytes look like is up to a `Writer` per format.
//!
//! | file | what it knows |
//! |---|---|
//! | `encoder` | documents, results, series, chunks, limits; no format |
//! | `writer` | the trait between the encoder and the formats |
//! | `json`, `csv`, `message_pack` | one format each |
//! | `series` | which rows belong to one series |
//! | `cells` | typed access to the columns of a batch |
//! | `number`, `text`, `timestamp` | how Go prints floats, strings and times |

mod cells;
mod csv;
mod encoder;
mod json;
mod message_pack;
mod number;
mod series;
mod text;
mod timestamp;
mod writer;

#[cfg(test)]
mod tests;

pub use encoder::{EncodeError, ResponseEncoder, Split, StatementStyle};
pub use timestamp::Epoch;

/// The formats of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Format {
    /// `application/json`
    #[default]
    Json,
    /// `text/csv`, also asked for as `application/csv`
    Csv,
    /// `application/x-msgpack`
    MessagePack,
}

impl Format {
    /// The `Content-Type` of a response in this format.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Csv => "text/csv",
            Self::MessagePack => "application/x-msgpack",
        }
    }
}

/// What a client asked for.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The format.
    pub format: Format,
    /// Times as integers of this unit. Without it JSON has RFC 3339 text, CSV nanoseconds and MessagePack an
    /// extension type.
    pub epoch: Option<Epoch>,
    /// Times as RFC 3339 text in every format, whatever `epoch` says.
    pub text_times: bool,
    /// JSON indented by four spaces.
    pub pretty: bool,
    /// One document per series and per this many rows (> 0), instead of one document for all.
    pub chunk_rows: Option<usize>,
    /// Most rows of an unchunked response, over all statements; what follows is left out.
    pub row_limit: Option<usize>,
}

/// The body of a response that is nothing but an error.
#[must_use]
pub fn error_body(format: Format, pretty: bool, text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 32);
    match format {
        Format::Json => json::error_document(&mut out, pretty, text),
        Format::Csv => csv::error_document(&mut out, text),
        Format::MessagePack => message_pack::error_document(&mut out, text),
    }
    out
}
