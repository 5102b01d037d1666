//! The running gap fill: which bucket comes next, which rows can be decided, what a missing cell gets.
//!
//! A group passes through these states:
//!
//! ```text
//! first row seen ─▶ queue of undecided rows ─▶ output ─▶ … ─▶ group ended: the rest, then trailing buckets
//! ```

use super::contiguous::{Source, group_ranges, same_group};
use super::fill::FillMode;
use super::gap_fill::GapFillShape;
use super::gap_fill_output::{Cell, Number, Output};
use super::gap_fill_queue::Queue;
use super::node::Batches;
use crate::query::functions::scalar::bucket::BucketCursor;
use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float64Type, Int64Type, TimestampNanosecondType, UInt64Type};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::memory_pool::MemoryReservation;
use datafusion::physical_plan::metrics::BaselineMetrics;
use futures::StreamExt;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

/// The state of one execution.
pub(super) struct GapFillStream {
    shape: Arc<GapFillShape>,
    input: SendableRecordBatchStream,
    reservation: MemoryReservation,
    metrics: BaselineMetrics,
    row_count_max: usize,
    /// Ranges of the last batch that are still to be taken in.
    ranges: VecDeque<(Arc<RecordBatch>, Range<usize>)>,
    input_ended: bool,
    group: Option<Group>,
    output: Output,
}

impl GapFillStream {
    pub(super) fn new(
        shape: Arc<GapFillShape>,
        input: SendableRecordBatchStream,
        reservation: MemoryReservation,
        metrics: BaselineMetrics,
        row_count_max: usize,
    ) -> Result<Self> {
        let output = Output::new(Arc::clone(&shape))?;
        Ok(Self {
            shape,
            input,
            reservation,
            metrics,
            row_count_max,
            ranges: VecDeque::new(),
            input_ended: false,
            group: None,
            output,
        })
    }
}

impl Batches for GapFillStream {
    async fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            let elapsed = self.metrics.elapsed_compute().clone();
            let timer = elapsed.timer();
            let full = self.fill_output()?;
            if full || (self.input_ended && self.output.row_count() > 0) {
                let batch = self.output.finish()?;
                self.metrics.output_rows().add(batch.num_rows());
                return Ok(Some(batch));
            }
            timer.done();
            if self.input_ended {
                return Ok(None);
            }
            match self.input.next().await.transpose()? {
                Some(batch) => {
                    let batch = Arc::new(batch);
                    let ranges = group_ranges(&self.shape.group_columns, &batch)?;
                    self.ranges.extend(ranges.into_iter().map(|range| (Arc::clone(&batch), range)));
                }
                None => self.input_ended = true,
            }
        }
    }
}

impl GapFillStream {
    /// Works off what has been read. Returns whether the output is full.
    fn fill_output(&mut self) -> Result<bool> {
        loop {
            if let Some(group) = &mut self.group {
                group.emit(&self.shape, &mut self.output, self.row_count_max)?;
                if self.output.row_count() >= self.row_count_max {
                    return Ok(true);
                }
                if group.finished {
                    self.group = None;
                    continue;
                }
            }
            let Some((batch, range)) = self.ranges.front() else {
                match &mut self.group {
                    Some(group) if self.input_ended => group.end(),
                    _ => return Ok(false),
                }
                continue;
            };
            let first = Source { batch: Arc::clone(batch), row: range.start };
            match &mut self.group {
                Some(group) if !same_group(&self.shape.group_columns, &group.key, &first) => group.end(),
                Some(group) => {
                    if let Some((batch, range)) = self.ranges.pop_front() {
                        group.push(&self.shape, batch, range);
                        self.reservation.try_resize(group.queue.bytes())?;
                    }
                }
                None => self.group = Some(Group::new(&self.shape, first)),
            }
        }
    }
}

/// One group on its way through.
struct Group {
    /// A row that bears the group's key.
    key: Source,
    /// The next bucket.
    cursor: BucketCursor,
    /// Number of buckets so far.
    bucket_count: u64,
    /// The bucket after whose output the group is finished, if it is not its last row's.
    last_bucket_ns: Option<i64>,
    /// Rows that were read and not put out.
    queue: Queue,
    /// How many rows have been taken into the queue, ever.
    pushed: usize,
    /// How many of them have been put out.
    emitted: usize,
    /// Per column.
    columns: Vec<Progress>,
    /// There is no bucket after the last one.
    timeline_ended: bool,
    /// No row of this group is to come.
    ended: bool,
    /// No bucket of this group is to come.
    finished: bool,
}

/// What is known of one column of a group.
#[derive(Clone, Default)]
struct Progress {
    /// The last value put out.
    known: Option<Source>,
    /// The position after the last value read; `None` before the first.
    known_end: Option<usize>,
    /// For a linear fill: the next value in the queue, at the position given. Valid while that is not before the
    /// next row.
    next: Option<(usize, Source)>,
}

