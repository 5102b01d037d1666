//! `influx_last(value, time [, aux…])`: the latest point of a group.
//!
//! ```text
//! time value host          value time aux_0
//! 2    5     a       →     1     3    b
//! 3    1     b
//! ```
//!
//! Of points at the same time the one with the greater value; of booleans, true.

use super::choice::Rule;
use std::cmp::Ordering;

#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Last;

impl Rule for Last {
    const NAME: &'static str = "influx_last";
    const TAKES_TEXT: bool = true;

    fn replaces(value: Ordering, time: Ordering, _boolean: bool) -> bool {
        time.is_gt() || time.is_eq() && value.is_gt()
    }
}
