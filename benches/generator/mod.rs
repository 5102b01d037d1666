//! The data that all benchmarks share: the shape of the Time Series Benchmark Suite's "devops cpu-only".
//!
//! Measurement `cpu`, ten tags, ten integer fields that walk randomly within 0..=100, one point per host every
//! ten seconds from 2016-01-01T00:00:00Z. Points come in the order they would be sent: all hosts of one step,
//! then the next step. The same seed gives the same data everywhere.

#![allow(dead_code, unreachable_pub, reason = "each benchmark includes it and uses a part of it")]

pub mod bodies;

use fastrand::Rng;
use std::fmt::Write;

/// The first timestamp: 2016-01-01T00:00:00Z.
pub const START_NS: i64 = 1_451_606_400_000_000_000;
/// Between two points of a host.
pub const STEP_NS: i64 = 10_000_000_000;
/// The fields, in the order written.
pub const FIELDS: [&str; 10] = [
    "usage_user",
    "usage_system",
    "usage_idle",
    "usage_nice",
    "usage_iowait",
    "usage_irq",
    "usage_softirq",
    "usage_steal",
    "usage_guest",
    "usage_guest_nice",
];

const REGIONS: [&str; 9] = [
    "us-east-1",
    "us-west-1",
    "us-west-2",
    "eu-west-1",
    "eu-central-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-northeast-1",
    "sa-east-1",
];
const ZONES: [&str; 3] = ["a", "b", "c"];
const SYSTEMS: [&str; 3] = ["Ubuntu16.10", "Ubuntu16.04LTS", "Ubuntu15.10"];
const ARCHITECTURES: [&str; 2] = ["x64", "x86"];
const TEAMS: [&str; 4] = ["SF", "NYC", "LON", "CHI"];
const ENVIRONMENTS: [&str; 3] = ["production", "staging", "test"];

/// Generates points, endlessly.
#[derive(Clone, Debug)]
pub struct Generator {
    random: Rng,
    hosts: Vec<Host>,
    next_host: usize,
    time_ns: i64,
}

#[derive(Clone, Debug)]
struct Host {
    series: String,
    values: [i64; FIELDS.len()],
}

impl Generator {
    /// Points of `host_count` (> 0) hosts.
    #[must_use]
    pub fn new(seed: u64, host_count: usize) -> Self {
        let mut random = Rng::with_seed(seed);
        let hosts = (0..host_count).map(|number| Host::new(number, &mut random)).collect();
        Self { random, hosts, next_host: 0, time_ns: START_NS }
    }

    /// Appends the next point to `out`, with its newline.
    pub fn write_line(&mut self, out: &mut String) {
        let host = &mut self.hosts[self.next_host];
        out.push_str(&host.series);
        for (field, (name, value)) in FIELDS.iter().zip(&mut host.values).enumerate() {
            let separator = if field == 0 { ' ' } else { ',' };
            let _ = write!(out, "{separator}{name}={value}i");
            *value = (*value + self.random.i64(-2..=2)).clamp(0, 100);
        }
        let _ = writeln!(out, " {}", self.time_ns);
        self.next_host += 1;
        if self.next_host == self.hosts.len() {
            self.next_host = 0;
            self.time_ns += STEP_NS;
        }
    }

    /// The next `line_count` points.
    #[must_use]
    pub fn lines(&mut self, line_count: usize) -> String {
        let mut out = String::new();
        for _ in 0..line_count {
            self.write_line(&mut out);
        }
        out
    }
}

impl Host {
    fn new(number: usize, random: &mut Rng) -> Self {
        let region = pick(random, &REGIONS);
        let series = format!(
            "cpu,hostname=host_{number},region={region},datacenter={region}{},rack={},os={},arch={},team={},\
             service={},service_version={},service_environment={}",
            pick(random, &ZONES),
            random.u8(..100),
            pick(random, &SYSTEMS),
            pick(random, &ARCHITECTURES),
            pick(random, &TEAMS),
            random.u8(..20),
            random.u8(..2),
            pick(random, &ENVIRONMENTS),
        );
        Self { series, values: std::array::from_fn(|_| random.i64(0..=100)) }
    }
}

/// One of `choices`.
fn pick<'a>(random: &mut Rng, choices: &[&'a str]) -> &'a str {
    choices[random.usize(..choices.len())]
}
