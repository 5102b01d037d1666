//! What InfluxDB 1.6's index knows of series, tags and fields, and what INTO has written.

use super::bounds::all_times;
use super::words::{
    any_select, calls, is_descending, is_number_against_other, may_have_fractions, names_twice,
    reads_several_tables, table_of,
};
use super::{Between, Explained};
use crate::scenario::json::Json;
use crate::series::{has_columns_of, is_part_of, measurements_beyond, only_cells_differ, row_count};
use crate::statement::{Select, Source, Statement};

pub(super) const ENTRIES: &[Explained] = &[
    Explained {
        reason: "SHOW … CARDINALITY counts a series once; InfluxDB 1.6 counts it in every shard, and as often as FROM names it",
        between: Between::Values,
        applies: |case, _| {
            matches!(&case.statement, Statement::Other { head, .. } if head.contains("CARDINALITY"))
                && (case.has_several_shards() || names_twice(&case.statement.to_string()))
        },
    },
    Explained {
        reason: "what was deleted, or refused on its way into a measurement, is gone from SHOW at once; InfluxDB 1.6 forgets series, tags and fields some time later, or not",
        between: Between::Values,
        applies: |case, pair| {
            let Statement::Other { head, clauses } = &case.statement else { return false };
            let is_limited =
                || clauses.iter().any(|clause| clause.starts_with("LIMIT") || clause.starts_with("OFFSET"));
            // A limit lets other rows come up in the place of those that are gone; a count tells no names.
            let is_less = is_part_of(&pair.ours, &pair.oracle)
                || (is_limited() && row_count(&pair.ours) <= row_count(&pair.oracle));
            let is_count = || head.contains("CARDINALITY") && case.has_changes();
            // A measurement that has a tag's value is not one without, and so a value that is remembered takes it away.
            let is_without = |clause: &String| {
                clause.starts_with("WHERE") && [" != ", " <> ", " !~ "].iter().any(|not| clause.contains(not))
            };
            let is_taken_away = || {
                head.starts_with("SHOW MEASUREMENTS")
                    && clauses.iter().any(is_without)
                    && is_part_of(&pair.oracle, &pair.ours)
                    && measurements_beyond(&pair.ours, &pair.oracle)
                        .is_some_and(|names| names.iter().all(|name| case.has_changed(name)))
            };
            is_taken_away()
                || (head.starts_with("SHOW")
                    && is_less
                    && measurements_beyond(&pair.oracle, &pair.ours)
                        .map_or_else(is_count, |names| names.iter().all(|name| case.has_changed(name))))
        },
    },
    Explained {
        reason: "a wildcard does not stand for tags and fields of which nothing is left, or which are of other policies, and stands for those of all times; InfluxDB 1.6 remembers names, and looks at shards",
        between: Between::Values,
        applies: |case, pair| {
            // A type that is remembered with a name makes what has another one null, as does a field that INTO has named like a
            // tag; `fill(N)` makes its own of text and booleans.
            let is_written = |source: &Source| matches!(source, Source::Table(name) if case.has_written_into(table_of(name)));
            let remembers_types = case.has_changes()
                && any_select(case, |select| {
                    reads_several_tables(select) || select.sources.iter().any(is_written)
                });
            let (fills, has_abs) = (calls(case, "fill("), calls(case, "abs("));
            // These have reasons of their own, too.
            let has_ties = (case.point_count() > 12 || is_descending(case))
                && case.statement.select().is_some_and(|select| {
                    select.columns.iter().all(|column| column.to_ascii_lowercase().starts_with("mode("))
                });
            let is_known = |left: &Json, right: &Json| {
                (remembers_types && is_missing(left, right))
                    || (fills && is_filled(left, right))
                    || (has_abs && is_opposite(left, right))
                    || (has_ties && is_of_one_type(left, right))
            };
            let is_wild = |column: &String| column.contains('*') || column.contains('/');
            let is_of_times = case.has_several_shards() && !all_times(case).is_empty();
            let is_of_policies = case.policies.len() > 1 && any_select(case, reads_several_tables);
            (case.has_changes() || is_of_times || is_of_policies)
                && any_select(case, |select| select.columns.iter().chain(&select.group).any(is_wild))
                && (has_columns_of(&pair.ours, &pair.oracle, &is_known)
                    || has_columns_of(&pair.oracle, &pair.ours, &is_known)
                    // One selector alone has the time of its point.
                    || (is_of_times && any_select(case, chooses_wildly)))
        },
    },
    Explained {
        reason: "a quotient of integers that INTO has taken from a subquery is a float; in InfluxDB 1.6 it is an integer",
        between: Between::Values,
        applies: |case, pair| {
            let divides = |select: &Select| select.columns.iter().any(|column| may_have_fractions(column));
            let of_query =
                |select: &Select| select.sources.iter().any(|source| matches!(source, Source::Query(_)));
            let is_kept = |change: &Statement| {
                change.select().is_some_and(|select| of_query(select) && select.any(&divides))
            };
            matches!(&case.statement, Statement::Other { head, .. } if head.starts_with("SHOW FIELD KEYS"))
                && case.has_written()
                && case.changes().any(is_kept)
                && only_cells_differ(&pair.oracle, &pair.ours, |oracle, ours| {
                    *oracle == Json::String("integer".to_owned()) && *ours == Json::String("float".to_owned())
                })
        },
    },
    Explained {
        reason: "SHOW … CARDINALITY counts what lacks the tag of the condition, as SHOW lists it; InfluxDB 1.6 does not always",
        between: Between::Values,
        applies: |case, pair| {
            matches!(&case.statement, Statement::Other { head, clauses } if head.contains("CARDINALITY")
                && clauses.iter().any(|clause| clause.starts_with("WHERE")))
                && is_part_of(&pair.oracle, &pair.ours)
        },
    },
    Explained {
        reason: "a condition of SHOW on a tag that is a field in some policy, or where INTO has written it, holds for every series there, and nowhere else; InfluxDB 1.6 takes it for one of both everywhere",
        between: Between::Values,
        applies: |case, _| {
            (case.policies.len() > 1 || case.has_written())
                && matches!(&case.statement, Statement::Other { head, clauses } if head.starts_with("SHOW")
                && clauses.iter().any(|clause| {
                    clause.starts_with("WHERE") && case.names_tag_and_field(clause)
                }))
        },
    },
    Explained {
        reason: "SHOW … CARDINALITY asks all points whether a condition on a field holds; InfluxDB 1.6 those of the epoch",
        between: Between::Values,
        applies: |case, _| {
            matches!(&case.statement, Statement::Other { head, clauses } if head.contains("CARDINALITY")
                && clauses.iter().any(|clause| case.begins_with_field(clause)))
        },
    },
    Explained {
        reason: "SHOW compares two tags by their values, as SELECT does; InfluxDB 1.6 looks whether a series has the one and, for !=, lacks the other",
        between: Between::Values,
        applies: |case, _| {
            matches!(&case.statement, Statement::Other { head, clauses } if head.starts_with("SHOW")
                && clauses.iter().any(|clause| clause.starts_with("WHERE") && compares_names(clause)))
        },
    },
    Explained {
        reason: "where a policy's measurement lacks a field that another policy's has, the name is a tag that no series has; InfluxDB 1.6 knows names by measurement, and finds no value",
        between: Between::Values,
        applies: |case, _| {
            let of_show =
                |clause: &String| clause.starts_with("WHERE") && case.names_field_of_other_policy(clause);
            let is_shown = matches!(&case.statement, Statement::Other { head, clauses }
                if head.starts_with("SHOW") && clauses.iter().any(of_show));
            case.policies.len() > 1
                && (is_shown
                    || any_select(case, |select| {
                        let condition = select.condition.as_ref().map(ToString::to_string);
                        condition.is_some_and(|condition| case.names_field_of_other_policy(&condition))
                    }))
        },
    },
];

