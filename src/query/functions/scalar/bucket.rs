//! The buckets of `GROUP BY time(interval, offset)` with `tz()`: which one a time lies in, and which comes next.
//!
//! ```text
//! time                  influx_bucket(time, 1d, 0)   influx_bucket(time, 1d, 0, 'Europe/Berlin')
//! 2021-03-28T01:30:00Z  2021-03-28T00:00:00Z         2021-03-27T23:00:00Z     a day of 23 hours
//! 2021-03-28T23:00:00Z  2021-03-28T00:00:00Z         2021-03-28T22:00:00Z
//! ```
//!
//! Buckets are aligned to the epoch, with a zone to the epoch of local time; where the clock is changed within a bucket,
//! the bucket becomes longer or shorter, unless it is no longer than the change. [`Buckets`] follows InfluxDB
//! 1.x step by step, so that its buckets are InfluxDB's in every case. Aggregation and gap filling both use it.

use crate::model::time::{TIME_MAX_NS, TIME_MIN_NS};
use arrow::array::{Array, ArrayRef, TimestampNanosecondArray};
use arrow::datatypes::{DataType, TimeUnit};
use chrono::{DateTime, Offset, TimeZone};
use chrono_tz::Tz;
use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::sort_properties::{ExprProperties, SortProperties};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Literal;
use std::sync::{Arc, LazyLock};

/// The rule that cuts the timeline into buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Buckets {
    /// Length of a bucket, > 0.
    interval_ns: i64,
    /// By how much buckets are shifted: less than an interval, in either direction.
    offset_ns: i64,
    time_zone: Option<Tz>,
}

impl Buckets {
    /// Buckets of `interval_ns`, shifted by `offset_ns` (taken modulo the interval), aligned to local time
    /// of `time_zone`. `None` when the interval is not positive: there are no buckets then.
    #[must_use]
    pub fn new(interval_ns: i64, offset_ns: i64, time_zone: Option<Tz>) -> Option<Self> {
        // UTC needs none of the care that zones do.
        let time_zone = time_zone.filter(|zone| *zone != Tz::UTC);
        // As in Go the remainder has the sign of the offset.
        (interval_ns > 0).then(|| Self { interval_ns, offset_ns: offset_ns % interval_ns, time_zone })
    }

    /// Length of a bucket, apart from changes of the clock.
    #[must_use]
    pub const fn interval_ns(&self) -> i64 {
        self.interval_ns
    }

    /// The zone whose clock buckets follow, unless it is UTC.
    #[must_use]
    pub const fn time_zone(&self) -> Option<Tz> {
        self.time_zone
    }

    /// By how much local time is ahead of UTC at `time_ns`.
    fn zone_ns(&self, time_ns: i64) -> i64 {
        let Some(zone) = self.time_zone else { return 0 };
        let at = DateTime::from_timestamp_nanos(time_ns).naive_utc();
        i64::from(zone.offset_from_utc_datetime(&at).fix().local_minus_utc()) * 1_000_000_000
    }

    /// Start and end (exclusive) of the bucket that `time_ns` lies in.
    #[must_use]
    pub fn bucket_of(&self, time_ns: i64) -> (i64, i64) {
        let bucket = self.aligned_bucket_of(time_ns);
        if self.time_zone.is_none() {
            return bucket;
        }
        // Where the clock goes back within a bucket, that bucket becomes longer. Seen from a time after the
        // change, another one begins meanwhile; the longer one wins, as it does in InfluxDB where it has a point.
        let before = self.aligned_bucket_of(bucket.0.saturating_sub(1));
        if before.1 > time_ns && before.0 < bucket.0 { before } else { bucket }
    }

    /// The bucket as it seems from `time_ns` alone.
    fn aligned_bucket_of(&self, time_ns: i64) -> (i64, i64) {
        let time = time_ns.saturating_sub(self.offset_ns);
        let zone = self.zone_ns(time);
        let into = time.saturating_add(zone).rem_euclid(self.interval_ns);
        let mut start = if TIME_MIN_NS + into >= time { TIME_MIN_NS } else { time - into };
        let left = self.interval_ns - into;
        let mut end = if TIME_MAX_NS - left <= time { TIME_MAX_NS } else { time + left };
        if self.time_zone.is_some() {
            // The start may lie before a change of the clock that `time` lies after.
            let change = zone - self.zone_ns(start);
            if change.abs() < self.interval_ns {
                start = start.saturating_add(change);
            }
            let zone_at_end = self.zone_ns(end);
            let change = zone - zone_at_end;
            // An hour that is repeated belongs to the bucket before; one that is skipped only shortens
            // this bucket if the change lies inside it.
            let applies = change > 0 || self.zone_ns(end.saturating_add(change)) == zone_at_end;
            if change != 0 && change.abs() < self.interval_ns && applies {
                end = end.saturating_add(change);
            }
        }
        (start.saturating_add(self.offset_ns), end.saturating_add(self.offset_ns))
    }

    /// The sequence of bucket starts from `start_ns` on, which is the start of a bucket.
    #[must_use]
    pub fn cursor(&self, start_ns: i64, descending: bool) -> BucketCursor {
        let zone_ns = self.zone_ns(start_ns.saturating_sub(self.offset_ns));
        BucketCursor { buckets: *self, start_ns, zone_ns, descending }
    }
}

/// Walks from bucket to bucket.
#[derive(Clone, Copy, Debug)]
pub struct BucketCursor {
    buckets: Buckets,
    start_ns: i64,
    zone_ns: i64,
    descending: bool,
}

