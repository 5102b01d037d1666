//! The clauses after WHERE: GROUP BY, fill, ORDER BY, limits and tz.

use super::columns::Columns;
use super::names::quote_name;
use super::{Column, Generator, Scope};
use crate::random::Choices;

const SECOND: i64 = 1_000_000_000;
/// Widths of windows in seconds, and their names.
const WIDTHS: &[(i64, &str)] = &[
    (1, "1s"),
    (5, "5s"),
    (7, "7s"),
    (10, "10s"),
    (60, "1m"),
    (90, "90s"),
    (300, "5m"),
    (600, "10m"),
    (1_200, "20m"),
    (3_600, "1h"),
    (7_200, "2h"),
    (21_600, "6h"),
    (43_200, "12h"),
    (86_400, "1d"),
    (604_800, "1w"),
];
const ZONES: &[&str] = &[
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kolkata",
    "UTC",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "America/St_Johns",
    "Australia/Adelaide",
    "Pacific/Chatham",
    "America/Caracas",
    "Etc/GMT+5",
];
/// More windows than that in one answer show nothing new.
const WINDOWS_MAX: i64 = 120;

impl Generator<'_> {
    /// GROUP BY, and the tags that an outer query sees through it.
    pub(super) fn group(&mut self, scope: &Scope, wants_interval: bool) -> (Vec<String>, Vec<Column>) {
        let mut group = Vec::new();
        let mut tags = Vec::new();
        match self.random.weighted(&[55, 30, 10, 5]) {
            1 => {
                for tag in self.random.some_of(&scope.tags, 50) {
                    group.push(quote_name(&tag.name));
                    tags.push(tag);
                }
                if self.random.chance(8) {
                    group.push("nosuch".to_owned());
                }
                if self.random.chance(2)
                    && let Some(field) = self.random.choice(&scope.fields)
                {
                    group.push(quote_name(&field.name));
                }
            }
            2 => {
                group.push("*".to_owned());
                tags = scope.tags.clone();
            }
            3 => {
                let names: Vec<String> = scope.tags.iter().map(|tag| tag.name.clone()).collect();
                group.push(self.regex(&names));
                tags = scope.tags.clone();
            }
            _ => {}
        }
        if wants_interval {
            let interval = self.interval();
            let place = self.random.usize(..=group.len());
            group.insert(place, interval);
        }
        (group, tags)
    }

    fn interval(&mut self) -> String {
        let span = self.schema.end_ns - self.schema.start_ns;
        let fitting: Vec<&(i64, &str)> = WIDTHS
            .iter()
            .filter(|(seconds, _)| {
                let count = span * 3 / 2 / (seconds * SECOND);
                (1..=WINDOWS_MAX).contains(&count)
            })
            .collect();
        let Some((seconds, name)) = self.random.choice(&fitting).copied() else {
            return "time(1w)".to_owned();
        };
        match self.random.usize(..8) {
            0 => format!("time({name}, {}s)", self.random.i64(1..=*seconds)),
            1 => format!("time({name}, -{}s)", self.random.i64(1..=*seconds)),
            _ => format!("time({name})"),
        }
    }

    /// The clauses after GROUP BY.
    pub(super) fn tail(&mut self, columns: &Columns, group: &[String], has_interval: bool) -> Vec<String> {
        let mut tail = Vec::new();
        if self.random.chance(if has_interval { 60 } else { 4 }) {
            let choices: &[&str] = if columns.is_raw {
                &["fill(7)", "fill(previous)", "fill(null)", "fill(-1.5)"]
            } else {
                &[
                    "fill(null)",
                    "fill(none)",
                    "fill(previous)",
                    "fill(linear)",
                    "fill(0)",
                    "fill(7.5)",
                    "fill(-2)",
                ]
            };
            tail.push(self.random.pick(choices).to_owned());
        }
        match self.random.usize(..12) {
            0 | 1 => tail.push("ORDER BY time DESC".to_owned()),
            2 => tail.push("ORDER BY DESC".to_owned()),
            3 => tail.push("ORDER BY time ASC".to_owned()),
            _ => {}
        }
        if self.random.chance(18) {
            tail.push(format!("LIMIT {}", self.random.i64(0..=5)));
            if self.random.chance(40) {
                tail.push(format!("OFFSET {}", self.random.i64(0..=4)));
            }
        } else if self.random.chance(1) {
            tail.push(format!("OFFSET {}", self.random.i64(1..=3)));
        }
        let groups_tags = group.iter().any(|entry| !entry.starts_with("time("));
        if self.random.chance(if groups_tags { 15 } else { 1 }) {
            tail.push(format!("SLIMIT {}", self.random.i64(1..=3)));
            if self.random.chance(40) {
                tail.push(format!("SOFFSET {}", self.random.i64(0..=2)));
            }
        }
        if self.random.chance(8) {
            tail.push(format!("tz('{}')", self.random.pick(ZONES)));
        }
        tail
    }
}