/// Whether a condition has a comparison with a name on its right.
fn compares_names(condition: &str) -> bool {
    [" = ", " != ", " <> "].iter().any(|operator| {
        condition.split(operator).skip(1).any(|right| {
            let is_boolean = right.starts_with("true") || right.starts_with("false");
            right.starts_with(|c: char| c.is_alphabetic() || c == '_' || c == '"') && !is_boolean
        })
    })
}

fn is_missing(left: &Json, right: &Json) -> bool {
    *left == Json::Null || *right == Json::Null
}

fn is_filled(left: &Json, right: &Json) -> bool {
    is_number_against_other(left, right) || is_number_against_other(right, left)
}

/// Whether one is the absolute value of the other, an integer.
fn is_opposite(left: &Json, right: &Json) -> bool {
    let (Json::Number(left), Json::Number(right)) = (left, right) else { return false };
    let is_negative = |less: &str, more: &str| less.strip_prefix('-') == Some(more) && !more.contains('.');
    is_negative(left, right) || is_negative(right, left)
}

/// Whether both are values that one function may choose among.
fn is_of_one_type(left: &Json, right: &Json) -> bool {
    *left != Json::Null && std::mem::discriminant(left) == std::mem::discriminant(right)
}

/// Whether a selector of `select` stands for one of each field.
fn chooses_wildly(select: &Select) -> bool {
    let selectors = ["first(", "last(", "max(", "min(", "percentile("];
    let is_wild = |column: &String, name: &str| {
        column.contains(&format!("{name}*")) || column.contains(&format!("{name}/"))
    };
    select.columns.iter().any(|column| selectors.iter().any(|name| is_wild(column, name)))
}
