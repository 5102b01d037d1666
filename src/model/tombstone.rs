//! Rows that were deleted: which, by time and series, and up to which record of the write-ahead log.
//!
//! A [`Tombstone`] says so of one table without touching its rows. It is a value of the manifest, so it is JSON, and
//! whoever reads a file asks it series by series. It knows neither statements nor where rows lie.
//!
//! ```text
//! table m       record 1: h=a @0    record 2: h=b @0    tombstone: h=a, all times, through 2    record 3: h=a @0
//! what is left                      h=b @0                                                      h=a @0
//! ```

use super::file::FileMeta;
use super::ids::{Sequence, TableId};
use super::series_key;
use super::time::TimeRange;
use influxql::Pattern;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::sync::Arc;

#[cfg(test)]
mod tests;

/// Rows of one table that were deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tombstone {
    /// Unique and never reused.
    pub id: Arc<str>,
    /// The table.
    pub table: TableId,
    /// The times of the deleted rows.
    pub times: TimeRange,
    /// Their series.
    pub series: SeriesFilter,
    /// The last record of the write-ahead log before the deletion: rows of later records live.
    pub through: Sequence,
}

impl Tombstone {
    /// Whether some row of the file may be deleted by this. A file whose rows come from both sides of the deletion was
    /// written without the deleted ones, and one that was written after the deletion may say so.
    #[must_use]
    pub fn concerns(&self, file: &FileMeta) -> bool {
        file.sequence_max <= self.through
            && self.times.overlaps(&file.time_range)
            && !file.purged.contains(&self.id)
    }

    /// Whether this one, which is no older, deletes all that the other does.
    #[must_use]
    pub fn replaces(&self, other: &Self) -> bool {
        self.table == other.table
            && self.through >= other.through
            && self.times.covers(&other.times)
            && (self.series.is_all() || self.series == other.series)
    }

    /// Whether every row of the file is deleted by this.
    #[must_use]
    pub fn covers(&self, file: &FileMeta) -> bool {
        self.concerns(file) && self.series.is_all() && self.times.covers(&file.time_range)
    }
}

/// The tombstones that may delete rows of a file.
#[must_use]
pub fn concerning(tombstones: &[Arc<Tombstone>], file: &FileMeta) -> Vec<Arc<Tombstone>> {
    tombstones.iter().filter(|tombstone| tombstone.concerns(file)).cloned().collect()
}

/// The times at which rows of a series are deleted, in no certain order.
#[must_use]
pub fn deleted_times(tombstones: &[Arc<Tombstone>], series_key: &str) -> Vec<TimeRange> {
    let of_series = tombstones.iter().filter(|tombstone| tombstone.series.matches(series_key));
    of_series.map(|tombstone| tombstone.times).collect()
}

/// A condition on the tags of a series. A tag that a series lacks counts as empty.
///
/// Kept in postfix order, so that neither reading nor evaluating it recurses, however deep it is:
///
/// ```text
/// h = 'a' OR NOT (g =~ /x/)      [{"tag_in":{"tag":"h","values":["a"]}}, {"tag_matches":{"tag":"g","pattern":"x"}}, "not", "or"]
/// every series                   []
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SeriesFilter {
    terms: Vec<Term>,
}

/// One step of evaluating a [`SeriesFilter`]: a truth for the stack, or what joins those on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Term {
    Constant(bool),
    /// The tag has one of these values, which are sorted.
    TagIn {
        tag: Arc<str>,
        values: Vec<Arc<str>>,
    },
    TagMatches {
        tag: Arc<str>,
        pattern: TagPattern,
    },
    /// The series has both tags, with one value.
    TagsEqual(Arc<str>, Arc<str>),
    Not,
    And,
    Or,
}

impl SeriesFilter {
    /// Every series.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// No series.
    #[must_use]
    pub fn none() -> Self {
        Self { terms: vec![Term::Constant(false)] }
    }

    /// The series whose tag `tag` has one of these values; the empty one stands for series without the tag.
    #[must_use]
    pub fn tag_in<V: Into<Arc<str>>>(tag: &str, values: impl IntoIterator<Item = V>) -> Self {
        let mut values: Vec<Arc<str>> = values.into_iter().map(Into::into).collect();
        values.sort_unstable();
        values.dedup();
        Self { terms: vec![Term::TagIn { tag: tag.into(), values }] }
    }

    /// The series whose tag `tag` matches.
    #[must_use]
    pub fn tag_matches(tag: &str, pattern: &Pattern) -> Self {
        Self { terms: vec![Term::TagMatches { tag: tag.into(), pattern: TagPattern(pattern.clone()) }] }
    }

    /// The series that have both tags, with one value.
    #[must_use]
    pub fn tags_equal(left: &str, right: &str) -> Self {
        Self { terms: vec![Term::TagsEqual(left.into(), right.into())] }
    }

    /// The series that this does not hold.
    #[must_use]
    pub fn inverted(mut self) -> Self {
        match &self.terms[..] {
            [] => return Self::none(),
            [Term::Constant(false)] => return Self::all(),
            _ => self.terms.push(Term::Not),
        }
        self
    }

    /// The series that both hold.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        if self.is_all() || other.is_none() {
            return other;
        }
        if !other.is_all() && !self.is_none() {
            self.terms.extend(other.terms);
            self.terms.push(Term::And);
        }
        self
    }

    /// The series that one of both holds.
    #[must_use]
    pub fn or(mut self, other: Self) -> Self {
        if self.is_none() || other.is_all() {
            return other;
        }
        if !other.is_none() && !self.is_all() {
            self.terms.extend(other.terms);
            self.terms.push(Term::Or);
        }
        self
    }

    /// Whether it holds every series for certain.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether it holds no series for certain.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.terms == [Term::Constant(false)]
    }

    /// Whether a series meets the condition. Terms that do not fit together, which only damage makes, hold nothing.
    #[must_use]
    pub fn matches(&self, series_key: &str) -> bool {
        if self.is_all() {
            return true;
        }
        let tags: Vec<_> = series_key::decode(series_key).collect();
        let value = |tag: &str| tags.iter().find(|(key, _)| key == tag).map(|(_, value)| value);
        let text = |tag: &str| value(tag).map_or("", Cow::as_ref);
        let mut stack: Vec<bool> = Vec::new();
        for term in &self.terms {
            let truth = match term {
                Term::Constant(truth) => Some(*truth),
                Term::TagIn { tag, values } => {
                    Some(values.binary_search_by(|v| v.as_ref().cmp(text(tag))).is_ok())
                }
                Term::TagMatches { tag, pattern } => Some(pattern.0.is_match(text(tag))),
                Term::TagsEqual(left, right) => {
                    Some(value(left).is_some_and(|left| value(right) == Some(left)))
                }
                Term::Not => stack.pop().map(|truth| !truth),
                Term::And => stack.pop().zip(stack.pop()).map(|(a, b)| a && b),
                Term::Or => stack.pop().zip(stack.pop()).map(|(a, b)| a || b),
            };
            let Some(truth) = truth else { return false };
            stack.push(truth);
        }
        stack == [true]
    }
}

/// A regular expression as the manifest has it: its text in Go's syntax.
#[derive(Clone, Debug, PartialEq, Eq)]
struct TagPattern(Pattern);

impl Serialize for TagPattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.source())
    }
}

impl<'de> Deserialize<'de> for TagPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let source = String::deserialize(deserializer)?;
        Pattern::new(&source).map(Self).map_err(serde::de::Error::custom)
    }
}
