//! What a statement has: the words that explanations look for.

use crate::case::Case;
use crate::scenario::json::Json;
use crate::statement::{Select, Source, Statement};
use chrono_tz::Tz;

pub(super) fn any_select(case: &Case, test: impl Fn(&Select) -> bool) -> bool {
    case.statement.select().is_some_and(|select| select.any(&test))
}

/// Whether `test` (the statement, one of its subqueries) accepts any. A broken statement may have lost what it groups by.
pub(super) fn any_subquery(case: &Case, test: impl Fn(&Select, &Select) -> bool) -> bool {
    let Some(top) = case.statement.select() else { return false };
    let any = |top: &Select| {
        top.sources.iter().any(|source| match source {
            Source::Query(inner) => inner.any(&|inner| test(top, inner)),
            Source::Table(_) => false,
        })
    };
    let is_broken = matches!(case.statement, Statement::Broken { .. });
    any(top) || (is_broken && any(&Select { group: Vec::new(), ..top.clone() }))
}

/// Whether a subquery tells series apart that the statement does not. A wildcard of the statement stands for what the queries right
/// below it group by.
pub(super) fn has_more_series(top: &Select, inner: &Select) -> bool {
    let hands_on = |source: &Source, entry: &String| match source {
        Source::Query(middle) => std::ptr::eq::<Select>(&**middle, inner) || middle.group.contains(entry),
        Source::Table(_) => true,
    };
    let is_told = |entry: &String| {
        let is_wild = entry.contains(['*', '/']);
        top.group.contains(entry) && (!is_wild || top.sources.iter().all(|source| hands_on(source, entry)))
    };
    inner.group.iter().any(|entry| !entry.starts_with("time(") && !is_told(entry))
}

pub(super) fn is_over_query(select: &Select) -> bool {
    select.sources.iter().any(|source| matches!(source, Source::Query(_)))
}

/// Whether a column casts to a type.
pub(super) fn casts(column: &str) -> bool {
    ["::float", "::integer", "::string", "::boolean", "::field", "::tag"]
        .iter()
        .any(|cast| column.contains(cast))
}

/// Whether a text calls a mathematical function.
pub(super) fn computes(text: &str) -> bool {
    MATHEMATICS.iter().chain(ROUNDING).any(|name| text.contains(name))
}

/// Whether a query has a subquery that has one.
pub(super) fn is_nested_deeper(case: &Case) -> bool {
    any_subquery(case, |_, inner| is_over_query(inner))
}

pub(super) fn is_nested(case: &Case) -> bool {
    any_subquery(case, |_, _| true)
}

pub(super) fn begins_with(case: &Case, heads: &[&str]) -> bool {
    matches!(&case.statement, Statement::Other { head, .. } if heads.iter().any(|known| head.starts_with(known)))
}

/// Mathematics that makes floats of integers.
pub(super) const MATHEMATICS: &[&str] = &[
    "sin(", "cos(", "tan(", "asin(", "acos(", "atan(", "atan2(", "exp(", "ln(", "log(", "log2(", "log10(",
    "sqrt(", "pow(",
];

/// Mathematics that leaves integers what they are.
pub(super) const ROUNDING: &[&str] = &["abs(", "ceil(", "floor(", "round("];

/// Whether a mathematical function in this text has a calculation for its argument.
pub(super) fn computes_in_call(condition: &str) -> bool {
    let names = MATHEMATICS.iter().chain(ROUNDING);
    names.into_iter().any(|name| {
        condition.split(name).skip(1).any(|rest| {
            let argument = rest.split(')').next().unwrap_or_default();
            [" + ", " - ", " * ", " / ", " % ", "("].iter().any(|operator| argument.contains(operator))
        })
    })
}

/// Whether a column divides, or computes what has fractions.
pub(super) fn may_have_fractions(column: &str) -> bool {
    column.contains(" / ") || MATHEMATICS.iter().any(|name| column.contains(name))
}

/// Whether a column is a function of neighbouring points.
pub(super) fn sees_neighbours(column: &str) -> bool {
    let names = [
        "derivative(",
        "difference(",
        "moving_average(",
        "cumulative_sum(",
        "elapsed(",
        "integral(",
        "relative_strength_index(",
        "kaufmans_efficiency_ratio(",
        "chande_momentum_oscillator(",
    ];
    names.iter().any(|name| column.contains(name))
}

