//! What to make of a pair of answers, and the differences that are known and meant.
//!
//! In: a case and both answers. Out: a [`Verdict`]. Each entry of [`EXPLAINED`] says in words why the answers may differ and
//! decides, as narrowly as it can, whether that is what happened here. Whatever it lets through is not looked at again: an
//! entry needs a reason on `docs/differences.md` or in a later version of InfluxDB 1.x.

use crate::case::Case;
use crate::compare::{
    Content, Relation, compare, content_of, differing_columns, error_of, is_unsupported, only_cells_differ,
    same_when_sorted, shared_series_are_equal,
};
use crate::scenario::json::Json;
use crate::servers::Pair;
use crate::statement::{Select, Statement};

/// What a pair of answers is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Same,
    /// Equal but for the last digits of floats.
    LastDigits,
    /// Tidegauge says that it does not know the statement yet.
    Unsupported,
    /// Different for this reason.
    Explained(&'static str),
    Different,
}

/// A difference that is meant.
struct Explained {
    reason: &'static str,
    applies: fn(&Case, &Pair) -> bool,
}

const EXPLAINED: &[Explained] = &[
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
                && (case.has_several_shards() || shared_series_are_equal(&pair.oracle, &pair.ours))
        },
    },
    Explained {
        reason: "fill(N) writes N into columns of text and booleans as a value of that type; InfluxDB 1.6 writes a number",
        applies: |case, pair| {
            calls(case, "fill(") && only_cells_differ(&pair.oracle, &pair.ours, is_number_against_other)
        },
    },
    Explained {
        reason: "InfluxDB 1.6 ends its answer at the first series or window in which percentile finds no point",
        applies: |case, pair| percentile_may_miss(case) && content_of(&pair.ours) == Content::Rows,
    },
    Explained {
        reason: "means of integers whose sum leaves 64 bits: InfluxDB 1.6 adds up the means of its series",
        applies: |case, _| calls(case, "mean(") && case.has_huge_integers(),
    },
    Explained {
        reason: "bitwise operators between a boolean and another type are an error; InfluxDB 1.6 answers false",
        applies: |_, pair| {
            error_of(&pair.ours).is_some_and(|error| error.contains("incompatible types: boolean and "))
                && content_of(&pair.oracle) != Content::Error
        },
    },
    Explained {
        reason: "distinct over one measurement of several policies: the order of its first points is that of their times",
        applies: |case, pair| {
            calls(case, "distinct")
                && any_select(case, |select| select.sources.len() > 1)
                && differing_columns(&pair.oracle, &pair.ours).is_some()
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
        reason: "fill(previous) beside a selector looks past OFFSET; InfluxDB 1.6 fills these columns after it",
        applies: |case, pair| {
            any_select(case, |select| select.has("OFFSET") && calls(case, "fill(previous)"))
                && only_cells_differ(&pair.oracle, &pair.ours, |oracle, _| *oracle == Json::Null)
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
        reason: "InfluxDB 1.6 leaves the order of integral's series to chance",
        applies: |case, pair| calls(case, "integral(") && same_when_sorted(&pair.oracle, &pair.ours),
    },
    Explained {
        reason: "which of equally frequent values mode takes follows their times; among more than 12 points InfluxDB sorts unstably",
        applies: |case, pair| {
            calls(case, "mode(")
                && case.point_count() > 12
                && differing_columns(&pair.oracle, &pair.ours).is_some()
        },
    },
    Explained {
        reason: "which of equal points percentile takes: among more than 12 points InfluxDB sorts unstably",
        applies: |case, pair| {
            let only_beside =
                |columns: Vec<String>| columns.iter().all(|name| !name.starts_with("percentile"));
            calls(case, "percentile(")
                && case.point_count() > 12
                && differing_columns(&pair.oracle, &pair.ours).is_some_and(only_beside)
        },
    },
];

/// Judges a pair.
pub(crate) fn judge(case: &Case, pair: &Pair) -> Verdict {
    if is_unsupported(&pair.ours) {
        return Verdict::Unsupported;
    }
    match compare(&pair.oracle, &pair.ours) {
        Relation::Same => Verdict::Same,
        Relation::LastDigits => Verdict::LastDigits,
        Relation::Different => {
            let explained = EXPLAINED.iter().find(|explained| (explained.applies)(case, pair));
            explained.map_or(Verdict::Different, |explained| Verdict::Explained(explained.reason))
        }
    }
}

fn any_select(case: &Case, test: impl Fn(&Select) -> bool) -> bool {
    match &case.statement {
        Statement::Select(select) => select.any(&test),
        Statement::Other { .. } => false,
    }
}

/// Whether a share is so small that few points have none of it.
fn percentile_may_miss(case: &Case) -> bool {
    let text = case.statement.to_string().to_ascii_lowercase();
    let shares = text.split("percentile(").skip(1).filter_map(|call| {
        let (args, _) = call.split_once(')')?;
        args.rsplit_once(", ")?.1.parse::<f64>().ok()
    });
    shares.into_iter().any(|share| share < 50.0)
}

/// A cell where InfluxDB has a number, and we have what fits the column.
fn is_number_against_other(oracle: &Json, ours: &Json) -> bool {
    matches!((oracle, ours), (Json::Number(_), Json::String(_) | Json::Bool(_)))
}

fn calls(case: &Case, text: &str) -> bool {
    case.statement.to_string().to_ascii_lowercase().contains(text)
}
