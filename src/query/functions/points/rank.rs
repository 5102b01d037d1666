//! [`Ranking`]: which points are better than others, as a number per point.
//!
//! ```text
//! value  influx_top  influx_bottom          influx_sample
//! -1     low         high                   a hash of seed and row
//! 5      high        low
//! ```
//!
//! With the order of values in unsigned integers, the accumulator needs neither their type nor a comparator.

use crate::query::functions::grouping::{downcast, is_text, unexpected_type};
use arrow::array::{Array, ArrayRef, Float64Array, Int64Array, UInt64Array};
use arrow::datatypes::DataType;
use datafusion::error::Result;
use std::fmt::Debug;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};

/// A seed of its own for each accumulator: in every partition rows are numbered anew, and points of one number must not
/// be chosen together.
pub(super) fn own_seed(seed: u64) -> u64 {
    static ACCUMULATORS: AtomicU64 = AtomicU64::new(0);
    mixed(seed ^ mixed(ACCUMULATORS.fetch_add(1, Ordering::Relaxed)))
}

/// Rows to be ranked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rows<'a> {
    /// Their values.
    pub values: &'a ArrayRef,
    /// The number of the first one.
    pub first: u64,
}

/// What makes a point better than another.
pub(super) trait Ranking: Debug + Eq + Hash + Send + Sync + 'static {
    /// The function's name.
    const NAME: &'static str;
    /// Whether a seed follows N.
    const HAS_SEED: bool;

    /// Whether it ranks values of this type, besides numbers.
    fn takes(data_type: &DataType) -> bool;
    /// The rank of each row; the greatest are the best. What it is for a null value does not matter.
    fn ranks(rows: Rows<'_>, seed: u64) -> Result<Vec<u64>>;
}

/// The greatest values.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Top;

impl Ranking for Top {
    const NAME: &'static str = "influx_top";
    const HAS_SEED: bool = false;

    fn takes(_: &DataType) -> bool {
        false
    }

    fn ranks(rows: Rows<'_>, _seed: u64) -> Result<Vec<u64>> {
        ordered(rows.values, Self::NAME)
    }
}

/// The least values.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Bottom;

impl Ranking for Bottom {
    const NAME: &'static str = "influx_bottom";
    const HAS_SEED: bool = false;

    fn takes(_: &DataType) -> bool {
        false
    }

    fn ranks(rows: Rows<'_>, _seed: u64) -> Result<Vec<u64>> {
        let mut ranks = ordered(rows.values, Self::NAME)?;
        ranks.iter_mut().for_each(|rank| *rank = !*rank);
        Ok(ranks)
    }
}

/// Any values.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Sample;

impl Ranking for Sample {
    const NAME: &'static str = "influx_sample";
    const HAS_SEED: bool = true;

    fn takes(data_type: &DataType) -> bool {
        is_text(data_type) || *data_type == DataType::Boolean
    }

    fn ranks(rows: Rows<'_>, seed: u64) -> Result<Vec<u64>> {
        Ok((rows.first..).take(rows.values.len()).map(|row| mixed(seed ^ mixed(row))).collect())
    }
}

/// Numbers as unsigned ones in the same order.
fn ordered(values: &ArrayRef, function: &str) -> Result<Vec<u64>> {
    const SIGN: u64 = 1 << 63;
    Ok(match values.data_type() {
        DataType::Float64 => {
            let rank = |x: &f64| {
                // Adding zero makes -0 a 0.
                let bits = (x + 0.0).to_bits();
                if bits & SIGN == 0 { bits | SIGN } else { !bits }
            };
            downcast::<Float64Array>(values, function)?.values().iter().map(rank).collect()
        }
        DataType::Int64 => {
            let integers = downcast::<Int64Array>(values, function)?.values();
            integers.iter().map(|n| n.cast_unsigned() ^ SIGN).collect()
        }
        DataType::UInt64 => downcast::<UInt64Array>(values, function)?.values().to_vec(),
        other => return Err(unexpected_type(function, other)),
    })
}

/// All bits of the result depend on all of the argument: the finaliser of SplitMix64.
fn mixed(n: u64) -> u64 {
    let n = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}
