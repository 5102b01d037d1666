//! Functions that keep several points of a group: top, bottom, sample.
//!
//! Each takes `(value, time, N [, seed] [, aux…])` and yields the N best points of a group in order, the best first, or all
//! when there are fewer. Points whose value is null do not exist for it; auxiliary values may be of any type and
//! null. `N` and `seed` are literals.
//!
//! Of points that agree in value and time, chance takes one, unless `influx_top` and `influx_bottom` have two more arguments at the end
//! that tell them apart: `(value, time, N, aux…, series, order)`, see the module `ties`. A point then has the field `series`, too.
//!
//! ```text
//! LargeList<Struct { value: as given, time: Timestamp(ns), aux_0: as given, aux_1: … }>
//! ```
//!
//! | function | best is | values |
//! |---|---|---|
//! | `influx_top(value, time, N [, aux…])` | the greatest, of equal ones the earliest | numbers |
//! | `influx_bottom(value, time, N [, aux…])` | the least, of equal ones the earliest | numbers |
//! | `influx_sample(value, time, N, seed [, aux…])` | what chance makes it | any |
//!
//! The fields of a point are named as those of a [selector](super::selector).

mod best;
mod keeping;
mod rank;

use super::aggregate::shared;
use super::vectorised::Vector;
use datafusion::logical_expr::AggregateUDF;
use keeping::Keeping;
use std::sync::{Arc, LazyLock};

shared! {
    /// `influx_top(value, time, N [, aux…])`.
    top => AggregateUDF::from(Vector::<Keeping<rank::Top>>::default())
}
shared! {
    /// `influx_bottom(value, time, N [, aux…])`.
    bottom => AggregateUDF::from(Vector::<Keeping<rank::Bottom>>::default())
}
shared! {
    /// `influx_sample(value, time, N, seed [, aux…])`.
    sample => AggregateUDF::from(Vector::<Keeping<rank::Sample>>::default())
}

/// Every function of several points.
pub(super) fn all() -> Vec<Arc<AggregateUDF>> {
    vec![top(), bottom(), sample()]
}
