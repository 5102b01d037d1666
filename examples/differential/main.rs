//! A differential fuzzer: random schemas, points and statements for a real InfluxDB 1.6 and for Tidegauge, whose answers have to
//! be equal.
//!
//! ```text
//! cargo run --example differential -- --seed 7 --count 2000
//! ```
//!
//! It starts both servers itself, on loopback: Debian's influxd, and the binary that `TIDEGAUGE_BIN` names. A run consists of
//! rounds. Each round makes one database ([`schema`], [`points`]), asks it statements ([`generate`]), changes it, and asks again.
//! Both answers are compared ([`compare`], [`series`], [`verdict`], [`explained`]), and after a change all points
//! ([`contents`]); a difference is made as small as it gets ([`shrink`]) and printed as a scenario file ([`report`]), ready for
//! `testdata/scenarios`. The seed decides everything ([`random`]); `--round` plays one round again. `--doubt` shows what an
//! explanation lets through.
//!
//! What InfluxDB 1.6 leaves to chance is not generated: the order of equal times in different series of a table (`--ties`
//! generates it; without, an INTO that has written such points is taken back once all points have been compared), `sample`,
//! estimates of cardinality.

mod answers;
mod binds;
mod case;
mod compare;
mod contents;
mod explained;
mod generate;
mod points;
mod random;
mod report;
mod schema;
mod series;
mod servers;
mod shrink;
mod statement;
mod verdict;

// Shared with the recorder of scenarios.
#[path = "../oracle/mod.rs"]
mod oracle;
// The scenarios' HTTP, JSON and form of answers, of which this uses a part.
#[allow(dead_code, unused_imports)]
#[path = "../../tests/it/scenario/mod.rs"]
mod scenario;

use case::{Case, Step, prepare};
use clap::Parser as _;
use compare::Relation;
use contents::{Contents, compare_contents};
use fastrand::Rng;
use generate::{Generated, Generator};
use random::Choices;
use report::Report;
use schema::Schema;
use servers::{Form, Pair, Servers};
use statement::{Select, Statement};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use verdict::{Judge, Verdict};

/// Compare Tidegauge's answers with those of a real InfluxDB 1.6.
#[derive(clap::Parser, Debug)]
struct Options {
    /// Decides everything that is random.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// End after that many statements.
    #[arg(long, default_value_t = 2_000)]
    count: usize,
    /// End after that many seconds instead.
    #[arg(long)]
    seconds: Option<u64>,
    /// Play only this round.
    #[arg(long)]
    round: Option<u64>,
    /// Also generate points of equal time in different series, whose order InfluxDB leaves to chance.
    #[arg(long)]
    ties: bool,
    /// End after that many kinds of differences.
    #[arg(long, default_value_t = 40)]
    differences: usize,
    /// Report what explanations with this text in them let through.
    #[arg(long)]
    doubt: Option<String>,
    /// Save the scenarios of differences in this folder.
    #[arg(long)]
    save: Option<PathBuf>,
    /// Print every statement and what was made of it.
    #[arg(long)]
    verbose: bool,
    /// The server's binary.
    #[arg(long, env = "TIDEGAUGE_BIN", default_value = "target/debug/tidegauge")]
    binary: PathBuf,
}

/// Statements between two changes of the data, and how often a round's data changes.
const READINGS: usize = 30;
const CHANGES: usize = 2;

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("differential: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether nothing was found.
fn run(options: &Options) -> Result<bool, String> {
    println!("seed: {}", options.seed);
    let mut fuzzer = Fuzzer {
        options,
        servers: Servers::start(&options.binary)?,
        judge: Judge { doubted: options.doubt.clone() },
        report: Report::new(options.save.clone()),
        end: options.seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds)),
    };
    let begin = Instant::now();
    let mut round = options.round.unwrap_or(0);
    while !fuzzer.is_over() {
        fuzzer.round(round)?;
        round += 1;
        if options.round.is_some() {
            break;
        }
    }
    fuzzer.report.print();
    println!("seed {}, {} rounds in {} s", options.seed, round, begin.elapsed().as_secs());
    Ok(fuzzer.report.is_clean())
}

struct Fuzzer<'a> {
    options: &'a Options,
    servers: Servers,
    judge: Judge,
    report: Report,
    end: Option<Instant>,
}

/// What goes on with the round after a statement.
#[derive(PartialEq)]
enum Next {
    GoOn,
    /// The databases are no longer equal, or this is enough.
    EndRound,
}

