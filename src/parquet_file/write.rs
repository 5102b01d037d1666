//! Sorted rows → the bytes of a Parquet file and what the manifest keeps of it.

use super::checksums::{self, BodyChecksums};
use crate::merge::{SeriesRun, SortedRows, series_column, tag_columns, tag_values};
use crate::model::file::{FileEnd, FileMeta};
use crate::model::ids::{Sequence, TableId};
use crate::model::limits::{ROW_GROUP_ROWS, TAG_SUMMARY_BYTES_MAX, TAG_SUMMARY_VALUES_MAX};
use crate::model::schema::{Column, ColumnKind, SERIES_COLUMN, TIME_COLUMN, time_type};
use crate::model::time::TimeRange;
use crate::model::value::FieldType;
use ahash::AHashSet;
use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, TimestampNanosecondArray};
use arrow::datatypes::{DataType, Field, Float64Type, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::{KeyValue, SortingColumn};
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder};
use parquet::schema::types::ColumnPath;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Rows of a data page: what a reader of one series decodes at least.
const PAGE_ROWS_MAX: usize = 16_384;

/// Bytes of a text up to which a row group's statistics have it in full: series keys mostly are shorter.
const STATISTICS_BYTES_MAX: usize = 1_024;

/// The distinct floats of a row group up to which a dictionary is chosen: a tenth of the rows of a small one.
const DICTIONARY_VALUES_MAX: f64 = ROW_GROUP_ROWS as f64 / 10.0;

/// A column that a file shall have.
pub type FileColumn = Column;

/// What a file is about, known before its rows.
#[derive(Clone, Debug)]
pub struct FileSpec {
    /// Where the file will be stored, below the store's root.
    pub path: Arc<str>,
    /// The table.
    pub table: TableId,
    /// The window that all rows lie in.
    pub window: TimeRange,
    /// The oldest and the newest write in the file.
    pub sequences: (Sequence, Sequence),
    /// See [`FileMeta::level`].
    pub level: u8,
    /// See [`FileMeta::purged`].
    pub purged: Vec<Arc<str>>,
    /// The time of writing, in nanoseconds since the epoch.
    pub created_ns: i64,
    /// The columns besides series key and time: the tags, then the fields in the order of the rows.
    pub columns: Vec<FileColumn>,
    /// Rows of a row group; the last has what is left.
    pub row_group_rows: usize,
    /// Level of zstd compression.
    pub zstd_level: i32,
}

/// A complete file.
#[derive(Debug)]
pub struct WrittenFile {
    /// The object's bytes, without those that [`FileWriter::take_bytes`] gave out before.
    pub bytes: Vec<u8>,
    /// The manifest's entry.
    pub meta: FileMeta,
}

/// Writes one file, row group by row group. Holds in memory one row group, encoded, and those before it until
/// [`FileWriter::take_bytes`] takes them.
pub struct FileWriter {
    spec: FileSpec,
    schema: SchemaRef,
    writer: Option<ArrowWriter<Vec<u8>>>,
    bytes_taken: usize,
    /// Of the bytes that were taken.
    checksums: BodyChecksums,
    summary: Summary,
}

impl FileWriter {
    /// A writer for the file of `spec`.
    #[must_use]
    pub fn new(spec: FileSpec) -> Self {
        let fixed = [
            Field::new(SERIES_COLUMN, DataType::Utf8View, false),
            Field::new(TIME_COLUMN, time_type(), false),
        ];
        let columns = spec.columns.iter().map(|c| match c.kind {
            ColumnKind::Tag => Field::new(c.stored_name.as_ref(), DataType::Utf8View, true),
            ColumnKind::Field(_) => c.arrow_field(),
        });
        let schema = Arc::new(Schema::new(fixed.into_iter().chain(columns).collect::<Vec<_>>()));
        Self {
            summary: Summary::new(&spec),
            spec,
            schema,
            writer: None,
            bytes_taken: 0,
            checksums: BodyChecksums::default(),
        }
    }

