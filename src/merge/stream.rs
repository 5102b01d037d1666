//! The merge of sorted sources, without I/O.

use super::sorted_rows::{SeriesRun, SortedRows, row_index};
use arrow::array::{Array, ArrayData, ArrayRef, MutableArrayData, make_array, new_empty_array};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use std::sync::Arc;

/// What a [`Merge`] wants or has.
#[derive(Debug)]
pub enum Step {
    /// The next rows of this source are needed: call [`Merge::push`] or [`Merge::finish`].
    Need(usize),
    /// Rows of the result; at least one.
    Rows(SortedRows),
    /// The result is complete.
    Done,
}

/// Merges sources that are each sorted by (series key, time) and free of duplicates.
///
/// Sources are numbered from old to new: where several hold the same point, each field takes its value
/// from the greatest source that has one. Long stretches that only one source has are copied as ranges,
/// so that the cost per row is that of copying; memory is one batch per source and one of output.
#[derive(Debug)]
pub struct Merge {
    field_types: Vec<DataType>,
    sources: Vec<Source>,
    rows_max: usize,
    output: Output,
}

#[derive(Debug, Default)]
struct Source {
    rows: Option<Arc<SortedRows>>,
    /// Number of `rows` in the output's list of batches, once it was put there.
    batch: Option<usize>,
    run: usize,
    row: usize,
    finished: bool,
}

impl Source {
    /// The rows that stand at the head, with the current run's key, and the end of the run.
    fn head(&self) -> Option<(&Arc<SortedRows>, &str, usize)> {
        let rows = self.rows.as_ref()?;
        let run = rows.runs.get(self.run)?;
        Some((rows, &run.key, run.end_row as usize))
    }

    fn time(&self) -> i64 {
        self.rows.as_ref().map_or(i64::MAX, |rows| rows.times_ns[self.row])
    }

    /// Moves the head to `row`.
    fn advance_to(&mut self, row: usize) {
        self.row = row;
        let Some(rows) = &self.rows else { return };
        while rows.runs.get(self.run).is_some_and(|run| run.end_row as usize <= row) {
            self.run += 1;
        }
        if self.run == rows.runs.len() {
            self.rows = None;
            self.batch = None;
        }
    }
}

impl Merge {
    /// A merge of `source_count` sources whose rows have fields of `field_types`. Batches of the result
    /// have about `rows_max` rows.
    #[must_use]
    pub fn new(field_types: Vec<DataType>, source_count: usize, rows_max: usize) -> Self {
        assert!(rows_max > 0, "a batch has room for a row");
        let sources = (0..source_count).map(|_| Source::default()).collect();
        Self { field_types, sources, rows_max, output: Output::default() }
    }

    /// Brings the next rows of `source`, which [`Step::Need`] named. Rows without any row are ignored.
    pub fn push(&mut self, source: usize, rows: SortedRows) {
        let slot = &mut self.sources[source];
        assert!(slot.rows.is_none() && !slot.finished, "rows come only when they are needed");
        if rows.row_count() > 0 {
            *slot = Source { rows: Some(Arc::new(rows)), ..Source::default() };
        }
    }

    /// Says that `source` has no more rows.
    pub fn finish(&mut self, source: usize) {
        self.sources[source].finished = true;
    }

    /// Goes on until rows are ready, or a source must bring more, or all is done.
    ///
    /// # Errors
    /// When the strings of one batch exceed 2 GiB. The merge cannot go on then.
    pub fn step(&mut self) -> Result<Step, ArrowError> {
        loop {
            if self.output.row_count >= self.rows_max {
                return self.take_output().map(Step::Rows);
            }
            if let Some(needed) = self.sources.iter().position(|s| s.rows.is_none() && !s.finished) {
                return Ok(Step::Need(needed));
            }
            let Some(least) = self.least_series() else {
                return if self.output.row_count > 0 {
                    self.take_output().map(Step::Rows)
                } else {
                    Ok(Step::Done)
                };
            };
            self.merge_series(&least);
        }
    }

    /// The least series key at any head.
    fn least_series(&self) -> Option<Arc<str>> {
        let heads = self.sources.iter().filter_map(|s| s.rows.as_ref().map(|rows| &rows.runs[s.run].key));
        heads.min().cloned()
    }

    /// Takes rows of series `key`, as far as the rows at hand go, from all heads that stand at it.
    fn merge_series(&mut self, key: &Arc<str>) {
        let at_key = |s: &Source| s.head().is_some_and(|(_, k, _)| k == &**key);
        let holders: Vec<usize> = (0..self.sources.len()).filter(|i| at_key(&self.sources[*i])).collect();
        if let [only] = holders[..] {
            let end = self.sources[only].head().map_or(0, |(_, _, end)| end);
            self.take_range(only, key, end);
            return;
        }
        // Rows of one source up to the first time that another has are its alone.
        while self.output.row_count < self.rows_max && holders.iter().all(|i| at_key(&self.sources[*i])) {
            let first = holders.iter().map(|i| self.sources[*i].time()).min().unwrap_or(i64::MAX);
            let at_first = |s: &Source| s.time() == first;
            let sharing: Vec<usize> =
                holders.iter().copied().filter(|i| at_first(&self.sources[*i])).collect();
            if let [only] = sharing[..] {
                let others = holders.iter().filter(|i| **i != only);
                let next = others.map(|i| self.sources[*i].time()).min().unwrap_or(i64::MAX);
                let end = self.sources[only].head().map_or(0, |(rows, _, end)| {
                    let start = self.sources[only].row;
                    start + rows.times_ns[start..end].partition_point(|t| *t < next)
                });
                self.take_range(only, key, end);
            } else {
                self.take_shared(&sharing, key, first);
            }
        }
    }

