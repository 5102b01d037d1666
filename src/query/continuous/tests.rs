//! When continuous queries run, over what, and what becomes of their text.

use super::{ContinuousQuery, Due, Schedule, qualified};
use crate::catalog::{PolicySpec, create_database, create_policy};
use crate::model::state::State;
use crate::model::time::TimeRange;
use crate::query::influxql::source::Defaults;
use chrono::DateTime;
use influxql::ast::{CreateContinuousQuery, Statement};
use influxql::{Params, parse};

fn ns(text: &str) -> i64 {
    let text = if text.len() == 5 { format!("2000-01-02T{text}:00Z") } else { text.to_owned() };
    let time = DateTime::parse_from_rfc3339(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
    time.timestamp_nanos_opt().unwrap()
}

fn created(resample: &str, rest: &str) -> CreateContinuousQuery {
    let text = format!("CREATE CONTINUOUS QUERY q ON d {resample} BEGIN {rest} END");
    let mut statements = parse(&text, &Params::default()).unwrap_or_else(|error| panic!("{text}: {error}"));
    match statements.pop() {
        Some(Statement::CreateContinuousQuery(create)) => create,
        other => panic!("{other:?}"),
    }
}

fn schedule(resample: &str, group_by: &str) -> Schedule {
    let create = created(resample, &format!("SELECT mean(f) INTO t FROM m GROUP BY {group_by}"));
    Schedule::of(&create).unwrap().unwrap()
}

/// Ticks of a minute from one time to another; the ranges that are computed, with the tick that does.
fn runs(schedule: &Schedule, from: &str, to: &str) -> Vec<(i64, TimeRange)> {
    let (mut now, to) = (ns(from), ns(to));
    let (mut last, mut found) = (None, Vec::new());
    while now <= to {
        if let Some(Due { run_ns, range }) = schedule.due(last, now) {
            last = Some(run_ns);
            if !range.is_empty() {
                found.push((now, range));
            }
        }
        now += 60_000_000_000;
    }
    found
}

/// Checks what is computed between two times, as (tick, start, end).
fn check_runs(resample: &str, group_by: &str, (from, to): (&str, &str), expected: &[(&str, &str, &str)]) {
    let expected: Vec<_> =
        expected.iter().map(|(at, start, end)| (ns(at), TimeRange::new(ns(start), ns(end)))).collect();
    assert_eq!(runs(&schedule(resample, group_by), from, to), expected, "{resample} {group_by}");
}

#[test]
fn each_bucket_is_computed_once_when_it_is_over() {
    check_runs(
        "",
        "time(30m)",
        ("07:50", "09:10"),
        &[("08:00", "07:30", "08:00"), ("08:30", "08:00", "08:30"), ("09:00", "08:30", "09:00")],
    );
}

#[test]
fn a_query_made_at_a_border_computes_the_bucket_before_it_at_once() {
    check_runs("", "time(30m)", ("08:00", "08:29"), &[("08:00", "07:30", "08:00")]);
    check_runs("", "time(30m)", ("08:01", "08:29"), &[]);
}

/// Nothing that ended before the query was made is computed.
#[test]
fn there_is_no_backfill() {
    check_runs("", "time(1h)", ("08:10", "09:10"), &[("09:00", "08:00", "09:00")]);
}

#[test]
fn an_offset_moves_buckets_and_runs() {
    check_runs(
        "",
        "time(1h, 15m)",
        ("08:00", "10:00"),
        &[("08:15", "07:15", "08:15"), ("09:15", "08:15", "09:15")],
    );
    check_runs(
        "",
        "time(1h, -15m)",
        ("08:00", "10:00"),
        &[("08:45", "07:45", "08:45"), ("09:45", "08:45", "09:45")],
    );
    // Of an offset only what goes beyond whole intervals counts.
    check_runs("", "time(1h, 75m)", ("08:00", "09:00"), &[("08:15", "07:15", "08:15")]);
}

#[test]
fn every_shorter_than_the_interval_computes_the_running_bucket_again() {
    check_runs(
        "RESAMPLE EVERY 30m",
        "time(1h)",
        ("07:59", "09:31"),
        &[
            ("07:59", "07:00", "08:00"),
            ("08:00", "07:00", "08:00"),
            ("08:30", "08:00", "09:00"),
            ("09:00", "08:00", "09:00"),
            ("09:30", "09:00", "10:00"),
        ],
    );
    check_runs(
        "RESAMPLE EVERY 15m",
        "time(1h)",
        ("08:00", "09:00"),
        &[
            ("08:00", "07:00", "08:00"),
            ("08:15", "08:00", "09:00"),
            ("08:30", "08:00", "09:00"),
            ("08:45", "08:00", "09:00"),
            ("09:00", "08:00", "09:00"),
        ],
    );
}

#[test]
fn every_longer_than_the_interval_computes_several_buckets() {
    check_runs(
        "RESAMPLE EVERY 2h",
        "time(30m)",
        ("08:01", "12:01"),
        &[("08:01", "06:30", "08:00"), ("10:00", "08:00", "10:00"), ("12:00", "10:00", "12:00")],
    );
}

#[test]
fn every_that_is_no_multiple_of_the_interval_leaves_buckets_out() {
    // As in InfluxDB 1.x: at 10:30 the bucket from 09:30 on began too long ago. FOR helps.
    check_runs(
        "RESAMPLE EVERY 45m",
        "time(30m)",
        ("08:16", "10:31"),
        &[("09:00", "08:30", "09:00"), ("09:45", "09:00", "09:30"), ("10:30", "10:00", "10:30")],
    );
}

#[test]
fn for_longer_than_the_interval_computes_older_buckets_again() {
    check_runs(
        "RESAMPLE FOR 1h",
        "time(30m)",
        ("08:00", "09:00"),
        &[("08:00", "07:00", "08:00"), ("08:30", "07:30", "08:30"), ("09:00", "08:00", "09:00")],
    );
    // Of a bucket that began earlier nothing is computed.
    check_runs(
        "RESAMPLE FOR 45m",
        "time(30m)",
        ("08:00", "08:30"),
        &[("08:00", "07:30", "08:00"), ("08:30", "08:00", "08:30")],
    );
}

#[test]
fn for_reaches_back_before_the_query_was_made() {
    check_runs(
        "RESAMPLE FOR 2h",
        "time(30m)",
        ("08:10", "08:30"),
        &[("08:10", "06:30", "08:00"), ("08:30", "06:30", "08:30")],
    );
}

#[test]
fn every_and_for() {
    check_runs(
        "RESAMPLE EVERY 1h FOR 90m",
        "time(30m)",
        ("08:00", "09:59"),
        &[("08:00", "06:30", "08:00"), ("09:00", "07:30", "09:00")],
    );
    check_runs(
        "RESAMPLE EVERY 30m FOR 2h",
        "time(1h)",
        ("08:00", "08:59"),
        &[("08:00", "06:00", "08:00"), ("08:30", "07:00", "09:00")],
    );
    check_runs(
        "RESAMPLE EVERY 1h FOR 1h",
        "time(30m, 10m)",
        ("08:10", "09:10"),
        &[("08:10", "07:10", "08:10"), ("09:10", "08:10", "09:10")],
    );
}

#[test]
fn a_late_run_computes_all_that_ended_since_the_last() {
    let schedule = schedule("", "time(30m)");
    let last = schedule.due(None, ns("08:00")).unwrap().run_ns;
    let late = schedule.due(Some(last), ns("10:07")).unwrap();
    assert_eq!(late, Due { run_ns: ns("10:00"), range: TimeRange::new(ns("08:00"), ns("10:00")) });
    assert_eq!(schedule.due(Some(late.run_ns), ns("10:29")), None);
}

#[test]
fn a_step_runs_once_however_often_it_is_asked_for() {
    let schedule = schedule("", "time(30m)");
    let first = schedule.due(None, ns("08:10")).unwrap();
    assert_eq!((first.run_ns, first.range.is_empty()), (ns("08:00"), true));
    for minute in ["08:10", "08:11", "08:29"] {
        assert_eq!(schedule.due(Some(first.run_ns), ns(minute)), None, "{minute}");
    }
    assert!(schedule.due(Some(first.run_ns), ns("08:30")).is_some());
}

#[test]
fn a_clock_that_is_set_back_begins_anew() {
    let schedule = schedule("", "time(30m)");
    let due = schedule.due(Some(ns("12:00")), ns("08:00")).unwrap();
    assert_eq!(due, Due { run_ns: ns("08:00"), range: TimeRange::new(ns("07:30"), ns("08:00")) });
}

#[test]
fn days_of_a_zone_are_as_long_as_its_clock_makes_them() {
    // The clock goes forward on 2021-03-28 and back on 2021-10-31.
    let schedule =
        Schedule::of(&created("", "SELECT mean(f) INTO t FROM m GROUP BY time(1d) TZ('Europe/Berlin')"));
    let schedule = schedule.unwrap().unwrap();
    let days = |from, to| {
        runs(&schedule, from, to).into_iter().map(|(at, range)| {
            assert_eq!(at, range.end_ns, "as soon as the day is over");
            range
        })
    };
    let spring: Vec<_> = days("2021-03-27T12:00:00Z", "2021-03-30T00:00:00Z").collect();
    assert_eq!(
        spring,
        [
            TimeRange::new(ns("2021-03-26T23:00:00Z"), ns("2021-03-27T23:00:00Z")),
            TimeRange::new(ns("2021-03-27T23:00:00Z"), ns("2021-03-28T22:00:00Z")),
            TimeRange::new(ns("2021-03-28T22:00:00Z"), ns("2021-03-29T22:00:00Z")),
        ]
    );
    let autumn: Vec<_> = days("2021-10-30T12:00:00Z", "2021-11-02T00:00:00Z").collect();
    assert_eq!(
        autumn,
        [
            TimeRange::new(ns("2021-10-29T22:00:00Z"), ns("2021-10-30T22:00:00Z")),
            TimeRange::new(ns("2021-10-30T22:00:00Z"), ns("2021-10-31T23:00:00Z")),
            TimeRange::new(ns("2021-10-31T23:00:00Z"), ns("2021-11-01T23:00:00Z")),
        ]
    );
}

#[test]
fn what_never_runs() {
    for rest in ["SELECT f INTO t FROM m", "SELECT f INTO t FROM m GROUP BY time(1h)"] {
        assert_eq!(Schedule::of(&created("", rest)).unwrap(), None, "{rest}");
    }
    for offset in ["now()", "foo", "'2000-01-01T00:00:00Z'"] {
        let rest = format!("SELECT mean(f) INTO t FROM m GROUP BY time(1h, {offset})");
        let error = Schedule::of(&created("", &rest)).unwrap_err().to_string();
        assert_eq!(error, format!("invalid time dimension offset: {offset}"));
    }
}

#[test]
fn no_time_makes_it_fail() {
    let schedule = schedule("RESAMPLE EVERY 1m FOR 1000w", "time(1h)");
    for now in [i64::MIN, i64::MIN + 1, -1, 0, 1, i64::MAX - 1, i64::MAX] {
        for last in [None, Some(i64::MIN), Some(0), Some(now), Some(i64::MAX)] {
            let _ = schedule.due(last, now);
        }
    }
}

fn check_over(condition: &str, expected: &str) {
    let create = created("", &format!("SELECT mean(f) INTO t FROM m {condition} GROUP BY time(1h), host"));
    let query = ContinuousQuery::parse(&create.to_string()).unwrap();
    let text = query.over(TimeRange::new(10, 20)).to_string();
    assert_eq!(text, format!("SELECT mean(f) INTO t FROM m WHERE {expected} GROUP BY time(1h), host"));
    // The text means what was built.
    assert_eq!(parse(&text, &Params::default()).unwrap(), [query.over(TimeRange::new(10, 20))]);
}

#[test]
fn the_statement_of_a_range() {
    check_over("", "time >= 10 AND time < 20");
    check_over("WHERE host = 'a'", "(host = 'a') AND time >= 10 AND time < 20");
    check_over("WHERE host = 'a' OR x > 1", "(host = 'a' OR x > 1) AND time >= 10 AND time < 20");
    check_over("WHERE time > now() - 1h", "time >= 10 AND time < 20");
    check_over("WHERE now() > time", "time >= 10 AND time < 20");
    check_over("WHERE time > 0 AND host = 'a' AND time < 9", "(host = 'a') AND time >= 10 AND time < 20");
    check_over("WHERE (time > 0 AND (host = 'a'))", "(((host = 'a'))) AND time >= 10 AND time < 20");
    check_over("WHERE time > 0 OR host = 'a'", "time >= 10 AND time < 20");
}

#[test]
fn what_is_no_continuous_query_is_not_read() {
    for text in ["", "SELECT f FROM m", "CREATE CONTINUOUS", "SHOW USERS; SHOW USERS"] {
        assert!(ContinuousQuery::parse(text).is_err(), "{text}");
    }
}

/// The databases `d` and `e`, each with the policies `autogen` and `p`; of `e` the latter is the default.
fn state() -> State {
    let mut state = State::default();
    for (name, is_default) in [("d", false), ("e", true)] {
        state = state.with_changes(&create_database(&state, name, None).unwrap()).unwrap();
        let changes = create_policy(&state, name, "p", &PolicySpec::default(), is_default).unwrap();
        state = state.with_changes(&changes).unwrap();
    }
    state
}

fn check_qualified(defaults: (&str, &str), rest: &str, expected: Result<&str, &str>) {
    let defaults = Defaults { database: Some(defaults.0), policy: Some(defaults.1) };
    let found = qualified(&created("", &format!("{rest} GROUP BY time(1h)")), &state(), defaults);
    let found = found.map(|create| create.to_string()).map_err(|error| error.to_string());
    let whole = |text| format!("CREATE CONTINUOUS QUERY q ON d BEGIN {text} GROUP BY time(1h) END");
    assert_eq!(found, expected.map(whole).map_err(str::to_owned), "{rest}");
}

#[test]
fn every_name_is_completed() {
    let check = |rest, expected| check_qualified(("", ""), rest, expected);
    check("SELECT mean(f) INTO x FROM m", Ok("SELECT mean(f) INTO d.autogen.x FROM d.autogen.m"));
    check("SELECT mean(f) INTO p.x FROM p.m", Ok("SELECT mean(f) INTO d.p.x FROM d.p.m"));
    check("SELECT mean(f) INTO e..x FROM e..m", Ok("SELECT mean(f) INTO e.p.x FROM e.p.m"));
    check(
        "SELECT mean(f) INTO p.:MEASUREMENT FROM /a.*/, e.autogen.m",
        Ok("SELECT mean(f) INTO d.p.:MEASUREMENT FROM d.autogen./a.*/, e.autogen.m"),
    );
    check(
        "SELECT mean(f) INTO x FROM (SELECT f FROM (SELECT f FROM m))",
        Ok("SELECT mean(f) INTO d.autogen.x FROM (SELECT f FROM (SELECT f FROM d.autogen.m))"),
    );
}

#[test]
fn the_database_of_the_request_goes_before_that_of_the_query() {
    check_qualified(("e", ""), "SELECT mean(f) INTO x FROM m", Ok("SELECT mean(f) INTO e.p.x FROM e.p.m"));
    check_qualified(
        ("", "p"),
        "SELECT mean(f) INTO x FROM e.autogen.m",
        Ok("SELECT mean(f) INTO d.p.x FROM e.autogen.m"),
    );
}

#[test]
fn what_does_not_exist() {
    let check = |rest, expected| check_qualified(("", ""), rest, Err(expected));
    check("SELECT mean(f) INTO nosuch..x FROM m", "database not found: nosuch");
    check("SELECT mean(f) INTO nosuch.autogen.x FROM m", "database not found: nosuch");
    check("SELECT mean(f) INTO x FROM nosuch.p.m", "database not found: nosuch");
    check("SELECT mean(f) INTO norp.x FROM m", "retention policy not found: d.norp");
    check("SELECT mean(f) INTO x FROM e.norp.m", "retention policy not found: e.norp");
    check("SELECT mean(f) INTO x FROM (SELECT f FROM norp.m)", "retention policy not found: d.norp");
    // All databases are looked for before the first policy.
    check("SELECT mean(f) INTO norp.x FROM nosuch..m", "database not found: nosuch");
}
