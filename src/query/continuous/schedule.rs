//! When a continuous query runs, and over which range of time.
//!
//! With `RESAMPLE EVERY e FOR f` and `GROUP BY time(i, offset)`:
//!
//! * It runs once in each step of `e` (default `i`), as soon as the step has begun. Steps are aligned as buckets are.
//! * A run computes the buckets that began in the last `f` (default: the longer of `i` and `e`) and are over.
//! * With `e` shorter than `i`, it also computes the bucket that is not over yet, again and again.
//!
//! ```text
//! time(1h)                          at 08:00  [07:00, 08:00)
//! time(1h), EVERY 30m               at 08:00  [07:00, 08:00)   at 08:30  [08:00, 09:00)
//! time(1h), EVERY 2h                at 08:00  [06:00, 08:00)
//! time(30m), FOR 1h                 at 08:00  [07:00, 08:00)   at 08:30  [07:30, 08:30)
//! time(30m), EVERY 1h FOR 90m       at 08:00  [06:30, 08:00)
//! time(1h, 15m)                     at 08:15  [07:15, 08:15)
//! ```
//!
//! What passed before a query was created, or while the server was down, is not made up for, except as far back as `f` reaches.
//! When a run comes late, it computes all that ended since the last one. The rules, also for the changes of a zone's clock, are
//! InfluxDB 1.x's.

use crate::model::time::TimeRange;
use crate::query::error::QueryError;
use crate::query::functions::scalar::bucket::Buckets;
use chrono_tz::Tz;
use influxql::ast::{BinaryOp, CreateContinuousQuery, Expr, Select};
use std::str::FromStr as _;

/// When a continuous query runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// What is computed: the buckets of `GROUP BY time`.
    buckets: Buckets,
    /// When: in each of these once.
    steps: Buckets,
    /// How far back a run reaches.
    reach_ns: i64,
}

/// A run that should begin now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// What [`Schedule::due`] is to be told as the last run from now on.
    pub run_ns: i64,
    /// What is to be computed: whole buckets. Empty when none is.
    pub range: TimeRange,
}

impl Schedule {
    /// The schedule of a continuous query; `None` for one that is never run: without a function or without `GROUP BY time`.
    ///
    /// # Errors
    /// When `GROUP BY time` has an offset that is no duration.
    pub fn of(create: &CreateContinuousQuery) -> Result<Option<Self>, QueryError> {
        let select = &create.select;
        let has_call = |expr: &Expr| matches!(expr, Expr::Call { .. } | Expr::Distinct(_));
        if !select.fields.iter().any(|field| field.expr.any(has_call)) {
            return Ok(None);
        }
        let Some((interval_ns, offset_ns)) = time_dimension(select)? else { return Ok(None) };
        let zone = select.time_zone.as_deref().and_then(|name| Tz::from_str(name).ok());
        let every_ns = create.every_ns.unwrap_or(interval_ns);
        let reach_ns = create.for_ns.unwrap_or(interval_ns.max(every_ns));
        let buckets = Buckets::new(interval_ns, offset_ns, zone);
        let steps = Buckets::new(every_ns, offset_ns, zone);
        Ok(buckets.zip(steps).map(|(buckets, steps)| Self { buckets, steps, reach_ns }))
    }

    /// Whether a run should begin, given when the last one began ([`Due::run_ns`]) and what time it is.
    #[must_use]
    pub fn due(&self, last_run_ns: Option<i64>, now_ns: i64) -> Option<Due> {
        // A last run in the future means that the clock was set back: begin anew.
        let due_ns = match last_run_ns.filter(|last_ns| *last_ns <= now_ns) {
            Some(last_ns) => self.steps.bucket_of(last_ns).1,
            None => now_ns,
        };
        if due_ns > now_ns {
            return None;
        }
        let interval_ns = self.buckets.interval_ns();
        // How much of the bucket that lies in the future counts as over.
        let ahead_ns = interval_ns - self.steps.interval_ns().min(interval_ns);
        // The first bucket that begins at or after `due_ns - reach_ns`.
        let in_first_ns = due_ns.saturating_add(interval_ns.saturating_sub(self.reach_ns)).saturating_sub(1);
        let start_ns = self.buckets.bucket_of(in_first_ns).0;
        let end_ns = self.buckets.bucket_of(now_ns.saturating_add(ahead_ns)).0;
        Some(Due { run_ns: self.steps.bucket_of(now_ns).0, range: TimeRange::new(start_ns, end_ns) })
    }
}

/// Interval and offset of `GROUP BY time(interval, offset)`.
fn time_dimension(select: &Select) -> Result<Option<(i64, i64)>, QueryError> {
    let args = select.dimensions.iter().find_map(|dimension| match &dimension.expr {
        Expr::Call { name, args } if name == "time" => Some(args.as_slice()),
        _ => None,
    });
    match args {
        Some([Expr::Duration(interval_ns)]) => Ok(Some((*interval_ns, 0))),
        Some([Expr::Duration(interval_ns), offset]) => match duration(offset) {
            Some(offset_ns) => Ok(Some((*interval_ns, offset_ns))),
            None => Err(QueryError::Query(format!("invalid time dimension offset: {offset}"))),
        },
        // The parser lets nothing else pass.
        _ => Ok(None),
    }
}

/// `5m` or `-5m`.
fn duration(expr: &Expr) -> Option<i64> {
    match expr {
        Expr::Duration(ns) => Some(*ns),
        Expr::Paren(inner) => duration(inner),
        Expr::Binary { op: BinaryOp::Multiply, left, right } => match (&**left, &**right) {
            (Expr::Integer(factor), Expr::Duration(ns)) => factor.checked_mul(*ns),
            _ => None,
        },
        _ => None,
    }
}
