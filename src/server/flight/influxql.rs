//! InfluxQL results as InfluxDB 3's clients read them.
//!
//! A result has no series here: `iox::measurement`, the time and the `GROUP BY` tags are columns before those of the
//! SELECT. Metadata of the schema says which columns are the group's, metadata of the fields which columns are tags,
//! fields or the time. Example, of `SELECT mean(temp) FROM weather GROUP BY origin`:
//!
//! | iox::measurement | time | origin | mean |
//! |---|---|---|---|
//! | weather | 1970-01-01T00:00:00 | EWR | 55.5 |
//! | weather | 1970-01-01T00:00:00 | JFK | 54.4 |

use super::run::Rows;
use crate::model::result::ResultShape;
use crate::query::{QueryError, ResultStream};
use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use futures::StreamExt;
use serde::Serialize;
use std::collections::HashMap;
use std::sync::Arc;

/// The first column.
const MEASUREMENT_COLUMN: &str = "iox::measurement";
/// The key of the schema's metadata.
const GROUP_KEY: &str = "iox::influxql::group_key::metadata";
/// The key of a field's metadata.
const COLUMN_TYPE: &str = "iox::column::type";

/// What clients are told of the `GROUP BY` tags, as JSON.
#[derive(Serialize)]
struct GroupKey<'a> {
    measurement_column_index: usize,
    tag_key_columns: Vec<TagKeyColumn<'a>>,
}

#[derive(Serialize)]
struct TagKeyColumn<'a> {
    tag_key: &'a str,
    column_index: usize,
    /// Whether the SELECT names the tag too.
    is_projected: bool,
}

/// The result as one table. `has_fields` says whether it is of points, not of names.
pub(super) fn arrow_rows(result: ResultStream, has_fields: bool) -> Rows {
    let ResultStream { shape, batches } = result;
    let (sources, schema) = columns(&shape, has_fields);
    let target = Arc::clone(&schema);
    let batches = batches.map(move |batch| {
        select(&batch?, &sources, &target).map_err(|error| QueryError::Internal(error.into()))
    });
    Rows { schema, batches: batches.boxed() }
}

/// Which columns of the result's batches become columns of the table, and the table's schema.
fn columns(shape: &ResultShape, has_fields: bool) -> (Vec<usize>, SchemaRef) {
    if shape.schema.fields().is_empty() {
        let measurement = Field::new(MEASUREMENT_COLUMN, DataType::Utf8, false);
        return (Vec::new(), Arc::new(Schema::new(vec![measurement])));
    }
    let data_type = |index: usize| shape.schema.field(index).data_type();
    let is_time = |index: usize| matches!(data_type(index), DataType::Timestamp(..));
    let is_tag = |index: usize| *data_type(index) == DataType::Utf8View;
    let group: Vec<(&str, usize)> = shape.group_tags.iter().map(|(name, index)| (&**name, *index)).collect();
    let is_projected = |tag: &str| shape.columns.iter().any(|(name, index)| &**name == tag && is_tag(*index));

    let mut sources = vec![shape.name];
    let mut fields = vec![Field::new(MEASUREMENT_COLUMN, DataType::Utf8, false)];
    let mut push = |name: &str, index: usize| {
        sources.push(index);
        let field = Field::new(name, plain_type(data_type(index)), true);
        let kind = if has_fields { column_type(data_type(index)) } else { None };
        fields.push(match kind {
            Some(kind) => field.with_metadata(HashMap::from([(COLUMN_TYPE.to_owned(), kind.to_owned())])),
            None => field,
        });
    };
    let time_count = usize::from(shape.columns.first().is_some_and(|(_, index)| is_time(*index)));
    let (time, values) = shape.columns.split_at(time_count);
    for (name, index) in time {
        push(name, *index);
    }
    for (name, index) in &group {
        push(name, *index);
    }
    for (name, index) in values {
        let is_in_group = is_tag(*index) && group.iter().any(|(tag, _)| *tag == &**name);
        if !is_in_group {
            push(name, *index);
        }
    }
    let tag_key_columns = group.iter().enumerate().map(|(position, (tag, _))| TagKeyColumn {
        tag_key: tag,
        column_index: 1 + time_count + position,
        is_projected: is_projected(tag),
    });
    let group_key = GroupKey { measurement_column_index: 0, tag_key_columns: tag_key_columns.collect() };
    let group_key = serde_json::to_string(&group_key).expect("names and numbers are JSON");
    let metadata = HashMap::from([(GROUP_KEY.to_owned(), group_key)]);
    (sources, Arc::new(Schema::new_with_metadata(fields, metadata)))
}

/// The kind of a SELECT's column. Tags are the only views among them.
fn column_type(data_type: &DataType) -> Option<&'static str> {
    Some(match data_type {
        DataType::Timestamp(..) => "iox::column_type::timestamp",
        DataType::Utf8View => "iox::column_type::tag",
        DataType::Float64 => "iox::column_type::field::float",
        DataType::Int64 => "iox::column_type::field::integer",
        DataType::UInt64 => "iox::column_type::field::uinteger",
        DataType::Utf8 => "iox::column_type::field::string",
        DataType::Boolean => "iox::column_type::field::boolean",
        _ => return None,
    })
}

/// Clients know few types of strings.
fn plain_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Utf8View | DataType::LargeUtf8 => DataType::Utf8,
        other => other.clone(),
    }
}

fn select(batch: &RecordBatch, sources: &[usize], schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let columns = sources
        .iter()
        .zip(schema.fields())
        .map(|(index, field)| cast(batch.column(*index), field.data_type()));
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns.collect::<Result<_, _>>()?, &options)
}
