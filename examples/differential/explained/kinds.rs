//! Whether what a query computes may be of a type.

use super::words::{chooses_by_tags, name_of};
use crate::case::Case;
use crate::schema::Kind;
use crate::statement::{Select, Source};

/// Whether `text`, a part of a column or a condition of `select`, may be computed of values of this type. A tag is text.
pub(super) fn may_have(case: &Case, select: &Select, text: &str, kind: Kind) -> bool {
    let text = text.to_ascii_lowercase();
    // Functions whose results are of one type, casts, and names that are not told.
    let parts: &[&str] = match kind {
        Kind::Integer => &["count(", "elapsed(", "::integer", "(*)", "(/"],
        Kind::Boolean => &["::boolean", "(*)", "(/"],
        Kind::String => &["::string", "::tag", "*", "/"],
        Kind::Float => &["::float", ".", "(*)", "(/"],
    };
    let has_part = parts.iter().any(|part| text.contains(part));
    has_part || names_in(&text).iter().any(|name| is_of(case, select, name, kind))
}

/// Whether a column of `select` casts a column of a subquery to a type that it may not have.
pub(super) fn may_misfit(case: &Case, select: &Select, column: &str) -> bool {
    let others: &[(&str, &[Kind])] = &[
        ("::float", &[Kind::String, Kind::Boolean]),
        ("::integer", &[Kind::String, Kind::Boolean]),
        ("::string", &[Kind::Float, Kind::Integer, Kind::Boolean]),
        ("::boolean", &[Kind::Float, Kind::Integer, Kind::String]),
        ("::tag", &[Kind::Float, Kind::Integer, Kind::Boolean, Kind::String]),
        ("::field", &[Kind::String]),
    ];
    others.iter().any(|(cast, kinds)| {
        let before = column.match_indices(cast).map(|(at, _)| &column[..at]);
        let names = before.filter_map(|before| names_in(before).pop());
        names
            .into_iter()
            .any(|name| kinds.iter().any(|kind| is_of(case, select, &name.to_lowercase(), *kind)))
    })
}

fn is_of(case: &Case, select: &Select, name: &str, kind: Kind) -> bool {
    select.sources.iter().any(|source| match source {
        Source::Table(_) => {
            let kinds = case.kinds_of(name);
            kinds.contains(&kind) || (kind == Kind::String && kinds.is_empty())
        }
        Source::Query(inner) => {
            let names = |column: &String| {
                let own = name_of(column).trim_matches('"').to_ascii_lowercase();
                own == name || own.split('(').next() == Some(name)
            };
            let is_wild = |column: &String| column.contains('*') || column.contains('/');
            // What a subquery groups by, and the tags among the arguments of top and bottom, are tags.
            let is_group = |entry: &String| is_wild(entry) || entry.trim_matches('"').to_lowercase() == name;
            let is_argument = |column: &String| {
                chooses_by_tags(column) && names_in(&column.to_lowercase()).iter().any(|own| own == name)
            };
            let is_tag = inner.group.iter().any(is_group) || inner.columns.iter().any(is_argument);
            if kind == Kind::String && is_tag {
                return true;
            }
            inner
                .columns
                .iter()
                .any(|column| is_wild(column) || (names(column) && may_have(case, inner, column, kind)))
        }
    })
}

/// The names in a text: no functions, no strings.
fn names_in(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' | '\'' => {
                let mut quoted = String::new();
                while let Some(next) = chars.next().filter(|next| *next != c) {
                    quoted.push(if next == '\\' { chars.next().unwrap_or(next) } else { next });
                }
                if c == '"' {
                    names.push(quoted);
                }
            }
            c if c.is_alphabetic() || c == '_' => {
                let mut name = c.to_string();
                while let Some(next) = chars.next_if(|c| c.is_alphanumeric() || *c == '_') {
                    name.push(next);
                }
                if chars.peek() != Some(&'(') {
                    names.push(name);
                }
            }
            c if c.is_ascii_digit() => while chars.next_if(|c| c.is_ascii_alphanumeric()).is_some() {},
            _ => {}
        }
    }
    names
}
