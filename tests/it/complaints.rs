//! What users of this field complain about most, each as a test of the real server process: too many files, deletions that free
//! nothing, memory without bound, a full disk, and a loss of power.

use crate::process::{self, Server};
use std::fmt::Write;
use std::path::Path;
use std::time::{Duration, Instant};
use tidegauge::app::App;
use tidegauge::config::{Config, Machine};
use tidegauge::engine::WriteRequest;
use tidegauge::line_protocol::Precision;

/// Until then the server must have done what it does in the background. Generous: machines that run tests are busy.
const UPKEEP_TIMEOUT: Duration = Duration::from_secs(120);

/// How long [`EAGER`] upkeep takes at most to find something to do.
const SEVERAL_ROUNDS: Duration = Duration::from_secs(4);

/// Flushes often, merges whatever can be merged, and deletes at once what is not needed.
const EAGER: [(&str, &str); 6] = [
    ("TIDEGAUGE_BUFFER_FLUSH_BYTES", "1000000"),
    ("TIDEGAUGE_BUFFER_FLUSH_AGE_S", "1"),
    ("TIDEGAUGE_COMPACTION_INTERVAL_S", "1"),
    ("TIDEGAUGE_COMPACTION_QUIET_S", "0"),
    ("TIDEGAUGE_COMPACTION_WORK_PERCENT", "100"),
    ("TIDEGAUGE_COMPACTION_DELETE_AFTER_S", "0"),
];

/// Waits until `is_done` says so.
fn wait_for(what: &str, mut is_done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_done() {
        assert!(start.elapsed() < UPKEEP_TIMEOUT, "it takes too long until {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Paths and sizes of the data files below a folder.
fn data_files(folder: &Path) -> Vec<u64> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() }; // not made yet, or removed meanwhile
    let mut sizes = Vec::new();
    for entry in entries.map_while(Result::ok) {
        match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => sizes.extend(data_files(&entry.path())),
            Ok(metadata) if entry.path().extension().is_some_and(|it| it == "parquet") => {
                sizes.push(metadata.len());
            }
            _ => {}
        }
    }
    sizes
}

fn count(server: &Server, measurement: &str) -> u64 {
    let answer = server.query("db", &format!("SELECT count(value) FROM {measurement}"));
    answer["results"][0]["series"][0]["values"][0][1].as_u64().unwrap_or(0)
}

/// Lines of `measurement` whose texts do not compress.
fn lines(measurement: &str, rows: std::ops::Range<u64>) -> String {
    rows.fold(String::new(), |mut lines, row| {
        let text = u128::from(row).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        let host = row % 50;
        writeln!(lines, "{measurement},host=h{host} text=\"{text:032x}\",value={row}i {}", row * 1_000_000)
            .expect("a string takes everything");
        lines
    })
}

/// InfluxDB 3's free edition refuses a query that needs more than 432 files.
#[test]
fn a_query_over_more_files_than_influxdb_3_allows_is_answered_and_compaction_makes_them_few() {
    const FILES: u64 = 450;
    let folder = tempfile::tempdir().unwrap();
    fill_with_files(folder.path(), FILES);
    assert_eq!(data_files(folder.path()).len() as u64, FILES);

    let server = Server::start(folder.path(), &[("TIDEGAUGE_COMPACTION_ENABLED", "false")]);
    assert_eq!(count(&server, "m"), FILES);
    drop(server);
    let server = Server::start(folder.path(), &EAGER);
    assert_eq!(count(&server, "m"), FILES);
    wait_for("there are few files", || data_files(folder.path()).len() <= 8);
    assert_eq!(count(&server, "m"), FILES);
}

/// Makes the data folder of a server that flushed so many times, ten minutes of points each: three days make 432 files, as InfluxDB
/// 3's limit is explained.
fn fill_with_files(folder: &Path, file_count: u64) {
    let mut config = Config::default();
    for (name, value) in
        [("bind", "127.0.0.1:0"), ("data", folder.to_str().unwrap()), ("compaction.enabled", "false")]
    {
        config.set(name, value).unwrap();
    }
    let config = config.fitted_to(&Machine { memory_bytes: 2 << 30, core_count: 2 }).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let app = App::start(&config).await.unwrap();
        app.engine().create_database("db", None).await.unwrap();
        for file in 0..file_count {
            let request = WriteRequest {
                database: "db".to_owned(),
                policy: None,
                precision: Precision::Nanosecond,
                body: format!("m,host=a value={file}i {}", file * 600_000_000_000).into(),
            };
            app.engine().write(request).await.unwrap();
            app.engine().flush().await.unwrap();
        }
        app.stop().await.unwrap();
    });
}

/// InfluxDB 3 cannot delete rows at all; 1.x keeps the bytes for long.
#[test]
fn deletions_and_drops_give_the_bytes_back() {
    const ROWS: u64 = 40_000;
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &EAGER);
    server.query("db", "CREATE DATABASE db");
    for measurement in ["kept", "dropped"] {
        for start in (0..ROWS).step_by(10_000) {
            assert_eq!(server.write("db", lines(measurement, start..start + 10_000)).status, 204);
        }
    }
    let bytes = || data_files(folder.path()).iter().sum::<u64>();
    let row_bytes_min = 16; // the texts are random
    let mut before = 0;
    wait_for("everything is flushed and compacted", || {
        std::thread::sleep(SEVERAL_ROUNDS);
        let earlier = std::mem::replace(&mut before, bytes());
        before == earlier && before > 2 * ROWS * row_bytes_min
    });

    server.query("db", &format!("DELETE FROM kept WHERE time < {}", ROWS / 2 * 1_000_000));
    assert_eq!(count(&server, "kept"), ROWS / 2, "at once");
    wait_for("a quarter of the bytes is back", || bytes() < before * 13 / 16);
    server.query("db", "DROP MEASUREMENT dropped");
    assert_eq!(count(&server, "dropped"), 0, "at once");
    wait_for("three quarters of the bytes are back", || bytes() < before * 5 / 16);
    assert_eq!(count(&server, "kept"), ROWS / 2);
}

