//! Types that do not fit.

use super::bounds::duration;
use super::kinds::{may_have, may_misfit};
use super::words::{any_select, any_subquery, is_over_query, may_have_fractions, name_of};
use super::{Between, Explained};
use crate::case::Case;
use crate::compare::{Content, content_of, error_of};
use crate::schema::Kind;
use crate::series::{has_only_nulls, lacks_rows_of};
use std::cell::{Cell, RefCell};

pub(super) const ENTRIES: &[Explained] = &[
    Explained {
        reason: "bitwise operators between a boolean and another type are an error; InfluxDB 1.6 answers false, or finds the error further out",
        between: Between::Errors,
        applies: |_, pair| {
            let is_other =
                |error: String| error.starts_with("type error: ") || error.contains(" iterator type: ");
            error_of(&pair.ours).is_some_and(|error| error.contains("incompatible types: boolean and "))
                && error_of(&pair.oracle).is_none_or(is_other)
        },
    },
    Explained {
        reason: "a function or an operator that does not take its field's type is an error; InfluxDB 1.6 looks at types only where series meet the condition, and SOFFSET leaves some",
        between: Between::Errors,
        applies: |case, pair| {
            let is_of_type =
                |error: String| error.contains(" iterator type: ") || error.starts_with("type error: ");
            error_of(&pair.ours).is_some_and(is_of_type)
                && match content_of(&pair.oracle) {
                    Content::Empty => any_select(case, |select| {
                        select.condition.is_some() || !select.bounds.is_empty() || select.has("SOFFSET")
                    }),
                    // Of several sources the others have series.
                    Content::Rows => {
                        any_select(case, |select| select.sources.len() > 1)
                            && any_select(case, |select| select.has("SOFFSET"))
                    }
                    Content::Error => false,
                }
        },
    },
    Explained {
        reason: "the type of a field is fixed for the whole measurement of a policy; InfluxDB 1.6 fixes it per shard",
        between: Between::Errors,
        applies: |case, pair| {
            any_select(case, |select| select.into.is_some())
                && error_of(&pair.oracle).is_none()
                && error_of(&pair.ours).is_some_and(|error| error.contains("field type conflict"))
        },
    },
    Explained {
        reason: "of fields that were deleted, and tags that only other policies have, nothing is known; InfluxDB 1.6 goes by their types",
        between: Between::Any,
        applies: |case, pair| {
            let is_of_type =
                |error: String| error.contains(" iterator type: ") || error.starts_with("type error: ");
            let (oracle, ours) = (error_of(&pair.oracle), error_of(&pair.ours));
            // Without the types of what is no longer there.
            let plain = |error: &str| {
                let types = ["::float", "::integer", "::string", "::boolean", "::tag"];
                let error = error.split(": incompatible types").next().unwrap_or_default();
                types.iter().fold(error.to_owned(), |error, ty| error.replace(ty, ""))
            };
            let is_same = oracle.as_deref().map(plain) == ours.as_deref().map(plain);
            let is_told_there =
                oracle.clone().is_some_and(is_of_type) && content_of(&pair.ours) != Content::Error;
            let oracle_is_error = oracle.is_some();
            // Which of a subquery's columns are tags.
            let is_told_apart = oracle.is_none()
                && ours.is_none()
                && any_select(case, |select| {
                    let by_kind = |column: &String| column.contains("*::");
                    is_over_query(select) && select.columns.iter().any(by_kind)
                });
            let is_told_here = oracle.is_none() && ours.is_some_and(is_of_type);
            // A tag alone is read beside a subquery wherever its measurement may have it.
            let is_null_there = content_of(&pair.ours) == Content::Empty
                && has_only_nulls(&pair.oracle)
                && case.statement.select().is_some_and(|select| {
                    let is_of_others = |column: &String| case.is_tag_of_other_policy(name_of_tag(column));
                    is_over_query(select)
                        && select.sources.len() > 1
                        && select.columns.iter().all(is_of_others)
                });
            is_null_there
                || (is_told_there && (case.has_changes() || case.policies.len() > 1))
                || (is_told_apart && case.policies.len() > 1)
                || ((is_told_here || (oracle_is_error && is_same)) && case.has_changes())
                || (case.has_changes()
                    && error_of(&pair.ours).is_none()
                    && any_select(case, |select| select.sources.len() > 1)
                    && (content_of(&pair.oracle) == Content::Empty
                        || lacks_rows_of(&pair.oracle, &pair.ours, |_, _| false)))
        },
    },
    Explained {
        reason: "a column of a subquery that a cast does not fit is null; InfluxDB 1.6 leaves it as it is, and takes it for what it is not",
        between: Between::Any,
        applies: |case, pair| {
            let is_of_type = |error: String| error.contains(" iterator type: ");
            error_of(&pair.ours).is_none()
                && error_of(&pair.oracle).is_none_or(is_of_type)
                && any_select(case, |select| {
                    is_over_query(select)
                        && select.columns.iter().any(|column| may_misfit(case, select, column))
                })
        },
    },
    Explained {
        reason: "of several mistakes in one statement another one may be told: InfluxDB 1.6 looks at the calls of a query in any order, and stops writing at another point",
        between: Between::Errors,
        applies: |_, pair| {
            let (oracle, ours) =
                (error_of(&pair.oracle).unwrap_or_default(), error_of(&pair.ours).unwrap_or_default());
            let both = |text: &str| oracle.contains(text) && ours.contains(text);
            both(" iterator type: ") || both("field type conflict")
        },
    },
    Explained {
        reason: "the text of a type error shows expressions as they were written; InfluxDB 1.6 multiplies with -1, calls text of a tag a tag, and divisions of integers integers, and gives no type to what is computed of a misfit",
        between: Between::Errors,
        applies: |case, pair| {
            let has_fractions = may_compute_fractions(case);
            let plain = |error: String| {
                let error = error
                    .replace("-1 * ", "-")
                    .replace("::field", "")
                    .replace("::tag", "::string")
                    .replace("tag and", "string and")
                    .replace("and tag", "and string");
                if has_fractions { error.replace("integer", "float") } else { error }
            };
            let (oracle, ours) = (error_of(&pair.oracle), error_of(&pair.ours));
            // What a subquery computes of types that do not fit, or of a tag that is asked for as a field, has none there.
            let untyped = ours.as_ref().map(|error| without_types_of_unfit(case, error));
            let (oracle, ours, untyped) = (oracle.map(plain), ours.map(plain), untyped.map(plain));
            oracle.is_some_and(|error| {
                error.starts_with("type error: ") && (Some(&error) == ours.as_ref() || Some(error) == untyped)
            })
        },
    },
    Explained {
        reason: "a bitwise operator over a division or mathematics of integers is an error, as over all floats; InfluxDB 1.6 takes them for integers, and answers with nothing",
        between: Between::Errors,
        applies: |case, pair| {
            may_compute_fractions(case)
                && error_of(&pair.oracle).is_none()
                && error_of(&pair.ours).is_some_and(|error| {
                    let types = error.rsplit_once(": incompatible types: ").map(|(_, types)| types);
                    let is_bitwise = [" & ", " | ", " ^ "].iter().any(|operator| error.contains(operator));
                    is_bitwise && types.is_some_and(|types| types.contains("float"))
                })
        },
    },
    Explained {
        reason: "what has no value is false beside a boolean of its type only; InfluxDB 1.6 takes numbers and text of a subquery that are not there, and durations, for false",
        between: Between::Values,
        applies: |case, _| {
            let text = case.statement.to_string();
            any_select(case, |select| {
                let Some(condition) = &select.condition else { return false };
                let is_beside_boolean = Cell::new(false);
                condition.leaves(&mut |leaf| {
                    let may_be = |kind| may_have(case, select, leaf, kind);
                    let is_equality = [" = ", " <> ", " != "].iter().any(|operator| leaf.contains(operator));
                    let has_boolean =
                        leaf.contains("true") || leaf.contains("false") || may_be(Kind::Boolean);
                    let has_other = may_be(Kind::Float) || may_be(Kind::Integer) || may_be(Kind::String);
                    let has_none = (is_over_query(select) && has_other) || equals_duration(&text);
                    if is_equality && has_boolean && has_none {
                        is_beside_boolean.set(true);
                    }
                });
                is_beside_boolean.get()
            })
        },
    },
    Explained {
        reason: "a bitwise operator between a boolean and another type has no value in a subquery; InfluxDB 1.6 answers false",
        between: Between::Values,
        applies: |case, _| {
            let is_bitwise =
                |column: &String| [" & ", " | ", " ^ "].iter().any(|operator| column.contains(operator));
            // Further out it counts, or is what a condition asks for.
            any_subquery(case, |_, inner| {
                let is_of_others = |column: &String| {
                    let operands = column.split(" AS ").next().unwrap_or_default();
                    [Kind::Boolean, Kind::String].iter().any(|kind| may_have(case, inner, operands, *kind))
                };
                inner.columns.iter().any(|column| is_bitwise(column) && is_of_others(column))
            })
        },
    },
];

