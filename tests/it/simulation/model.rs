//! What the engine must answer: a map, and what may have become of operations whose answer is missing.
//!
//! An operation that failed after it was sent may have taken effect, wholly or not at all, and may come to do so until the
//! next start. So the model keeps *worlds*: each says what queries may see now, and what they will see after a
//! restart. Looking at the data drops the worlds that contradict it; at least one must stay.

use super::points::{Fields, Series};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use tidegauge::model::time::{DAY_NS, TimeRange};

/// Where rows go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Policy {
    /// Keeps rows for ever.
    Autogen,
    /// Keeps rows for [`SHORT_DURATION_NS`].
    Short,
}

/// How long [`Policy::Short`] keeps rows.
pub(super) const SHORT_DURATION_NS: i64 = 3 * DAY_NS;

impl Policy {
    pub(super) const ALL: [Self; 2] = [Self::Autogen, Self::Short];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Autogen => "autogen",
            Self::Short => "short",
        }
    }

    /// The first time that rows may still bear at `now_ns`.
    pub(super) fn oldest_ns(self, now_ns: i64) -> i64 {
        match self {
            Self::Autogen => i64::MIN,
            Self::Short => now_ns - SHORT_DURATION_NS,
        }
    }
}

/// The measurements.
pub(super) const MEASUREMENTS: [&str; 2] = ["m", "n"];

/// The points of a table.
pub(super) type Rows = BTreeMap<(Series, i64), Fields>;

/// A policy and a measurement.
pub(super) type TableName = (Policy, &'static str);

/// The names of all tables.
pub(super) fn table_names() -> Vec<TableName> {
    Policy::ALL.into_iter().flat_map(|policy| MEASUREMENTS.map(|name| (policy, name))).collect()
}

/// Everything, without empty tables.
pub(super) type Tables = BTreeMap<TableName, Rows>;

/// A point to be written.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Point {
    pub(super) measurement: &'static str,
    pub(super) series: Series,
    pub(super) time_ns: i64,
    pub(super) fields: Fields,
}

/// Points of one request.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Batch {
    pub(super) policy: Policy,
    pub(super) points: Vec<Point>,
}

/// Which series a deletion or a query is about, by a tag and its value.
#[derive(Clone, Copy, Debug)]
pub(super) enum Filter {
    All,
    Equal(&'static str, &'static str),
    /// Those without the tag are among them.
    NotEqual(&'static str, &'static str),
    /// Those without the tag.
    Missing(&'static str),
}

impl Filter {
    pub(super) fn has(self, series: &Series) -> bool {
        match self {
            Self::All => true,
            Self::Equal(tag, value) => series.tag(tag) == Some(value),
            Self::NotEqual(tag, value) => series.tag(tag) != Some(value),
            Self::Missing(tag) => series.tag(tag).is_none(),
        }
    }
}

/// Rows of some tables.
#[derive(Clone, Debug)]
pub(super) struct Selection {
    pub(super) tables: Vec<TableName>,
    pub(super) filter: Filter,
    pub(super) times: TimeRange,
}

impl Selection {
    /// All rows of these tables.
    pub(super) fn all_of(tables: Vec<TableName>) -> Self {
        Self { tables, filter: Filter::All, times: TimeRange::ALL }
    }
}

/// What an operation does to the data, if it does it.
#[derive(Clone, Debug)]
pub(super) enum Effect {
    /// Of rows that the policy still keeps.
    Write(Batch),
    Delete(Selection),
    DropMeasurement(&'static str),
    DropPolicy(Policy),
    DropDatabase,
}

impl Effect {
    /// Does it.
    pub(super) fn apply(&self, tables: &mut Tables) {
        match self {
            Self::Write(Batch { policy, points }) => {
                for point in points {
                    let rows = tables.entry((*policy, point.measurement)).or_default();
                    let row = rows.entry((point.series, point.time_ns)).or_default();
                    row.extend(point.fields.clone());
                }
            }
            Self::Delete(selection) => {
                for name in &selection.tables {
                    let Some(rows) = tables.get_mut(name) else { continue };
                    rows.retain(|(series, time_ns), _| {
                        !(selection.filter.has(series) && selection.times.contains(*time_ns))
                    });
                }
            }
            Self::DropMeasurement(_) | Self::DropPolicy(_) | Self::DropDatabase => {
                tables.retain(|name, _| !self.drops(*name));
            }
        }
        tables.retain(|_, rows| !rows.is_empty());
    }

    /// Whether it drops this table.
    pub(super) fn drops(&self, (policy, measurement): TableName) -> bool {
        match self {
            Self::Write(_) | Self::Delete(_) => false,
            Self::DropMeasurement(dropped) => *dropped == measurement,
            Self::DropPolicy(dropped) => *dropped == policy,
            Self::DropDatabase => true,
        }
    }
}

/// One way in which things may be.
#[derive(Clone, Debug, Default, PartialEq)]
struct World {
    /// What queries see.
    now: Tables,
    /// What they will see when the manifest is read again: before the next change of it at the latest.
    settled: Tables,
    /// What they will see after a restart, which brings what else is in the log.
    after_restart: Tables,
}

impl World {
    /// After the manifest was read again.
    fn settle(&self) -> Self {
        Self { now: self.settled.clone(), ..self.clone() }
    }
}

/// Everything that may be.
#[derive(Debug)]
pub(super) struct Model {
    worlds: Vec<World>,
}

impl Model {
    /// No data.
    pub(super) fn new() -> Self {
        Self { worlds: vec![World::default()] }
    }

