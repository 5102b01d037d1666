//! A statement with all that led to it: enough to ask both servers again, and to write a scenario.

use crate::answers::scenario_answer;
use crate::generate::quote_name;
use crate::points::{Point, Value};
use crate::schema::{DATABASE, Kind, TARGET};
use crate::servers::{Form, Pair, Servers};
use crate::statement::Statement;
use chrono::{Offset as _, TimeZone as _};
use chrono_tz::Tz;

/// What happened to the database before the statement.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Write(Vec<Point>),
    /// What Tidegauge has buffered becomes files; nothing for InfluxDB.
    Flush,
    Change(Statement),
}

/// A statement and its history.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    /// The first one is the default.
    pub(crate) policies: Vec<String>,
    pub(crate) steps: Vec<Step>,
    pub(crate) statement: Statement,
    pub(crate) form: Form,
}

impl Case {
    /// Makes the database anew on both servers and plays the steps.
    pub(crate) fn prepare(&self, servers: &Servers) -> Result<(), String> {
        prepare(servers, &self.policies, &self.steps)
    }

    /// Asks both the statement.
    pub(crate) fn ask(&self, servers: &Servers) -> Result<Pair, String> {
        servers.query(&self.statement.to_string(), self.form)
    }

    /// How many points the steps write.
    pub(crate) fn point_count(&self) -> usize {
        self.points().count()
    }

    /// The statements that have changed what the points say.
    pub(crate) fn changes(&self) -> impl Iterator<Item = &Statement> {
        self.steps.iter().filter_map(|step| match step {
            Step::Change(statement) => Some(statement),
            Step::Write(_) | Step::Flush => None,
        })
    }

    /// Whether there are any.
    pub(crate) fn has_changes(&self) -> bool {
        self.changes().next().is_some()
    }

    /// Whether changes have written points with INTO.
    pub(crate) fn has_written(&self) -> bool {
        self.changes().any(is_into)
    }

    /// Whether changes may have written points of this measurement with INTO.
    pub(crate) fn has_written_into(&self, measurement: &str) -> bool {
        let targets = self.changes().filter_map(|change| change.select()?.into.as_ref());
        targets.into_iter().any(|target| measurement == TARGET || target.ends_with(":MEASUREMENT"))
    }

    /// Whether changes may have taken something away from this measurement, or refused it on its way there.
    pub(crate) fn has_changed(&self, measurement: &str) -> bool {
        self.changes().any(|change| match change {
            Statement::Broken { .. } => false,
            Statement::Select(_) => self.has_written_into(measurement),
            Statement::Other { head, .. } => {
                let name =
                    head.rsplit_once(" FROM ").or(head.split_once(" MEASUREMENT ")).map(|(_, name)| name);
                name.is_none_or(|name| name.starts_with('/') || name == quote_name(measurement))
            }
        })
    }

    /// The types of all fields of this name in lower case. A field of a SELECT … INTO is not among them.
    pub(crate) fn kinds_of(&self, name: &str) -> Vec<Kind> {
        let fields = self.points().flat_map(|point| &point.fields);
        fields.filter(|(field, _)| field.to_lowercase() == name).map(|(_, value)| value.kind()).collect()
    }

    /// Whether a WHERE begins with a field of the points.
    pub(crate) fn begins_with_field(&self, condition: &str) -> bool {
        let mut fields = self.points().flat_map(|point| &point.fields);
        fields.any(|(name, _)| condition.starts_with(&format!("WHERE {} ", quote_name(name))))
    }

    /// Whether points have a tag or a field of this name in lower case, or INTO may have written one.
    pub(crate) fn has_name(&self, name: &str) -> bool {
        let is_of = |known: &String| known.to_lowercase() == name;
        self.points().any(|point| {
            point.tags.iter().any(|(tag, _)| is_of(tag)) || point.fields.iter().any(|(field, _)| is_of(field))
        }) || self.changes().any(is_into)
    }

    /// Whether a text has the name of a tag of a measurement that is a field of it as well, of any policy, or that INTO may have
    /// written as one.
    pub(crate) fn names_tag_and_field(&self, text: &str) -> bool {
        let is_field_of = |measurement: &str, name: &str| {
            self.points().any(|point| {
                point.measurement == measurement && point.fields.iter().any(|(field, _)| field == name)
            })
        };
        let may_write = |change: &Statement, tag: &str| {
            let names = |column: &String| column.contains(tag) || column.contains(['*', '/']);
            is_into(change) && change.select().is_some_and(|select| select.columns.iter().any(names))
        };
        self.points().any(|point| {
            let is_both = |tag: &str| {
                is_field_of(&point.measurement, tag) || self.changes().any(|change| may_write(change, tag))
            };
            point.tags.iter().any(|(tag, _)| text.contains(tag.as_str()) && is_both(tag))
        })
    }

