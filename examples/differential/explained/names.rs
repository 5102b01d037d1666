//! What InfluxDB 1.6's index knows of series, tags and fields, and what INTO has written.

use super::Explained;
use super::words::{any_select, has_written_otherwise};
use crate::compare::{Content, content_of, has_columns_of, is_part_of};
use crate::statement::{Source, Statement};

pub(super) const ENTRIES: &[Explained] = &[
    Explained {
        reason: "SHOW … CARDINALITY counts a series once; InfluxDB 1.6 counts it in every shard",
        applies: |case, _| {
            matches!(&case.statement, Statement::Other { head, .. } if head.contains("CARDINALITY"))
                && case.has_several_shards()
        },
    },
    Explained {
        reason: "what was deleted, or refused on its way into a measurement, is gone from SHOW at once; InfluxDB 1.6 forgets series, tags and fields some time later, or not",
        applies: |case, pair| {
            matches!(&case.statement, Statement::Other { head, .. } if head.starts_with("SHOW"))
                && case.has_changes()
                && is_part_of(&pair.ours, &pair.oracle)
        },
    },
    Explained {
        reason: "a wildcard does not stand for tags and fields of which nothing is left, or which are of other policies, and stands for those of all times; InfluxDB 1.6 remembers names, and looks at shards",
        applies: |case, pair| {
            let is_wild = |column: &String| column.contains('*') || column.contains('/');
            let is_regex = |source: &Source| matches!(source, Source::Table(name) if name.contains('/'));
            let is_of_times =
                case.has_several_shards() && any_select(case, |select| !select.bounds.is_empty());
            (case.has_changes()
                || is_of_times
                || any_select(case, |select| select.sources.iter().any(is_regex)))
                && any_select(case, |select| select.columns.iter().chain(&select.group).any(is_wild))
                && (is_of_times
                    || has_columns_of(&pair.ours, &pair.oracle)
                    || has_columns_of(&pair.oracle, &pair.ours))
        },
    },
    Explained {
        reason: "SHOW … CARDINALITY counts what lacks the tag of the condition, as SHOW lists it; InfluxDB 1.6 does not always",
        applies: |case, pair| {
            matches!(&case.statement, Statement::Other { head, clauses } if head.contains("CARDINALITY")
                && clauses.iter().any(|clause| clause.starts_with("WHERE")))
                && is_part_of(&pair.oracle, &pair.ours)
        },
    },
    Explained {
        reason: "where a policy's measurement lacks a field that another policy's has, the name is a tag that no series has; InfluxDB 1.6 knows names by measurement, and finds no value",
        applies: |case, pair| {
            case.policies.len() > 1
                && any_select(case, |select| {
                    select
                        .condition
                        .as_ref()
                        .is_some_and(|condition| case.names_field_of_other_policy(&condition.to_string()))
                })
                && content_of(&pair.oracle) != Content::Error
        },
    },
    Explained {
        reason: "a SELECT … INTO before has written other points, for one of the reasons that stand here",
        applies: |case, _| has_written_otherwise(case),
    },
];
