//! SHOW statements as text.

use std::fmt;

use super::quote::quote_ident;
use super::select::{condition, counts, dimensions, order, sources};
use crate::ast::{
    CardinalityOf, MeasurementFilter, Name, ScopePart, ShowCardinality, ShowFieldKeys, ShowMeasurements,
    ShowSeries, ShowTagKeys, ShowTagValues, TagKeyFilter,
};

impl fmt::Display for ShowMeasurements {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SHOW MEASUREMENTS")?;
        if let Some(database) = &self.database {
            write!(f, " ON {database}")?;
            if let Some(policy) = &self.policy {
                write!(f, ".{policy}")?;
            }
        }
        if let Some(filter) = &self.filter {
            filter.fmt(f)?;
        }
        condition(f, self.condition.as_ref())?;
        order(f, self.order)?;
        counts(f, &[("LIMIT", self.limit), ("OFFSET", self.offset)])
    }
}

impl fmt::Display for ScopePart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(&quote_ident(name)),
            Self::Any => f.write_str("*"),
        }
    }
}

impl fmt::Display for MeasurementFilter {
    /// With a space in front.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let op = match self.name() {
            Name::Name(_) => "=",
            Name::Regex(_) => "=~",
        };
        write!(f, " WITH MEASUREMENT {op} {}", self.measurement)
    }
}

impl fmt::Display for ShowSeries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SHOW SERIES")?;
        on(f, self.database.as_deref())?;
        sources(f, &self.sources)?;
        condition(f, self.condition.as_ref())?;
        order(f, self.order)?;
        counts(f, &[("LIMIT", self.limit), ("OFFSET", self.offset)])
    }
}

impl fmt::Display for ShowTagKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SHOW TAG KEYS")?;
        on(f, self.database.as_deref())?;
        sources(f, &self.sources)?;
        if let Some(key) = &self.key {
            key.fmt(f)?;
        }
        condition(f, self.condition.as_ref())?;
        order(f, self.order)?;
        counts(
            f,
            &[
                ("LIMIT", self.limit),
                ("OFFSET", self.offset),
                ("SLIMIT", self.slimit),
                ("SOFFSET", self.soffset),
            ],
        )
    }
}

impl fmt::Display for ShowTagValues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SHOW TAG VALUES")?;
        on(f, self.database.as_deref())?;
        sources(f, &self.sources)?;
        self.key.fmt(f)?;
        condition(f, self.condition.as_ref())?;
        order(f, self.order)?;
        counts(f, &[("LIMIT", self.limit), ("OFFSET", self.offset)])
    }
}

impl fmt::Display for TagKeyFilter {
    /// With a space in front.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(" WITH KEY ")?;
        match self {
            Self::Equal(key) => write!(f, "= {}", quote_ident(key)),
            Self::NotEqual(key) => write!(f, "!= {}", quote_ident(key)),
            Self::Matches(pattern) => write!(f, "=~ {pattern}"),
            Self::NotMatches(pattern) => write!(f, "!~ {pattern}"),
            Self::In(keys) => {
                let keys: Vec<String> = keys.iter().map(|key| quote_ident(key)).collect();
                write!(f, "IN ({})", keys.join(", "))
            }
        }
    }
}

impl fmt::Display for ShowFieldKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SHOW FIELD KEYS")?;
        on(f, self.database.as_deref())?;
        sources(f, &self.sources)?;
        order(f, self.order)?;
        counts(f, &[("LIMIT", self.limit), ("OFFSET", self.offset)])
    }
}

impl fmt::Display for ShowCardinality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = match &self.of {
            CardinalityOf::Series => "SERIES",
            CardinalityOf::Measurement => "MEASUREMENT",
            CardinalityOf::TagKey => "TAG KEY",
            CardinalityOf::TagValues(_) => "TAG VALUES",
            CardinalityOf::FieldKey => "FIELD KEY",
        };
        let exact = if self.exact { " EXACT" } else { "" };
        write!(f, "SHOW {of}{exact} CARDINALITY")?;
        on(f, self.database.as_deref())?;
        sources(f, &self.sources)?;
        if let CardinalityOf::TagValues(key) = &self.of {
            key.fmt(f)?;
        }
        condition(f, self.condition.as_ref())?;
        dimensions(f, &self.dimensions)?;
        counts(f, &[("LIMIT", self.limit), ("OFFSET", self.offset)])
    }
}

/// ` ON database`, or nothing.
pub(super) fn on(f: &mut fmt::Formatter<'_>, database: Option<&str>) -> fmt::Result {
    match database {
        Some(database) => write!(f, " ON {}", quote_ident(database)),
        None => Ok(()),
    }
}
