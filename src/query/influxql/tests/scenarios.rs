//! The scenarios: writes as line protocol, queries, and the answers that InfluxDB 1.6.7 gave.

use super::run::{Options, Runner, answer};
use super::store::Store;
use crate::model::time::DAY_NS;
use std::fmt::Write as _;
use std::iter::{Enumerate, Peekable};

/// The lines of a scenario that were not read yet, with their numbers from 0.
type Lines<'a> = Peekable<Enumerate<std::str::Lines<'a>>>;

/// What stands behind the first word of a line: options such as `db=t`, and words.
#[derive(Clone, Copy)]
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    /// The value of an option.
    fn option(self, key: &str) -> Option<&'a str> {
        self.0.split(' ').find_map(|option| option.strip_prefix(key)?.strip_prefix('='))
    }

    fn has(self, word: &str) -> bool {
        self.0.split(' ').any(|other| other == word)
    }
}

/// Plays a scenario and returns what differs.
async fn play(text: &str) -> Vec<String> {
    let mut store = Store::default();
    let runner = Runner::new();
    let mut default_database = "";
    let mut differences = Vec::new();
    let mut lines: Lines<'_> = text.lines().enumerate().peekable();
    while let Some((number, line)) = lines.next() {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let rest = Rest(rest);
        match word {
            "database" => {
                if default_database.is_empty() {
                    default_database = rest.0.split(' ').next().unwrap_or_default();
                }
                if !rest.0.ends_with(" absent") {
                    store.create_database(rest.0);
                }
            }
            "write" => {
                let database = rest.option("db").unwrap_or(default_database);
                let body = indented(&mut lines);
                store.write(database, rest.option("rp"), precision_ns(rest), &body);
            }
            "exec" | "query" => {
                let (query, expected) = if word == "exec" {
                    (rest.0.to_owned(), answer_below(&mut lines).or_else(|| Some("(empty)".to_owned())))
                } else {
                    (query_below(&mut lines), answer_below(&mut lines))
                };
                let options = Options {
                    database: rest.option("db").unwrap_or(default_database),
                    policy: rest.option("rp"),
                    epoch: rest.option("epoch"),
                };
                let actual = normal(&answer(&mut store, &runner, &query, &options).await);
                // The form of a body is not this module's.
                let has_form = ["raw", "pretty", "chunked"].into_iter().any(|word| rest.has(word));
                let Some(expected) = expected.filter(|_| !has_form) else { continue };
                let expected = normal(&expected);
                if expected != actual {
                    let line = number + 1;
                    differences.push(format!("line {line}: {query}\nexpected:\n{expected}\ngot:\n{actual}"));
                }
            }
            _ => {}
        }
    }
    differences
}

/// The line protocol below `write`.
fn indented(lines: &mut Lines<'_>) -> String {
    let mut body = String::new();
    while let Some((_, line)) = lines.next_if(|(_, line)| line.starts_with("  ")) {
        body.push_str(&line[2..]);
        body.push('\n');
    }
    body
}

/// The statements below `query`.
fn query_below(lines: &mut Lines<'_>) -> String {
    let mut query = Vec::new();
    while let Some((_, line)) = lines.next_if(|(_, line)| !line.is_empty() && !line.starts_with("----")) {
        query.push(line);
    }
    query.join("\n")
}

/// What is expected, if anything: the last answer below the statements, which is Tidegauge's own where there are two.
fn answer_below(lines: &mut Lines<'_>) -> Option<String> {
    let mut expected = None;
    while lines.next_if(|(_, line)| line.starts_with("----")).is_some() {
        let mut answer = String::new();
        while let Some((_, line)) = lines.next_if(|(_, line)| !ends_answer(line)) {
            answer.push_str(line.strip_prefix('\\').unwrap_or(line));
            answer.push('\n');
        }
        expected = Some(answer);
    }
    expected
}

/// Whether a line is no part of the answer above it.
fn ends_answer(line: &str) -> bool {
    let word = line.split(' ').next().unwrap_or_default();
    line.starts_with('#')
        || line.starts_with("----")
        || matches!(word, "database" | "differs:" | "write" | "exec" | "query" | "request")
}

fn precision_ns(rest: Rest<'_>) -> i64 {
    match rest.option("precision") {
        Some("s") => 1_000_000_000,
        Some("ms") => 1_000_000,
        Some("u" | "µ") => 1_000,
        Some("m") => 60_000_000_000,
        Some("h") => 3_600_000_000_000,
        Some("d") => DAY_NS,
        _ => 1,
    }
}

/// Runs of blanks count as one, empty lines do not count.
fn normal(answer: &str) -> String {
    let lines = answer.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

/// Plays every scenario of a folder. `known` are files and how many of their answers differ for reasons that lie
/// outside of this module.
async fn check_folder(folder: &str, known: &[(&str, usize)]) {
    let path = format!("{}/testdata/scenarios/{folder}", env!("CARGO_MANIFEST_DIR"));
    let mut paths: Vec<_> = std::fs::read_dir(&path)
        .expect("the folder is there")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    let mut failures = String::new();
    for path in paths {
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let differences = play(&std::fs::read_to_string(&path).expect("reads")).await;
        let allowed = known.iter().find(|(file, _)| *file == name).map_or(0, |(_, count)| *count);
        if differences.len() > allowed {
            let _ = writeln!(failures, "==== {folder}/{name}\n{}", differences.join("\n\n"));
        }
    }
    assert!(failures.is_empty(), "{failures}");
}

#[tokio::test]
async fn scenarios_of_select() {
    check_folder("select", &[]).await;
}

#[tokio::test]
async fn scenarios_of_where() {
    // An offset over a change of the clock.
    check_folder("where", &[("time_zone", 1)]).await;
}

#[tokio::test]
async fn scenarios_of_group_by() {
    check_folder("group_by", &[]).await;
}

#[tokio::test]
async fn scenarios_of_fill() {
    check_folder("fill", &[]).await;
}

#[tokio::test]
async fn scenarios_of_functions() {
    // Which of equal values percentile takes.
    check_folder("functions", &[("ties", 1)]).await;
}

#[tokio::test]
async fn scenarios_of_subqueries() {
    check_folder("subqueries", &[]).await;
}

#[tokio::test]
async fn scenarios_of_show() {
    // CSV, and what is answered before a statement is planned: KILL QUERY, EXPLAIN, SHOW STATS, SHOW DIAGNOSTICS.
    check_folder("show", &[("cardinality_forms", 1), ("server", 11)]).await;
}

#[tokio::test]
async fn scenarios_of_errors() {
    check_folder("errors", &[("several", 10), ("parse", 3)]).await;
}
