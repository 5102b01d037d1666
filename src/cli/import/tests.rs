use super::parquet::Found;
use super::report::Refusal;
use super::source::{Batch, Item, Source};
use super::statement::policy_of;
use crate::cli::client::Target;
use crate::cli::write::TargetArgs;

fn target(database: Option<&str>) -> TargetArgs {
    TargetArgs { database: database.map(ToOwned::to_owned), policy: None, precision: "ns".into() }
}

/// The items of a file, one line of text each.
fn check_source(text: &str, batch_lines: usize, database: Option<&str>, expected: &[&str]) {
    let mut source = Source::new(text.as_bytes(), target(database), batch_lines);
    let mut found = Vec::new();
    loop {
        match source.next_item() {
            Ok(Some(Item::Statement { line, text })) => found.push(format!("{line} run {text}")),
            Ok(Some(Item::Batch(b))) => found.push(format!(
                "{}{}-{} {}{} {} {:?}",
                if b.is_ordered { "in order " } else { "" },
                b.line_first,
                b.line_last,
                b.target.database,
                b.target.policy.map(|policy| format!(".{policy}")).unwrap_or_default(),
                b.point_count,
                String::from_utf8_lossy(&b.text)
            )),
            Ok(None) => break,
            Err(error) => {
                found.push(format!("error {error}"));
                break;
            }
        }
    }
    assert_eq!(found, expected, "{text:?}");
}

#[test]
fn lines_come_in_batches() {
    check_source("", 2, Some("d"), &[]);
    check_source("# only a comment\n\n", 2, Some("d"), &[]);
    check_source(
        "a v=1\n\nb v=2\n# c\nc v=3",
        2,
        Some("d"),
        &["1-3 d 2 \"a v=1\\nb v=2\\n\"", "5-5 d 1 \"c v=3\""],
    );
}

#[test]
fn a_newline_in_a_string_or_behind_a_backslash_ends_no_line() {
    check_source(
        "a v=\"x\ny\",w=1\nb\\\nc v=1\n",
        1,
        Some("d"),
        &["1-2 d 1 \"a v=\\\"x\\ny\\\",w=1\\n\"", "3-4 d 1 \"b\\\\\\nc v=1\\n\""],
    );
    // A quote in a tag or in a name quotes nothing.
    check_source(
        "a,t=\" v=1\nb v=1\n",
        1,
        Some("d"),
        &["1-1 d 1 \"a,t=\\\" v=1\\n\"", "2-2 d 1 \"b v=1\\n\""],
    );
}

#[test]
fn files_of_influx_import_name_their_databases() {
    check_source(
        "# INFLUXDB EXPORT: 1677-09-21\n# DDL\nCREATE DATABASE a\nCREATE DATABASE b\n# DML\n# CONTEXT-DATABASE:a\n\
         # CONTEXT-RETENTION-POLICY:autogen\n# writing data\nm v=1 1\n# CONTEXT-DATABASE: b\nm v=2 2\nm v=3 3\n\
         # DDL\nDROP DATABASE c\n",
        100,
        None,
        &[
            "3 run CREATE DATABASE a",
            "4 run CREATE DATABASE b",
            "9-9 a.autogen 1 \"m v=1 1\\n\"",
            "11-12 b 2 \"m v=2 2\\nm v=3 3\\n\"",
            "14 run DROP DATABASE c",
        ],
    );
}

#[test]
fn what_comes_from_files_of_influxdb_stays_in_order() {
    check_source(
        "# DML\n# CONTEXT-DATABASE:a\nm v=1 1\n# writing tsm data\nm v=2 1\n# writing wal data\nm v=3 1\n",
        100,
        None,
        &["3-3 a 1 \"m v=1 1\\n\"", "in order 5-5 a 1 \"m v=2 1\\n\"", "in order 7-7 a 1 \"m v=3 1\\n\""],
    );
}

#[test]
fn points_without_a_database_are_an_error() {
    check_source(
        "m v=1\n",
        10,
        None,
        &["error line 1: name a database with --database, the file names none"],
    );
}

fn check_refusal(message: &str, count: u64, lines: &[&str]) {
    let batch = Batch {
        target: Target::default(),
        text: "a v=1\na v=x\nit's v=\nb v=1\n".into(),
        line_first: 11,
        line_last: 14,
        point_count: 4,
        is_ordered: false,
    };
    let refusal = Refusal::read(message, &batch);
    assert_eq!(
        (refusal.count, refusal.lines.iter().map(String::as_str).collect::<Vec<_>>()),
        (count, lines.to_vec())
    );
}

