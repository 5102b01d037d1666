//! The running merge of rows: which inputs have the next row, and output batches of their cells.

use super::contiguous::Source;
use super::node::Batches;
use super::row_merge::RowMergeShape;
use arrow::array::{Array, ArrayRef, RecordBatch, new_null_array};
use arrow::compute::{SortOptions, interleave};
use arrow::row::{RowConverter, Rows, SortField};
use datafusion::error::Result;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::metrics::BaselineMetrics;
use futures::StreamExt;
use std::sync::Arc;

/// The state of one execution.
pub(super) struct RowMergeStream {
    shape: Arc<RowMergeShape>,
    inputs: Vec<Input>,
    /// Makes group columns, and the time, comparable across inputs.
    groups: RowConverter,
    times: RowConverter,
    metrics: BaselineMetrics,
    row_count_max: usize,
    /// Per column after the time, the last cell of the series, where it is repeated.
    last: Vec<Option<Source>>,
    /// The group of the last row.
    last_group: Vec<u8>,
    output: Output,
}

/// One input, and its next row.
struct Input {
    stream: SendableRecordBatchStream,
    /// `None` before the first batch and after the last.
    current: Option<Current>,
    has_ended: bool,
}

struct Current {
    batch: Arc<RecordBatch>,
    /// `None` without group columns.
    groups: Option<Rows>,
    times: Rows,
    row: usize,
}

impl Current {
    /// What rows are sorted by.
    fn key(&self) -> (&[u8], &[u8]) {
        let group = self.groups.as_ref().map_or(&[][..], |groups| groups.row(self.row).data());
        (group, self.times.row(self.row).data())
    }
}

impl RowMergeStream {
    pub(super) fn try_new(
        shape: Arc<RowMergeShape>,
        inputs: Vec<SendableRecordBatchStream>,
        metrics: BaselineMetrics,
        row_count_max: usize,
    ) -> Result<Self> {
        let descending = shape.options.descending;
        let options = SortOptions { descending, nulls_first: !descending };
        let fields = shape.schema.fields().iter().map(|field| field.data_type().clone());
        let mut fields = fields.map(|data_type| SortField::new_with_options(data_type, options));
        let groups = RowConverter::new(fields.by_ref().take(shape.options.group_count).collect())?;
        let times = RowConverter::new(fields.take(1).collect())?;
        let inputs =
            inputs.into_iter().map(|stream| Input { stream, current: None, has_ended: false }).collect();
        let last = vec![None; shape.values.len()];
        let output = Output::new(&shape);
        Ok(Self {
            shape,
            inputs,
            groups,
            times,
            metrics,
            row_count_max,
            last,
            last_group: Vec::new(),
            output,
        })
    }
}

impl Batches for RowMergeStream {
    async fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            for index in 0..self.inputs.len() {
                self.read(index).await?;
            }
            let elapsed = self.metrics.elapsed_compute().clone();
            let _timer = elapsed.timer();
            let has_ended = !self.merge();
            if self.output.row_count > 0 && (has_ended || self.output.row_count >= self.row_count_max) {
                let batch = self.output.finish(&self.shape)?;
                self.metrics.output_rows().add(batch.num_rows());
                return Ok(Some(batch));
            }
            if has_ended {
                return Ok(None);
            }
        }
    }
}

impl RowMergeStream {
    /// Makes sure that an input that has a next row shows it.
    async fn read(&mut self, index: usize) -> Result<()> {
        let input = &mut self.inputs[index];
        while input.current.is_none() && !input.has_ended {
            let Some(batch) = input.stream.next().await.transpose()? else {
                input.has_ended = true;
                break;
            };
            if batch.num_rows() == 0 {
                continue;
            }
            let group_count = self.shape.options.group_count;
            let groups = match group_count {
                0 => None,
                _ => Some(self.groups.convert_columns(&batch.columns()[..group_count])?),
            };
            let times = self.times.convert_columns(&batch.columns()[group_count..=group_count])?;
            input.current = Some(Current { batch: Arc::new(batch), groups, times, row: 0 });
        }
        Ok(())
    }

