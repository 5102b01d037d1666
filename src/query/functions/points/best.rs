//! The accumulator of functions that keep the N best points of a group.
//!
//! In: `(value, time, N [, seed] [, aux…] [, series, order])` per row. Out: a list of points per group. State: the same list, each
//! point with its rank before it. It does not know what makes a point better: a [`Ranking`] says so by a number per row.
//!
//! ```text
//! group  value  time     N = 2       group  influx_top
//! a      1      10                   a      [{5, 20}, {3, 40}]
//! a      5      20           →       b      [{2, 30}]
//! b      2      30
//! a      3      40
//! ```
//!
//! A heap per group, its worst point on top, holds where in the kept rows each point lies. Of every batch only rows that
//! entered a heap are copied; when more than half of the kept rows have been pushed out again, they are rewritten. So memory
//! grows with N and the number of groups, not with the rows.

use super::rank::{Ranking, Rows};
use crate::query::functions::gather::owned;
use crate::query::functions::grouping::{argument, downcast, times_ns, unexpected_type, valid_rows};
use crate::query::functions::ties::{TieKeys, TieOrder};
use arrow::array::{
    Array, ArrayRef, BooleanArray, LargeListArray, StructArray, UInt32Array, UInt64Array, new_empty_array,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::{filter, interleave, take};
use arrow::datatypes::{DataType, Field, FieldRef, Fields};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Which argument is N; a seed comes next.
pub(super) const COUNT_INDEX: usize = 2;

/// The kept rows are rewritten when these many more are dead than alive: about a batch.
const DEAD_ROWS_MAX: usize = 8192;

/// Where the auxiliary arguments begin.
pub(super) const fn first_aux<R: Ranking>() -> usize {
    COUNT_INDEX + 1 + R::HAS_SEED as usize
}

/// The value, the time, the auxiliary ones, series and order of arguments.
pub(super) fn columns_of<R: Ranking, T>(args: &[T]) -> Result<impl Iterator<Item = &T>> {
    match (args, args.get(first_aux::<R>()..)) {
        ([value, time, ..], Some(aux)) => Ok([value, time].into_iter().chain(aux)),
        _ => Err(DataFusionError::Plan(format!("{} takes a value, a time and N", R::NAME))),
    }
}

/// The fields of a point in the state.
pub(super) fn ranked(fields: &Fields) -> Fields {
    let rank = Arc::new(Field::new("rank", DataType::UInt64, false));
    std::iter::once(rank).chain(fields.iter().cloned()).collect()
}

pub(super) fn list_item(fields: &Fields) -> FieldRef {
    Arc::new(Field::new("item", DataType::Struct(fields.clone()), false))
}

/// A point in a heap. The better one is the greater: by rank, then the earlier, then as the order of the arguments has it, then the one
/// that came first.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    rank: u64,
    time: Reverse<i64>,
    /// Empty without an order.
    tie: Box<[u8]>,
    arrival: Reverse<u64>,
    place: Place,
}

/// Where a row lies among the kept ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    chunk: u32,
    row: u32,
}

/// Rows that may enter heaps, as they came in.
struct Candidates<'a> {
    /// Value, time, auxiliary columns and series.
    columns: &'a [ArrayRef],
    ranks: &'a [u64],
    times_ns: &'a [i64],
    ties: Option<TieKeys<'a>>,
}

impl Candidates<'_> {
    fn tie(&self, row: usize) -> Box<[u8]> {
        self.ties.as_ref().map_or_else(Default::default, |keys| keys.key(row))
    }
}

/// The best points of all groups.
pub(super) struct BestGroups<R> {
    /// N.
    count: usize,
    seed: u64,
    fields: Fields,
    order: Option<TieOrder>,
    heaps: Vec<BinaryHeap<Reverse<Entry>>>,
    heap_bytes: usize,
    /// The kept rows, as arrays per column.
    chunks: Vec<Vec<ArrayRef>>,
    chunks_bytes: usize,
    /// Rows in all chunks.
    kept: usize,
    /// Rows in all heaps.
    alive: usize,
    /// Rows that came in so far.
    arrived: u64,
    /// The number of the next row that becomes a state of its own.
    converted: AtomicU64,
    ranking: PhantomData<R>,
}

impl<R: Ranking> BestGroups<R> {
    /// No groups yet, of which each is to keep `count` points with those columns.
    pub(super) fn new(count: usize, seed: u64, fields: Fields, order: Option<TieOrder>) -> Self {
        Self {
            count,
            seed,
            fields,
            order,
            heaps: Vec::new(),
            heap_bytes: 0,
            chunks: Vec::new(),
            chunks_bytes: 0,
            kept: 0,
            alive: 0,
            arrived: 0,
            converted: AtomicU64::new(1 << 63),
            ranking: PhantomData,
        }
    }

    fn resize(&mut self, group_count: usize) {
        self.heaps.resize_with(group_count, BinaryHeap::new);
    }

