//! What happens to the table, from a seed.

use super::model::{Deletion, Fields, Key, Model, Point, Series, TAGS, Value};
use super::random::Choices;
use crate::model::limits::ROW_GROUP_ROWS;
use fastrand::Rng;
use std::fmt;

/// Points of a batch that are written one by one at most.
const POINTS_MAX: usize = 24;

/// Points of a batch that is larger than batches of a scan and pages of a file.
const POINTS_MANY: i64 = 20_000;

/// Batches of one history at most.
const BATCHES_MAX: usize = 9;

/// One thing that happens.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Write(Vec<Point>),
    Flush,
    /// All that can be compacted is.
    Compact,
    /// Files of similar sizes are compacted, others stay.
    CompactSome,
    Delete(Deletion),
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// Lines that are shown of a write.
        const LINES_MAX: usize = 2 * POINTS_MAX;
        match self {
            Self::Write(points) => {
                write!(f, "write {} points", points.len())?;
                points.iter().take(LINES_MAX).try_for_each(|point| write!(f, "\n      {point}"))
            }
            Self::Flush => write!(f, "flush"),
            Self::Compact => write!(f, "compact"),
            Self::CompactSome => write!(f, "compact some"),
            Self::Delete(deletion) => write!(f, "{deletion}"),
        }
    }
}

/// What the points of a table are made of.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    pub(super) series: Vec<Series>,
    pub(super) fields: Vec<&'static str>,
    /// Times are multiples of `unit_ns` from 0 to below `end` units.
    pub(super) unit_ns: i64,
    pub(super) end: i64,
    /// Rows of a row group.
    pub(super) row_group_rows: usize,
    has_deletions: bool,
    has_many: bool,
}

impl Shape {
    pub(super) fn new(random: &mut Rng) -> Self {
        let has_many = random.once_in(32);
        let series = random.some(&Series::all());
        let row_group_rows = if has_many { [2_500, 9_000, 30_000] } else { [1, 3, 7] };
        Self {
            series: if has_many { series.into_iter().take(2).collect() } else { series },
            fields: random.some(&["b", "f", "i", "s"]),
            unit_ns: random.pick(&[1, 1_000_000_000, 86_400_000_000_000]),
            end: if has_many { POINTS_MANY * 2 } else { random.pick(&[4, 12, 60]) },
            row_group_rows: if random.once_in(4) { ROW_GROUP_ROWS } else { random.pick(&row_group_rows) },
            has_deletions: random.once_in(3),
            has_many,
        }
    }

    /// A point that makes every tag and every field known.
    pub(super) fn first_point(&self, random: &mut Rng) -> Point {
        let fields = self.fields.iter().map(|field| (*field, value(random, field))).collect();
        Point { key: (Series::WITH_ALL_TAGS, 0), fields }
    }

    /// What happens after that.
    pub(super) fn steps(&self, random: &mut Rng) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut known = Model::default();
        let many_at = self.has_many.then(|| random.usize(..3));
        for batch in 0..random.usize(3..=BATCHES_MAX) {
            let points = match many_at {
                Some(at) if at == batch => self.many_points(random),
                _ => self.points(random, &known),
            };
            known.write(&points);
            steps.push(Step::Write(points));
            if self.has_deletions && random.once_in(3) {
                steps.push(Step::Delete(self.deletion(random)));
            }
            if random.usize(..3) > 0 {
                steps.push(Step::Flush);
            }
            if random.once_in(6) {
                steps.push(if random.bool() { Step::Compact } else { Step::CompactSome });
            }
        }
        steps
    }

    /// A batch of points in one part of time: many of them again, with other fields or newer values.
    fn points(&self, random: &mut Rng, known: &Model) -> Vec<Point> {
        let start = random.i64(0..self.end);
        let width = random.pick(&[1, self.end / 4 + 1, self.end]);
        // Files in which one field has no nulls, or no values, are read in other ways.
        let fields = match random.usize(..4) {
            0 => vec![random.pick(&self.fields)],
            1 => random.some(&self.fields),
            _ => self.fields.clone(),
        };
        let has_all = random.once_in(4);
        let known: Vec<Key> = known.rows.keys().copied().take(200).collect();
        let mut points = Vec::new();
        for _ in 0..random.usize(1..=POINTS_MAX) {
            let time = (start + random.i64(0..width)).min(self.end - 1);
            let mut key = (random.pick(&self.series), time * self.unit_ns);
            if !known.is_empty() && random.once_in(3) {
                key = random.pick(&known);
            }
            let of_point = match random.usize(..3) {
                _ if has_all => fields.clone(),
                0 => random.some(&fields),
                _ => vec![random.pick(&fields)],
            };
            let fields: Fields = of_point.into_iter().map(|field| (field, value(random, field))).collect();
            points.push(Point { key, fields });
        }
        points
    }

    /// A point at each of many times, partial in stretches.
    fn many_points(&self, random: &mut Rng) -> Vec<Point> {
        let start = random.i64(0..self.end - POINTS_MANY);
        let stretch = random.pick(&[1, 5_000, 12_000]);
        let mut points = Vec::new();
        for series in &self.series {
            let mut fields = random.some(&self.fields);
            for time in start..start + POINTS_MANY {
                if time % stretch == 0 {
                    fields = random.some(&self.fields);
                }
                let fields = fields.iter().map(|field| (*field, value(random, field))).collect();
                points.push(Point { key: (*series, time * self.unit_ns), fields });
            }
        }
        points
    }

    fn deletion(&self, random: &mut Rng) -> Deletion {
        let series = random.pick(&self.series);
        let tag = (!series.tags().is_empty()).then(|| random.pick(series.tags()));
        let times_ns = self.times_ns(random);
        match random.usize(..3) {
            0 => Deletion { tag, times_ns: tag.is_none().then_some(times_ns) },
            1 => Deletion { tag: None, times_ns: Some(times_ns) },
            _ => Deletion { tag, times_ns: Some(times_ns) },
        }
    }

    /// A range of times, the end excluded.
    pub(super) fn times_ns(&self, random: &mut Rng) -> (i64, i64) {
        let start = random.i64(0..self.end);
        let end = start + 1 + random.i64(0..self.end);
        (start * self.unit_ns, end * self.unit_ns)
    }

    /// Some of the tags.
    pub(super) fn tags(random: &mut Rng) -> Vec<&'static str> {
        if random.bool() { Vec::new() } else { random.some(&TAGS) }
    }
}

/// A value of a field, often one that another point has too.
pub(super) fn value(random: &mut Rng, field: &str) -> Value {
    match field {
        "b" => Value::Boolean(random.bool()),
        "f" => Value::Float(random.i64(-20..60) as f64 / 2.0),
        "i" => Value::Integer(random.i64(-10..30)),
        "s" => Value::Text(random.pick(&["", "s0", "s1", "s2", "a longer text that is no view"]).to_owned()),
        other => panic!("there is no field {other}"),
    }
}
