//! `influx_first(value, time [, aux…])`: the earliest point of a group.
//!
//! ```text
//! time value host          value time aux_0
//! 2    5     a       →     5     2    a
//! 3    1     b
//! ```
//!
//! Of points at the same time the one with the greater value; of booleans, false.

use super::choice::Rule;
use std::cmp::Ordering;

#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct First;

impl Rule for First {
    const NAME: &'static str = "influx_first";
    const TAKES_TEXT: bool = true;

    fn replaces(value: Ordering, time: Ordering, boolean: bool) -> bool {
        let at_same_time = if boolean { value.is_lt() } else { value.is_gt() };
        time.is_lt() || time.is_eq() && at_same_time
    }
}
