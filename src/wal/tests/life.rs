//! Appending, reopening, rotating, trimming, many threads.

use super::{
    append, batch_of, folder, numbered, open, options, payload_of, segments, try_open, write_numbered,
};
use crate::model::ids::Sequence;
use crate::wal::inspect::inspect;
use crate::wal::{Wal, WalError, WalOptions, batch};
use std::sync::Barrier;

#[test]
fn what_was_acknowledged_is_replayed_in_order() {
    let directory = folder();
    write_numbered(&directory, 20, 7);
    let (wal, report, found) = open(options(&directory), 0);
    assert_eq!(found, numbered(1..=20));
    assert!(report.is_complete());
    assert_eq!((report.segment_count, report.record_count, report.torn_bytes), (3, 20, 0));
    assert_eq!((wal.last_sequence(), wal.durable_sequence()), (Sequence(20), Sequence(20)));
    assert_eq!(append(&wal, 21).unwrap(), 21);
    drop(wal);
    let (_, _, found) = open(options(&directory), 5);
    assert_eq!(found, numbered(6..=21));
}

#[test]
fn sequences_go_on_after_what_was_flushed() {
    let directory = folder();
    write_numbered(&directory, 3, 100);
    let (wal, report, found) = open(options(&directory), 100);
    assert_eq!(found, vec![]);
    assert_eq!(report.last_sequence, Sequence(100));
    assert_eq!(segments(&directory).len(), 0, "nothing of it is needed");
    assert_eq!(append(&wal, 101).unwrap(), 101);
    drop(wal);
    assert_eq!(open(options(&directory), 100).2, numbered([101]));
}

#[test]
fn sequences_go_on_after_everything_was_trimmed() {
    let directory = folder();
    write_numbered(&directory, 9, 3);
    let (wal, ..) = open(options(&directory), 0);
    wal.trim(Sequence(9)).unwrap();
    assert_eq!((segments(&directory).len(), wal.size_bytes()), (0, 0));
    drop(wal);
    let (wal, report, found) = open(options(&directory), 9);
    assert!(found.is_empty() && report.is_complete());
    assert_eq!(append(&wal, 10).unwrap(), 10);
}

#[test]
fn trim_deletes_whole_segments_only() {
    let directory = folder();
    let (wal, ..) = open(options(&directory), 0);
    for n in 1..=10 {
        append(&wal, n).unwrap();
        if n % 3 == 0 {
            wal.rotate();
        }
    }
    let total = wal.size_bytes();
    wal.trim(Sequence(5)).unwrap();
    assert_eq!(segments(&directory).len(), 3, "4 to 6, 7 to 9, 10");
    assert!(wal.size_bytes() < total);
    let on_disk: u64 = segments(&directory).iter().map(|p| p.metadata().unwrap().len()).sum();
    assert_eq!(wal.size_bytes(), on_disk);
    drop(wal);
    assert_eq!(open(options(&directory), 5).2, numbered(6..=10));
}

#[test]
fn a_segment_trimmed_while_written_goes_when_it_is_rotated() {
    let directory = folder();
    let (wal, ..) = open(options(&directory), 0);
    append(&wal, 1).unwrap();
    wal.trim(Sequence(1)).unwrap();
    assert_eq!(segments(&directory).len(), 1);
    assert_eq!(wal.rotate(), Sequence(1));
    append(&wal, 2).unwrap();
    let (segments, size) = (segments(&directory), wal.size_bytes());
    assert_eq!(segments.len(), 1);
    assert_eq!(segments[0].metadata().unwrap().len(), size);
    drop(wal);
    assert_eq!(open(options(&directory), 1).2, numbered([2]));
}

#[test]
fn segments_are_full_at_their_limit() {
    let directory = folder();
    let small = WalOptions { segment_bytes_max: 300, ..options(&directory) };
    let (wal, ..) = open(small, 0);
    for n in 1..=50 {
        append(&wal, n).unwrap();
    }
    drop(wal);
    assert!(segments(&directory).len() > 10);
    let summaries = inspect(directory.path()).unwrap();
    assert_eq!(summaries.iter().map(|s| s.batch_count).sum::<u64>(), 50);
    assert_eq!(summaries.iter().map(|s| s.row_count).sum::<u64>(), 100);
    assert!(summaries.iter().all(|s| s.header_is_readable && s.damaged.is_empty()));
    assert!(summaries.is_sorted_by_key(|s| s.sequences));
    assert_eq!(open(options(&directory), 0).2, numbered(1..=50));
}

