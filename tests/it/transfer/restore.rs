//! Restoring: damage is named, what exists is spared, one database goes into a server that lives on.

use super::command::{Folder, Server, files_below, must, must_fail};
use serde_json::json;
use std::path::Path;

/// A backup of two databases with files that overlap, deletions, a user and a continuous query.
fn backup(folder: &Folder) -> String {
    let (place, server) = (folder.text("place"), Server::start(&folder.path("source")));
    server.query("", "CREATE DATABASE db WITH DURATION INF NAME main; CREATE DATABASE other");
    server.query("", "CREATE RETENTION POLICY week ON db DURATION 520w REPLICATION 1");
    server.query("", "CREATE USER root WITH PASSWORD 'secret' WITH ALL PRIVILEGES");
    server.query(
        "",
        "CREATE CONTINUOUS QUERY cq ON db BEGIN SELECT mean(v) INTO week.means FROM m GROUP BY time(1h) END",
    );
    server.write("other", "m v=100 1");
    for round in 0..4 {
        // The same points again and again, each time with another value.
        server.write("db", &format!("m,h=a v={round} 10\nm,h=b v={round} 20\nm,h=c w=\"{round}\" {round}"));
        server.flush();
    }
    server.query("db", "DELETE FROM m WHERE h = 'b'");
    server.write("db", "m,h=b v=9 30");
    let now_ns = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
    server.write_to("db", "week", &format!("n v=7 {now_ns}"));
    must(&["backup", "--to", &place, &server.url()]);
    place
}

fn rows(server: &Server, database: &str) -> Vec<Vec<serde_json::Value>> {
    server.rows(database, "SELECT v, w FROM m GROUP BY h")
}

fn expected() -> Vec<Vec<serde_json::Value>> {
    let mut rows = vec![
        vec![json!("a"), json!(10), json!(3), json!(null)],
        vec![json!("b"), json!(30), json!(9), json!(null)],
    ];
    rows.extend((0..4).map(|round| vec![json!("c"), json!(round), json!(null), json!(round.to_string())]));
    rows
}

#[test]
fn everything_comes_back() {
    let folder = Folder::new();
    let place = backup(&folder);
    let said = must(&["restore", "--from", &place, "--data", &folder.text("restored")]);
    assert!(said.contains("restored into"), "{said}");
    let said = must_fail(&["restore", "--from", &place, "--data", &folder.text("restored")]);
    assert!(said.contains("holds data already"), "{said}");
    let server = Server::start(&folder.path("restored"));
    assert_eq!(rows(&server, "db"), expected());
    assert_eq!(server.rows("other", "SELECT v FROM m"), [[json!(1), json!(100)]]);
    assert_eq!(server.rows("db", "SELECT count(v) FROM week.n"), [[json!(0), json!(1)]]);
    assert_eq!(server.rows("", "SHOW USERS"), [[json!("root"), json!(true)]]);
    let queries = server.query("", "SHOW CONTINUOUS QUERIES").to_string();
    assert!(queries.contains("CREATE CONTINUOUS QUERY cq ON db"), "{queries}");
    let said = must_fail(&["restore", "--from", &place, "--data", &folder.text("restored")]);
    assert!(said.contains("a server is running on"), "{said}");
}

#[test]
fn a_flipped_byte_anywhere_is_named() {
    let folder = Folder::new();
    let place = backup(&folder);
    // A place is only read from: it may be a medium that cannot be written.
    std::fs::remove_dir_all(folder.path("place/staging")).unwrap();
    must(&["restore", "--from", &place, "--check"]);
    assert!(!folder.path("place/staging").exists());
    let root = folder.path("place");
    let objects = files_below(&root);
    assert!(objects.len() > 5, "{objects:?}");
    for object in objects {
        let (path, name) = (root.join(&object), object.to_str().unwrap());
        let intact = std::fs::read(&path).unwrap();
        for at in [0, intact.len() / 3, intact.len() / 2, intact.len() - 2] {
            let mut damaged = intact.clone();
            damaged[at] ^= 0x10;
            std::fs::write(&path, &damaged).unwrap();
            let said = must_fail(&["restore", "--from", &place, "--check"]);
            assert!(said.contains(name) && said.contains("damaged"), "byte {at} of {name}: {said}");
        }
        std::fs::write(&path, &intact[..intact.len() - 1]).unwrap();
        let said = must_fail(&["restore", "--from", &place, "--data", &folder.text("restored")]);
        assert!(said.contains(name) && said.contains("damaged"), "{name} cut: {said}");
        if !name.starts_with("backup/") || name.contains("state") {
            std::fs::remove_file(&path).unwrap();
            let said = must_fail(&["restore", "--from", &place, "--data", &folder.text("restored")]);
            assert!(said.contains(name) && said.contains("missing"), "{name} gone: {said}");
        }
        std::fs::write(&path, &intact).unwrap();
    }
    // Nothing of all that stands in the way of the real one.
    must(&["restore", "--from", &place, "--data", &folder.text("restored")]);
    assert_eq!(rows(&Server::start(&folder.path("restored")), "db"), expected());
}