/// InfluxDB 1.x and 2.x are ended by the system when a query or the number of series outgrows the memory.
#[test]
fn many_series_and_large_results_stay_within_the_memory_that_was_given() {
    const MEMORY_BYTES: u64 = 128 << 20;
    const SERIES: u64 = 200_000;
    const ROWS: u64 = 400_000;
    /// What a server takes before it holds anything, and what is in use beside the budget: a debug build's program is large.
    const ELSE_BYTES: u64 = 256 << 20;
    let folder = tempfile::tempdir().unwrap();
    let memory = MEMORY_BYTES.to_string();
    let settings = [
        ("TIDEGAUGE_MEMORY_BYTES", memory.as_str()),
        // Several sorts of a query share its memory, and less than 8 MiB for each are too little for DataFusion.
        ("TIDEGAUGE_QUERY_THREADS", "1"),
    ];
    let server = Server::start(folder.path(), &settings);
    server.query("db", "CREATE DATABASE db");
    for start in (0..SERIES).step_by(10_000) {
        let lines: String = (start..start + 10_000)
            .map(|series| format!("s,id=series-{series:0>40} value={series}i 1\n"))
            .collect();
        write_when_there_is_room(&server, &lines);
    }
    for start in (0..ROWS).step_by(10_000) {
        write_when_there_is_room(&server, &lines("m", start..start + 10_000));
    }
    assert_eq!(count(&server, "s"), SERIES);
    let cardinality = server.query("db", "SHOW SERIES EXACT CARDINALITY FROM s");
    assert_eq!(cardinality["results"][0]["series"][0]["values"][0][0], SERIES);
    let one = server.query("db", &format!("SELECT value FROM s WHERE id = 'series-{:0>40}'", 777));
    assert_eq!(one["results"][0]["series"][0]["values"][0][1], 777);
    assert_eq!(rows_of_everything(&server, "m"), ROWS);
    let bytes = server.memory_bytes_max();
    assert!(bytes < MEMORY_BYTES + ELSE_BYTES, "the server took {bytes} bytes");
}

/// Writes lines; tries again when the buffer is full.
fn write_when_there_is_room(server: &Server, lines: &str) {
    wait_for("there is room for writes", || {
        let answer = server.write("db", lines);
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(matches!(answer.status, 204 | 503), "{text}");
        answer.status == 204
    });
}

/// Reads `SELECT *` as it is streamed.
fn rows_of_everything(server: &Server, measurement: &str) -> u64 {
    let answer = server.query_chunks("db", &format!("SELECT * FROM {measurement}"));
    let rows = answer.iter().map(|chunk| chunk["results"][0]["series"][0]["values"].as_array());
    rows.map(|rows| rows.map_or(0, |rows| rows.len() as u64)).sum()
}

/// A full disk ends InfluxDB 1.x, or leaves it with a damaged log.
#[test]
fn a_full_disk_refuses_writes_only_and_they_go_on_when_there_is_room() {
    const DISK_BYTES: u64 = 24 << 20;
    /// What is kept back for everything but writes.
    const LOW_WATER_BYTES: u64 = 8 << 20;
    let folder = tempfile::tempdir().unwrap();
    let low_water = LOW_WATER_BYTES.to_string();
    let settings = [("TIDEGAUGE_WAL_DISK_LOW_WATER_BYTES", low_water.as_str())];
    let Some(command) = process::command_on_disk(folder.path(), DISK_BYTES, &settings) else {
        eprintln!("skipped: no disk can be mounted here; simulation::disk_full tests the engine alone");
        return;
    };
    let server = Server::run(command);
    server.query("db", "CREATE DATABASE db");
    assert_eq!(server.write("db", lines("m", 0..1_000)).status, 204);

    let filler = server.its_path(folder.path()).join("filler");
    let all_but_some = DISK_BYTES - LOW_WATER_BYTES - (1 << 20);
    std::fs::write(&filler, vec![0; usize::try_from(all_but_some).unwrap()]).unwrap();
    let mut acknowledged = 1_000;
    let refused = (1..100).find_map(|batch| {
        let answer = server.write("db", lines("m", batch * 1_000..(batch + 1) * 1_000));
        match answer.status {
            204 => acknowledged += 1_000,
            _ => return Some(answer),
        }
        None
    });
    let refused = refused.expect("a full disk takes no writes");
    let text = String::from_utf8_lossy(&refused.body).into_owned();
    assert_eq!(refused.status, 503, "{text}");
    assert!(text.contains("disk"), "{text}");
    assert_eq!(count(&server, "m"), acknowledged, "reads go on");
    server.query("db", "DELETE FROM m WHERE host = 'h7'");
    assert_eq!(count(&server, "m"), acknowledged / 50 * 49, "deletions go on");

    std::fs::remove_file(&filler).unwrap();
    wait_for("writes go on", || server.write("db", "after value=1i 1").status == 204);
    assert_eq!(count(&server, "after"), 1);
    assert_eq!(count(&server, "m"), acknowledged / 50 * 49);
}
