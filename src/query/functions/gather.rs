//! Functions that must see all points of a group at once: median, mode, percentile, stddev.
//!
//! Points are kept as the Arrow arrays they came in, with one small entry per run of points of one group; only when groups are
//! emitted are the points put in the order of their groups. Sorted rows make few, long runs. The state
//! is one column, `LargeList<Struct<arguments…>>`: the points of a group in order of arrival. Memory grows with the
//! points, as in InfluxDB; it is counted, so that a query past its bound fails or spills.

use super::grouping::{argument, downcast, valid_rows};
use super::vectorised::Vectorised;
use arrow::array::{
    Array, ArrayData, ArrayRef, AsArray, BooleanArray, LargeListArray, MutableArrayData, StructArray,
    UInt64Array, make_array, new_empty_array,
};
use arrow::buffer::OffsetBuffer;
use arrow::compute::take;
use arrow::datatypes::{DataType, Field, FieldRef, Fields};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::format_state_name;
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};
use std::fmt::Debug;
use std::hash::Hash;
use std::marker::PhantomData;
use std::ops::Range;
use std::sync::Arc;

/// A function of all points of a group.
pub(super) trait Gather: Debug + Eq + Hash + Send + Sync + 'static {
    /// The function's name.
    const NAME: &'static str;
    /// What a literal argument says, if there is one.
    type Parameter: Send + 'static;

    /// Checks the types of the arguments, and says to which they are cast.
    fn coerce_types(arg_types: &[DataType]) -> Result<Vec<DataType>>;
    /// The type of the result.
    fn return_type(arg_types: &[DataType]) -> Result<DataType>;
    /// Whether argument `index`, of this type, is a column of the points, not a parameter.
    fn is_column(index: usize, data_type: &DataType) -> bool;
    /// Reads the parameter.
    fn parameter(args: &AccumulatorArgs<'_>) -> Result<Self::Parameter>;
    /// One result per group. `columns` are the arguments that [`Gather::is_column`] names, `groups` the
    /// rows of each group; column 0 has no nulls.
    fn evaluate(
        parameter: &Self::Parameter,
        columns: &[ArrayRef],
        groups: &[Range<usize>],
        return_type: &DataType,
    ) -> Result<ArrayRef>;
}

/// `A` as a [`Vectorised`] aggregate.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Gathering<A>(PhantomData<A>);

/// Which arguments are columns of the points.
fn kept<A: Gather>(arg_fields: &[FieldRef]) -> Vec<usize> {
    let fields = arg_fields.iter().enumerate();
    fields.filter(|(index, field)| A::is_column(*index, field.data_type())).map(|(index, _)| index).collect()
}

/// The fields of one point in the state.
fn point_fields<A: Gather>(arg_fields: &[FieldRef]) -> Fields {
    let field = |index: usize| Field::new(index.to_string(), arg_fields[index].data_type().clone(), true);
    kept::<A>(arg_fields).into_iter().map(field).collect()
}

fn list_item(fields: &Fields) -> FieldRef {
    Arc::new(Field::new("item", DataType::Struct(fields.clone()), false))
}

impl<A: Gather> Vectorised for Gathering<A> {
    const NAME: &'static str = A::NAME;

    fn coerce_types(arg_types: &[DataType]) -> Result<Vec<DataType>> {
        A::coerce_types(arg_types)
    }

    fn return_type(arg_types: &[DataType]) -> Result<DataType> {
        A::return_type(arg_types)
    }

    fn state_fields(args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let item = list_item(&point_fields::<A>(args.input_fields));
        let name = format_state_name(args.name, "points");
        Ok(vec![Arc::new(Field::new(name, DataType::LargeList(item), true))])
    }

    fn groups(args: &AccumulatorArgs<'_>) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(GatherGroups::<A> {
            parameter: A::parameter(args)?,
            kept: kept::<A>(args.expr_fields),
            fields: point_fields::<A>(args.expr_fields),
            return_type: args.return_type().clone(),
            chunks: Vec::new(),
            chunks_bytes: 0,
            runs: Vec::new(),
            group_count: 0,
        }))
    }
}

/// Where points of one group lie that came one after the other.
#[derive(Clone, Copy, Default)]
struct Run {
    group: usize,
    chunk: u32,
    start: u32,
    /// > 0.
    length: u32,
}