    /// Appends rows, which must come after all earlier ones. Their fields are the spec's, in order.
    ///
    /// # Errors
    /// When a column does not have the type that the spec says.
    pub fn write(&mut self, rows: &SortedRows) -> Result<(), ParquetError> {
        rows.assert_sorted();
        let batch = self.record_batch(rows)?;
        self.summary.add(rows);
        let writer = match &mut self.writer {
            Some(writer) => writer,
            none => {
                let options = ArrowWriterOptions::new()
                    .with_properties(properties(&self.spec, rows))
                    .with_skip_arrow_metadata(true);
                none.insert(ArrowWriter::try_new_with_options(Vec::new(), self.schema.clone(), options)?)
            }
        };
        writer.write(&batch)
    }

    fn record_batch(&self, rows: &SortedRows) -> Result<RecordBatch, ParquetError> {
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(series_column(&rows.runs)),
            Arc::new(TimestampNanosecondArray::new(rows.times_ns.clone(), None)),
        ];
        let names = self.summary.tag_names();
        columns.extend(tag_columns(&rows.runs, &names).into_iter().map(|c| Arc::new(c) as ArrayRef));
        columns.extend(rows.fields.iter().cloned());
        Ok(RecordBatch::try_new(self.schema.clone(), columns)?)
    }

    /// The bytes that are complete, after those that were taken before. Empty between the ends of row groups.
    pub fn take_bytes(&mut self) -> Vec<u8> {
        let bytes = self.writer.as_mut().map(|writer| std::mem::take(writer.inner_mut())).unwrap_or_default();
        self.bytes_taken += bytes.len();
        self.checksums.append(&bytes);
        bytes
    }

    /// About how large the file would be if it ended here.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        self.writer.as_ref().map_or(0, |writer| writer.bytes_written() + writer.in_progress_size())
    }

    /// Completes the file, or gives `None` when no row was written.
    ///
    /// # Errors
    /// When the last row group cannot be encoded.
    pub fn finish(mut self) -> Result<Option<WrittenFile>, ParquetError> {
        let (Some(mut writer), Some(time_range)) = (self.writer, self.summary.time_range) else {
            return Ok(None);
        };
        writer.flush()?;
        writer.sync()?;
        let body_left = writer.inner().len();
        self.checksums.append(writer.inner());
        let checksums = KeyValue::new(checksums::METADATA_KEY.to_owned(), self.checksums.encode());
        writer.append_key_value_metadata(checksums);
        let bytes = writer.into_inner()?;
        let end = checksums::end_of(&bytes[body_left..]);
        let size_bytes = (self.bytes_taken + bytes.len()) as u64;
        let meta = self.summary.into_meta(self.spec, time_range, size_bytes, end);
        Ok(Some(WrittenFile { bytes, meta }))
    }
}

/// What the manifest will know of the rows.
struct Summary {
    tags: Vec<TagSummary>,
    fields: Vec<(Arc<str>, bool)>,
    time_range: Option<TimeRange>,
    series_min: Option<Arc<str>>,
    series_max: Option<Arc<str>>,
    series_count: u64,
    row_count: u64,
}

struct TagSummary {
    name: Arc<str>,
    stored_name: Arc<str>,
    /// `None` once there were too many.
    values: Option<BTreeSet<Arc<str>>>,
    bytes: usize,
    has_value: bool,
}

impl Summary {
    fn new(spec: &FileSpec) -> Self {
        let (tags, fields): (Vec<_>, Vec<_>) = spec.columns.iter().partition(|c| c.kind == ColumnKind::Tag);
        assert!(spec.columns.iter().zip(&tags).all(|(a, b)| a == *b), "tags come before fields");
        let tag = |c: &Column| TagSummary {
            name: c.name.clone(),
            stored_name: c.stored_name.clone(),
            values: Some(BTreeSet::new()),
            bytes: 0,
            has_value: false,
        };
        Self {
            tags: tags.into_iter().map(tag).collect(),
            fields: fields.into_iter().map(|c| (c.stored_name.clone(), false)).collect(),
            time_range: None,
            series_min: None,
            series_max: None,
            series_count: 0,
            row_count: 0,
        }
    }

