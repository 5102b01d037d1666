//! Conditions, as text and as what they mean.

use super::history::{Shape, value};
use super::model::{Fields, Key, Value, where_clause};
use super::random::Choices;
use fastrand::Rng;

/// A conjunction.
#[derive(Clone, Debug, Default)]
pub(super) struct Condition {
    parts: Vec<Part>,
}

/// A part of it.
#[derive(Clone, Debug)]
enum Part {
    From(i64),
    Before(i64),
    At(i64),
    Tag(TagPart),
    Field(FieldPart),
    Either(TagPart, FieldPart),
}

#[derive(Clone, Debug)]
enum TagPart {
    /// Of no tag, where the text is empty.
    Is(&'static str, &'static str),
    IsNot(&'static str, &'static str),
    /// Every host.
    HostMatches,
}

/// A field is greater than, less than, or equal to a value.
#[derive(Clone, Debug)]
struct FieldPart {
    field: &'static str,
    operator: &'static str,
    value: Value,
}

impl Condition {
    /// A condition, often none.
    pub(super) fn new(shape: &Shape, random: &mut Rng) -> Self {
        let mut parts = Vec::new();
        let (start_ns, end_ns) = shape.times_ns(random);
        match random.usize(..8) {
            0 => parts.push(Part::From(start_ns)),
            1 => parts.push(Part::Before(end_ns)),
            2 => parts.extend([Part::From(start_ns), Part::Before(end_ns)]),
            3 => parts.push(Part::At(start_ns)),
            _ => {}
        }
        match random.usize(..8) {
            0 | 1 => parts.push(Part::Tag(TagPart::new(random))),
            2 => parts.push(Part::Either(TagPart::new(random), FieldPart::new(shape, random))),
            _ => {}
        }
        if random.once_in(5) {
            parts.push(Part::Field(FieldPart::new(shape, random)));
        }
        Self { parts }
    }

    /// As a clause of a statement.
    pub(super) fn text(&self) -> String {
        where_clause(&self.parts.iter().map(Part::text).collect::<Vec<_>>())
    }

    pub(super) fn holds(&self, key: &Key, fields: &Fields) -> bool {
        self.parts.iter().all(|part| part.holds(key, fields))
    }
}

impl Part {
    fn text(&self) -> String {
        match self {
            Self::From(time_ns) => format!("time >= {time_ns}"),
            Self::Before(time_ns) => format!("time < {time_ns}"),
            Self::At(time_ns) => format!("time = {time_ns}"),
            Self::Tag(part) => part.text(),
            Self::Field(part) => part.text(),
            Self::Either(tag, field) => format!("({} OR {})", tag.text(), field.text()),
        }
    }

    fn holds(&self, key: &Key, fields: &Fields) -> bool {
        match self {
            Self::From(time_ns) => key.1 >= *time_ns,
            Self::Before(time_ns) => key.1 < *time_ns,
            Self::At(time_ns) => key.1 == *time_ns,
            Self::Tag(part) => part.holds(key),
            Self::Field(part) => part.holds(fields),
            Self::Either(tag, field) => tag.holds(key) || field.holds(fields),
        }
    }
}

impl TagPart {
    fn new(random: &mut Rng) -> Self {
        match random.usize(..6) {
            0 => Self::HostMatches,
            1 => Self::Is("zone", ""),
            2 => Self::IsNot("zone", ""),
            3 => Self::IsNot("host", random.pick(&["h0", "h1"])),
            4 => Self::Is("zone", random.pick(&["z0", "z1"])),
            _ => Self::Is("host", random.pick(&["h0", "h1", "h2"])),
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Is(tag, value) => format!("{tag} = '{value}'"),
            Self::IsNot(tag, value) => format!("{tag} != '{value}'"),
            Self::HostMatches => "host =~ /^h[0-9]$/".to_owned(),
        }
    }

    fn holds(&self, (series, _): &Key) -> bool {
        let of = |tag| series.tag(tag).unwrap_or_default();
        match self {
            Self::Is(tag, value) => of(tag) == *value,
            Self::IsNot(tag, value) => of(tag) != *value,
            Self::HostMatches => !of("host").is_empty(),
        }
    }
}

impl FieldPart {
    fn new(shape: &Shape, random: &mut Rng) -> Self {
        let field = random.pick(&shape.fields);
        let operators: &[&str] = if matches!(field, "f" | "i") { &["<", ">", "="] } else { &["="] };
        Self { field, operator: random.pick(operators), value: value(random, field) }
    }

    fn text(&self) -> String {
        let Self { field, operator, value } = self;
        match value {
            Value::Text(text) => format!("{field} {operator} '{text}'"),
            Value::Integer(n) => format!("{field} {operator} {n}"),
            other => format!("{field} {operator} {other}"),
        }
    }

    fn holds(&self, fields: &Fields) -> bool {
        fields.get(self.field).is_some_and(|found| match self.operator {
            "<" => *found < self.value,
            ">" => *found > self.value,
            _ => *found == self.value,
        })
    }
}
