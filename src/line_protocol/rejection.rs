//! What is refused of a write request, in InfluxDB 1.x's words: lines that do not parse, and points that
//! parse but cannot be stored. The texts are what clients match on; prefix and suffix of the whole
//! answer (`partial write: `, ` dropped=N`) are the server's.

use crate::model::limits::SERIES_TEXT_BYTES_MAX;
use crate::model::time::{TIME_MAX_NS, TIME_MIN_NS};
use crate::model::value::FieldType;
use std::ops::Range;
use std::sync::Arc;

/// Why a line does not parse.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineFault {
    /// The line starts with a comma.
    #[error("missing measurement")]
    MissingMeasurement,
    /// Nothing stands between a comma and an equals sign.
    #[error("missing tag key")]
    MissingTagKey,
    /// A tag without value.
    #[error("missing tag value")]
    MissingTagValue,
    /// An unescaped equals sign inside a tag value.
    #[error("invalid tag format")]
    InvalidTagFormat,
    /// Two tags with the same key.
    #[error("duplicate tags")]
    DuplicateTags,
    /// The line ends before its fields.
    #[error("missing fields")]
    MissingFields,
    /// A field without name.
    #[error("missing field key")]
    MissingFieldKey,
    /// A field without value.
    #[error("missing field value")]
    MissingFieldValue,
    /// Fields that are not `name=value` separated by commas.
    #[error("invalid field format")]
    InvalidFieldFormat,
    /// A string without closing quote.
    #[error("unbalanced quotes")]
    UnbalancedQuotes,
    /// A value that starts like a number and is none.
    #[error("invalid number")]
    InvalidNumber,
    /// A value that starts like nothing else and is no boolean either.
    #[error("invalid boolean")]
    InvalidBoolean,
    /// A float that 64 bits cannot hold, or a broken exponent.
    #[error("invalid float")]
    InvalidFloat,
    /// An integer past 64 bits; its digits.
    #[error("unable to parse integer {0}: strconv.ParseInt: parsing {0:?}: value out of range")]
    IntegerOutOfRange(Box<str>),
    /// An unsigned integer past 64 bits; its digits.
    #[error("unable to parse unsigned {0}: strconv.ParseUint: parsing {0:?}: value out of range")]
    UnsignedOutOfRange(Box<str>),
    /// A timestamp that is no integer.
    #[error("bad timestamp")]
    BadTimestamp,
    /// A timestamp that is a lone minus sign.
    #[error("strconv.ParseInt: parsing \"-\": invalid syntax")]
    TimestampWithoutDigits,
    /// A timestamp past 64 bits; its digits.
    #[error("strconv.ParseInt: parsing {0:?}: value out of range")]
    TimestampOutOfRange(Box<str>),
    /// A timestamp outside the times that a point may bear.
    #[error("time outside range {TIME_MIN_NS} - {TIME_MAX_NS}")]
    TimeOutOfRange,
    /// Something stands after the timestamp.
    #[error("point is invalid")]
    PointInvalid,
    /// Measurement and tags, or these and a field's name, are too long; how long they are.
    #[error("max key length exceeded: {0} > {SERIES_TEXT_BYTES_MAX}")]
    KeyTooLong(usize),
    /// The line is not UTF-8. InfluxDB 1.x has no such text: it stores the bytes.
    #[error("invalid UTF-8")]
    InvalidUtf8,
}

/// Why a point that parses is not stored, or not whole.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PointFault {
    /// The field has another type.
    #[error(
        "field type conflict: input field \"{field}\" on measurement \"{measurement}\" is type {written}, \
         already exists as type {existing}"
    )]
    FieldTypeConflict {
        /// The measurement.
        measurement: Arc<str>,
        /// The field.
        field: Box<str>,
        /// The type that the point bears.
        written: FieldType,
        /// The type that the field has.
        existing: FieldType,
    },
    /// A tag is called `time`; the measurement.
    #[error("invalid tag key: input tag \"time\" on measurement \"{0}\" is invalid")]
    TagNamedTime(Arc<str>),
    /// The only fields are called `time`; the measurement.
    #[error("invalid field name: input field \"time\" on measurement \"{0}\" is invalid")]
    OnlyFieldNamedTime(Arc<str>),
    /// One of several fields is called `time`: the point is stored without it; the measurement. InfluxDB
    /// 1.6 does so without a word, 1.12 says this.
    #[error("invalid field name: input field \"time\" on measurement \"{0}\" has been stripped from point.")]
    TimeFieldStripped(Arc<str>),
    /// The point is older than what its retention policy keeps.
    #[error("points beyond retention policy")]
    BeyondRetention,
    /// The point is older or newer than its retention policy's limits allow. What is said of all such points
    /// together is [`super::OutsideWindow`]'s.
    #[error("points outside write window")]
    OutsideWriteWindow,
    /// A string is too long.
    #[error("input field \"{field}\" on measurement \"{measurement}\" is too long, {bytes} > {bytes_max}")]
    StringTooLong {
        /// The measurement.
        measurement: Arc<str>,
        /// The field.
        field: Box<str>,
        /// Its length in bytes.
        bytes: usize,
        /// The limit that it passes.
        bytes_max: usize,
    },
}

/// Why something was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The line does not parse.
    Line(LineFault),
    /// The point cannot be stored, or not whole.
    Point(PointFault),
}

/// Something refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The line of the body that it starts on, counted from 1.
    pub line_number: usize,
    /// Where in the body it stands, in bytes, without leading blanks and the newline.
    pub bytes: Range<usize>,
    /// The line, cut where many or long lines are refused; see [`Rejection::text`].
    pub line: Box<str>,
    /// Why.
    pub reason: Reason,
}

impl Rejection {
    /// What InfluxDB 1.x says of it: for a line `unable to parse '<line>': <fault>`, for a point the fault.
    #[must_use]
    pub fn text(&self) -> String {
        match &self.reason {
            Reason::Line(fault) => format!("unable to parse '{}': {fault}", self.line),
            Reason::Point(fault) => fault.to_string(),
        }
    }

    /// Whether InfluxDB 1.x counts it in `dropped=N`: points that parsed and were not stored.
    #[must_use]
    pub const fn counts_as_dropped(&self) -> bool {
        matches!(&self.reason, Reason::Point(_)) && !self.is_stored()
    }

    /// Whether the point was stored all the same, without what the reason names.
    #[must_use]
    pub const fn is_stored(&self) -> bool {
        matches!(&self.reason, Reason::Point(PointFault::TimeFieldStripped(_)))
    }
}
