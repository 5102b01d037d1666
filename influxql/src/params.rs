//! Bind parameters: the values that stand for `$name` in a text.
//!
//! The server turns the JSON of a request into [`Params`]; this module knows no JSON. A value that
//! cannot be bound is carried as [`ParamValue::Invalid`], because InfluxDB 1.x complains about it
//! only where it is used.

use std::collections::HashMap;
use std::fmt;

/// The values of bind parameters by name (without the `$`).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Params(HashMap<String, ParamValue>);

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub enum ParamValue {
    /// A name: `{"ident": "cpu"}`.
    Identifier(String),
    /// A regular expression, without slashes: `{"regex": "^a"}`.
    Regex(String),
    /// A string: `"a"` or `{"string": "a"}`.
    String(String),
    /// A float: `1.5` or `{"float": 1.5}`.
    Float(f64),
    /// A whole number: `1` or `{"integer": 1}`.
    Integer(i64),
    /// `true` or `false`.
    Boolean(bool),
    /// A duration in nanoseconds: `{"duration": 60000000000}`.
    Duration(i64),
    /// A duration as text: `{"duration": "1h30m"}`; checked where it is used.
    DurationText(String),
    /// A value that cannot be bound, reported where it is used.
    Invalid(InvalidParam),
}

/// Why a value cannot be bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvalidParam {
    /// A JSON array.
    Array,
    /// JSON null.
    Null,
    /// An object that has not exactly one entry.
    NotOneEntry,
    /// An object whose key names no type.
    UnknownType(String),
    /// `{"ident": …}` without a string.
    Identifier,
    /// `{"regex": …}` without a string.
    Regex,
    /// `{"string": …}` without a string.
    String,
    /// `{"float": …}` without a number.
    Number,
    /// `{"integer": …}` without a whole number.
    Integer,
    /// `{"duration": …}` without a string or a whole number.
    Duration,
}

impl Params {
    /// No parameters.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a parameter and returns its former value.
    pub fn insert(&mut self, name: impl Into<String>, value: ParamValue) -> Option<ParamValue> {
        self.0.insert(name.into(), value)
    }

    /// The value of a parameter.
    pub fn get(&self, name: &str) -> Option<&ParamValue> {
        self.0.get(name)
    }

    /// True without any parameter.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<(String, ParamValue)> for Params {
    fn from_iter<I: IntoIterator<Item = (String, ParamValue)>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

impl fmt::Display for InvalidParam {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Array => "unable to bind parameter with type []interface {}",
            Self::Null => "unable to bind parameter with type <nil>",
            Self::NotOneEntry => "bound object parameter value must have exactly one entry",
            Self::UnknownType(name) => return write!(f, "unknown bind object type: {name}"),
            Self::Identifier => "identifier must be a string value",
            Self::Regex => "regex literal must be a string value",
            Self::String => "string literal must be a string value",
            Self::Number => "number literal must be a float value",
            Self::Integer => "integer literal must be an integer value",
            Self::Duration => "duration literal must be a string or integer value",
        })
    }
}
