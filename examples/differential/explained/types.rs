//! Types that do not fit.

use super::Explained;
use super::words::{any_select, casts, is_over_query};
use crate::compare::{Content, content_of, error_of, only_cells_differ};
use crate::scenario::json::Json;

pub(super) const ENTRIES: &[Explained] = &[
    Explained {
        reason: "bitwise operators between a boolean and another type are an error; InfluxDB 1.6 answers false, or finds the error further out",
        applies: |_, pair| {
            let is_other = |error: String| error.starts_with("type error: ");
            error_of(&pair.ours).is_some_and(|error| error.contains("incompatible types: boolean and "))
                && error_of(&pair.oracle).is_none_or(is_other)
        },
    },
    Explained {
        reason: "a function or an operator that does not take its field's type is an error; InfluxDB 1.6 looks at types only where series meet the condition",
        applies: |case, pair| {
            let is_of_type =
                |error: String| error.contains(" iterator type: ") || error.starts_with("type error: ");
            error_of(&pair.ours).is_some_and(is_of_type)
                && content_of(&pair.oracle) == Content::Empty
                && any_select(case, |select| select.condition.is_some() || !select.bounds.is_empty())
        },
    },
    Explained {
        reason: "a column of a subquery that a cast does not fit is null; InfluxDB 1.6 leaves it as it is, and takes it for what it is not",
        applies: |case, _| {
            any_select(case, |select| {
                is_over_query(select) && select.columns.iter().any(|column| casts(column))
            })
        },
    },
    Explained {
        reason: "of several mistakes in one statement another one may be told: InfluxDB 1.6 looks at the calls of a query in any order, and stops writing at another point",
        applies: |_, pair| {
            let (oracle, ours) =
                (error_of(&pair.oracle).unwrap_or_default(), error_of(&pair.ours).unwrap_or_default());
            let both = |text: &str| oracle.contains(text) && ours.contains(text);
            both(" iterator type: ") || both("field type conflict")
        },
    },
    Explained {
        reason: "the text of a type error shows expressions as they were written; InfluxDB 1.6 multiplies with -1, and calls text of a tag a tag",
        applies: |_, pair| {
            let plain = |error: String| {
                error
                    .replace("-1 * ", "-")
                    .replace("::tag", "::string")
                    .replace("tag and", "string and")
                    .replace("and tag", "and string")
            };
            let (oracle, ours) = (error_of(&pair.oracle).map(plain), error_of(&pair.ours).map(plain));
            oracle.is_some_and(|error| error.starts_with("type error: ") && Some(error) == ours)
        },
    },
    Explained {
        reason: "a bitwise operator between a boolean and what has another type or none has no value; InfluxDB 1.6 answers false",
        applies: |case, pair| {
            let is_bitwise =
                |column: &String| [" & ", " | ", " ^ "].iter().any(|operator| column.contains(operator));
            any_select(case, |select| select.columns.iter().any(is_bitwise))
                && only_cells_differ(&pair.oracle, &pair.ours, |oracle, ours| {
                    *oracle == Json::Bool(false) && *ours == Json::Null
                })
        },
    },
];
