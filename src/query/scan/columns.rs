//! Which columns a scan has, and making them of sorted rows.

use crate::merge::{SortedRows, series_column, tag_columns};
use crate::model::schema::{ColumnKind, SERIES_COLUMN, TIME_COLUMN, TableSchema, time_type};
use crate::query::exec::run_aggregate_rule::{ROW_ORDER_KEY, ROW_ORDER_SERIES};
use ahash::AHashSet;
use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, TimestampNanosecondArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use std::sync::Arc;

/// Where a column of a scan comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// The series key.
    Series,
    /// The timestamp.
    Time,
    /// A tag, by the name users know.
    Tag(Arc<str>),
    /// A field, by its stored name.
    Field(Arc<str>),
}

/// A column of a scan.
#[derive(Clone, Debug)]
pub(super) struct ScanColumn {
    pub(super) field: Arc<Field>,
    pub(super) origin: Origin,
}

/// The columns that queries see of a table: `__series` where it is wanted, `time`, tags, fields; strings of
/// series key and tags as `Utf8View`.
pub(super) fn scan_columns(schema: &TableSchema, with_series: bool) -> Vec<ScanColumn> {
    let column = |name: &str, data_type, nullable, origin| ScanColumn {
        field: Arc::new(Field::new(name, data_type, nullable)),
        origin,
    };
    let series = with_series.then(|| column(SERIES_COLUMN, DataType::Utf8View, false, Origin::Series));
    let time = column(TIME_COLUMN, time_type(), false, Origin::Time);
    let others = schema.columns().iter().map(|c| match c.kind {
        ColumnKind::Tag => column(&c.stored_name, DataType::Utf8View, true, Origin::Tag(c.name.clone())),
        ColumnKind::Field(t) => {
            column(&c.stored_name, t.data_type(), true, Origin::Field(c.stored_name.clone()))
        }
    });
    series.into_iter().chain([time]).chain(others).collect()
}

/// The Arrow schema of `columns`. It says that rows of a series lie together, which lets aggregations work by run.
pub(super) fn arrow_schema(columns: &[ScanColumn]) -> SchemaRef {
    let order = (ROW_ORDER_KEY.to_owned(), ROW_ORDER_SERIES.to_owned());
    let fields: Vec<_> = columns.iter().map(|c| c.field.clone()).collect();
    Arc::new(Schema::new(fields).with_metadata([order].into()))
}

/// The columns of one scan, and which fields must be read for them.
#[derive(Clone, Debug)]
pub(super) struct Projection {
    pub(super) schema: SchemaRef,
    columns: Vec<Origin>,
    /// Stored names and types of the fields that are read, each once: first those of the columns, in their order.
    pub(super) fields: Arc<[(Arc<str>, DataType)]>,
}

impl Projection {
    /// `columns`, for which `others` are read too.
    pub(super) fn new<'a>(
        columns: &'a [ScanColumn],
        others: impl IntoIterator<Item = &'a ScanColumn>,
    ) -> Self {
        let mut fields: Vec<(Arc<str>, DataType)> = Vec::new();
        let mut known = AHashSet::new();
        for column in columns.iter().chain(others) {
            if let Origin::Field(name) = &column.origin
                && known.insert(name)
            {
                fields.push((name.clone(), column.field.data_type().clone()));
            }
        }
        Self {
            schema: arrow_schema(columns),
            columns: columns.iter().map(|c| c.origin.clone()).collect(),
            fields: fields.into(),
        }
    }

    /// The types of [`Projection::fields`].
    pub(super) fn field_types(&self) -> Vec<DataType> {
        self.fields.iter().map(|(_, data_type)| data_type.clone()).collect()
    }

    /// The columns of `rows`, whose fields are [`Projection::fields`], or at least begin with those of the columns.
    pub(super) fn batch(&self, rows: &SortedRows) -> Result<RecordBatch, ArrowError> {
        let tags: Vec<&str> = self
            .columns
            .iter()
            .filter_map(|c| if let Origin::Tag(t) = c { Some(&**t) } else { None })
            .collect();
        let mut tags = tag_columns(&rows.runs, &tags).into_iter();
        let mut fields = rows.fields.iter();
        let missing = || ArrowError::SchemaError("rows have fewer fields than were asked for".to_owned());
        let columns = self.columns.iter().map(|column| -> Result<ArrayRef, ArrowError> {
            Ok(match column {
                Origin::Series => Arc::new(series_column(&rows.runs)),
                Origin::Time => Arc::new(TimestampNanosecondArray::new(rows.times_ns.clone(), None)),
                Origin::Tag(_) => Arc::new(tags.next().ok_or_else(missing)?),
                Origin::Field(_) => fields.next().ok_or_else(missing)?.clone(),
            })
        });
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows.row_count()));
        RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)
    }
}
