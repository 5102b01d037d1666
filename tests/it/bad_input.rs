//! Input that no client should send, over real sockets: each is answered with a clear error, costs no point that was
//! acknowledged, and leaves a server that answers the next request.

use crate::scenario::http::{Request, Response, percent_encode, send};
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tempfile::TempDir;
use tidegauge::app::App;
use tidegauge::config::{Config, Machine};
use tokio::runtime::{Builder, Runtime};

const BODY_BYTES_MAX: usize = 8_000_000;
const UNPACKED_BODY_BYTES_MAX: usize = 16_000_000;
/// A socket that stays silent for so long fails the test.
const SOCKET_TIMEOUT: Duration = Duration::from_secs(120);

/// A server with the database `d`, and `alive`, whose points are counted.
struct Server {
    address: SocketAddr,
    alive_count: AtomicUsize,
    _parts: (App, Runtime, TempDir),
}

impl Server {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        for (name, value) in [
            ("bind", "127.0.0.1:0"),
            ("data", folder.path().to_str().unwrap()),
            ("http.body_bytes_max", &BODY_BYTES_MAX.to_string()),
            ("http.body_decompressed_bytes_max", &UNPACKED_BODY_BYTES_MAX.to_string()),
        ] {
            config.set(name, value).unwrap();
        }
        let config = config.fitted_to(&Machine { memory_bytes: 2 << 30, core_count: 2 }).unwrap();
        let runtime = Builder::new_multi_thread().enable_all().build().unwrap();
        let app = runtime.block_on(App::start(&config)).unwrap();
        let server =
            Self { address: app.address(), alive_count: AtomicUsize::new(0), _parts: (app, runtime, folder) };
        for database in ["d", "alive"] {
            let response = server.query(&format!("CREATE DATABASE {database}"));
            assert_eq!(response.status, 200);
        }
        server
    }

    fn post(&self, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Response {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let request = Request {
            method: "POST".to_owned(),
            target: target.to_owned(),
            headers: headers.collect(),
            body: body.to_vec(),
        };
        send(self.address, &request).unwrap()
    }

    fn query(&self, q: &str) -> Response {
        let form = [("Content-Type", "application/x-www-form-urlencoded")];
        self.post("/query?db=d&epoch=s", &form, format!("q={}", percent_encode(q)).as_bytes())
    }

    fn query_text(&self, q: &str) -> String {
        String::from_utf8(self.query(q).body).unwrap()
    }

    /// Checks the status, what the answer says, and that the server lives on.
    #[track_caller]
    fn check(&self, response: &Response, status: u16, text: &str) {
        let body = String::from_utf8_lossy(&response.body);
        assert_eq!((response.status, body.trim_end().contains(text)), (status, true), "{body:.2000}");
        self.check_alive();
    }

    #[track_caller]
    fn check_write(&self, body: impl AsRef<[u8]>, status: u16, text: &str) {
        self.check(&self.post("/write?db=d&precision=s", &[], body.as_ref()), status, text);
    }

    #[track_caller]
    fn check_gzip(&self, body: &[u8], status: u16, text: &str) {
        let gzip = [("Content-Encoding", "gzip")];
        self.check(&self.post("/write?db=d&precision=s", &gzip, body), status, text);
    }

    #[track_caller]
    fn check_query(&self, q: &str, status: u16, text: &str) {
        self.check(&self.query(q), status, text);
    }

    /// Sends bytes as they are, hangs up, and gives what came back.
    fn send_raw(&self, bytes: &[u8]) -> Vec<u8> {
        let mut socket = TcpStream::connect(self.address).unwrap();
        socket.set_read_timeout(Some(SOCKET_TIMEOUT)).unwrap();
        let mut answer = Vec::new();
        // The server may hang up first; that is an answer too.
        if socket.write_all(bytes).is_ok() && socket.shutdown(Shutdown::Write).is_ok() {
            let _hung_up = socket.read_to_end(&mut answer);
        }
        answer
    }

    /// One more point is taken and all before it are there.
    #[track_caller]
    fn check_alive(&self) {
        let count = self.alive_count.fetch_add(1, Ordering::SeqCst) + 1;
        let written = self.post("/write?db=alive&precision=s", &[], format!("m f=1 {count}").as_bytes());
        assert_eq!(written.status, 204);
        let text = self.query_text("SELECT count(f) FROM alive..m");
        assert!(text.contains(&format!("[0,{count}]")), "{text}");
    }

    /// How many points the measurement of `d` has.
    fn count(&self, measurement: &str) -> usize {
        let text = self.query_text(&format!("SELECT count(f) FROM {measurement}"));
        let count = text.split_once("[0,").and_then(|(_, rest)| rest.split_once(']'));
        count.map_or(0, |(count, _)| count.parse().unwrap())
    }
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn bad_writes_are_named_and_the_rest_is_stored() {
    let server = Server::start();
    let unknown = server.post("/write?db=nosuch", &[], b"m f=1 1");
    server.check(&unknown, 404, r#"database not found: \"nosuch\""#);
    let body = "m f=1 1\nm f=\nm f=2 2\n,x f=1\nm f=3 3";
    server.check_write(body, 400, "unable to parse 'm f=': missing field value");
    assert_eq!(server.count("m"), 3);
    server.check_write("m f=4 4\nm f=\"text\" 5\nm f=6 6", 400, "field type conflict: input field");
    assert_eq!(server.count("m"), 5);
    server.check_write(b"m f=7 7\n\xff\xfe f=1 8\nm f=9 9", 400, "invalid UTF-8");
    assert_eq!(server.count("m"), 7);
    let long_tag = format!("m,h={} f=1 10\nm f=11 11", "x".repeat(70_000));
    server.check_write(long_tag, 400, "max key length exceeded: ");
    let tags: String = (0..20_000).map(|i| format!(",t{i}=v")).collect();
    server.check_write(format!("m{tags} f=1 12\nm f=13 13"), 400, "max key length exceeded: ");
    assert_eq!(server.count("m"), 9);
    server.check_write("m f=1 99999999999999999999", 400, "unable to parse");
    server.check_write("m f=1e999 1", 400, "invalid float");
    server.check_write("\0\0\0\u{1}garbage\n", 400, "unable to parse");
    server.check_write(",".repeat(100_000), 400, "missing measurement");
    assert_eq!(server.count("m"), 9);
}

/// InfluxDB 1.6.7 says so too: of points that are too old it tells only when nothing else is wrong with points. It does not tell of
/// lines beside them.
#[test]
fn points_beyond_retention_are_told_last() {
    let server = Server::start();
    let created = server.query_text("CREATE RETENTION POLICY hour ON d DURATION 1h REPLICATION 1");
    assert!(!created.contains("error"), "{created}");
    let check = |body: &str, text: &str| {
        let response = server.post("/write?db=d&rp=hour&precision=s", &[], body.as_bytes());
        server.check(&response, if text.is_empty() { 204 } else { 400 }, text);
    };
    check("m f=1", "");
    check("m f=1 0\nm f=\"a\"\nbad", "partial write: field type conflict: ");
    check("m f=\"a\" 0\nm f=2 10", "partial write: points beyond retention policy dropped=2");
    check("m,time=1 f=1 0\nm f=2", "partial write: points beyond retention policy dropped=1");
    check(
        "x f=1 0\nbad",
        r"partial write: points beyond retention policy\nunable to parse 'bad': missing fields dropped=1",
    );
    let measurements = server.query_text("SHOW MEASUREMENTS");
    assert!(!measurements.contains("\"x\""), "a refused point makes no measurement: {measurements}");
}

#[test]
fn points_outside_the_write_window_are_refused() {
    let server = Server::start();
    let created = server.query_text(
        "CREATE RETENTION POLICY now ON d DURATION INF REPLICATION 1 FUTURE LIMIT 1h PAST LIMIT 1h",
    );
    assert!(!created.contains("error"), "{created}");
    let check = |body: &str, texts: &[&str]| {
        let response = server.post("/write?db=d&rp=now&precision=s", &[], body.as_bytes());
        let status = if texts.is_empty() { 204 } else { 400 };
        server.check(&response, status, "");
        texts.iter().for_each(|text| server.check(&response, status, text));
    };
    check("m f=1", &[]);
    let lower = "oldest point m,t=a at 1970-01-01T00:00:01Z dropped because it violates a Write Window Lower Bound at ";
    let upper =
        "newest point m at 2200-01-01T00:00:00Z dropped because it violates a Write Window Upper Bound at ";
    check(
        "m f=2 7258118400\nm,t=a f=1 1\nm f=3",
        &[
            "partial write: dropped 2 points outside write window (from ",
            lower,
            upper,
            " dropped=2 for database: d for retention policy: now",
        ],
    );
    check("m f=\"a\"\nm f=1 1", &["partial write: field type conflict: "]);
    check(
        "m f=1 1\nbad",
        &[r"\nunable to parse 'bad': missing fields dropped=1 for database: d for retention policy: now"],
    );
    // Lifted, they are taken.
    server.query_text("ALTER RETENTION POLICY now ON d FUTURE LIMIT INF PAST LIMIT 0s");
    check("m f=2 7258118400\nm,t=a f=1 1", &[]);
}

#[test]
fn packed_bodies_are_bounded() {
    let server = Server::start();
    let good = gzip(b"g f=1 1\ng f=2 2\n");
    server.check_gzip(b"this is no gzip", 400, "gzip: invalid header");
    server.check_gzip(&good[..good.len() - 9], 400, "unexpected EOF");
    let mut bent = good.clone();
    let checksum = bent.len() - 6;
    bent[checksum] ^= 0xff;
    server.check_gzip(&bent, 400, "error");
    assert_eq!(server.count("g"), 0, "a body that does not unpack whole stores nothing");
    let bomb = gzip(&vec![b'\n'; 8 * UNPACKED_BODY_BYTES_MAX]);
    assert!(bomb.len() < BODY_BYTES_MAX);
    server.check_gzip(&bomb, 413, "Request Entity Too Large");
    server.check_write(vec![b' '; BODY_BYTES_MAX + 1], 413, "Request Entity Too Large");
    server.check_gzip(&good, 204, "");
    assert_eq!(server.count("g"), 2);
}

#[test]
fn a_body_without_length_is_bounded() {
    let server = Server::start();
    let mut message =
        b"POST /write?db=d HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
            .to_vec();
    for _ in 0..=BODY_BYTES_MAX / 1_000_000 {
        message.extend_from_slice(b"f4240\r\n");
        message.extend_from_slice(&vec![b'\n'; 1_000_000]);
        message.extend_from_slice(b"\r\n");
    }
    message.extend_from_slice(b"0\r\n\r\n");
    let mut socket = TcpStream::connect(server.address).unwrap();
    socket.set_read_timeout(Some(SOCKET_TIMEOUT)).unwrap();
    socket.write_all(&message).unwrap();
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 413"), "{:.500}", String::from_utf8_lossy(&answer));
    server.check_alive();
}

/// As InfluxDB 1.6.7, which takes no notice of a larger form and asks for the `q` that it lacks then.
#[test]
fn a_form_counts_up_to_ten_mebibytes() {
    let server = Server::start();
    let form = |bytes: usize| {
        let mut form = b"q=SHOW+DATABASES&x=".to_vec();
        form.resize(bytes, b'a');
        gzip(&form)
    };
    let headers = [("Content-Type", "application/x-www-form-urlencoded"), ("Content-Encoding", "gzip")];
    server.check(&server.post("/query", &headers, &form(10 << 20)), 200, "alive");
    let too_large = form((10 << 20) + 1);
    server.check(&server.post("/query", &headers, &too_large), 400, r#"missing required parameter \"q\""#);
    let with_text = server.post("/query?q=SHOW+RETENTION+POLICIES+ON+d", &headers, &too_large);
    server.check(&with_text, 200, "autogen");
}

#[test]
fn bad_queries_are_refused() {
    let server = Server::start();
    server.check_write("m,h=a f=1,i=1i 1\nm,h=b f=2,i=2i 2", 204, "");
    let bad_utf8 = server.post("/query?db=d&q=SELECT%20f%20FROM%20%FF", &[], b"");
    server.check(&bad_utf8, 400, "error parsing query");
    server.check_query(
        "SELECT f FROM m WHERE time > now() - 99999999999999999999w",
        400,
        "error parsing query",
    );
    server.check_query(
        "SELECT f FROM m WHERE time > now() - 15250w - 15250w",
        200,
        "underflows time literal",
    );
    server.check_query("SELECT mean(f) FROM m GROUP BY time(99999999999w)", 400, "error parsing query");
    server.check_query("CREATE RETENTION POLICY p ON d DURATION 99999999999w REPLICATION 1", 400, "error");
    server.check_query("SELECT f FROM m LIMIT 99999999999999999999", 200, "[2,2]");
    let parentheses = |depth: usize| format!("SELECT {}f{} FROM m", "(".repeat(depth), ")".repeat(depth));
    server.check_query(&parentheses(10_000), 400, "nested too deeply");
    server.check_query(&parentheses(200), 200, "results");
    let condition = format!("SELECT f FROM m WHERE {}f > 0{}", "(".repeat(10_000), ")".repeat(10_000));
    server.check_query(&condition, 400, "nested too deeply");
    server.check_query(&format!("SELECT {}f FROM m", "-".repeat(1_000_000)), 400, "error");
    server.check_query(
        &format!("SELECT f FROM m WHERE h =~ /{}/", r"\pL{100}".repeat(100)),
        400,
        "too large",
    );
    server.check_query("SELECT f FROM m WHERE h =~ /(((a{99}){99}){99}){99}/", 400, "error parsing");
    // Go's expressions do not go back, nor do ours: this takes linear time.
    server.check_write(format!("r,h={} f=1 1", "a".repeat(5_000)), 204, "");
    server.check_query("SELECT f FROM r WHERE h =~ /^(a+)+b$/", 200, "results");
    server.check_query(&"SELECT f FROM m;".repeat(2_000), 200, "results");
    server.check_query(&format!("SELECT f FROM m WHERE h = '{}'", "x".repeat(1 << 20)), 200, "results");
    server.check_query(&format!("SELECT \"{}\" FROM m", "x".repeat(1 << 20)), 200, "results");
}

#[test]
fn long_chains_do_not_overflow_the_stack() {
    let server = Server::start();
    server.check_write("m,h=a f=1,i=1i 1\nm,h=b f=2,i=2i 2", 204, "");
    let text = |clause: &str, link: &str, count: usize, end: &str| {
        format!("SELECT f FROM m WHERE {}{end}", format!("{clause} {link} ").repeat(count))
    };
    server.check_query(&text("h = 'x'", "OR", 200_000, "h = 'a'"), 200, "[1,1]");
    for link in ["OR", "AND"] {
        server.check_query(&text("f > 5", link, 200_000, "f = 1"), 200, "at most 2000 times AND and OR");
        server.check_query(&text("f != 5", link, 1_900, "f = 1"), 200, "[1,1]");
        server.check_query(&text("h != 'x'", link, 900, "f = 1"), 200, "[1,1]");
    }
    server.check_query(&text("(f > 5 OR i > 5)", "AND", 900, "f = 1"), 200, "results");
    server.check_query(&text("(f > 5 AND i > 5)", "OR", 900, "f = 1"), 200, "[1,1]");
    server.check_query(&text("time > 0", "AND", 200_000, "f = 1"), 200, "results");
    server.check_query(&text("time > 0", "OR", 200_000, "f = 1"), 200, "results");
    server.check_query(&format!("SELECT {}f FROM m", "f + ".repeat(200_000)), 200, "at most");
    server.check_query(&format!("SELECT {}f FROM m", "f + ".repeat(100)), 200, "[1,101]");
    let nested = |depth: usize| format!("{}f{}", "(".repeat(depth), " + f - i + f * i)".repeat(depth));
    server.check_query(&format!("SELECT {} FROM m", nested(200)), 200, "at most 100 operators");
    server.check_query(&format!("SELECT f FROM m WHERE {} > 0", nested(200)), 200, "at most 100 operators");
    server.check_query(&format!("SELECT f FROM m WHERE f > {}", nested(33)), 200, "results");
    server.check_query(&format!("SELECT f FROM m WHERE f{} > 0", " - i + i".repeat(100_000)), 200, "at most");
    server.check_query(&format!("SELECT f FROM m WHERE f{}", " = f".repeat(200_000)), 200, "at most");
    server.check_query(&format!("SELECT {}f FROM m", "1 + ".repeat(200_000)), 200, "[1,200001]");
    server.check_query(&format!("SELECT f FROM m WHERE {}f > 0", "f + ".repeat(200_000)), 200, "at most");
    server.check_query(&format!("SELECT f FROM m WHERE time > 0{}", " + 1s".repeat(200_000)), 200, "results");
}

#[test]
fn clients_may_vanish() {
    let server = Server::start();
    let head = "POST /write?db=d&precision=s HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n";
    server.send_raw(format!("{head}v f=1 1\nv f=2 2\n").as_bytes());
    server.check_alive();
    assert_eq!(server.count("v"), 0, "of a body that did not arrive whole nothing is stored");
    let points: String = (0..200_000).map(|time| format!("big f={time} {time}\n")).collect();
    server.check_write(points, 204, "");
    for chunked in ["", "&chunked=true&chunk_size=10"] {
        let mut socket = TcpStream::connect(server.address).unwrap();
        socket.set_read_timeout(Some(SOCKET_TIMEOUT)).unwrap();
        let request =
            format!("GET /query?db=d&q=SELECT%20f%20FROM%20big{chunked} HTTP/1.1\r\nHost: h\r\n\r\n");
        socket.write_all(request.as_bytes()).unwrap();
        let mut first = [0; 100];
        socket.read_exact(&mut first).unwrap();
        assert!(first.starts_with(b"HTTP/1.1 200"));
        drop(socket);
        server.check_alive();
    }
    assert_eq!(server.count("big"), 200_000);
}

#[test]
fn garbage_on_the_port_is_no_request() {
    let server = Server::start();
    let noise: Vec<u8> = (0..65_536_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    for bytes in [
        noise.as_slice(),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\xff\xff\xff\xff\xff\xff\xff",
        b"\r\n\r\n\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /write?db=d HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n",
        b"POST /write?db=d HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999\r\n\r\n",
        b"POST /write?db=d HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nm f=1\r\n",
    ] {
        let answer = server.send_raw(bytes);
        assert!(!answer.starts_with(b"HTTP/1.1 2"), "{:.500}", String::from_utf8_lossy(&answer));
        server.check_alive();
    }
    let long_head = format!("GET /ping HTTP/1.1\r\nHost: h\r\nX: {}\r\n\r\n", "x".repeat(10_000_000));
    assert!(!server.send_raw(long_head.as_bytes()).starts_with(b"HTTP/1.1 2"));
    server.check_alive();
}
