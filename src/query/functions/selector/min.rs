//! `influx_min(value, time [, aux…])`: the point of a group with the least value; false < true.
//!
//! ```text
//! time value host          value time aux_0
//! 2    1     a       →     1     2    a        the earlier of two
//! 3    1     b
//! ```

use super::choice::Rule;
use std::cmp::Ordering;

#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Min;

impl Rule for Min {
    const NAME: &'static str = "influx_min";
    const TAKES_TEXT: bool = false;

    fn replaces(value: Ordering, time: Ordering, _boolean: bool) -> bool {
        value.is_lt() || value.is_eq() && time.is_lt()
    }
}