    /// Puts rows out until an input has to be read, or the output is full. Returns whether there was a row.
    fn merge(&mut self) -> bool {
        let mut has_rows = false;
        while self.output.row_count < self.row_count_max {
            if self.inputs.iter().any(|input| input.current.is_none() && !input.has_ended) {
                return true;
            }
            let keys = self.inputs.iter().filter_map(|input| input.current.as_ref()).map(Current::key);
            let Some((group, time)) = keys.min() else { return has_rows };
            let is_next: Vec<bool> = self
                .inputs
                .iter()
                .map(|input| input.current.as_ref().is_some_and(|current| current.key() == (group, time)))
                .collect();
            if self.last_group != group {
                self.last_group = group.to_vec();
                self.last.fill(None);
            }
            self.put_out(&is_next);
            has_rows = true;
        }
        true
    }

    /// Puts one row out, of the next rows of these inputs.
    fn put_out(&mut self, is_next: &[bool]) {
        let next: Vec<Option<Source>> = self
            .inputs
            .iter()
            .zip(is_next)
            .map(|(input, is_next)| {
                let current = input.current.as_ref().filter(|_| *is_next)?;
                Some(Source { batch: Arc::clone(&current.batch), row: current.row })
            })
            .collect();
        for (column, (input, index)) in self.shape.values.iter().enumerate() {
            let own = next[*input].clone();
            let cell = if self.shape.options.repeats {
                let own = own.filter(|own| own.batch.column(*index).is_valid(own.row));
                if own.is_some() {
                    self.last[column].clone_from(&own);
                }
                self.last[column].clone()
            } else {
                own
            };
            self.output.push_cell(column, *input, cell);
        }
        if let Some((input, key)) = next.into_iter().enumerate().find_map(|(i, next)| Some((i, next?))) {
            self.output.push_key(input, key);
        }
        for (input, _) in self.inputs.iter_mut().zip(is_next).filter(|(_, is_next)| **is_next) {
            if let Some(current) = &mut input.current {
                current.row += 1;
                if current.row == current.batch.num_rows() {
                    input.current = None;
                }
            }
        }
    }
}

/// Collects rows until they make a batch.
struct Output {
    row_count: usize,
    /// Batches with the input they are of.
    batches: Vec<(usize, Arc<RecordBatch>)>,
    /// Per row, where group columns and time stand: batch and row.
    keys: Vec<(usize, usize)>,
    /// Per column after the time and row: batch and row, or a null.
    cells: Vec<Vec<Option<(usize, usize)>>>,
}

impl Output {
    fn new(shape: &RowMergeShape) -> Self {
        let cells = vec![Vec::new(); shape.values.len()];
        Self { row_count: 0, batches: Vec::new(), keys: Vec::new(), cells }
    }

    fn push_key(&mut self, input: usize, key: Source) {
        let place = (self.place_of(input, &key.batch), key.row);
        self.keys.push(place);
        self.row_count += 1;
    }

    fn push_cell(&mut self, column: usize, input: usize, cell: Option<Source>) {
        let place = cell.map(|cell| (self.place_of(input, &cell.batch), cell.row));
        self.cells[column].push(place);
    }

    /// The place of a batch among those of the output. It is nearly always one of the last.
    fn place_of(&mut self, input: usize, batch: &Arc<RecordBatch>) -> usize {
        let known = self.batches.iter().rposition(|(_, known)| Arc::ptr_eq(known, batch));
        known.unwrap_or_else(|| {
            self.batches.push((input, Arc::clone(batch)));
            self.batches.len() - 1
        })
    }

    /// The rows so far as a batch.
    fn finish(&mut self, shape: &RowMergeShape) -> Result<RecordBatch> {
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(shape.schema.fields().len());
        for index in 0..=shape.options.group_count {
            let chunks: Vec<&dyn Array> =
                self.batches.iter().map(|(_, batch)| batch.column(index).as_ref()).collect();
            columns.push(interleave(&chunks, &self.keys)?);
        }
        for ((input, index), cells) in shape.values.iter().zip(&mut self.cells) {
            let null = new_null_array(shape.schema.field(columns.len()).data_type(), 1);
            let own = self.batches.iter().map(|(of, batch)| match of == input {
                true => batch.column(*index).as_ref(),
                false => null.as_ref(),
            });
            let chunks: Vec<&dyn Array> = own.chain([null.as_ref()]).collect();
            let no_value = (self.batches.len(), 0);
            let places: Vec<_> = cells.drain(..).map(|cell| cell.unwrap_or(no_value)).collect();
            columns.push(interleave(&chunks, &places)?);
        }
        self.batches.clear();
        self.keys.clear();
        self.row_count = 0;
        Ok(RecordBatch::try_new(Arc::clone(&shape.schema), columns)?)
    }
}
