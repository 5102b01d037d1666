//! Selectors that need only one point per group at a time: first, last, min, max.
//!
//! In: `(value, time, aux…)` or `(value, time, aux…, series, order)` per row. Out, and also the only column of the state: the chosen
//! point as a struct.
//! A [`Rule`] says which of two points is chosen. Within a batch only row numbers are compared; the chosen point's
//! auxiliary values are copied once per group and batch, and only if it changed.

use super::chosen_fields;
use crate::query::functions::grouping::{
    argument, downcast, for_each_run, for_each_valid, is_text, time_type, times_ns, unexpected_type,
    valid_rows, value_type,
};
use crate::query::functions::ties::TieOrder;
use crate::query::functions::vectorised::Vectorised;
use arrow::array::{
    Array, ArrayRef, ArrowNativeTypeOp, ArrowPrimitiveType, BooleanArray, PrimitiveArray, StringArray,
    StringViewArray, StructArray, TimestampNanosecondArray, make_comparator, new_empty_array,
};
use arrow::buffer::NullBuffer;
use arrow::compute::SortOptions;
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Float64Type, Int64Type, UInt64Type};
use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::format_state_name;
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};
use std::cmp::Ordering;
use std::fmt::Debug;
use std::hash::Hash;
use std::marker::PhantomData;
use std::sync::Arc;

/// Which of two points a selector chooses.
pub(super) trait Rule: Debug + Eq + Hash + Send + Sync + 'static {
    /// The function's name.
    const NAME: &'static str;
    /// Whether it selects among texts.
    const TAKES_TEXT: bool;
    /// Whether a point is chosen over another that came before, given how its value and its time compare with
    /// the other's, and whether values are booleans.
    fn replaces(value: Ordering, time: Ordering, boolean: bool) -> bool;
}

/// The rule `R` as a [`Vectorised`] aggregate.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Choosing<R>(PhantomData<R>);

/// The struct of a selector over arguments of those types.
fn struct_fields<R: Rule>(arg_types: &[DataType]) -> Result<Fields> {
    let [value, time, others @ ..] = arg_types else {
        return Err(DataFusionError::Plan(format!("{} takes a value and a time", R::NAME)));
    };
    Ok(chosen_fields(value, time, others))
}

fn types(fields: &[FieldRef]) -> Vec<DataType> {
    fields.iter().map(|field| field.data_type().clone()).collect()
}

/// Whether a point is chosen over another that came before. How their series compare is only asked where nothing else decides.
#[inline]
fn replaces<R: Rule>(
    (value, time): (Ordering, Ordering),
    boolean: bool,
    series_taken: Option<Ordering>,
    series: impl FnOnce() -> Ordering,
) -> bool {
    R::replaces(value, time, boolean)
        || value.is_eq() && time.is_eq() && series_taken.is_some_and(|taken| series() == taken)
}

impl<R: Rule> Vectorised for Choosing<R> {
    const NAME: &'static str = R::NAME;

    fn coerce_types(arg_types: &[DataType]) -> Result<Vec<DataType>> {
        let [value, time, aux @ ..] = arg_types else {
            return Err(DataFusionError::Plan(format!("{} takes a value and a time", R::NAME)));
        };
        let others: fn(&DataType) -> bool = match R::TAKES_TEXT {
            true => |found| is_text(found) || *found == DataType::Boolean,
            false => |found| *found == DataType::Boolean,
        };
        let own = [value_type(R::NAME, value, others)?, time_type(R::NAME, time)?];
        Ok(own.into_iter().chain(aux.iter().cloned()).collect())
    }