impl Group {
    fn new(shape: &GapFillShape, first: Source) -> Self {
        let range = &shape.range;
        let own_start = || times(shape, &first.batch)[first.row];
        let lower = range.lower_ns.map(|lower| range.buckets.bucket_of(lower).0);
        let upper = range.buckets.bucket_of(range.upper_ns).0;
        let (start, last) = match range.descending {
            false => (lower.unwrap_or_else(|| range.buckets.bucket_of(own_start()).0), Some(upper)),
            true => (upper, lower),
        };
        Self {
            key: first,
            cursor: range.buckets.cursor(start, range.descending),
            bucket_count: 0,
            last_bucket_ns: last,
            queue: Queue::default(),
            pushed: 0,
            emitted: 0,
            columns: vec![Progress::default(); shape.fills.len()],
            timeline_ended: false,
            ended: false,
            finished: false,
        }
    }

    /// Takes rows of this group in.
    fn push(&mut self, shape: &GapFillShape, batch: Arc<RecordBatch>, rows: Range<usize>) {
        for column in shape.filled() {
            let values = batch.column(column);
            if let Some(row) = rows.clone().rev().find(|&row| values.is_valid(row)) {
                self.columns[column].known_end = Some(self.pushed + (row - rows.start) + 1);
            }
        }
        self.pushed += rows.len();
        self.queue.push(batch, rows);
    }

    fn end(&mut self) {
        self.ended = true;
    }

    /// The position before which every cell can be decided.
    fn decided_end(&self, shape: &GapFillShape) -> usize {
        if self.ended {
            return self.pushed;
        }
        let of_column = |column: usize| match (&shape.fills[column], self.columns[column].known_end) {
            (FillMode::Linear, Some(known_end)) => known_end,
            (FillMode::ValueWhereAny(_), known_end) => match (shape.range.lower_ns, shape.range.descending) {
                (None, false) => self.pushed,
                (None, true) => known_end.unwrap_or(0),
                (Some(_), _) => known_end.map_or(0, |_| self.pushed),
            },
            _ => self.pushed,
        };
        shape.filled().map(of_column).min().unwrap_or(self.pushed)
    }

    /// Whether the next row has a bucket of this column, which is filled with [`FillMode::ValueWhereAny`]. With a lower
    /// bound every row of a group with any value has one. Without one, the column's buckets begin with its own first value,
    /// or, in descending order, end with its last.
    fn has_bucket(&self, shape: &GapFillShape, column: usize) -> bool {
        let progress = &self.columns[column];
        match (shape.range.lower_ns, shape.range.descending) {
            (None, false) => progress.known.is_some(),
            (None, true) => progress.known_end.is_some_and(|end| end > self.emitted),
            (Some(_), _) => progress.known_end.is_some(),
        }
    }

    /// Puts rows out: as many as can be decided, until the output is full.
    fn emit(&mut self, shape: &GapFillShape, output: &mut Output, row_count_max: usize) -> Result<()> {
        let decided_end = self.decided_end(shape);
        let makes_rows = shape.makes_rows();
        while output.row_count() < row_count_max && !self.finished {
            let next = match self.queue.first() {
                Some((batch, row)) if self.emitted < decided_end => {
                    Some((Arc::clone(batch), row, times(shape, batch)[row]))
                }
                Some(_) => return Ok(()),
                None if !self.ended => return Ok(()),
                None => None,
            };
            let bucket = self.cursor.start_ns();
            let descending = shape.range.descending;
            let timeline_ended = self.timeline_ended;
            let is_past = |time: i64, bound: i64| if descending { time < bound } else { time > bound };
            match next {
                Some((batch, row, time)) if !makes_rows || timeline_ended || !is_past(time, bucket) => {
                    self.emit_row(shape, output, time, Some((&batch, row)));
                    self.emitted += 1;
                    self.queue.pop();
                }
                None if !makes_rows
                    || timeline_ended
                    || self.last_bucket_ns.is_none_or(|last| is_past(bucket, last)) =>
                {
                    self.finished = true;
                    return Ok(());
                }
                _ => self.emit_row(shape, output, bucket, None),
            }
            self.bucket_count += 1;
            if makes_rows {
                let count = i128::from(self.bucket_count);
                shape.range.check_count(count).map_err(DataFusionError::ResourcesExhausted)?;
                self.timeline_ended = !self.cursor.advance();
            }
        }
        Ok(())
    }

