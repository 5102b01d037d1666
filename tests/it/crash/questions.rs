//! What the crash test asks the server process.

use super::ledger::{Found, MEASUREMENTS, Point, first_time_ns};
use super::wide::{WIDE_MEASUREMENT, WideRow};
use crate::process::Server;
use serde_json::Value;
use std::collections::BTreeMap;

pub(super) const DATABASE: &str = "crash";

/// With at most 100 points in a batch, an answer stays below the 10000 rows of InfluxDB's chunks.
const BATCHES_PER_QUERY: u64 = 100;

pub(super) fn create_database(server: &Server) {
    server.query(DATABASE, &format!("CREATE DATABASE {DATABASE}"));
}

/// Everything of the batches from `from` on, of which there are about `to - from`. Asks for a few at a time:
/// InfluxDB marks long answers as partial.
pub(super) fn read_batches(server: &Server, from: u64, to: u64) -> Found {
    let mut found = Found::default();
    let mut start = from;
    loop {
        let end = start + BATCHES_PER_QUERY;
        let mut range = format!("time >= {}", first_time_ns(start));
        if end <= to {
            range += &format!(" AND time < {}", first_time_ns(end));
        }
        for measurement in MEASUREMENTS {
            let columns = "batch, index, note, size, writer";
            let rows = read_range(server, columns, measurement, &range).1;
            found.points.extend(rows.iter().map(|row| point_of(measurement, row)));
        }
        let (columns, rows) = read_range(server, "*", WIDE_MEASUREMENT, &range);
        found.wide_rows.extend(rows.iter().map(|row| wide_row_of(&columns, row)));
        if end > to {
            return found;
        }
        start = end;
    }
}

/// The names of columns and the rows; none of either where there is nothing.
fn read_range(server: &Server, columns: &str, measurement: &str, range: &str) -> (Vec<String>, Vec<Value>) {
    let mut answer = server.query(DATABASE, &format!("SELECT {columns} FROM {measurement} WHERE {range}"));
    let series = match answer["results"][0]["series"].take() {
        Value::Array(series) => series,
        _ => return (Vec::new(), Vec::new()),
    };
    let [mut series] = <[Value; 1]>::try_from(series).expect("without GROUP BY there is one series");
    assert_eq!(series["name"], measurement);
    assert!(series["partial"].is_null(), "the answer was cut");
    let Value::Array(rows) = series["values"].take() else { panic!("a series has values") };
    let columns = series["columns"].as_array().expect("a series has columns");
    (columns.iter().map(text_of).collect(), rows)
}

/// Asks for nothing that a crash explains: after SIGKILL the log of the server never speaks of damage.
pub(super) fn check_log(server: &Server) {
    let log = server.log_text();
    let suspicious = ["quarantine", "damaged", "panicked"].into_iter().find(|word| log.contains(word));
    assert!(suspicious.is_none(), "the server's log speaks of {suspicious:?}:\n{log}");
}

fn point_of(measurement: &str, row: &Value) -> Point {
    let number = |at: usize| row[at].as_u64().unwrap_or_else(|| panic!("column {at} of {row}"));
    Point {
        measurement: measurement.to_owned(),
        time_ns: time_of(row),
        batch: number(1),
        index: number(2),
        note: text_of(&row[3]),
        size: number(4),
        writer: text_of(&row[5]),
    }
}

fn wide_row_of(columns: &[String], row: &Value) -> WideRow {
    let mut values = BTreeMap::new();
    let mut writer = String::new();
    for (at, name) in columns.iter().enumerate() {
        match name.as_str() {
            "time" => {}
            "writer" => writer = text_of(&row[at]),
            _ if row[at].is_null() => {}
            _ => {
                values.insert(name.clone(), row[at].to_string());
            }
        }
    }
    WideRow { time_ns: time_of(row), writer, values }
}

fn time_of(row: &Value) -> i64 {
    row[0].as_i64().unwrap_or_else(|| panic!("the time of {row}"))
}

fn text_of(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}
