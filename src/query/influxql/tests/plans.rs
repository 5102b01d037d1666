//! What plans look like: what is read, what is pushed down.

use super::store::{SCENARIO_NOW_NS, Store};
use crate::query::influxql::plan_select;
use crate::query::influxql::source::Defaults;

/// A store with some hosts' cpu usage.
pub(super) fn cpu() -> Store {
    let mut store = Store::default();
    store.create_database("db");
    store.write(
        "db",
        None,
        1_000_000_000,
        "cpu,hostname=a,region=x usage_user=1,usage_system=5 0\n\
         cpu,hostname=b usage_user=3 10\n\
         cpu,hostname=b usage_user=4,usage_system=6i 20\n",
    );
    store
}

/// The logical plans of a SELECT on [`cpu`].
fn plans_of(text: &str) -> String {
    let store = cpu();
    let statements = influxql::parse(text, &influxql::Params::new()).expect("parses");
    let influxql::ast::Statement::Select(select) = &statements[0] else { panic!("no SELECT: {text}") };
    let defaults = Defaults { database: Some("db"), policy: None };
    let plan = plan_select(select, &store, defaults, SCENARIO_NOW_NS).expect("plans");
    let plans: Vec<_> = plan.plans.iter().map(|plan| plan.display_indent().to_string()).collect();
    plans.join("\n")
}

/// Checks the logical plan of a SELECT on [`cpu`].
fn check_plan(text: &str, expected: &str) {
    let plans = plans_of(text);
    let lines =
        |text: &str| text.lines().map(|l| l.trim().to_owned()).filter(|l| !l.is_empty()).collect::<Vec<_>>();
    assert_eq!(lines(&plans), lines(expected), "{plans}");
}

/// Only the columns that are needed are read, and everything above the aggregate is small.
#[test]
fn mean_by_hour_and_host_reads_three_columns() {
    check_plan(
        "SELECT mean(usage_user) FROM cpu WHERE time >= 0 AND time < 12h GROUP BY time(1h), hostname",
        "Projection: Utf8View(\"cpu\") AS iox::measurement, tag_0 AS hostname, window AS time, call_0 AS mean
           GapFill: group=[tag_0], fill=[call_0: Null]
             GroupAggregate: groups=[t.hostname AS tag_0, influx_bucket(t.time, Int64(3600000000000), Int64(0)) AS window], aggregates=[influx_mean(t.usage_user) AS result_0], having=result_0 IS NOT NULL, columns=[tag_0, window, result_0 AS call_0], order=[tag_0 ASC NULLS FIRST, window ASC NULLS FIRST]
               Filter: t.time >= TimestampNanosecond(0, None) AND t.time <= TimestampNanosecond(43199999999999, None)
                 TableScan: t projection=[time, hostname, usage_user]",
    );
}

/// The limit reaches into the sort, so that only so many rows are kept.
#[test]
fn newest_rows_are_a_top_k() {
    check_plan(
        "SELECT usage_user FROM cpu WHERE hostname = 'a' ORDER BY time DESC LIMIT 5 OFFSET 2",
        "Projection: Utf8View(\"cpu\") AS iox::measurement, t.time AS time, t.usage_user AS usage_user
           Limit: skip=2, fetch=5
             Sort: t.time DESC NULLS LAST, t.__series DESC NULLS LAST, fetch=7
               Filter: t.hostname = Utf8View(\"a\") AND t.usage_user IS NOT NULL
                 TableScan: t projection=[__series, time, hostname, usage_user]",
    );
}

/// A selector reads the series only where points of one value and time may differ in what is shown, after all that is compared before it.
#[test]
fn the_series_is_read_where_it_shows() {
    for (text, reads) in [
        ("SELECT max(usage_user) FROM cpu", false),
        ("SELECT max(usage_user), hostname FROM cpu", true),
        ("SELECT max(usage_user), hostname FROM cpu GROUP BY hostname", false),
        ("SELECT max(usage_user), usage_system FROM cpu GROUP BY hostname", true),
        ("SELECT max(usage_user), usage_system FROM cpu GROUP BY *", false),
        ("SELECT top(usage_user, 2) FROM cpu", false),
        ("SELECT top(usage_user, 2), hostname FROM cpu", false),
        ("SELECT top(usage_user, 2), usage_system FROM cpu", true),
        ("SELECT top(usage_user, 2), usage_system FROM cpu GROUP BY *", false),
        ("SELECT bottom(usage_user, hostname, 2) FROM cpu", false),
        ("SELECT bottom(usage_user, hostname, 2), region FROM cpu", true),
        ("SELECT percentile(usage_user, 50), hostname FROM cpu", false),
        ("SELECT percentile(usage_user, 50), hostname, usage_system FROM cpu", true),
        ("SELECT percentile(usage_user, 50), hostname, region, usage_system FROM cpu", false),
        ("SELECT percentile(usage_user, 50) FROM cpu ORDER BY time DESC", false),
    ] {
        let plans = plans_of(text);
        assert_eq!(plans.contains("__series"), reads, "{text}\n{plans}");
    }
}

#[test]
fn conditions_are_plain_comparisons() {
    for (condition, expected) in [
        ("hostname = 'a'", "t.hostname = Utf8View(\"a\")"),
        ("hostname != 'a'", "t.hostname IS NULL OR t.hostname != Utf8View(\"a\")"),
        ("hostname = ''", "t.hostname IS NULL"),
        ("hostname != ''", "t.hostname IS NOT NULL"),
        ("hostname = 'a' OR hostname = 'b'", "t.hostname IN ([Utf8View(\"a\"), Utf8View(\"b\")])"),
        ("usage_user > 1", "t.usage_user > Float64(1)"),
        (
            "hostname = 'a' AND usage_user = 1.5",
            "t.hostname = Utf8View(\"a\") AND t.usage_user = Float64(1.5)",
        ),
    ] {
        let store = cpu();
        let text = format!("SELECT * FROM cpu WHERE {condition}");
        let statements = influxql::parse(&text, &influxql::Params::new()).expect("parses");
        let influxql::ast::Statement::Select(select) = &statements[0] else { panic!("no SELECT: {text}") };
        let defaults = Defaults { database: Some("db"), policy: None };
        let plan = plan_select(select, &store, defaults, SCENARIO_NOW_NS).expect("plans");
        let plan = plan.plans[0].display_indent().to_string();
        assert!(plan.contains(&format!("Filter: {expected}\n")), "{condition}\n{plan}");
    }
}
