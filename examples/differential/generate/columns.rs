//! What stands between SELECT and FROM.
//!
//! In: a scope. Out: [`Columns`]: the texts, what an outer query sees of them, and what they ask of GROUP BY.

use super::names::{kind_name, quote_name};
use super::{Column, Generator, Scope};
use crate::random::Choices;
use crate::schema::Kind;

/// The columns of a SELECT.
#[derive(Debug, Clone, Default)]
pub(super) struct Columns {
    pub(super) texts: Vec<String>,
    /// The names and types that an outer query can use, as far as they are known.
    pub(super) outputs: Vec<Column>,
    pub(super) kind: &'static str,
    pub(super) interval: IntervalUse,
    /// Whether they are raw rows: then `fill(none)` and `fill(linear)` are mistakes.
    pub(super) is_raw: bool,
}

/// What columns ask of GROUP BY time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum IntervalUse {
    #[default]
    Never,
    Maybe,
    Always,
}

const ALIASES: &[&str] = &["v", "w", "c1", "my alias", "f", "i", "value"];
const ODD_ALIASES: &[&str] = &["ü", "a.b", "a,b", "it's", "select", "1st", "mean"];

impl Columns {
    pub(super) fn new(kind: &'static str, interval: IntervalUse) -> Columns {
        Columns { kind, interval, ..Columns::default() }
    }

    /// Adds a column; a known name and type make it visible to an outer query.
    pub(super) fn push(&mut self, text: String, output: Option<(String, Kind)>) {
        self.texts.push(text);
        if let Some((name, kind)) = output
            && self.outputs.iter().all(|column| column.name != name)
        {
            self.outputs.push(Column { name, kind, literals: Vec::new() });
        }
    }
}

