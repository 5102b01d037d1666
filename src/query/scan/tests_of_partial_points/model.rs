//! A table as a map: the last value that was written of each field of each point.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

/// A value of a field, or of a tag.
#[derive(Clone, Debug, PartialEq, PartialOrd)]
pub(super) enum Value {
    Float(f64),
    Integer(i64),
    Text(String),
    Boolean(bool),
}

impl fmt::Display for Value {
    /// As line protocol has it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Float(x) => write!(f, "{x}"),
            Self::Integer(n) => write!(f, "{n}i"),
            Self::Text(text) => write!(f, "\"{text}\""),
            Self::Boolean(b) => write!(f, "{b}"),
        }
    }
}

/// The tags that series may have, sorted.
pub(super) const TAGS: [&str; 2] = ["host", "zone"];

/// The tag sets that series may have, in the order of series keys.
const SERIES: [&[(&str, &str)]; 6] = [
    &[],
    &[("host", "h0")],
    &[("host", "h0"), ("zone", "z0")],
    &[("host", "h1")],
    &[("host", "h1"), ("zone", "z1")],
    &[("zone", "z0")],
];

/// A series, by its place in the order of series keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Series(usize);

impl Series {
    /// One that has every tag.
    pub(super) const WITH_ALL_TAGS: Self = Self(2);

    pub(super) fn all() -> Vec<Self> {
        (0..SERIES.len()).map(Self).collect()
    }

    pub(super) fn tags(self) -> &'static [(&'static str, &'static str)] {
        SERIES[self.0]
    }

    pub(super) fn tag(self, name: &str) -> Option<&'static str> {
        self.tags().iter().find(|(tag, _)| *tag == name).map(|(_, value)| *value)
    }
}

/// Values by field.
pub(super) type Fields = BTreeMap<&'static str, Value>;

/// Series and time of a point.
pub(super) type Key = (Series, i64);

/// What is written of a point.
#[derive(Clone, Debug)]
pub(super) struct Point {
    pub(super) key: Key,
    pub(super) fields: Fields,
}

impl fmt::Display for Point {
    /// As a line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (series, time_ns) = self.key;
        let tags: String = series.tags().iter().map(|(tag, value)| format!(",{tag}={value}")).collect();
        let fields: Vec<_> = self.fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
        write!(f, "m{tags} {} {time_ns}", fields.join(","))
    }
}

/// The points that a deletion takes.
#[derive(Clone, Debug, Default)]
pub(super) struct Deletion {
    pub(super) tag: Option<(&'static str, &'static str)>,
    /// Start and end, the end excluded.
    pub(super) times_ns: Option<(i64, i64)>,
}

impl Deletion {
    fn takes(&self, (series, time_ns): &Key) -> bool {
        self.tag.is_none_or(|(tag, value)| series.tag(tag) == Some(value))
            && self.times_ns.is_none_or(|(start_ns, end_ns)| (start_ns..end_ns).contains(time_ns))
    }
}

impl fmt::Display for Deletion {
    /// As a statement.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tag = self.tag.map(|(tag, value)| format!("{tag} = '{value}'"));
        let times = self.times_ns.map(|(start_ns, end_ns)| format!("time >= {start_ns} AND time < {end_ns}"));
        let parts: Vec<_> = tag.into_iter().chain(times).collect();
        write!(f, "DELETE FROM m{}", where_clause(&parts))
    }
}

/// A WHERE of all `parts`, or nothing.
pub(super) fn where_clause(parts: &[String]) -> String {
    if parts.is_empty() { String::new() } else { format!(" WHERE {}", parts.join(" AND ")) }
}

/// The points of the table.
#[derive(Clone, Debug, Default)]
pub(super) struct Model {
    pub(super) rows: BTreeMap<Key, Fields>,
}

/// Rows of one group of series, in order of series and time.
pub(super) type Group<'a> = Vec<(Key, &'a Fields)>;

impl Model {
    pub(super) fn write(&mut self, points: &[Point]) {
        for point in points {
            self.rows.entry(point.key).or_default().extend(point.fields.clone());
        }
    }

    pub(super) fn delete(&mut self, deletion: &Deletion) {
        self.rows.retain(|key, _| !deletion.takes(key));
    }

    /// The rows that meet a condition, by the values of some tags; an empty value is none.
    pub(super) fn groups<'a>(
        &'a self,
        tags: &[&str],
        holds: impl Fn(&Key, &Fields) -> bool,
    ) -> BTreeMap<Vec<String>, Group<'a>> {
        let mut groups: HashMap<Series, Group<'a>> = HashMap::new();
        for (key, fields) in self.rows.iter().filter(|(key, fields)| holds(key, fields)) {
            groups.entry(key.0).or_default().push((*key, fields));
        }
        let mut joined: BTreeMap<Vec<String>, Group<'a>> = BTreeMap::new();
        let mut of_series: Vec<_> = groups.into_iter().collect();
        of_series.sort_by_key(|(series, _)| *series);
        for (series, rows) in of_series {
            let values = tags.iter().map(|tag| series.tag(tag).unwrap_or_default().to_owned());
            joined.entry(values.collect()).or_default().extend(rows);
        }
        joined
    }
}
