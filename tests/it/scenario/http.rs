//! The little HTTP/1.1 that scenarios need, on a plain socket.
//!
//! In: an address and a [`Request`]. Out: a [`Response`] with its body unchunked. One connection per request,
//! so that a server that restarts between two steps is no special case. It knows no redirects, no TLS and no
//! compression: what a scenario sees is what the server sent.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// One request, ready to send.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Request {
    /// `GET`, `POST` …
    pub(crate) method: String,
    /// Path and query string, percent-encoded.
    pub(crate) target: String,
    /// Headers besides `Host`, `Content-Length` and `Connection`.
    pub(crate) headers: Vec<(String, String)>,
    /// The body, empty for none.
    pub(crate) body: Vec<u8>,
}

/// What the server answered.
#[derive(Debug, Clone)]
pub(crate) struct Response {
    /// Status code.
    pub(crate) status: u16,
    /// Headers in the order of arrival.
    pub(crate) headers: Vec<(String, String)>,
    /// The body, transfer encoding removed.
    pub(crate) body: Vec<u8>,
}

impl Response {
    /// The value of the header `name`, in any case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// A server that does not answer for this long fails the scenario instead of hanging the test run.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// Sends `request` to `address` and reads the whole answer.
pub(crate) fn send(address: SocketAddr, request: &Request) -> Result<Response, String> {
    exchange(address, request).map_err(|error| format!("{} {}: {error}", request.method, request.target))
}

fn exchange(address: SocketAddr, request: &Request) -> Result<Response, String> {
    let mut stream =
        TcpStream::connect(address).map_err(|error| format!("cannot connect to {address}: {error}"))?;
    stream.set_read_timeout(Some(ANSWER_TIMEOUT)).map_err(|error| error.to_string())?;
    let mut message =
        format!("{} {} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n", request.method, request.target);
    for (name, value) in &request.headers {
        message.push_str(&format!("{name}: {value}\r\n"));
    }
    message.push_str(&format!("Content-Length: {}\r\n\r\n", request.body.len()));
    let mut bytes = message.into_bytes();
    bytes.extend_from_slice(&request.body);
    stream.write_all(&bytes).map_err(|error| format!("cannot send: {error}"))?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).map_err(|error| format!("cannot read the answer: {error}"))?;
    parse_response(&answer, request.method == "HEAD")
}

fn parse_response(bytes: &[u8], is_head: bool) -> Result<Response, String> {
    let head_end = find(bytes, b"\r\n\r\n").ok_or("the answer has no complete head")?;
    let head = String::from_utf8_lossy(&bytes[..head_end]);
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|code| code.parse().ok());
    let headers = lines.filter_map(|line| line.split_once(':'));
    let mut response = Response {
        status: status.ok_or("the answer has no status line")?,
        headers: headers.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect(),
        body: Vec::new(),
    };
    let body = &bytes[head_end + 4..];
    let chunked =
        response.header("Transfer-Encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked"));
    let length: Option<usize> = response.header("Content-Length").and_then(|length| length.parse().ok());
    response.body = if is_head {
        Vec::new()
    } else if chunked {
        unchunk(body)?
    } else {
        match length {
            Some(length) if length > body.len() => {
                return Err("the answer ends before its Content-Length".to_owned());
            }
            Some(length) => body[..length].to_vec(),
            None => body.to_vec(),
        }
    };
    Ok(response)
}

fn unchunk(mut rest: &[u8]) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    loop {
        let line_end = find(rest, b"\r\n").ok_or("the answer breaks off inside a chunk header")?;
        let line = String::from_utf8_lossy(&rest[..line_end]);
        let size_text = line.split(';').next().unwrap_or_default().trim();
        let size =
            usize::from_str_radix(size_text, 16).map_err(|_| format!("bad chunk size '{size_text}'"))?;
        rest = &rest[line_end + 2..];
        if size == 0 {
            return Ok(body);
        }
        let chunk = rest.get(..size).ok_or("the answer breaks off inside a chunk")?;
        body.extend_from_slice(chunk);
        rest = rest.get(size + 2..).ok_or("the answer breaks off after a chunk")?;
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

/// Percent-encodes `text` for a query string or a form body.
pub(crate) fn percent_encode(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
