//! Tests of bodies and their bounds.

use super::{BodyBudget, BodyParts, Pace, read};
use crate::server::settings::HttpSettings;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, header};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::StreamExt;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).expect("memory takes all");
    encoder.finish().expect("memory takes all")
}

fn settings() -> HttpSettings {
    HttpSettings {
        body_bytes_max: 1_000,
        body_decompressed_bytes_max: 100_000,
        bodies_bytes_max: 150_000,
        ..HttpSettings::default()
    }
}

/// The body that arrives in `parts`, or status and text of the refusal.
async fn read_parts(encoding: Option<&'static str>, parts: Vec<Vec<u8>>) -> Result<Bytes, (u16, String)> {
    let mut headers = HeaderMap::new();
    if let Some(encoding) = encoding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    let budget = Arc::new(BodyBudget::new(settings().bodies_bytes_max));
    let stream = futures::stream::iter(parts.into_iter().map(Ok::<_, std::io::Error>));
    let result = read(&headers, Body::from_stream(stream), &settings(), &budget).await;
    let result = match result {
        Ok(body) => Ok(body.bytes.clone()),
        Err(error) => {
            let (status, text) = error.status_and_text();
            Err((status, text.to_owned()))
        }
    };
    assert_eq!(budget.bytes.load(Ordering::Relaxed), 0, "the share is given back");
    result
}

async fn check(encoding: Option<&'static str>, body: Vec<u8>, expected: Result<&[u8], (u16, &str)>) {
    let expected = expected.map(Bytes::copy_from_slice).map_err(|(status, text)| (status, text.to_owned()));
    let halves = body.split_at(body.len() / 2);
    let in_halves = vec![halves.0.to_vec(), halves.1.to_vec()];
    assert_eq!(read_parts(encoding, vec![body.clone()]).await, expected);
    assert_eq!(read_parts(encoding, in_halves).await, expected);
}

#[tokio::test]
async fn plain_bodies_pass_up_to_the_limit() {
    check(None, b"m f=1".to_vec(), Ok(b"m f=1")).await;
    check(None, Vec::new(), Ok(b"")).await;
    check(None, vec![b'x'; 1_000], Ok(&[b'x'; 1_000])).await;
    check(None, vec![b'x'; 1_001], Err((413, "Request Entity Too Large"))).await;
    check(Some("deflate"), b"m f=1".to_vec(), Ok(b"m f=1")).await;
}

#[tokio::test]
async fn an_announced_length_is_refused_before_it_is_read() {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("1001"));
    let budget = Arc::new(BodyBudget::new(1_000_000));
    let refused = read(&headers, Body::empty(), &settings(), &budget).await.expect_err("too large");
    assert_eq!(refused.status_and_text(), (413, "Request Entity Too Large"));
}

/// The texts for an empty, a cut and a short body, and the behaviour with several members, are InfluxDB 1.6.7's.
#[tokio::test]
async fn gzip_is_unpacked() {
    let gz = Some("gzip");
    check(gz, gzip(b"m f=1 0\n"), Ok(b"m f=1 0\n")).await;
    check(gz, [gzip(b"m f=1 0\n"), gzip(b"m f=2 1\n")].concat(), Ok(b"m f=1 0\nm f=2 1\n")).await;
    check(gz, Vec::new(), Err((400, "EOF"))).await;
    check(gz, b"notgzip".to_vec(), Err((400, "unexpected EOF"))).await;
    let whole = gzip(b"m f=1 0\n");
    check(gz, whole[..whole.len() - 6].to_vec(), Err((400, "unexpected EOF"))).await;
    check(gz, b"this is no gzip at all".to_vec(), Err((400, "gzip: invalid header"))).await;
    let mut damaged = gzip(b"m f=1 0\n");
    let checksum_at = damaged.len() - 8;
    damaged[checksum_at] ^= 1;
    let refused = read_parts(gz, vec![damaged]).await.expect_err("the checksum is wrong");
    assert_eq!(refused.0, 400);
}

