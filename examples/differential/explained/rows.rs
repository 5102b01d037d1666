//! Which rows there are, in what order, and what stands in them.

use super::kinds::may_have;
use super::versions::are_values_or_infinite;
use super::words::{
    any_select, any_subquery, calls, casts, is_number_against_other, is_over_query, reads_several_tables,
    sees_neighbours,
};
use super::{Between, Explained};
use crate::case::Case;
use crate::compare::{Content, content_of};
use crate::scenario::json::Json;
use crate::schema::Kind;
use crate::series::{differing_columns, has_same_rows, only_cells_differ, shared_series_are_equal};
use crate::statement::{Select, Statement};

pub(super) const ENTRIES: &[Explained] = &[
    Explained {
        reason: "OFFSET and SOFFSET work without LIMIT and SLIMIT; in InfluxDB 1.6 the result depends on shards",
        between: Between::Any,
        applies: |case, pair| {
            // A statement may have lost its LIMIT.
            let is_broken = matches!(case.statement, Statement::Broken { .. });
            let lacks_limit = || calls(case, "offset ") && !calls(case, " limit ");
            let lacks = |select: &Select| {
                (select.has("OFFSET") && !select.has("LIMIT"))
                    || (select.has("SOFFSET") && !select.has("SLIMIT"))
            };
            are_values_or_infinite(pair) && ((is_broken && lacks_limit()) || any_select(case, lacks))
        },
    },
    Explained {
        reason: "SLIMIT and SOFFSET count the series that have rows, in the order of the answer; InfluxDB 1.6 counts those of its index, shard by shard",
        between: Between::Any,
        applies: |case, pair| {
            let fills_text = any_select(case, |select| {
                select.tail.iter().any(|clause| fills_number(clause)) && has_text(case, select)
            });
            any_select(case, |select| select.has("SLIMIT") || select.has("SOFFSET"))
                && are_values_or_infinite(pair)
                && (case.has_several_shards()
                    // Every policy has shards of its own.
                    || (case.policies.len() > 1 && any_select(case, |select| select.sources.len() > 1))
                    || any_select(case, |select| select.into.is_some())
                    || fills_text
                    // A reason of its own for other values.
                    || calls(case, "abs(")
                    // Only one of both has a series with an infinite value.
                    || content_of(&pair.oracle) == Content::Error
                    || content_of(&pair.ours) == Content::Error
                    || ((calls(case, "mode(") || calls(case, "percentile(")) && case.point_count() > 12)
                    || shared_series_are_equal(&pair.oracle, &pair.ours))
        },
    },
    Explained {
        reason: "fill(N) writes N into columns of text and booleans as a value of that type; InfluxDB 1.6 writes a number",
        between: Between::Any,
        applies: |case, pair| {
            // What is written has a type, and so has what a subquery yields.
            let fills = |clause: &String| fills_number(clause);
            let fills_text = |select: &Select| select.tail.iter().any(fills) && has_text(case, select);
            let writes = any_select(case, |select| select.into.is_some() && fills_text(select))
                || any_subquery(case, |_, inner| fills_text(inner));
            // What has no type at all is filled with N there, too.
            let is_unknown = || {
                let is_untyped = |select: &Select| {
                    let is_unnamed = |column: &String| {
                        column.contains(' ') && may_have(case, select, column, Kind::String)
                    };
                    is_over_query(select)
                        || select.columns.iter().any(|column| casts(column) || is_unnamed(column))
                };
                any_select(case, |select| select.tail.iter().any(fills))
                    && any_select(case, is_untyped)
                    && only_cells_differ(&pair.oracle, &pair.ours, |oracle, ours| {
                        matches!(oracle, Json::Number(_)) && *ours == Json::Null
                    })
            };
            // Beside a boolean a number is false.
            let is_beside_boolean = || {
                let is_bitwise = |column: &String| column.contains(" | ") || column.contains(" ^ ");
                any_select(case, |select| fills_text(select) && select.columns.iter().any(is_bitwise))
                    && only_cells_differ(&pair.oracle, &pair.ours, |oracle, ours| {
                        (oracle, ours) == (&Json::Bool(false), &Json::Bool(true))
                            || is_number_against_other(oracle, ours)
                    })
            };
            // Parts of a subquery and other ones, of which some lack the column.
            let is_of_parts = || {
                any_select(case, |select| {
                    is_over_query(select) && select.sources.len() > 1 && fills_text(select)
                })
            };
            calls(case, "fill(")
                && content_of(&pair.ours) != Content::Error
                && (writes
                    || is_of_parts()
                    || is_unknown()
                    || is_beside_boolean()
                    || only_cells_differ(&pair.oracle, &pair.ours, is_number_against_other))
        },
    },
    Explained {
        reason: "fill(N) fills what has no value; InfluxDB 1.6 only what has one in a shard of these times",
        between: Between::Values,
        applies: |case, pair| {
            case.has_several_shards()
                && calls(case, "fill(")
                && only_cells_differ(&pair.oracle, &pair.ours, |oracle, ours| {
                    *oracle == Json::Null && matches!(ours, Json::Number(_))
                })
        },
    },
    Explained {
        reason: "fill(previous) beside a selector looks past OFFSET; InfluxDB 1.6 fills these columns after it",
        between: Between::Values,
        applies: |case, pair| {
            any_select(case, |select| select.has("OFFSET") && calls(case, "fill(previous)"))
                && only_cells_differ(&pair.oracle, &pair.ours, |oracle, _| *oracle == Json::Null)
        },
    },
    Explained {
        reason: "LIMIT and OFFSET count the rows of top and bottom; InfluxDB 1.6 also chooses only among as many points",
        between: Between::Values,
        applies: |case, _| {
            any_select(case, |select| {
                let is_top = |column: &String| column.contains("top(") || column.contains("bottom(");
                (select.has("LIMIT") || select.has("OFFSET")) && select.columns.iter().any(is_top)
            })
        },
    },
    Explained {
        reason: "a time that is selected once more, or by a subquery, is no column besides that of the rows; in InfluxDB 1.6 it is one of nulls",
        between: Between::Values,
        applies: |case, _| {
            let count = |select: &Select| select.columns.iter().filter(|column| *column == "time").count();
            any_subquery(case, |_, inner| count(inner) > 0) || any_select(case, |select| count(select) > 1)
        },
    },
    Explained {
        reason: "of points of equal time that INTO has written into other tables of a FROM, a selector takes that of the first series, and limits and functions of neighbouring points see them in the order of series; InfluxDB 1.6 as they come",
        between: Between::Values,
        applies: |case, pair| {
            let names = ["max", "min", "first", "last", "percentile", "top", "bottom"];
            let is_beside = |name: &String| !names.iter().any(|selector| name.starts_with(selector));
            let is_limited = |select: &Select| select.has("LIMIT") || select.has("OFFSET");
            let differing = differing_columns(&pair.oracle, &pair.ours);
            let has_same_times = differing.is_some_and(|columns| !columns.iter().any(|name| name == "time"));
            may_meet_ties(case)
                && ((has_same_times && any_select(case, is_limited))
                    || any_select(case, |select| select.columns.iter().any(|column| sees_neighbours(column)))
                    || (any_select(case, |select| {
                        let selects = |column: &String| {
                            names.iter().any(|name| column.starts_with(&format!("{name}(")))
                        };
                        select.columns.len() > 1 && select.columns.iter().any(selects)
                    }) && differing_columns(&pair.oracle, &pair.ours)
                        .is_some_and(|columns| columns.iter().all(is_beside))))
        },
    },
    Explained {
        reason: "of points of equal time that INTO has written into other tables of a FROM, last takes the greatest value; InfluxDB 1.6 takes that which its heap comes to first",
        between: Between::Values,
        applies: |case, pair| {
            let has_same_times = differing_columns(&pair.oracle, &pair.ours)
                .is_some_and(|columns| !columns.iter().any(|name| name == "time"));
            let is_nested_last =
                any_subquery(case, |_, inner| inner.columns.iter().any(|column| is_last(column)));
            may_meet_ties(case)
                && (is_nested_last
                    || (has_same_times
                        && any_select(case, |select| select.columns.iter().any(|column| is_last(column)))))
        },
    },
    Explained {
        reason: "rows of equal time stand in the order of their series; in InfluxDB 1.6 their order depends on how its heap was filled",
        between: Between::Values,
        applies: |case, pair| may_meet_ties(case) && has_same_rows(&pair.oracle, &pair.ours),
    },
];

/// Whether INTO may have given points of a table the times of another's that the statement reads with it.
fn may_meet_ties(case: &Case) -> bool {
    case.has_written() && any_select(case, reads_several_tables)
}

fn is_last(column: &str) -> bool {
    column.to_ascii_lowercase().contains("last(")
}

/// Whether a clause is `fill(N)`.
fn fills_number(clause: &str) -> bool {
    clause.starts_with("fill(") && clause.ends_with(')') && clause.contains(|c: char| c.is_ascii_digit())
}

/// Whether some column may be of text or booleans.
fn has_text(case: &Case, select: &Select) -> bool {
    let has = |column: &String, kind| may_have(case, select, column, kind);
    select.columns.iter().any(|column| has(column, Kind::String) || has(column, Kind::Boolean))
}