impl Fuzzer<'_> {
    fn is_over(&self) -> bool {
        let is_late = match self.end {
            Some(end) => Instant::now() > end,
            None => self.report.count() >= self.options.count && self.options.round.is_none(),
        };
        is_late || self.report.shape_count() >= self.options.differences
    }

    fn round(&mut self, round: u64) -> Result<(), String> {
        let mut random = random::of_round(self.options.seed, round);
        let schema = Schema::generate(&mut random);
        let points = points::generate(&mut random, &schema, self.options.ties);
        let mut steps = writes(&mut random, &points);
        prepare(&self.servers, &schema.policies, &steps)?;
        for change in 0..=CHANGES {
            for _ in 0..READINGS {
                let generated = generator(&mut random, &schema, &points).reading();
                let form = form(&mut random);
                if self.is_over() || self.ask(round, &schema, &steps, generated, form)? == Next::EndRound {
                    return Ok(());
                }
            }
            if change < CHANGES {
                let generated = generator(&mut random, &schema, &points).changing();
                let statement = generated.statement.clone();
                let form = Form::default();
                if self.ask(round, &schema, &steps, generated, form)? == Next::EndRound {
                    return Ok(());
                }
                if self.has_changed_alike(round, &schema, &steps, &statement)? {
                    steps.push(Step::Change(statement));
                }
            }
        }
        Ok(())
    }

    fn ask(
        &mut self,
        round: u64,
        schema: &Schema,
        steps: &[Step],
        generated: Generated,
        form: Form,
    ) -> Result<Next, String> {
        let Generated { statement, kind } = generated;
        let text = statement.to_string();
        let place = format!("seed {}, round {round}", self.options.seed);
        let case = Case { policies: schema.policies.clone(), steps: steps.to_vec(), statement, form };
        let pair = case.ask(&self.servers);
        if let Some(trouble) = self.servers.trouble()? {
            self.report.trouble(&place, &text, &trouble);
        }
        let pair = match pair {
            Ok(pair) => pair,
            Err(error) => {
                self.report.trouble(&place, &text, &error);
                return Ok(Next::EndRound);
            }
        };
        let verdict = self.judge.verdict(&case, &pair);
        if self.options.verbose {
            let error = compare::error_of(&pair.oracle).unwrap_or_default();
            println!("{round}: {kind}, {:?} {verdict:?} {error}: {text}", compare::content_of(&pair.oracle));
        }
        self.report.add(kind, &pair, verdict);
        if verdict != Verdict::Different {
            return Ok(Next::GoOn);
        }
        if self.show(&place, &case, &pair)? {
            return Ok(Next::EndRound);
        }
        if matches!(kind, "into" | "delete" | "drop series" | "drop measurement") {
            return Ok(Next::EndRound);
        }
        prepare(&self.servers, &schema.policies, steps)?;
        Ok(Next::GoOn)
    }

    /// Shrinks and reports a difference. Whether it needs a change of data.
    fn show(&mut self, place: &str, case: &Case, pair: &Pair) -> Result<bool, String> {
        match shrink::shrink(&self.servers, &self.judge, case, &|case| self.report.knows(case))? {
            None => {
                self.report.unsteady(place, case, pair);
                Ok(false)
            }
            Some((smallest, pair)) => {
                self.report.found(place, &case.statement.to_string(), &smallest, &pair)?;
                Ok(smallest.steps.iter().any(|step| matches!(step, Step::Change(_))))
            }
        }
    }

    /// Compares all points after a change. Where they are not the same, the databases go on without the change; that is a difference
    /// of its own, unless the rows that it has written are known to differ. They also go on without it where it has given points of
    /// equal time to different series, and those are not wanted.
    fn has_changed_alike(
        &mut self,
        round: u64,
        schema: &Schema,
        steps: &[Step],
        change: &Statement,
    ) -> Result<bool, String> {
        let Contents { relation, statement, has_ties } =
            compare_contents(&self.servers, &schema.policies, &schema.measurements())?;
        let is_to_be_kept = !has_ties || self.options.ties;
        if relation == Relation::Same && is_to_be_kept {
            return Ok(true);
        }
        prepare(&self.servers, &schema.policies, steps)?;
        if relation == Relation::Same {
            return Ok(false);
        }
        let policies = schema.policies.clone();
        let is_explained = |verdict| matches!(verdict, Verdict::Explained(_) | Verdict::LastDigits);
        let as_case = |statement| Case {
            policies: policies.clone(),
            steps: steps.to_vec(),
            statement,
            form: Form::default(),
        };
        if let Statement::Select(select) = change {
            // The rows that it writes.
            let read = as_case(Statement::Select(Select { into: None, ..select.clone() }));
            if is_explained(self.judge.verdict(&read, &read.ask(&self.servers)?)) {
                return Ok(false);
            }
        }
        let changing = as_case(change.clone());
        let pair = changing.ask(&self.servers)?;
        prepare(&self.servers, &policies, steps)?;
        // Where points are refused, others may be missing: InfluxDB stops writing at any point.
        let is_refused = compare::error_of(&pair.oracle).is_some_and(|error| error.contains("partial write"));
        if relation == Relation::LastDigits
            || is_refused
            || is_explained(self.judge.verdict(&changing, &pair))
        {
            return Ok(false);
        }
        let mut changed = steps.to_vec();
        changed.push(Step::Change(change.clone()));
        let case = Case { policies, steps: changed, statement, form: Form::default() };
        case.prepare(&self.servers)?;
        let pair = case.ask(&self.servers)?;
        let place = format!("seed {}, round {round}, after {change}", self.options.seed);
        self.report.add("contents", &pair, Verdict::Different);
        self.show(&place, &case, &pair)?;
        prepare(&self.servers, &schema.policies, steps)?;
        Ok(false)
    }
}

fn generator<'a>(random: &'a mut Rng, schema: &'a Schema, points: &'a [points::Point]) -> Generator<'a> {
    Generator { random, schema, points, depth_max: 3 }
}

/// The points in one piece or in several, buffered, flushed, or partly so.
fn writes(random: &mut Rng, points: &[points::Point]) -> Vec<Step> {
    let mut steps = Vec::new();
    let size = points.len().div_ceil(random.usize(1..=3)).max(1);
    for piece in points.chunks(size) {
        steps.push(Step::Write(piece.to_vec()));
        if random.chance(50) {
            steps.push(Step::Flush);
        }
    }
    steps
}

/// How the next statement is asked.
fn form(random: &mut Rng) -> Form {
    let epoch = random.pick(&["", "ns", "ms", "s", "u"]);
    let chunk_size = if random.chance(5) { random.usize(1..=6) } else { 0 };
    Form { epoch, chunk_size, has_parameters: random.chance(4) }
}
