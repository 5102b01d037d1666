//! Tests of the list of running queries.

use super::{QueryOrigin, RunningQueries};
use std::sync::Arc;
use std::time::Duration;

fn origin(text: &str) -> QueryOrigin {
    QueryOrigin { text: text.to_owned(), ..QueryOrigin::default() }
}

#[tokio::test]
async fn a_query_is_listed_until_nothing_works_for_it() {
    let all = RunningQueries::new(0, None);
    let first = all.begin(origin("a")).expect("no limit");
    let second = all.begin(origin("b")).expect("no limit");
    let worker = Arc::clone(&first);
    drop(first);
    let ids = |all: &Arc<RunningQueries>| all.list().iter().map(|entry| entry.id).collect::<Vec<_>>();
    assert_eq!(ids(&all), [1, 2]);
    drop(worker);
    assert_eq!(ids(&all), [2]);
    drop(second);
    let counts = all.counts();
    assert_eq!((counts.active, counts.executed, counts.finished), (0, 2, 2));
}

#[tokio::test]
async fn a_killed_query_is_interrupted_once() {
    let all = RunningQueries::new(0, None);
    let query = all.begin(origin("a")).expect("no limit");
    let error = |id| all.kill(id).map_err(|error| error.to_string());
    assert_eq!(error(7), Err("no such query id: 7".to_owned()));
    assert_eq!(error(query.id()), Ok(()));
    assert_eq!(query.interrupted().await.to_string(), "query interrupted");
    assert!(all.list()[0].is_killed);
    assert_eq!(error(query.id()), Err("already killed".to_owned()));
}

#[tokio::test]
async fn a_query_ends_when_its_time_is_up() {
    let all = RunningQueries::new(0, None);
    let deadline = Some(Duration::ZERO);
    let query = all.begin(QueryOrigin { deadline, ..origin("a") }).expect("no limit");
    assert_eq!(query.interrupted().await.to_string(), "query-timeout limit exceeded");
}

#[tokio::test]
async fn only_so_many_queries_run_at_once() {
    let all = RunningQueries::new(1, None);
    let first = all.begin(origin("a")).expect("the first");
    let refused = all.begin(origin("b")).expect_err("the second is too many");
    assert_eq!(refused.to_string(), "max-concurrent-queries limit exceeded(1, 1)");
    drop(first);
    assert!(all.begin(origin("c")).is_ok());
}
