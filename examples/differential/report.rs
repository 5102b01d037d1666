//! What a run has seen: counts by kind of statement, and every difference with a scenario.

use crate::answers::both_answers;
use crate::case::Case;
use crate::compare::{Content, content_of};
use crate::servers::Pair;
use crate::verdict::Verdict;
use std::collections::BTreeMap;
use std::path::PathBuf;

#[derive(Debug, Default, Clone, Copy)]
struct Counts {
    all: usize,
    rows: usize,
    errors: usize,
    last_digits: usize,
    unsupported: usize,
    explained: usize,
    different: usize,
}

/// The counts and findings of a run.
#[derive(Debug, Default)]
pub(crate) struct Report {
    by_kind: BTreeMap<&'static str, Counts>,
    explained: BTreeMap<&'static str, usize>,
    /// Minimal statements with names and numbers made equal, and how often each was met.
    shapes: BTreeMap<String, usize>,
    /// Differences that did not show again.
    unsteady_count: usize,
    /// Panics and ends of the server.
    trouble_count: usize,
    /// Where scenarios are saved.
    folder: Option<PathBuf>,
}

impl Report {
    pub(crate) fn new(folder: Option<PathBuf>) -> Report {
        Report { folder, ..Report::default() }
    }

    /// How many statements were compared.
    pub(crate) fn count(&self) -> usize {
        self.by_kind.values().map(|counts| counts.all).sum()
    }

    /// Whether nothing was found that fails a test. What does not show again may be either server's: InfluxDB 1.6 removes the
    /// tags of dropped series some time later.
    pub(crate) fn is_clean(&self) -> bool {
        self.shapes.is_empty() && self.trouble_count == 0
    }

    /// How many kinds of differences were found.
    pub(crate) fn shape_count(&self) -> usize {
        self.shapes.len()
    }

    /// Whether a difference with a statement of this shape was printed.
    pub(crate) fn knows(&self, case: &Case) -> bool {
        self.shapes.contains_key(&shape_of(&case.statement.to_string()))
    }

    /// Counts a pair of answers.
    pub(crate) fn add(&mut self, kind: &'static str, pair: &Pair, verdict: Verdict) {
        let counts = self.by_kind.entry(kind).or_default();
        counts.all += 1;
        match content_of(&pair.oracle) {
            Content::Rows => counts.rows += 1,
            Content::Error => counts.errors += 1,
            Content::Empty => {}
        }
        match verdict {
            Verdict::Same => {}
            Verdict::LastDigits => counts.last_digits += 1,
            Verdict::Unsupported => counts.unsupported += 1,
            Verdict::Different => counts.different += 1,
            Verdict::Explained(reason) => {
                counts.explained += 1;
                *self.explained.entry(reason).or_default() += 1;
            }
        }
    }

    /// Prints a shrunk difference, in full when its like was not met before.
    pub(crate) fn found(
        &mut self,
        place: &str,
        original: &str,
        case: &Case,
        pair: &Pair,
    ) -> Result<(), String> {
        let shape = shape_of(&case.statement.to_string());
        let count = self.shapes.entry(shape.clone()).or_default();
        *count += 1;
        if *count > 1 {
            println!("\nagain ({place}): {}", case.statement);
            return Ok(());
        }
        println!("\n=== difference ({place}) ===\nstatement: {original}\nsmallest:  {}", case.statement);
        println!("- InfluxDB, + Tidegauge");
        println!("{}", both_answers(pair));
        let scenario = case.scenario(&format!("Found by the differential fuzzer, {place}."), pair);
        println!("--- scenario\n{scenario}---");
        if let Some(folder) = &self.folder {
            let path = folder.join(format!("found_{}.txt", self.shapes.len()));
            std::fs::create_dir_all(folder)
                .and_then(|()| std::fs::write(&path, scenario))
                .map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        }
        Ok(())
    }

    /// Prints a difference that does not show again with the same points.
    pub(crate) fn unsteady(&mut self, place: &str, case: &Case, pair: &Pair) {
        self.unsteady_count += 1;
        println!("\n=== unsteady ({place}) ===\n{}", case.statement);
        println!("{}", both_answers(pair));
    }

    /// Prints a panic or the end of a server.
    pub(crate) fn trouble(&mut self, place: &str, statement: &str, text: &str) {
        self.trouble_count += 1;
        println!("\n=== trouble ({place}) ===\n{statement}\n{text}");
    }

    /// Prints the counts.
    pub(crate) fn print(&self) {
        println!(
            "\n{:<20} {:>6} {:>6} {:>7} {:>11} {:>11} {:>9} {:>9}",
            "kind", "all", "rows", "errors", "last digits", "unsupported", "explained", "different"
        );
        let mut sum = Counts::default();
        for (kind, counts) in &self.by_kind {
            print_counts(kind, counts);
            sum = Counts {
                all: sum.all + counts.all,
                rows: sum.rows + counts.rows,
                errors: sum.errors + counts.errors,
                last_digits: sum.last_digits + counts.last_digits,
                unsupported: sum.unsupported + counts.unsupported,
                explained: sum.explained + counts.explained,
                different: sum.different + counts.different,
            };
        }
        print_counts("all", &sum);
        for (reason, count) in &self.explained {
            println!("explained {count} times: {reason}");
        }
        let share = |part: usize| 100 * part / sum.all.max(1);
        println!(
            "{} statements: {} % with rows, {} % errors; {} differences of {} shapes, {} unsteady, {} panics or ends",
            sum.all,
            share(sum.rows),
            share(sum.errors),
            sum.different,
            self.shapes.len(),
            self.unsteady_count,
            self.trouble_count
        );
    }
}

fn print_counts(kind: &str, counts: &Counts) {
    println!(
        "{kind:<20} {:>6} {:>5}% {:>6}% {:>11} {:>11} {:>9} {:>9}",
        counts.all,
        100 * counts.rows / counts.all.max(1),
        100 * counts.errors / counts.all.max(1),
        counts.last_digits,
        counts.unsupported,
        counts.explained,
        counts.different
    );
}

/// A statement with its names and literals made equal: what two findings of one cause mostly share.
fn shape_of(text: &str) -> String {
    const KEPT: &[&str] = &["time", "fill", "tz", "previous", "linear", "null", "none"];
    let mut out = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' | '\'' | '/' if c != '/' || !out.ends_with(|c: char| c.is_alphanumeric()) => {
                while let Some(next) = chars.next() {
                    if next == '\\' {
                        chars.next();
                    } else if next == c {
                        break;
                    }
                }
                out.push(if c == '"' { 'x' } else { c });
            }
            c if c.is_alphabetic() || c == '_' => {
                let mut word = c.to_string();
                while let Some(next) = chars.next_if(|c| c.is_alphanumeric() || *c == '_') {
                    word.push(next);
                }
                let is_kept = word.chars().all(|c| c.is_ascii_uppercase())
                    || chars.peek() == Some(&'(')
                    || KEPT.contains(&word.as_str());
                out += if is_kept { &word } else { "x" };
            }
            c if c.is_ascii_digit() => {
                while chars.next_if(|c| c.is_ascii_alphanumeric() || *c == '.').is_some() {}
                out.push('9');
            }
            c => out.push(c),
        }
    }
    out
}