    /// The columns of points among the arguments.
    fn columns(&self, values: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        let columns = columns_of::<R, _>(values)?.take(self.fields.len()); // without the order
        Ok(columns.cloned().collect())
    }

    /// Lets rows, each with its group, into the heaps.
    fn admit(
        &mut self,
        candidates: &Candidates<'_>,
        rows: impl Iterator<Item = (usize, usize)>,
    ) -> Result<()> {
        let too_many = |_| DataFusionError::ResourcesExhausted(format!("{} over 2^32 batches", R::NAME));
        let chunk = u32::try_from(self.chunks.len()).map_err(too_many)?;
        let mut admitted: Vec<u32> = Vec::new();
        for (group, row) in rows {
            let (rank, time) = (candidates.ranks[row], Reverse(candidates.times_ns[row]));
            let heap = &mut self.heaps[group];
            let is_full = heap.len() >= self.count;
            // Most rows are worse than all that are kept, whatever else they are.
            if is_full && heap.peek().is_none_or(|worst| (worst.0.rank, worst.0.time) > (rank, time)) {
                continue;
            }
            let place = Place { chunk, row: u32::try_from(admitted.len()).map_err(too_many)? };
            let arrival = Reverse(self.arrived + row as u64);
            let entry = Entry { rank, time, tie: candidates.tie(row), arrival, place };
            let tie_bytes = entry.tie.len();
            if is_full {
                match heap.peek_mut() {
                    Some(mut worst) if worst.0 < entry => {
                        self.heap_bytes = self.heap_bytes.saturating_sub(worst.0.tie.len());
                        *worst = Reverse(entry);
                    }
                    _ => continue,
                }
            } else {
                let before = heap.capacity();
                heap.push(Reverse(entry));
                self.heap_bytes += (heap.capacity() - before) * size_of::<Entry>();
                self.alive += 1;
            }
            self.heap_bytes += tie_bytes;
            admitted.push(u32::try_from(row).map_err(too_many)?);
        }
        self.arrived += candidates.ranks.len() as u64;
        if admitted.is_empty() {
            return Ok(());
        }
        let rows = UInt32Array::from(admitted);
        let columns = candidates.columns.iter().map(|column| Ok(owned(take(column, &rows, None)?)));
        self.keep(columns.collect::<Result<_>>()?);
        self.compact_if_sparse()
    }

    fn keep(&mut self, columns: Vec<ArrayRef>) {
        self.kept += columns.first().map_or(0, |column| column.len());
        self.chunks_bytes += columns.iter().map(|c| c.get_array_memory_size()).sum::<usize>();
        self.chunks.push(columns);
    }

    /// The columns of the rows at those places, in order.
    fn gather(&self, places: impl Iterator<Item = Place>) -> Result<Vec<ArrayRef>> {
        let places: Vec<_> = places.map(|place| (place.chunk as usize, place.row as usize)).collect();
        let column = |(index, field): (usize, &FieldRef)| -> Result<ArrayRef> {
            if places.is_empty() {
                return Ok(new_empty_array(field.data_type()));
            }
            let chunks: Vec<&dyn Array> = self.chunks.iter().map(|chunk| chunk[index].as_ref()).collect();
            Ok(interleave(&chunks, &places)?)
        };
        self.fields.iter().enumerate().map(column).collect()
    }

    /// Rewrites the kept rows when most of them are no longer needed.
    fn compact_if_sparse(&mut self) -> Result<()> {
        if self.kept <= self.alive.saturating_mul(2) + DEAD_ROWS_MAX {
            return Ok(());
        }
        let columns = self.gather(self.heaps.iter().flatten().map(|entry| entry.0.place))?;
        let too_many = |_| DataFusionError::ResourcesExhausted(format!("{} over 2^32 points", R::NAME));
        let mut row = 0_usize;
        for heap in &mut self.heaps {
            let mut entries = std::mem::take(heap).into_vec();
            for entry in &mut entries {
                entry.0.place = Place { chunk: 0, row: u32::try_from(row).map_err(too_many)? };
                row += 1;
            }
            *heap = BinaryHeap::from(entries);
        }
        self.chunks.clear();
        (self.kept, self.chunks_bytes) = (0, 0);
        self.keep(columns.into_iter().map(owned).collect());
        Ok(())
    }

    /// Takes groups out: the points of each, the best first.
    fn emit(&mut self, emit_to: EmitTo) -> Result<Emitted> {
        let heaps = emit_to.take_needed(&mut self.heaps);
        let lengths: Vec<_> = heaps.iter().map(BinaryHeap::len).collect();
        let bytes = heaps.iter().map(|heap| heap.capacity() * size_of::<Entry>()).sum::<usize>();
        let tie_bytes = heaps.iter().flatten().map(|entry| entry.0.tie.len()).sum::<usize>();
        self.heap_bytes = self.heap_bytes.saturating_sub(bytes + tie_bytes);
        let entries: Vec<Entry> =
            heaps.into_iter().flat_map(|heap| heap.into_sorted_vec()).map(|entry| entry.0).collect();
        let columns = self.gather(entries.iter().map(|entry| entry.place))?;
        self.alive -= entries.len();
        if self.alive == 0 {
            self.chunks.clear();
            (self.kept, self.chunks_bytes) = (0, 0);
        }
        self.compact_if_sparse()?;
        Ok(Emitted { ranks: entries.iter().map(|entry| entry.rank).collect(), columns, lengths })
    }
}

