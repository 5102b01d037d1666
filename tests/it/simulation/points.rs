//! What points are made of: tags, fields and their values.
//!
//! | fields | their type |
//! |---|---|
//! | [`FIELDS`] | each has its own, always |
//! | [`WIDE_FIELDS`] | the same; they are so many that a row has few of them |
//! | [`LOOSE_FIELDS`] | what is written first; later points may be refused for it |

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::LazyLock;

/// The names of all tags, sorted.
pub(super) const TAGS: [&str; 4] = ["host", "os", "rack", "zone"];

/// The values of the tag `host`.
pub(super) const HOSTS: [&str; 4] = ["h0", "h1", "h2", "h3"];

/// The values of [`TAGS`]. Some are to be escaped in line protocol.
static TAG_VALUES: [&[&str]; TAGS.len()] = [&HOSTS, &["bsd", "linux"], &["r 0", "r,1=1"], &["z0", "z1"]];

/// The values that a tag may have.
pub(super) fn values_of(tag: &str) -> &'static [&'static str] {
    let at = TAGS.iter().position(|name| *name == tag);
    TAG_VALUES[at.unwrap_or_else(|| panic!("no point has the tag {tag:?}"))]
}

/// A tag set: the values of [`TAGS`], `None` for those that are missing.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Series([Option<&'static str>; TAGS.len()]);

impl Series {
    /// The same with another tag, which is one that points may have.
    pub(super) fn with(mut self, tag: &str, value: &str) -> Self {
        let known = values_of(tag).iter().copied().find(|known| *known == value);
        assert!(known.is_some(), "no point has the tag {tag}={value:?}");
        for (slot, name) in self.0.iter_mut().zip(TAGS) {
            if name == tag {
                *slot = known;
            }
        }
        self
    }

    /// The value of a tag.
    pub(super) fn tag(&self, name: &str) -> Option<&'static str> {
        self.tags().find(|(tag, _)| *tag == name).map(|(_, value)| value)
    }

    /// The tags that are there, in order.
    pub(super) fn tags(&self) -> impl Iterator<Item = (&'static str, &'static str)> + use<> {
        TAGS.into_iter().zip(self.0).filter_map(|(tag, value)| Some((tag, value?)))
    }
}

impl fmt::Debug for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.tags()).finish()
    }
}

/// The type of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Float,
    Integer,
    Unsigned,
    Text,
    Boolean,
}

impl Kind {
    pub(super) const ALL: [Self; 5] = [Self::Float, Self::Integer, Self::Unsigned, Self::Text, Self::Boolean];

    /// The type that users know by this name.
    pub(super) fn named(name: &str) -> Self {
        match name {
            "float" => Self::Float,
            "integer" => Self::Integer,
            "unsigned" => Self::Unsigned,
            "string" => Self::Text,
            "boolean" => Self::Boolean,
            other => panic!("no field has the type {other:?}"),
        }
    }
}

/// The value of a field.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Float(f64),
    Integer(i64),
    Unsigned(u64),
    Text(String),
    Boolean(bool),
}

impl Value {
    /// A value that follows from a number > 0, another one for each as far as there are so many. Now and then an extreme one.
    pub(super) fn new(kind: Kind, number: i64) -> Self {
        let rest = number % 32;
        match kind {
            Kind::Float if rest == 0 => Self::Float(f64::MAX / number as f64),
            Kind::Float if rest == 1 => Self::Float(-f64::MIN_POSITIVE * number as f64),
            Kind::Float => Self::Float(number as f64 / 8.0),
            Kind::Integer if rest == 0 => Self::Integer(i64::MIN + number),
            Kind::Integer if rest == 1 => Self::Integer(i64::MAX - number),
            Kind::Integer => Self::Integer(number),
            Kind::Unsigned if rest == 0 => Self::Unsigned(u64::MAX - number.unsigned_abs()),
            Kind::Unsigned => Self::Unsigned(number.unsigned_abs()),
            Kind::Text if rest == 0 => Self::Text(String::new()),
            Kind::Text if rest == 1 => Self::Text(format!("say \"{number}\", \\ and = \u{00fc}")),
            Kind::Text => Self::Text(format!("text {number}")),
            Kind::Boolean => Self::Boolean(number % 2 == 0),
        }
    }

    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Float(_) => Kind::Float,
            Self::Integer(_) => Kind::Integer,
            Self::Unsigned(_) => Kind::Unsigned,
            Self::Text(_) => Kind::Text,
            Self::Boolean(_) => Kind::Boolean,
        }
    }
}

/// The fields of most points.
pub(super) const FIELDS: [(&str, Kind); 5] = [
    ("b", Kind::Boolean),
    ("f", Kind::Float),
    ("i", Kind::Integer),
    ("s", Kind::Text),
    ("u", Kind::Unsigned),
];

/// Fields that have no type of their own.
pub(super) const LOOSE_FIELDS: [&str; 3] = ["x0", "x1", "x2"];

/// Most fields of a wide table besides the others.
pub(super) const WIDE_FIELDS_MAX: usize = 300;

/// The fields of wide tables, which may have the first of them only.
pub(super) static WIDE_FIELDS: LazyLock<Vec<(&'static str, Kind)>> = LazyLock::new(|| {
    let kinds = Kind::ALL.into_iter().cycle().take(WIDE_FIELDS_MAX).enumerate();
    kinds.map(|(number, kind)| (&*format!("w{number}").leak(), kind)).collect()
});

static FIELD_NAMES: LazyLock<BTreeSet<&'static str>> = LazyLock::new(|| {
    let names = FIELDS.into_iter().chain(WIDE_FIELDS.iter().copied()).map(|(name, _)| name);
    names.chain(LOOSE_FIELDS).collect()
});

/// A field by its name. Panics when no point has it.
pub(super) fn field_named(name: &str) -> &'static str {
    FIELD_NAMES.get(name).copied().unwrap_or_else(|| panic!("no point has the field {name:?}"))
}

/// The fields of a point.
pub(super) type Fields = BTreeMap<&'static str, Value>;
