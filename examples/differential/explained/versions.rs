//! What later versions of InfluxDB do, and accidents of the one that is asked.

use super::bounds::window_times;
use super::kinds::may_have;
use super::words::{
    any_select, begins_with, calls, computes, computes_in_call, is_nested, sees_neighbours, zones,
};
use super::{Between, Explained};
use crate::case::Case;
use crate::compare::{Content, content_of, error_of};
use crate::schema::Kind;
use crate::series::{differing_columns, only_cells_differ};
use crate::servers::Pair;
use crate::statement::{Select, Statement};

/// How the error of a value begins that JSON does not have.
pub(super) const UNSUPPORTED_VALUE: &str = "json: unsupported value";

pub(super) const ENTRIES: &[Explained] = &[
    Explained {
        reason: "InfluxDB 1.6 panics or gives up",
        between: Between::Errors,
        applies: |_, pair| {
            error_of(&pair.oracle).is_some_and(|error| {
                error.contains("[panic:") || error.starts_with("max-select-") || error.contains("timeout")
            })
        },
    },
    Explained {
        reason: "more windows than a series may have are an error after those that came before, or just not reached by a limit; InfluxDB 1.6 answers nothing where WHERE has no first time",
        between: Between::Errors,
        applies: |_, pair| {
            content_of(&pair.oracle) == Content::Empty
                && error_of(&pair.ours).is_some_and(|error| error.starts_with("max-select-buckets"))
        },
    },
    Explained {
        reason: "the text of a number shows all of its digits; InfluxDB 1.6 shows three of its fraction",
        between: Between::Errors,
        applies: |_, pair| {
            let plain = |error: String| error.replace(|c: char| c.is_ascii_digit() || c == '.', "");
            let (oracle, ours) = (error_of(&pair.oracle), error_of(&pair.ours));
            let has_digits = |error: &String| error.contains("0.000000001");
            ours.as_ref().is_some_and(has_digits) && oracle.map(plain) == ours.map(plain)
        },
    },
    Explained {
        reason: "holt_winters over thousands of windows takes a build without optimisation longer than a query may run",
        between: Between::Errors,
        applies: |case, pair| {
            calls(case, "holt_winters")
                && error_of(&pair.ours).is_some_and(|error| error == "query-timeout limit exceeded")
        },
    },
    Explained {
        reason: "JSON has no infinity: InfluxDB since 1.8 says so in an error of JSON, 1.6 in plain text",
        between: Between::Errors,
        applies: |_, pair| {
            let ours = String::from_utf8_lossy(&pair.ours.body);
            String::from_utf8_lossy(&pair.oracle.body).contains("json: error calling")
                && ours.contains("json: unsupported value")
        },
    },
    Explained {
        reason: "of two mistakes with time in the WHERE of SHOW … CARDINALITY the one is told that other statements have, too, or the other",
        between: Between::Errors,
        applies: |_, pair| {
            let has = |error: Option<String>, text: &str| error.is_some_and(|error| error.contains(text));
            has(error_of(&pair.oracle), "invalid operation: time and ")
                && has(error_of(&pair.ours), "CARDINALITY doesn't support time in WHERE clause")
        },
    },
    Explained {
        reason: "the error of a condition that is no comparison shows its text; InfluxDB 1.6 prints Go's memory in SHOW",
        between: Between::Errors,
        applies: |_, pair| error_of(&pair.oracle).is_some_and(|error| error.starts_with("&influxql.")),
    },
    Explained {
        reason: "GROUP BY time with an offset, or seen by a function of neighbouring windows, over a change of daylight saving time, as in InfluxDB since 1.8.5",
        between: Between::Values,
        applies: |case, _| {
            case.has_clock_change(&zones(case), &window_times(case))
                && any_select(case, |select| {
                    select.tail.iter().any(|clause| clause.starts_with("tz("))
                        && (select
                            .group
                            .iter()
                            .any(|entry| entry.starts_with("time(") && entry.contains(','))
                            || select.columns.iter().any(|column| sees_neighbours(column)))
                })
        },
    },
    Explained {
        reason: "log(x, base) in WHERE: InfluxDB 1.6 counts its arguments wrongly unless it stands in parentheses",
        between: Between::Errors,
        applies: |case, pair| {
            calls(case, "log(")
                && error_of(&pair.ours).is_some_and(|error| error.contains("arguments for log"))
        },
    },
    Explained {
        reason: "SHOW MEASUREMENTS ON takes wildcards, as in InfluxDB since 1.11, and its error says so",
        between: Between::Errors,
        applies: |_, pair| {
            let (oracle, ours) = (error_of(&pair.oracle), error_of(&pair.ours));
            ours.is_some_and(|ours| Some(ours.replace("identifier or *", "identifier")) == oracle)
        },
    },
    Explained {
        reason: "an answer in one piece is whole; InfluxDB 1.6 calls a series of more than 10,000 rows partial, and no longer does so in later versions",
        between: Between::Values,
        applies: |case, pair| {
            case.form.chunk_size == 0
                && String::from_utf8_lossy(&pair.oracle.body).contains("\"partial\":true")
                && only_cells_differ(&pair.oracle, &pair.ours, |_, _| false)
        },
    },
    Explained {
        reason: "SHOW RETENTION POLICIES and SHOW QUERIES have the columns of later versions of InfluxDB 1.x",
        between: Between::Values,
        applies: |case, _| begins_with(case, &["SHOW RETENTION POLICIES", "SHOW QUERIES"]),
    },
    Explained {
        reason: "abs of a negative integer is positive, as since InfluxDB 1.8",
        between: Between::Values,
        applies: |case, pair| {
            any_select(case, |select| {
                let of_integers =
                    |text: &str| text.contains("abs(") && may_have(case, select, text, Kind::Integer);
                let in_columns = select.columns.iter().any(|column| of_integers(column));
                let is_same_shape = || differing_columns(&pair.oracle, &pair.ours).is_some();
                let in_condition = select.condition.as_ref().is_some_and(|c| of_integers(&c.to_string()));
                in_condition || (in_columns && (is_same_shape() || is_nested(case)))
            })
        },
    },
    Explained {
        reason: "in WHERE, a mathematical function of a calculation has a value; InfluxDB 1.6 does not read fields that stand there only",
        between: Between::Any,
        applies: |case, pair| {
            let computes = |select: &Select| {
                select.condition.as_ref().is_some_and(|condition| computes_in_call(&condition.to_string()))
            };
            any_select(case, computes)
                && error_of(&pair.oracle).is_none()
                && error_of(&pair.ours).is_none_or(|error| error.starts_with(UNSUPPORTED_VALUE))
        },
    },
    Explained {
        reason: "a calculation that is compared with nothing is no condition, and never holds; in InfluxDB 1.6 it does",
        between: Between::Values,
        applies: |case, _| {
            let text = case.statement.to_string();
            let is_broken = matches!(case.statement, Statement::Broken { .. });
            text.contains(" /r/ ") || (is_broken && lacks_comparison(&text))
        },
    },
    Explained {
        reason: "DELETE and DROP SERIES refuse conditions on fields, and their errors name no shard; InfluxDB 1.6 complains only where it comes to a shard and a measurement that have the field",
        between: Between::Errors,
        applies: |case, pair| {
            let (oracle, ours) = (error_of(&pair.oracle), error_of(&pair.ours));
            let text = case.statement.to_string();
            let is_of_many = !text.contains(" FROM ") || text.contains(" FROM /");
            let may_lack_field = text.contains("time ") || is_of_many || case.names_tag_and_field(&text);
            let says_nothing = may_lack_field && content_of(&pair.oracle) == Content::Empty;
            let is_said = |error: &String| {
                error.starts_with("shard ") && error.split_once(": ").map(|(_, text)| text) == ours.as_deref()
            };
            let says_fields = ours.as_deref() == Some("fields not supported in WHERE clause during deletion");
            oracle.as_ref().is_some_and(is_said) || (says_nothing && says_fields)
        },
    },
    Explained {
        reason: "SHOW takes comparisons whose tag stands on the right, and those without one, which never hold; InfluxDB 1.6 refuses them where it looks for measurements first",
        between: Between::Errors,
        applies: |case, pair| {
            begins_with(case, &["SHOW TAG VALUES"])
                && error_of(&pair.oracle).is_some_and(|error| error.starts_with("left side of '"))
                && error_of(&pair.ours).is_none()
        },
    },
    Explained {
        reason: "a name that a condition has with two types has both; InfluxDB 1.6 takes it for one of them",
        between: Between::Values,
        applies: |case, _| {
            any_select(case, |select| {
                let condition = select.condition.as_ref().map(ToString::to_string).unwrap_or_default();
                let casts = condition.match_indices("::").map(|(at, _)| &condition[..at]);
                let mut names = casts.filter_map(|before| before.rsplit([' ', '(', '-']).next());
                names.any(|name| condition.matches(name).count() > 1)
            })
        },
    },
];

