//! The running functions of neighbouring points: series after series, rows in and rows out.
//!
//! ```text
//! input batch ─▶ ranges of one series ─▶ per call: function ─▶ queue of results ─▶ rows by time ─▶ output batches
//! ```

use super::contiguous::{Source, group_ranges, same_group};
use super::neighbours::NeighboursShape;
use super::neighbours_call::{CallState, Value};
use super::neighbours_output::Output;
use super::node::Batches;
use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::TimestampNanosecondType;
use datafusion::error::Result;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::memory_pool::MemoryReservation;
use datafusion::physical_plan::metrics::BaselineMetrics;
use futures::StreamExt;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

/// The state of one execution.
pub(super) struct NeighboursStream {
    shape: Arc<NeighboursShape>,
    /// `None` once no row to come can matter.
    input: Option<SendableRecordBatchStream>,
    reservation: MemoryReservation,
    metrics: BaselineMetrics,
    row_count_max: usize,
    series: Option<Series>,
    output: Output,
    /// Finished batches, none larger than it may be.
    ready: VecDeque<RecordBatch>,
}

impl NeighboursStream {
    pub(super) fn new(
        shape: Arc<NeighboursShape>,
        input: SendableRecordBatchStream,
        reservation: MemoryReservation,
        metrics: BaselineMetrics,
        row_count_max: usize,
    ) -> Self {
        let output = Output::new(&shape);
        Self {
            shape,
            input: Some(input),
            reservation,
            metrics,
            row_count_max: row_count_max.max(1),
            series: None,
            output,
            ready: VecDeque::new(),
        }
    }
}

impl Batches for NeighboursStream {
    async fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if let Some(batch) = self.ready.pop_front() {
                self.metrics.output_rows().add(batch.num_rows());
                return Ok(Some(batch));
            }
            let Some(input) = &mut self.input else { return Ok(None) };
            let batch = input.next().await.transpose()?;
            let elapsed = self.metrics.elapsed_compute().clone();
            let _timer = elapsed.timer();
            match batch {
                Some(batch) => self.push(Arc::new(batch))?,
                None => {
                    self.end_series()?;
                    self.input = None;
                }
            }
            if self.input.is_none() || self.output.row_count() >= self.row_count_max {
                self.finish_output()?;
            }
            let series = self.series.as_ref().map_or(0, Series::size);
            self.reservation.try_resize(series + self.output.size())?;
        }
    }
}

impl NeighboursStream {
    fn push(&mut self, batch: Arc<RecordBatch>) -> Result<()> {
        let groups = &self.shape.order.group_columns;
        for range in group_ranges(groups, &batch)? {
            let first = Source { batch: Arc::clone(&batch), row: range.start };
            let groups = &self.shape.order.group_columns;
            if self.series.as_ref().is_some_and(|series| !same_group(groups, &series.key, &first)) {
                self.end_series()?;
            }
            let shape = &self.shape;
            let series = self.series.get_or_insert_with(|| Series::new(shape, first));
            series.push(shape, &batch, range, &mut self.output)?;
        }
        let has_one_series = self.shape.order.group_columns.is_empty();
        if has_one_series && self.series.as_ref().is_some_and(Series::is_complete) {
            // Dropping the stream stops what produces it.
            self.end_series()?;
            self.input = None;
        }
        Ok(())
    }

    fn end_series(&mut self) -> Result<()> {
        match self.series.take() {
            Some(series) => series.finish(&self.shape, &mut self.output),
            None => Ok(()),
        }
    }

    fn finish_output(&mut self) -> Result<()> {
        if self.output.row_count() == 0 {
            return Ok(());
        }
        let batch = self.output.finish()?;
        let starts = (0..batch.num_rows()).step_by(self.row_count_max);
        self.ready
            .extend(starts.map(|start| batch.slice(start, self.row_count_max.min(batch.num_rows() - start))));
        Ok(())
    }
}

/// One series on its way through.
struct Series {
    /// A row that bears the series' key.
    key: Source,
    calls: Vec<CallState>,
    /// The last row, where it is repeated.
    last: Vec<Option<Value>>,
}

impl Series {
    fn new(shape: &NeighboursShape, key: Source) -> Self {
        let schema = key.batch.schema();
        let argument = |input: usize| schema.field(input).data_type().clone();
        let calls = shape.calls.iter();
        let calls = calls.map(|call| CallState::new(call, &argument(call.input), shape.options)).collect();
        Self { key, calls, last: vec![None; shape.calls.len()] }
    }

    /// Takes rows in, and puts out what they decide.
    fn push(
        &mut self,
        shape: &NeighboursShape,
        batch: &RecordBatch,
        range: Range<usize>,
        output: &mut Output,
    ) -> Result<()> {
        let times = batch.column(shape.order.time_column).as_primitive::<TimestampNanosecondType>().values();
        for (state, call) in self.calls.iter_mut().zip(&shape.calls) {
            state.push(call, times, batch.column(call.input), range.clone())?;
        }
        // The next row may have the time of the last one.
        let Some(&last_ns) = times[range].last() else { return Ok(()) };
        let held = self.calls.iter().filter_map(CallState::held_back_from_ns);
        let until_ns = match shape.options.descending {
            false => held.fold(last_ns, i64::min),
            true => held.fold(last_ns, i64::max),
        };
        self.put_out(shape, Some(until_ns), output);
        Ok(())
    }

    fn finish(mut self, shape: &NeighboursShape, output: &mut Output) -> Result<()> {
        for state in &mut self.calls {
            state.finish()?;
        }
        self.put_out(shape, None, output);
        Ok(())
    }

    /// Puts out the rows of times before this one.
    fn put_out(&mut self, shape: &NeighboursShape, until_ns: Option<i64>, output: &mut Output) {
        let descending = shape.options.descending;
        let mut row_count = 0;
        loop {
            let times = self.calls.iter().filter_map(CallState::next_ns);
            let next_ns = if descending { times.max() } else { times.min() };
            let Some(time_ns) = next_ns else { break };
            let is_open = |until: i64| if descending { time_ns <= until } else { time_ns >= until };
            if until_ns.is_some_and(is_open) {
                break;
            }
            for (index, (state, last)) in self.calls.iter_mut().zip(&mut self.last).enumerate() {
                let mut value = state.take(time_ns);
                if shape.options.repeats {
                    match &value {
                        Some(_) => last.clone_from(&value),
                        None => value.clone_from(last),
                    }
                }
                output.push_cell(index, value);
            }
            output.push_time(time_ns);
            row_count += 1;
        }
        if row_count > 0 {
            output.push_keys(&self.key, row_count);
        }
    }

    /// Whether no row to come can matter.
    fn is_complete(&self) -> bool {
        self.calls.iter().all(CallState::is_complete)
    }

    fn size(&self) -> usize {
        self.calls.iter().map(CallState::size).sum()
    }
}
