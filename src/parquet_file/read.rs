//! Reading parts of a file: which series a row group holds, and rows by position.

use super::cache::ReaderCache;
use super::footer::Footer;
use super::object_reader::ObjectReader;
use super::row_group::RowGroupPages;
use crate::merge::{SeriesRun, SortedRows};
use crate::model::file::FileMeta;
use crate::model::limits::BATCH_ROWS;
use crate::model::schema::{SERIES_COLUMN, TIME_COLUMN};
use crate::model::time::TimeRange;
use ahash::{AHashMap, AHashSet};
use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringViewArray, new_null_array};
use arrow::datatypes::{DataType, TimestampNanosecondType};
use arrow::error::ArrowError;
use futures::{Stream, StreamExt, TryStreamExt, stream};
use object_store::ObjectStore;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ParquetRecordBatchReader, RowSelection, RowSelector,
};
use parquet::arrow::{ProjectionMask, parquet_to_arrow_field_levels};
use parquet::errors::ParquetError;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::statistics::Statistics;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// A file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The store fails, or the bytes are not what was written.
    #[error("cannot read {path}: {source}")]
    Parquet {
        /// The object's path.
        path: Arc<str>,
        /// What went wrong.
        source: ParquetError,
    },
    /// The rows contradict the file's own footer or its entry in the manifest.
    #[error("{path} is damaged: {reason}")]
    Damaged {
        /// The object's path.
        path: Arc<str>,
        /// What does not fit.
        reason: String,
    },
}

/// One file, open for reading.
#[derive(Clone, Debug)]
pub struct ParquetFile {
    pub(super) meta: Arc<FileMeta>,
    pub(super) reader: ObjectReader,
    pub(super) footer: ArrowReaderMetadata,
    pub(super) cache: ReaderCache,
}

impl ParquetFile {
    /// Opens the object `path` of `store`, whose footer may come from `cache`.
    ///
    /// # Errors
    /// When the footer cannot be read, or does not have the rows that `meta` says.
    pub async fn open(
        meta: Arc<FileMeta>,
        store: Arc<dyn ObjectStore>,
        path: object_store::path::Path,
        cache: &ReaderCache,
    ) -> Result<Self, FileError> {
        let (size_bytes, bytes_read) = (meta.size_bytes, Arc::default());
        let mut reader = ObjectReader { store, path, size_bytes, checksums: None, bytes_read };
        let footer = cache.footer(&meta.path, Footer::load(&meta, reader.clone())).await?;
        reader.checksums = footer.checksums;
        Ok(Self { meta, reader, footer: footer.metadata, cache: cache.clone() })
    }

    /// The manifest's entry.
    #[must_use]
    pub fn meta(&self) -> &Arc<FileMeta> {
        &self.meta
    }

    /// Bytes that were read through this handle and its clones since this was last asked.
    #[must_use]
    pub fn take_bytes_read(&self) -> u64 {
        self.reader.bytes_read.swap(0, Ordering::Relaxed)
    }

    /// Number of row groups.
    #[must_use]
    pub fn row_group_count(&self) -> usize {
        self.footer.metadata().num_row_groups()
    }

    /// Rows of a row group.
    #[must_use]
    pub fn row_group_row_count(&self, row_group: usize) -> usize {
        usize::try_from(self.footer.metadata().row_group(row_group).num_rows()).unwrap_or(0)
    }

    /// Lower and upper bounds of the series keys of a row group, where the footer has them. The upper bound
    /// may be greater than every key.
    #[must_use]
    pub fn series_bounds(&self, row_group: usize) -> Option<(&str, &str)> {
        self.text_bounds(row_group, SERIES_COLUMN)
    }

    /// Lower and upper bounds of the texts that a row group has in the column with this stored name, where the footer has them. The
    /// upper bound may be greater than every text.
    #[must_use]
    pub fn text_bounds(&self, row_group: usize, column: &str) -> Option<(&str, &str)> {
        let stats = self.column(row_group, column)?.statistics()?;
        let text = |bytes| std::str::from_utf8(bytes).ok();
        Some((text(stats.min_bytes_opt()?)?, text(stats.max_bytes_opt()?)?))
    }

    /// The first and the last series key of a row group, where the footer has them in full.
    #[must_use]
    pub fn series_ends(&self, row_group: usize) -> Option<(&str, &str)> {
        let stats = self.column(row_group, SERIES_COLUMN)?.statistics()?;
        self.series_bounds(row_group).filter(|_| stats.min_is_exact() && stats.max_is_exact())
    }

