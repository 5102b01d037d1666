//! What stands after FROM and INTO.

use super::Select;
use crate::pattern::Pattern;

/// One entry of a FROM list.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// One measurement, or all whose names match.
    Measurement(MeasurementName),
    /// `(SELECT …)`.
    Subquery(Box<Select>),
}

/// `[[database.]policy.]name`; an empty or missing part is `None` (`db..m` has no policy).
#[derive(Clone, Debug, PartialEq)]
pub struct MeasurementName {
    /// The database, when given.
    pub database: Option<String>,
    /// The retention policy, when given.
    pub policy: Option<String>,
    /// The measurement.
    pub name: Name,
}

/// A name or a pattern of names.
#[derive(Clone, Debug, PartialEq)]
pub enum Name {
    /// Exactly this name.
    Name(String),
    /// Every name that matches.
    Regex(Pattern),
}

/// The measurement that INTO writes.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// The database, when given.
    pub database: Option<String>,
    /// The retention policy, when given.
    pub policy: Option<String>,
    /// The measurement.
    pub name: TargetName,
}

/// The name that INTO writes to.
#[derive(Clone, Debug, PartialEq)]
pub enum TargetName {
    /// Exactly this measurement.
    Name(String),
    /// `:MEASUREMENT`: the name of the measurement a row was read from.
    SameAsSource,
}

impl MeasurementName {
    /// A name without database and policy.
    pub fn new(name: impl Into<String>) -> Self {
        Self { database: None, policy: None, name: Name::Name(name.into()) }
    }
}
