//! Sorting rows as they were written into [`SortedRows`].
//!
//! Rows are placed by series with a counting sort, which keeps the order of arrival within a series; since
//! points mostly arrive in time order, most runs are sorted then and the others are sorted stably by time.

use super::sorted_rows::{SeriesRun, SortedRows, row_index};
use crate::model::batch::TableRows;
use ahash::AHashMap;
use arrow::array::{Array, ArrayRef, new_null_array};
use arrow::compute::interleave;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use std::sync::Arc;

/// A field that sealed rows shall have: the name in [`TableRows::fields`] and its Arrow type.
#[derive(Clone, Debug)]
pub struct FieldSlot {
    /// The name under which it was written.
    pub name: Arc<str>,
    /// Its Arrow type; columns of that name have it.
    pub data_type: DataType,
}

/// Where a row came from: (batch, row within the batch).
type Origin = (usize, usize);

/// Sorts the rows of `batches`, which are in order of their writes, and merges rows of the same point.
/// The result has one field per slot, null where no batch has it.
///
/// # Errors
/// When a column does not have the type of its slot.
pub fn seal(batches: &[&TableRows], slots: &[FieldSlot]) -> Result<SortedRows, ArrowError> {
    let (keys, rank_of) = rank_series(batches);
    let (mut order, starts) = place_by_series(batches, &rank_of, keys.len());
    let time = |o: &Origin| batches[o.0].times_ns[o.1];

    let mut runs = Vec::with_capacity(keys.len());
    let mut times_ns = Vec::with_capacity(order.len());
    let mut points = Points::with_capacity(order.len());
    for (rank, key) in keys.into_iter().enumerate() {
        let run = &mut order[starts[rank]..starts[rank + 1]];
        if run.is_empty() {
            continue; // the batches list the series, none of its rows
        }
        if !run.is_sorted_by_key(time) {
            run.sort_by_key(time);
        }
        for origins in run.chunk_by(|a, b| time(a) == time(b)) {
            times_ns.push(time(&origins[0]));
            points.push(origins);
        }
        runs.push(SeriesRun { key, end_row: row_index(times_ns.len()) });
    }
    let columns = columns_of(batches, slots);
    let gathered = slots.iter().zip(&columns).map(|(slot, columns)| points.gather(batches, columns, slot));
    let fields = gathered.collect::<Result<_, _>>()?;
    Ok(SortedRows { runs, times_ns: times_ns.into(), fields })
}

/// All distinct series in ascending order, and per batch the rank of each of its series.
fn rank_series(batches: &[&TableRows]) -> (Vec<Arc<str>>, Vec<Vec<u32>>) {
    let mut ids: AHashMap<&str, u32> = AHashMap::new();
    let mut keys: Vec<Arc<str>> = Vec::new();
    let mut id_of: Vec<Vec<u32>> = batches
        .iter()
        .map(|batch| {
            let ids = batch.series.iter().map(|key| {
                *ids.entry(key).or_insert_with(|| {
                    keys.push(key.clone());
                    row_index(keys.len() - 1)
                })
            });
            ids.collect()
        })
        .collect();
    let mut sorted: Vec<u32> = (0..row_index(keys.len())).collect();
    sorted.sort_unstable_by(|a, b| keys[*a as usize].cmp(&keys[*b as usize]));
    let mut rank_of_id = vec![0; keys.len()];
    for (rank, id) in sorted.iter().enumerate() {
        rank_of_id[*id as usize] = row_index(rank);
    }
    id_of.iter_mut().flatten().for_each(|id| *id = rank_of_id[*id as usize]);
    (sorted.iter().map(|id| keys[*id as usize].clone()).collect(), id_of)
}

/// The origins of all rows grouped by series rank, in order of arrival, and where each group starts.
fn place_by_series(
    batches: &[&TableRows],
    rank_of: &[Vec<u32>],
    series_count: usize,
) -> (Vec<Origin>, Vec<usize>) {
    let mut starts = vec![0_usize; series_count + 1];
    for (batch, ranks) in batches.iter().zip(rank_of) {
        for series in &batch.series_index {
            starts[ranks[*series as usize] as usize + 1] += 1;
        }
    }
    for i in 1..starts.len() {
        starts[i] += starts[i - 1];
    }
    let mut next = starts.clone();
    let mut order = vec![(0, 0); starts[series_count]];
    for (b, (batch, ranks)) in batches.iter().zip(rank_of).enumerate() {
        for (row, series) in batch.series_index.iter().enumerate() {
            let slot = &mut next[ranks[*series as usize] as usize];
            order[*slot] = (b, row);
            *slot += 1;
        }
    }
    (order, starts)
}

/// Per slot the columns that become it, each with its batch. Looks at every column once: there may be tens of thousands, and searching
/// for each slot's would take the square of that.
fn columns_of<'a>(batches: &[&'a TableRows], slots: &[FieldSlot]) -> Vec<Vec<(usize, &'a ArrayRef)>> {
    let places: AHashMap<&str, usize> =
        slots.iter().enumerate().map(|(place, slot)| (&*slot.name, place)).collect();
    let mut columns = vec![Vec::new(); slots.len()];
    for (batch, rows) in batches.iter().enumerate() {
        for field in &rows.fields {
            if let Some(place) = places.get(&*field.name) {
                columns[*place].push((batch, &field.values));
            }
        }
    }
    columns
}

/// The rows of the result: per point the newest origin, and for points written more than once all origins.
struct Points {
    newest: Vec<Origin>,
    /// (point, its origins from old to new).
    repeated: Vec<(usize, Vec<Origin>)>,
}

impl Points {
    fn with_capacity(rows: usize) -> Self {
        Self { newest: Vec::with_capacity(rows), repeated: Vec::new() }
    }

    fn push(&mut self, origins: &[Origin]) {
        if origins.len() > 1 {
            self.repeated.push((self.newest.len(), origins.to_vec()));
        }
        self.newest.extend(origins.last());
    }

    /// The column of one slot, which `of_slot` become: per point the newest value that is not null.
    fn gather(
        &self,
        batches: &[&TableRows],
        of_slot: &[(usize, &ArrayRef)],
        slot: &FieldSlot,
    ) -> Result<ArrayRef, ArrowError> {
        let mut columns: Vec<Option<&ArrayRef>> = vec![None; batches.len()];
        for (batch, column) in of_slot {
            columns[*batch] = Some(*column);
        }
        // Batches without the field point at one shared null.
        let null = new_null_array(&slot.data_type, 1);
        let arrays: Vec<&dyn Array> = columns.iter().map(|c| c.map_or(&*null, |c| &**c)).collect();
        let at = |(batch, row): Origin| if columns[batch].is_some() { (batch, row) } else { (batch, 0) };
        let mut indices: Vec<Origin> = self.newest.iter().map(|o| at(*o)).collect();
        for (point, origins) in &self.repeated {
            let mut candidates = origins.iter().rev().map(|o| at(*o));
            if let Some(found) = candidates.find(|(batch, row)| arrays[*batch].is_valid(*row)) {
                indices[*point] = found;
            }
        }
        if indices.is_empty() {
            return Ok(arrow::array::new_empty_array(&slot.data_type));
        }
        interleave(&arrays, &indices)
    }
}
