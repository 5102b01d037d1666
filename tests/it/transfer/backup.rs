//! Making backups: consistent beside a writer, incremental, of stopped servers.

use super::command::{Folder, Server, files_below, must, must_fail, run, succeeds_unheard, write};
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Points of a batch, which is one request and therefore whole or absent.
const BATCH_POINTS: u64 = 50;

/// Point `point` of batch `batch`: its line, and the row that a query gives.
fn line(batch: u64, point: u64) -> String {
    let (host, time_ns) = (point % 7, time_ns(batch, point));
    format!(
        "m,host=h{host} batch={batch}i,point={point}i,half={},text=\"b{batch}\" {time_ns}\n",
        point as f64 / 2.0
    )
}

/// Batches lie a few hours apart, so that they spread over files.
fn time_ns(batch: u64, point: u64) -> u64 {
    batch * 7_200_000_000_000 + point * 1_000
}

fn batch(number: u64) -> String {
    (0..BATCH_POINTS).map(|point| line(number, point)).collect()
}

/// Checks that the rows are those of the batches 0 to N - 1, every column of each, and tells N.
fn check_prefix(server: &Server) -> u64 {
    let mut next = 0;
    loop {
        let range = format!("time >= {} AND time < {}", time_ns(next, 0), time_ns(next + 100, 0));
        let columns = "host, batch, point, half, text";
        let rows = server.rows("db", &format!("SELECT {columns} FROM m WHERE {range}"));
        assert_eq!(rows.len() as u64 % BATCH_POINTS, 0, "a batch is whole or absent");
        for (at, row) in rows.iter().enumerate() {
            let (batch, point) = (next + at as u64 / BATCH_POINTS, at as u64 % BATCH_POINTS);
            let expected: Vec<Value> = vec![
                time_ns(batch, point).into(),
                format!("h{}", point % 7).into(),
                batch.into(),
                point.into(),
                serde_json::Number::from_f64(point as f64 / 2.0).unwrap().into(),
                format!("b{batch}").into(),
            ];
            assert!(
                row.iter()
                    .zip(&expected)
                    .all(|(a, b)| a == b || a.as_f64().is_some() && a.as_f64() == b.as_f64()),
                "{row:?} should be {expected:?}"
            );
        }
        let batches = rows.len() as u64 / BATCH_POINTS;
        next += batches;
        if batches < 100 {
            return next;
        }
    }
}

fn copied_file_count(said: &str) -> u64 {
    let (_, rest) = said.split_once("copied ").expect(said);
    rest.split(' ').next().unwrap().parse().unwrap()
}

fn parquet_files(folder: &Path) -> Vec<PathBuf> {
    files_below(folder).into_iter().filter(|path| path.extension().is_some_and(|e| e == "parquet")).collect()
}

#[test]
fn a_backup_beside_a_writer_has_every_point_up_to_one_moment() {
    let folder = Folder::new();
    // Small buffers: files are added while the backup copies.
    let server = Server::start_with(
        &folder.path("data"),
        &[("buffer.flush_bytes", "60000"), ("buffer.bytes_max", "100000000")],
    );
    server.query("", "CREATE DATABASE db");
    for number in 0..20 {
        server.write("db", &batch(number));
    }
    let (address, acknowledged, stop) =
        (server.address(), Arc::new(AtomicU64::new(20)), Arc::new(AtomicBool::new(false)));
    let writer = std::thread::spawn({
        let (acknowledged, stop) = (acknowledged.clone(), stop.clone());
        move || {
            let mut number = 20;
            while !stop.load(Ordering::Acquire) {
                write(address, "db", "", &batch(number));
                number += 1;
                acknowledged.store(number, Ordering::Release);
            }
        }
    });
    let place = folder.text("place");
    let mut bounds = Vec::new();
    for _ in 0..3 {
        let before = acknowledged.load(Ordering::Acquire);
        must(&["backup", "--to", &place, &server.url()]);
        bounds.push((before, acknowledged.load(Ordering::Acquire) + 1));
    }
    stop.store(true, Ordering::Release);
    writer.join().unwrap();
    assert!(acknowledged.load(Ordering::Acquire) > bounds[0].0, "the writer went on meanwhile");
    drop(server);

    let names: Vec<String> = std::fs::read_dir(folder.path("place/backup"))
        .unwrap()
        .filter_map(|entry| Some(entry.unwrap().file_name().to_str()?.strip_suffix(".jsonl")?.to_owned()))
        .collect();
    assert_eq!(names.len(), 3);
    let mut names = names;
    names.sort();
    for (name, (at_least, at_most)) in names.iter().zip(bounds) {
        let data = folder.text(&format!("restored {name}"));
        must(&["restore", "--from", &place, "--backup", name, "--data", &data]);
        let restored = Server::start(Path::new(&data));
        let batches = check_prefix(&restored);
        assert!(
            (at_least..=at_most).contains(&batches),
            "{batches} batches, {at_least} to {at_most} were expected"
        );
        // The server goes on where the backup ends.
        restored.write("db", &batch(batches));
        assert_eq!(check_prefix(&restored), batches + 1);
        let data = restored.crash();
        let restored = Server::start(&data);
        assert_eq!(check_prefix(&restored), batches + 1);
    }
}

