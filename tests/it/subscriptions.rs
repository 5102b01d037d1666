//! Writes that are handed on to subscriptions: over real sockets, to another server and to destinations that take nothing.
//!
//! What is sent and counted was observed at InfluxDB 1.6.7 with a listener in place of the destinations.

use crate::scenario::http::{Request, Response, percent_encode, send};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tidegauge::app::App;
use tidegauge::config::{Config, Machine};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Until then what is handed on must have come. Generous: machines that run tests are busy.
const ARRIVAL_TIMEOUT: Duration = Duration::from_secs(60);

async fn start_in(folder: &TempDir, settings: &[(&str, &str)]) -> App {
    let mut config = Config::default();
    config.set("bind", "127.0.0.1:0").unwrap();
    config.set("data", folder.path().to_str().unwrap()).unwrap();
    for (name, value) in settings {
        config.set(name, value).unwrap();
    }
    let config = config.fitted_to(&Machine { memory_bytes: 2 << 30, core_count: 2 }).unwrap();
    App::start(&config).await.unwrap()
}

/// A server with the database `d`.
async fn start(settings: &[(&str, &str)]) -> (App, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let app = start_in(&folder, settings).await;
    run(&app, "CREATE DATABASE d").await;
    (app, folder)
}

async fn ask(address: SocketAddr, method: &str, target: String, body: &str) -> Response {
    let request = Request { method: method.into(), target, headers: Vec::new(), body: body.into() };
    tokio::task::spawn_blocking(move || send(address, &request).unwrap()).await.unwrap()
}

/// The result of one statement.
async fn query(app: &App, text: &str) -> Value {
    let target = format!("/query?db=d&epoch=ns&q={}", percent_encode(text));
    let response = ask(app.address(), "POST", target, "").await;
    serde_json::from_slice::<Value>(&response.body).unwrap()["results"][0].clone()
}

/// Runs a statement that must not fail.
async fn run(app: &App, text: &str) {
    assert_eq!(query(app, text).await, json!({"statement_id": 0}), "{text}");
}

async fn subscribe(app: &App, name: &str, mode: &str, urls: &[&str]) {
    let urls: Vec<String> = urls.iter().map(|url| format!("'{url}'")).collect();
    run(app, &format!("CREATE SUBSCRIPTION {name} ON d.autogen DESTINATIONS {mode} {}", urls.join(", ")))
        .await;
}

/// Writes with the parameters, which begin with `db=d`; the status of the answer.
async fn write_with(app: &App, parameters: &str, lines: &str) -> u16 {
    ask(app.address(), "POST", format!("/write?{parameters}"), lines).await.status
}

async fn write(app: &App, lines: &str) {
    assert_eq!(write_with(app, "db=d", lines).await, 204, "{lines}");
}

/// The series of SHOW STATS called so: tags and figures by column.
async fn stats(app: &App, name: &str) -> Vec<(Value, Value)> {
    let result = query(app, &format!("SHOW STATS FOR '{name}'")).await;
    let figures = |series: &Value| {
        let columns =
            series["columns"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned());
        columns.zip(series["values"][0].as_array().unwrap().iter().cloned()).collect::<Value>()
    };
    let series = result["series"].as_array().unwrap();
    series.iter().map(|series| (series["tags"].clone(), figures(series))).collect()
}

/// What SHOW STATS says of each destination: points written and failures.
async fn destinations(app: &App) -> Vec<(i64, i64)> {
    let figures = stats(app, "subscriber").await;
    let of = |figures: &Value, name: &str| figures[name].as_i64().unwrap();
    figures[1..].iter().map(|(_, f)| (of(f, "pointsWritten"), of(f, "writeFailures"))).collect()
}

/// Waits until every destination has these figures.
async fn until_destinations(app: &App, expected: &[(i64, i64)]) {
    let start = Instant::now();
    loop {
        let found = destinations(app).await;
        if found == expected {
            return;
        }
        assert!(start.elapsed() < ARRIVAL_TIMEOUT, "expected {expected:?}, found {found:?}");
        tokio::task::yield_now().await;
    }
}

