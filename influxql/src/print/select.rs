//! SELECT, EXPLAIN and their clauses as text.

use std::fmt;

use super::quote::{quote_ident, quote_string};
use crate::ast::{
    Dimension, Explain, Expr, Field, Fill, MeasurementName, Name, Order, Select, Source, Target, TargetName,
};

impl fmt::Display for Select {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SELECT ")?;
        comma_separated(f, &self.fields)?;
        if let Some(target) = &self.target {
            write!(f, " INTO {target}")?;
        }
        sources(f, &self.sources)?;
        condition(f, self.condition.as_ref())?;
        dimensions(f, &self.dimensions)?;
        self.fill.fmt(f)?;
        order(f, self.order)?;
        counts(
            f,
            &[
                ("LIMIT", self.limit),
                ("OFFSET", self.offset),
                ("SLIMIT", self.slimit),
                ("SOFFSET", self.soffset),
            ],
        )?;
        match &self.time_zone {
            Some(name) => write!(f, " TZ({})", quote_string(name)),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Explain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EXPLAIN ")?;
        if self.analyze {
            f.write_str("ANALYZE ")?;
        }
        if self.verbose {
            f.write_str("VERBOSE ")?;
        }
        self.select.fmt(f)
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.expr.fmt(f)?;
        match &self.alias {
            Some(alias) => write!(f, " AS {}", quote_ident(alias)),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Dimension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.expr.fmt(f)
    }
}

impl fmt::Display for Fill {
    /// With a space in front; nothing for the default.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => Ok(()),
            Self::None => f.write_str(" fill(none)"),
            Self::Integer(n) => write!(f, " fill({n})"),
            Self::Float(x) => {
                // A float must not come back as a whole number.
                let point = if x.fract() == 0.0 { ".0" } else { "" };
                write!(f, " fill({x}{point})")
            }
            Self::Previous => f.write_str(" fill(previous)"),
            Self::Linear => f.write_str(" fill(linear)"),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Measurement(measurement) => measurement.fmt(f),
            Self::Subquery(select) => write!(f, "({select})"),
        }
    }
}

impl fmt::Display for MeasurementName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        qualifiers(f, self.database.as_deref(), self.policy.as_deref())?;
        match &self.name {
            Name::Name(name) => f.write_str(&quote_ident(name)),
            Name::Regex(pattern) => pattern.fmt(f),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        qualifiers(f, self.database.as_deref(), self.policy.as_deref())?;
        match &self.name {
            TargetName::Name(name) => f.write_str(&quote_ident(name)),
            TargetName::SameAsSource if self.database.is_none() && self.policy.is_none() => {
                // `:MEASUREMENT` needs something before it; the empty name means the same.
                f.write_str("\"\"")
            }
            TargetName::SameAsSource => f.write_str(":MEASUREMENT"),
        }
    }
}

/// `database.policy.`, `database..`, `policy.` or nothing.
fn qualifiers(f: &mut fmt::Formatter<'_>, database: Option<&str>, policy: Option<&str>) -> fmt::Result {
    if let Some(database) = database {
        write!(f, "{}.", quote_ident(database))?;
    }
    if let Some(policy) = policy {
        f.write_str(&quote_ident(policy))?;
    }
    if database.is_some() || policy.is_some() { f.write_str(".") } else { Ok(()) }
}

pub(super) fn comma_separated<T: fmt::Display>(f: &mut fmt::Formatter<'_>, items: &[T]) -> fmt::Result {
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            f.write_str(", ")?;
        }
        item.fmt(f)?;
    }
    Ok(())
}

pub(super) fn sources(f: &mut fmt::Formatter<'_>, sources: &[Source]) -> fmt::Result {
    if sources.is_empty() {
        return Ok(());
    }
    f.write_str(" FROM ")?;
    comma_separated(f, sources)
}

pub(super) fn condition(f: &mut fmt::Formatter<'_>, condition: Option<&Expr>) -> fmt::Result {
    match condition {
        Some(condition) => write!(f, " WHERE {condition}"),
        None => Ok(()),
    }
}

pub(super) fn dimensions(f: &mut fmt::Formatter<'_>, dimensions: &[Dimension]) -> fmt::Result {
    if dimensions.is_empty() {
        return Ok(());
    }
    f.write_str(" GROUP BY ")?;
    comma_separated(f, dimensions)
}

pub(super) fn order(f: &mut fmt::Formatter<'_>, order: Order) -> fmt::Result {
    match order {
        Order::Ascending => Ok(()),
        Order::Descending => f.write_str(" ORDER BY time DESC"),
    }
}

/// `LIMIT n OFFSET n …` without those that are 0.
pub(super) fn counts(f: &mut fmt::Formatter<'_>, counts: &[(&str, u64)]) -> fmt::Result {
    counts.iter().filter(|(_, n)| *n > 0).try_for_each(|(word, n)| write!(f, " {word} {n}"))
}