    fn take_range(&mut self, source: usize, key: &Arc<str>, end: usize) {
        let batch = self.output_batch(source);
        let source = &mut self.sources[source];
        let end = end.min(source.row + self.rows_max);
        if let Some(rows) = &source.rows {
            self.output.times_ns.extend_from_slice(&rows.times_ns[source.row..end]);
        }
        self.output.push(key, end - source.row, Pick::Range { batch, start: source.row, end });
        source.advance_to(end);
    }

    /// Takes the one point that several sources hold at `time_ns`.
    fn take_shared(&mut self, sources: &[usize], key: &Arc<str>, time_ns: i64) {
        let mut origins: Vec<(usize, usize)> = Vec::with_capacity(sources.len());
        for source in sources.iter().rev() {
            origins.push((self.output_batch(*source), self.sources[*source].row));
            let next = self.sources[*source].row + 1;
            self.sources[*source].advance_to(next);
        }
        self.output.times_ns.push(time_ns);
        self.output.push(key, 1, Pick::Newest(origins));
    }

    fn output_batch(&mut self, source: usize) -> usize {
        let source = &mut self.sources[source];
        let output = &mut self.output;
        match (source.batch, &source.rows) {
            (Some(batch), _) => batch,
            (None, rows) => {
                output.batches.extend(rows.clone());
                *source.batch.insert(output.batches.len() - 1)
            }
        }
    }

    fn take_output(&mut self) -> Result<SortedRows, ArrowError> {
        self.sources.iter_mut().for_each(|s| s.batch = None);
        std::mem::take(&mut self.output).build(&self.field_types)
    }
}

/// Where the values of the next rows of the output come from.
#[derive(Debug)]
enum Pick {
    Range {
        batch: usize,
        start: usize,
        end: usize,
    },
    /// One row: (batch, row) from new to old; each field takes the first that is not null.
    Newest(Vec<(usize, usize)>),
}

/// Rows picked for the next batch of the result; their fields are copied when it is complete.
#[derive(Debug, Default)]
struct Output {
    batches: Vec<Arc<SortedRows>>,
    picks: Vec<Pick>,
    runs: Vec<SeriesRun>,
    times_ns: Vec<i64>,
    row_count: usize,
}

impl Output {
    fn push(&mut self, key: &Arc<str>, rows: usize, pick: Pick) {
        self.row_count += rows;
        let end_row = row_index(self.row_count);
        match self.runs.last_mut() {
            Some(run) if run.key == *key => run.end_row = end_row,
            _ => self.runs.push(SeriesRun { key: key.clone(), end_row }),
        }
        match (self.picks.last_mut(), &pick) {
            (Some(Pick::Range { batch, end, .. }), Pick::Range { batch: next, start, end: next_end })
                if batch == next && end == start =>
            {
                *end = *next_end;
            }
            _ => self.picks.push(pick),
        }
    }

    fn build(self, field_types: &[DataType]) -> Result<SortedRows, ArrowError> {
        let fields = field_types.iter().enumerate().map(|(f, data_type)| self.build_field(f, data_type));
        let fields = fields.collect::<Result<_, _>>()?;
        Ok(SortedRows { runs: self.runs, times_ns: self.times_ns.into(), fields })
    }

    fn build_field(&self, field: usize, data_type: &DataType) -> Result<ArrayRef, ArrowError> {
        if let [Pick::Range { batch, start, end }] = self.picks[..] {
            return Ok(self.batches[batch].fields[field].slice(start, end - start));
        }
        let columns: Vec<ArrayData> = self.batches.iter().map(|b| b.fields[field].to_data()).collect();
        if columns.is_empty() {
            return Ok(new_empty_array(data_type));
        }
        let mut out = MutableArrayData::new(columns.iter().collect(), false, self.row_count);
        for pick in &self.picks {
            match pick {
                Pick::Range { batch, start, end } => out.try_extend(*batch, *start, *end)?,
                Pick::Newest(origins) => {
                    let valid =
                        |(batch, row): &&(usize, usize)| self.batches[*batch].fields[field].is_valid(*row);
                    let (batch, row) = *origins.iter().find(valid).unwrap_or(&origins[0]);
                    out.try_extend(batch, row, row + 1)?;
                }
            }
        }
        Ok(make_array(out.freeze()))
    }
}
