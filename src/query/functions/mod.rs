//! InfluxQL's functions as DataFusion functions.
//!
//! | folder | in → out | examples |
//! |---|---|---|
//! | [`aggregate`] | rows of a group → one value | `influx_sum`, `influx_mode` |
//! | [`selector`] | rows of a group → one of its points | `influx_first`, `influx_percentile` |
//! | [`points`] | rows of a group → several of its points | `influx_top`, `influx_sample` |
//! | [`scalar`] | one row → one value | `influx_divide`, `influx_bucket` |
//! | [`window`] | the points of a series, one by one → points | `derivative`; not DataFusion functions, but fed by `exec::neighbours` |
//!
//! `count` is DataFusion's own: it counts values that are not null as an `Int64` and yields 0 for a group
//! without any, as InfluxDB does.
//!
//! `distinct(f)` needs no function here. Plan it as two groupings: group by (tags, bucket, `f`) with
//! `min(time)`, drop the row whose `f` is null, and sort by (tags, bucket, `min(time)`, `f`): InfluxDB emits the values of
//! a bucket in the order of their first appearance. `count(distinct(f))` is then a count over that.
//!
//! Every function here has the prefix `influx_`, so that none changes the meaning of SQL.

pub mod aggregate;
mod gather;
mod grouping;
pub mod points;
pub mod scalar;
pub mod selector;
#[cfg(test)]
mod tests;
mod ties;
mod vectorised;
pub mod window;

use datafusion::error::Result;
use datafusion::logical_expr::registry::FunctionRegistry;

/// Makes every function known to `registry`, under its `influx_…` name.
///
/// # Errors
///
/// When the registry takes no functions.
pub fn register(registry: &mut dyn FunctionRegistry) -> Result<()> {
    for function in aggregate::all().into_iter().chain(selector::all()).chain(points::all()) {
        registry.register_udaf(function)?;
    }
    for function in scalar::all() {
        registry.register_udf(function)?;
    }
    Ok(())
}
