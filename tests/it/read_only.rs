//! Two servers over one store: one writes, the other only reads what that one has flushed, or does not start.

use crate::s3_server::S3Server;
use crate::scenario::http::{Request, Response, percent_encode, send};
use futures::TryStreamExt;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use tempfile::TempDir;
use tidegauge::app::App;
use tidegauge::config::{Config, Machine};
use tidegauge::object::{Store, StoreOptions, layout};
use tidegauge::query::{QueryContext, QueryEngine, QueryOptions};

/// What refused changes are answered with.
const READ_ONLY: &str = "the server is read-only; send changes to the server that writes to this store";

/// So long that a server does not look by itself while a test runs.
const NEVER_MS: &str = "86400000";

/// Where both servers have their data files, as settings of `object_store`; its folder lives as long.
struct Place {
    settings: BTreeMap<String, String>,
    folder: TempDir,
}

impl Place {
    fn local() -> Self {
        Self { settings: BTreeMap::new(), folder: tempfile::tempdir().unwrap() }
    }

    fn on_s3(server: &S3Server) -> Self {
        let mut settings = server.options();
        settings.insert("url".into(), server.url("read_only"));
        Self { settings, folder: tempfile::tempdir().unwrap() }
    }

    fn config(&self, more: &[(&str, &str)]) -> Config {
        let mut config = Config::default();
        config.set("bind", "127.0.0.1:0").unwrap();
        config.set("data", self.folder.path().to_str().unwrap()).unwrap();
        for (name, value) in &self.settings {
            config.set(&format!("object_store.{name}"), value).unwrap();
        }
        for (name, value) in more {
            config.set(name, value).unwrap();
        }
        config.fitted_to(&Machine { memory_bytes: 2 << 30, core_count: 2 }).unwrap()
    }

    /// The store, to look at it from outside.
    fn store(&self) -> Store {
        let config = self.config(&[]);
        let url = config.object_store.url.clone();
        let url = url.unwrap_or_else(|| config.store_folder().to_str().unwrap().to_owned());
        Store::open_for_reading(&StoreOptions { url, options: config.object_store.options_by_name() })
            .unwrap()
    }

    async fn writer(&self) -> App {
        App::start(&self.config(&[("compaction.enabled", "false")])).await.unwrap()
    }

    async fn reader(&self, interval_ms: &str) -> App {
        let settings = [("read_only.enabled", "true"), ("read_only.interval_ms", interval_ms)];
        App::start(&self.config(&settings)).await.unwrap()
    }

    /// Deletes the data files that the writer no longer names, as it does itself some time later. How many.
    async fn delete_unreferenced(&self, writer: &App) -> usize {
        let state = writer.engine().state();
        let named: BTreeSet<&str> = state.files().map(|file| &*file.path).collect();
        let store = self.store();
        let listed: Vec<_> = store.list(layout::DATA_FOLDER).try_collect().await.unwrap();
        let mut count = 0;
        for object in listed.iter().filter(|object| !named.contains(object.path.as_str())) {
            store.delete(&object.path).await.unwrap();
            count += 1;
        }
        count
    }
}

async fn ask(address: SocketAddr, method: &str, target: String, body: &str) -> Response {
    let request = Request { method: method.into(), target, headers: Vec::new(), body: body.into() };
    tokio::task::spawn_blocking(move || send(address, &request).unwrap()).await.unwrap()
}

fn json_of(response: &Response) -> Value {
    serde_json::from_slice(&response.body).unwrap()
}

/// The result of one statement.
async fn query(app: &App, text: &str) -> Value {
    let target = format!("/query?db=d&epoch=ns&q={}", percent_encode(text));
    json_of(&ask(app.address(), "POST", target, "").await)["results"][0].clone()
}

async fn write(app: &App, lines: &str) {
    let response = ask(app.address(), "POST", "/write?db=d".into(), lines).await;
    assert_eq!(response.status, 204, "{}", String::from_utf8_lossy(&response.body));
}

/// Writes points and flushes after each.
async fn write_files(writer: &App, times: std::ops::Range<i64>) {
    for time in times {
        write(writer, &format!("m,host=h{} f={time} {time}", time % 3)).await;
        writer.engine().flush().await.unwrap();
    }
}

async fn metric(app: &App, name: &str) -> String {
    let text = String::from_utf8(ask(app.address(), "GET", "/metrics".into(), "").await.body).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{name} in {text}")).to_owned()
}