async fn metric(app: &App, name: &str) -> u64 {
    let text = String::from_utf8(ask(app.address(), "GET", "/metrics".into(), "").await.body).unwrap();
    let line =
        text.lines().find_map(|line| line.strip_prefix(&format!("tidegauge_{name}"))?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{name} in {text}")).parse().unwrap()
}

/// A request as it came.
#[derive(Debug)]
struct Received {
    line: String,
    authorization: Option<String>,
    body: String,
}

/// A destination that keeps what it gets and answers with a status; with none when that is 0.
struct Listener {
    address: SocketAddr,
    status: Arc<AtomicU16>,
    received: mpsc::UnboundedReceiver<Received>,
    task: JoinHandle<()>,
}

impl Listener {
    async fn start(status: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, status) = (listener.local_addr().unwrap(), Arc::new(AtomicU16::new(status)));
        let (sender, received) = mpsc::unbounded_channel();
        let answered = status.clone();
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(converse(stream, answered.clone(), sender.clone()));
            }
        });
        Self { address, status, received, task }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    async fn next(&mut self) -> Received {
        let received = tokio::time::timeout(ARRIVAL_TIMEOUT, self.received.recv()).await;
        received.expect("a request in time").unwrap()
    }

    /// The next write.
    async fn lines(&mut self) -> String {
        self.next().await.body
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Answers the requests of a connection.
async fn converse(stream: TcpStream, status: Arc<AtomicU16>, sender: mpsc::UnboundedSender<Received>) {
    let mut stream = BufReader::new(stream);
    loop {
        let mut head = Vec::new();
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                return;
            }
            let line = line.trim_end().to_owned();
            if line.is_empty() {
                break;
            }
            head.push(line);
        }
        let header = |name: &str| {
            let header = head.iter().filter_map(|line| line.split_once(": "));
            header.clone().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned())
        };
        let length = header("content-length").map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.unwrap();
        let body = String::from_utf8(body).unwrap();
        let _ = sender.send(Received { line: head[0].clone(), authorization: header("authorization"), body });
        let answer = match status.load(Ordering::Relaxed) {
            0 => {
                std::future::pending::<()>().await;
                return;
            }
            204 => "HTTP/1.1 204 No Content\r\n\r\n".to_owned(),
            302 => "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n".to_owned(),
            status => format!("HTTP/1.1 {status} X\r\nContent-Length: 2\r\n\r\nno"),
        };
        if stream.get_mut().write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// A URL where nobody listens.
