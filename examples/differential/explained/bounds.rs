//! Where the times of WHERE lie among the windows of GROUP BY time.

use super::words::{any_select, is_descending, is_over_query, name_of, sees_neighbours};
use crate::case::Case;
use crate::statement::{Select, Source};
use std::cell::RefCell;

/// Whether a subquery has a window that begins before the first time of a query around it, or looks back to one; or, without
/// windows and a first time, a row at the epoch when that lies after the last time. An area's may also lie before the first one.
pub(super) fn begins_outside(case: &Case) -> bool {
    let Some(top) = case.statement.select() else { return false };
    // Dates without a zone are local there.
    let has_zone = top.any(&|select| select.tail.iter().any(|clause| clause.starts_with("tz(")));
    let bounds = top.any(&|select| is_over_query(select) && !times(select).is_empty());
    if has_zone && bounds {
        return true;
    }
    let is_descending = is_descending(case);
    within(top, &Around { first_ns: Vec::new(), last_ns: Vec::new(), window: None, is_descending })
}

/// Whether a query asks for times before the epoch only, and for no first one.
pub(super) fn ends_before_epoch(case: &Case) -> bool {
    case.statement.select().is_some_and(|select| {
        let times = times(select);
        times.iter().all(|(is_first, _)| !is_first) && times.iter().any(|(_, time_ns)| *time_ns < 0)
    })
}

/// The columns of the statement, by their places, that have a function that looks back to the window before the first one where no
/// WHERE says when that is, or that may be computed of one of a subquery.
pub(super) fn columns_from_nowhere(case: &Case) -> Vec<usize> {
    fn within(select: &Select, around: (bool, bool)) -> Vec<usize> {
        let has_first = around.0 || times(select).iter().any(|(is_first, _)| *is_first);
        let has_windows = around.1 || window_of(select).is_some();
        let mut names = Vec::new();
        for source in &select.sources {
            if let Source::Query(inner) = source {
                for place in within(inner, (has_first, has_windows)) {
                    names.push(name_of(&inner.columns[place]).trim_matches('"'));
                }
            }
        }
        let is_of_inner = |column: &str| {
            let is_wild = column.contains(['*', '/']) && !names.is_empty();
            is_wild || names.iter().any(|name| column.contains(name.split('(').next().unwrap_or(name)))
        };
        let is_from_nowhere =
            |column: &str| (has_windows && !has_first && column_looks_back(column)) || is_of_inner(column);
        let columns = select.columns.iter().enumerate();
        columns.filter(|(_, column)| is_from_nowhere(column)).map(|(place, _)| place).collect()
    }
    match case.statement.select() {
        // In descending order they look at the window after the last one.
        Some(select) if !is_descending(case) => within(select, (false, false)),
        _ => Vec::new(),
    }
}

/// Whether the statement itself has a function of neighbouring windows, no first time, and a last one less than a window after the
/// epoch.
pub(super) fn ends_within_a_window_of_epoch(case: &Case) -> bool {
    let Some(select) = case.statement.select() else { return false };
    let is_of_windows = |column: &String| sees_neighbours(column) && !column.contains("integral(");
    let times = times(select);
    let last_ns = times.iter().map(|(_, time_ns)| *time_ns).min();
    !is_descending(case)
        && select.columns.iter().any(is_of_windows)
        && times.iter().all(|(is_first, _)| !is_first)
        && window_of(select).zip(last_ns).is_some_and(|(window, last_ns)| last_ns <= window.every_ns)
}

/// Every time that a query or a subquery compares with.
pub(super) fn all_times(case: &Case) -> Vec<i64> {
    let all = RefCell::new(Vec::new());
    any_select(case, |select| {
        all.borrow_mut().extend(times(select).into_iter().map(|(_, time_ns)| time_ns));
        false
    });
    all.into_inner()
}

/// Those times, and the earliest at which a window may begin that one of them lies in.
pub(super) fn window_times(case: &Case) -> Vec<i64> {
    let times_ns = all_times(case);
    let widest_ns = all_windows(case).iter().map(|window| window.every_ns).max().unwrap_or(0);
    let starts_ns = times_ns.iter().map(|time_ns| time_ns.saturating_sub(widest_ns));
    starts_ns.chain(times_ns.iter().copied()).collect()
}

/// The windows of every query and subquery.
pub(super) fn all_windows(case: &Case) -> Vec<Window> {
    let all = RefCell::new(Vec::new());
    any_select(case, |select| {
        all.borrow_mut().extend(window_of(select));
        false
    });
    all.into_inner()
}

/// What the queries around one say.
#[derive(Clone)]
struct Around {
    first_ns: Vec<i64>,
    last_ns: Vec<i64>,
    window: Option<Window>,
    is_descending: bool,
}

impl Around {
    /// The times before which, in the order of rows, a function that looks back may look.
    fn behind(&self) -> &[i64] {
        if self.is_descending { &self.last_ns } else { &self.first_ns }
    }
}

