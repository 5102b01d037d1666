//! One call over one series: values in, results in a queue.

use super::neighbours::{NeighbourCall, NeighbourOptions, field_type};
use crate::model::value::FieldType;
use crate::query::functions::window::{Number, Point, Reducer};
use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Float64Type, Int64Type, UInt64Type};
use datafusion::error::{DataFusionError, Result};
use std::collections::VecDeque;
use std::ops::Range;

/// A result.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Number(Number),
    Boolean(bool),
    Text(Box<str>),
}

/// The state of one call over one series.
pub(super) struct CallState {
    work: Work,
    options: NeighbourOptions,
    /// Results by time, not put out yet; null for a row without one.
    queue: VecDeque<(i64, Option<Value>)>,
    /// How many there have been, also those that the limits leave out.
    count: usize,
    /// Kept for their memory: what each function but the first is fed with, and the results.
    points: Vec<Point>,
    results: Vec<Point>,
}

enum Work {
    /// Hands values on; whether there has been one.
    Value { is_known: bool },
    /// Functions, innermost first.
    Functions(Vec<Box<dyn Reducer>>),
}

impl CallState {
    pub(super) fn new(call: &NeighbourCall<usize>, argument: &DataType, options: NeighbourOptions) -> Self {
        let mut ty = field_type(argument).unwrap_or(FieldType::Float);
        let mut reducers = Vec::with_capacity(call.functions.len());
        for function in &call.functions {
            reducers.push(function.reducer(ty, options.descending));
            ty = function.result_type(ty);
        }
        let work = match reducers.is_empty() {
            true => Work::Value { is_known: false },
            false => Work::Functions(reducers),
        };
        Self { work, options, queue: VecDeque::new(), count: 0, points: Vec::new(), results: Vec::new() }
    }

    /// Takes rows in.
    pub(super) fn push(
        &mut self,
        call: &NeighbourCall<usize>,
        times: &[i64],
        values: &ArrayRef,
        mut rows: Range<usize>,
    ) -> Result<()> {
        if let Some(from_ns) = call.from_ns {
            let descending = self.options.descending;
            let is_before = |time: i64| if descending { time > from_ns } else { time < from_ns };
            rows.start += times[rows.clone()].partition_point(|time| is_before(*time));
        }
        if self.is_complete() {
            return Ok(());
        }
        let Work::Functions(reducers) = &mut self.work else { return self.hand_on(times, values, rows) };
        let mut results = std::mem::take(&mut self.results);
        let mut push = |row: usize, value: Number| {
            run(reducers, Point { time_ns: times[row], value }, &mut self.points, &mut results);
        };
        let valid = rows.filter(|row| values.is_valid(*row));
        match values.data_type() {
            DataType::Float64 => {
                let values = values.as_primitive::<Float64Type>().values();
                valid.for_each(|row| push(row, Number::Float(values[row])));
            }
            DataType::Int64 => {
                let values = values.as_primitive::<Int64Type>().values();
                valid.for_each(|row| push(row, Number::Integer(values[row])));
            }
            DataType::UInt64 => {
                let values = values.as_primitive::<UInt64Type>().values();
                valid.for_each(|row| push(row, Number::Unsigned(values[row])));
            }
            // Functions that take other types look at times only.
            _ => valid.for_each(|row| push(row, Number::Integer(0))),
        }
        self.queue_results(results);
        Ok(())
    }

    fn hand_on(&mut self, times: &[i64], values: &ArrayRef, rows: Range<usize>) -> Result<()> {
        for row in rows {
            let value = value_of(values, row)?;
            let mut has_begun = !self.options.begins_with_value;
            if let Work::Value { is_known } = &mut self.work {
                *is_known |= value.is_some();
                has_begun |= *is_known;
            }
            if value.is_some() || (self.options.hands_nulls_on && has_begun) {
                self.queue_result(times[row], value);
            }
        }
        Ok(())
    }

    fn queue_results(&mut self, mut results: Vec<Point>) {
        for point in results.drain(..) {
            self.queue_result(point.time_ns, Some(Value::Number(point.value)));
        }
        self.results = results;
    }

