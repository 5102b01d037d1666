//! Statements that are refused, and those that only just are not.

use super::plans::cpu;
use super::run::{Options, Runner, answer};
use super::store::SCENARIO_NOW_NS;
use crate::query::influxql::source::Defaults;
use crate::query::influxql::{plan_select, subquery};
use crate::query::statement::{StatementContext, plan_statement};

/// Long and deep conditions neither overflow the stack nor take long.
#[test]
fn absurd_conditions_are_planned_or_refused() {
    let store = cpu();
    let chain = vec!["hostname = 'a'"; 60_000].join(" OR ");
    let mixed = vec!["hostname != 'a' AND usage_user > 1"; 10_000].join(" OR ");
    let sum = format!("usage_user {} > 0", "+ 1 ".repeat(100_000));
    let sums = format!("{} > 0", vec!["usage_user"; 100_000].join(" + "));
    for condition in [chain, mixed, sum, sums] {
        let text = format!("SELECT usage_user FROM cpu WHERE {condition}");
        let statements = influxql::parse(&text, &influxql::Params::new()).expect("parses");
        let influxql::ast::Statement::Select(select) = &statements[0] else { panic!("no SELECT") };
        let defaults = Defaults { database: Some("db"), policy: None };
        let _ = plan_select(select, &store, defaults, SCENARIO_NOW_NS);
    }
    let text = format!("SELECT {} FROM cpu", vec!["usage_user"; 100_000].join(" + "));
    let statements = influxql::parse(&text, &influxql::Params::new()).expect("parses");
    let influxql::ast::Statement::Select(select) = &statements[0] else { panic!("no SELECT") };
    let defaults = Defaults { database: Some("db"), policy: None };
    let error = plan_select(select, &store, defaults, SCENARIO_NOW_NS).expect_err("is refused");
    assert_eq!(error.to_string(), "an expression may have at most 100 operators");
}

/// As many levels as there may be run on an ordinary stack; of more, however many, the statement is refused.
#[tokio::test]
async fn subqueries_nest_to_a_bounded_depth() {
    let nested = |depth: usize| {
        let mut text = "SELECT usage_user FROM cpu".to_owned();
        for level in 0..depth {
            text = match level % 3 {
                0 => format!("SELECT usage_user FROM ({text} WHERE usage_user != 0 GROUP BY hostname)"),
                1 => format!("SELECT usage_user FROM ({text})"),
                _ => format!("SELECT max(usage_user) AS usage_user FROM ({text} GROUP BY hostname)"),
            };
        }
        text
    };
    let options = Options { database: "db", policy: None, epoch: Some("s") };
    let (mut store, runner) = (cpu(), Runner::new());
    let deepest = answer(&mut store, &runner, &nested(subquery::DEPTH_MAX), &options).await;
    assert!(deepest.starts_with("name: cpu\n"), "{deepest}");
    for depth in [subquery::DEPTH_MAX + 1, 200] {
        let refused = answer(&mut store, &runner, &nested(depth), &options).await;
        assert_eq!(refused, "error: subqueries may be nested at most 32 levels deep\n");
    }
}

#[test]
fn what_is_not_built_yet_says_so() {
    let store = cpu();
    let statements = influxql::parse("SHOW STATS", &influxql::Params::new()).expect("parses");
    let context = StatementContext {
        defaults: Defaults { database: Some("db"), policy: None },
        now_ns: SCENARIO_NOW_NS,
    };
    let runner = Runner::new();
    let planned = futures::executor::block_on(plan_statement(&statements[0], &store, &runner, context));
    assert_eq!(planned.expect_err("is refused").to_string(), "SHOW STATS is not supported yet");
}
