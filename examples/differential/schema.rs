//! What a round's database looks like: policies, measurements, tags and fields, and where its points lie in time.
//!
//! In: chance. Out: a [`Schema`]. A table is one measurement in one retention policy; names are shared between tables, so
//! that lists and regexes in FROM meet the same field with another type.

use crate::random::Choices;
use fastrand::Rng;
use std::collections::BTreeSet;

/// The database of every round; the notation of scenarios calls its first database so, too.
pub(crate) const DATABASE: &str = "mydb";

/// The type of a field. Unsigned integers are left out: InfluxDB 1.6 refuses them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Float,
    Integer,
    String,
    Boolean,
}

impl Kind {
    /// Whether one can compute with it.
    pub(crate) fn is_numeric(self) -> bool {
        matches!(self, Kind::Float | Kind::Integer)
    }
}

/// A tag and the values that points give it.
#[derive(Debug, Clone)]
pub(crate) struct Tag {
    pub(crate) name: String,
    pub(crate) values: Vec<String>,
}

/// A field.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) kind: Kind,
}

/// One measurement in one retention policy.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    /// Index into [`Schema::policies`].
    pub(crate) policy: usize,
    pub(crate) measurement: String,
    pub(crate) tags: Vec<Tag>,
    pub(crate) fields: Vec<Field>,
}

/// A round's database.
#[derive(Debug, Clone)]
pub(crate) struct Schema {
    /// The first one is the default.
    pub(crate) policies: Vec<String>,
    pub(crate) tables: Vec<Table>,
    /// Where most points begin, and the time up to which they lie.
    pub(crate) start_ns: i64,
    pub(crate) end_ns: i64,
    /// The distance between points of a series that lacks none.
    pub(crate) step_ns: i64,
    /// Whether some points lie at the ends of time.
    pub(crate) has_extremes: bool,
}

const MEASUREMENTS: &[&str] =
    &["cpu", "mem", "m", "disk io", "select", "a,b=c", "größe", "m.n", "it's", "1st", "q\"m"];
const TAGS: &[&str] = &["host", "region", "t", "tag key", "from", "x", "ö", "a=b"];
const FIELDS: &[(&str, Kind)] = &[
    ("f", Kind::Float),
    ("i", Kind::Integer),
    ("s", Kind::String),
    ("b", Kind::Boolean),
    ("g", Kind::Float),
    ("j", Kind::Integer),
    ("value", Kind::Float),
    ("field one", Kind::Integer),
    ("mean", Kind::Float),
    ("group", Kind::String),
    ("f.1", Kind::Float),
    ("x", Kind::Float),
];
const TAG_VALUES: &[&str] = &["a", "b", "c", "A", "server 01", "eu,west", "1", "ü", "a'b", "x=y"];
const KINDS: &[Kind] = &[Kind::Float, Kind::Integer, Kind::String, Kind::Boolean];

const SECOND: i64 = 1_000_000_000;
/// Begin and step in seconds, and the number of steps. No span crosses a Monday 00:00 UTC, where InfluxDB begins another shard.
const SPANS: &[(i64, i64, i64)] = &[
    (0, 1, 60),
    (0, 10, 60),
    (-1_800, 60, 60),
    (1_000_000_000, 5, 40),
    (1_420_070_400, 60, 120),
    // Summer time begins and ends in these spans.
    (1_427_457_600, 3_600, 60),
    (1_445_601_600, 3_600, 60),
    (-2_208_988_800, 7, 50),
];
/// The same over several shards.
const LONG_SPANS: &[(i64, i64, i64)] = &[(0, 43_200, 60), (1_426_000_000, 36_000, 60)];

impl Schema {
    /// The names of all measurements that may have points.
    pub(crate) fn measurements(&self) -> BTreeSet<&str> {
        self.tables.iter().map(|table| table.measurement.as_str()).chain([TARGET]).collect()
    }

    /// A random schema.
    pub(crate) fn generate(random: &mut Rng) -> Schema {
        let spans = if random.chance(15) { LONG_SPANS } else { SPANS };
        let (start, step, count) = spans[random.usize(..spans.len())];
        let policy_count = random.weighted(&[0, 6, 3, 1]);
        let policies: Vec<String> =
            ["autogen", "rp2", "two words"].iter().take(policy_count).map(|&name| name.to_owned()).collect();
        let mut tables: Vec<Table> = Vec::new();
        for _ in 0..random.weighted(&[0, 4, 4, 2]) {
            let measurement = plain_or_odd(random, MEASUREMENTS);
            if tables.iter().all(|table| table.measurement != measurement) {
                tables.push(table(random, 0, measurement));
            }
        }
        for policy in 1..policies.len() {
            let measurement = match random.chance(70) {
                true => tables[0].measurement.clone(),
                false => plain_or_odd(random, MEASUREMENTS),
            };
            tables.push(table(random, policy, measurement));
        }
        Schema {
            policies,
            tables,
            start_ns: start * SECOND,
            end_ns: (start + step * count) * SECOND,
            step_ns: step * SECOND,
            has_extremes: random.chance(8),
        }
    }
}

/// What SELECT … INTO writes to, besides the measurements that it reads.
pub(crate) const TARGET: &str = "target";

/// Mostly one of the first names, which need no quotes.
fn plain_or_odd(random: &mut Rng, names: &[&str]) -> String {
    let count = if random.chance(75) { 3 } else { names.len() };
    names[random.usize(..count)].to_owned()
}

fn table(random: &mut Rng, policy: usize, measurement: String) -> Table {
    let mut tags: Vec<Tag> = Vec::new();
    for _ in 0..random.weighted(&[1, 3, 4, 2]) {
        let name = plain_or_odd(random, TAGS);
        if tags.iter().all(|tag| tag.name != name) {
            let count = if random.chance(75) { 3 } else { TAG_VALUES.len() };
            let values = random.some_of(&TAG_VALUES[..count], 60);
            tags.push(Tag { name, values: values.into_iter().map(str::to_owned).collect() });
        }
    }
    // One field to compute with.
    let (name, kind) = FIELDS[random.usize(..2)];
    let mut fields: Vec<Field> = vec![Field { name: name.to_owned(), kind }];
    for _ in 0..random.weighted(&[0, 1, 3, 4, 3, 2]) {
        let count = if random.chance(75) { 4 } else { FIELDS.len() };
        let (name, usual) = FIELDS[random.usize(..count)];
        if fields.iter().all(|field| field.name != name) {
            let kind = if random.chance(85) { usual } else { KINDS[random.usize(..KINDS.len())] };
            fields.push(Field { name: name.to_owned(), kind });
        }
    }
    Table { policy, measurement, tags, fields }
}