impl BucketCursor {
    /// The start of the current bucket.
    #[must_use]
    pub const fn start_ns(&self) -> i64 {
        self.start_ns
    }

    /// Goes to the next bucket, `false` at the end of the timeline.
    #[must_use]
    pub fn advance(&mut self) -> bool {
        let interval = self.buckets.interval_ns;
        let next = match self.descending {
            false => self.start_ns.checked_add(interval),
            true => self.start_ns.checked_sub(interval),
        };
        let Some(next) = next else { return false };
        self.start_ns = next;
        if self.buckets.time_zone.is_some() {
            // Without the offset, because that is how the bucket of a time is found. InfluxDB before 1.8.5
            // left it in, and so put out one bucket too many.
            let aligned = next.saturating_sub(self.buckets.offset_ns);
            let zone = self.buckets.zone_ns(aligned.saturating_sub(1));
            let change = self.zone_ns - zone;
            if change != 0 && change.abs() < interval {
                self.start_ns = next.saturating_add(change);
            }
            self.zone_ns = zone;
        }
        true
    }
}

/// `influx_bucket(time, interval_ns, offset_ns [, zone])`: the start of the bucket that a time lies in,
/// of the time's type. All but the time are literals; the zone is an IANA name.
#[must_use]
pub fn bucket() -> Arc<ScalarUDF> {
    static FUNCTION: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
        let signature = Signature::user_defined(Volatility::Immutable);
        Arc::new(ScalarUDF::from(BucketFunction { signature }))
    });
    Arc::clone(&FUNCTION)
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct BucketFunction {
    signature: Signature,
}

const NAME: &str = "influx_bucket";

impl ScalarUDFImpl for BucketFunction {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        match arg_types {
            [DataType::Timestamp(_, zone), _, _, rest @ ..] if rest.len() <= 1 => {
                let time = DataType::Timestamp(TimeUnit::Nanosecond, zone.clone());
                let own = [time, DataType::Int64, DataType::Int64];
                Ok(own.into_iter().chain(rest.iter().map(|_| DataType::Utf8)).collect())
            }
            _ => Err(DataFusionError::Plan(format!("{NAME} takes (time, interval, offset [, zone])"))),
        }
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        let none = || DataFusionError::Plan(format!("{NAME} takes (time, interval, offset [, zone])"));
        arg_types.first().cloned().ok_or_else(none)
    }

    fn output_ordering(&self, input: &[ExprProperties]) -> Result<SortProperties> {
        Ok(input.first().map_or(SortProperties::Unordered, |time| time.sort_properties))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let buckets = buckets_of(&args.args)?;
        let all_scalar = matches!(args.args.first(), Some(ColumnarValue::Scalar(_)));
        let Some(times) = args.args.first() else {
            return Err(DataFusionError::Internal(format!("{NAME} was called without a time")));
        };
        let times = times.to_array(if all_scalar { 1 } else { args.number_rows })?;
        super::math::scalar_if(all_scalar, starts(&buckets, &times)?)
    }
}

/// Reads the literal arguments.
fn buckets_of(args: &[ColumnarValue]) -> Result<Buckets> {
    let wrong = || DataFusionError::Plan(format!("{NAME} takes a literal interval > 0, offset and zone"));
    let integer = |index: usize| match args.get(index) {
        Some(ColumnarValue::Scalar(ScalarValue::Int64(Some(value)))) => Ok(*value),
        _ => Err(wrong()),
    };
    let zone = match args.get(3) {
        None | Some(ColumnarValue::Scalar(ScalarValue::Utf8(None))) => None,
        Some(ColumnarValue::Scalar(ScalarValue::Utf8(Some(name)))) => {
            Some(name.parse::<Tz>().map_err(|_| wrong())?)
        }
        Some(_) => return Err(wrong()),
    };
    Buckets::new(integer(1)?, integer(2)?, zone).ok_or_else(wrong)
}

/// The bucket starts of `times`. Consecutive times mostly share a bucket, so that comparing with its ends
/// replaces the division.
fn starts(buckets: &Buckets, times: &ArrayRef) -> Result<ArrayRef> {
    let wrong = || DataFusionError::Internal(format!("{NAME} over {}", times.data_type()));
    let typed: &TimestampNanosecondArray = times.as_any().downcast_ref().ok_or_else(wrong)?;
    let (mut start, mut end) = (0, 0);
    let starts = typed.values().iter().map(|&time| {
        if time < start || time >= end {
            (start, end) = buckets.bucket_of(time);
        }
        start
    });
    let starts = TimestampNanosecondArray::new(starts.collect::<Vec<_>>().into(), typed.nulls().cloned());
    Ok(Arc::new(starts.with_data_type(times.data_type().clone())))
}

/// The time argument and the buckets of a planned call of [`bucket`]; `None` for calls of other functions.
pub(in crate::query) fn of_call(
    function: &ScalarUDF,
    args: &[Arc<dyn PhysicalExpr>],
) -> Option<(Arc<dyn PhysicalExpr>, Buckets)> {
    if function.name() != NAME {
        return None;
    }
    let literal = |arg: &Arc<dyn PhysicalExpr>| {
        arg.downcast_ref::<Literal>().map(|literal| ColumnarValue::Scalar(literal.value().clone()))
    };
    let (time, rest) = args.split_first()?;
    let scalars: Option<Vec<ColumnarValue>> = rest.iter().map(literal).collect();
    let null = ColumnarValue::Scalar(ScalarValue::Null);
    let args: Vec<ColumnarValue> = std::iter::once(null).chain(scalars?).collect();
    Some((Arc::clone(time), buckets_of(&args).ok()?))
}
