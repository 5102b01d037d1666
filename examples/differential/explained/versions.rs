//! What later versions of InfluxDB do, and accidents of the one that is asked.

use super::Explained;
use super::words::{any_select, begins_with, calls, computes_in_call, is_nested};
use crate::compare::{Content, content_of, differing_columns, error_of};
use crate::statement::Select;

pub(super) const ENTRIES: &[Explained] = &[
    Explained {
        reason: "InfluxDB 1.6 panics or gives up",
        applies: |_, pair| {
            error_of(&pair.oracle).is_some_and(|error| {
                error.contains("[panic:") || error.starts_with("max-select-") || error.contains("timeout")
            })
        },
    },
    Explained {
        reason: "JSON has no infinity: InfluxDB since 1.8 says so in an error of JSON, 1.6 in plain text",
        applies: |_, pair| {
            let ours = String::from_utf8_lossy(&pair.ours.body);
            String::from_utf8_lossy(&pair.oracle.body).starts_with("json: error calling")
                && ours.contains("json: unsupported value")
        },
    },
    Explained {
        reason: "the error of a condition that is no comparison shows its text; InfluxDB 1.6 prints Go's memory in SHOW",
        applies: |_, pair| error_of(&pair.oracle).is_some_and(|error| error.starts_with("&influxql.")),
    },
    Explained {
        reason: "GROUP BY time with an offset over a change of daylight saving time, as in InfluxDB since 1.8.5",
        applies: |case, _| {
            any_select(case, |select| {
                select.tail.iter().any(|clause| clause.starts_with("tz("))
                    && select.group.iter().any(|entry| entry.starts_with("time(") && entry.contains(','))
            })
        },
    },
    Explained {
        reason: "log(x, base) in WHERE: InfluxDB 1.6 counts its arguments wrongly unless it stands in parentheses",
        applies: |case, pair| {
            calls(case, "log(")
                && error_of(&pair.ours).is_some_and(|error| error.contains("arguments for log"))
        },
    },
    Explained {
        reason: "SHOW MEASUREMENTS ON takes wildcards, as in InfluxDB since 1.11, and its error says so",
        applies: |_, pair| {
            let (oracle, ours) = (error_of(&pair.oracle), error_of(&pair.ours));
            ours.is_some_and(|ours| Some(ours.replace("identifier or *", "identifier")) == oracle)
        },
    },
    Explained {
        reason: "SHOW RETENTION POLICIES and SHOW QUERIES have the columns of later versions of InfluxDB 1.x",
        applies: |case, _| begins_with(case, &["SHOW RETENTION POLICIES", "SHOW QUERIES"]),
    },
    Explained {
        reason: "abs of a negative integer is positive, as since InfluxDB 1.8",
        applies: |case, pair| {
            any_select(case, |select| {
                let in_columns = select.columns.iter().any(|column| column.contains("abs("));
                let is_same_shape = || differing_columns(&pair.oracle, &pair.ours).is_some();
                let in_condition = select.condition.as_ref().is_some_and(|c| c.to_string().contains("abs("));
                in_condition || (in_columns && (is_same_shape() || is_nested(case)))
            })
        },
    },
    Explained {
        reason: "in WHERE, a mathematical function of a calculation has a value; InfluxDB 1.6 does not read fields that stand there only",
        applies: |case, pair| {
            let computes = |select: &Select| {
                select.condition.as_ref().is_some_and(|condition| computes_in_call(&condition.to_string()))
            };
            any_select(case, computes) && content_of(&pair.ours) != Content::Error
        },
    },
    Explained {
        reason: "a name divided by a name divided by something is no condition, and never holds; in InfluxDB 1.6 it does",
        applies: |case, _| case.statement.to_string().contains(" /r/ "),
    },
    Explained {
        reason: "errors of DELETE name no shard, since there are none",
        applies: |_, pair| {
            let (oracle, ours) = (error_of(&pair.oracle), error_of(&pair.ours));
            oracle.is_some_and(|error| {
                error.starts_with("shard ") && error.split_once(": ").map(|(_, text)| text) == ours.as_deref()
            })
        },
    },
];
