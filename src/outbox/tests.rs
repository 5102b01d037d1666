//! Which writes are queued for whom, and when queues begin and end.

use super::{Outbox, OutboxLimits, Outgoing};
use crate::model::batch::{FieldColumn, TableRows};
use crate::model::change::Change;
use crate::model::database::{DatabaseInfo, PolicyInfo};
use crate::model::ids::{DatabaseId, PolicyId, SubscriptionId};
use crate::model::state::State;
use crate::model::subscription::{SubscriptionInfo, SubscriptionMode};
use arrow::array::Float64Array;
use futures::FutureExt;
use std::sync::Arc;
use tokio::sync::mpsc::UnboundedReceiver;

const LIMITS: OutboxLimits = OutboxLimits { writes_max: 2, bytes_max: 1 << 20 };

/// A database `d` with the policies 0 and 1.
fn state() -> State {
    let policy = |id: u32| {
        Change::PutPolicy(Arc::new(PolicyInfo {
            id: PolicyId(id),
            database: DatabaseId(0),
            name: format!("p{id}").into(),
            duration_ns: 0,
            shard_duration_ns: 1,
            replica_n: 1,
            future_limit_ns: 0,
            past_limit_ns: 0,
        }))
    };
    let database = DatabaseInfo { id: DatabaseId(0), name: "d".into(), default_policy: "p0".into() };
    let changes = [Change::CreateDatabase(Arc::new(database)), policy(0), policy(1)];
    State::default().with_changes(&changes).unwrap()
}

fn subscribed(state: &State, id: u32, policy: u32, name: &str) -> State {
    let subscription = SubscriptionInfo {
        id: SubscriptionId(id),
        policy: PolicyId(policy),
        name: name.into(),
        mode: SubscriptionMode::All,
        destinations: vec!["udp://:1".into()],
    };
    state.with_changes(&[Change::CreateSubscription(Arc::new(subscription))]).unwrap()
}

fn rows(count: usize) -> Vec<TableRows> {
    let values = Arc::new(Float64Array::from(vec![1.0; count]));
    vec![TableRows {
        table: "m".into(),
        series: vec!["".into()],
        series_index: vec![0; count],
        times_ns: vec![0; count],
        fields: vec![FieldColumn { name: "f".into(), values }],
    }]
}

fn opened(openings: &mut UnboundedReceiver<Outgoing>) -> Outgoing {
    openings.try_recv().expect("a queue was opened")
}

/// The points of the writes that wait. Ends with `None` when the queue has ended.
fn taken(outgoing: &mut Outgoing) -> Vec<Option<usize>> {
    let mut points = Vec::new();
    while let Some(next) = outgoing.next().now_or_never() {
        points.push(next.map(|write| write.point_count));
        if points.last() == Some(&None) {
            break;
        }
    }
    points
}

#[test]
fn writes_go_to_the_subscriptions_of_their_policy() {
    let (outbox, mut openings) = Outbox::new(LIMITS);
    outbox.follow(&state());
    assert!(!outbox.takes(PolicyId(0)));
    let one = subscribed(&state(), 0, 0, "a");
    outbox.follow(&one);
    outbox.follow(&subscribed(&one, 1, 0, "b"));
    let (mut a, mut b) = (opened(&mut openings), opened(&mut openings));
    assert!(openings.try_recv().is_err(), "one queue for each");
    assert_eq!((&*a.target().database, &*a.target().policy), ("d", "p0"));
    assert_eq!(&*b.target().subscription.name, "b");
    assert!(outbox.takes(PolicyId(0)) && !outbox.takes(PolicyId(1)));
    outbox.push(PolicyId(0), rows(3));
    outbox.push(PolicyId(1), rows(5));
    assert_eq!((taken(&mut a), taken(&mut b)), (vec![Some(3)], vec![Some(3)]));
    assert_eq!(outbox.status().writes_queued, 2);
}

