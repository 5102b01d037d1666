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
//! | `subqueries` | queries over queries |
//! | `names` | what the index knows, and what INTO has written |
//! | `words` | what entries look for in statements |

mod functions;
mod names;
mod rows;
mod subqueries;
mod types;
mod versions;
mod words;

use crate::case::Case;
use crate::servers::Pair;

/// A difference that is meant.
struct Explained {
    reason: &'static str,
    applies: fn(&Case, &Pair) -> bool,
}

/// The reason for which two answers differ, when it is known.
pub(crate) fn explain(case: &Case, pair: &Pair) -> Option<&'static str> {
    let all = [
        versions::ENTRIES,
        rows::ENTRIES,
        types::ENTRIES,
        functions::ENTRIES,
        subqueries::ENTRIES,
        // What INTO has written comes last.
        names::ENTRIES,
    ];
    let mut entries = all.into_iter().flatten();
    entries.find(|explained| (explained.applies)(case, pair)).map(|explained| explained.reason)
}
