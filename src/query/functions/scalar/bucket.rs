//! The buckets of `GROUP BY time(interval, offset)` with `tz()`: which one a time lies in, and which comes next.
//!
//! ```text
//! time                  influx_bucket(time, 1d, 0)   influx_bucket(time, 1d, 0, 'Europe/Berlin')
//! 2021-03-28T01:30:00Z  2021-03-28T00:00:00Z         2021-03-27T23:00:00Z     a day of 23 hours
//! 2021-03-28T23:00:00Z  2021-03-28T00:00:00Z         2021-03-28T22:00:00Z
//! ```
//!
//! Buckets are aligned to the epoch; with a zone, to the epoch of local time. Every time lies in exactly one bucket, which
//! follows from the time alone. Near a change of the clock:
//!
//! * A bucket in which the clock is changed becomes longer or shorter. One that would begin in the hour that is repeated
//!   begins when that hour comes first. One that would begin in the hour that is skipped leaves the bucket before it as
//!   long as ever.
//! * Buckets that are no longer than the change keep their length. The first bucket by the new clock may then begin before
//!   the last one by the old clock ends; the two become one.
//!
//! ```text
//! the clock goes forward, 02:00 to 03:00   40m: … 00:40 01:20 03:20 04:00 …    2h: … 00:00 03:00 04:00 …
//! the clock goes back, 03:00 to 02:00      40m: … 02:00 02:40 02:40 03:20 …    2h: … 00:00 02:00 04:00 …
//! ```
//!
//! InfluxDB 1.6.7 does the same for `sum`, `count` and `mean` in ascending order where points lie close together. In other
//! cases its buckets depend on the points: they overlap, make two rows of one time or leave points out, and its rows for
//! empty buckets have times at which no bucket begins. None of this is imitated. Aggregation and gap filling both use
//! [`Buckets`].

use crate::model::time::{DAY_NS, TIME_MAX_NS, TIME_MIN_NS};
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

/// Longer buckets are always found by walking.
const STEADY_NS_MAX: i64 = DAY_NS;

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
        let bucket = self.find(time_ns);
        (bucket.start_ns, bucket.end_ns)
    }

    fn find(&self, time_ns: i64) -> Bucket {
        let time = time_ns.saturating_sub(self.offset_ns);
        let zone_ns = self.zone_ns(time);
        let (mut start, mut end) = self.unchanged_bucket_of(time, zone_ns);
        let is_steady = self.is_steady(start, end, zone_ns);
        if !is_steady {
            (start, end) = self.walk(self.well_before(start), time);
        }
        Bucket {
            start_ns: start.saturating_add(self.offset_ns),
            end_ns: end.saturating_add(self.offset_ns),
            zone_ns: is_steady.then_some(zone_ns),
        }
    }

    /// The bucket of a clock that is `zone_ns` ahead of UTC and is never changed. Here and below, times are without the offset.
    fn unchanged_bucket_of(&self, time: i64, zone_ns: i64) -> (i64, i64) {
        let into = time.saturating_add(zone_ns).rem_euclid(self.interval_ns);
        let start = if TIME_MIN_NS + into >= time { TIME_MIN_NS } else { time - into };
        let left = self.interval_ns - into;
        let end = if TIME_MAX_NS - left <= time { TIME_MAX_NS } else { time + left };
        (start, end)
    }

    /// Whether no change of the clock affects the bucket from `start` to `end`.
    fn is_steady(&self, start: i64, end: i64, zone_ns: i64) -> bool {
        let is_as_ever = |time: i64| self.zone_ns(time) == zone_ns;
        self.time_zone.is_none()
            // Three places are looked at, so a clock that is put forward and back between two of them would go unnoticed.
            // These lie at most three days apart, and no zone ever did that within less than four days (Freetown in 1939).
            // Within three weeks some did (Tucuman in 2004, Cairo in 2010), hence the bound on the interval.
            || (self.interval_ns <= STEADY_NS_MAX
                && is_as_ever(self.well_before(start))
                && is_as_ever(start)
                && is_as_ever(end))
    }

    /// A time early enough that changes of the clock before it do not affect the bucket that begins at `start`: from three
    /// buckets after a change on, buckets begin where the new clock says.
    fn well_before(&self, start: i64) -> i64 {
        start.saturating_sub(self.interval_ns.saturating_mul(3))
    }

    /// The bucket of a time near a change of the clock: the one that InfluxDB would put it into when it read points from
    /// `first` on, if there was a point at every moment.
    fn walk(&self, first: i64, time: i64) -> (i64, i64) {
        let (mut start, mut end) = self.window_of(first);
        loop {
            let next = self.window_of(end);
            // The end of the timeline.
            if next.1 <= end {
                return (start, end);
            }
            // Windows that overlap become one: InfluxDB aggregates its results once more, which joins them.
            if next.0 < end {
                end = next.1;
            } else if time < end {
                return (start, end);
            } else {
                (start, end) = (end, next.1);
            }
        }
    }

    /// The window that InfluxDB computes from a time alone. Near a change of the clock, windows computed from different
    /// times may overlap, and a window need not contain the time it was computed from.
    fn window_of(&self, time: i64) -> (i64, i64) {
        let zone = self.zone_ns(time);
        let (mut start, mut end) = self.unchanged_bucket_of(time, zone);
        // The start may lie before a change of the clock that `time` lies after.
        let change = zone - self.zone_ns(start);
        if change.abs() < self.interval_ns {
            start = start.saturating_add(change);
        }
        let zone_at_end = self.zone_ns(end);
        let change = zone - zone_at_end;
        // An hour that is repeated belongs to the bucket before; one that is skipped only shortens this bucket if the change
        // lies inside it.
        let applies = change > 0 || self.zone_ns(end.saturating_add(change)) == zone_at_end;
        if change != 0 && change.abs() < self.interval_ns && applies {
            end = end.saturating_add(change);
        }
        (start, end)
    }

    /// The sequence of bucket starts from `start_ns` on, which is the start of a bucket.
    #[must_use]
    pub fn cursor(&self, start_ns: i64, descending: bool) -> BucketCursor {
        let bucket = Bucket { start_ns, ..self.find(start_ns) };
        BucketCursor { buckets: *self, bucket, descending }
    }
}