#[test]
fn a_later_backup_copies_new_files_only() {
    let folder = Folder::new();
    let (place, server) = (folder.text("place"), Server::start(&folder.path("data")));
    server.query("", "CREATE DATABASE db");
    for number in 0..10 {
        server.write("db", &batch(number));
        server.flush();
    }
    let said = must(&["backup", "--to", &place, &server.url()]);
    assert_eq!(copied_file_count(&said), 10, "{said}");
    let first = parquet_files(&folder.path("place"));
    let modified = |path: &PathBuf| folder.path("place").join(path).metadata().unwrap().modified().unwrap();
    let times: Vec<_> = first.iter().map(modified).collect();

    server.write("db", &batch(10));
    let said = must(&["backup", "--to", &place, &server.url()]);
    assert_eq!(copied_file_count(&said), 1, "{said}");
    assert_eq!(first.iter().map(modified).collect::<Vec<_>>(), times, "the others are as they were");
    // A file that was damaged in size since is copied again.
    std::fs::write(folder.path("place").join(&first[3]), b"short").unwrap();
    let said = must(&["backup", "--to", &place, &server.url()]);
    assert_eq!(copied_file_count(&said), 1, "{said}");
    must(&["restore", "--from", &place, "--check"]);

    // Deleting a table and keeping two backups deletes the files that only the first had; keeping one, the rest.
    server.query("db", "DROP MEASUREMENT m");
    server.write("db", "other v=1 1");
    let said = must(&["backup", "--to", &place, &server.url(), "--keep", "2"]);
    assert!(said.contains("2 older backups deleted"), "{said}");
    assert_eq!(parquet_files(&folder.path("place")).len(), 12);
    let said = must(&["backup", "--to", &place, &server.url(), "--keep", "1"]);
    assert!(said.contains("2 older backups deleted"), "{said}");
    assert_eq!(parquet_files(&folder.path("place")).len(), 1);
    must(&["restore", "--from", &place, "--check"]);
    let list = run(&["restore", "--from", &place, "--list"]);
    assert!(list.output.contains("┆ db "), "{list:?}");
}

#[test]
fn an_interrupted_backup_is_none() {
    let folder = Folder::new();
    let (place, server) = (folder.text("place"), Server::start(&folder.path("data")));
    server.query("", "CREATE DATABASE db");
    server.write("db", &batch(0));
    must(&["backup", "--to", &place, &server.url()]);
    // What is left of one that ended before its description: nobody takes it for a backup.
    for path in files_below(&folder.path("place/backup")) {
        if path.components().count() == 1 {
            std::fs::remove_file(folder.path("place/backup").join(path)).unwrap();
        }
    }
    let said = must_fail(&["restore", "--from", &place, "--data", &folder.text("restored")]);
    assert!(said.contains("there is no backup in"), "{said}");
    let said = must(&["backup", "--to", &place, &server.url()]);
    assert_eq!(copied_file_count(&said), 1, "what nothing describes is not relied upon: {said}");
}

