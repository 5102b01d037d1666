//! A round's points: sparse, with missing tags, points written twice, and values that meet again.
//!
//! In: a schema and chance. Out: [`Point`]s in the order of writing, as line protocol when asked.
//!
//! The time of a point tells its series: times of different series differ by some microseconds, because InfluxDB 1.6 leaves the
//! order of equal times to chance. With ties wanted, they do not.

use crate::random::Choices;
use crate::schema::{Kind, Schema, Table};
use fastrand::Rng;

/// A field's value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Float(f64),
    Integer(i64),
    String(String),
    Boolean(bool),
}

impl Value {
    /// As InfluxQL writes it.
    pub(crate) fn literal(&self) -> String {
        match self {
            Value::Float(value) => value.to_string(),
            Value::Integer(value) => value.to_string(),
            Value::String(value) => quote_string(value),
            Value::Boolean(value) => value.to_string(),
        }
    }

    /// Its type.
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Value::Float(_) => Kind::Float,
            Value::Integer(_) => Kind::Integer,
            Value::String(_) => Kind::String,
            Value::Boolean(_) => Kind::Boolean,
        }
    }

    fn line(&self) -> String {
        match self {
            Value::Float(value) => value.to_string(),
            Value::Integer(value) => format!("{value}i"),
            Value::String(value) => format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"")),
            Value::Boolean(value) => value.to_string(),
        }
    }
}

/// A string literal of InfluxQL.
pub(crate) fn quote_string(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// One point.
#[derive(Debug, Clone)]
pub(crate) struct Point {
    /// Index into [`Schema::tables`].
    pub(crate) table: usize,
    /// Index into [`Schema::policies`].
    pub(crate) policy: usize,
    pub(crate) measurement: String,
    pub(crate) tags: Vec<(String, String)>,
    pub(crate) fields: Vec<(String, Value)>,
    pub(crate) time_ns: i64,
}

impl Point {
    /// The point as a line of line protocol, time in nanoseconds.
    pub(crate) fn line(&self) -> String {
        let mut out = escape(&self.measurement, &[',', ' ']);
        for (name, value) in &self.tags {
            out += &format!(",{}={}", escape(name, &[',', '=', ' ']), escape(value, &[',', '=', ' ']));
        }
        for (number, (name, value)) in self.fields.iter().enumerate() {
            out += if number == 0 { " " } else { "," };
            out += &format!("{}={}", escape(name, &[',', '=', ' ']), value.line());
        }
        format!("{out} {}", self.time_ns)
    }
}

fn escape(text: &str, special: &[char]) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if special.contains(&c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

const STRINGS: &[&str] = &["a", "b", "c", "", "b c", "ü", "q\"x", "it's", "true", "1", "back\\slash"];
const EXTREME_TIMES: &[i64] =
    &[-9_223_372_036_854_775_806, 9_223_372_036_854_775_806, -9_000_000_000_000_000_000];

/// Points for every table. Without `with_ties`, no two series have a point of the same time.
pub(crate) fn generate(random: &mut Rng, schema: &Schema, with_ties: bool) -> Vec<Point> {
    let mut points = Vec::new();
    let has_decimals = random.chance(15);
    let mut series_count = 0;
    for (number, table) in schema.tables.iter().enumerate() {
        let mut tag_sets: Vec<Vec<(String, String)>> = Vec::new();
        for _ in 0..random.usize(1..=6) {
            let tags = tag_set(random, table);
            if !tag_sets.contains(&tags) {
                tag_sets.push(tags);
            }
        }
        for tags in tag_sets {
            series_count += 1;
            let offset_ns = if with_ties { 0 } else { series_count * 1_000 };
            let density = [8, 25, 60, 95][random.usize(..4)];
            for time_ns in times(random, schema, density) {
                let fields = values(random, table, has_decimals);
                let point = Point {
                    table: number,
                    policy: table.policy,
                    measurement: table.measurement.clone(),
                    tags: tags.clone(),
                    fields,
                    time_ns: time_ns.saturating_add(if EXTREME_TIMES.contains(&time_ns) {
                        0
                    } else {
                        offset_ns
                    }),
                };
                if random.chance(4) {
                    points.push(Point { fields: values(random, table, has_decimals), ..point.clone() });
                }
                points.push(point);
            }
        }
        if schema.has_extremes && !with_ties {
            // Only one series has each: they carry no offset.
            let extreme = EXTREME_TIMES[random.usize(..EXTREME_TIMES.len())];
            let is_free = points.iter().all(|point| point.time_ns != extreme);
            let first = points.iter().rev().find(|point| point.table == number).cloned();
            if let Some(first) = first.filter(|_| is_free) {
                points.push(Point { fields: values(random, table, has_decimals), time_ns: extreme, ..first });
            }
        }
    }
    if random.chance(20) {
        // Points do not arrive in the order of time.
        random.shuffle(&mut points);
    }
    points
}

fn tag_set(random: &mut Rng, table: &Table) -> Vec<(String, String)> {
    let mut tags = Vec::new();
    for tag in &table.tags {
        if !random.chance(15)
            && let Some(value) = random.choice(&tag.values)
        {
            tags.push((tag.name.clone(), value.clone()));
        }
    }
    tags.sort();
    tags
}

fn times(random: &mut Rng, schema: &Schema, density: usize) -> Vec<i64> {
    let count = (schema.end_ns - schema.start_ns) / schema.step_ns;
    let mut times: Vec<i64> =
        (0..count).filter(|_| random.chance(density)).map(|k| schema.start_ns + k * schema.step_ns).collect();
    if times.is_empty() {
        times.push(schema.start_ns + random.i64(0..count) * schema.step_ns);
    }
    times
}

fn values(random: &mut Rng, table: &Table, has_decimals: bool) -> Vec<(String, Value)> {
    let fields = random.some_of(&table.fields, 70);
    fields.into_iter().map(|field| (field.name, value(random, field.kind, has_decimals))).collect()
}

fn value(random: &mut Rng, kind: Kind, has_decimals: bool) -> Value {
    match kind {
        // Zero has a sign.
        Kind::Float if random.chance(1) => Value::Float(-0.0),
        // Eighths add up exactly in any order.
        Kind::Float if !has_decimals => Value::Float(random.i64(-80..=400) as f64 / 8.0),
        Kind::Float => Value::Float(random.i64(-1_000..=10_000) as f64 / 100.0),
        Kind::Integer if random.chance(1) => Value::Integer(match random.usize(..3) {
            0 => i64::MAX,
            1 => i64::MIN,
            _ => 1 << 60,
        }),
        Kind::Integer => Value::Integer(random.i64(-5..=30)),
        Kind::String => {
            let count = if random.chance(80) { 4 } else { STRINGS.len() };
            Value::String(STRINGS[random.usize(..count)].to_owned())
        }
        Kind::Boolean => Value::Boolean(random.chance(50)),
    }
}
