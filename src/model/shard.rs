//! Shards as clients see them. Rows do not lie in shards here: a shard is a window of a policy's shard duration, and its number
//! follows from policy and window, so that it is the same after every restart and on every server with the same catalog.
//!
//! ```text
//!      policy            hours from the epoch to the window's start, plus 2²²
//! ┌───────────────┬────────────────────────────────────────────────────────────┐
//! │ id ≥ 2²³      │ 23 bits                                                    │
//! └───────────────┴────────────────────────────────────────────────────────────┘
//! ```
//!
//! No two windows of a policy start within the same hour, because a shard duration is at least an hour. When it is
//! altered, the windows are drawn anew, and bear other numbers where they start elsewhere.

use super::ids::PolicyId;
use super::time::{HOUR_NS, SECOND_NS, TimeRange};

const HOUR_BITS: u32 = 23;
const HOUR_OFFSET: i64 = 1 << (HOUR_BITS - 1);

/// From the first of January of year 1 to the epoch: InfluxDB 1.x aligns shards to that day, so that a week begins on a Monday.
const ALIGNMENT_NS: i128 = 62_135_596_800 * SECOND_NS as i128;

/// A window of a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// The policy.
    pub policy: PolicyId,
    /// The window.
    pub times: TimeRange,
}

impl Shard {
    /// The shard of width `width_ns` (at least an hour) that `time_ns` lies in. Ends at the ends of the timeline.
    #[must_use]
    pub fn of_time(policy: PolicyId, width_ns: i64, time_ns: i64) -> Self {
        let width = i128::from(width_ns.max(HOUR_NS));
        let start = i128::from(time_ns) - (i128::from(time_ns) + ALIGNMENT_NS).rem_euclid(width);
        let clamp = |ns: i128| i64::try_from(ns).unwrap_or(if ns < 0 { i64::MIN } else { i64::MAX });
        Self { policy, times: TimeRange::new(clamp(start), clamp(start + width)) }
    }

    /// The number that clients know it by.
    #[must_use]
    pub fn number(&self) -> u64 {
        let hour = self.times.start_ns.div_euclid(HOUR_NS) + HOUR_OFFSET;
        (u64::from(self.policy.0) + 1) << HOUR_BITS | hour.unsigned_abs()
    }

    /// The policy whose shard has this number, if one has.
    #[must_use]
    pub fn policy_of(number: u64) -> Option<PolicyId> {
        let policy = (number >> HOUR_BITS).checked_sub(1)?;
        u32::try_from(policy).ok().map(PolicyId)
    }
}

impl Ord for Shard {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.policy, self.times.start_ns).cmp(&(other.policy, other.times.start_ns))
    }
}

impl PartialOrd for Shard {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::Shard;
    use crate::model::ids::PolicyId;
    use crate::model::time::{DAY_NS, HOUR_NS, TIME_MAX_NS, TIME_MIN_NS, TimeRange};

    #[test]
    fn weeks_begin_on_mondays() {
        let week = Shard::of_time(PolicyId(1), 7 * DAY_NS, 0);
        assert_eq!(week.times, TimeRange::new(-3 * DAY_NS, 4 * DAY_NS));
        assert_eq!(Shard::of_time(PolicyId(1), 7 * DAY_NS, 4 * DAY_NS).times.start_ns, 4 * DAY_NS);
    }

    #[test]
    fn numbers_are_unique_and_lead_back_to_the_policy() {
        for width in [HOUR_NS, HOUR_NS * 3 / 2, DAY_NS] {
            let shards = (-100..100).map(|n| Shard::of_time(PolicyId(7), width, n * width));
            let numbers: Vec<u64> = shards.map(|shard| shard.number()).collect();
            assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
        }
        for time in [TIME_MIN_NS, 0, TIME_MAX_NS] {
            for policy in [0, 7, u32::MAX] {
                let shard = Shard::of_time(PolicyId(policy), 7 * DAY_NS, time);
                assert!(shard.times.contains(time));
                assert_eq!(Shard::policy_of(shard.number()), Some(PolicyId(policy)));
            }
        }
        assert_eq!(Shard::policy_of(1), None);
    }
}