impl Generator<'_> {
    /// Columns of any kind over `scope`. `wants_names` is set below another query, which then uses aliases.
    pub(super) fn columns(&mut self, scope: &Scope, wants_names: bool) -> Columns {
        // Below another query, those that leave it something to work with.
        let weights = if wants_names {
            &[40, 32, 12, 3, 5, 8, 2, 1, 4, 0]
        } else {
            &[22, 22, 17, 3, 6, 12, 6, 3, 7, 1]
        };
        match self.random.weighted(weights) {
            0 => self.raw_columns(scope, wants_names),
            1 => self.aggregate_columns(scope, wants_names),
            2 => self.selector_columns(scope, wants_names),
            3 => self.distinct_column(scope, wants_names),
            4 => self.top_columns(scope, wants_names),
            5 => self.transformation_columns(scope, wants_names),
            6 => self.analysis_columns(scope, wants_names),
            7 => self.integral_columns(scope, wants_names),
            8 => self.math_columns(scope, wants_names),
            _ => self.forecast_column(scope),
        }
    }

    /// `text`, with an alias now and then, and always when an outer query has to know it.
    pub(super) fn named(
        &mut self,
        columns: &mut Columns,
        text: String,
        name: &str,
        kind: Kind,
        wants_names: bool,
    ) {
        // The names of expressions are long: an outer query only sees them by an alias.
        let percent = match (wants_names, name) {
            (true, "?") => 100,
            (true, _) => 70,
            _ => 12,
        };
        if self.random.chance(percent) {
            let aliases = if self.random.chance(85) { ALIASES } else { ODD_ALIASES };
            let alias = self.random.pick(aliases);
            columns.push(format!("{text} AS {}", quote_name(alias)), Some((alias.to_owned(), kind)));
        } else {
            columns.push(text, (name != "?").then(|| (name.to_owned(), kind)));
        }
    }

    /// A field of a type that `accepts` takes; now and then of any other, or a tag, or a name that is none.
    pub(super) fn field(&mut self, scope: &Scope, accepts: fn(Kind) -> bool) -> (String, Kind) {
        let fitting: Vec<Column> = scope.fields.iter().filter(|field| accepts(field.kind)).cloned().collect();
        let percent = if fitting.is_empty() { 30 } else { 98 };
        let column = if self.random.chance(percent) || scope.fields.is_empty() {
            self.random.choice(&fitting).cloned()
        } else {
            self.random.choice(&scope.fields).cloned()
        };
        match column {
            Some(column) => (self.reference(&column, false), column.kind),
            None => match self.random.choice(&scope.tags).cloned() {
                Some(tag) if self.random.chance(50) => (self.reference(&tag, true), Kind::String),
                _ => ("f".to_owned(), Kind::Float),
            },
        }
    }

    fn raw_columns(&mut self, scope: &Scope, wants_names: bool) -> Columns {
        let mut columns = Columns { is_raw: true, ..Columns::new("raw", IntervalUse::Never) };
        let count = 1 + self.random.weighted(&[5, 4, 2, 1]);
        for _ in 0..count {
            match self.random.weighted(&[40, 10, 8, 3, 3, 6, 5, 20, 2]) {
                0 => {
                    let (text, kind) = self.field(scope, |_| true);
                    let name = text.split("::").next().unwrap_or_default().trim_matches('"').to_owned();
                    self.named(&mut columns, text, &name, kind, wants_names);
                }
                1 => {
                    let text = self.tag_name(scope);
                    let name = text.split("::").next().unwrap_or_default().trim_matches('"').to_owned();
                    self.named(&mut columns, text, &name, Kind::String, wants_names);
                }
                2 => {
                    columns.texts.push("*".to_owned());
                    columns.outputs.extend(scope.fields.iter().cloned());
                }
                3 => {
                    columns.texts.push("*::field".to_owned());
                    columns.outputs.extend(scope.fields.iter().cloned());
                }
                4 => columns.texts.push("*::tag".to_owned()),
                5 => {
                    let names: Vec<String> =
                        scope.fields.iter().chain(&scope.tags).map(|column| column.name.clone()).collect();
                    columns.texts.push(self.regex(&names));
                }
                6 => {
                    let (text, _) = self.field(scope, Kind::is_numeric);
                    let kind = [Kind::Float, Kind::Integer][self.random.usize(..2)];
                    let name = text.split("::").next().unwrap_or_default().to_owned();
                    let text = format!("{name}::{}", kind_name(kind));
                    self.named(&mut columns, text, name.trim_matches('"'), kind, wants_names);
                }
                7 => {
                    let (text, kind) = self.arithmetic(scope, 0);
                    self.named(&mut columns, text, "?", kind, wants_names);
                }
                _ => columns.texts.push("time".to_owned()),
            }
        }
        columns
    }

    /// An expression of fields and numbers.
    pub(super) fn arithmetic(&mut self, scope: &Scope, depth: usize) -> (String, Kind) {
        if self.random.chance(6) {
            let (field, _) = self.field(scope, |kind| kind == Kind::Boolean);
            let operator = self.random.pick(&["&", "|", "^"]);
            let right = self.field(scope, |kind| kind == Kind::Boolean).0;
            return (format!("{field} {operator} {right}"), Kind::Boolean);
        }
        if self.random.chance(6) {
            let (field, _) = self.field(scope, |kind| kind == Kind::Integer);
            let operator = self.random.pick(&["&", "|", "^"]);
            return (format!("{field} {operator} {}", self.random.i64(0..=9)), Kind::Integer);
        }
        let (left, left_kind) = self.operand(scope, depth);
        let (right, right_kind) = if self.random.chance(50) {
            match self.random.usize(..6) {
                0 => (self.random.pick(&["2.5", "2.5", ".5", "5.", "0.001", "-0.0"]).to_owned(), Kind::Float),
                1 => ("0".to_owned(), Kind::Integer),
                2 => ("-1".to_owned(), Kind::Integer),
                _ => (self.random.i64(1..=9).to_string(), Kind::Integer),
            }
        } else {
            self.operand(scope, depth)
        };
        let operator = self.random.pick(&["+", "-", "*", "/", "%", "+", "-", "*"]);
        let kind = match (left_kind, right_kind) {
            (Kind::Integer, Kind::Integer) if operator != "/" => Kind::Integer,
            _ => Kind::Float,
        };
        if self.random.chance(10) {
            (format!("{right} {operator} {left}"), kind)
        } else {
            (format!("{left} {operator} {right}"), kind)
        }
    }

    fn operand(&mut self, scope: &Scope, depth: usize) -> (String, Kind) {
        match self.random.usize(..10) {
            0 if depth < 2 => {
                let (text, kind) = self.arithmetic(scope, depth + 1);
                (format!("({text})"), kind)
            }
            1 => {
                let (text, kind) = self.field(scope, Kind::is_numeric);
                (format!("-{text}"), kind)
            }
            _ => self.field(scope, Kind::is_numeric),
        }
    }
}