/// Points of groups, group after group.
struct Emitted {
    ranks: Vec<u64>,
    columns: Vec<ArrayRef>,
    /// How many points each group has.
    lengths: Vec<usize>,
}

/// Points as lists, one per group.
fn lists(fields: &Fields, columns: Vec<ArrayRef>, lengths: impl Iterator<Item = usize>) -> Result<ArrayRef> {
    let points = StructArray::try_new(fields.clone(), columns, None)?;
    let offsets = OffsetBuffer::from_lengths(lengths);
    Ok(Arc::new(LargeListArray::try_new(list_item(fields), offsets, Arc::new(points), None)?))
}

/// Points as lists with their ranks.
fn states(
    fields: &Fields,
    ranks: Vec<u64>,
    columns: Vec<ArrayRef>,
    lengths: impl Iterator<Item = usize>,
) -> Result<Vec<ArrayRef>> {
    let ranks: ArrayRef = Arc::new(UInt64Array::from(ranks));
    Ok(vec![lists(&ranked(fields), std::iter::once(ranks).chain(columns).collect(), lengths)?])
}

impl<R: Ranking> GroupsAccumulator for BestGroups<R> {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.resize(total_num_groups);
        let columns = self.columns(values)?;
        let times_ns = times_ns(argument(&columns, 1, R::NAME)?, R::NAME)?;
        let valid = valid_rows(&columns[0], opt_filter);
        let ranks = R::ranks(Rows { values: &columns[0], first: self.arrived }, self.seed)?;
        let ties = self.order.map(|order| order.keys(&columns, R::NAME)).transpose()?;
        let candidates = Candidates { columns: &columns, ranks: &ranks, times_ns, ties };
        let is_valid = |row: usize| valid.as_ref().is_none_or(|valid: &NullBuffer| valid.is_valid(row));
        let rows = group_indices.iter().enumerate().filter(|(row, _)| is_valid(*row));
        self.admit(&candidates, rows.map(|(row, group)| (*group, row)))
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let Emitted { columns, lengths, .. } = self.emit(emit_to)?;
        lists(&self.fields, columns, lengths.into_iter())
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let Emitted { ranks, columns, lengths } = self.emit(emit_to)?;
        states(&self.fields, ranks, columns, lengths.into_iter())
    }

    fn merge_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        total_num_groups: usize,
    ) -> Result<()> {
        self.resize(total_num_groups);
        let lists: &LargeListArray = downcast(argument(values, 0, R::NAME)?, R::NAME)?;
        let points: &StructArray = downcast(lists.values(), R::NAME)?;
        let [ranks, columns @ ..] = points.columns() else {
            return Err(unexpected_type(R::NAME, points.data_type()));
        };
        let candidates = Candidates {
            columns,
            ranks: downcast::<UInt64Array>(ranks, R::NAME)?.values(),
            times_ns: times_ns(argument(columns, 1, R::NAME)?, R::NAME)?,
            ties: self.order.map(|order| order.keys(columns, R::NAME)).transpose()?,
        };
        let offsets = lists.value_offsets();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "offsets into memory")]
        let points_of = |list: usize| offsets[list] as usize..offsets[list + 1] as usize;
        let valid = group_indices.iter().enumerate().filter(|(list, _)| lists.is_valid(*list));
        let rows = valid.flat_map(|(list, group)| points_of(list).map(|row| (*group, row)));
        self.admit(&candidates, rows)
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        opt_filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let columns = self.columns(values)?;
        let row_count = argument(&columns, 0, R::NAME)?.len();
        let first = self.converted.fetch_add(row_count as u64, Ordering::Relaxed);
        let ranks = R::ranks(Rows { values: &columns[0], first }, self.seed)?;
        let Some(valid) = valid_rows(&columns[0], opt_filter) else {
            return states(&self.fields, ranks, columns, std::iter::repeat_n(1, row_count));
        };
        let is_valid = BooleanArray::new(valid.inner().clone(), None);
        let columns = columns.iter().map(|column| Ok(filter(column, &is_valid)?));
        let ranks = valid.valid_indices().map(|row| ranks[row]).collect();
        states(&self.fields, ranks, columns.collect::<Result<_>>()?, valid.iter().map(usize::from))
    }

    fn size(&self) -> usize {
        size_of_val(self)
            + self.chunks_bytes
            + self.heap_bytes
            + self.heaps.capacity() * size_of::<BinaryHeap<Reverse<Entry>>>()
            + self.chunks.capacity() * size_of::<Vec<ArrayRef>>()
    }
}
