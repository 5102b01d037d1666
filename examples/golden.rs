//! Records the answers of a real InfluxDB 1.6 into the scenario files, or checks a running server against
//! them.
//!
//! ```text
//! golden [record] [FILTER]          start Debian's influxd, play all files, rewrite their answers and docs/differences.md
//! golden check HOST:PORT [FILTER]   play all files against a server that is already running and show what differs
//! golden differences                rewrite docs/differences.md only
//! ```
//!
//! FILTER is a part of a file's name (`functions/`). The oracle runs on loopback with a folder and ports of
//! its own and is stopped at the end. Answers under `---- tidegauge` are never touched; a step whose two
//! answers have become equal is reported.

// The runner is shared with the integration tests, which use more of it.
#[allow(dead_code, unused_imports)]
#[path = "../tests/it/scenario/mod.rs"]
mod scenario;
// Shared with the differential fuzzer.
#[allow(dead_code)]
mod oracle;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use oracle::Oracle;
use scenario::run::{answer_of, create_databases, drop_databases};
use scenario::{Scenario, Target, differences, file, load_folder, run_scenario};

const FOLDER: &str = "testdata/scenarios";
const PAGE: &str = "docs/differences.md";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["differences"] => write_page(),
        ["check", address] => check(address, ""),
        ["check", address, filter] => check(address, filter),
        [] | ["record"] => record(""),
        ["record", filter] | [filter] => record(filter),
        _ => Err("usage: golden [record] [FILTER] | check HOST:PORT [FILTER] | differences".to_owned()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("golden: {error}");
            ExitCode::FAILURE
        }
    }
}

fn load(filter: &str, skipped: &[&str]) -> Result<Vec<(PathBuf, Scenario)>, String> {
    let mut files = load_folder(Path::new(FOLDER), skipped)?;
    files.retain(|(_, scenario)| scenario.name.contains(filter));
    Ok(files)
}

fn record(filter: &str) -> Result<(), String> {
    let files = load(filter, &[])?;
    let oracle = Oracle::start("golden", "")?;
    let address = || oracle.address;
    let (mut step_count, mut changed_count) = (0, 0);
    for (number, (path, scenario)) in files.iter().enumerate() {
        let target = Target { address: &address, prefix: format!("zq{number}_") };
        let answers =
            record_file(&target, scenario).map_err(|error| format!("{}: {error}", scenario.name))?;
        step_count += answers.len();
        let before = std::fs::read_to_string(path)
            .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        let after = file::render(scenario, &answers);
        if before != after {
            changed_count += 1;
            println!("changed {}", scenario.name);
            std::fs::write(path, after)
                .map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        }
    }
    println!("{} files, {step_count} answers, {changed_count} files changed", files.len());
    write_page()
}

fn record_file(target: &Target<'_>, scenario: &Scenario) -> Result<Vec<String>, String> {
    create_databases(target, scenario)?;
    let mut answers = Vec::new();
    for step in &scenario.steps {
        let answer = answer_of(target, scenario, step)?;
        if step.differs.is_some() && step.ours.as_ref().is_none_or(|ours| *ours == answer) {
            println!("{}:{}: marked as different, but both answers are equal", scenario.name, step.line);
        }
        answers.push(answer);
    }
    drop_databases(target, scenario)?;
    Ok(answers)
}

fn check(address: &str, filter: &str) -> Result<(), String> {
    let address: SocketAddr =
        address.parse().map_err(|error| format!("'{address}' is no address: {error}"))?;
    // What no server of ours answers yet is checked only when asked for.
    let skipped: &[&str] = if filter.starts_with("later") { &[] } else { &["later"] };
    let files = load(filter, skipped)?;
    let mut failed_count = 0;
    for (number, (_, scenario)) in files.iter().enumerate() {
        let target = Target { address: &|| address, prefix: format!("zq{number}_") };
        if let Err(mismatches) = run_scenario(&target, scenario, &mut |_| Ok(())) {
            failed_count += 1;
            println!("{mismatches}");
        }
    }
    println!("{} of {} files agree", files.len() - failed_count, files.len());
    if failed_count == 0 { Ok(()) } else { Err(format!("{failed_count} files differ")) }
}

fn write_page() -> Result<(), String> {
    let files = load("", &[])?;
    let scenarios: Vec<&Scenario> = files.iter().map(|(_, scenario)| scenario).collect();
    std::fs::create_dir_all("docs").map_err(|error| format!("cannot create docs: {error}"))?;
    std::fs::write(PAGE, differences::page(&scenarios))
        .map_err(|error| format!("cannot write {PAGE}: {error}"))
}
