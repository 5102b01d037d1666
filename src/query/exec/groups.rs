//! Group ids for rows that come in runs.
//!
//! In: the group columns of a batch. Out: per row the id of its group, counted from 0 in order of first
//! appearance; and, in the end, the values of every group. Rows are only compared with the row before; a hash map
//! is asked once per run, and finds the same group again where a run is shorter than it could be.

use super::runs::{push_bucket_changes, push_changes};
use crate::query::functions::scalar::bucket::Buckets;
use arrow::array::{Array, ArrayRef, AsArray, TimestampNanosecondArray, UInt32Array, new_empty_array};
use arrow::compute::{concat, take};
use arrow::datatypes::{DataType, TimestampNanosecondType};
use arrow::row::{RowConverter, SortField};
use datafusion::error::{DataFusionError, Result};
use hashbrown::HashMap;
use std::sync::Arc;

/// One column of the groups.
#[derive(Clone, Debug)]
pub(super) enum GroupColumn {
    /// Rows agree where their values do.
    Value(DataType),
    /// The column holds times; rows agree where those lie in one bucket, and the group's value is its start.
    Bucket(Buckets, DataType),
}

/// The groups so far.
pub(super) struct Groups {
    columns: Vec<GroupColumn>,
    /// Turns the values of a run into bytes that are equal where the values are.
    converter: RowConverter,
    ids: HashMap<Box<[u8]>, usize, ahash::RandomState>,
    key_bytes: usize,
    /// Per batch that brought new groups, the values of those, in order of their ids.
    values: Vec<Vec<ArrayRef>>,
    values_bytes: usize,
}

impl Groups {
    pub(super) fn try_new(columns: Vec<GroupColumn>) -> Result<Self> {
        let fields = columns.iter().map(|column| match column {
            GroupColumn::Value(data_type) | GroupColumn::Bucket(_, data_type) => {
                SortField::new(data_type.clone())
            }
        });
        let converter = RowConverter::new(fields.collect())?;
        Ok(Self {
            columns,
            converter,
            ids: HashMap::default(),
            key_bytes: 0,
            values: Vec::new(),
            values_bytes: 0,
        })
    }

    /// Number of groups.
    pub(super) fn count(&self) -> usize {
        self.ids.len()
    }

    /// Bytes held.
    pub(super) fn size(&self) -> usize {
        let entry = size_of::<(Box<[u8]>, usize)>();
        self.ids.capacity() * entry + self.key_bytes + self.values_bytes
    }

    /// Writes the group of every row to `group_indices`. `arrays` has one array per column, all of
    /// `row_count` rows. Without columns all rows are of one group.
    pub(super) fn assign(
        &mut self,
        arrays: &[ArrayRef],
        row_count: usize,
        group_indices: &mut Vec<usize>,
    ) -> Result<()> {
        group_indices.clear();
        if row_count == 0 {
            return Ok(());
        }
        if self.columns.is_empty() {
            self.ids.entry(Box::default()).or_insert(0);
            group_indices.resize(row_count, 0);
            return Ok(());
        }
        let too_many = |_| DataFusionError::Internal("a batch of more than 2^32 rows".into());
        u32::try_from(row_count).map_err(too_many)?;
        let starts = self.run_starts(arrays)?;
        let of_runs = |(column, array): (&GroupColumn, &ArrayRef)| {
            let values = take(array, &starts, None)?;
            match column {
                GroupColumn::Value(_) => Ok(values),
                GroupColumn::Bucket(buckets, _) => bucket_starts(buckets, &values),
            }
        };
        let run_values = self.columns.iter().zip(arrays).map(of_runs).collect::<Result<Vec<_>>>()?;
        let new_runs = self.find(&run_values, starts.values(), row_count, group_indices)?;
        self.keep(&run_values, new_runs)
    }

    /// The rows at which runs begin.
    fn run_starts(&self, arrays: &[ArrayRef]) -> Result<UInt32Array> {
        let mut starts = vec![0];
        for (column, array) in self.columns.iter().zip(arrays) {
            match column {
                GroupColumn::Value(_) => push_changes(array, &mut starts)?,
                GroupColumn::Bucket(buckets, _) => {
                    push_bucket_changes(buckets, times_of(array)?, &mut starts);
                }
            }
        }
        starts.sort_unstable();
        starts.dedup();
        Ok(starts.into())
    }

    /// Finds or makes the group of every run, and writes it once per row. Returns the runs that made one.
    fn find(
        &mut self,
        run_values: &[ArrayRef],
        starts: &[u32],
        row_count: usize,
        group_indices: &mut Vec<usize>,
    ) -> Result<Vec<u32>> {
        let keys = self.converter.convert_columns(run_values)?;
        let ends = starts.iter().skip(1).map(|start| *start as usize).chain([row_count]);
        let mut new_runs = Vec::new();
        for ((key, end), run) in keys.iter().zip(ends).zip(0_u32..) {
            let key = key.as_ref();
            let id = match self.ids.get(key) {
                Some(id) => *id,
                None => {
                    let id = self.ids.len();
                    self.ids.insert(key.into(), id);
                    self.key_bytes += key.len();
                    new_runs.push(run);
                    id
                }
            };
            group_indices.resize(end, id);
        }
        Ok(new_runs)
    }

    /// Keeps the values of new groups.
    fn keep(&mut self, run_values: &[ArrayRef], new_runs: Vec<u32>) -> Result<()> {
        if new_runs.is_empty() {
            return Ok(());
        }
        let new_runs = UInt32Array::from(new_runs);
        let values = run_values.iter().map(|array| {
            let values = take(array, &new_runs, None)?;
            // Text must not keep the whole batch's text alive.
            Ok(match values.data_type() {
                DataType::Utf8View => Arc::new(values.as_string_view().gc()) as ArrayRef,
                _ => values,
            })
        });
        let values = values.collect::<Result<Vec<_>>>()?;
        self.values_bytes += values.iter().map(|array| array.get_array_memory_size()).sum::<usize>();
        self.values.push(values);
        Ok(())
    }

    /// Takes out the values of all groups, one array per column, in order of the groups' ids, and forgets
    /// the groups.
    pub(super) fn take_values(&mut self) -> Result<Vec<ArrayRef>> {
        let batches = std::mem::take(&mut self.values);
        self.ids = HashMap::default(); // gives its memory back
        self.key_bytes = 0;
        self.values_bytes = 0;
        let column = |(index, column): (usize, &GroupColumn)| -> Result<ArrayRef> {
            let parts: Vec<&dyn Array> = batches.iter().map(|batch| batch[index].as_ref()).collect();
            match (parts.is_empty(), column) {
                (false, _) => Ok(concat(&parts)?),
                (true, GroupColumn::Value(data_type) | GroupColumn::Bucket(_, data_type)) => {
                    Ok(new_empty_array(data_type))
                }
            }
        };
        self.columns.iter().enumerate().map(column).collect()
    }
}

/// The start of the bucket that each time lies in.
fn bucket_starts(buckets: &Buckets, array: &ArrayRef) -> Result<ArrayRef> {
    let starts = times_of(array)?.unary::<_, TimestampNanosecondType>(|time| buckets.bucket_of(time).0);
    Ok(Arc::new(starts.with_data_type(array.data_type().clone())))
}

fn times_of(array: &ArrayRef) -> Result<&TimestampNanosecondArray> {
    let wrong = || DataFusionError::Internal(format!("buckets over {}", array.data_type()));
    array.as_primitive_opt().ok_or_else(wrong)
}
