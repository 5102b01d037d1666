//! What is read of series of which only the last, the first or a few rows are asked for, when points are written piece by piece.
//!
//! ```text
//! seed ─▶ shape ─▶ steps: partial writes, flushes, compactions, deletions ─▶ engine ─┐
//!                    └────────────────────────────────────────────────────▶ model ───┤
//!                  questions: last(f), i · last(f), first(i) · last(*) · f … LIMIT n ─▶ answers, compared
//!                  runs: the rows that a scan of `RunRows` yields ─────────────────────▶ compared
//! ```
//!
//! A scan leaves out what the ends of series do not need: rows, row groups, files. Whether it may depends on which fields they have, on
//! what overlaps with them, and on what is deleted. So one history is asked in several states of its data.
//!
//! | variable | meaning | default |
//! |---|---|---|
//! | `TIDEGAUGE_PARTIAL_POINTS_SEEDS` | how many seeds are run | 30 |
//! | `TIDEGAUGE_PARTIAL_POINTS_FIRST` | the first of them | 1 |
//!
//! A failure names its seed, what happened under it, and the statement.

mod condition;
mod history;
mod model;
mod question;
mod random;
mod runs;
mod values;

use crate::clock::ManualClock;
use crate::engine::{Engine, EngineOptions, WriteRequest};
use crate::line_protocol::Precision;
use crate::object::Store;
use crate::query::{Command, QueryContext, QueryEngine, QueryOptions, StatementOutcome};
use fastrand::Rng;
use futures::TryStreamExt;
use history::{Shape, Step};
use model::{Model, TAGS, Value};
use question::{AnswerRow, Expected, Question};
use random::Choices;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use values::value_at;

const SEEDS_DEFAULT: u64 = 30;
const FIRST_DEFAULT: u64 = 1;

/// Questions at the end of a history, and half as many on the way.
const QUESTIONS: usize = 16;

#[test]
fn the_ends_of_series_have_the_newest_value_of_every_field() {
    let first = number("TIDEGAUGE_PARTIAL_POINTS_FIRST", FIRST_DEFAULT);
    let count = number("TIDEGAUGE_PARTIAL_POINTS_SEEDS", SEEDS_DEFAULT);
    let next = AtomicU64::new(first);
    let run = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= first + count {
                return;
            }
            run_seed(seed);
        }
    };
    std::thread::scope(|scope| {
        let threads = [scope.spawn(run), scope.spawn(run)];
        threads.into_iter().for_each(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)));
    });
}

/// The number in an environment variable, or `default` when it is not set.
fn number(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")),
        Err(_) => default,
    }
}

/// Runs one seed; says how to replay it when it fails.
fn run_seed(seed: u64) {
    let mut happened = String::new();
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.unwrap().block_on(check(Rng::with_seed(seed), &mut happened));
    }));
    if let Err(panic) = outcome {
        eprintln!(
            "what happened:\n{happened}this fails with seed {seed}; replay it with\n  \
             TIDEGAUGE_PARTIAL_POINTS_FIRST={seed} TIDEGAUGE_PARTIAL_POINTS_SEEDS=1 cargo test --lib partial_points"
        );
        resume_unwind(panic);
    }
}

async fn check(mut random: Rng, happened: &mut String) {
    let shape = Shape::new(&mut random);
    let _ = writeln!(happened, "{shape:?}");
    let table = Table::new(&shape).await;
    let mut model = Model::default();
    let first = Step::Write(vec![shape.first_point(&mut random)]);
    for step in std::iter::once(first).chain(shape.steps(&mut random)) {
        let _ = writeln!(happened, "  {step}");
        table.take(&step).await;
        match &step {
            Step::Write(points) => model.write(points),
            Step::Delete(deletion) => model.delete(deletion),
            Step::Flush | Step::Compact | Step::CompactSome => {}
        }
        if random.once_in(4) {
            table.ask(&shape, &model, QUESTIONS / 2, &mut random, happened).await;
        }
    }
    table.ask(&shape, &model, QUESTIONS, &mut random, happened).await;
}

/// The table `m` of an engine.
struct Table {
    engine: Arc<Engine>,
    query: QueryEngine,
    _directory: tempfile::TempDir,
}