async fn dead_url() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_to_one_server_appear_in_another() {
    let ((a, _a), (b, _b)) = (start(&[]).await, start(&[]).await);
    run(&b, "CREATE RETENTION POLICY other ON d DURATION INF REPLICATION 1").await;
    run(&a, "CREATE RETENTION POLICY other ON d DURATION INF REPLICATION 1").await;
    write(&a, "before f=1 1").await;
    let url = format!("http://{}", b.address());
    subscribe(&a, "s", "ALL", &[&url]).await;
    run(&a, &format!("CREATE SUBSCRIPTION o ON d.other DESTINATIONS ANY '{url}'")).await;

    // Every type and escape, with and without a time.
    write(&a, "m\\ 1,b=2,a\\,=x\\ y f=1.5,i=-2i,s=\"say \\\"hi\\\"\\\\\ntwo\",b=true 5\nm\\ 1 f=2").await;
    assert_eq!(write_with(&a, "db=d&precision=s", "m f=1,g=2 -3\nm f=2 4").await, 204);
    assert_eq!(write_with(&a, "db=d&rp=other", "r f=1 1").await, 204);
    // What was refused is not handed on: a type conflict, and a line that is none.
    assert_eq!(write_with(&a, "db=d", "m f=\"text\" 6\nm f=7 7").await, 400);
    assert_eq!(write_with(&a, "db=d", "bad\nm f=8 8").await, 400);
    // What queries write is.
    let into = query(&a, "SELECT f INTO copy FROM m GROUP BY *").await;
    assert_eq!(into["series"][0]["values"][0][1], 4);
    until_destinations(&a, &[(10, 0), (1, 0)]).await;

    for select in
        ["SELECT * FROM \"m 1\"", "SELECT * FROM m", "SELECT * FROM d.other.r", "SELECT * FROM copy"]
    {
        let rows = query(&a, select).await;
        assert!(
            rows["series"][0]["values"].as_array().is_some_and(|rows| !rows.is_empty()),
            "{select}: {rows}"
        );
        assert_eq!(query(&b, select).await, rows, "{select}");
    }
    assert_eq!(query(&b, "SELECT * FROM before").await, json!({"statement_id": 0}));
    assert_eq!(metric(&a, "subscriber_points_written_total").await, 11);
    assert_eq!(metric(&a, "subscriber_held_bytes").await, 0);
    a.stop().await.unwrap();
    b.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_is_what_influxdb_sends() {
    let (app, _folder) = start(&[]).await;
    let (mut plain, mut with_path) = (Listener::start(204).await, Listener::start(200).await);
    let with_user = format!("http://user:p%40w@{}", plain.address);
    let path = format!("{}/some/path?x=1", with_path.url());
    subscribe(&app, "s", "ALL", &[&with_user, &path]).await;
    write(&app, "m,b=2,a=x\\ y f=0.5,i=2i 5").await;
    let received = plain.next().await;
    assert_eq!(received.line, "POST /write?consistency=&db=d&precision=ns&rp=autogen HTTP/1.1");
    assert_eq!(received.authorization.as_deref(), Some("Basic dXNlcjpwQHc="));
    assert_eq!(received.body, "m,a=x\\ y,b=2 f=0.5,i=2i 5\n");
    let received = with_path.next().await;
    assert_eq!(received.line, "POST /some/path/write?consistency=&db=d&precision=ns&rp=autogen&x=1 HTTP/1.1");
    assert_eq!(received.authorization, None);

    until_destinations(&app, &[(1, 0), (1, 0)]).await;
    let figures = stats(&app, "subscriber").await;
    let totals = json!({"createFailures": 0, "pointsWritten": 1, "writeFailures": 0});
    assert_eq!(figures[0], (Value::Null, totals));
    let tags = json!({
        "database": "d", "destination": format!("http://user:xxxxx@{}", plain.address), "mode": "ALL",
        "name": "s", "retention_policy": "autogen",
    });
    assert_eq!(figures[1], (tags, json!({"pointsWritten": 1, "writeFailures": 0})));
    app.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_write_becomes_several_requests() {
    let (app, _folder) = start(&[]).await;
    let mut listener = Listener::start(204).await;
    subscribe(&app, "s", "ANY", &[&listener.url()]).await;
    let text = "x".repeat(60_000);
    let lines: Vec<String> = (0..40).map(|time| format!("m s=\"{text}\" {time}")).collect();
    write(&app, &lines.join("\n")).await;
    until_destinations(&app, &[(40, 0)]).await;
    let mut bodies = Vec::new();
    while let Ok(received) = listener.received.try_recv() {
        bodies.push(received.body);
    }
    assert_eq!(bodies.len(), 3, "a MiB and a line each, and the rest");
    assert_eq!(bodies.concat().trim_end(), lines.join("\n"));
    app.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_datagram_is_a_point() {
    let (app, _folder) = start(&[]).await;
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    subscribe(&app, "s", "ALL", &[&format!("udp://{}", socket.local_addr().unwrap())]).await;
    write(&app, "m f=1,s=\"two\nlines\" 5\nm,a=b f=2 6\n").await;
    for expected in ["m f=1.0,s=\"two\nlines\" 5", "m,a=b f=2.0 6"] {
        let mut datagram = [0; 2_000];
        let length =
            tokio::time::timeout(ARRIVAL_TIMEOUT, socket.recv(&mut datagram)).await.unwrap().unwrap();
        assert_eq!(String::from_utf8_lossy(&datagram[..length]), expected);
    }
    until_destinations(&app, &[(2, 0)]).await;
    app.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn all_is_every_destination_whatever_the_others_do() {
    let (app, _folder) = start(&[]).await;
    let (mut one, mut two, redirecting) =
        (Listener::start(204).await, Listener::start(204).await, Listener::start(302).await);
    let dead = dead_url().await;
    let urls = [&dead, &one.url(), "http://127.0.0.1:99999", &redirecting.url(), &two.url()];
    subscribe(&app, "s", "ALL", &urls).await;
    write(&app, "m f=1 1\nm f=2 2").await;
    assert_eq!(
        (one.lines().await, two.lines().await),
        ("m f=1.0 1\nm f=2.0 2\n".into(), "m f=1.0 1\nm f=2.0 2\n".into())
    );
    until_destinations(&app, &[(0, 1), (2, 0), (0, 1), (0, 1), (2, 0)]).await;
    let (_, totals) = &stats(&app, "subscriber").await[0];
    assert_eq!(*totals, json!({"createFailures": 0, "pointsWritten": 0, "writeFailures": 1}));
    assert_eq!(metric(&app, "subscriber_write_failures_total").await, 1);
    app.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn any_is_one_after_the_other_until_one_takes_it() {
    let (app, _folder) = start(&[]).await;
    let (refusing, mut one, mut two) =
        (Listener::start(500).await, Listener::start(204).await, Listener::start(200).await);
    let dead = dead_url().await;
    subscribe(&app, "s", "ANY", &[&dead, &refusing.url(), &one.url(), &two.url()]).await;
    for (time, expected) in [
        (1, [(0, 1), (0, 1), (1, 0), (0, 0)]),
        (2, [(0, 1), (0, 1), (1, 0), (1, 0)]),
        (3, [(0, 2), (0, 2), (2, 0), (1, 0)]),
        (4, [(0, 2), (0, 2), (2, 0), (2, 0)]),
    ] {
        write(&app, &format!("m f={time} {time}")).await;
        until_destinations(&app, &expected).await;
    }
    assert_eq!((one.lines().await, one.lines().await), ("m f=1.0 1\n".into(), "m f=3.0 3\n".into()));
    assert_eq!((two.lines().await, two.lines().await), ("m f=2.0 2\n".into(), "m f=4.0 4\n".into()));
    let (_, totals) = &stats(&app, "subscriber").await[0];
    assert_eq!(*totals, json!({"createFailures": 0, "pointsWritten": 2, "writeFailures": 2}));

    // It comes to itself.
    refusing.status.store(204, Ordering::Relaxed);
    write(&app, "m f=5 5").await;
    until_destinations(&app, &[(0, 3), (1, 2), (2, 0), (2, 0)]).await;
    app.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destination_that_does_not_answer_costs_no_write() {
    let settings = [("subscriber.write_concurrency", "1"), ("subscriber.write_buffer_size", "2")];
    let (app, _folder) = start(&settings).await;
    let mut silent = Listener::start(0).await;
    subscribe(&app, "s", "ALL", &[&silent.url()]).await;
    write(&app, "m f=0 0").await;
    silent.next().await;
    // One is under way, two wait.
    for time in 1..10 {
        write(&app, &format!("m f={time} {time}")).await;
    }
    let (_, writes) = &stats(&app, "write").await[0];
    assert_eq!((&writes["subWriteOk"], &writes["subWriteDrop"]), (&json!(3), &json!(7)));
    let (_, totals) = &stats(&app, "subscriber").await[0];
    assert_eq!(*totals, json!({"createFailures": 0, "pointsWritten": 0, "writeFailures": 7}));
    assert_eq!(metric(&app, "subscriber_writes_dropped_total").await, 7);
    assert_eq!(metric(&app, "subscriber_points_dropped_total").await, 7);
    assert!(metric(&app, "subscriber_held_bytes").await > 0);
    assert_eq!(query(&app, "SELECT count(f) FROM m").await["series"][0]["values"], json!([[0, 10]]));

    // What is under way and what waits ends with the subscription.
    run(&app, "DROP SUBSCRIPTION s ON d.autogen").await;
    let start = Instant::now();
    while metric(&app, "subscriber_held_bytes").await > 0 {
        assert!(start.elapsed() < ARRIVAL_TIMEOUT, "it is let go of");
    }
    assert_eq!(destinations(&app).await, []);
    app.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destination_that_takes_too_long_has_failed() {
    let (app, _folder) = start(&[("subscriber.http_timeout_s", "1")]).await;
    let silent = Listener::start(0).await;
    subscribe(&app, "s", "ANY", &[&silent.url()]).await;
    write(&app, "m f=0 0").await;
    until_destinations(&app, &[(0, 1)]).await;
    app.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_memory_of_what_waits_is_bounded() {
    let (app, _folder) = start(&[("subscriber.total_buffer_bytes", "5000")]).await;
    let mut listener = Listener::start(204).await;
    subscribe(&app, "s", "ALL", &[&listener.url()]).await;
    let lines: Vec<String> = (0..1_000).map(|time| format!("m f=1 {time}")).collect();
    write(&app, &lines.join("\n")).await;
    write(&app, "m f=2 2").await;
    assert_eq!(listener.lines().await, "m f=2.0 2\n");
    assert_eq!(metric(&app, "subscriber_points_dropped_total").await, 1_000);
    app.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn dropping_ends_it() {
    let (app, _folder) = start(&[]).await;
    run(&app, "CREATE RETENTION POLICY p ON d DURATION INF REPLICATION 1").await;
    run(&app, "CREATE DATABASE other").await;
    let (mut dropped, mut left) = (Listener::start(204).await, Listener::start(204).await);
    subscribe(&app, "s", "ALL", &[&dropped.url()]).await;
    run(&app, &format!("CREATE SUBSCRIPTION s ON d.p DESTINATIONS ALL '{}'", dropped.url())).await;
    run(&app, &format!("CREATE SUBSCRIPTION s ON other.autogen DESTINATIONS ALL '{}'", dropped.url())).await;
    write(&app, "m f=1 1").await;
    assert_eq!(dropped.lines().await, "m f=1.0 1\n");
    subscribe(&app, "t", "ALL", &[&left.url()]).await;
    run(&app, "DROP SUBSCRIPTION s ON d.autogen").await;
    run(&app, "DROP RETENTION POLICY p ON d").await;
    run(&app, "DROP DATABASE other").await;
    run(&app, "CREATE RETENTION POLICY p ON d DURATION INF REPLICATION 1").await;
    run(&app, "CREATE DATABASE other").await;
    for parameters in ["db=d&rp=p", "db=other", "db=d"] {
        assert_eq!(write_with(&app, parameters, "m f=2 2").await, 204);
    }
    // This one came last and is there, so the others would be.
    assert_eq!(left.lines().await, "m f=2.0 2\n");
    until_destinations(&app, &[(1, 0)]).await;
    assert!(dropped.received.try_recv().is_err(), "nothing more was handed on");
    // It can be made anew.
    subscribe(&app, "s", "ALL", &[&dropped.url()]).await;
    write(&app, "m f=3 3").await;
    assert_eq!(dropped.lines().await, "m f=3.0 3\n");
    app.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn it_goes_on_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let mut listener = Listener::start(204).await;
    let app = start_in(&folder, &[]).await;
    run(&app, "CREATE DATABASE d").await;
    subscribe(&app, "s", "ALL", &[&listener.url()]).await;
    // What waits when the server is stopped is handed on before it ends.
    for time in 0..20 {
        write(&app, &format!("m f=1 {time}")).await;
    }
    app.stop().await.unwrap();
    let mut bodies = Vec::new();
    while let Ok(received) = listener.received.try_recv() {
        bodies.push(received.body);
    }
    bodies.sort();
    let mut expected: Vec<String> = (0..20).map(|time| format!("m f=1.0 {time}\n")).collect();
    expected.sort();
    assert_eq!(bodies, expected);

    let app = start_in(&folder, &[]).await;
    write(&app, "m f=2 20").await;
    assert_eq!(listener.lines().await, "m f=2.0 20\n");
    until_destinations(&app, &[(1, 0)]).await;
    app.stop().await.unwrap();
    // Unless it is switched off.
    let app = start_in(&folder, &[("subscriber.enabled", "false")]).await;
    write(&app, "m f=3 21").await;
    assert_eq!(stats(&app, "subscriber").await.len(), 1);
    app.stop().await.unwrap();
    assert!(listener.received.try_recv().is_err());
}