    fn return_type(arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Struct(struct_fields::<R>(arg_types)?))
    }

    fn state_fields(args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let fields = struct_fields::<R>(&types(args.input_fields))?;
        let name = format_state_name(args.name, "point");
        Ok(vec![Arc::new(Field::new(name, DataType::Struct(fields), true))])
    }

    fn groups(args: &AccumulatorArgs<'_>) -> Result<Box<dyn GroupsAccumulator>> {
        let fields = struct_fields::<R>(&types(args.expr_fields))?;
        let taken = TieOrder::of(args).map(TieOrder::taken);
        Ok(match args.expr_fields[0].data_type() {
            DataType::Float64 => Box::new(ChoiceGroups::<R, PrimitiveArray<Float64Type>>::new(fields, taken)),
            DataType::Int64 => Box::new(ChoiceGroups::<R, PrimitiveArray<Int64Type>>::new(fields, taken)),
            DataType::UInt64 => Box::new(ChoiceGroups::<R, PrimitiveArray<UInt64Type>>::new(fields, taken)),
            DataType::Boolean => Box::new(ChoiceGroups::<R, BooleanArray>::new(fields, taken)),
            DataType::Utf8 => Box::new(ChoiceGroups::<R, StringArray>::new(fields, taken)),
            DataType::Utf8View => Box::new(ChoiceGroups::<R, StringViewArray>::new(fields, taken)),
            other => return Err(unexpected_type(R::NAME, other)),
        })
    }
}

/// An array of values that points can be chosen by.
trait Values: Array + Sized + 'static {
    /// A value that outlives its array.
    type Owned: Default + Send + 'static;
    const BOOLEAN: bool = false;

    /// Compares two rows.
    fn compare(&self, a: usize, b: usize) -> Ordering;
    /// Compares a row with a value.
    fn compare_to(&self, row: usize, other: &Self::Owned) -> Ordering;
    /// Copies a row to `slot`.
    fn copy(&self, row: usize, slot: &mut Self::Owned);
    /// Bytes on the heap that a value holds.
    fn heap_bytes(_value: &Self::Owned) -> usize {
        0
    }
    /// The values as an array.
    fn collect(values: Vec<Self::Owned>, nulls: Option<&NullBuffer>) -> ArrayRef;
}

impl<T: ArrowPrimitiveType<Native: ArrowNativeTypeOp + Default>> Values for PrimitiveArray<T> {
    type Owned = T::Native;

    #[inline]
    fn compare(&self, a: usize, b: usize) -> Ordering {
        order(self.value(a), self.value(b))
    }

    #[inline]
    fn compare_to(&self, row: usize, other: &T::Native) -> Ordering {
        order(self.value(row), *other)
    }

    fn copy(&self, row: usize, slot: &mut T::Native) {
        *slot = self.value(row);
    }

    fn collect(values: Vec<T::Native>, nulls: Option<&NullBuffer>) -> ArrayRef {
        Arc::new(PrimitiveArray::<T>::new(values.into(), nulls.cloned()))
    }
}

/// The order of numbers, in which -0 equals 0.
#[inline]
fn order<N: PartialOrd>(a: N, b: N) -> Ordering {
    a.partial_cmp(&b).unwrap_or(Ordering::Equal)
}

impl Values for BooleanArray {
    type Owned = bool;
    const BOOLEAN: bool = true;

    fn compare(&self, a: usize, b: usize) -> Ordering {
        self.value(a).cmp(&self.value(b))
    }

    fn compare_to(&self, row: usize, other: &bool) -> Ordering {
        self.value(row).cmp(other)
    }

    fn copy(&self, row: usize, slot: &mut bool) {
        *slot = self.value(row);
    }

    fn collect(values: Vec<bool>, nulls: Option<&NullBuffer>) -> ArrayRef {
        Arc::new(Self::new(values.into(), nulls.cloned()))
    }
}

macro_rules! text_values {
    ($array:ty) => {
        impl Values for $array {
            type Owned = String;

            fn compare(&self, a: usize, b: usize) -> Ordering {
                self.value(a).cmp(self.value(b))
            }

            fn compare_to(&self, row: usize, other: &String) -> Ordering {
                self.value(row).cmp(other)
            }

            fn copy(&self, row: usize, slot: &mut String) {
                self.value(row).clone_into(slot);
            }

            fn heap_bytes(value: &String) -> usize {
                value.capacity()
            }

            fn collect(values: Vec<String>, nulls: Option<&NullBuffer>) -> ArrayRef {
                let is_valid = |row| nulls.is_none_or(|nulls: &NullBuffer| nulls.is_valid(row));
                let rows = values.iter().enumerate();
                Arc::new(rows.map(|(row, value)| is_valid(row).then_some(value.as_str())).collect::<Self>())
            }
        }
    };
}