    /// Every point that was written.
    fn points(&self) -> impl Iterator<Item = &Point> {
        self.steps.iter().flat_map(|step| match step {
            Step::Write(points) => points.as_slice(),
            Step::Flush | Step::Change(_) => &[],
        })
    }

    /// Whether steps write points of this time or later ones.
    pub(crate) fn has_points_from(&self, time_ns: i64) -> bool {
        self.points().any(|point| point.time_ns >= time_ns)
    }

    /// Whether the clock of any of these zones changes between the first and the last of the points and of these times.
    pub(crate) fn has_clock_change(&self, zones: &[Tz], times_ns: &[i64]) -> bool {
        zones.iter().any(|zone| {
            let of_points = self.points().map(|point| point.time_ns);
            let mut offsets =
                of_points.chain(times_ns.iter().copied()).map(|time_ns| ahead_of_utc_ns(*zone, time_ns));
            let first = offsets.next();
            offsets.any(|offset| Some(offset) != first)
        })
    }

    /// When the clock of a zone is changed between the first and the last of the points and of these times.
    pub(crate) fn clock_changes(&self, zone: Tz, times_ns: &[i64]) -> Vec<i64> {
        const DAY_NS: i64 = 86_400_000_000_000;
        let ahead_ns = |time_ns: i64| ahead_of_utc_ns(zone, time_ns);
        let times = || self.points().map(|point| point.time_ns).chain(times_ns.iter().copied());
        let (Some(mut time_ns), Some(last_ns)) = (times().min(), times().max()) else { return Vec::new() };
        let mut changes = Vec::new();
        while time_ns < last_ns {
            let next_ns = time_ns.saturating_add(DAY_NS).min(last_ns);
            let (mut before_ns, mut after_ns) = (time_ns, next_ns);
            if ahead_ns(before_ns) != ahead_ns(after_ns) {
                while after_ns - before_ns > 1 {
                    let middle_ns = before_ns + (after_ns - before_ns) / 2;
                    if ahead_ns(middle_ns) == ahead_ns(before_ns) {
                        before_ns = middle_ns;
                    } else {
                        after_ns = middle_ns;
                    }
                }
                changes.push(after_ns);
            }
            time_ns = next_ns;
        }
        changes
    }

    /// Whether a text has the name of a field that one policy's points of a measurement have, and another's have not.
    pub(crate) fn names_field_of_other_policy(&self, text: &str) -> bool {
        let points = || self.points();
        let has = |policy: usize, measurement: &str, field: &str| {
            points().any(|point| {
                point.policy == policy
                    && point.measurement == measurement
                    && point.fields.iter().any(|(name, _)| name == field)
            })
        };
        points().any(|point| {
            point.fields.iter().any(|(field, _)| {
                text.contains(field.as_str())
                    && points().any(|other| {
                        other.measurement == point.measurement
                            && other.policy != point.policy
                            && !has(other.policy, &other.measurement, field)
                    })
            })
        })
    }

    /// Whether one policy's points of a measurement have a tag of this name, and none of another's have it.
    pub(crate) fn is_tag_of_other_policy(&self, name: &str) -> bool {
        let has = |point: &Point| point.tags.iter().any(|(tag, _)| tag == name);
        let is_beside = |point: &Point, other: &Point| {
            point.measurement == other.measurement && point.policy != other.policy
        };
        let lacks = |other: &Point| {
            let mut of_table = self
                .points()
                .filter(|point| point.measurement == other.measurement && point.policy == other.policy);
            of_table.all(|point| !has(point))
        };
        self.points()
            .filter(|point| has(point))
            .any(|point| self.points().any(|other| is_beside(point, other) && lacks(other)))
    }

    /// Whether InfluxDB keeps the points of a policy in more than one shard. Shards of a week begin on Mondays.
    pub(crate) fn has_several_shards(&self) -> bool {
        const DAY_NS: i64 = 86_400_000_000_000;
        // The epoch was a Thursday.
        let mut shards =
            self.points().map(|point| point.time_ns.saturating_add(3 * DAY_NS).div_euclid(7 * DAY_NS));
        let first = shards.next();
        shards.any(|shard| Some(shard) != first)
    }

    /// Whether points hold integers of which two leave 64 bits.
    pub(crate) fn has_huge_integers(&self) -> bool {
        self.has_integers_beyond(1 << 61)
    }