/// The points of all groups.
struct GatherGroups<A: Gather> {
    parameter: A::Parameter,
    /// Which arguments are columns of the points.
    kept: Vec<usize>,
    /// Those columns, as fields of the state.
    fields: Fields,
    return_type: DataType,
    /// The arrays that points lie in, one per column.
    chunks: Vec<Vec<ArrayRef>>,
    chunks_bytes: usize,
    /// In order of arrival.
    runs: Vec<Run>,
    group_count: usize,
}

impl<A: Gather> GatherGroups<A> {
    /// Keeps the rows of `columns`, each of the group that `groups` yields for it.
    fn push(&mut self, columns: Vec<ArrayRef>, groups: impl Iterator<Item = usize>) -> Result<()> {
        let too_many = |_| DataFusionError::ResourcesExhausted(format!("{} over 2^32 batches", A::NAME));
        let chunk = u32::try_from(self.chunks.len()).map_err(too_many)?;
        let before = self.runs.len();
        for (start, group) in (0_u32..).zip(groups) {
            match self.runs[before..].last_mut() {
                Some(run) if run.group == group => run.length += 1,
                _ => self.runs.push(Run { group, chunk, start, length: 1 }),
            }
        }
        if self.runs.len() == before {
            return Ok(());
        }
        let columns: Vec<ArrayRef> = columns.into_iter().map(owned).collect();
        self.chunks_bytes +=
            columns.iter().map(|c| c.to_data().get_slice_memory_size().unwrap_or(0)).sum::<usize>();
        self.chunks.push(columns);
        Ok(())
    }

    /// The columns of the points of those runs, in order.
    fn gather(&self, runs: &[Run]) -> Result<Vec<ArrayRef>> {
        let point_count = runs.iter().map(|run| run.length as usize).sum();
        let column = |(index, field): (usize, &FieldRef)| -> Result<ArrayRef> {
            if runs.is_empty() {
                return Ok(new_empty_array(field.data_type()));
            }
            let chunks: Vec<ArrayData> = self.chunks.iter().map(|chunk| chunk[index].to_data()).collect();
            let mut column = MutableArrayData::new(chunks.iter().collect(), false, point_count);
            for Run { chunk, start, length, .. } in runs {
                column.try_extend(*chunk as usize, *start as usize, (*start + *length) as usize)?;
            }
            Ok(make_array(column.freeze()))
        };
        self.fields.iter().enumerate().map(column).collect()
    }

    /// Takes groups out: their columns, group after group, each in order of arrival, and the end
    /// of each group.
    fn emit(&mut self, emit_to: EmitTo) -> Result<(Vec<ArrayRef>, Vec<usize>)> {
        let emitted = match emit_to {
            EmitTo::All => self.group_count,
            EmitTo::First(count) => count.min(self.group_count),
        };
        let runs = std::mem::take(&mut self.runs);
        let (emitted_runs, rest): (Vec<Run>, Vec<Run>) =
            runs.into_iter().partition(|run| run.group < emitted);
        let (emitted_runs, ends) = by_group(&emitted_runs, emitted);
        let columns = self.gather(&emitted_runs)?;
        let rest_columns = self.gather(&rest)?;
        self.chunks.clear();
        self.chunks_bytes = 0;
        self.group_count -= emitted;
        let group_of_rest = |run: Run| std::iter::repeat_n(run.group - emitted, run.length as usize);
        self.push(rest_columns, rest.into_iter().flat_map(group_of_rest))?;
        Ok((columns, ends))
    }

    fn state_array(&self, columns: Vec<ArrayRef>, lengths: impl Iterator<Item = usize>) -> Result<ArrayRef> {
        let points = StructArray::try_new(self.fields.clone(), columns, None)?;
        let offsets = OffsetBuffer::from_lengths(lengths);
        Ok(Arc::new(LargeListArray::try_new(list_item(&self.fields), offsets, Arc::new(points), None)?))
    }

