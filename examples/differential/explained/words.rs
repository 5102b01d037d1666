//! What a statement has: the words that explanations look for.

use crate::case::Case;
use crate::scenario::json::Json;
use crate::statement::{Select, Source, Statement};

pub(super) fn any_select(case: &Case, test: impl Fn(&Select) -> bool) -> bool {
    match &case.statement {
        Statement::Select(select) => select.any(&test),
        Statement::Other { .. } => false,
    }
}

/// Whether `test` (the statement, one of its subqueries) accepts any.
pub(super) fn any_subquery(case: &Case, test: impl Fn(&Select, &Select) -> bool) -> bool {
    let Statement::Select(top) = &case.statement else { return false };
    top.sources.iter().any(|source| match source {
        Source::Query(inner) => inner.any(&|inner| test(top, inner)),
        Source::Table(_) => false,
    })
}

/// Whether a subquery tells series apart that the statement does not.
pub(super) fn has_more_series(top: &Select, inner: &Select) -> bool {
    inner.group.iter().any(|entry| !entry.starts_with("time(") && !top.group.contains(entry))
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

/// Whether a SELECT … INTO before the statement may have written other points than InfluxDB's, for a reason that stands here.
pub(super) fn has_written_otherwise(case: &Case) -> bool {
    let may_differ = |select: &Select| {
        let columns = select.columns.join(" ").to_ascii_lowercase();
        let names = ["abs(", "mode(", "percentile(", "integral(", "distinct ", " % "];
        is_over_query(select)
            || names.iter().any(|name| columns.contains(name))
            || (columns.contains("mean(") && case.has_huge_integers())
    };
    case.changes().any(|change| match change {
        Statement::Select(select) => may_differ(select),
        Statement::Other { .. } => false,
    })
}

/// Whether the statement asks for rows in descending order; its subqueries then have that order, too.
pub(super) fn is_descending(case: &Case) -> bool {
    match &case.statement {
        Statement::Select(select) => select.tail.iter().any(|clause| clause.ends_with("DESC")),
        Statement::Other { .. } => false,
    }
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