    /// The times of a row group, where the footer has them.
    #[must_use]
    pub fn time_bounds(&self, row_group: usize) -> Option<TimeRange> {
        let Statistics::Int64(stats) = self.column(row_group, TIME_COLUMN)?.statistics()? else {
            return None;
        };
        Some(TimeRange::new(*stats.min_opt()?, stats.max_opt()?.checked_add(1)?))
    }

    /// Rows of a row group without a value of the column with this stored name, where the footer tells.
    #[must_use]
    pub fn null_count(&self, row_group: usize, column: &str) -> Option<usize> {
        match self.column(row_group, column) {
            Some(chunk) => usize::try_from(chunk.statistics()?.null_count_opt()?).ok(),
            None => Some(self.row_group_row_count(row_group)),
        }
    }

    fn column(&self, row_group: usize, name: &str) -> Option<&ColumnChunkMetaData> {
        let columns = self.footer.metadata().row_group(row_group).columns();
        columns.iter().find(|chunk| chunk.column_descr().name() == name)
    }

    /// The series of a row group with their rows, counted from the row group's start.
    ///
    /// # Errors
    /// When the column cannot be read.
    pub async fn series(&self, row_group: usize) -> Result<Arc<[SeriesRun]>, FileError> {
        self.cache.series(&self.meta.path, row_group, self.load_series(row_group)).await
    }

    async fn load_series(&self, row_group: usize) -> Result<Arc<[SeriesRun]>, FileError> {
        let mut batches = self.batches(row_group, &[SERIES_COLUMN], None)?;
        let mut runs: Vec<SeriesRun> = Vec::new();
        let mut row_count = 0;
        while let Some(batch) = batches.try_next().await? {
            let keys = batch.column(0).as_string_view();
            append_runs(&mut runs, keys, row_count);
            row_count += keys.len();
        }
        Ok(runs.into())
    }

    /// The rows of `selection` (ranges of rows within the row group, ascending, not touching) whose times lie in `times`.
    /// `series` is what [`ParquetFile::series`] gives for the row group. The fields are `fields` (stored name and type) in
    /// this order, null where the file lacks one. Every batch has at least one row; the stream may be empty.
    ///
    /// # Errors
    /// When the columns cannot be read.
    pub fn rows(
        &self,
        row_group: usize,
        series: Arc<[SeriesRun]>,
        selection: Vec<Range<usize>>,
        times: TimeRange,
        fields: Arc<[(Arc<str>, DataType)]>,
    ) -> Result<impl Stream<Item = Result<SortedRows, FileError>> + Send + use<>, FileError> {
        let mut names = vec![TIME_COLUMN];
        names.extend(fields.iter().map(|(name, _)| name.as_ref()));
        let batches = self.batches(row_group, &names, Some(&selection))?;
        let mut placed = Placement { series, ranges: selection, range: 0, row: None };
        let path = self.meta.path.clone();
        let all =
            times.start_ns <= self.meta.time_range.start_ns && times.end_ns >= self.meta.time_range.end_ns;
        Ok(batches.map(move |batch| {
            let wrong = |source: ArrowError| FileError::Parquet { path: path.clone(), source: source.into() };
            let rows = sorted_rows(&batch?, &mut placed, &fields).map_err(wrong)?;
            if all {
                return Ok(rows);
            }
            let ranges = rows.select(times, |_| true);
            rows.gather(&ranges).map_err(wrong)
        }))
        .map(|rows| rows.try_filter(|rows| std::future::ready(rows.row_count() > 0)))
    }

    fn batches(
        &self,
        row_group: usize,
        names: &[&str],
        selection: Option<&[Range<usize>]>,
    ) -> Result<impl Stream<Item = Result<RecordBatch, FileError>> + Send + Unpin + use<>, FileError> {
        let path = self.meta.path.clone();
        let wrong = move |source| FileError::Parquet { path: path.clone(), source };
        let schema = self.footer.parquet_schema();
        let names: AHashSet<&str> = names.iter().copied().collect();
        let roots = schema.root_schema().get_fields().iter().enumerate();
        let columns: Vec<usize> = roots.filter(|(_, f)| names.contains(f.name())).map(|(i, _)| i).collect();
        let mask = ProjectionMask::roots(schema, columns.iter().copied());
        let levels = parquet_to_arrow_field_levels(schema, mask, Some(self.footer.schema().fields()))
            .map_err(wrong.clone())?;
        let row_count =
            selection.map_or(self.row_group_row_count(row_group), |rows| rows.iter().map(Range::len).sum());
        let selection = selection.map(row_selection);
        let (reader, metadata) = (self.reader.clone(), Arc::clone(self.footer.metadata()));
        let open = async move {
            let pages =
                RowGroupPages::fetch(&reader, metadata, row_group, &columns, selection.as_ref()).await?;
            // The reader sets memory aside for a whole batch.
            let batch_rows = row_count.clamp(1, BATCH_ROWS);
            let batches =
                ParquetRecordBatchReader::try_new_with_row_groups(&levels, &pages, batch_rows, selection)?;
            Ok::<_, ParquetError>(stream::iter(batches.map(|batch| batch.map_err(ParquetError::from))))
        };
        Ok(stream::once(open).try_flatten().map_err(wrong).boxed())
    }
}

