//! Which rows there are, in what order, and what stands in them.

use super::Explained;
use super::words::{any_select, any_subquery, calls, casts, is_number_against_other, is_over_query};
use crate::compare::{differing_columns, has_same_rows, only_cells_differ, shared_series_are_equal};
use crate::scenario::json::Json;
use crate::statement::Select;

pub(super) const ENTRIES: &[Explained] = &[
    Explained {
        reason: "OFFSET and SOFFSET work without LIMIT and SLIMIT; in InfluxDB 1.6 the result depends on shards",
        applies: |case, _| {
            any_select(case, |select| {
                (select.has("OFFSET") && !select.has("LIMIT"))
                    || (select.has("SOFFSET") && !select.has("SLIMIT"))
            })
        },
    },
    Explained {
        reason: "SLIMIT and SOFFSET count the series that have rows, in the order of the answer; InfluxDB 1.6 counts those of its index, shard by shard",
        applies: |case, pair| {
            any_select(case, |select| select.has("SLIMIT") || select.has("SOFFSET"))
                && (case.has_several_shards()
                    || case.has_changes()
                    || any_select(case, |select| select.into.is_some())
                    || calls(case, "fill(")
                    || shared_series_are_equal(&pair.oracle, &pair.ours))
        },
    },
    Explained {
        reason: "fill(N) writes N into columns of text and booleans as a value of that type; InfluxDB 1.6 writes a number",
        applies: |case, pair| {
            let fills = |clause: &String| {
                clause.starts_with("fill(")
                    && clause.ends_with(')')
                    && clause.contains(|c: char| c.is_ascii_digit())
            };
            let writes = any_select(case, |select| select.into.is_some() && select.tail.iter().any(fills));
            // What has no type at all is filled with N there, too.
            let is_unknown = || {
                let is_untyped = |select: &Select| {
                    is_over_query(select) || select.columns.iter().any(|column| casts(column))
                };
                any_select(case, |select| select.tail.iter().any(fills))
                    && any_select(case, is_untyped)
                    && only_cells_differ(&pair.oracle, &pair.ours, |oracle, ours| {
                        matches!(oracle, Json::Number(_)) && *ours == Json::Null
                    })
            };
            calls(case, "fill(")
                && (writes
                    || is_unknown()
                    || only_cells_differ(&pair.oracle, &pair.ours, is_number_against_other))
        },
    },
    Explained {
        reason: "fill(previous) beside a selector looks past OFFSET; InfluxDB 1.6 fills these columns after it",
        applies: |case, pair| {
            any_select(case, |select| select.has("OFFSET") && calls(case, "fill(previous)"))
                && only_cells_differ(&pair.oracle, &pair.ours, |oracle, _| *oracle == Json::Null)
        },
    },
    Explained {
        reason: "a window over the end of daylight saving time bears the time of its first hour; InfluxDB 1.6 names it by that of the hour its points lie in",
        applies: |case, pair| {
            any_select(case, |select| select.tail.iter().any(|clause| clause.starts_with("tz(")))
                && differing_columns(&pair.oracle, &pair.ours).is_some_and(|columns| columns == ["time"])
        },
    },
    Explained {
        reason: "LIMIT and OFFSET count the rows of top and bottom; InfluxDB 1.6 also chooses only among as many points",
        applies: |case, _| {
            any_select(case, |select| {
                let is_top = |column: &String| column.contains("top(") || column.contains("bottom(");
                (select.has("LIMIT") || select.has("OFFSET")) && select.columns.iter().any(is_top)
            })
        },
    },
    Explained {
        reason: "a time that is selected once more, or by a subquery, is no column besides that of the rows; in InfluxDB 1.6 it is one of nulls",
        applies: |case, _| {
            let count = |select: &Select| select.columns.iter().filter(|column| *column == "time").count();
            any_subquery(case, |_, inner| count(inner) > 0) || any_select(case, |select| count(select) > 1)
        },
    },
    Explained {
        reason: "rows of equal time stand in the order of their series; in InfluxDB 1.6 their order depends on how its heap was filled",
        applies: |case, pair| case.has_changes() && has_same_rows(&pair.oracle, &pair.ours),
    },
];
