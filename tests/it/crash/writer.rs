//! A writer: sends one batch after the other over one connection until the server is gone.

use super::ledger::{Ledger, Point};
use super::questions::DATABASE;
use super::wide::wide_lines;
use fastrand::Rng;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Most points of a batch.
const BATCH_POINTS_MAX: u64 = 100;

/// How long a writer that was refused waits.
const RETRY_AFTER: Duration = Duration::from_millis(10);

/// Writes until the connection breaks and no other can be made.
pub(super) fn write_until_gone(writer: usize, address: SocketAddr, ledger: &Ledger, mut random: Rng) {
    let Ok(mut connection) = connect(address) else { return };
    loop {
        let size = random.u64(1..=BATCH_POINTS_MAX);
        let batch = ledger.enter(writer, size);
        let mut body: String = (0..size).map(|index| Point::new(writer, batch, size, index).line()).collect();
        body += &wide_lines(writer, batch, size);
        match post(&mut connection, address, &body) {
            Ok((204, _)) => ledger.acknowledge(batch),
            // "Try again later": the books keep it as unknown, because a log that has stopped says so too.
            Ok((503, _)) => std::thread::sleep(RETRY_AFTER),
            Ok((status, answer)) => panic!("the server refused a correct batch with {status}: {answer}"),
            Err(_) => return,
        }
    }
}

fn connect(address: SocketAddr) -> io::Result<BufReader<TcpStream>> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    Ok(BufReader::new(stream))
}

/// Sends a body of line protocol and reads the answer: status and body.
fn post(connection: &mut BufReader<TcpStream>, address: SocketAddr, body: &str) -> io::Result<(u16, String)> {
    let length = body.len();
    let request = format!(
        "POST /write?db={DATABASE}&precision=ns HTTP/1.1\r\nHost: {address}\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    connection.get_mut().write_all(request.as_bytes())?;
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if connection.read_line(&mut head)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    let status = status.ok_or(io::ErrorKind::InvalidData)?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    let mut answer = vec![0; length.unwrap_or(0)];
    connection.read_exact(&mut answer)?;
    Ok((status, String::from_utf8_lossy(&answer).into_owned()))
}