/// Whether both answers are values, but for those that JSON does not have.
pub(super) fn are_values_or_infinite(pair: &Pair) -> bool {
    let is_infinite = |error: Option<String>| error.is_none_or(|error| error.contains(UNSUPPORTED_VALUE));
    is_infinite(error_of(&pair.oracle)) && is_infinite(error_of(&pair.ours))
}

/// Whether both answers are values, but for those that mathematics in a column makes infinite.
pub(super) fn are_values_or_made_infinite(case: &Case, pair: &Pair) -> bool {
    let computes_any = |select: &Select| select.columns.iter().any(|column| computes(column));
    are_values_or_infinite(pair) && (Between::of(pair) == Between::Values || any_select(case, computes_any))
}

/// Whether a part of a WHERE is a calculation, and no comparison.
fn lacks_comparison(text: &str) -> bool {
    const ENDS: &[&str] =
        &[" GROUP BY", " ORDER BY", " LIMIT", " OFFSET", " SLIMIT", " SOFFSET", " fill(", " tz("];
    text.split(" WHERE ").skip(1).any(|rest| {
        let end = ENDS.iter().filter_map(|word| rest.find(word)).min().unwrap_or(rest.len());
        rest[..end].split(" AND ").flat_map(|part| part.split(" OR ")).any(|part| {
            let computes = [" -", " + ", " * ", " / ", " % "].iter().any(|operator| part.contains(operator));
            computes && !part.contains(['=', '<', '>', '~'])
        })
    })
}