#[test]
fn refusals_name_the_lines_of_the_file() {
    check_refusal(
        "partial write: unable to parse 'a v=x': invalid number\nunable to parse 'it's v=': missing field value dropped=0",
        2,
        &[
            "line 12: unable to parse 'a v=x': invalid number",
            "line 13: unable to parse 'it's v=': missing field value",
        ],
    );
    check_refusal(
        "partial write: field type conflict: input field \"v\" on measurement \"b\" is type float, already exists as type integer dropped=1",
        1,
        &[
            "lines 11 to 14: field type conflict: input field \"v\" on measurement \"b\" is type float, already exists as type integer",
        ],
    );
    check_refusal("database is required", 4, &["lines 11 to 14: database is required"]);
}

#[test]
fn all_that_is_refused_of_a_batch_is_counted() {
    let conflict = "field type conflict: input field \"v\" on measurement \"b\" is type float, already exists as type integer";
    check_refusal(
        &format!("partial write: {conflict}\nunable to parse 'a v=x': invalid number dropped=1"),
        2,
        &[&format!("lines 11 to 14: {conflict}"), "line 12: unable to parse 'a v=x': invalid number"],
    );
    check_refusal(
        "partial write: unable to parse 'a v=x': invalid number\nand 1 more dropped=1",
        3,
        &["line 12: unable to parse 'a v=x': invalid number", "lines 11 to 14: and 1 more"],
    );
    let outside = "dropped 1 points outside write window (from a to b) - oldest point b at c";
    check_refusal(
        &format!("partial write: {outside} dropped=1 for database: d for retention policy: now"),
        1,
        &[&format!("lines 11 to 14: {outside}")],
    );
}

#[test]
fn the_only_line_of_a_batch_is_no_range() {
    let batch = Batch {
        target: Target::default(),
        text: "b v=1\n".into(),
        line_first: 3,
        line_last: 3,
        point_count: 1,
        is_ordered: false,
    };
    let refusal = Refusal::read("partial write: points beyond retention policy dropped=1", &batch);
    assert_eq!(
        (refusal.count, refusal.lines),
        (1, vec!["line 3: points beyond retention policy".to_owned()])
    );
}

/// A folder of anything else "lay too deep".
#[test]
fn a_folder_without_parquet_files_is_told_of() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let root = folder.path();
    let deep = root.join("1/2/3/4/5/6/7/8/9");
    std::fs::create_dir_all(&deep).expect("a new folder");
    std::fs::write(root.join("points.lp"), "m v=1").expect("a new file");
    let files = || Found::below(root).and_then(|found| found.files(root));
    let said = files().expect_err("there is none").to_string();
    assert!(said.starts_with("there is no Parquet file in the folder "), "{said}");
    // Files that may be left out are told of, too.
    std::fs::write(root.join("1/2/a.parquet"), "").expect("a new file");
    std::fs::write(deep.join("b.parquet"), "").expect("a new file");
    let said = files().expect_err("one is not found").to_string();
    assert!(said.contains("1/2/3/4/5/6/7/8 lies too deep below "), "{said}");
    std::fs::remove_dir_all(root.join("1/2/3")).expect("it is there");
    assert_eq!(files().expect("it is found"), [root.join("1/2/a.parquet")]);
}

#[test]
fn a_second_policy_of_influx_inspect_is_made_by_itself() {
    let of = |text: &str| policy_of(text);
    assert_eq!(
        of("CREATE DATABASE \"my db\" WITH NAME \"one week\"").as_deref(),
        Some("CREATE RETENTION POLICY \"one week\" ON \"my db\" DURATION 0s REPLICATION 1")
    );
    assert_eq!(
        of("CREATE DATABASE a WITH DURATION 7d REPLICATION 1 SHARD DURATION 1d NAME b").as_deref(),
        Some("CREATE RETENTION POLICY b ON a DURATION 1w REPLICATION 1 SHARD DURATION 1d")
    );
    assert_eq!(of("CREATE DATABASE a"), None);
    assert_eq!(of("DROP DATABASE a"), None);
    assert_eq!(of("CREATE DATABASE"), None);
}