fn row_selection(ranges: &[Range<usize>]) -> RowSelection {
    let mut selectors = Vec::with_capacity(ranges.len() * 2);
    let mut row = 0;
    for range in ranges {
        if range.start > row {
            selectors.push(RowSelector::skip(range.start - row));
        }
        selectors.push(RowSelector::select(range.len()));
        row = range.end;
    }
    selectors.into()
}

/// Appends the runs of `keys`, which follow on `before` rows.
fn append_runs(runs: &mut Vec<SeriesRun>, keys: &StringViewArray, before: usize) {
    let views = keys.views();
    let mut start = 0;
    while start < keys.len() {
        let same_view = views[start..].iter().take_while(|v| **v == views[start]).count();
        let end = start + same_view;
        let end_row = u32::try_from(before + end).unwrap_or(u32::MAX);
        let key = keys.value(start);
        match runs.last_mut() {
            Some(last) if *last.key == *key => last.end_row = end_row,
            _ => runs.push(SeriesRun { key: key.into(), end_row }),
        }
        start = end;
    }
}

/// Where in the row group the next rows of the stream lie.
struct Placement {
    series: Arc<[SeriesRun]>,
    ranges: Vec<Range<usize>>,
    range: usize,
    row: Option<usize>,
}

impl Placement {
    /// The runs of the next `row_count` rows, counted from the first of them.
    fn next_runs(&mut self, row_count: usize) -> Vec<SeriesRun> {
        let mut runs: Vec<SeriesRun> = Vec::new();
        let mut done = 0;
        while done < row_count && self.range < self.ranges.len() {
            let range = self.ranges[self.range].clone();
            let start = self.row.unwrap_or(range.start);
            let end = range.end.min(start + row_count - done);
            let first = self.series.partition_point(|run| run.end_row as usize <= start);
            for run in self.series[first..].iter() {
                let run_end = (run.end_row as usize).min(end);
                let end_row = u32::try_from(done + run_end - start).unwrap_or(u32::MAX);
                match runs.last_mut() {
                    Some(last) if last.key == run.key => last.end_row = end_row,
                    _ => runs.push(SeriesRun { key: run.key.clone(), end_row }),
                }
                if run.end_row as usize >= end {
                    break;
                }
            }
            done += end - start;
            self.row = (end < range.end).then_some(end);
            self.range += usize::from(end == range.end);
        }
        runs
    }
}

fn sorted_rows(
    batch: &RecordBatch,
    placed: &mut Placement,
    fields: &[(Arc<str>, DataType)],
) -> Result<SortedRows, ArrowError> {
    let row_count = batch.num_rows();
    // There may be tens of thousands, so none is searched for.
    let names = batch.schema_ref().fields().iter().map(|field| field.name().as_str());
    let columns: AHashMap<&str, &ArrayRef> = names.zip(batch.columns()).collect();
    let times = columns
        .get(TIME_COLUMN)
        .and_then(|c| c.as_primitive_opt::<TimestampNanosecondType>())
        .ok_or_else(|| ArrowError::SchemaError(format!("no column {TIME_COLUMN:?} of timestamps")))?;
    let column = |(name, data_type): &(Arc<str>, DataType)| -> Result<ArrayRef, ArrowError> {
        match columns.get(&**name) {
            None => Ok(new_null_array(data_type, row_count)),
            Some(column) if column.data_type() == data_type => Ok(ArrayRef::clone(column)),
            Some(column) => Err(ArrowError::SchemaError(format!(
                "column {name:?} is {}, not {data_type}",
                column.data_type()
            ))),
        }
    };
    let fields = fields.iter().map(column).collect::<Result<_, _>>()?;
    let runs = placed.next_runs(row_count);
    if runs.last().map_or(0, |run| run.end_row as usize) != row_count {
        return Err(ArrowError::SchemaError("it has more rows than series keys".to_owned()));
    }
    Ok(SortedRows { runs, times_ns: times.values().clone(), fields })
}
