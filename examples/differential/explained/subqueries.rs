//! Queries over queries.

use super::bounds::begins_outside;
use super::kinds::may_have;
use super::versions::{UNSUPPORTED_VALUE, are_values_or_infinite, are_values_or_made_infinite};
use super::words::{
    any_select, any_subquery, chooses_by_tags, computes, has_more_series, is_descending, is_nested_deeper,
    is_over_query, may_divide_by_zero, may_have_fractions, may_have_no_result, name_of, sees_neighbours,
};
use super::{Between, Explained};
use crate::case::Case;
use crate::compare::{Content, content_of, error_of};
use crate::scenario::json::Json;
use crate::schema::Kind;
use crate::series::{has_same_rows, only_cells_differ};
use crate::servers::Pair;
use crate::statement::{Select, Source};

pub(super) const ENTRIES: &[Explained] = &[
    Explained {
        reason: "LIMIT and OFFSET of a subquery count the rows of each of its series; InfluxDB 1.6 begins anew with every row that is not of the series before it",
        between: Between::Values,
        applies: |case, _| {
            // What a subquery groups by, those inside it do as well.
            any_subquery(case, |top, around| {
                let is_limited = |inner: &Select| inner.has("LIMIT") || inner.has("OFFSET");
                has_more_series(top, around) && around.any(&is_limited)
            })
        },
    },
    Explained {
        reason: "in a subquery, divisions and mathematics of integers keep their fractions; InfluxDB 1.6 takes them for integers and cuts them",
        between: Between::Any,
        applies: |case, pair| {
            any_subquery(case, |_, inner| {
                let is_cut = |column: &String| {
                    may_have_fractions(column) && may_have(case, inner, column, Kind::Integer)
                };
                inner.columns.iter().any(is_cut)
            }) && (content_of(&pair.oracle) == Content::Rows || meets_condition_outside(case, pair))
                && error_of(&pair.ours).is_none_or(|error| {
                    // An integer there, a float here.
                    let is_of_type = error.starts_with("type error: ") && error.contains("::float");
                    error.starts_with(UNSUPPORTED_VALUE) || is_of_type
                })
        },
    },
    Explained {
        reason: "DISTINCT f in a subquery is distinct(f); InfluxDB 1.6 loses its alias, and all of count(DISTINCT f)",
        between: Between::Any,
        applies: |case, _| {
            any_subquery(case, |_, inner| inner.columns.iter().any(|column| column.contains("DISTINCT ")))
        },
    },
    Explained {
        reason: "a window of a subquery that begins outside of the bounds of the outer query counts in it, as does a result at the epoch; InfluxDB 1.6 ends there, or leaves it out",
        between: Between::Values,
        applies: |case, _| begins_outside(case),
    },
    Explained {
        reason: "ORDER BY time ASC in a subquery is the order that a query has without it; InfluxDB 1.6 refuses it in a descending one",
        between: Between::Errors,
        applies: |_, pair| {
            error_of(&pair.oracle).is_some_and(|error| error.starts_with("subqueries must be ordered"))
        },
    },
    Explained {
        reason: "the deviation of one point is null to calculations and comparisons; in InfluxDB 1.6 it is not a number, which makes everything else none or wins by chance",
        between: Between::Values,
        applies: |case, _| {
            any_subquery(case, |_, inner| {
                inner.columns.iter().any(|column| column.to_ascii_lowercase().contains("stddev("))
            })
        },
    },
    Explained {
        reason: "mathematics in the WHERE of a query over a subquery has a value; in InfluxDB 1.6 it has none",
        between: Between::Any,
        applies: |case, pair| {
            let computes_outside = |select: &Select| {
                let condition = select.condition.as_ref().map(ToString::to_string).unwrap_or_default();
                is_over_query(select) && computes(&condition)
            };
            // Rows that are not there may have an infinite value.
            are_values_or_infinite(pair) && any_select(case, computes_outside)
        },
    },
    Explained {
        reason: "a time comparison says nothing in an OR, also in a subquery; InfluxDB 1.6 takes it for true there",
        between: Between::Values,
        applies: |case, _| {
            any_subquery(case, |_, inner| {
                let condition = inner.condition.as_ref().map(ToString::to_string).unwrap_or_default();
                condition.contains("time")
                    && (condition.contains("OR false") || condition.contains("false OR"))
            })
        },
    },
    Explained {
        reason: "fill(previous) in a subquery repeats the last value of the series; InfluxDB 1.6 forgets it with every row of another series between",
        between: Between::Any,
        applies: |case, pair| {
            are_values_or_made_infinite(case, pair)
                && any_subquery(case, |top, inner| {
                    inner.tail.iter().any(|clause| clause == "fill(previous)") && has_more_series(top, inner)
                })
        },
    },
    Explained {
        reason: "functions of neighbouring points see a subquery's rows in order of time; InfluxDB 1.6 sees those of one of its series after those of another",
        between: Between::Values,
        applies: |case, _| {
            any_select(case, |select| {
                is_over_query(select) && select.columns.iter().any(|column| sees_neighbours(column))
            }) && any_subquery(case, has_more_series)
        },
    },
    Explained {
        reason: "every window comes once, however many series a subquery has filled",
        between: Between::Values,
        applies: |case, _| {
            any_subquery(case, |top, inner| {
                let fills = |clause: &String| {
                    clause.starts_with("fill(") && clause != "fill(none)" && clause != "fill(null)"
                };
                inner.tail.iter().any(fills) && has_more_series(top, inner)
            })
        },
    },
    Explained {
        reason: "a remainder of a division by zero, or mathematics without a result, in a subquery is null; in InfluxDB 1.6 it is not a number, and counts",
        between: Between::Values,
        applies: |case, _| {
            any_subquery(case, |_, inner| {
                inner.columns.iter().any(|column| may_divide_by_zero(column) || may_have_no_result(column))
            })
        },
    },
    Explained {
        reason: "points of top and bottom in windows of a subquery come by time; in InfluxDB 1.6 those of one series of a window come after those of another",
        between: Between::Values,
        applies: |case, pair| {
            // A limit takes other ones, then.
            let is_limited = |select: &Select| select.has("LIMIT") || select.has("OFFSET");
            any_subquery(case, |top, inner| {
                let is_top = |column: &String| column.contains("top(") || column.contains("bottom(");
                inner.columns.iter().any(is_top) && has_more_series(top, inner)
            }) && (has_same_rows(&pair.oracle, &pair.ours) || case.statement.select().is_some_and(is_limited))
        },
    },
    Explained {
        reason: "over a subquery and other sources a name has one type, and what has another is null; InfluxDB 1.6 puts together what comes, or takes it for what it is not",
        between: Between::Any,
        applies: |case, pair| {
            let computes = |select: &Select| select.columns.iter().any(|column| column.contains('('));
            let is_of_type = |error: String| error.starts_with("type error: ");
            any_select(case, |select| is_over_query(select) && select.sources.len() > 1)
                && error_of(&pair.ours).is_none_or(is_of_type)
                && (content_of(&pair.ours) == Content::Error
                    || any_select(case, |select| select.sources.len() > 1 && computes(select))
                    || is_nested_deeper(case)
                    || error_of(&pair.oracle).is_some_and(|error| error.contains("field type conflict"))
                    || has_same_rows(&pair.oracle, &pair.ours)
                    || only_cells_differ(&pair.oracle, &pair.ours, |_, ours| *ours == Json::Null))
        },
    },
    Explained {
        reason: "of columns of one name in a subquery the first one counts; InfluxDB 1.6 takes either",
        between: Between::Any,
        applies: |case, pair| {
            let is_of_type =
                |error: String| error.contains(" iterator type: ") || error.starts_with("type error: ");
            let is_told_there = error_of(&pair.oracle).is_none_or(is_of_type);
            let is_told_here = |error: String| error.starts_with("type error: ");
            error_of(&pair.ours).is_none_or(is_told_here)
                && is_told_there
                && any_subquery(case, |_, inner| {
                    let names: Vec<_> = inner.columns.iter().map(|column| name_of(column)).collect();
                    names.iter().enumerate().any(|(number, name)| names[number + 1..].contains(name))
                        || stands_beside_itself(case, inner)
                })
        },
    },
    Explained {
        reason: "tags among the arguments of top and bottom over a subquery are looked up in its rows; InfluxDB 1.6 makes the subquery group by them",
        between: Between::Values,
        applies: |case, _| {
            any_select(case, |select| {
                is_over_query(select) && select.columns.iter().any(|column| chooses_by_tags(column))
            })
        },
    },
    Explained {
        reason: "calls of a subquery of several series share rows by time; InfluxDB 1.6 merges their series as they come",
        between: Between::Values,
        applies: |case, _| {
            any_subquery(case, |top, inner| {
                let has_several = |column: &String| {
                    column.contains('*') || column.contains('/') || column.matches('(').count() > 1
                };
                (inner.columns.len() > 1 || inner.columns.iter().any(has_several))
                    && inner.columns.iter().any(|column| column.contains('('))
                    && has_more_series(top, inner)
            })
        },
    },
    Explained {
        reason: "results of several series that a subquery hands on from another come in order of time; in InfluxDB 1.6 those of one series come after those of another",
        between: Between::Values,
        applies: |case, pair| {
            let computes = |select: &Select| select.columns.iter().any(|column| column.contains('('));
            // A limit takes other ones, then.
            let is_limited = |select: &Select| select.has("LIMIT") || select.has("OFFSET");
            any_subquery(case, |top, middle| {
                !computes(middle)
                    && is_over_query(middle)
                    && middle.any(&|inner| computes(inner) && has_more_series(top, inner))
            }) && (has_same_rows(&pair.oracle, &pair.ours) || case.statement.select().is_some_and(is_limited))
        },
    },
    Explained {
        reason: "in a descending query over top or bottom rows are in order of time; in InfluxDB 1.6 those of a window are in ascending order",
        between: Between::Values,
        applies: |case, _| {
            is_descending(case)
                && any_subquery(case, |_, inner| {
                    inner.columns.iter().any(|column| column.contains("top(") || column.contains("bottom("))
                })
        },
    },
    Explained {
        reason: "functions of neighbouring points in a subquery look as far back as WHERE says; in InfluxDB 1.6 the windows around them say how far",
        between: Between::Values,
        applies: |case, _| {
            any_select(case, |select| {
                is_over_query(select) && select.group.iter().any(|entry| entry.starts_with("time("))
            }) && any_subquery(case, |_, inner| {
                inner.columns.iter().any(|column| sees_neighbours(column))
                    && !inner.group.iter().any(|entry| entry.starts_with("time("))
            })
        },
    },
];

/// Whether a condition or a time of a query over a subquery may be what leaves InfluxDB without rows.
fn meets_condition_outside(case: &Case, pair: &Pair) -> bool {
    content_of(&pair.oracle) == Content::Empty
        && any_select(case, |select| {
            is_over_query(select) && (select.condition.is_some() || !select.bounds.is_empty())
        })
}

/// Whether a column has a name that a wildcard beside it may stand for.
fn stands_beside_itself(case: &Case, select: &Select) -> bool {
    let is_wild = |column: &str| column.starts_with('*') || column.starts_with('/');
    let (wild, named): (Vec<_>, Vec<_>) =
        select.columns.iter().map(|column| column.as_str()).partition(|column| is_wild(column));
    let is_inner = |source: &Source, name: &str| match source {
        Source::Query(inner) => {
            inner.columns.iter().any(|column| is_wild(column) || name_of(column).trim_matches('"') == name)
        }
        Source::Table(_) => false,
    };
    !wild.is_empty()
        && named.into_iter().any(|column| {
            let name = name_of(column).trim_matches('"');
            case.has_name(&name.to_lowercase()) || select.sources.iter().any(|source| is_inner(source, name))
        })
}