    /// Puts one row out: the given one, or one for an empty bucket.
    fn emit_row(
        &mut self,
        shape: &GapFillShape,
        output: &mut Output,
        time_ns: i64,
        row: Option<(&Arc<RecordBatch>, usize)>,
    ) {
        output.push_row(time_ns, &self.key);
        for column in shape.filled() {
            if let Some((batch, row)) = row
                && batch.column(column).is_valid(row)
            {
                output.push_cell(column, Cell::Row(batch, row));
                match &mut self.columns[column].known {
                    Some(known) if Arc::ptr_eq(&known.batch, batch) => known.row = row,
                    known => *known = Some(Source { batch: Arc::clone(batch), row }),
                }
                continue;
            }
            if shape.fills[column] == FillMode::Linear {
                let number = self.interpolate(shape, column, time_ns);
                output.push_cell(column, number.map_or(Cell::Null, Cell::Number));
                continue;
            }
            let progress = &self.columns[column];
            let cell = match (&shape.fills[column], &progress.known) {
                (FillMode::Previous, Some(known)) => Cell::Row(&known.batch, known.row),
                (FillMode::Value(_), _) => Cell::Constant,
                (FillMode::ValueWhereAny(_), _) if self.has_bucket(shape, column) => Cell::Constant,
                _ => Cell::Null,
            };
            output.push_cell(column, cell);
        }
    }

    /// The value at `time_ns` on the line between the values around it.
    fn interpolate(&mut self, shape: &GapFillShape, column: usize, time_ns: i64) -> Option<Number> {
        let emitted = self.emitted;
        let progress = &mut self.columns[column];
        progress.known.as_ref()?;
        // When no further value comes, a search would go through all waiting rows, once for each of them.
        if progress.known_end.is_none_or(|end| end <= emitted) {
            return None;
        }
        if progress.next.as_ref().is_none_or(|(position, _)| *position < emitted) {
            let next = self.queue.next_known(column);
            progress.next = next.map(|(before, source)| (emitted + before, source));
        }
        let (known, (_, next)) = (progress.known.as_ref()?, progress.next.as_ref()?);
        let interval = shape.range.buckets.interval_ns();
        // InfluxDB numbers buckets like this, even with an offset or a zone.
        let bucket = |time: i64| time / interval;
        let bucket_of = |source: &Source| bucket(times(shape, &source.batch)[source.row]);
        let line = Line { from: bucket_of(known), to: bucket_of(next), at: bucket(time_ns) };
        line.value(known.batch.column(column), known.row, next.batch.column(column), next.row)
    }
}

/// Where a bucket lies between two others, counted in buckets.
struct Line {
    from: i64,
    to: i64,
    at: i64,
}

impl Line {
    fn value(&self, from: &ArrayRef, from_row: usize, to: &ArrayRef, to_row: usize) -> Option<Number> {
        match from.data_type() {
            DataType::Float64 => {
                let start = from.as_primitive::<Float64Type>().value(from_row);
                let rise = to.as_primitive::<Float64Type>().value(to_row) - start;
                Some(Number::Float(self.point(start, rise))).filter(|_| self.from != self.to)
            }
            DataType::Int64 => {
                let start = from.as_primitive::<Int64Type>().value(from_row);
                let rise = to.as_primitive::<Int64Type>().value(to_row).wrapping_sub(start);
                let point = truncated(self.point(to_f64(start), to_f64(rise)));
                Some(Number::Integer(point)).filter(|_| self.from != self.to)
            }
            DataType::UInt64 => {
                let start = from.as_primitive::<UInt64Type>().value(from_row);
                let end = to.as_primitive::<UInt64Type>().value(to_row);
                #[expect(clippy::cast_precision_loss, reason = "as InfluxDB")]
                let rise = if end >= start { (end - start) as f64 } else { -((start - end) as f64) };
                #[expect(
                    clippy::cast_precision_loss,
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "integers are truncated"
                )]
                Some(Number::Unsigned(self.point(start as f64, rise) as u64)).filter(|_| self.from != self.to)
            }
            _ => None,
        }
    }

    /// In the order of InfluxDB's operations, for the same last digit.
    fn point(&self, start: f64, rise: f64) -> f64 {
        let slope = rise / to_f64(self.to.wrapping_sub(self.from));
        slope * to_f64(self.at.wrapping_sub(self.from)) + start
    }
}

#[expect(clippy::cast_precision_loss, reason = "Go's float64(int64) rounds the same way")]
fn to_f64(value: i64) -> f64 {
    value as f64
}

/// What does not fit becomes the least integer, as in Go on the usual machines.
fn truncated(value: f64) -> i64 {
    // The greatest integer is not a float, the next one is 2^63.
    let is_within = (to_f64(i64::MIN)..-to_f64(i64::MIN)).contains(&value);
    #[expect(clippy::cast_possible_truncation, reason = "integers are truncated")]
    if is_within { value as i64 } else { i64::MIN }
}

/// The times of a batch.
fn times<'a>(shape: &GapFillShape, batch: &'a RecordBatch) -> &'a [i64] {
    batch.column(shape.time_column).as_primitive::<TimestampNanosecondType>().values()
}
