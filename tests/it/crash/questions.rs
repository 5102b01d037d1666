//! What the crash test asks the server process.

use super::ledger::{MEASUREMENTS, Point, first_time_ns};
use crate::process::Server;
use serde_json::Value;

pub(super) const DATABASE: &str = "crash";

/// With at most 100 points in a batch, an answer stays below the 10000 rows of InfluxDB's chunks.
const BATCHES_PER_QUERY: u64 = 100;

pub(super) fn create_database(server: &Server) {
    server.query(DATABASE, &format!("CREATE DATABASE {DATABASE}"));
}

/// Every point of the batches from `from` on, of which there are about `to - from`. Asks for a few at a time:
/// InfluxDB marks long answers as partial.
pub(super) fn read_points(server: &Server, from: u64, to: u64) -> Vec<Point> {
    let mut points = Vec::new();
    let mut start = from;
    loop {
        let end = start + BATCHES_PER_QUERY;
        let mut range = format!("time >= {}", first_time_ns(start));
        if end <= to {
            range += &format!(" AND time < {}", first_time_ns(end));
        }
        for measurement in MEASUREMENTS {
            read_range(server, measurement, &range, &mut points);
        }
        if end > to {
            return points;
        }
        start = end;
    }
}

fn read_range(server: &Server, measurement: &str, range: &str, points: &mut Vec<Point>) {
    let columns = "batch, index, note, size, writer";
    let answer = server.query(DATABASE, &format!("SELECT {columns} FROM {measurement} WHERE {range}"));
    let series = answer["results"][0]["series"].as_array().map(Vec::as_slice).unwrap_or_default();
    for series in series {
        assert_eq!(series["name"], measurement);
        assert!(series["partial"].is_null(), "the answer was cut");
        let rows = series["values"].as_array().expect("a series has values");
        points.extend(rows.iter().map(|row| point_of(measurement, row)));
    }
}

/// Asks for nothing that a crash explains: after SIGKILL the log of the server never speaks of damage.
pub(super) fn check_log(server: &Server) {
    let log = server.log_text();
    let suspicious = ["quarantine", "damaged", "panicked"].into_iter().find(|word| log.contains(word));
    assert!(suspicious.is_none(), "the server's log speaks of {suspicious:?}:\n{log}");
}

fn point_of(measurement: &str, row: &Value) -> Point {
    let number = |at: usize| row[at].as_u64().unwrap_or_else(|| panic!("column {at} of {row}"));
    let text = |at: usize| row[at].as_str().unwrap_or_else(|| panic!("column {at} of {row}")).to_owned();
    Point {
        measurement: measurement.to_owned(),
        time_ns: row[0].as_i64().unwrap_or_else(|| panic!("the time of {row}")),
        batch: number(1),
        index: number(2),
        note: text(3),
        size: number(4),
        writer: text(5),
    }
}
