//! Windows where the clock of a zone is changed, and times for which nobody knows whether it is.
//!
//! In: the windows of a statement, and when the clock is changed. Out: whether InfluxDB 1.6 has windows there that depend on the points,
//! or rows at other times. What it does stands here, to find that out: where it has not, a difference is a mistake.

use super::bounds::{Window, all_windows, window_times};
use super::words::{is_descending, zones};
use super::{Between, Explained};
use crate::case::ahead_of_utc_ns;
use crate::scenario::json::Json;
use crate::series::only_cells_differ;
use chrono_tz::Tz;

/// The end of 2099, with which the tables end that Tidegauge has.
const TABLES_END_NS: i64 = 4_102_444_800_000_000_000;

pub(super) const ENTRIES: &[Explained] = &[
    Explained {
        reason: "over a change of the clock every time lies in one window, and every window has one row; InfluxDB 1.6 has windows that depend on the points, and rows at times at which none begins",
        between: Between::Values,
        applies: |case, _| {
            let windows = all_windows(case);
            // A window that begins before a time may be an hour longer than others, or twice as long.
            let mut times_ns = window_times(case);
            let widest_ns = windows.iter().map(|window| window.every_ns).max().unwrap_or(0);
            times_ns.extend(times_ns.clone().into_iter().map(|time_ns| time_ns.saturating_sub(widest_ns)));
            let is_descending = is_descending(case);
            zones(case).into_iter().any(|zone| {
                let changes = case.clock_changes(zone, &times_ns);
                windows.iter().filter(|window| window.every_ns > 0).any(|window| {
                    let window = Window { offset_ns: window.offset_ns % window.every_ns, ..*window };
                    let clock = Clock { window, zone };
                    changes.iter().any(|change_ns| clock.is_torn_at(*change_ns, is_descending))
                })
            })
        },
    },
    Explained {
        reason: "clocks are not changed after 2099, where the tables of zones end; InfluxDB 1.6 goes on with the last rule of a zone",
        between: Between::Values,
        applies: |case, pair| {
            !zones(case).is_empty()
                && case.has_points_from(TABLES_END_NS)
                && only_cells_differ(&pair.oracle, &pair.ours, is_same_instant)
        },
    },
];

/// Whether two texts are the same time, told by different clocks.
fn is_same_instant(left: &Json, right: &Json) -> bool {
    let (Json::String(left), Json::String(right)) = (left, right) else { return false };
    let instant = |text: &str| chrono::DateTime::parse_from_rfc3339(text).ok();
    instant(left).is_some() && instant(left) == instant(right)
}

/// InfluxDB 1.6's windows of a zone.
struct Clock {
    window: Window,
    zone: Tz,
}

impl Clock {
    /// Whether its windows around a change of the clock overlap or leave something out, or its rows are not those of its windows.
    fn is_torn_at(&self, change_ns: i64, is_descending: bool) -> bool {
        let Window { every_ns, offset_ns } = self.window;
        let mut windows = vec![self.of(change_ns - 4 * every_ns)];
        for place in 0..10 {
            windows.push(self.of(windows[place].1));
        }
        let mut is_found = windows.windows(2).all(|pair| pair[0].1 == pair[1].0);
        let of_change =
            [change_ns, change_ns + offset_ns].into_iter().flat_map(|time_ns| [time_ns - 1, time_ns]);
        for time_ns in windows.iter().map(|(_, end_ns)| end_ns - 1).chain(of_change) {
            let (start_ns, end_ns) = self.of(time_ns);
            is_found &= (start_ns..end_ns).contains(&time_ns) && windows.contains(&(start_ns, end_ns));
        }
        let mut starts_ns: Vec<i64> = windows.iter().map(|(start_ns, _)| *start_ns).collect();
        if is_descending {
            starts_ns.reverse();
        }
        // Where they begin tells which change they see first.
        let mut rests = (0..starts_ns.len()).map(|place| &starts_ns[place..]);
        !is_found || rests.any(|rest| self.rows(rest[0], rest.len(), is_descending) != rest)
    }

    /// Start and end of the window of a time.
    fn of(&self, time_ns: i64) -> (i64, i64) {
        let Window { every_ns, offset_ns } = self.window;
        let time_ns = time_ns - offset_ns;
        let ahead_ns = ahead_of_utc_ns(self.zone, time_ns);
        let mut start_ns = time_ns - (time_ns + ahead_ns).rem_euclid(every_ns);
        let mut end_ns = start_ns + every_ns;
        let at_start_ns = ahead_of_utc_ns(self.zone, start_ns);
        let at_end_ns = ahead_of_utc_ns(self.zone, end_ns);
        if (ahead_ns - at_start_ns).abs() < every_ns {
            start_ns += ahead_ns - at_start_ns;
        }
        let longer_ns = ahead_ns - at_end_ns;
        let is_within = longer_ns > 0 || ahead_of_utc_ns(self.zone, end_ns + longer_ns) == at_end_ns;
        if longer_ns.abs() < every_ns && is_within {
            end_ns += longer_ns;
        }
        (start_ns + offset_ns, end_ns + offset_ns)
    }

    /// The times of so many rows, where all windows are filled, from that of a window on.
    fn rows(&self, first_ns: i64, count: usize, is_descending: bool) -> Vec<i64> {
        let every_ns = self.window.every_ns;
        let mut time_ns = first_ns;
        let mut ahead_ns = ahead_of_utc_ns(self.zone, first_ns);
        let mut rows = Vec::with_capacity(count);
        while rows.len() < count {
            rows.push(time_ns);
            time_ns += if is_descending { -every_ns } else { every_ns };
            let before_ns = ahead_of_utc_ns(self.zone, time_ns - 1);
            if (ahead_ns - before_ns).abs() < every_ns {
                time_ns += ahead_ns - before_ns;
            }
            ahead_ns = before_ns;
        }
        rows
    }
}
