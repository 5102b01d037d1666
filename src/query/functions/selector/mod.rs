//! Selectors: of the points of a group, one is chosen.
//!
//! Every selector takes `(value, time [, aux…])` and yields a struct of the chosen point, null for a group without
//! points. Points whose value is null do not exist for it; auxiliary values may be of any type and null.
//!
//! ```text
//! Struct { value: as given, time: Timestamp(ns), aux_0: as given, aux_1: … }
//! ```
//!
//! Of points that agree in value and time, chance takes one, unless two more arguments at the end tell them apart:
//! `(value, time, aux…, series, order)`, see the module `ties`. The struct then has the field `series`, too. `first`, `last`, `min` and
//! `max` compare no auxiliary values: their order is -1 or 1.
//!
//! `influx_percentile` takes its `N` as third argument: `(value, time, N [, aux…])`.

mod choice;
mod first;
mod last;
mod max;
mod min;
mod percentile;

use super::aggregate::shared;
use super::gather::Gathering;
use super::vectorised::Vector;
use arrow::datatypes::{DataType, Field, Fields};
use choice::Choosing;
use datafusion::logical_expr::AggregateUDF;
use std::sync::{Arc, LazyLock};

/// The field of a selector's struct that holds the chosen point's value.
pub const VALUE_FIELD: &str = "value";
/// The field of a selector's struct that holds the chosen point's time.
pub const TIME_FIELD: &str = "time";

/// The field of a selector's struct that holds the series of the chosen point.
pub const SERIES_FIELD: &str = "series";

/// The field of a selector's struct that holds auxiliary value `index`, counted from 0.
#[must_use]
pub fn aux_field(index: usize) -> String {
    format!("aux_{index}")
}

/// The fields of a selector's struct over arguments of those types.
pub(super) fn point_fields<'a>(
    value: &DataType,
    time: &DataType,
    aux: impl Iterator<Item = &'a DataType>,
) -> Fields {
    [(VALUE_FIELD.to_owned(), value), (TIME_FIELD.to_owned(), time)]
        .into_iter()
        .chain(aux.enumerate().map(|(index, data_type)| (aux_field(index), data_type)))
        .map(|(name, data_type)| Field::new(name, data_type.clone(), true))
        .collect()
}

/// The same; `others` are the arguments after the time and the parameters, perhaps with series and order at the end.
pub(super) fn chosen_fields(value: &DataType, time: &DataType, others: &[DataType]) -> Fields {
    // No auxiliary value is of the type of the order.
    let [aux @ .., series, DataType::Int8] = others else {
        return point_fields(value, time, others.iter());
    };
    let series = Arc::new(Field::new(SERIES_FIELD, series.clone(), true));
    let fields = point_fields(value, time, aux.iter());
    fields.iter().cloned().chain(std::iter::once(series)).collect()
}

shared! {
    /// `influx_first(value, time [, aux…])`.
    first => AggregateUDF::from(Vector::<Choosing<first::First>>::default())
}
shared! {
    /// `influx_last(value, time [, aux…])`.
    last => AggregateUDF::from(Vector::<Choosing<last::Last>>::default())
}
shared! {
    /// `influx_min(value, time [, aux…])`.
    min => AggregateUDF::from(Vector::<Choosing<min::Min>>::default())
}
shared! {
    /// `influx_max(value, time [, aux…])`.
    max => AggregateUDF::from(Vector::<Choosing<max::Max>>::default())
}
shared! {
    /// `influx_percentile(value, time, N [, aux…])`.
    percentile => AggregateUDF::from(Vector::<Gathering<percentile::Percentile>>::default())
}

/// Every selector.
pub(super) fn all() -> Vec<Arc<AggregateUDF>> {
    vec![first(), last(), min(), max(), percentile()]
}
