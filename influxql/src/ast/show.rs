//! The SHOW statements that take clauses. ORDER BY is accepted on all and means nothing on any.

use super::{Dimension, Expr, Name, Order, Source};
use crate::pattern::Pattern;

/// `SHOW MEASUREMENTS [ON …] [WITH MEASUREMENT …] [WHERE …]`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShowMeasurements {
    /// The database of `ON db`, `ON db.rp`, `ON *.*`; `None` without ON.
    pub database: Option<ScopePart>,
    /// The retention policy of `ON db.rp` or `ON *.*`.
    pub policy: Option<ScopePart>,
    /// `WITH MEASUREMENT = name` or `=~ /pattern/`.
    pub filter: Option<MeasurementFilter>,
    /// WHERE.
    pub condition: Option<Expr>,
    /// ORDER BY.
    pub order: Order,
    /// LIMIT; 0 means none.
    pub limit: u64,
    /// OFFSET.
    pub offset: u64,
}

/// A part of `ON a.b` in SHOW MEASUREMENTS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScopePart {
    /// This name.
    Name(String),
    /// `*`
    Any,
}

/// `WITH MEASUREMENT = name` or `WITH MEASUREMENT =~ /pattern/`.
#[derive(Clone, Debug, PartialEq)]
pub struct MeasurementFilter {
    /// The name or pattern. The parser accepts qualified names here and keeps the qualifiers.
    pub measurement: super::MeasurementName,
}

impl MeasurementFilter {
    /// The name or pattern compared with.
    pub fn name(&self) -> &Name {
        &self.measurement.name
    }
}

/// `SHOW SERIES`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShowSeries {
    /// ON.
    pub database: Option<String>,
    /// FROM; empty means all measurements.
    pub sources: Vec<Source>,
    /// WHERE.
    pub condition: Option<Expr>,
    /// ORDER BY.
    pub order: Order,
    /// LIMIT; 0 means none.
    pub limit: u64,
    /// OFFSET.
    pub offset: u64,
}

/// `SHOW TAG KEYS`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShowTagKeys {
    /// ON.
    pub database: Option<String>,
    /// FROM; empty means all measurements.
    pub sources: Vec<Source>,
    /// WITH KEY (since InfluxDB 1.11).
    pub key: Option<TagKeyFilter>,
    /// WHERE.
    pub condition: Option<Expr>,
    /// ORDER BY.
    pub order: Order,
    /// LIMIT; 0 means none.
    pub limit: u64,
    /// OFFSET.
    pub offset: u64,
    /// SLIMIT; 0 means none.
    pub slimit: u64,
    /// SOFFSET.
    pub soffset: u64,
}

/// `SHOW TAG VALUES … WITH KEY …`.
#[derive(Clone, Debug, PartialEq)]
pub struct ShowTagValues {
    /// ON.
    pub database: Option<String>,
    /// FROM; empty means all measurements.
    pub sources: Vec<Source>,
    /// WITH KEY.
    pub key: TagKeyFilter,
    /// WHERE.
    pub condition: Option<Expr>,
    /// ORDER BY.
    pub order: Order,
    /// LIMIT; 0 means none.
    pub limit: u64,
    /// OFFSET.
    pub offset: u64,
}

/// Which tag keys: what follows WITH KEY.
#[derive(Clone, Debug, PartialEq)]
pub enum TagKeyFilter {
    /// `= key`
    Equal(String),
    /// `!= key`
    NotEqual(String),
    /// `=~ /pattern/`
    Matches(Pattern),
    /// `!~ /pattern/`
    NotMatches(Pattern),
    /// `IN (key, …)`
    In(Vec<String>),
}

/// `SHOW FIELD KEYS`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShowFieldKeys {
    /// ON.
    pub database: Option<String>,
    /// FROM; empty means all measurements.
    pub sources: Vec<Source>,
    /// ORDER BY.
    pub order: Order,
    /// LIMIT; 0 means none.
    pub limit: u64,
    /// OFFSET.
    pub offset: u64,
}

/// `SHOW … [EXACT] CARDINALITY`.
#[derive(Clone, Debug, PartialEq)]
pub struct ShowCardinality {
    /// What is counted.
    pub of: CardinalityOf,
    /// Count exactly rather than estimate.
    pub exact: bool,
    /// ON.
    pub database: Option<String>,
    /// FROM; empty means all measurements.
    pub sources: Vec<Source>,
    /// WHERE.
    pub condition: Option<Expr>,
    /// GROUP BY.
    pub dimensions: Vec<Dimension>,
    /// LIMIT; 0 means none.
    pub limit: u64,
    /// OFFSET.
    pub offset: u64,
}

/// What SHOW … CARDINALITY counts.
#[derive(Clone, Debug, PartialEq)]
pub enum CardinalityOf {
    /// `SHOW SERIES CARDINALITY`
    Series,
    /// `SHOW MEASUREMENT CARDINALITY`
    Measurement,
    /// `SHOW TAG KEY CARDINALITY`
    TagKey,
    /// `SHOW TAG VALUES CARDINALITY … WITH KEY …`
    TagValues(TagKeyFilter),
    /// `SHOW FIELD KEY CARDINALITY`
    FieldKey,
}
