//! Names, literals and times as InfluxQL writes them.

use super::{Column, Generator, Scope};
use crate::points::quote_string;
use crate::random::Choices;
use crate::schema::Kind;

const KEYWORDS: &[&str] = &["select", "from", "group", "mean time"];

/// `name` as an identifier: in quotes where it needs them.
pub(crate) fn quote_name(name: &str) -> String {
    let mut chars = name.chars();
    let is_plain = chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !KEYWORDS.contains(&name);
    if is_plain {
        name.to_owned()
    } else {
        format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))
    }
}

const MICROSECOND: i64 = 1_000;
const MILLISECOND: i64 = 1_000_000;
const SECOND: i64 = 1_000_000_000;
const DAY: i64 = 86_400 * SECOND;

/// Numbers that may not occur in the data.
const FLOATS: &[&str] =
    &["0", "1.5", "-3", "20", "7.25", ".5", "5.", "-0.0", "0.000000001", "100000000000000000000.5"];
const INTEGERS: &[&str] = &["0", "1", "-2", "3", "10", "1.0", "9223372036854775807", "-9223372036854775808"];

/// Regular expressions that match some of most names …
const PLAIN_REGEXES: &[&str] = &["/.*/", "/./", "/^$/", "/.+/", "/[a-m]/", "/^[a-f]/", "/(?i)A/"];
/// … and those with what not every dialect means by it: classes, flags, boundaries and escapes.
const ODD_REGEXES: &[&str] = &[
    r"/\pL/",
    r"/^\PL+$/",
    r"/\p{Lu}/",
    r"/\p{Greek}/",
    r"/^\w+$/",
    r"/\W/",
    r"/\d/",
    r"/\s/",
    r"/[[:alpha:]]/",
    r"/[^[:ascii:]]/",
    r"/[^\pL\d]/",
    r"/\bb\b/",
    r"/ü\b/",
    r"/(?i)Ü|GRÖSSE|GRÖßE/",
    r"/(?s)^.$/",
    r"/(?U)^a.*?/",
    r"/(?i:B)|c/",
    r"/\x{fc}/",
    r"/\Aa\z/",
    r"/\Q.\E/",
    r"/^(a|b|)$/",
];

impl Generator<'_> {
    /// A reference to the column, now and then with its type.
    pub(super) fn reference(&mut self, column: &Column, is_tag: bool) -> String {
        let name = quote_name(&column.name);
        match self.random.usize(..40) {
            0 if is_tag => format!("{name}::tag"),
            1 if !is_tag => format!("{name}::field"),
            // What it is not.
            4 if !is_tag && self.random.chance(50) => format!("{name}::tag"),
            2 if !is_tag => format!("{name}::{}", kind_name(column.kind)),
            3 if !is_tag => {
                format!("{name}::{}", ["float", "integer", "string", "boolean"][self.random.usize(..4)])
            }
            _ => name,
        }
    }

    /// A tag by name, or a name that is none.
    pub(super) fn tag_name(&mut self, scope: &Scope) -> String {
        let column = self.random.choice(&scope.tags).cloned();
        match column {
            Some(column) if !self.random.chance(4) => self.reference(&column, true),
            _ => ["nosuch", "host", "region", "f"][self.random.usize(..4)].to_owned(),
        }
    }

    /// A regex that some of `names` match.
    pub(super) fn regex(&mut self, names: &[String]) -> String {
        let fixed = if self.random.chance(60) { PLAIN_REGEXES } else { ODD_REGEXES };
        let Some(name) = self.random.choice(names).cloned() else {
            return fixed[self.random.usize(..fixed.len())].to_owned();
        };
        let escaped = regex_escape(&name);
        match self.random.usize(..6) {
            0 => format!("/^{escaped}$/"),
            1 => format!("/{escaped}/"),
            2 => match name.chars().next() {
                Some(first) => format!("/^{}/", regex_escape(&first.to_string())),
                None => "/^$/".to_owned(),
            },
            3 => {
                let other = self.random.choice(names).cloned().unwrap_or_default();
                format!("/^({escaped}|{})$/", regex_escape(&other))
            }
            _ => fixed[self.random.usize(..fixed.len())].to_owned(),
        }
    }

    /// A literal of the column's type that mostly occurs in the data.
    pub(super) fn literal(&mut self, column: &Column) -> String {
        let known = self.random.choice(&column.literals).cloned();
        match known {
            Some(literal) if !self.random.chance(10) => literal,
            _ => match column.kind {
                Kind::Float => self.random.pick(FLOATS).to_owned(),
                Kind::Integer => self.random.pick(INTEGERS).to_owned(),
                Kind::String => ["'a'", "''", "'b c'", "'zz'"][self.random.usize(..4)].to_owned(),
                Kind::Boolean => ["true", "false"][self.random.usize(..2)].to_owned(),
            },
        }
    }

    /// A time near the points.
    pub(super) fn time_near(&mut self) -> i64 {
        let (start, end, step) = (self.schema.start_ns, self.schema.end_ns, self.schema.step_ns);
        match self.random.choice(self.points) {
            Some(point) if self.random.chance(20) => point.time_ns,
            _ => start + self.random.i64(-2..=(end - start) / step + 2) * step,
        }
    }

    /// `time_ns` as a literal in one of the ways to write a time.
    pub(super) fn time_literal(&mut self, time_ns: i64) -> String {
        let whole = time_ns % SECOND == 0;
        match self.random.usize(..12) {
            0 if whole => format!("{}s", time_ns / SECOND),
            1 if whole && time_ns % (60 * SECOND) == 0 => format!("{}m", time_ns / (60 * SECOND)),
            2 => quote_string(&date_text(time_ns, "%Y-%m-%dT%H:%M:%S", "Z")),
            3 => quote_string(&date_text(time_ns, "%Y-%m-%d %H:%M:%S", "")),
            4 if whole => {
                format!("{} + 90s", quote_string(&date_text(time_ns - 90 * SECOND, "%Y-%m-%dT%H:%M:%S", "Z")))
            }
            5 if time_ns % MILLISECOND == 0 => format!("{}ms", time_ns / MILLISECOND),
            6 if time_ns % MICROSECOND == 0 => format!("{}u", time_ns / MICROSECOND),
            7 if whole => format!("{}s + 1500ms - 1500ms", time_ns / SECOND),
            8 if whole => quote_string(&date_text(time_ns + 19_800 * SECOND, "%Y-%m-%dT%H:%M:%S", "+05:30")),
            9 if time_ns.rem_euclid(DAY) == 0 => quote_string(&date_text(time_ns, "%Y-%m-%d", "")),
            _ => time_ns.to_string(),
        }
    }
}

/// A type's name as InfluxQL has it.
pub(super) fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Float => "float",
        Kind::Integer => "integer",
        Kind::String => "string",
        Kind::Boolean => "boolean",
    }
}

fn date_text(time_ns: i64, form: &str, zone: &str) -> String {
    let time = chrono::DateTime::from_timestamp_nanos(time_ns);
    let fraction = match time_ns.rem_euclid(SECOND) {
        0 => String::new(),
        fraction => format!(".{fraction:09}"),
    };
    format!("{}{fraction}{zone}", time.format(form))
}

fn regex_escape(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if c == '/'
            || (c.is_ascii_punctuation() && !matches!(c, '_' | '\'' | '"' | ',' | '=' | '#' | ' ' | '-'))
        {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
