//! An endless stream of bodies whose points are made before the clock starts.

use super::{Generator, STEP_NS};
use bytes::Bytes;
use std::io::Write;

/// Different bodies of a stream: enough that their values coming again does not help compression.
const BODIES: usize = 40;

/// Bodies of line protocol. The same come again and again with later times, which takes a client next to no time.
pub struct Bodies {
    bodies: Vec<Body>,
    next: usize,
    shift_ns: i64,
    /// How much later each turn of them is than the one before.
    turn_ns: i64,
}

struct Body {
    text: Vec<u8>,
    /// Of each line where the time begins, and the time.
    times: Vec<(usize, i64)>,
}

impl Bodies {
    /// Bodies of the next points of the generator, `line_count` in each, the first of them at `start_ns`.
    pub fn new(generator: &mut Generator, line_count: usize, start_ns: i64) -> Self {
        let shift_ns = start_ns - generator.time_ns;
        let point_count = BODIES * line_count;
        assert!(
            point_count.is_multiple_of(generator.hosts.len()),
            "a turn ends where a step of all hosts does"
        );
        let turn_ns = (point_count / generator.hosts.len()) as i64 * STEP_NS;
        let bodies = (0..BODIES).map(|_| Body::new(generator.lines(line_count))).collect();
        Self { bodies, next: 0, shift_ns, turn_ns }
    }

    /// The next body.
    pub fn next_body(&mut self) -> Bytes {
        let body = &mut self.bodies[self.next];
        let bytes = body.at(self.shift_ns);
        self.next += 1;
        if self.next == BODIES {
            self.next = 0;
            self.shift_ns += self.turn_ns;
        }
        bytes
    }
}

impl Body {
    fn new(lines: String) -> Self {
        let mut times = Vec::new();
        let mut end = 0;
        for line in lines.split_inclusive('\n') {
            end += line.len();
            let digits = line.trim_end().rsplit(' ').next().expect("a line has a time");
            times.push((end - 1 - digits.len(), digits.parse().expect("the time is a number")));
        }
        Self { text: lines.into_bytes(), times }
    }

    /// The lines, later by `shift_ns`.
    fn at(&mut self, shift_ns: i64) -> Bytes {
        for (start, time_ns) in &self.times {
            write!(&mut self.text[*start..], "{}", time_ns + shift_ns).expect("times are equally long");
        }
        Bytes::copy_from_slice(&self.text)
    }
}
