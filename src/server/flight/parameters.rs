//! Values for the placeholders of a query, from JSON or from a record batch of one row.
//!
//! In a batch a value has a name and a position, counted from 1: `$host` finds it by the one, `$1` and `?` by the
//! other. Values are kept in few types, those that clients have: they have to fit into handles.

use crate::query::SqlParameters;
use ::influxql::{InvalidParam, ParamValue, Params};
use arrow::array::{Array, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit};
use arrow::error::ArrowError;
use datafusion::common::ScalarValue;
use std::collections::HashMap;

/// A value under a name, or under its position. Null when it has no value.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Parameter {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(oneof = "Value", tags = "2, 3, 4, 5, 6, 7")]
    value: Option<Value>,
}

/// A value.
#[derive(Clone, PartialEq, prost::Oneof)]
enum Value {
    #[prost(bool, tag = "2")]
    Boolean(bool),
    #[prost(sint64, tag = "3")]
    Integer(i64),
    #[prost(uint64, tag = "4")]
    Unsigned(u64),
    #[prost(double, tag = "5")]
    Float(f64),
    #[prost(string, tag = "6")]
    Text(String),
    #[prost(sint64, tag = "7")]
    TimestampNs(i64),
}

/// Values that cannot be bound.
#[derive(Debug, thiserror::Error)]
pub(super) enum ParametersError {
    #[error("the parameter '{name}' is of type {kind}, which is not supported")]
    Type { name: String, kind: String },
    #[error("the parameters have {0} rows; one row is supported")]
    RowCount(usize),
    #[error("cannot read the parameter '{name}': {source}")]
    Unreadable { name: String, source: ArrowError },
}

/// The values of a JSON object, by name.
pub(super) fn of_json(
    members: serde_json::Map<String, serde_json::Value>,
) -> Result<Vec<Parameter>, ParametersError> {
    use serde_json::Value as Json;
    let parameter = |(name, value): (String, Json)| {
        let value = match value {
            Json::Null => None,
            Json::Bool(value) => Some(Value::Boolean(value)),
            Json::String(text) => Some(Value::Text(text)),
            Json::Number(number) => match (number.as_i64(), number.as_u64()) {
                (Some(number), _) => Some(Value::Integer(number)),
                (None, Some(number)) => Some(Value::Unsigned(number)),
                (None, None) => number.as_f64().map(Value::Float),
            },
            Json::Array(_) => return Err(ParametersError::Type { name, kind: "array".to_owned() }),
            Json::Object(_) => return Err(ParametersError::Type { name, kind: "object".to_owned() }),
        };
        Ok(Parameter { name, value })
    };
    members.into_iter().map(parameter).collect()
}

/// The values of the only row of a batch, by position and by name. Where a name looks like a position, the position
/// counts.
pub(super) fn of_batch(batch: &RecordBatch) -> Result<Vec<Parameter>, ParametersError> {
    if batch.num_rows() != 1 {
        return Err(ParametersError::RowCount(batch.num_rows()));
    }
    let (mut by_position, mut by_name) = (Vec::new(), Vec::new());
    for (position, (field, column)) in batch.schema().fields().iter().zip(batch.columns()).enumerate() {
        let value = value_of(field.name(), column.as_ref())?;
        by_name.push(Parameter { name: field.name().clone(), value: value.clone() });
        by_position.push(Parameter { name: (position + 1).to_string(), value });
    }
    // Of parameters with the same name the last one counts.
    Ok(by_name.into_iter().chain(by_position).collect())
}

/// The only value of a column.
fn value_of(name: &str, column: &dyn Array) -> Result<Option<Value>, ParametersError> {
    let unreadable = |source| ParametersError::Unreadable { name: name.to_owned(), source };
    let as_type = |wanted: &DataType| {
        let column = cast(column, wanted).map_err(unreadable)?;
        ScalarValue::try_from_array(&column, 0)
            .map_err(|e| unreadable(ArrowError::ExternalError(Box::new(e))))
    };
    let data_type = match column.data_type() {
        DataType::Dictionary(_, value) => value.as_ref(),
        data_type => data_type,
    };
    let value = match data_type {
        DataType::Null => return Ok(None),
        DataType::Boolean => as_type(&DataType::Boolean)?,
        kind if kind.is_signed_integer() => as_type(&DataType::Int64)?,
        kind if kind.is_unsigned_integer() => as_type(&DataType::UInt64)?,
        kind if kind.is_floating() => as_type(&DataType::Float64)?,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => as_type(&DataType::Utf8)?,
        DataType::Timestamp(_, zone) => as_type(&DataType::Timestamp(TimeUnit::Nanosecond, zone.clone()))?,
        DataType::Date32 | DataType::Date64 => as_type(&DataType::Timestamp(TimeUnit::Nanosecond, None))?,
        kind => return Err(ParametersError::Type { name: name.to_owned(), kind: kind.to_string() }),
    };
    Ok(match value {
        ScalarValue::Boolean(value) => value.map(Value::Boolean),
        ScalarValue::Int64(value) => value.map(Value::Integer),
        ScalarValue::UInt64(value) => value.map(Value::Unsigned),
        ScalarValue::Float64(value) => value.map(Value::Float),
        ScalarValue::Utf8(value) => value.map(Value::Text),
        ScalarValue::TimestampNanosecond(value, _) => value.map(Value::TimestampNs),
        _ => None,
    })
}

/// The values for SQL, if there are any.
pub(super) fn sql(parameters: &[Parameter]) -> Option<SqlParameters> {
    let value = |parameter: &Parameter| {
        let value = match parameter.value.clone() {
            None => ScalarValue::Null,
            Some(Value::Boolean(value)) => ScalarValue::Boolean(Some(value)),
            Some(Value::Integer(value)) => ScalarValue::Int64(Some(value)),
            Some(Value::Unsigned(value)) => ScalarValue::UInt64(Some(value)),
            Some(Value::Float(value)) => ScalarValue::Float64(Some(value)),
            Some(Value::Text(value)) => ScalarValue::Utf8(Some(value)),
            Some(Value::TimestampNs(value)) => ScalarValue::TimestampNanosecond(Some(value), None),
        };
        (parameter.name.clone(), value)
    };
    let values: HashMap<String, ScalarValue> = parameters.iter().map(value).collect();
    (!values.is_empty()).then(|| SqlParameters::from(values))
}

/// The values for InfluxQL. It complains about one that it cannot take only where that is used.
pub(super) fn influxql(parameters: &[Parameter]) -> Params {
    let value = |parameter: &Parameter| {
        let unknown = |kind: &str| ParamValue::Invalid(InvalidParam::UnknownType(kind.to_owned()));
        let value = match parameter.value.clone() {
            None => ParamValue::Invalid(InvalidParam::Null),
            Some(Value::Boolean(value)) => ParamValue::Boolean(value),
            Some(Value::Integer(value)) => ParamValue::Integer(value),
            Some(Value::Unsigned(value)) => {
                i64::try_from(value).map_or_else(|_| unknown("unsigned"), ParamValue::Integer)
            }
            Some(Value::Float(value)) => ParamValue::Float(value),
            Some(Value::Text(value)) => ParamValue::String(value),
            Some(Value::TimestampNs(_)) => unknown("timestamp"),
        };
        (parameter.name.clone(), value)
    };
    parameters.iter().map(value).collect()
}