text_values!(StringArray);
text_values!(StringViewArray);

/// The chosen points of all groups.
struct ChoiceGroups<R, V: Values> {
    fields: Fields,
    /// Whether the group has a point; the other columns mean nothing where it has none.
    chosen: Vec<bool>,
    values: Vec<V::Owned>,
    times: Vec<i64>,
    /// Per auxiliary argument, and for the series, its value per group.
    aux: Vec<Vec<ScalarValue>>,
    /// Bytes on the heap of all texts.
    heap_bytes: usize,
    /// How the series of the point that is taken compares with that of another which agrees in value and time; `None` where series are
    /// not told. If they are, the last of `aux` are the series.
    series_taken: Option<Ordering>,
    rule: PhantomData<R>,
}

impl<R: Rule, V: Values> ChoiceGroups<R, V> {
    fn new(fields: Fields, series_taken: Option<Ordering>) -> Self {
        // Value and time are no auxiliary values.
        let aux = vec![Vec::new(); fields.len() - 2];
        Self {
            fields,
            chosen: Vec::new(),
            values: Vec::new(),
            times: Vec::new(),
            aux,
            heap_bytes: 0,
            series_taken,
            rule: PhantomData,
        }
    }

    fn resize(&mut self, group_count: usize) {
        self.chosen.resize(group_count, false);
        self.values.resize_with(group_count, V::Owned::default);
        self.times.resize(group_count, 0);
        for aux in &mut self.aux {
            aux.resize(group_count, ScalarValue::Null);
        }
    }

    /// Takes the valid rows in.
    fn choose(
        &mut self,
        columns: &[ArrayRef],
        valid: Option<&NullBuffer>,
        group_indices: &[usize],
    ) -> Result<()> {
        let values: &V = downcast(argument(columns, 0, R::NAME)?, R::NAME)?;
        let times = times_ns(argument(columns, 1, R::NAME)?, R::NAME)?;
        let aux = columns.get(2..).unwrap_or_default();
        let taken = self.series_taken;
        let series = taken.map(|_| argument(columns, self.fields.len() - 1, R::NAME)).transpose()?;
        let compare =
            |series: &ArrayRef| make_comparator(series.as_ref(), series.as_ref(), SortOptions::default());
        let compare = series.map(compare).transpose()?;
        let compare = |a: usize, b: usize| compare.as_ref().map_or(Ordering::Equal, |compare| compare(a, b));
        let mut result = Ok(());
        for_each_run(group_indices, |group, rows| {
            let mut best: Option<usize> = None;
            for_each_valid(valid, rows, |row| match best {
                None => best = Some(row),
                Some(other) => {
                    let order = (values.compare(row, other), times[row].cmp(&times[other]));
                    if replaces::<R>(order, V::BOOLEAN, taken, || compare(row, other)) {
                        best = Some(row);
                    }
                }
            });
            let Some(row) = best else { return };
            let order = (values.compare_to(row, &self.values[group]), times[row].cmp(&self.times[group]));
            let compare = || series.map_or(Ordering::Equal, |series| self.compare_series(series, row, group));
            if !self.chosen[group] || replaces::<R>(order, V::BOOLEAN, taken, compare) {
                result = std::mem::replace(&mut result, Ok(()))
                    .and_then(|()| self.set(group, values, times[row], aux, row));
            }
        });
        result
    }

    /// Compares the series of a row with that of a group's point.
    fn compare_series(&self, series: &ArrayRef, row: usize, group: usize) -> Ordering {
        // Copying the series of a point that is chosen says why one cannot be read.
        let Ok(series) = ScalarValue::try_from_array(series, row) else { return Ordering::Equal };
        let own = self.aux.last().map(|slots| &slots[group]);
        own.and_then(|own| series.partial_cmp(own)).unwrap_or(Ordering::Equal)
    }

