//! Points to be written, chosen at random.
//!
//! | request | what it is for |
//! |---|---|
//! | plain | few points of few fields, and now and then a point twice |
//! | loose | the same with a field of any type: some points are refused |
//! | wide | many points of a field or a few each, of so many that the table is cut into parts; in few histories |

use super::model::{Batch, MEASUREMENTS, Point, Policy};
use super::points::{FIELDS, Fields, HOSTS, Kind, LOOSE_FIELDS, Series, Value, WIDE_FIELDS, values_of};
use super::steps::START_NS;
use crate::random::Choices;
use fastrand::Rng;
use std::collections::BTreeSet;
use tidegauge::model::time::{DAY_NS, TIME_MAX_NS, TIME_MIN_NS};

/// Days before and after the start that most points lie in.
const DAYS: (i64, i64) = (-4, 4);

/// The same for points of wide requests: few, so that their rows have fields of many requests.
const WIDE_DAYS: (i64, i64) = (-1, 1);

/// Different times within a day: few, so that points are often written again.
pub(super) const TIMES_PER_DAY: i64 = 4;

/// Once in so many points the time is one of these.
const EXTREME_TIME_ONCE_IN: u64 = 100;
const EXTREME_TIMES: [i64; 6] = [TIME_MIN_NS, TIME_MIN_NS + 1, -1, 0, TIME_MAX_NS - 1, TIME_MAX_NS];

const POINTS_MAX: u64 = 12;

/// Most points of wide requests. Of the most the line protocol makes several parts, as each of these needs 16,384 cells.
const WIDE_POINTS_MAX: [usize; 3] = [10, 40, 250];

/// One in so many histories has wide requests: every look at such a table takes as long as a whole history of others.
const WIDE_ONCE_IN: u64 = 16;

/// How many of the wide fields there are then.
const WIDTHS: [usize; 4] = [24, 60, 150, 300];

/// Chooses batches.
#[derive(Debug)]
pub(super) struct Batches {
    random: Rng,
    /// Makes values unlike each other.
    number: i64,
    /// How many of the wide fields are written.
    width: usize,
}

impl Batches {
    pub(super) fn new(mut random: Rng) -> Self {
        let width = if random.once_in(WIDE_ONCE_IN) { random.pick(&WIDTHS) } else { 0 };
        Self { random, number: 0, width }
    }

    /// Points of one request, of any kind.
    pub(super) fn any(&mut self) -> Batch {
        match self.random.u8(..6) {
            0..=1 if self.width > 0 => self.wide(None),
            2 => self.loose(),
            _ => self.plain(None),
        }
    }

    /// One batch, or one for each of some hosts. No two of them touch the same point, or disagree about a type.
    pub(super) fn some(&mut self) -> Vec<Batch> {
        if !self.random.once_in(4) {
            return vec![self.any()];
        }
        let count = self.random.usize(1..=HOSTS.len());
        let of_host = |host| match self.width > 0 && self.random.once_in(3) {
            true => self.wide(Some(host)),
            false => self.plain(Some(host)),
        };
        HOSTS.into_iter().take(count).map(of_host).collect()
    }

    /// A plain request, of one host if it is given.
    pub(super) fn plain(&mut self, host: Option<&'static str>) -> Batch {
        let policy = self.random.pick(&Policy::ALL);
        let tags: &[&str] = if self.random.once_in(4) { &["os", "rack", "zone"] } else { &["zone"] };
        let count = self.random.u64(1..=POINTS_MAX);
        let points = (0..count).map(|_| Point {
            measurement: self.random.pick(&MEASUREMENTS),
            series: self.series(host, tags),
            time_ns: self.time_ns(),
            fields: self.fields(),
        });
        let mut points: Vec<Point> = points.collect();
        while self.random.once_in(6) {
            let again = points[self.random.usize(..points.len())].clone();
            points.push(Point { fields: self.fields(), ..again });
        }
        Batch { policy, points }
    }

    /// A time that many points have.
    pub(super) fn usual_time_ns(&mut self) -> i64 {
        self.time_of(DAYS)
    }

    /// A few fields, of which some may be nowhere.
    pub(super) fn some_fields(&mut self) -> Vec<&'static str> {
        let names = (0..self.random.usize(1..=3)).map(|_| match self.random.u8(..3) {
            0 => self.random.pick(&LOOSE_FIELDS),
            1 if self.width > 0 => WIDE_FIELDS[self.random.usize(..self.width)].0,
            _ => self.random.pick(&FIELDS).0,
        });
        let names: BTreeSet<&'static str> = names.collect();
        names.into_iter().collect()
    }

    fn loose(&mut self) -> Batch {
        let mut batch = self.plain(None);
        let field = self.random.pick(&LOOSE_FIELDS);
        let kinds = [self.random.pick(&Kind::ALL), self.random.pick(&Kind::ALL)];
        for point in &mut batch.points {
            if self.random.bool() {
                let kind = self.random.pick(&kinds);
                point.fields.insert(field, self.value(kind));
            }
        }
        batch
    }

    fn wide(&mut self, host: Option<&'static str>) -> Batch {
        let policy = self.random.pick(&Policy::ALL);
        let points_max = self.random.pick(&WIDE_POINTS_MAX);
        let count = self.random.usize(1..=points_max);
        let points = (0..count).map(|_| Point {
            measurement: MEASUREMENTS[0],
            series: self.series(host, &["zone"]),
            time_ns: self.time_of(WIDE_DAYS),
            fields: self.wide_fields(),
        });
        Batch { policy, points: points.collect() }
    }

    /// A tag set of a host, any or none unless it is given, with some of `tags`.
    fn series(&mut self, host: Option<&'static str>, tags: &[&str]) -> Series {
        let mut series = Series::default();
        if host.is_some() || !self.random.once_in(12) {
            series = series.with("host", host.unwrap_or_else(|| self.random.pick(&HOSTS)));
        }
        for tag in tags {
            if self.random.bool() {
                series = series.with(tag, self.random.pick(values_of(tag)));
            }
        }
        series
    }

    fn time_ns(&mut self) -> i64 {
        match self.random.once_in(EXTREME_TIME_ONCE_IN) {
            true => self.random.pick(&EXTREME_TIMES),
            false => self.time_of(DAYS),
        }
    }

    fn time_of(&mut self, days: (i64, i64)) -> i64 {
        START_NS + self.random.i64(days.0..days.1) * DAY_NS + self.random.i64(0..TIMES_PER_DAY)
    }

    fn fields(&mut self) -> Fields {
        let mut fields = Fields::new();
        while fields.is_empty() {
            for (name, kind) in FIELDS {
                if self.random.once_in(3) {
                    fields.insert(name, self.value(kind));
                }
            }
        }
        fields
    }

    fn wide_fields(&mut self) -> Fields {
        let count = if self.random.once_in(4) { self.random.usize(2..=4) } else { 1 };
        let mut fields = Fields::new();
        for _ in 0..count {
            let (name, kind) = WIDE_FIELDS[self.random.usize(..self.width)];
            fields.insert(name, self.value(kind));
        }
        fields
    }

    fn value(&mut self, kind: Kind) -> Value {
        self.number += 1;
        Value::new(kind, self.number)
    }
}
