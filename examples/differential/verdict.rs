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

/// Judges pairs.
#[derive(Debug, Clone)]
pub(crate) struct Judge {
    /// Explanations with this text do not count.
    pub(crate) doubted: Option<String>,
}

impl Judge {
    /// Judges a pair.
    pub(crate) fn verdict(&self, case: &Case, pair: &Pair) -> Verdict {
        if is_unsupported(&pair.ours) {
            return Verdict::Unsupported;
        }
        match compare(&pair.oracle, &pair.ours) {
            Relation::Same => Verdict::Same,
            Relation::LastDigits => Verdict::LastDigits,
            Relation::Different => {
                let reason = explain(case, pair, self.doubted.as_deref());
                reason.map_or(Verdict::Different, Verdict::Explained)
            }
        }
    }
}