    /// Makes `row` the point of `group`.
    fn set(&mut self, group: usize, values: &V, time: i64, aux: &[ArrayRef], row: usize) -> Result<()> {
        self.chosen[group] = true;
        self.times[group] = time;
        let slot = &mut self.values[group];
        let before = V::heap_bytes(slot);
        values.copy(row, slot);
        self.heap_bytes = self.heap_bytes + V::heap_bytes(slot) - before;
        for (slots, array) in self.aux.iter_mut().zip(aux) {
            let slot = &mut slots[group];
            let before = slot.size();
            *slot = ScalarValue::try_from_array(array, row)?;
            self.heap_bytes = (self.heap_bytes + slot.size()).saturating_sub(before);
        }
        Ok(())
    }

    /// Takes groups out, as structs.
    fn emit(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let chosen = emit_to.take_needed(&mut self.chosen);
        let group_count = chosen.len();
        let nulls = NullBuffer::from(chosen);
        let nulls = (nulls.null_count() > 0).then_some(nulls);
        let values = emit_to.take_needed(&mut self.values);
        let mut heap_bytes: usize = values.iter().map(V::heap_bytes).sum();
        let time_type = self.fields[1].data_type().clone();
        let times = TimestampNanosecondArray::new(emit_to.take_needed(&mut self.times).into(), nulls.clone());
        let mut columns =
            vec![V::collect(values, nulls.as_ref()), Arc::new(times.with_data_type(time_type)) as ArrayRef];
        for (slots, field) in self.aux.iter_mut().zip(self.fields.iter().skip(2)) {
            let slots = emit_to.take_needed(slots);
            heap_bytes += slots.iter().map(|slot| slot.size() - size_of::<ScalarValue>()).sum::<usize>();
            columns.push(aux_array(slots, field.data_type())?);
        }
        self.heap_bytes = self.heap_bytes.saturating_sub(heap_bytes);
        let points = StructArray::try_new_with_length(self.fields.clone(), columns, nulls, group_count)?;
        Ok(Arc::new(points))
    }
}

/// Auxiliary values as an array; groups without a point have null.
fn aux_array(slots: Vec<ScalarValue>, data_type: &DataType) -> Result<ArrayRef> {
    if slots.is_empty() {
        return Ok(new_empty_array(data_type));
    }
    let null = ScalarValue::try_new_null(data_type)?;
    let typed = slots.into_iter().map(|slot| match slot {
        ScalarValue::Null => null.clone(),
        slot => slot,
    });
    ScalarValue::iter_to_array(typed)
}

impl<R: Rule, V: Values> GroupsAccumulator for ChoiceGroups<R, V> {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.resize(total_num_groups);
        let valid = valid_rows(argument(values, 0, R::NAME)?, opt_filter);
        self.choose(values, valid.as_ref(), group_indices)
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        self.emit(emit_to)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.emit(emit_to)?])
    }

    fn merge_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        total_num_groups: usize,
    ) -> Result<()> {
        self.resize(total_num_groups);
        let points: &StructArray = downcast(argument(values, 0, R::NAME)?, R::NAME)?;
        self.choose(points.columns(), points.nulls(), group_indices)
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        opt_filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let nulls = valid_rows(argument(values, 0, R::NAME)?, opt_filter);
        let columns = values.iter().take(self.fields.len()).cloned().collect(); // without the order
        Ok(vec![Arc::new(StructArray::try_new(self.fields.clone(), columns, nulls)?)])
    }

    fn size(&self) -> usize {
        let aux_slots: usize = self.aux.iter().map(Vec::capacity).sum();
        size_of_val(self)
            + self.heap_bytes
            + self.chosen.capacity()
            + self.values.capacity() * size_of::<V::Owned>()
            + self.times.capacity() * size_of::<i64>()
            + aux_slots * size_of::<ScalarValue>()
    }
}