    /// In how many ways things may be.
    pub(super) fn world_count(&self) -> usize {
        self.worlds.len()
    }

    /// An operation was answered with success.
    pub(super) fn succeeded(&mut self, effect: &Effect) {
        for world in &mut self.worlds {
            effect.apply(&mut world.now);
            effect.apply(&mut world.settled);
            effect.apply(&mut world.after_restart);
        }
        self.forget_doubles();
    }

    /// An operation failed after it was sent: it has taken effect, will do so, or never will; and of what it did, it is one of `effects`.
    /// Of a write nobody hears before the log is read again.
    pub(super) fn may_have_succeeded(&mut self, effects: &[Effect]) {
        let mut worlds = Vec::new();
        // What failed before may have come to be for the sake of this one.
        let before = std::mem::take(&mut self.worlds).into_iter().flat_map(|world| [world.settle(), world]);
        for world in before {
            for effect in effects {
                let mut later = world.clone();
                effect.apply(&mut later.after_restart);
                if !matches!(effect, Effect::Write(_)) {
                    effect.apply(&mut later.settled);
                }
                let mut at_once = later.clone();
                effect.apply(&mut at_once.now);
                effect.apply(&mut at_once.settled);
                worlds.extend([later, at_once]);
            }
            worlds.push(world);
        }
        self.worlds = worlds;
        self.forget_doubles();
    }

    /// The engine was opened again.
    pub(super) fn restarted(&mut self) {
        for world in &mut self.worlds {
            world.settled = world.after_restart.clone();
            world.now = world.after_restart.clone();
        }
        self.forget_doubles();
    }

    /// Whether things can be in one way only, and stay so until something happens.
    pub(super) fn is_certain(&self) -> bool {
        matches!(&self.worlds[..], [world] if world.now == world.settled)
    }

    /// The rows that may be seen, one set for each way in which things may be.
    pub(super) fn views(&self, now_ns: i64) -> Vec<Tables> {
        let mut views: Vec<Tables> = Vec::new();
        for world in &self.worlds {
            for tables in [&world.now, &world.settled] {
                let kept = kept_at(tables, now_ns);
                if !views.contains(&kept) {
                    views.push(kept);
                }
            }
        }
        views
    }

    /// All rows were looked at.
    ///
    /// # Errors
    /// When they cannot be: how they differ from what they may be.
    pub(super) fn observe(&mut self, found: &Tables, now_ns: i64) -> Result<(), String> {
        let is_found = |tables: &Tables| is_kept(found, tables, now_ns);
        if !self.worlds.iter().any(|world| is_found(&world.now) || is_found(&world.settled)) {
            let differences: Vec<String> =
                self.views(now_ns).iter().map(|expected| difference(expected, found)).collect();
            let shortest = differences.iter().min_by_key(|text| text.len()).cloned().unwrap_or_default();
            return Err(format!(
                "none of {} possible views was found; the nearest differs in\n{shortest}",
                differences.len()
            ));
        }
        self.worlds.retain_mut(|world| {
            if !is_found(&world.now) {
                world.now = world.settled.clone();
            }
            is_found(&world.now)
        });
        self.forget_doubles();
        Ok(())
    }

    fn forget_doubles(&mut self) {
        let mut worlds: Vec<World> = Vec::new();
        for world in std::mem::take(&mut self.worlds) {
            if !worlds.contains(&world) {
                worlds.push(world);
            }
        }
        self.worlds = worlds;
        assert!(self.worlds.len() <= 4_096, "the simulation leaves too much undecided");
    }
}

/// The rows that their policy still keeps.
fn kept_at(tables: &Tables, now_ns: i64) -> Tables {
    let mut kept = tables.clone();
    for ((policy, _), rows) in &mut kept {
        let oldest_ns = policy.oldest_ns(now_ns);
        rows.retain(|(_, time_ns), _| *time_ns >= oldest_ns);
    }
    kept.retain(|_, rows| !rows.is_empty());
    kept
}

/// Whether these are the rows of `tables` that their policy still keeps.
fn is_kept(found: &Tables, tables: &Tables, now_ns: i64) -> bool {
    let kept = tables.iter().flat_map(|(name, rows)| {
        let oldest_ns = name.0.oldest_ns(now_ns);
        rows.iter().filter(move |((_, time_ns), _)| *time_ns >= oldest_ns).map(move |row| (name, row))
    });
    let found = found.iter().flat_map(|(name, rows)| rows.iter().map(move |row| (name, row)));
    kept.eq(found)
}

/// The rows that are not the same, one a line.
pub(super) fn difference(expected: &Tables, found: &Tables) -> String {
    let flat = |tables: &Tables| -> BTreeMap<(TableName, Series, i64), Fields> {
        let rows = tables.iter().flat_map(|(name, rows)| {
            rows.iter().map(|((series, time_ns), fields)| ((*name, *series, *time_ns), fields.clone()))
        });
        rows.collect()
    };
    let (expected, found) = (flat(expected), flat(found));
    let mut out = String::new();
    for (key, fields) in &expected {
        match found.get(key) {
            Some(other) if other == fields => {}
            Some(other) => writeln!(out, "  {key:?}: {other:?} instead of {fields:?}").expect("a string"),
            None => writeln!(out, "  {key:?}: missing {fields:?}").expect("a string"),
        }
    }
    for (key, fields) in found.iter().filter(|(key, _)| !expected.contains_key(key)) {
        writeln!(out, "  {key:?}: {fields:?} should not be there").expect("a string");
    }
    out
}
