//! Aggregates: the rows of a group become one value.
//!
//! Each takes nulls as absent points, and yields null for a group without points. All have a vectorised
//! accumulator whose states merge, so that partial and final aggregation, spilling and the skipping of
//! partial aggregation give the same answer.

mod fold;
mod lanes;
mod mean;
mod median;
mod mode;
mod spread;
mod stddev;
mod sum;

use super::vectorised::Vector;
use datafusion::logical_expr::AggregateUDF;
use std::sync::{Arc, LazyLock};

macro_rules! shared {
    ($(#[$doc:meta])* $name:ident => $function:expr) => {
        $(#[$doc])*
        #[must_use]
        pub fn $name() -> Arc<AggregateUDF> {
            static FUNCTION: LazyLock<Arc<AggregateUDF>> = LazyLock::new(|| Arc::new($function));
            Arc::clone(&FUNCTION)
        }
    };
}
pub(super) use shared;

shared! {
    /// `influx_sum(value)`.
    sum => AggregateUDF::from(Vector::<fold::Folding<sum::Sum>>::default())
}
shared! {
    /// `influx_mean(value)`.
    mean => AggregateUDF::from(Vector::<fold::Folding<mean::Mean>>::default())
}
shared! {
    /// `influx_spread(value)`.
    spread => AggregateUDF::from(Vector::<fold::Folding<spread::Spread>>::default())
}
shared! {
    /// `influx_stddev(value, time)`.
    stddev => AggregateUDF::from(Vector::<super::gather::Gathering<stddev::Stddev>>::default())
}
shared! {
    /// `influx_median(value)`.
    median => AggregateUDF::from(Vector::<super::gather::Gathering<median::Median>>::default())
}
shared! {
    /// `influx_mode(value, time)`.
    mode => AggregateUDF::from(Vector::<super::gather::Gathering<mode::Mode>>::default())
}

/// Every aggregate.
pub(super) fn all() -> Vec<Arc<AggregateUDF>> {
    vec![sum(), mean(), spread(), stddev(), median(), mode()]
}
