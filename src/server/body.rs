//! Request bodies: read and unpacked within bounds.
//!
//! Three bounds hold: the size as sent, the size once unpacked, and the memory of all bodies at once. A
//! [`RequestBody`] holds its share of the last until it is dropped; one that stalls or trickles while it is read is given up. Files come
//! as [`BodyParts`], of any size.

use super::error::HttpError;
use super::settings::HttpSettings;
use axum::body::{Body, BodyDataStream};
use axum::http::{HeaderMap, header};
use bytes::{Bytes, BytesMut};
use flate2::read::MultiGzDecoder;
use futures::StreamExt;
use std::io::{ErrorKind, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// How much of a body that is too large is read and thrown away, so that a client that sends before it listens gets to
/// read the answer; and for how long.
const DRAINED_BYTES_MAX: usize = 64 << 20;
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// Bodies up to this size are unpacked where they are; larger ones on a thread that may block.
const UNPACKED_INLINE_BYTES_MAX: usize = 16 << 10;

/// Memory that the bodies of all requests share.
#[derive(Debug)]
pub(super) struct BodyBudget {
    bytes_max: usize,
    bytes: AtomicUsize,
}

impl BodyBudget {
    pub(super) fn new(bytes_max: usize) -> Self {
        Self { bytes_max, bytes: AtomicUsize::new(0) }
    }
}

/// A part of the budget.
#[derive(Debug)]
pub(super) struct Share {
    budget: Arc<BodyBudget>,
    bytes: usize,
}

impl Share {
    /// Takes `bytes` more, or nothing when there is not so much left.
    fn grow(&mut self, bytes: usize) -> Result<(), HttpError> {
        let taken = self.budget.bytes.fetch_add(bytes, Ordering::Relaxed);
        if taken + bytes > self.budget.bytes_max {
            self.budget.bytes.fetch_sub(bytes, Ordering::Relaxed);
            return Err(HttpError::too_many_bodies());
        }
        self.bytes += bytes;
        Ok(())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// A whole body. Its memory counts until this is dropped.
#[derive(Debug)]
pub(super) struct RequestBody {
    /// The bytes, unpacked.
    pub(super) bytes: Bytes,
    share: Share,
}

impl RequestBody {
    /// Its part of the budget, for whoever lets go of the bytes and keeps what it has read of them.
    pub(super) fn into_share(self) -> Share {
        self.share
    }
}

/// Reads a body and unpacks it when it is gzip.
pub(super) async fn read(
    headers: &HeaderMap,
    body: Body,
    settings: &HttpSettings,
    budget: &Arc<BodyBudget>,
) -> Result<RequestBody, HttpError> {
    let mut stream = body.into_data_stream();
    let mut share = Share { budget: budget.clone(), bytes: 0 };
    let bytes = match read_packed(headers, &mut stream, settings, &mut share).await {
        Ok(bytes) => bytes,
        Err(error) => {
            // A client that waits for `100 Continue` has sent nothing yet, and need not; one that has stalled sends nothing.
            if !headers.contains_key(header::EXPECT) && !error.is_timeout() {
                drain(stream).await;
            }
            return Err(error);
        }
    };
    if !is_gzip(headers) {
        return Ok(RequestBody { bytes, share });
    }
    let bytes_max = settings.body_decompressed_bytes_max;
    let unpacked = if bytes.len() <= UNPACKED_INLINE_BYTES_MAX {
        unpack(&bytes, bytes_max, &mut share)?
    } else {
        let task = tokio::task::spawn_blocking(move || {
            let unpacked = unpack(&bytes, bytes_max, &mut share);
            unpacked.map(|bytes| (bytes, share))
        });
        let (unpacked, rest) = task.await.map_err(|error| HttpError::internal(error.to_string()))??;
        share = rest;
        unpacked
    };
    Ok(RequestBody { bytes: unpacked, share })
}

/// A body that is passed on part by part, so that it may be larger than the memory of all bodies.
#[derive(Debug)]
pub(super) struct BodyParts {
    stream: BodyDataStream,
    /// How many bytes the client said it sends.
    announced: Option<u64>,
    received: u64,
    share: Share,
    /// Bytes of its share: as many as whoever takes the parts may hold.
    share_bytes_max: usize,
    pace: Pace,
}

impl BodyParts {
    /// The parts of a body. Whoever takes them holds up to `held_bytes_max` bytes of them.
    pub(super) fn new(
        headers: &HeaderMap,
        body: Body,
        settings: &HttpSettings,
        budget: &Arc<BodyBudget>,
        held_bytes_max: usize,
    ) -> Self {
        let announced =
            headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        // At most half of the budget, so that even with little memory one such body can be sent.
        let share_bytes_max = held_bytes_max.min(budget.bytes_max / 2);
        let share = Share { budget: budget.clone(), bytes: 0 };
        let (stream, pace) = (body.into_data_stream(), Pace::new(settings));
        Self { stream, announced, received: 0, share, share_bytes_max, pace }
    }

    /// The next part, or `None` when the body is complete.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, HttpError> {
        let Some(part) = self.pace.next_part(&mut self.stream).await? else {
            return match self.announced {
                Some(bytes) if bytes != self.received => {
                    let received = self.received;
                    let text = format!("cannot read the body: it ends after {received} of {bytes} bytes");
                    Err(HttpError::bad_request(text))
                }
                _ => Ok(None),
            };
        };
        self.received += part.len() as u64;
        let more = part.len().min(self.share_bytes_max - self.share.bytes);
        if more > 0 {
            self.share.grow(more)?;
        }
        Ok(Some(part))
    }
}

async fn read_packed(
    headers: &HeaderMap,
    stream: &mut BodyDataStream,
    settings: &HttpSettings,
    share: &mut Share,
) -> Result<Bytes, HttpError> {
    let (bytes_max, mut pace) = (settings.body_bytes_max, Pace::new(settings));
    let announced =
        headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|bytes| bytes > bytes_max) {
        return Err(HttpError::body_too_large());
    }
    let mut whole = BytesMut::new();
    let mut first: Option<Bytes> = None;
    while let Some(part) = pace.next_part(stream).await? {
        let held = whole.len() + first.as_ref().map_or(0, Bytes::len);
        if held + part.len() > bytes_max {
            return Err(HttpError::body_too_large());
        }
        share.grow(part.len())?;
        // A body that comes in one part is not copied.
        if held == 0 {
            first = Some(part);
            continue;
        }
        if let Some(first) = first.take() {
            whole.reserve(announced.unwrap_or(0).max(first.len() + part.len()));
            whole.extend_from_slice(&first);
        }
        whole.extend_from_slice(&part);
    }
    Ok(first.unwrap_or_else(|| whole.freeze()))
}

/// Whether a body comes fast enough. Only the time spent waiting for the client counts, not that in which its parts are
/// worked on.
#[derive(Debug)]
struct Pace {
    /// How long the next part may take; no limit when `None`.
    timeout: Option<Duration>,
    /// Bytes that must come in as much time.
    bytes_min: u64,
    /// The time since that was last looked at.
    waited: Duration,
    /// What has come in it.
    bytes: u64,
}

impl Pace {
    fn new(settings: &HttpSettings) -> Self {
        const NS_PER_S: u128 = 1_000_000_000;
        let timeout = settings.body_timeout;
        let timeout_ns = timeout.unwrap_or_default().as_nanos();
        let bytes_min = u128::from(settings.body_bytes_per_s_min).saturating_mul(timeout_ns) / NS_PER_S;
        let bytes_min = u64::try_from(bytes_min).unwrap_or(u64::MAX);
        Self { timeout, bytes_min, waited: Duration::ZERO, bytes: 0 }
    }

    /// The next part of a body, `None` after the last.
    async fn next_part(&mut self, stream: &mut BodyDataStream) -> Result<Option<Bytes>, HttpError> {
        let (begun, next) = (Instant::now(), stream.next());
        let part = match self.timeout {
            None => next.await,
            Some(bound) => {
                tokio::time::timeout(bound, next).await.map_err(|_| HttpError::body_timeout(bound))?
            }
        };
        let part = part
            .transpose()
            .map_err(|error| HttpError::bad_request(format!("cannot read the body: {error}")))?;
        if let Some(part) = &part {
            // Of those before it. A body that is complete has come fast enough.
            self.judge()?;
            self.add(begun.elapsed(), part.len());
        }
        Ok(part)
    }

    /// Notes a part that was waited for so long.
    fn add(&mut self, waited: Duration, bytes: usize) {
        self.waited = self.waited.saturating_add(waited);
        self.bytes += bytes as u64;
    }

    /// Looks at the pace of what was noted, when it is time to. Only for a body that goes on.
    fn judge(&mut self) -> Result<(), HttpError> {
        if self.timeout.is_none_or(|timeout| self.waited < timeout) {
            return Ok(());
        }
        if self.bytes < self.bytes_min {
            return Err(HttpError::body_too_slow(self.bytes, self.waited));
        }
        (self.waited, self.bytes) = (Duration::ZERO, 0);
        Ok(())
    }
}

/// InfluxDB 1.x unpacks gzip and takes any other encoding for none.
fn is_gzip(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_ENCODING).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"gzip"))
}