#[test]
fn many_threads_share_groups_and_keep_their_order() {
    const THREADS: i64 = 8;
    const EACH: i64 = 200;
    let directory = folder();
    let small = WalOptions { segment_bytes_max: 20_000, group_bytes_max: 2_000, ..options(&directory) };
    let (wal, ..) = open(small, 0);
    let start = Barrier::new(THREADS as usize);
    let acknowledged: Vec<(u64, i64)> = std::thread::scope(|scope| {
        let write = |thread: i64| {
            let (wal, start) = (&wal, &start);
            move || {
                start.wait();
                let mut own = Vec::new();
                for i in 0..EACH {
                    let number = thread * EACH + i;
                    let sequence = append(wal, number).unwrap();
                    assert!(wal.durable_sequence().0 >= sequence);
                    own.push((sequence, number));
                }
                assert!(own.is_sorted_by_key(|(sequence, _)| *sequence));
                own
            }
        };
        let writers: Vec<_> = (0..THREADS).map(|t| scope.spawn(write(t))).collect();
        writers.into_iter().flat_map(|w| w.join().unwrap()).collect()
    });
    let mut expected: Vec<_> = acknowledged.into_iter().map(|(s, n)| (s, batch_of(n))).collect();
    expected.sort_by_key(|(s, _)| *s);
    assert!(expected.iter().map(|(s, _)| *s).eq(1..=(THREADS * EACH) as u64), "contiguous");
    drop(wal);
    assert_eq!(open(options(&directory), 0).2, expected);
}

#[test]
fn closing_writes_what_is_queued_and_takes_no_more() {
    let directory = folder();
    let (wal, ..) = open(options(&directory), 0);
    let waits: Vec<_> = (1..=100).map(|n| wal.append(payload_of(n)).unwrap().durable).collect();
    wal.close().unwrap();
    assert!(waits.into_iter().all(|w| w.wait().is_ok()));
    assert!(matches!(wal.append(payload_of(0)), Err(WalError::Closed)));
    assert!(!wal.is_writable());
    assert!(wal.failure().is_none());
    drop(wal);
    assert_eq!(open(options(&directory), 0).2, numbered(1..=100));
}

#[test]
fn only_one_process_may_open_it() {
    let directory = folder();
    let (wal, ..) = open(options(&directory), 0);
    assert!(matches!(try_open(options(&directory), 0), Err(WalError::InUse(_))));
    drop(wal);
    open(options(&directory), 0);
}

#[test]
fn an_error_of_the_caller_stops_recovery_and_changes_nothing() {
    let directory = folder();
    write_numbered(&directory, 50, 10);
    let before = segments(&directory);
    let refused = Wal::open(options(&directory), Sequence(20), |sequence, _| {
        if sequence == Sequence(33) { Err("no") } else { Ok(()) }
    });
    match refused {
        Err(WalError::Replay { sequence, source }) => {
            assert_eq!((sequence, source.to_string()), (Sequence(33), "no".to_owned()));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(segments(&directory), before);
    assert_eq!(open(options(&directory), 20).2, numbered(21..=50));
}

#[test]
fn a_durable_wait_is_a_future() {
    let directory = folder();
    let (wal, ..) = open(options(&directory), 0);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let appended = wal.append(payload_of(1)).unwrap();
        appended.durable.await.unwrap();
        assert_eq!(wal.durable_sequence(), appended.sequence);
    });
}

#[test]
fn a_batch_larger_than_queue_group_and_segment_gets_through() {
    let directory = folder();
    let tiny =
        WalOptions { segment_bytes_max: 1, group_bytes_max: 1, queue_bytes_max: 1, ..options(&directory) };
    let (wal, ..) = open(tiny, 0);
    for n in 1..=3 {
        append(&wal, n).unwrap();
    }
    drop(wal);
    assert_eq!(segments(&directory).len(), 3);
    assert_eq!(open(options(&directory), 0).2, numbered(1..=3));
    assert_eq!(batch::decode(&payload_of(4)).unwrap(), batch_of(4));
}

#[test]
fn sequences_that_were_skipped_are_not_missed() {
    let directory = folder();
    let (wal, ..) = open(options(&directory), 0);
    assert_eq!(append(&wal, 1).unwrap(), 1);
    wal.skip_through(Sequence(1)); // given out already
    wal.skip_through(Sequence(10));
    wal.skip_through(Sequence(20));
    assert_eq!(wal.last_sequence(), Sequence(20));
    assert_eq!(append(&wal, 21).unwrap(), 21);
    assert_eq!(append(&wal, 22).unwrap(), 22);
    // Queued before and behind a skip, written in one go or not.
    let queued: Vec<_> = (0..50)
        .map(|n| {
            wal.skip_through(Sequence(100 * (n + 1)));
            wal.append(payload_of(100 * (n as i64 + 1) + 1)).unwrap()
        })
        .collect();
    let sequences: Vec<u64> = queued.iter().map(|appended| appended.sequence.0).collect();
    assert_eq!(sequences, (1..=50).map(|n| 100 * n + 1).collect::<Vec<_>>());
    queued.into_iter().for_each(|appended| appended.durable.wait().unwrap());
    wal.rotate();
    wal.skip_through(Sequence(6_000)); // of this the log says nothing
    drop(wal);
    let (wal, report, found) = open(options(&directory), 0);
    assert!(report.is_complete(), "{report:?}");
    assert_eq!(found, numbered([1, 21, 22].into_iter().chain(sequences)));
    assert_eq!(append(&wal, 5_002).unwrap(), 5_002);
}
