//! Statements, and what the model answers.

use super::condition::Condition;
use super::history::Shape;
use super::model::{Fields, Group, Key, Model, TAGS, Value};
use super::random::Choices;
use crate::query::scan::RunEnd;
use fastrand::Rng;
use std::collections::BTreeMap;

/// A row of an answer.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct AnswerRow {
    /// `None` where it is not that of a point.
    pub(super) time_ns: Option<i64>,
    pub(super) cells: Vec<Option<Value>>,
}

/// Per group and place in it the rows that may stand there: several where points tie.
pub(super) type Expected = BTreeMap<Vec<String>, Vec<Vec<AnswerRow>>>;

/// A SELECT.
#[derive(Clone, Debug)]
pub(super) struct Question {
    kind: Kind,
    group_tags: Vec<&'static str>,
    condition: Condition,
}

#[derive(Clone, Debug)]
enum Kind {
    /// `last(f), i, host`
    Point { end: RunEnd, field: &'static str, beside: Vec<&'static str> },
    /// `last(f), first(i)`
    Ends(Vec<(RunEnd, &'static str)>),
    /// `last(*)`
    EndsOfAll(RunEnd, Vec<&'static str>),
    /// `f, i, host … LIMIT 2`
    Rows { columns: Vec<&'static str>, has_all: bool, is_descending: bool, limit: usize, offset: usize },
}

impl Question {
    pub(super) fn new(shape: &Shape, random: &mut Rng) -> Self {
        let fields = &shape.fields;
        let group_tags = Shape::tags(random);
        let end = random.pick(&[RunEnd::Last, RunEnd::Last, RunEnd::First]);
        let free_tags: Vec<&str> = TAGS.into_iter().filter(|tag| !group_tags.contains(tag)).collect();
        let kind = match random.usize(..8) {
            0..3 => {
                let mut beside = random.some(fields);
                beside.extend(random.once_in(3).then(|| random.pick(&TAGS)));
                Kind::Point { end, field: random.pick(fields), beside }
            }
            3 => {
                let is_mixed = random.once_in(3);
                let other = |random: &mut Rng| match is_mixed && random.bool() {
                    true => RunEnd::First,
                    false => end,
                };
                let count = random.usize(2..=4);
                let calls = (0..count).map(|_| (other(random), random.pick(fields))).collect();
                Kind::Ends(calls)
            }
            4 => Kind::EndsOfAll(end, fields.clone()),
            kind => {
                let has_all = kind == 5;
                let columns = match has_all {
                    true => fields.iter().copied().chain(free_tags).collect(),
                    false => {
                        let mut columns = random.some(fields);
                        columns.extend(random.once_in(3).then(|| random.pick(&TAGS)));
                        columns
                    }
                };
                let (limit, offset) = (random.usize(1..=3), random.pick(&[0, 0, 1, 2]));
                Kind::Rows { columns, has_all, is_descending: end == RunEnd::Last, limit, offset }
            }
        };
        Self { kind, group_tags, condition: Condition::new(shape, random) }
    }

    /// The statement.
    pub(super) fn text(&self) -> String {
        let (columns, order) = match &self.kind {
            Kind::Point { end, field, beside } => {
                let columns: String = beside.iter().map(|name| format!(", {name}")).collect();
                (format!("{}{columns}", call(*end, field)), String::new())
            }
            Kind::Ends(calls) => {
                let calls: Vec<_> = calls.iter().map(|(end, field)| call(*end, field)).collect();
                (calls.join(", "), String::new())
            }
            Kind::EndsOfAll(end, _) => (call(*end, "*"), String::new()),
            Kind::Rows { columns, has_all, is_descending, limit, offset } => {
                let order = if *is_descending { " ORDER BY time DESC" } else { "" };
                let columns = if *has_all { "*".to_owned() } else { columns.join(", ") };
                (columns, format!("{order} LIMIT {limit} OFFSET {offset}"))
            }
        };
        let group = match self.group_tags.join(", ") {
            none if none.is_empty() => none,
            tags => format!(" GROUP BY {tags}"),
        };
        format!("SELECT {columns} FROM m{}{group}{order}", self.condition.text())
    }

    /// The columns of the answer behind the time, where they are found by their names instead of their places.
    pub(super) fn names(&self) -> Option<Vec<String>> {
        match &self.kind {
            Kind::EndsOfAll(end, fields) => {
                Some(fields.iter().map(|field| format!("{}_{field}", function(*end))).collect())
            }
            Kind::Rows { columns, has_all: true, .. } => {
                Some(columns.iter().map(|name| (*name).to_owned()).collect())
            }
            _ => None,
        }
    }

    /// How many columns the answer has behind the time, and whether the time is that of a point.
    pub(super) fn column_count(&self) -> (usize, bool) {
        match &self.kind {
            Kind::Point { beside, .. } => (1 + beside.len(), true),
            Kind::Ends(calls) => (calls.len(), false),
            Kind::EndsOfAll(_, fields) => (fields.len(), false),
            Kind::Rows { columns, .. } => (columns.len(), true),
        }
    }

    /// What the answer should be.
    pub(super) fn expected(&self, model: &Model) -> Expected {
        let groups = model.groups(&self.group_tags, |key, fields| self.condition.holds(key, fields));
        let answered = groups.into_iter().map(|(tags, rows)| (tags, self.of_group(&rows)));
        answered.filter(|(_, rows)| !rows.is_empty()).collect()
    }

    fn of_group(&self, rows: &Group<'_>) -> Vec<Vec<AnswerRow>> {
        match &self.kind {
            Kind::Point { end, field, beside } => {
                let cells = |(key, fields): &(Key, &Fields)| {
                    std::iter::once(field).chain(beside).map(|name| cell(key, fields, name)).collect()
                };
                let ends = ends(rows, *end, field);
                let choices: Vec<_> =
                    ends.iter().map(|row| AnswerRow { time_ns: Some(row.0.1), cells: cells(row) }).collect();
                if choices.is_empty() { Vec::new() } else { vec![choices] }
            }
            Kind::Ends(calls) => of_calls(rows, calls),
            Kind::EndsOfAll(end, fields) => {
                of_calls(rows, &fields.iter().map(|field| (*end, *field)).collect::<Vec<_>>())
            }
            Kind::Rows { columns, is_descending, limit, offset, .. } => {
                let has_value = |fields: &&Fields| columns.iter().any(|name| fields.contains_key(name));
                let mut found: Vec<_> = rows.iter().filter(|(_, fields)| has_value(fields)).collect();
                found.sort_by_key(|((series, time_ns), _)| (*time_ns, *series));
                if *is_descending {
                    found.reverse();
                }
                let answer = |(key, fields): &(Key, &Fields)| AnswerRow {
                    time_ns: Some(key.1),
                    cells: columns.iter().map(|name| cell(key, fields, name)).collect(),
                };
                found.into_iter().skip(*offset).take(*limit).map(|row| vec![answer(row)]).collect()
            }
        }
    }
}

/// One row with a value for each call, if any has one.
fn of_calls(rows: &Group<'_>, calls: &[(RunEnd, &'static str)]) -> Vec<Vec<AnswerRow>> {
    let value = |(end, field): &(RunEnd, &'static str)| {
        ends(rows, *end, field).first().and_then(|(_, fields)| fields.get(field).cloned())
    };
    let cells: Vec<_> = calls.iter().map(value).collect();
    match cells.iter().all(Option::is_none) {
        true => Vec::new(),
        false => vec![vec![AnswerRow { time_ns: None, cells }]],
    }
}

/// The rows of the outermost value of a field. Of one time that with the greater value counts, but of booleans the first is the lesser.
fn ends<'a>(rows: &Group<'a>, end: RunEnd, field: &str) -> Group<'a> {
    let mut found: Vec<_> = rows.iter().filter(|(_, fields)| fields.contains_key(field)).copied().collect();
    let time_ns = |row: &(Key, _)| row.0.1;
    let outermost = match end {
        RunEnd::Last => found.iter().map(time_ns).max(),
        RunEnd::First => found.iter().map(time_ns).min(),
    };
    found.retain(|row| Some(row.0.1) == outermost);
    let is_least = end == RunEnd::First && field == "b";
    let mut best: Option<Value> = None;
    for (_, fields) in &found {
        let value = &fields[field];
        if best.as_ref().is_none_or(|best| if is_least { value < best } else { value > best }) {
            best = Some(value.clone());
        }
    }
    found.retain(|(_, fields)| fields.get(field) == best.as_ref());
    found
}

/// The value of a field or a tag.
fn cell((series, _): &Key, fields: &Fields, name: &str) -> Option<Value> {
    match fields.get(name) {
        Some(value) => Some(value.clone()),
        None => series.tag(name).map(|tag| Value::Text(tag.to_owned())),
    }
}

fn function(end: RunEnd) -> &'static str {
    match end {
        RunEnd::First => "first",
        RunEnd::Last => "last",
    }
}

fn call(end: RunEnd, field: &str) -> String {
    format!("{}({field})", function(end))
}
