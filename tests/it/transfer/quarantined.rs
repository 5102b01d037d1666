//! Points of a log that was put aside: `tidegauge export --quarantined` reads them, and `tidegauge import` brings them back.

use super::command::{Folder, Server, files_below, must, must_fail, run};
use serde_json::json;
use std::path::PathBuf;

/// A folder of one store and two servers that have taken turns on it. The old server runs; what its log had when the new one took over
/// is put aside.
struct Place {
    old: Server,
    folder: Folder,
}

impl Place {
    fn new() -> Self {
        let folder = Folder::new();
        let store = folder.text("store");
        let start =
            |name: &str| Server::start_with(&folder.path(name), &[("object_store.url", store.as_str())]);
        let old = start("old");
        old.query("", "CREATE DATABASE nyc; CREATE DATABASE \"my db\"");
        old.query("", "CREATE RETENTION POLICY week ON nyc DURATION INF REPLICATION 1 SHARD DURATION 1w");
        old.write("nyc", "m,host=a v=1 1");
        old.flush();
        // Nobody else has these.
        old.write("nyc", "m,host=a v=2 2\nm,host=a v=3 3");
        old.write("my db", "cpu,host=a\\ b usage=0.5,note=\"say \\\"hi\\\"\" 10");
        old.write_to("nyc", "week", "m,host=z v=7i 7");
        old.write("nyc", "m,host=a v=4 3");
        old.crash();
        let new = start("new");
        new.write("nyc", "m,host=b v=5 5\nm,host=b v=6 6");
        new.stop();
        let old = start("old");
        Self { old, folder }
    }

    fn quarantine(&self) -> PathBuf {
        self.folder.path("old/wal/quarantine")
    }

    /// The arguments that name the store and the file.
    fn arguments(&self, out: &str) -> Vec<String> {
        let named = [("--data", "old"), ("--object-store", "store"), ("--out", out)];
        named.into_iter().flat_map(|(flag, name)| [flag.to_owned(), self.folder.text(name)]).collect()
    }
}

fn texts(arguments: &[String]) -> Vec<&str> {
    arguments.iter().map(String::as_str).collect()
}

#[test]
fn points_of_a_log_that_was_put_aside_come_back() {
    let place = Place::new();
    let (old, folder) = (&place.old, &place.folder);
    assert_eq!(json!(old.rows("nyc", "SELECT v FROM m")), json!([[1, 1], [5, 5], [6, 6]]));
    assert!(!files_below(&place.quarantine()).is_empty());
    let said = run(&["inspect", "--data", &folder.text("old"), "wal"]).output;
    assert!(said.contains("tidegauge export --quarantined"), "{said}");

    // The server runs meanwhile, and the folder is the one of --data.
    let before = files_below(&folder.path("old/wal"));
    let arguments = place.arguments("aside.lp");
    let said = must(&[&["export", "--quarantined"][..], &texts(&arguments)[..]].concat());
    for expected in ["\"my db\".\"autogen\": 1 point\n", "\"nyc\".\"week\": 1 point\n"] {
        assert!(said.contains(expected), "{said}");
    }
    assert!(!said.contains("does not know") && !said.contains("cannot be read"), "{said}");
    assert_eq!(files_below(&folder.path("old/wal")), before, "it only reads");

    must(&["import", &old.url(), &folder.text("aside.lp")]);
    let rows = old.rows("nyc", "SELECT v FROM m");
    // The newer of two versions in the log counts.
    assert_eq!(json!(rows), json!([[1, 1], [2, 2], [3, 4], [5, 5], [6, 6]]));
    assert_eq!(json!(old.rows("nyc", "SELECT v FROM week.m")), json!([[7, 7]]));
    let rows = old.rows("my db", "SELECT note, usage FROM cpu GROUP BY host");
    assert_eq!(json!(rows), json!([["a b", 10, "say \"hi\"", 0.5]]));
}

#[test]
fn a_damaged_file_of_the_log_gives_all_others_of_its_points() {
    let place = Place::new();
    let mut damaged = 0;
    for name in files_below(&place.quarantine()) {
        let path = place.quarantine().join(name);
        let mut bytes = std::fs::read(&path).unwrap();
        if let Some(at) = bytes.windows(3).position(|part| part == b"say") {
            bytes[at] = b'S';
            std::fs::write(&path, bytes).unwrap();
            damaged += 1;
        }
    }
    assert_eq!(damaged, 1);
    let (quarantine, arguments) = (place.quarantine(), place.arguments("aside.lp"));
    let said = must_fail(
        &[&["export", "--quarantined", quarantine.to_str().unwrap()][..], &texts(&arguments)[..]].concat(),
    );
    assert!(said.contains("cannot be read: ") && said.contains(" from byte "), "{said}");
    assert!(said.contains("1 part could not be read"), "{said}");
    let text = std::fs::read_to_string(place.folder.path("aside.lp")).unwrap();
    assert!(!text.contains("cpu") && text.contains("m,host=a v=2.0 2\n"), "{text}");
    assert!(text.contains("m,host=z v=7i 7\n"), "{text}");
}

#[test]
fn points_of_a_lost_store_get_a_database_of_their_own() {
    let place = Place::new();
    let (old, quarantine) = (&place.old, place.quarantine());
    let out = place.folder.text("aside.lp");
    must(&[
        "export",
        "--quarantined",
        quarantine.to_str().unwrap(),
        "--no-store",
        "--unknown-database",
        "lost",
        "--out",
        &out,
    ]);
    must(&["import", &old.url(), &out]);
    let policies = old.rows("lost", "SHOW RETENTION POLICIES ON lost");
    assert_eq!(policies.len(), 3, "{policies:?}");
    let mut found = Vec::new();
    for policy in &policies {
        let policy = policy[0].as_str().unwrap();
        assert!(policy.starts_with("database_"), "{policy}");
        found.extend(old.rows("lost", &format!("SELECT usage FROM \"{policy}\".cpu")));
    }
    assert_eq!(json!(found), json!([[10, 0.5]]));
    assert_eq!(json!(old.rows("nyc", "SELECT v FROM m")), json!([[1, 1], [5, 5], [6, 6]]), "they are apart");
}