    fn tag_names(&self) -> Vec<&str> {
        self.tags.iter().map(|t| t.name.as_ref()).collect()
    }

    fn add(&mut self, rows: &SortedRows) {
        let Some(range) = rows.time_range() else { return };
        let joined = self.time_range.map_or(range, |all| all.hull(&range));
        self.time_range = Some(joined);
        self.row_count += rows.row_count() as u64;
        for (field, column) in self.fields.iter_mut().zip(&rows.fields) {
            field.1 |= column.null_count() < column.len();
        }
        let continues = rows.runs.first().is_some_and(|run| self.series_max.as_ref() == Some(&run.key));
        let new_runs: &[SeriesRun] = &rows.runs[usize::from(continues)..];
        self.series_count += new_runs.len() as u64;
        self.series_min.get_or_insert_with(|| rows.runs[0].key.clone());
        self.series_max = rows.runs.last().map(|run| run.key.clone());
        let values = tag_values(new_runs, &self.tag_names());
        for (tag, values) in self.tags.iter_mut().zip(values) {
            values.iter().for_each(|value| tag.add(value));
        }
    }

    fn into_meta(self, spec: FileSpec, time_range: TimeRange, size_bytes: u64, end: FileEnd) -> FileMeta {
        let mut columns: Vec<Arc<str>> =
            self.tags.iter().filter(|t| t.has_value).map(|t| t.stored_name.clone()).collect();
        columns.extend(self.fields.into_iter().filter(|(_, has_value)| *has_value).map(|(name, _)| name));
        let tag_values: BTreeMap<_, _> = self
            .tags
            .into_iter()
            .filter_map(|tag| Some((tag.stored_name, tag.values?.into_iter().collect())))
            .collect();
        FileMeta {
            path: spec.path,
            table: spec.table,
            window: spec.window,
            time_range,
            series_min: self.series_min.unwrap_or_default(),
            series_max: self.series_max.unwrap_or_default(),
            series_count: self.series_count,
            row_count: self.row_count,
            size_bytes,
            sequence_min: spec.sequences.0,
            sequence_max: spec.sequences.1,
            level: spec.level,
            created_ns: spec.created_ns,
            purged: spec.purged,
            columns,
            tag_values,
            end: Some(end),
        }
    }
}

impl TagSummary {
    fn add(&mut self, value: Option<&str>) {
        self.has_value |= value.is_some();
        let value = value.unwrap_or("");
        let Some(values) = &mut self.values else { return };
        if values.contains(value) {
            return;
        }
        self.bytes += value.len();
        values.insert(value.into());
        if values.len() > TAG_SUMMARY_VALUES_MAX || self.bytes > TAG_SUMMARY_BYTES_MAX {
            self.values = None;
        }
    }
}

