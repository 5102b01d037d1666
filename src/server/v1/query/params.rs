//! Bind parameters: the JSON object `params` of a request as values of the language.
//!
//! A string, a number or a boolean stands for itself; an object with one entry names the type of its value. A value
//! that cannot be bound is reported by the parser, where it is used.

use super::go_json::{self, Value};
use influxql::{InvalidParam, ParamValue, Params};
use std::collections::BTreeMap;

/// Why `params` cannot be read. Displays as InfluxDB 1.x's text.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ParamsError {
    #[error("error parsing query parameters: {0}")]
    Syntax(String),
    #[error("error parsing json value: strconv.{function}: parsing \"{text}\": {reason}")]
    Number { function: &'static str, text: String, reason: &'static str },
}

/// The parameters in `text`; none when it is empty.
pub(super) fn bind_parameters(text: &str) -> Result<Params, ParamsError> {
    if text.is_empty() {
        return Ok(Params::new());
    }
    let kind = match go_json::parse(text).map_err(ParamsError::Syntax)? {
        Value::Object(members) => {
            // What another one of the same name replaces is not looked at.
            let members: BTreeMap<String, Value<'_>> = members.into_iter().collect();
            return members.into_iter().map(|(k, v)| Ok((k, top_value(v)?))).collect();
        }
        Value::Null => return Ok(Params::new()),
        Value::Array => "array",
        Value::Text(_) => "string",
        Value::Number(_) => "number",
        Value::Boolean(_) => "bool",
    };
    Err(ParamsError::Syntax(format!(
        "json: cannot unmarshal {kind} into Go value of type map[string]interface {{}}"
    )))
}

fn top_value(value: Value<'_>) -> Result<ParamValue, ParamsError> {
    Ok(match value {
        Value::Null => ParamValue::Invalid(InvalidParam::Null),
        Value::Array => ParamValue::Invalid(InvalidParam::Array),
        Value::Boolean(value) => ParamValue::Boolean(value),
        Value::Text(text) => ParamValue::String(text),
        Value::Number(text) => number(text)?,
        Value::Object(members) => typed_value(members),
    })
}

/// A number with a point is a float, any other an integer; `1e3` is neither in InfluxDB 1.x.
fn number(text: &str) -> Result<ParamValue, ParamsError> {
    const OUT_OF_RANGE: &str = "value out of range";
    let error = |function, reason| ParamsError::Number { function, text: text.to_owned(), reason };
    if text.contains('.') {
        let value: f64 = text.parse().map_err(|_| error("ParseFloat", "invalid syntax"))?;
        return if value.is_finite() {
            Ok(ParamValue::Float(value))
        } else {
            Err(error("ParseFloat", OUT_OF_RANGE))
        };
    }
    let is_integer = !text.contains(['e', 'E']);
    let reason = if is_integer { OUT_OF_RANGE } else { "invalid syntax" };
    text.parse().map(ParamValue::Integer).map_err(|_| error("ParseInt", reason))
}

/// `{"type": value}`
fn typed_value(mut members: Vec<(String, Value<'_>)>) -> ParamValue {
    let (kind, value) = match members.pop() {
        Some((kind, value)) if members.iter().all(|(name, _)| *name == kind) => (kind, value),
        _ => return ParamValue::Invalid(InvalidParam::NotOneEntry),
    };
    let invalid = |why| ParamValue::Invalid(why);
    match (kind.as_str(), value) {
        ("ident" | "identifier", Value::Text(name)) => ParamValue::Identifier(name),
        ("ident" | "identifier", _) => invalid(InvalidParam::Identifier),
        ("regex", Value::Text(pattern)) => ParamValue::Regex(pattern),
        ("regex", _) => invalid(InvalidParam::Regex),
        ("string", Value::Text(text)) => ParamValue::String(text),
        ("string", _) => invalid(InvalidParam::String),
        ("float" | "number", Value::Number(text)) => match text.parse::<f64>() {
            Ok(value) if value.is_finite() => ParamValue::Float(value),
            _ => invalid(InvalidParam::Number),
        },
        ("float" | "number", _) => invalid(InvalidParam::Number),
        ("int" | "integer", Value::Number(text)) => {
            text.parse().map_or(invalid(InvalidParam::Integer), ParamValue::Integer)
        }
        ("int" | "integer", _) => invalid(InvalidParam::Integer),
        ("duration", Value::Text(text)) => ParamValue::DurationText(text),
        ("duration", Value::Number(text)) => {
            text.parse().map_or(invalid(InvalidParam::Duration), ParamValue::Duration)
        }
        ("duration", _) => invalid(InvalidParam::Duration),
        _ => invalid(InvalidParam::UnknownType(kind)),
    }
}