/// The windows of GROUP BY time.
#[derive(Clone, Copy)]
pub(super) struct Window {
    pub(super) every_ns: i64,
    pub(super) offset_ns: i64,
}

fn within(select: &Select, around: &Around) -> bool {
    let window = window_of(select).or(around.window);
    let computes = select.columns.iter().any(|column| column.contains('('));
    let is_outside = match window {
        _ if !computes => false,
        Some(_) if looks_back(select) && !around.behind().is_empty() => true,
        Some(Window { every_ns, offset_ns }) => {
            around.first_ns.iter().any(|first_ns| first_ns.wrapping_sub(offset_ns).rem_euclid(every_ns) != 0)
        }
        None => {
            let has_first =
                !around.first_ns.is_empty() || times(select).iter().any(|(is_first, _)| *is_first);
            // An area of floats bears the epoch whatever the first time is.
            let is_area = select.columns.iter().any(|column| column.contains("integral("));
            (!has_first && around.last_ns.iter().any(|last_ns| *last_ns < 0))
                || (is_area && around.first_ns.iter().any(|first_ns| *first_ns > 0))
        }
    };
    let mut around = Around { window, ..around.clone() };
    for (is_first, time_ns) in times(select) {
        if is_first { around.first_ns.push(time_ns) } else { around.last_ns.push(time_ns) }
    }
    is_outside
        || select.sources.iter().any(|source| match source {
            Source::Query(inner) => within(inner, &around),
            Source::Table(_) => false,
        })
}

/// Whether a function needs the windows before those that it is asked for.
fn looks_back(select: &Select) -> bool {
    select.columns.iter().any(|column| column_looks_back(column))
}

fn column_looks_back(column: &str) -> bool {
    // These only add up.
    sees_neighbours(&column.replace("cumulative_sum(", "(").replace("integral(", "("))
}

/// The time comparisons of WHERE: whether it is the first time that each tells, and that.
fn times(select: &Select) -> Vec<(bool, i64)> {
    let mut texts = select.bounds.clone();
    if let Some(condition) = &select.condition {
        condition.leaves(&mut |leaf| texts.push(leaf.to_owned()));
    }
    let comparison = |text: &String| {
        let (operator, literal) = match text.strip_suffix(" time").and_then(|text| text.rsplit_once(' ')) {
            Some((literal, operator)) => (swapped(operator), literal),
            None => text.strip_prefix("time ")?.split_once(' ')?,
        };
        let time_ns = nanoseconds(literal)?;
        Some(match operator {
            ">=" => vec![(true, time_ns)],
            ">" => vec![(true, time_ns.saturating_add(1))],
            "<=" => vec![(false, time_ns)],
            "<" => vec![(false, time_ns.saturating_sub(1))],
            _ => vec![(true, time_ns), (false, time_ns)],
        })
    };
    texts.iter().filter_map(comparison).flatten().collect()
}

/// The operator for the other order of its sides.
fn swapped(operator: &str) -> &str {
    match operator {
        ">=" => "<=",
        ">" => "<",
        "<=" => ">=",
        "<" => ">",
        other => other,
    }
}

/// A time as the generator writes it.
fn nanoseconds(literal: &str) -> Option<i64> {
    const SECOND: i64 = 1_000_000_000;
    if let Some(text) = literal.strip_suffix(" + 90s") {
        return nanoseconds(text)?.checked_add(90 * SECOND);
    }
    if let Some(text) = literal.strip_suffix(" + 1500ms - 1500ms") {
        return nanoseconds(text);
    }
    if let Some(date) = literal.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')) {
        let time = chrono::DateTime::parse_from_rfc3339(date).map(|time| time.to_utc());
        let plain =
            || chrono::NaiveDateTime::parse_from_str(date, "%Y-%m-%d %H:%M:%S%.f").map(|time| time.and_utc());
        let midnight = |day: chrono::NaiveDate| day.and_time(chrono::NaiveTime::MIN).and_utc();
        let day = || chrono::NaiveDate::parse_from_str(date, "%Y-%m-%d").map(midnight);
        return time.or_else(|_| plain()).or_else(|_| day()).ok()?.timestamp_nanos_opt();
    }
    duration(literal).or_else(|| literal.parse().ok())
}

/// A duration of one unit.
pub(super) fn duration(text: &str) -> Option<i64> {
    let (number, unit) = text.split_at(text.find(|c: char| c.is_ascii_alphabetic())?);
    let unit_ns: i64 = match unit {
        "u" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        "d" => 86_400_000_000_000,
        "w" => 604_800_000_000_000,
        _ => return None,
    };
    number.parse::<i64>().ok()?.checked_mul(unit_ns)
}

fn window_of(select: &Select) -> Option<Window> {
    let entry = select.group.iter().find_map(|entry| entry.strip_prefix("time(")?.strip_suffix(')'))?;
    let (every, offset) = entry.split_once(", ").unwrap_or((entry, "0s"));
    Some(Window { every_ns: duration(every)?, offset_ns: duration(offset)? })
}
