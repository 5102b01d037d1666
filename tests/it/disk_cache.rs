//! A server with a cache of S3's data files on disk, as its settings make it.

use crate::s3_server::S3Server;
use crate::scenario::http::{Request, percent_encode, send};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tidegauge::app::App;
use tidegauge::config::{Config, Machine};

/// How long what a stopped server was doing may take to let go of the engine, and with it of the folder.
const STOP_TIMEOUT: Duration = Duration::from_secs(30);

fn config(s3: &S3Server, data: &Path) -> Config {
    let mut config = Config::default();
    config.set("bind", "127.0.0.1:0").unwrap();
    config.set("data", data.to_str().unwrap()).unwrap();
    for (name, value) in s3.options() {
        config.set(&format!("object_store.{name}"), &value).unwrap();
    }
    config.set("object_store.url", &s3.url("disk_cache")).unwrap();
    config.set("object_store.cache_disk_bytes", "64_000_000").unwrap();
    config.fitted_to(&Machine { memory_bytes: 2 << 30, core_count: 2 }).unwrap()
}

async fn ask(address: SocketAddr, method: &str, target: String, body: &str) -> Vec<u8> {
    let request = Request { method: method.into(), target, headers: Vec::new(), body: body.into() };
    let answer = tokio::task::spawn_blocking(move || send(address, &request).unwrap()).await.unwrap();
    assert!(answer.status < 300, "{}", String::from_utf8_lossy(&answer.body));
    answer.body
}

async fn query(app: &App, text: &str) -> Value {
    let target = format!("/query?db=d&epoch=ns&q={}", percent_encode(text));
    serde_json::from_slice(&ask(app.address(), "POST", target, "").await).unwrap()
}

async fn metric(app: &App, name: &str) -> u64 {
    let text = String::from_utf8(ask(app.address(), "GET", "/metrics".into(), "").await).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{name} in {text}")).parse().unwrap()
}

async fn stop(app: App) {
    let engine = Arc::downgrade(app.engine());
    app.stop().await.unwrap();
    let begin = Instant::now();
    while engine.strong_count() > 0 {
        assert!(begin.elapsed() < STOP_TIMEOUT, "somebody still holds the engine of a stopped server");
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_server_finds_on_disk_what_it_wrote_to_s3() {
    let s3 = S3Server::start().await;
    let folder = tempfile::tempdir().unwrap();
    let config = config(&s3, folder.path());
    let app = App::start(&config).await.unwrap();
    query(&app, "CREATE DATABASE d").await;
    ask(app.address(), "POST", "/write?db=d".into(), "m,host=a f=1 1\nm,host=b f=2 2").await;
    app.engine().flush().await.unwrap();
    let in_use = App::start(&config).await.err().expect("the folder is in use").to_string();
    let cache = folder.path().join("cache");
    assert_eq!(in_use, format!("cannot use as a cache the folder {:?}: another server uses it", cache));
    stop(app).await;
    assert!(cache.is_dir(), "the default folder");

    let app = App::start(&config).await.unwrap();
    assert!(metric(&app, "tidegauge_store_cache_disk_bytes").await > 0);
    assert_eq!(metric(&app, "tidegauge_store_cache_disk_blocks").await, 1);
    let answer = query(&app, "SELECT sum(f) FROM m").await;
    assert_eq!(answer["results"][0]["series"][0]["values"], json!([[0, 3]]));
    assert!(metric(&app, "tidegauge_store_cache_disk_hits_total").await >= 1);
    assert!(metric(&app, "tidegauge_store_cache_disk_bytes_read_total").await > 0);
    for name in ["disk_misses_total", "disk_damaged_total", "requests_total", "bytes_fetched_total"] {
        assert_eq!(metric(&app, &format!("tidegauge_store_cache_{name}")).await, 0, "{name}");
    }
    stop(app).await;
}