/// Unpacks gzip of any number of members. Faults are told in Go's words.
fn unpack(packed: &[u8], bytes_max: usize, share: &mut Share) -> Result<Bytes, HttpError> {
    const STEP_BYTES: usize = 256 << 10;
    if packed.is_empty() {
        return Err(HttpError::bad_request("EOF"));
    }
    let mut decoder = MultiGzDecoder::new(packed);
    let mut out = Vec::new();
    loop {
        let before = out.len();
        let step = STEP_BYTES.min(bytes_max + 1 - before);
        let read = decoder.by_ref().take(step as u64).read_to_end(&mut out).map_err(|error| {
            HttpError::bad_request(match error.kind() {
                ErrorKind::UnexpectedEof => "unexpected EOF".to_owned(),
                _ if error.to_string().contains("header") => "gzip: invalid header".to_owned(),
                _ => format!("gzip: {error}"),
            })
        })?;
        if read == 0 {
            return Ok(Bytes::from(out));
        }
        if out.len() > bytes_max {
            return Err(HttpError::body_too_large());
        }
        share.grow(read)?;
    }
}

async fn drain(mut stream: BodyDataStream) {
    let rest = async {
        let mut bytes = 0;
        while let Some(Ok(part)) = stream.next().await {
            bytes += part.len();
            if bytes > DRAINED_BYTES_MAX {
                return;
            }
        }
    };
    // Whether the client has sent all by then makes no difference to the answer.
    let _ = tokio::time::timeout(DRAIN_TIMEOUT, rest).await;
}

#[cfg(test)]
mod tests;
