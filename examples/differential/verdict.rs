//! What to make of a pair of answers.
//!
//! In: a case and both answers. Out: a [`Verdict`].

use crate::case::Case;
use crate::compare::{Relation, compare, is_unsupported};
use crate::explained::explain;
use crate::servers::Pair;

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

/// Judges a pair.
pub(crate) fn judge(case: &Case, pair: &Pair) -> Verdict {
    if is_unsupported(&pair.ours) {
        return Verdict::Unsupported;
    }
    match compare(&pair.oracle, &pair.ours) {
        Relation::Same => Verdict::Same,
        Relation::LastDigits => Verdict::LastDigits,
        Relation::Different => explain(case, pair).map_or(Verdict::Different, Verdict::Explained),
    }
}
