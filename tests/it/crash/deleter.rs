//! A deleter: deletes one acknowledged batch after the other until the server is gone.

use super::ledger::{Ledger, first_time_ns};
use super::questions::DATABASE;
use crate::scenario::http::{Request, percent_encode, send};
use fastrand::Rng;
use std::net::SocketAddr;
use std::time::Duration;

/// How long it rests after a deletion, at most: a deletion stops all writers for a moment.
const REST_US_MAX: u64 = 20_000;

/// Deletes until no connection can be made, or the server goes amid a deletion, or all has been written.
pub(super) fn delete_until_gone(address: SocketAddr, ledger: &Ledger, mut random: Rng) {
    loop {
        std::thread::sleep(Duration::from_micros(random.u64(..REST_US_MAX)));
        let Some(batch) = ledger.enter_deletion(&mut random) else {
            if is_gone(address) {
                return;
            }
            continue;
        };
        let (first, end) = (first_time_ns(batch), first_time_ns(batch + 1));
        match query(address, &format!("DELETE WHERE time >= {first} AND time < {end}")) {
            Ok(answer) => {
                assert!(!answer.contains("\"error\""), "batch {batch} cannot be deleted: {answer}");
                ledger.deleted(batch);
            }
            Err(_) => return,
        }
    }
}

fn is_gone(address: SocketAddr) -> bool {
    std::net::TcpStream::connect(address).is_err()
}

fn query(address: SocketAddr, statement: &str) -> Result<String, String> {
    let target = format!("/query?db={DATABASE}&q={}", percent_encode(statement));
    let request = Request { method: "POST".into(), target, headers: Vec::new(), body: Vec::new() };
    let response = send(address, &request)?;
    let text = String::from_utf8_lossy(&response.body).into_owned();
    // An answer that was cut off promises nothing.
    if response.status == 200 && text.trim_end().ends_with('}') { Ok(text) } else { Err(text) }
}
