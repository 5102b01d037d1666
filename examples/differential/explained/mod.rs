//! The differences that are known and meant.
//!
//! In: a case and both answers. Out: why they may differ. Each entry says so in words and decides, as narrowly as it can, whether
//! that is what happened here. Whatever it lets through is not looked at again: an entry needs a reason on `docs/differences.md`, in
//! a later version of InfluxDB 1.x, or in what InfluxDB 1.6 leaves to chance.
//!
//! | file | differences in |
//! |---|---|
//! | `versions` | what later versions do |
//! | `rows`, `types`, `functions` | rows, types, values |
//! | `clocks` | windows where the clock of a zone is changed |
//! | `subqueries` | queries over queries |
//! | `names` | what the index knows, and what INTO has written |
//! | `words`, `kinds`, `bounds` | what entries look for in statements |

mod bounds;
mod clocks;
mod functions;
mod kinds;
mod names;
mod rows;
mod subqueries;
mod types;
mod versions;
mod words;

use crate::case::Case;
use crate::compare::{Content, content_of};
use crate::servers::Pair;

/// A difference that is meant.
struct Explained {
    reason: &'static str,
    between: Between,
    applies: fn(&Case, &Pair) -> bool,
}

/// What kind of answers differ for a reason. An error is never explained by what is known of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Between {
    /// Two answers without an error.
    Values,
    /// At least one of the answers is an error.
    Errors,
    /// Either.
    Any,
}

impl Between {
    fn of(pair: &Pair) -> Between {
        let is_error = |response| content_of(response) == Content::Error;
        match pair.oracle.status != pair.ours.status || is_error(&pair.oracle) || is_error(&pair.ours) {
            true => Between::Errors,
            false => Between::Values,
        }
    }
}

/// The reason for which two answers differ, when it is known. Reasons with `doubted` in them do not count.
pub(crate) fn explain(case: &Case, pair: &Pair, doubted: Option<&str>) -> Option<&'static str> {
    let all = [
        versions::ENTRIES,
        rows::ENTRIES,
        clocks::ENTRIES,
        types::ENTRIES,
        functions::ENTRIES,
        subqueries::ENTRIES,
        names::ENTRIES,
    ];
    let between = Between::of(pair);
    let is_doubted = |entry: &Explained| doubted.is_some_and(|text| entry.reason.contains(text));
    let mut entries = all
        .into_iter()
        .flatten()
        .filter(|entry| (entry.between == between || entry.between == Between::Any) && !is_doubted(entry));
    entries.find(|entry| (entry.applies)(case, pair)).map(|entry| entry.reason)
}