    fn queue_result(&mut self, time_ns: i64, value: Option<Value>) {
        let NeighbourOptions { offset, limit, .. } = self.options;
        let end = limit.map_or(usize::MAX, |limit| offset.saturating_add(limit));
        if (offset..end).contains(&self.count) {
            self.queue.push_back((time_ns, value));
        }
        self.count = self.count.saturating_add(1);
    }

    /// Takes the end of the series.
    pub(super) fn finish(&mut self) -> Result<()> {
        match &mut self.work {
            Work::Value { is_known } => {
                if !*is_known {
                    self.queue.clear();
                }
            }
            Work::Functions(reducers) => {
                let mut results = std::mem::take(&mut self.results);
                for first in 0..reducers.len() {
                    let Some((reducer, others)) = reducers[first..].split_first_mut() else { break };
                    let mut points = Vec::new();
                    reducer.finish(&mut points).map_err(DataFusionError::ResourcesExhausted)?;
                    for point in points {
                        run(others, point, &mut self.points, &mut results);
                    }
                }
                self.queue_results(results);
            }
        }
        Ok(())
    }

    /// The first time, in the order of rows, that a result to come, or one that may yet be taken back, may have.
    pub(super) fn held_back_from_ns(&self) -> Option<i64> {
        match &self.work {
            Work::Value { is_known: true } => None,
            Work::Value { is_known: false } => self.next_ns(),
            Work::Functions(reducers) => {
                let times = reducers.iter().filter_map(|reducer| reducer.held_back_from_ns());
                if self.options.descending { times.max() } else { times.min() }
            }
        }
    }

    /// The time of the next result.
    pub(super) fn next_ns(&self) -> Option<i64> {
        self.queue.front().map(|(time_ns, _)| *time_ns)
    }

    /// The next result, if it has this time.
    pub(super) fn take(&mut self, time_ns: i64) -> Option<Value> {
        let is_now = self.next_ns() == Some(time_ns);
        self.queue.pop_front_if(|_| is_now).and_then(|(_, value)| value)
    }

    /// Whether there have been as many results as there may be.
    pub(super) fn is_complete(&self) -> bool {
        let NeighbourOptions { offset, limit, .. } = self.options;
        let is_known = !matches!(self.work, Work::Value { is_known: false });
        is_known && limit.is_some_and(|limit| self.count >= offset.saturating_add(limit))
    }

    /// Bytes held.
    pub(super) fn size(&self) -> usize {
        let reducers = match &self.work {
            Work::Value { .. } => 0,
            Work::Functions(reducers) => reducers.iter().map(|reducer| reducer.size()).sum(),
        };
        reducers + self.queue.capacity() * size_of::<(i64, Option<Value>)>()
    }
}

/// Feeds the first function, and each other one with what the one before it makes.
fn run(reducers: &mut [Box<dyn Reducer>], point: Point, points: &mut Vec<Point>, results: &mut Vec<Point>) {
    match reducers {
        [] => results.push(point),
        [reducer] => reducer.push(point, results),
        [reducer, others @ ..] => {
            points.clear();
            reducer.push(point, points);
            let made = std::mem::take(points);
            for point in &made {
                run(others, *point, points, results);
            }
            *points = made;
        }
    }
}

fn value_of(values: &ArrayRef, row: usize) -> Result<Option<Value>> {
    if values.is_null(row) {
        return Ok(None);
    }
    Ok(Some(match values.data_type() {
        DataType::Float64 => Value::Number(Number::Float(values.as_primitive::<Float64Type>().value(row))),
        DataType::Int64 => Value::Number(Number::Integer(values.as_primitive::<Int64Type>().value(row))),
        DataType::UInt64 => Value::Number(Number::Unsigned(values.as_primitive::<UInt64Type>().value(row))),
        DataType::Boolean => Value::Boolean(values.as_boolean().value(row)),
        DataType::Utf8 => Value::Text(values.as_string::<i32>().value(row).into()),
        other => return Err(DataFusionError::Internal(format!("a value of {other}"))),
    }))
}