impl Table {
    async fn new(shape: &Shape) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut options = EngineOptions::new(directory.path().join("wal"));
        options.wal.disk_low_water_bytes = 0;
        options.row_group_rows = shape.row_group_rows;
        options.upkeep_interval = None;
        options.compaction.work_share = 1.0;
        let clock = Arc::new(ManualClock::new(0));
        let engine = Engine::open(options, Store::in_memory(), clock).await.unwrap();
        engine.create_database("db", None).await.unwrap();
        let options = QueryOptions { threads: 2, ..QueryOptions::default() };
        let query = QueryEngine::new(engine.clone(), options).unwrap();
        Self { engine, query, _directory: directory }
    }

    async fn take(&self, step: &Step) {
        match step {
            Step::Write(points) => {
                let body: String = points.iter().map(|point| format!("{point}\n")).collect();
                let request = WriteRequest {
                    database: "db".into(),
                    policy: None,
                    precision: Precision::Nanosecond,
                    body: body.into(),
                };
                self.engine.write(request).await.unwrap();
            }
            Step::Flush => self.engine.flush().await.unwrap(),
            Step::Compact => self.engine.compact().await.unwrap(),
            Step::CompactSome => {
                self.engine.compact_gently().await.unwrap();
            }
            Step::Delete(deletion) => match self.outcome(&deletion.to_string()).await {
                StatementOutcome::Command(Command::Delete { deletions }) => {
                    self.engine.delete(&deletions).await.unwrap();
                }
                _ => panic!("{deletion} deletes"),
            },
        }
    }

    async fn outcome(&self, text: &str) -> StatementOutcome {
        let context = QueryContext { database: Some("db".into()), ..QueryContext::default() };
        let statements = influxql::parse(text, &influxql::Params::new()).expect(text);
        self.query.influxql(&statements[0], &context).await.expect(text)
    }

    /// Compares some answers with the model's.
    async fn ask(&self, shape: &Shape, model: &Model, count: usize, random: &mut Rng, happened: &mut String) {
        for _ in 0..count {
            let question = Question::new(shape, random);
            let text = question.text();
            let answer = self.answer(&question, &text).await;
            let expected = question.expected(model);
            if !is_expected(&answer, &expected) {
                let _ = writeln!(happened, "  {text}");
                panic!("{text}\n   answer: {answer:?}\n expected: {expected:?}");
            }
        }
        for _ in 0..count / 4 {
            runs::check(&self.engine, shape, model, random).await;
        }
    }

    /// Rows by group.
    async fn answer(&self, question: &Question, text: &str) -> BTreeMap<Vec<String>, Vec<AnswerRow>> {
        let StatementOutcome::Rows(rows) = self.outcome(text).await else { panic!("{text} has rows") };
        let shape = rows.shape;
        let (count, has_time) = question.column_count();
        let place = |name: &str| shape.columns.iter().find(|(known, _)| **known == *name).map(|(_, c)| *c);
        let places: Vec<Option<usize>> = match question.names() {
            Some(names) => names.iter().map(|name| place(name)).collect(),
            None => shape.columns.iter().skip(1).map(|(_, column)| Some(*column)).collect(),
        };
        let mut groups: BTreeMap<Vec<String>, Vec<AnswerRow>> = BTreeMap::new();
        for batch in rows.batches.try_collect::<Vec<_>>().await.expect(text) {
            assert_eq!(places.len(), count, "{text} has {:?}", shape.columns);
            for row in 0..batch.num_rows() {
                let tag = |(_, column): &(Arc<str>, usize)| match value_at(batch.column(*column), row) {
                    Some(Value::Text(text)) => text,
                    None => String::new(),
                    Some(other) => panic!("{other:?} is no tag"),
                };
                let cell = |column: &Option<usize>| {
                    let value = value_at(batch.column((*column)?), row)?;
                    let name = &shape.columns.iter().find(|(_, known)| Some(*known) == *column)?.0;
                    let is_none = TAGS.contains(&&**name) && value == Value::Text(String::new());
                    (!is_none).then_some(value)
                };
                let time_ns = match value_at(batch.column(shape.columns[0].1), row) {
                    Some(Value::Integer(time_ns)) => has_time.then_some(time_ns),
                    other => panic!("{other:?} is no time"),
                };
                let answer = AnswerRow { time_ns, cells: places.iter().map(cell).collect() };
                groups.entry(shape.group_tags.iter().map(tag).collect()).or_default().push(answer);
            }
        }
        groups
    }
}

fn is_expected(answer: &BTreeMap<Vec<String>, Vec<AnswerRow>>, expected: &Expected) -> bool {
    let is_group = |(group, rows): (&Vec<String>, &Vec<AnswerRow>)| {
        expected.get(group).is_some_and(|expected| {
            rows.len() == expected.len()
                && rows.iter().zip(expected).all(|(row, choices)| choices.contains(row))
        })
    };
    answer.len() == expected.len() && answer.iter().all(is_group)
}