#[test]
fn one_database_comes_into_a_server_that_lives_on() {
    let folder = Folder::new();
    let place = backup(&folder);
    let server = Server::start(&folder.path("data"));
    server.query("", "CREATE DATABASE db");
    server.write("db", "m,h=x v=1 1");
    let said = must_fail(&["restore", "--from", &place, "--database", "db", &server.url()]);
    assert!(said.contains("database \"db\" exists already"), "{said}");
    let said = must_fail(&["restore", "--from", &place, "--database", "nodb", &server.url()]);
    assert!(said.contains("the backup has no database \"nodb\"; it has: db, other"), "{said}");

    must(&["restore", "--from", &place, "--database", "db", "--as", "then", &server.url()]);
    must(&["restore", "--from", &place, "--database", "other", &server.url()]);
    assert_eq!(rows(&server, "then"), expected());
    assert_eq!(server.rows("other", "SELECT v FROM m"), [[json!(1), json!(100)]]);
    assert_eq!(server.rows("db", "SELECT v FROM m"), [[json!(1), json!(1)]], "what was there is as it was");
    let policies = server.query("then", "SHOW RETENTION POLICIES").to_string();
    assert!(policies.contains("main") && policies.contains("week"), "{policies}");
    // A copy would write into the database that its continuous queries name.
    assert!(!server.query("", "SHOW CONTINUOUS QUERIES").to_string().contains("cq"));

    // What is written from now on is newer than what was restored, in the buffer, in files and after a crash.
    server.write("then", "m,h=a v=50 10");
    let mut changed = expected();
    changed[0][2] = json!(50);
    assert_eq!(rows(&server, "then"), changed);
    server.flush();
    assert_eq!(rows(&server, "then"), changed);
    server.write("then", "m,h=b v=51 30");
    changed[1][2] = json!(51);
    let server = Server::start(&server.crash());
    assert_eq!(rows(&server, "then"), changed);
    server.query("then", "DELETE FROM m WHERE h = 'c'");
    changed.truncate(2);
    assert_eq!(rows(&server, "then"), changed);
    let server = Server::start(&server.stop());
    assert_eq!(rows(&server, "then"), changed);
    server.query("", "DROP DATABASE then");
    must(&["restore", "--from", &place, "--database", "db", "--as", "then", &server.url()]);
    assert_eq!(rows(&server, "then"), expected());
    assert_eq!(server.rows("db", "SELECT v FROM m"), [[json!(1), json!(1)]]);
}

/// It is sent before its last byte is read.
#[test]
fn a_damaged_file_does_not_get_into_a_server() {
    let folder = Folder::new();
    let place = backup(&folder);
    let server = Server::start(&folder.path("data"));
    let root = folder.path("place/data");
    let files = files_below(&root);
    for file in &files {
        let mut bytes = std::fs::read(root.join(file)).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        std::fs::write(root.join(file), bytes).unwrap();
    }
    let said = must_fail(&["restore", "--from", &place, "--database", "db", &server.url()]);
    let is_named = files.iter().any(|file| said.contains(file.to_str().unwrap()));
    assert!(is_named && said.contains("damaged: it has the checksum"), "{said}");
    assert!(!server.query("", "SHOW DATABASES").to_string().contains("\"db\""));
    let data = folder.path("data/store/data");
    let left = if data.exists() { files_below(&data) } else { Vec::new() };
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_crash_right_behind_a_restore_leaves_newer_writes_newer() {
    let folder = Folder::new();
    let place = backup(&folder);
    let server = Server::start(&folder.path("data"));
    must(&["restore", "--from", &place, "--database", "db", &server.url()]);
    // The log has not noted yet which sequences the restored files bear.
    let server = Server::start(&server.crash());
    assert_eq!(rows(&server, "db"), expected());
    server.write("db", "m,h=a v=50 10");
    server.flush();
    let mut changed = expected();
    changed[0][2] = json!(50);
    assert_eq!(rows(&server, "db"), changed);
    let queries = server.query("", "SHOW CONTINUOUS QUERIES").to_string();
    assert!(queries.contains("CREATE CONTINUOUS QUERY cq ON db"), "{queries}");
}

#[test]
fn one_database_comes_into_a_stopped_server() {
    let folder = Folder::new();
    let place = backup(&folder);
    let server = Server::start(&folder.path("data"));
    server.query("", "CREATE DATABASE mine");
    server.write("mine", "m v=1 1");
    let data = server.folder.to_str().unwrap().to_owned();
    let said = must_fail(&["restore", "--from", &place, "--database", "db", "--data", &data]);
    assert!(said.contains("a server is running on"), "{said}");
    server.write("mine", "m v=2 2");
    server.crash();
    must(&["restore", "--from", &place, "--database", "db", "--data", &data]);
    let server = Server::start(Path::new(&data));
    assert_eq!(rows(&server, "db"), expected());
    assert_eq!(server.rows("mine", "SELECT v FROM m").len(), 2);
}

#[test]
fn one_database_comes_into_a_folder_without_data() {
    let folder = Folder::new();
    let place = backup(&folder);
    let new = folder.text("new");
    let said = must_fail(&["restore", "--from", &place, "--database", "nodb", "--data", &new]);
    assert!(said.contains("the backup has no database \"nodb\"; it has: db, other"), "{said}");
    assert!(!folder.path("new").exists(), "nothing is made for nothing");
    let said = must(&["restore", "--from", &place, "--database", "other", "--data", &new]);
    assert!(said.contains("there was no data in"), "{said}");
    let said = must(&["restore", "--from", &place, "--database", "db", "--data", &new]);
    assert!(!said.contains("there was no data in"), "{said}");
    let server = Server::start(Path::new(&new));
    assert_eq!(rows(&server, "db"), expected());
    assert_eq!(server.rows("other", "SELECT v FROM m"), [[json!(1), json!(100)]]);
}

#[test]
fn a_place_that_is_not_there_is_named() {
    let folder = Folder::new();
    let said = must_fail(&["restore", "--from", &folder.text("nowhere"), "--list"]);
    assert!(said.contains("cannot open the folder") && said.contains("nowhere"), "{said}");
    let place = backup(&folder);
    let said = must_fail(&["restore", "--from", &place, "--backup", "x", "--check"]);
    assert!(said.contains("there is no backup \"x\" in") && said.contains("there are: 2"), "{said}");
}