/// A bucket that was found.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    start_ns: i64,
    end_ns: i64,
    /// By how much local time is ahead of UTC, unless a change of the clock is near; see [`Buckets::is_steady`].
    zone_ns: Option<i64>,
}

/// Walks from bucket to bucket.
#[derive(Clone, Copy, Debug)]
pub struct BucketCursor {
    buckets: Buckets,
    bucket: Bucket,
    descending: bool,
}

impl BucketCursor {
    /// The start of the current bucket.
    #[must_use]
    pub const fn start_ns(&self) -> i64 {
        self.bucket.start_ns
    }

    /// Goes to the next bucket, `false` at the end of the timeline.
    #[must_use]
    pub fn advance(&mut self) -> bool {
        let Bucket { start_ns, end_ns, zone_ns } = self.bucket;
        let interval_ns = self.buckets.interval_ns;
        let next_ns = match self.descending {
            false => start_ns.checked_add(interval_ns),
            true => start_ns.checked_sub(interval_ns),
        };
        let Some(next_ns) = next_ns else { return false };
        if zone_ns.is_some_and(|zone_ns| self.stays_steady(next_ns, zone_ns)) {
            self.bucket = Bucket { start_ns: next_ns, end_ns: next_ns.saturating_add(interval_ns), zone_ns };
            return true;
        }
        let next = match self.descending {
            false => self.buckets.find(end_ns),
            true => self.buckets.find(start_ns.saturating_sub(1)),
        };
        self.bucket = next;
        if self.descending { next.start_ns < start_ns } else { next.start_ns > start_ns }
    }

    /// Whether the bucket that begins at `next_ns` is steady, given that the bucket just before it in the order of the walk
    /// is.
    fn stays_steady(&self, next_ns: i64, zone_ns: i64) -> bool {
        let buckets = &self.buckets;
        if buckets.time_zone.is_none() {
            return true;
        }
        let start = next_ns.saturating_sub(buckets.offset_ns);
        let newly_seen = match self.descending {
            false => start.saturating_add(buckets.interval_ns),
            true => buckets.well_before(start),
        };
        buckets.zone_ns(newly_seen) == zone_ns
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