    /// Whether points hold integers with more digits than a float has.
    pub(crate) fn has_integers_beyond_floats(&self) -> bool {
        self.has_integers_beyond(1 << 53)
    }

    fn has_integers_beyond(&self, size: u64) -> bool {
        let mut values = self.points().flat_map(|point| &point.fields);
        values.any(|(_, value)| matches!(value, Value::Integer(n) if n.unsigned_abs() > size))
    }

    /// The case as a scenario file, with the oracle's answer.
    pub(crate) fn scenario(&self, comment: &str, pair: &Pair) -> String {
        let mut out = format!("# {comment}\ndatabase {DATABASE}\n\n");
        let used = self.used_policies();
        for policy in &used {
            out += &format!("exec {}\n", create_policy(policy));
        }
        for step in &self.steps {
            match step {
                Step::Write(points) => {
                    for (policy, lines) in by_policy(&self.policies, points) {
                        let rp = match used.contains(&policy) {
                            true if policy.contains(' ') => format!(" rp='{policy}'"),
                            true => format!(" rp={policy}"),
                            false => String::new(),
                        };
                        out += &format!("write{rp}\n");
                        for line in lines.lines() {
                            out += &format!("  {line}\n");
                        }
                    }
                }
                // Scenarios run in every state of the data.
                Step::Flush => {}
                Step::Change(statement) => out += &format!("query\n{statement}\n----\n?\n\n"),
            }
        }
        let (text, parameters) = self.form.bound(&self.statement.to_string());
        out += &format!("\nquery{}\n{text}\n----\n", self.form.options(parameters.as_deref()));
        out + &scenario_answer(&pair.oracle) + "\n"
    }

    /// The policies besides the default one that the case needs.
    fn used_policies(&self) -> Vec<String> {
        let text = self.scenario_text();
        let is_used = |number: usize, name: &str| {
            text.contains(name)
                || self.steps.iter().any(|step| match step {
                    Step::Write(points) => points.iter().any(|point| point.policy == number),
                    Step::Flush | Step::Change(_) => false,
                })
        };
        let others = self.policies.iter().enumerate().skip(1);
        others.filter(|(number, name)| is_used(*number, name)).map(|(_, name)| name.clone()).collect()
    }

    fn scenario_text(&self) -> String {
        let mut text = self.statement.to_string();
        for step in &self.steps {
            if let Step::Change(statement) = step {
                text += &statement.to_string();
            }
        }
        if text.contains("POLICIES") {
            text += &self.policies.join(" ");
        }
        text
    }
}

/// By how much local time of a zone is ahead of UTC.
pub(crate) fn ahead_of_utc_ns(zone: Tz, time_ns: i64) -> i64 {
    let at = chrono::DateTime::from_timestamp_nanos(time_ns).naive_utc();
    i64::from(zone.offset_from_utc_datetime(&at).fix().local_minus_utc()) * 1_000_000_000
}

/// Whether a change writes what it reads.
fn is_into(change: &Statement) -> bool {
    matches!(change, Statement::Select(select) if select.into.is_some())
}

/// Makes the database anew on both servers and plays the steps.
pub(crate) fn prepare(servers: &Servers, policies: &[String], steps: &[Step]) -> Result<(), String> {
    servers.run(&format!("DROP DATABASE {DATABASE}"))?;
    servers.run(&format!("CREATE DATABASE {DATABASE}"))?;
    for policy in policies.iter().skip(1) {
        servers.run(&create_policy(policy))?;
    }
    for step in steps {
        match step {
            Step::Write(points) => write(servers, policies, points)?,
            Step::Flush => servers.flush()?,
            // Its answer was looked at when it was found.
            Step::Change(statement) => drop(servers.query(&statement.to_string(), Form::default())?),
        }
    }
    Ok(())
}

/// Writes points to both servers.
fn write(servers: &Servers, policies: &[String], points: &[Point]) -> Result<(), String> {
    by_policy(policies, points).into_iter().try_for_each(|(policy, lines)| servers.write(&policy, &lines))
}

fn create_policy(policy: &str) -> String {
    format!("CREATE RETENTION POLICY {} ON {DATABASE} DURATION INF REPLICATION 1", quote_name(policy))
}

/// Line protocol for each policy that has points.
fn by_policy(policies: &[String], points: &[Point]) -> Vec<(String, String)> {
    let mut out = Vec::new();
    for (number, policy) in policies.iter().enumerate() {
        let lines: Vec<String> =
            points.iter().filter(|point| point.policy == number).map(Point::line).collect();
        if !lines.is_empty() {
            out.push((policy.clone(), lines.join("\n")));
        }
    }
    out
}