#[tokio::test]
async fn a_gzip_bomb_is_refused() {
    let largest = gzip(&vec![b' '; 100_000]);
    assert!(largest.len() <= 1_000);
    check(Some("gzip"), largest, Ok(&vec![b' '; 100_000])).await;
    check(Some("gzip"), gzip(&vec![b' '; 100_001]), Err((413, "Request Entity Too Large"))).await;
}

#[tokio::test]
async fn all_bodies_share_a_budget() {
    let budget = Arc::new(BodyBudget::new(1_500));
    let body = |bytes: usize| Body::from(vec![b'x'; bytes]);
    let headers = HeaderMap::new();
    let first = read(&headers, body(1_000), &settings(), &budget).await.expect("fits");
    let refused = read(&headers, body(501), &settings(), &budget).await.expect_err("no room");
    assert_eq!(refused.status_and_text().0, 503);
    read(&headers, body(500), &settings(), &budget).await.expect("fits beside the first");
    drop(first);
    read(&headers, body(1_000), &settings(), &budget).await.expect("fits again");
}

#[tokio::test]
async fn a_share_may_outlive_its_bytes() {
    let budget = Arc::new(BodyBudget::new(1_000));
    let body =
        read(&HeaderMap::new(), Body::from(vec![b'x'; 600]), &settings(), &budget).await.expect("fits");
    let share = body.into_share();
    assert_eq!(budget.bytes.load(Ordering::Relaxed), 600);
    drop(share);
    assert_eq!(budget.bytes.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_body_in_parts_may_be_larger_than_the_budget() {
    let budget = Arc::new(BodyBudget::new(1_500));
    let held = || budget.bytes.load(Ordering::Relaxed);
    let parts = || {
        let parts = futures::stream::iter((0..10).map(|_| Ok::<_, std::io::Error>(vec![b'x'; 400])));
        BodyParts::new(&HeaderMap::new(), Body::from_stream(parts), &settings(), &budget, 700)
    };
    let (mut first, mut second, mut third) = (parts(), parts(), parts());
    for expected in [400, 700, 700] {
        first.next().await.expect("fits").expect("a part");
        assert_eq!(held(), expected);
    }
    let mut bytes = 0;
    while let Some(part) = second.next().await.expect("fits beside the first") {
        bytes += part.len();
    }
    assert_eq!((bytes, held()), (4_000, 1_400));
    assert_eq!(third.next().await.expect_err("no room").status_and_text().0, 503);
    drop((first, second, third));
    assert_eq!(held(), 0);
}

#[tokio::test]
async fn a_body_in_parts_that_breaks_off_is_not_complete() {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("601"));
    let budget = Arc::new(BodyBudget::new(1_500));
    let mut parts = BodyParts::new(&headers, Body::from(vec![b'x'; 600]), &settings(), &budget, 700);
    assert_eq!(parts.next().await.expect("fits").expect("a part").len(), 600);
    let error = parts.next().await.expect_err("a byte is missing");
    assert_eq!(error.status_and_text(), (400, "cannot read the body: it ends after 600 of 601 bytes"));
}

#[tokio::test]
async fn a_damaged_gzip_is_refused_or_unpacked() {
    let packed = gzip(b"cpu,host=a usage=1,idle=2 10\ncpu,host=b usage=3 20\n");
    for at in 0..packed.len() {
        for flip in [1, 0x80, 0xff] {
            let mut damaged = packed.clone();
            damaged[at] ^= flip;
            let result = read_parts(Some("gzip"), vec![damaged]).await;
            assert!(result.is_ok() || result.is_err_and(|(status, _)| status == 400), "{at} {flip}");
        }
        let cut = read_parts(Some("gzip"), vec![packed[..at].to_vec()]).await;
        assert_eq!(cut.map_err(|(status, _)| status), Err(400), "{at}");
    }
}

#[tokio::test]
async fn a_body_that_stalls_gives_its_share_back() {
    let body = || {
        let first = futures::stream::iter([Ok::<_, std::io::Error>(vec![b'x'; 100])]);
        Body::from_stream(first.chain(futures::stream::pending()))
    };
    let settings = HttpSettings { body_timeout: Some(Duration::from_millis(1)), ..settings() };
    let budget = Arc::new(BodyBudget::new(1_000));
    let headers = HeaderMap::new();
    let expected = (408, "timeout: nothing more of the body has come for 1ms");
    let refused = read(&headers, body(), &settings, &budget).await.expect_err("it stalls");
    assert_eq!(refused.status_and_text(), expected);
    let mut parts = BodyParts::new(&headers, body(), &settings, &budget, 500);
    parts.next().await.expect("fits").expect("a part");
    let refused = parts.next().await.expect_err("it stalls");
    assert_eq!(refused.status_and_text(), expected);
    drop(parts);
    assert_eq!(budget.bytes.load(Ordering::Relaxed), 0);
}

#[test]
fn a_body_must_come_at_a_pace_while_it_is_waited_for() {
    let settings = |body_timeout, body_bytes_per_s_min| HttpSettings {
        body_timeout,
        body_bytes_per_s_min,
        ..HttpSettings::default()
    };
    let seconds = Duration::from_secs;
    let mut pace = Pace::new(&settings(Some(seconds(30)), 500));
    // Whoever takes the parts may rest in between; the bytes of half a minute count together.
    for (waited, bytes) in [(29, 1), (1, 14_999), (10, 15_000), (19, 0), (1, 0), (29, 0)] {
        pace.add(seconds(waited), bytes);
        pace.judge().expect("it is fast enough");
    }
    pace.add(seconds(2), 14_999);
    let refused = pace.judge().expect_err("it is too slow");
    assert_eq!(refused.status_and_text(), (408, "timeout: only 14999 bytes of the body have come in 31s"));
    for any in [settings(None, 500), settings(Some(seconds(30)), 0)] {
        let mut pace = Pace::new(&any);
        pace.add(seconds(1_000), 1);
        pace.judge().expect("there is no limit");
    }
    let most = Pace::new(&settings(Some(Duration::MAX), u64::MAX));
    assert_eq!(most.bytes_min, u64::MAX);
}

/// All of it is there: nothing is to be waited for any more.
#[tokio::test]
async fn a_body_whose_last_part_has_come_slowly_is_taken() {
    let settings = HttpSettings {
        body_timeout: Some(Duration::from_nanos(1)),
        body_bytes_per_s_min: u64::MAX,
        ..settings()
    };
    let body = || Body::from_stream(futures::stream::iter([Ok::<_, std::io::Error>(vec![b'x'])]));
    let budget = Arc::new(BodyBudget::new(1_000));
    let headers = HeaderMap::new();
    let whole = read(&headers, body(), &settings, &budget).await.expect("it is complete");
    assert_eq!(whole.bytes, "x");
    let mut parts = BodyParts::new(&headers, body(), &settings, &budget, 500);
    assert_eq!(parts.next().await.expect("it may be the last").as_deref(), Some(&b"x"[..]));
    assert_eq!(parts.next().await.expect("it is complete"), None);
}

#[tokio::test]
async fn a_body_that_trickles_gives_its_share_back() {
    // Every part has taken so long, and is too short for it.
    let settings = HttpSettings {
        body_timeout: Some(Duration::from_nanos(1)),
        body_bytes_per_s_min: u64::MAX,
        ..settings()
    };
    let body = || Body::from_stream(futures::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b'x'])));
    let budget = Arc::new(BodyBudget::new(1_000));
    let headers = HeaderMap::new();
    let expected = "timeout: only 1 bytes of the body have come in ";
    let refused = read(&headers, body(), &settings, &budget).await.expect_err("it trickles");
    assert!(refused.status_and_text().1.starts_with(expected), "{:?}", refused.status_and_text());
    let mut parts = BodyParts::new(&headers, body(), &settings, &budget, 500);
    parts.next().await.expect("it may be the last").expect("a part");
    let refused = parts.next().await.expect_err("it trickles");
    assert!(refused.status_and_text().1.starts_with(expected), "{:?}", refused.status_and_text());
    drop(parts);
    assert_eq!(budget.bytes.load(Ordering::Relaxed), 0);
}