/// Whether a column has a remainder of what may be zero: any divisor but a number that is not.
pub(super) fn may_divide_by_zero(column: &str) -> bool {
    column.split(" % ").skip(1).any(|divisor| {
        let number = divisor.split([' ', ')', ',']).next().unwrap_or_default();
        number.parse::<f64>().map_or(true, |number| number == 0.0)
    })
}

/// Whether a column has mathematics that is not a number for some values.
pub(super) fn may_have_no_result(column: &str) -> bool {
    ["ln(", "log(", "log2(", "log10(", "sqrt(", "asin(", "acos(", "pow("]
        .iter()
        .any(|name| column.contains(name))
}

/// Whether FROM names several tables, or all that match.
pub(super) fn reads_several_tables(select: &Select) -> bool {
    let is_regex = |source: &Source| matches!(source, Source::Table(name) if name.contains('/'));
    select.sources.len() > 1 || select.sources.iter().any(is_regex)
}

/// The measurement of a name that may have a database and a policy before it.
pub(super) fn table_of(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name).trim_matches('"')
}

/// Whether FROM has several tables of one name, or rows of a subquery beside them.
pub(super) fn has_namesakes(select: &Select) -> bool {
    let measurement = |source: &Source| match source {
        Source::Table(name) => name.rsplit('.').next().map(str::to_owned),
        Source::Query(_) => None,
    };
    let names: Vec<_> = select.sources.iter().map(measurement).collect();
    let is_any = |name: &Option<String>| name.as_ref().is_none_or(|name| name.contains('/'));
    names.iter().enumerate().any(|(place, name)| {
        names[place + 1..].iter().any(|other| name == other || is_any(name) || is_any(other))
    })
}

/// Whether a FROM without subqueries has one name twice.
pub(super) fn names_twice(text: &str) -> bool {
    let from = text.split_once(" FROM ").map_or("", |(_, rest)| rest.split(" W").next().unwrap_or_default());
    let names: Vec<&str> = from.split(", ").collect();
    names.iter().enumerate().any(|(place, name)| names[place + 1..].contains(name))
}

/// The zones of `tz()`.
pub(super) fn zones(case: &Case) -> Vec<Tz> {
    let text = case.statement.to_string();
    let zone = |rest: &str| rest.split('\'').next().and_then(|name| name.parse().ok());
    text.split("tz('").skip(1).filter_map(zone).collect()
}

/// Whether the statement asks for rows in descending order; its subqueries then have that order, too.
pub(super) fn is_descending(case: &Case) -> bool {
    let ends_so = |select: &Select| select.tail.iter().any(|clause| clause.ends_with("DESC"));
    case.statement.select().is_some_and(ends_so)
}

/// Whether a share is so small that few points have none of it.
pub(super) fn percentile_may_miss(case: &Case) -> bool {
    let text = case.statement.to_string().to_ascii_lowercase();
    let shares = text.split("percentile(").skip(1).filter_map(|call| {
        let (args, _) = call.split_once(')')?;
        args.rsplit_once(", ")?.1.parse::<f64>().ok()
    });
    shares.into_iter().any(|share| share < 50.0)
}

/// A cell where InfluxDB has a number, and we have what fits the column.
pub(super) fn is_number_against_other(oracle: &Json, ours: &Json) -> bool {
    matches!((oracle, ours), (Json::Number(_), Json::String(_) | Json::Bool(_)) | (Json::Null, Json::Bool(_)))
}

pub(super) fn calls(case: &Case, text: &str) -> bool {
    case.statement.to_string().to_ascii_lowercase().contains(text)
}

/// The name by which an outer query knows a column.
pub(super) fn name_of(column: &str) -> &str {
    match column.split_once(" AS ") {
        Some((_, alias)) => alias,
        None => column.split("::").next().unwrap_or(column),
    }
}

/// Whether a column is `top` or `bottom` with tags among its arguments.
pub(super) fn chooses_by_tags(column: &str) -> bool {
    ["top(", "bottom("].iter().any(|name| {
        let arguments = column.split_once(name).and_then(|(_, rest)| rest.split(')').next());
        arguments.is_some_and(|arguments| arguments.matches(", ").count() > 1)
    })
}
