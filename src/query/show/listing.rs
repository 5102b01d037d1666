//! [`Listing`]: the rows of a SHOW statement.

use crate::model::result::ResultShape;
use crate::query::error::QueryError;
use arrow::array::{ArrayRef, BooleanArray, Int64Array, ListBuilder, StringViewArray, StringViewBuilder};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::record_batch::RecordBatch;
use std::sync::Arc;

/// Rows of a SHOW statement, and how to read them. Rows of one name are contiguous.
#[derive(Clone, Debug)]
pub struct Listing {
    /// How to read the rows. There is no time column.
    pub shape: ResultShape,
    /// All rows.
    pub batch: RecordBatch,
}

/// A column of a listing.
#[derive(Clone, Debug)]
pub(super) enum Column {
    /// Text.
    Text(Vec<String>),
    /// Text, or nothing in a row that only stands for its series.
    OptionalText(Vec<Option<String>>),
    /// Text that is shared.
    Shared(Vec<Arc<str>>),
    /// Several texts.
    Lists(Vec<Vec<Arc<str>>>),
    /// Whole numbers.
    Integer(Vec<i64>),
    /// True or false.
    Boolean(Vec<bool>),
}

impl Listing {
    /// Lines of text, in one column of a series without name.
    pub(in crate::query) fn lines(column: &str, lines: Vec<String>) -> Result<Self, QueryError> {
        Self::new(vec!["".into(); lines.len()], vec![(column, Column::Text(lines))])
    }

    /// A listing of named rows: per row the name of its series, empty for none, and per column its values.
    pub(super) fn new(names: Vec<Arc<str>>, columns: Vec<(&str, Column)>) -> Result<Self, QueryError> {
        Self::grouped(names, Vec::new(), columns)
    }

    /// The same with tags of the series: per tag its value in each row, empty where the series lacks it.
    pub(super) fn grouped(
        names: Vec<Arc<str>>,
        tags: Vec<(Arc<str>, Vec<String>)>,
        columns: Vec<(&str, Column)>,
    ) -> Result<Self, QueryError> {
        let mut arrays: Vec<ArrayRef> = vec![Arc::new(StringViewArray::from_iter_values(names))];
        let mut fields = vec![("iox::measurement", arrays[0].data_type().clone())];
        for (name, values) in &tags {
            arrays.push(Arc::new(StringViewArray::from_iter_values(values)));
            fields.push((&**name, DataType::Utf8View));
        }
        for (name, column) in &columns {
            arrays.push(match column {
                Column::Text(values) => Arc::new(StringViewArray::from_iter_values(values)),
                Column::OptionalText(values) => Arc::new(StringViewArray::from_iter(values)),
                Column::Shared(values) => Arc::new(StringViewArray::from_iter_values(values)),
                Column::Lists(values) => lists(values),
                Column::Integer(values) => Arc::new(Int64Array::from(values.clone())),
                Column::Boolean(values) => Arc::new(BooleanArray::from(values.clone())),
            });
            fields.push((*name, arrays[arrays.len() - 1].data_type().clone()));
        }
        let is_nullable = |column: &Column| matches!(column, Column::OptionalText(_));
        let nullable = std::iter::repeat_n(false, tags.len() + 1)
            .chain(columns.iter().map(|(_, column)| is_nullable(column)));
        let fields = fields.into_iter().zip(nullable);
        let fields = fields.map(|((name, data_type), nullable)| Field::new(name, data_type, nullable));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let batch = RecordBatch::try_new(Arc::clone(&schema), arrays)
            .map_err(|error| QueryError::Internal(error.into()))?;
        let first = tags.len() + 1;
        let shown = columns.iter().enumerate().map(|(i, (name, _))| (Arc::from(*name), i + first));
        let shape = ResultShape {
            schema,
            name: 0,
            group_tags: tags.iter().enumerate().map(|(i, (name, _))| (Arc::clone(name), i + 1)).collect(),
            columns: shown.collect(),
            time_zone: None,
        };
        Ok(Self { shape, batch })
    }
}

fn lists(rows: &[Vec<Arc<str>>]) -> ArrayRef {
    let mut builder = ListBuilder::new(StringViewBuilder::new());
    for texts in rows {
        texts.iter().for_each(|text| builder.values().append_value(text));
        builder.append(true);
    }
    Arc::new(builder.finish())
}

/// LIMIT and OFFSET; a limit of 0 is none.
pub(super) fn page<T>(rows: impl IntoIterator<Item = T>, limit: u64, offset: u64) -> impl Iterator<Item = T> {
    let count = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    rows.into_iter().skip(count(offset)).take(if limit == 0 { usize::MAX } else { count(limit) })
}
