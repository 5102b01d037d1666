//! What to make of a pair of answers, and the differences that are known and meant.
//!
//! In: a case and both answers. Out: a [`Verdict`]. Each entry of [`EXPLAINED`] says in words why the answers may differ and
//! decides, as narrowly as it can, whether that is what happened here. Whatever it lets through is not looked at again: an
//! entry needs a reason on `docs/differences.md` or in a later version of InfluxDB 1.x.

use crate::case::Case;
use crate::compare::{Relation, compare, differing_columns, error_of, is_unsupported, same_when_sorted};
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
        reason: "InfluxDB 1.6 counts the series of SLIMIT and SOFFSET in each shard",
        applies: |case, _| {
            case.has_several_shards()
                && any_select(case, |select| select.has("SLIMIT") || select.has("SOFFSET"))
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

fn calls(case: &Case, text: &str) -> bool {
    case.statement.to_string().to_ascii_lowercase().contains(text)
}
