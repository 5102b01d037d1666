//! Which of several sources that overlap is the newest.

use super::{Source, Unit, units};
use crate::buffer::Chunk;
use crate::merge::{SeriesRun, SortedRows};
use crate::model::extent::overlap_groups;
use crate::model::ids::Sequence;
use std::sync::Arc;

/// A chunk of one series without fields.
fn chunk(sequence: u64, times_ns: Vec<i64>) -> Arc<Chunk> {
    let end_row = u32::try_from(times_ns.len()).unwrap();
    let runs = vec![SeriesRun { key: "s".into(), end_row }];
    let rows = SortedRows { runs, times_ns: times_ns.into(), fields: Vec::new() };
    Arc::new(Chunk::new(rows, Vec::new(), Sequence(sequence), Sequence(sequence)))
}

/// The starts of `chunks`, which all overlap, in the order in which they are merged: from old to new.
fn merge_order(chunks: Vec<Arc<Chunk>>) -> Vec<i64> {
    let sources: Vec<Source> =
        (0..).zip(chunks).map(|(number, chunk)| Source::Chunk(chunk, number)).collect();
    let mut clusters = overlap_groups(sources, Source::extent);
    assert_eq!(clusters.len(), 1, "all overlap");
    let (_, unit) = units(clusters.remove(0), 1).remove(0);
    let Unit::Merge(sources, _) = unit else { panic!("they are merged") };
    sources.iter().map(|source| source.extent().times.start_ns).collect()
}

/// A body came in two parts with the same point. The first filled a chunk; the second became another one, which begins earlier.
#[test]
fn of_two_chunks_of_one_write_the_later_one_is_newer() {
    assert_eq!(merge_order(vec![chunk(5, vec![10, 20]), chunk(5, vec![0, 10])]), [10, 0]);
    assert_eq!(merge_order(vec![chunk(5, vec![0, 10]), chunk(5, vec![10, 20])]), [0, 10]);
}

#[test]
fn chunks_are_merged_from_old_to_new_whatever_their_times() {
    let chunks = vec![chunk(1, vec![3, 9]), chunk(2, vec![2, 9]), chunk(2, vec![1, 9]), chunk(3, vec![0, 9])];
    assert_eq!(merge_order(chunks), [3, 2, 1, 0]);
}
