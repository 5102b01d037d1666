//! Values of functions that InfluxDB 1.6 leaves to chance, or computes of other points.

use super::bounds::{columns_from_nowhere, ends_before_epoch, ends_within_a_window_of_epoch};
use super::versions::{are_values_or_infinite, are_values_or_made_infinite};
use super::words::{
    any_select, any_subquery, calls, has_namesakes, is_descending, is_number_against_other,
    may_divide_by_zero, may_have_no_result, name_of, percentile_may_miss, reads_several_tables,
    sees_neighbours,
};
use super::{Between, Explained};
use crate::compare::{Content, Relation, content_of, value};
use crate::scenario::json::Json;
use crate::series::{
    begins_alike, differing_columns, has_rows_beside, has_same_rows, lacks_rows_of, only_cells_differ,
    shared_series_are_equal,
};
use crate::statement::Select;

pub(super) const ENTRIES: &[Explained] = &[
    Explained {
        reason: "InfluxDB 1.6 ends its answer, or percentile's part of it, at the first series or window in which percentile finds no point, or answers that window twice",
        between: Between::Values,
        applies: |case, pair| {
            // `fill(N)` of text has a reason of its own.
            let is_filled: fn(&Json, &Json) -> bool = match calls(case, "fill(") {
                true => is_number_against_other,
                false => |_: &Json, _: &Json| false,
            };
            percentile_may_miss(case)
                && (lacks_rows_of(&pair.oracle, &pair.ours, is_filled)
                    // Which of equal points it takes has a reason of its own, too.
                    || (case.point_count() > 12
                        && begins_alike(&pair.oracle, &pair.ours, |name| name.starts_with("percentile")))
                    // What is computed of neighbours has other ones, then.
                    || any_select(case, |select| {
                        let is_of_neighbours =
                            |column: &String| column.contains("percentile(") && sees_neighbours(column);
                        select.columns.iter().any(is_of_neighbours)
                    })
                    || any_subquery(case, |_, inner| {
                        inner.columns.iter().any(|column| column.contains("percentile("))
                    }))
        },
    },
    Explained {
        reason: "a count of distinct values without windows bears the epoch when WHERE has no first time; InfluxDB 1.6 leaves it out where the epoch is too late, or has none beside other functions",
        between: Between::Values,
        applies: |case, pair| {
            let counts = calls(case, "count(distinct") && ends_before_epoch(case);
            // Beside other functions the row is there, and only what the count is part of has no value.
            let is_left_out = content_of(&pair.oracle) == Content::Empty;
            counts && (is_left_out || differing_columns(&pair.oracle, &pair.ours).is_some())
        },
    },
    Explained {
        reason: "means of integers whose sum leaves 64 bits, and sums of them as floats: InfluxDB 1.6 adds up those of its series",
        between: Between::Any,
        applies: |case, pair| {
            (calls(case, "mean(") || calls(case, "::float"))
                && case.has_huge_integers()
                && are_values_or_infinite(pair)
        },
    },
    Explained {
        reason: "distinct over one measurement of several policies: the order of its first points is that of their times",
        between: Between::Values,
        applies: |case, pair| {
            calls(case, "distinct")
                && any_select(case, |select| select.sources.len() > 1)
                && differing_columns(&pair.oracle, &pair.ours).is_some()
        },
    },
    Explained {
        reason: "what is not a number is null, also divided by zero; InfluxDB 1.6 makes 0 of it there",
        between: Between::Values,
        applies: |case, pair| {
            let divides_nothing = |column: &String| {
                column.contains(" / ") && (may_divide_by_zero(column) || may_have_no_result(column))
            };
            any_select(case, |select| select.columns.iter().any(divides_nothing))
                && only_cells_differ(&pair.oracle, &pair.ours, |oracle, ours| {
                    // 0, or what comes of it further out.
                    matches!(oracle, Json::Number(_)) && *ours == Json::Null
                })
        },
    },
    Explained {
        reason: "in descending order integral has the values of the ascending one; InfluxDB 1.6 integrates backwards, and names windows by their ends or drops them",
        between: Between::Any,
        applies: |case, pair| {
            calls(case, "integral(") && is_descending(case) && are_values_or_made_infinite(case, pair)
        },
    },
    Explained {
        reason: "without a first time functions of neighbouring windows begin with that of the first point; in InfluxDB 1.6 the look at the window before overflows, and nothing is found",
        between: Between::Values,
        applies: |case, pair| {
            let is_of_several = |select: &Select| select.sources.len() > 1 || select.into.is_some();
            let columns = columns_from_nowhere(case);
            // Where `fill(N)` fills what is not found.
            let text = case.statement.to_string();
            let fills = text.split("fill(").skip(1).filter_map(|rest| rest.split(')').next());
            let numbers: Vec<Json> = fills
                .filter(|fill| fill.parse::<f64>().is_ok())
                .map(|fill| Json::Number(fill.to_owned()))
                .collect();
            let is_nothing: fn(&Json) -> bool = match numbers.is_empty() {
                true => |cell: &Json| *cell == Json::Null,
                false => |cell: &Json| matches!(cell, Json::Null | Json::Number(_)),
            };
            // A limit counts the windows of each function: where those of one have ended, and others go on, it is filled.
            let is_limited = any_select(case, |select| select.has("LIMIT"));
            let is_filled =
                |cell: &Json| numbers.iter().any(|number| value(number, cell) != Relation::Different);
            let is_empty = |cell: &Json| *cell == Json::Null || (is_limited && is_filled(cell));
            !columns.is_empty()
                && (content_of(&pair.oracle) == Content::Empty
                    || any_select(case, is_of_several)
                    // The other functions find what there is.
                    || has_rows_beside(&pair.oracle, &pair.ours, &columns, is_nothing, &is_empty))
        },
    },
    Explained {
        reason: "functions of neighbouring windows need no first time to find points before the epoch; without one InfluxDB 1.6 finds nothing where the last time is within a window of it",
        between: Between::Values,
        applies: |case, pair| {
            ends_within_a_window_of_epoch(case) && content_of(&pair.oracle) == Content::Empty
        },
    },
    Explained {
        reason: "InfluxDB 1.6 leaves the order of integral's series to chance",
        between: Between::Values,
        applies: |case, pair| calls(case, "integral(") && has_same_rows(&pair.oracle, &pair.ours),
    },
    Explained {
        reason: "functions of neighbouring points over several tables of one name see their points in order of time; InfluxDB 1.6 sees those of one table after those of another",
        between: Between::Any,
        applies: |case, pair| {
            // In one order a result may be infinite, in the other one not.
            are_values_or_infinite(pair)
                && any_select(case, |select| {
                    has_namesakes(select) && select.columns.iter().any(|column| sees_neighbours(column))
                })
        },
    },
    Explained {
        reason: "InfluxDB 1.6 ends its answer at the first series of which holt_winters makes nothing",
        between: Between::Values,
        applies: |case, pair| {
            calls(case, "holt_winters")
                && content_of(&pair.ours) == Content::Rows
                && shared_series_are_equal(&pair.oracle, &pair.ours)
        },
    },
    Explained {
        reason: "integral beside other functions, or with a limit, over several measurements: in InfluxDB 1.6 the order of its series, and so their rows, are left to chance",
        between: Between::Values,
        applies: |case, _| {
            any_select(case, |select| {
                (select.columns.len() > 1 || select.has("LIMIT") || select.has("OFFSET"))
                    && select.columns.iter().any(|column| column.contains("integral("))
                    && select.any(&reads_several_tables)
            })
        },
    },
    Explained {
        reason: "holt_winters searches for the least error in steps, where last digits decide",
        between: Between::Values,
        applies: |case, pair| {
            calls(case, "holt_winters")
                && differing_columns(&pair.oracle, &pair.ours)
                    .is_some_and(|columns| columns.iter().all(|name| name.starts_with("holt_winters")))
        },
    },
    Explained {
        reason: "which of equally frequent values mode takes follows their times; among more than 12 points InfluxDB sorts unstably, and latest first in descending order",
        between: Between::Values,
        applies: |case, pair| {
            (case.point_count() > 12 || is_descending(case))
                && ((calls(case, "mode(") && differing_columns(&pair.oracle, &pair.ours).is_some())
                    || any_subquery(case, |_, inner| computes_of_ties(inner, "mode("))
                    || any_select(case, |select| {
                        let is_of_neighbours =
                            |column: &String| column.contains("mode(") && sees_neighbours(column);
                        select.columns.iter().any(is_of_neighbours)
                    }))
        },
    },
    Explained {
        reason: "which of equal points percentile takes: among more than 12 points InfluxDB sorts unstably, and latest first in descending order",
        between: Between::Values,
        applies: |case, pair| {
            let only_beside =
                |columns: Vec<String>| columns.iter().all(|name| !name.starts_with("percentile"));
            (case.point_count() > 12 || is_descending(case))
                && ((calls(case, "percentile(")
                    && differing_columns(&pair.oracle, &pair.ours).is_some_and(only_beside))
                    || any_subquery(case, |_, inner| {
                        inner.columns.len() > 1 && computes_of_ties(inner, "percentile(")
                    }))
        },
    },
    Explained {
        reason: "sine, cosine and tangent of numbers beyond the digits of a float make large differences of last digits, as do functions of neighbouring deviations",
        between: Between::Values,
        applies: |case, pair| {
            let is_angle = |column: &String| {
                ["sin(", "cos(", "tan("].iter().any(|name| column.contains(name))
                    || (column.contains("stddev(") && sees_neighbours(column))
            };
            let is_named = |select: &Select, name: &str| {
                let is_of =
                    |column: &&String| !column.contains(" AS ") || name_of(column).trim_matches('"') == name;
                select.columns.iter().filter(is_of).any(is_angle)
            };
            let is_inside = any_subquery(case, |_, inner| inner.columns.iter().any(is_angle));
            // One such integer is the same on both sides, but not what is computed of it and others.
            let may_round = || calls(case, "mean(") || calls(case, "stddev(");
            let is_beyond = || case.has_huge_integers() || (case.has_integers_beyond_floats() && may_round());
            (is_beyond() || calls(case, "exp(") || calls(case, "pow("))
                && differing_columns(&pair.oracle, &pair.ours).is_some_and(|columns| {
                    let is_known =
                        |name: &String| is_inside || any_select(case, |select| is_named(select, name));
                    columns.iter().all(|name| name != "time" && is_known(name))
                })
        },
    },
];

/// Whether a column is computed of what this function chooses.
fn computes_of_ties(select: &Select, function: &str) -> bool {
    select.columns.iter().any(|column| column.to_ascii_lowercase().contains(function))
}