/// The error without the types of names that a subquery gives to what it computes of a name that is asked for as a field, which may
/// be a tag, or of columns of another subquery, which may be of types that do not fit.
fn without_types_of_unfit(case: &Case, error: &str) -> String {
    let text = RefCell::new(error.to_owned());
    any_subquery(case, |_, inner| {
        for column in &inner.columns {
            let operands = column.split(" AS ").next().unwrap_or_default();
            if !operands.contains("::field") && !is_over_query(inner) {
                continue;
            }
            let name = name_of(column);
            for ty in ["::integer", "::float"] {
                let typed = format!("{name}{ty}");
                let plain = text.borrow().replace(&typed, name);
                *text.borrow_mut() = plain;
            }
        }
        false
    });
    text.into_inner()
}

/// The name that a column begins with.
fn name_of_tag(column: &str) -> &str {
    let operand = column.split(" AS ").next().unwrap_or_default();
    operand.split("::").next().unwrap_or_default().trim_matches('"')
}

/// Whether a text compares anything but the time with a duration.
fn equals_duration(text: &str) -> bool {
    [" = ", " <> ", " != "].iter().any(|operator| {
        let sides: Vec<&str> = text.split(operator).collect();
        sides.windows(2).any(|sides| {
            let right = sides[1].split([' ', ')']).next().unwrap_or_default();
            !sides[0].ends_with("time") && duration(right).is_some()
        })
    })
}

/// Whether a column divides integers, or computes what has fractions of them.
fn may_compute_fractions(case: &Case) -> bool {
    any_select(case, |select| {
        let is_of_integers =
            |column: &String| may_have_fractions(column) && may_have(case, select, column, Kind::Integer);
        select.columns.iter().any(is_of_integers)
    })
}