/// Compression and encodings; the module documentation has the table.
fn properties(spec: &FileSpec, first_rows: &SortedRows) -> WriterProperties {
    let entry = |key: &str, value: String| KeyValue::new(key.to_owned(), value);
    let sequences = format!("{}-{}", spec.sequences.0, spec.sequences.1);
    let ascending = |column_idx| SortingColumn { column_idx, descending: false, nulls_first: false };
    let zstd = ZstdLevel::try_new(spec.zstd_level).unwrap_or_default();
    let mut builder = WriterProperties::builder()
        .set_created_by(concat!("tidegauge ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_compression(Compression::ZSTD(zstd))
        .set_max_row_group_row_count(Some(spec.row_group_rows))
        .set_data_page_row_count_limit(PAGE_ROWS_MAX)
        .set_statistics_truncate_length(Some(STATISTICS_BYTES_MAX))
        .set_sorting_columns(Some(vec![ascending(0), ascending(1)]))
        .set_key_value_metadata(Some(vec![
            entry("tidegauge.version", env!("CARGO_PKG_VERSION").to_owned()),
            entry("tidegauge.table", spec.table.to_string()),
            entry("tidegauge.sequences", sequences),
            entry("tidegauge.deduplicated", "true".to_owned()),
        ]))
        .set_column_dictionary_enabled(path(TIME_COLUMN), false)
        .set_column_encoding(path(TIME_COLUMN), Encoding::DELTA_BINARY_PACKED);
    let fields = spec.columns.iter().filter_map(|c| Some((c, c.field_type()?)));
    for ((column, field_type), values) in fields.zip(&first_rows.fields) {
        builder = encode_field(builder, path(&column.stored_name), field_type, values);
    }
    builder.build()
}

/// A column's path. Names may hold dots, so they must not be parsed as one.
fn path(name: &str) -> ColumnPath {
    ColumnPath::new(vec![name.to_owned()])
}

fn encode_field(
    builder: WriterPropertiesBuilder,
    path: ColumnPath,
    field_type: FieldType,
    sample: &ArrayRef,
) -> WriterPropertiesBuilder {
    match field_type {
        FieldType::Integer | FieldType::Unsigned => builder
            .set_column_dictionary_enabled(path.clone(), false)
            .set_column_encoding(path, Encoding::DELTA_BINARY_PACKED),
        FieldType::Float if !few_distinct(sample) => builder
            .set_column_dictionary_enabled(path.clone(), false)
            .set_column_encoding(path, Encoding::BYTE_STREAM_SPLIT),
        FieldType::Boolean => builder.set_column_dictionary_enabled(path, false),
        FieldType::Float | FieldType::String => builder,
    }
}

/// Whether a dictionary of the floats of a row group that begins with these would be small beside them.
fn few_distinct(sample: &ArrayRef) -> bool {
    let Some(floats) = sample.as_primitive_opt::<Float64Type>() else { return false };
    let mut bits = floats.iter().flatten().map(f64::to_bits);
    let half = (floats.len() - floats.null_count()) / 2;
    let mut distinct: AHashSet<u64> = bits.by_ref().take(half).collect();
    let of_half = distinct.len();
    distinct.extend(bits.take(half));
    distinct_expected(of_half, distinct.len() - of_half) <= DICTIONARY_VALUES_MAX
}

/// An estimate of the number of distinct values, when `of_half` were found among the first half of a sample and `further`
/// more in the second half. Infinite when the second half brought as many new ones as the first: then hardly any value
/// comes again.
///
/// Of `n` values drawn from `d`, about `d (1 − q)` are distinct, with `q = exp(−n ÷ d)`; of `2n`, `d (1 − q²)`: the further ones
/// divided by the first are `q`.
#[expect(clippy::cast_precision_loss, reason = "an estimate")]
fn distinct_expected(of_half: usize, further: usize) -> f64 {
    let (of_half, further) = (of_half as f64, further as f64);
    if further < of_half { of_half / (1.0 - further / of_half) } else { f64::INFINITY }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::Float64Array;

    /// Whether a dictionary is chosen for 8,000 values, by their numbers.
    fn few(value: impl Fn(u64) -> u64) -> bool {
        let values = (0..8_000).map(|number| Some(value(number) as f64 / 10.0));
        few_distinct(&(Arc::new(values.collect::<Float64Array>()) as ArrayRef))
    }

    /// The number's value of so many, as if drawn.
    fn drawn_of(count: u64) -> impl Fn(u64) -> u64 {
        move |number| {
            (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20).wrapping_mul(0xd134_2543_de82_ef95) % count
        }
    }

    #[test]
    fn a_dictionary_is_for_values_that_come_again() {
        assert!(few(|_| 7));
        assert!(few(drawn_of(1_000)), "an eighth of the sample");
        assert!(few(drawn_of(5_000)), "most of the sample");
        assert!(!few(drawn_of(50_000)), "too many, though each comes again");
        assert!(!few(|number| number));
        assert!(!few(|number| number / 10), "a counter that stands still now and then");
        assert!(!few_distinct(&(Arc::new(Float64Array::new_null(100)) as ArrayRef)));
    }
}