    /// The columns among the arguments, without the rows that take no part, and those rows' indices if
    /// any were left out.
    fn columns(
        &self,
        values: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<(Vec<ArrayRef>, Option<UInt64Array>)> {
        let columns = self.kept.iter().map(|&index| argument(values, index, A::NAME).map(Arc::clone));
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let Some(valid) = valid_rows(argument(&columns, 0, A::NAME)?, filter) else {
            return Ok((columns, None));
        };
        let rows = UInt64Array::from_iter_values(valid.valid_indices().map(|row| row as u64));
        let columns = columns.iter().map(|column| Ok(take(column, &rows, None)?));
        Ok((columns.collect::<Result<_>>()?, Some(rows)))
    }
}

/// The runs group after group, each in order of arrival, and per group the number of points up to its end. A counting sort.
fn by_group(runs: &[Run], group_count: usize) -> (Vec<Run>, Vec<usize>) {
    let mut next = vec![0_usize; group_count + 1];
    let mut ends = vec![0_usize; group_count];
    for run in runs {
        next[run.group + 1] += 1;
        ends[run.group] += run.length as usize;
    }
    for group in 0..group_count {
        next[group + 1] += next[group];
    }
    let mut end = 0;
    for length in &mut ends {
        end += *length;
        *length = end;
    }
    let mut sorted = vec![Run::default(); runs.len()];
    for run in runs {
        sorted[next[run.group]] = *run;
        next[run.group] += 1;
    }
    (sorted, ends)
}

/// The array without text that its rows do not refer to.
pub(super) fn owned(array: ArrayRef) -> ArrayRef {
    match array.data_type() {
        DataType::Utf8View => Arc::new(array.as_string_view().gc()),
        _ => array,
    }
}

impl<A: Gather> GroupsAccumulator for GatherGroups<A> {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.group_count = total_num_groups;
        let (columns, rows) = self.columns(values, opt_filter)?;
        match rows {
            None => self.push(columns, group_indices.iter().copied()),
            #[expect(clippy::cast_possible_truncation, reason = "they were made from usize")]
            Some(rows) => self.push(columns, rows.values().iter().map(|&row| group_indices[row as usize])),
        }
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let (columns, ends) = self.emit(emit_to)?;
        let starts = std::iter::once(0).chain(ends.iter().copied());
        let groups: Vec<Range<usize>> = starts.zip(&ends).map(|(start, end)| start..*end).collect();
        A::evaluate(&self.parameter, &columns, &groups, &self.return_type)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let (columns, ends) = self.emit(emit_to)?;
        let starts = std::iter::once(0).chain(ends.iter().copied());
        Ok(vec![self.state_array(columns, starts.zip(&ends).map(|(start, end)| end - start))?])
    }

    fn merge_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        total_num_groups: usize,
    ) -> Result<()> {
        self.group_count = total_num_groups;
        let lists: &LargeListArray = downcast(argument(values, 0, A::NAME)?, A::NAME)?;
        let points: &StructArray = downcast(lists.values(), A::NAME)?;
        let places = group_indices.iter().enumerate().filter(|(row, _)| lists.is_valid(*row));
        let ranges = places.map(|(row, &group)| {
            let offsets = lists.value_offsets();
            (group, offsets[row] as u64..offsets[row + 1] as u64)
        });
        let (mut rows, mut groups) = (Vec::new(), Vec::new());
        for (group, range) in ranges {
            groups.resize(groups.len() + (range.end - range.start) as usize, group);
            rows.extend(range);
        }
        let rows = UInt64Array::from(rows);
        let columns = points.columns().iter().map(|column| Ok(take(column, &rows, None)?));
        let columns = columns.collect::<Result<Vec<_>>>()?;
        self.push(columns, groups.into_iter())
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        opt_filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let row_count = argument(values, 0, A::NAME)?.len();
        let valid = valid_rows(argument(values, 0, A::NAME)?, opt_filter);
        let (columns, _) = self.columns(values, opt_filter)?;
        let is_valid = |row| valid.as_ref().is_none_or(|valid| valid.is_valid(row));
        Ok(vec![self.state_array(columns, (0..row_count).map(|row| usize::from(is_valid(row))))?])
    }

    fn size(&self) -> usize {
        size_of_val(self)
            + self.chunks_bytes
            + self.chunks.capacity() * size_of::<Vec<ArrayRef>>()
            + self.runs.capacity() * size_of::<Run>()
    }
}