#[test]
fn what_finds_no_room_is_dropped_and_counted() {
    let (outbox, mut openings) = Outbox::new(LIMITS);
    outbox.follow(&subscribed(&state(), 0, 0, "a"));
    let mut a = opened(&mut openings);
    for count in 1..=4 {
        outbox.push(PolicyId(0), rows(count));
    }
    let status = outbox.status();
    assert_eq!((status.writes_queued, status.writes_dropped, status.points_dropped), (2, 2, 7));
    assert_eq!(status.subscriptions[0].writes_dropped, 2);
    assert_eq!(taken(&mut a), [Some(1), Some(2)]);
    outbox.push(PolicyId(0), rows(5));
    assert_eq!(taken(&mut a), [Some(5)]);
}

#[test]
fn all_queues_share_the_memory() {
    let bytes = rows(10)[0].memory_bytes();
    let (outbox, mut openings) = Outbox::new(OutboxLimits { bytes_max: bytes + 1, ..LIMITS });
    outbox.follow(&subscribed(&subscribed(&state(), 0, 0, "a"), 1, 1, "b"));
    let (mut a, mut b) = (opened(&mut openings), opened(&mut openings));
    outbox.push(PolicyId(0), rows(10));
    outbox.push(PolicyId(1), rows(10));
    assert_eq!(outbox.status().held_bytes, bytes);
    assert_eq!((taken(&mut a), taken(&mut b)), (vec![Some(10)], vec![]));
    // Given back with the write.
    assert_eq!(outbox.status().held_bytes, 0);
    outbox.push(PolicyId(1), rows(10));
    assert_eq!(taken(&mut b), [Some(10)]);
    assert_eq!(outbox.status().writes_dropped, 1);
}

#[test]
fn a_queue_ends_with_its_subscription_and_what_waits_in_it() {
    let (outbox, mut openings) = Outbox::new(LIMITS);
    let both = subscribed(&subscribed(&state(), 0, 0, "a"), 1, 0, "b");
    outbox.follow(&both);
    let (mut a, mut b) = (opened(&mut openings), opened(&mut openings));
    outbox.push(PolicyId(0), rows(1));
    let dropped = both.with_changes(&[Change::DropSubscription(SubscriptionId(1))]).unwrap();
    outbox.follow(&dropped);
    outbox.push(PolicyId(0), rows(2));
    assert_eq!((taken(&mut a), taken(&mut b)), (vec![Some(1), Some(2)], vec![None]));
    assert!(b.ended().is_cancelled() && !a.ended().is_cancelled());
    // Another one of the same number and name is another one.
    outbox.follow(&subscribed(&dropped, 1, 1, "b"));
    let mut b = opened(&mut openings);
    outbox.push(PolicyId(1), rows(3));
    assert_eq!(taken(&mut b), [Some(3)]);
    let gone = dropped.with_changes(&[Change::DropDatabase(DatabaseId(0))]).unwrap();
    outbox.follow(&gone);
    assert_eq!((taken(&mut a), outbox.takes(PolicyId(0))), (vec![None], false));
    assert!(outbox.status().subscriptions.is_empty());
}

#[test]
fn a_closed_outbox_gives_out_what_waits() {
    let (outbox, mut openings) = Outbox::new(LIMITS);
    let one = subscribed(&state(), 0, 0, "a");
    outbox.follow(&one);
    let mut a = opened(&mut openings);
    outbox.push(PolicyId(0), rows(1));
    outbox.close();
    outbox.push(PolicyId(0), rows(2));
    outbox.follow(&subscribed(&one, 1, 0, "b"));
    assert_eq!(taken(&mut a), [Some(1), None]);
    assert!(openings.try_recv().is_err());
}

#[test]
fn nothing_is_queued_for_one_that_could_not_start() {
    let (outbox, mut openings) = Outbox::new(LIMITS);
    outbox.follow(&subscribed(&state(), 0, 0, "a"));
    let a = opened(&mut openings);
    a.counts().could_not_start();
    drop(a);
    outbox.push(PolicyId(0), rows(1));
    let status = outbox.status();
    assert_eq!((status.create_failures, status.writes_queued, status.writes_dropped), (1, 0, 0));
    assert_eq!(status.held_bytes, 0);
}