/// What is below a folder, and when it was changed.
fn files_below(folder: &Path) -> BTreeSet<(std::path::PathBuf, std::time::SystemTime)> {
    let mut found = BTreeSet::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            found.insert((entry.path(), entry.metadata().unwrap().modified().unwrap()));
            if entry.path().is_dir() {
                folders.push(entry.path());
            }
        }
    }
    found
}

async fn check_answers(place: Place) {
    let writer = place.writer().await;
    query(&writer, "CREATE DATABASE d").await;
    write_files(&writer, 0..4).await;
    write(&writer, "m,host=buffered f=9 9").await;
    let reader = place.reader("20").await;
    let counted = |count: i64| json!([{"name": "m", "columns": ["time", "count"], "values": [[0, count]]}]);
    assert_eq!(query(&reader, "SELECT count(f) FROM m").await["series"], counted(4));
    assert_eq!(query(&writer, "SELECT count(f) FROM m").await["series"], counted(5));

    // It looks by itself.
    writer.engine().flush().await.unwrap();
    while query(&reader, "SELECT count(f) FROM m").await["series"] != counted(5) {
        tokio::task::yield_now().await;
    }
    for text in [
        "SELECT * FROM m GROUP BY host",
        "SHOW SERIES",
        "SHOW TAG VALUES WITH KEY = host",
        "SHOW MEASUREMENTS",
        "SHOW SHARDS",
        "SHOW FIELD KEYS",
    ] {
        assert_eq!(query(&reader, text).await, query(&writer, text).await, "{text}");
    }

    let health = json_of(&ask(reader.address(), "GET", "/health".into(), "").await);
    assert_eq!(
        (&health["status"], &health["message"]),
        (&json!("pass"), &json!("ready for queries; read-only"))
    );
    assert_eq!(health["checks"][0]["name"], "read-only");
    for (name, value) in
        [("tidegauge_read_only", "1"), ("tidegauge_follow_failing", "0"), ("tidegauge_wal_bytes", "0")]
    {
        assert_eq!(metric(&reader, name).await, value, "{name}");
    }
    assert_eq!(metric(&writer, "tidegauge_read_only").await, "0");
    let seen: u64 = metric(&reader, "tidegauge_follow_edit_number").await.parse().unwrap();
    assert!(seen >= 7, "the database and six flushes: {seen}");
    reader.stop().await.unwrap();
    // The writer was not fenced.
    write(&writer, "m,host=h1 f=1 10").await;
    writer.engine().flush().await.unwrap();
    writer.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_answers_what_is_flushed_on_a_local_folder() {
    check_answers(Place::local()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_answers_what_is_flushed_on_s3() {
    let server = S3Server::start().await;
    check_answers(Place::on_s3(&server)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_refuses_changes_and_leaves_the_folder_as_it_is() {
    let place = Place::local();
    let writer = place.writer().await;
    query(&writer, "CREATE DATABASE d").await;
    query(&writer, "CREATE USER u WITH PASSWORD 'p'").await;
    write_files(&writer, 0..2).await;
    writer.stop().await.unwrap();
    let before = files_below(place.folder.path());
    let reader = place.reader("5").await;

    let image = json!({
        "database": {"id": 0, "name": "n", "default_policy": "autogen"}, "policies": [], "tables": [], "files": [],
        "tables_with_deletions": [], "tombstones": [], "continuous_queries": [],
    });
    for (target, body) in [
        ("/write?db=d", "m f=1"),
        ("/write?db=nowhere", "m f=1"),
        ("/debug/flush", ""),
        ("/api/tidegauge/backup/cut", ""),
        ("/api/tidegauge/restore/file?window_start_ns=0", "x"),
        ("/api/tidegauge/restore/database?name=n", &image.to_string()),
    ] {
        let response = ask(reader.address(), "POST", target.into(), body).await;
        assert_eq!(response.status, 403, "{target}");
        assert_eq!(json_of(&response), json!({ "error": READ_ONLY }), "{target}");
        assert_eq!(response.header("X-Influxdb-Error"), Some(READ_ONLY));
    }
    for text in [
        "CREATE DATABASE other",
        "DROP DATABASE d",
        "CREATE RETENTION POLICY p ON d DURATION 1d REPLICATION 1",
        "ALTER RETENTION POLICY autogen ON d DURATION 1d",
        "DROP RETENTION POLICY autogen ON d",
        "DROP MEASUREMENT m",
        "DROP SERIES FROM m",
        "DELETE FROM m",
        "CREATE USER w WITH PASSWORD 'p'",
        "SET PASSWORD FOR u = 'q'",
        "GRANT READ ON d TO u",
        "REVOKE ALL PRIVILEGES FROM u",
        "DROP USER u",
        "CREATE CONTINUOUS QUERY c ON d BEGIN SELECT mean(f) INTO x FROM m GROUP BY time(1m) END",
        "DROP CONTINUOUS QUERY c ON d",
        "CREATE SUBSCRIPTION s ON d.autogen DESTINATIONS ALL 'http://127.0.0.1:1'",
        "DROP SUBSCRIPTION s ON d.autogen",
        "SELECT f INTO copy FROM m",
        "SELECT f INTO copy FROM m WHERE time < 0",
    ] {
        assert_eq!(query(&reader, text).await["error"], READ_ONLY, "{text}");
    }
    assert_eq!(query(&reader, "SELECT count(f) FROM m").await["series"][0]["values"], json!([[0, 2]]));
    reader.stop().await.unwrap();
    assert_eq!(files_below(place.folder.path()), before);
}

/// The statements that read files, each in its own way.
const READING: [&str; 6] = [
    "SELECT * FROM m",
    "SELECT count(f), sum(f) FROM m",
    "SELECT f FROM m WHERE host = 'h1' ORDER BY time DESC LIMIT 1",
    "SHOW SERIES",
    "SHOW TAG VALUES WITH KEY = host WHERE host != 'h2'",
    "SELECT mean(f) FROM m GROUP BY host",
];

/// Files are compacted and deleted under a reader that does not look by itself: each query looks then. `warm` says whether it
/// has read the old files before, so that it has their footers.
async fn check_deleted_files(place: Place, warm: bool) {
    let writer = place.writer().await;
    query(&writer, "CREATE DATABASE d").await;
    for text in READING {
        write_files(&writer, 0..6).await;
        let expected = query(&writer, text).await;
        let reader = place.reader(NEVER_MS).await;
        if warm {
            assert_eq!(query(&reader, text).await, expected, "{text}");
        }
        let seen = reader.engine().seen_edits();
        writer.engine().compact().await.unwrap();
        assert!(place.delete_unreferenced(&writer).await >= 6);
        assert_eq!(query(&reader, text).await, expected, "{text}");
        if !warm && !text.starts_with("SHOW") {
            assert!(reader.engine().seen_edits() > seen, "{text}: it has looked");
        }
        reader.stop().await.unwrap();
    }
    writer.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_finds_what_took_the_place_of_deleted_files() {
    check_deleted_files(Place::local(), false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_knows_footers_of_deleted_files_finds_what_took_their_place() {
    check_deleted_files(Place::local(), true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_on_s3_finds_what_took_the_place_of_deleted_files() {
    let server = S3Server::start().await;
    check_deleted_files(Place::on_s3(&server), false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sql_and_exports_find_what_took_the_place_of_deleted_files() {
    let place = Place::local();
    let writer = place.writer().await;
    query(&writer, "CREATE DATABASE d").await;
    for is_sql in [true, false] {
        write_files(&writer, 0..6).await;
        let reader = place.reader(NEVER_MS).await;
        writer.engine().compact().await.unwrap();
        assert!(place.delete_unreferenced(&writer).await >= 6);
        let engine = QueryEngine::new(reader.engine().clone(), QueryOptions::default()).unwrap();
        let context = QueryContext { database: Some("d".into()), ..QueryContext::default() };
        let batches = if is_sql {
            engine.sql("SELECT f FROM m", &context).await.unwrap().batches
        } else {
            engine.whole_table("m", tidegauge::model::time::TimeRange::ALL, &context).unwrap().batches
        };
        let rows: usize = batches
            .map_ok(|batch| batch.num_rows())
            .try_fold(0, |a, b| async move { Ok(a + b) })
            .await
            .unwrap();
        assert_eq!(rows, 6);
        reader.stop().await.unwrap();
    }
    writer.stop().await.unwrap();
}

/// What cannot be followed is told to whoever decides where queries go; queries are answered from what is known.
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_cannot_read_on_is_unhealthy() {
    let place = Place::local();
    let writer = place.writer().await;
    query(&writer, "CREATE DATABASE d").await;
    write_files(&writer, 0..1).await;
    let reader = place.reader(NEVER_MS).await;
    let next = layout::edit(reader.engine().seen_edits() + 1);
    write_files(&writer, 1..2).await;
    let whole = place.store().get(&next).await.unwrap();
    place.store().put(&next, "rubbish".into()).await.unwrap();
    reader.engine().refresh().await.unwrap_err();

    let response = ask(reader.address(), "GET", "/health".into(), "").await;
    assert_eq!(response.status, 503);
    let health = json_of(&response);
    assert_eq!(health["status"], "fail");
    assert!(health["message"].as_str().unwrap().contains(&next), "{health}");
    assert_eq!(metric(&reader, "tidegauge_follow_failing").await, "1");
    assert_eq!(query(&reader, "SELECT count(f) FROM m").await["series"][0]["values"], json!([[0, 1]]));

    place.store().put(&next, whole).await.unwrap();
    assert!(reader.engine().refresh().await.unwrap());
    assert_eq!(ask(reader.address(), "GET", "/health".into(), "").await.status, 200);
    assert_eq!(query(&reader, "SELECT count(f) FROM m").await["series"][0]["values"], json!([[0, 2]]));
    reader.stop().await.unwrap();
    writer.stop().await.unwrap();
}

/// A file that the newest manifest names is not looked for for ever.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_file_is_told() {
    let place = Place::local();
    let writer = place.writer().await;
    query(&writer, "CREATE DATABASE d").await;
    write_files(&writer, 0..2).await;
    let lost = writer.engine().state().files().next().unwrap().path.clone();
    place.store().delete(&lost).await.unwrap();
    let reader = place.reader(NEVER_MS).await;
    let error = query(&reader, "SELECT * FROM m").await["error"].as_str().unwrap().to_owned();
    assert!(error.contains(&*lost), "{error}");
    reader.stop().await.unwrap();
    writer.stop().await.unwrap();
}

/// A reader answers while the writer writes, compacts and deletes without any grace: no error, and no row is missed that
/// an answer before had.
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_answers_while_files_are_compacted_and_deleted() {
    let place = Place::local();
    let writer = place.writer().await;
    query(&writer, "CREATE DATABASE d").await;
    write_files(&writer, 0..1).await;
    let reader = place.reader("5").await;
    let done = AtomicBool::new(false);
    let change = async {
        for round in 0..12 {
            write_files(&writer, round * 5 + 1..round * 5 + 6).await;
            writer.engine().compact().await.unwrap();
            place.delete_unreferenced(&writer).await;
        }
        done.store(true, Ordering::Relaxed);
    };
    let look = async {
        let (mut last, mut answers) = (0, 0);
        while !done.load(Ordering::Relaxed) {
            let answer = query(&reader, "SELECT count(f) FROM m").await;
            let count = answer["series"][0]["values"][0][1].as_i64().unwrap_or_else(|| panic!("{answer}"));
            assert!(count >= last, "{last} rows, and then {count}");
            (last, answers) = (count, answers + 1);
        }
        answers
    };
    let ((), answers) = tokio::join!(change, look);
    assert!(answers > 5, "it was asked while things changed: {answers}");
    reader.engine().refresh().await.unwrap();
    assert_eq!(query(&reader, "SELECT count(f) FROM m").await["series"][0]["values"], json!([[0, 61]]));
    reader.stop().await.unwrap();
    writer.stop().await.unwrap();
}

#[tokio::test]
async fn a_reader_needs_a_store_of_another_server() {
    let place = Place::local();
    let settings = [("read_only.enabled", "true")];
    let refused = App::start(&place.config(&settings)).await.err().expect("there is no store").to_string();
    assert!(refused.starts_with("cannot open the folder"), "{refused}");
    let mut config = Config::default();
    config.set("read_only.enabled", "true").unwrap();
    config.set("object_store.url", "memory:///").unwrap();
    let refused =
        config.fitted_to(&Machine { memory_bytes: 2 << 30, core_count: 2 }).unwrap_err().to_string();
    assert!(refused.contains("read_only.enabled"), "{refused}");
}

/// A start took the store before it found that it could not serve: the server that wrote there refused writes from then on.
#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_fails_leaves_the_store_to_the_server_that_writes() {
    let place = Place::local();
    let writer = place.writer().await;
    query(&writer, "CREATE DATABASE d").await;
    let other = tempfile::tempdir().unwrap();
    let store = place.config(&[]).store_folder();
    let port = writer.address().to_string();
    std::fs::write(other.path().join("spill"), "no folder").unwrap();
    for (name, value, expected) in [
        ("bind", port.as_str(), "cannot listen on "),
        ("subscriber.ca_certs", "/nowhere/ca.pem", "setting subscriber.ca_certs: "),
        ("bind", "127.0.0.1:0", "cannot use the folder "),
    ] {
        let settings = [
            ("data", other.path().to_str().unwrap()),
            ("object_store.url", store.to_str().unwrap()),
            (name, value),
        ];
        let refused = App::start(&place.config(&settings)).await.err().expect(name).to_string();
        assert!(refused.starts_with(expected), "{refused}");
        write_files(&writer, 0..1).await;
    }
    writer.stop().await.unwrap();
}