#[test]
fn a_stopped_server_is_backed_up_with_what_only_its_log_has() {
    let folder = Folder::new();
    let (place, data) = (folder.text("place"), folder.text("data"));
    let server = Server::start(Path::new(&data));
    server.query("", "CREATE DATABASE db");
    server.write("db", &batch(0));
    server.flush();
    server.write("db", &batch(1));
    let said = must_fail(&["backup", "--to", &place, "--data", &data]);
    assert!(said.contains("a server is running on"), "{said}");
    server.write("db", &batch(2)); // it was not disturbed
    server.crash();
    let said = must(&["backup", "--to", &place, "--data", &data]);
    assert!(said.contains("points that are in no file yet"), "{said}");
    let said = must(&["backup", "--to", &place, "--data", &data]);
    assert!(!said.contains("points that are in no file yet") && copied_file_count(&said) == 0, "{said}");

    must(&["restore", "--from", &place, "--data", &folder.text("restored")]);
    let restored = Server::start(&folder.path("restored"));
    assert_eq!(check_prefix(&restored), 3);
    restored.stop();
    let server = Server::start(Path::new(&data));
    assert_eq!(check_prefix(&server), 3);

    let said = must_fail(&["backup", "--to", &place, "--data", &folder.text("nothing")]);
    assert!(said.contains("there is no data in"), "{said}");
}

/// They panicked when `head` had its lines.
#[test]
fn nobody_need_read_what_commands_say() {
    let folder = Folder::new();
    let server = Server::start(&folder.path("data"));
    server.query("", "CREATE DATABASE db");
    server.write("db", &batch(0));
    let (url, file, place) = (server.url(), folder.text("db.lp"), folder.text("place"));
    assert!(succeeds_unheard(&["export", "--out", &file, &url]));
    assert!(succeeds_unheard(&["import", &url, &file]));
    assert!(succeeds_unheard(&["backup", "--to", &place, &url]));
    assert!(succeeds_unheard(&["restore", "--from", &place, "--check"]));
    // A stopped server has more to tell of: points that are in its log only.
    server.write("db", &batch(1));
    let data = server.crash();
    assert!(succeeds_unheard(&["backup", "--to", &place, "--data", data.to_str().unwrap()]));
    assert!(succeeds_unheard(&["restore", "--from", &place, "--data", &folder.text("restored")]));
}

/// A server that is none of ours: it knows no path that it is asked for.
fn stranger() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = BufReader::new(connection.unwrap());
            let mut line = String::new();
            // The requests have no bodies.
            while connection.read_line(&mut line).unwrap() > 2 {
                line.clear();
            }
            let answer = "HTTP/1.1 404 Not Found\r\ncontent-length: 8\r\nconnection: close\r\n\r\nnot here";
            connection.get_mut().write_all(answer.as_bytes()).unwrap();
        }
    });
    address
}

#[test]
fn a_server_that_is_none_of_ours_is_named() {
    let (folder, url) = (Folder::new(), format!("http://{}", stranger()));
    for place in ["place", "above/place", "there/place", "there"] {
        std::fs::create_dir_all(folder.path("there")).unwrap();
        let said = must_fail(&["backup", "--to", &folder.text(place), "--url", &url]);
        assert!(said.contains("404 Not Found: not here (this server is no Tidegauge)"), "{said}");
    }
    // Folders that were made for nothing are gone.
    assert!(!folder.path("place").exists() && !folder.path("above").exists());
    assert!(folder.path("there").exists() && !folder.path("there/place").exists());
}

/// A backup waits for a server that is away, as it may be about to start. A query does not.
#[test]
fn a_server_that_is_not_there_is_named() {
    let said = must_fail(&["query", "--url", "http://127.0.0.1:1", "SHOW DATABASES"]);
    assert!(said.contains("no answer from http://127.0.0.1:1"), "{said}");
}
