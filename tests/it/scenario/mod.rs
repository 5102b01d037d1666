//! Behaviour scenarios: text files that hold writes, queries and the exact answers together.
//!
//! A file under `testdata/scenarios/` is read by [`file`] into a [`Scenario`], a list of steps. [`run`] plays
//! the steps against a server over HTTP and compares each answer with the one in the file; `cargo run
//! --example golden` plays the very same steps against a real InfluxDB 1.6 and writes its answers into the
//! file. Nothing here knows which server it talks to, how that server stores data, or how it is started,
//! flushed and stopped: whoever runs the scenarios passes an address and a hook.
//!
//! ```text
//! # fill(previous) repeats the last window that had points.
//! database mydb
//!
//! write precision=s
//!   cpu,host=a usage=10 0
//!   cpu,host=a usage=30 120
//!
//! query epoch=s
//! SELECT mean(usage) FROM cpu WHERE time >= 0s AND time < 180s GROUP BY time(1m) fill(previous)
//! ----
//! name: cpu
//! time mean
//! 0    10
//! 60   10
//! 120  30
//! ```
//!
//! | Line | Meaning |
//! |---|---|
//! | `# …` | a comment: what the next step shows |
//! | `database NAME` | the file owns this database; it is created before the first step. Renamed on the server, so that files can run side by side |
//! | `database NAME absent` | the file owns the name, a step creates the database (or nobody does) |
//! | `users: NAME, NAME` | the file owns these users; steps create them. Renamed on the server as databases are |
//! | `write [db= rp= precision= consistency=] [escaped]` | the indented lines below go to `/write`; 204 is expected unless an answer follows. `escaped` reads `\r \t \\ \xNN` in them |
//! | `exec STATEMENT` | one statement sent to `/query` by POST; an empty result is expected unless an answer follows |
//! | `query [db= rp= epoch= time_format= chunked chunk_size= pretty params=] [accept= method= raw show= no_q]` | the lines below, up to `----`, go to `/query` |
//! | `request METHOD /path?query [accept= show=]` | any request; indented lines are its body, the answer is compared byte by byte |
//! | `----` | the answer follows, up to the next line of this table. A line of an answer that looks like one is preceded by `\` |
//! | `differs: REASON` | the next step's answer is deliberately not InfluxDB 1.6's; ours follows the recorded one after `---- tidegauge` |
//!
//! `db` is the file's first database when not given; `db=` sends none. `show=Name,Name` adds response headers
//! to the answer. Values with spaces stand in single quotes. [`answer`] describes how an answer is written
//! down.

pub(crate) mod answer;
pub(crate) mod differences;
pub(crate) mod file;
pub(crate) mod http;
pub(crate) mod json;
pub(crate) mod msgpack;
pub(crate) mod request;
pub(crate) mod run;
#[cfg(test)]
mod tests;

pub(crate) use file::{Scenario, load_folder};
pub(crate) use run::{Moment, Target, run_rounds, run_scenario};
