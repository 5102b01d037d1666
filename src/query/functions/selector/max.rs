//! `influx_max(value, time [, aux…])`: the point of a group with the greatest value; false < true.
//!
//! ```text
//! time value host          value time aux_0
//! 2    5     a       →     5     2    a        the earlier of two
//! 3    5     b
//! ```

use super::choice::Rule;
use std::cmp::Ordering;

#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Max;

impl Rule for Max {
    const NAME: &'static str = "influx_max";
    const TAKES_TEXT: bool = false;

    fn replaces(value: Ordering, time: Ordering, _boolean: bool) -> bool {
        value.is_gt() || value.is_eq() && time.is_lt()
    }
}
