//! Playing scenarios against a server.
//!
//! In: scenarios, the address of a server and a hook. Out: nothing, or what differed. The same file is played
//! in every state of the data: the hook is called after each write and again before the queries that follow,
//! and may flush, compact or restart the server there; answers must not change. This module cannot do any of
//! that itself.

use std::fmt::{self, Write as _};
use std::net::SocketAddr;

use super::answer;
use super::file::{Scenario, Step};
use super::http::{self, Request, Response};
use super::request;

/// The server under test.
#[derive(Clone)]
pub(crate) struct Target<'a> {
    /// Where it listens; asked again for every request, because a restart may move it.
    pub(crate) address: &'a (dyn Fn() -> SocketAddr + Sync),
    /// Put before the names of the file's databases. Must be unique per run on one server and occur in no
    /// answer by chance: `zq1_`, `zq2_` …
    pub(crate) prefix: String,
}

/// When a hook is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// A step that may change data was answered.
    Wrote,
    /// All steps before the next queries were answered.
    BeforeQueries,
}

/// What the caller does between steps.
pub(crate) type Hook<'a> = dyn FnMut(Moment) -> Result<(), String> + 'a;

/// All that differed in one file.
#[derive(Debug)]
pub(crate) struct Mismatches {
    /// The file.
    pub(crate) scenario: String,
    /// One text per step: its place, what was sent, and both answers line by line.
    pub(crate) texts: Vec<String>,
}

impl fmt::Display for Mismatches {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{} of the answers in {} differ", self.texts.len(), self.scenario)?;
        self.texts.iter().try_for_each(|text| writeln!(out, "\n{text}"))
    }
}

/// Plays one file from its first step to its last.
pub(crate) fn run_scenario(
    target: &Target<'_>,
    scenario: &Scenario,
    hook: &mut Hook<'_>,
) -> Result<(), Mismatches> {
    let mut play = Play::begin(target.clone(), scenario);
    while !play.is_done() {
        play.mutate(hook);
        play.call(hook, Moment::BeforeQueries);
        play.read();
    }
    play.end()
}

/// Plays many files in step: all of them write, the hook is called once with [`Moment::BeforeQueries`], all
/// of them query, and so on. A restart as the hook then happens a few times and not a few times per file.
pub(crate) fn run_rounds(targets: &[(Target<'_>, &Scenario)], hook: &mut Hook<'_>) -> Vec<Mismatches> {
    let mut plays: Vec<Play<'_>> =
        targets.iter().map(|(target, scenario)| Play::begin(target.clone(), scenario)).collect();
    while plays.iter().any(|play| !play.is_done()) {
        plays.iter_mut().for_each(|play| play.mutate(hook));
        if let Err(error) = hook(Moment::BeforeQueries) {
            plays.iter_mut().for_each(|play| play.fail(&error));
        }
        plays.iter_mut().for_each(Play::read);
    }
    plays.into_iter().filter_map(|play| play.end().err()).collect()
}

/// The answer of the server to one step.
pub(crate) fn answer_of(target: &Target<'_>, scenario: &Scenario, step: &Step) -> Result<String, String> {
    let (request, view) = request::build(scenario, step, &target.prefix);
    let response = http::send((target.address)(), &request)?;
    Ok(answer::render(&response, &view, &target.prefix))
}

/// Creates the file's databases; those marked absent, and users, are made sure to be so.
pub(crate) fn create_databases(target: &Target<'_>, scenario: &Scenario) -> Result<(), String> {
    drop_databases(target, scenario)?;
    let created = scenario.databases.iter().filter(|database| database.is_created);
    created.map(|database| &database.name).try_for_each(|name| statement(target, "CREATE", name))
}

/// Drops the file's databases and users.
pub(crate) fn drop_databases(target: &Target<'_>, scenario: &Scenario) -> Result<(), String> {
    for name in &scenario.users {
        send_statement(target, &format!("DROP USER \"{}{name}\"", target.prefix))?; // most often there is none
    }
    scenario
        .databases
        .iter()
        .map(|database| &database.name)
        .try_for_each(|name| statement(target, "DROP", name))
}

fn statement(target: &Target<'_>, verb: &str, name: &str) -> Result<(), String> {
    let q = format!("{verb} DATABASE \"{}{name}\"", target.prefix);
    let response = send_statement(target, &q)?;
    let body = String::from_utf8_lossy(&response.body);
    if response.status == 200 && !body.contains("\"error\"") {
        return Ok(());
    }
    Err(format!("{q}: status {}, {body}", response.status))
}

fn send_statement(target: &Target<'_>, q: &str) -> Result<Response, String> {
    let request = Request {
        method: "POST".to_owned(),
        target: format!("/query?q={}", http::percent_encode(q)),
        headers: Vec::new(),
        body: Vec::new(),
    };
    http::send((target.address)(), &request)
}

/// One file while it is played.
struct Play<'a> {
    target: Target<'a>,
    scenario: &'a Scenario,
    next: usize,
    texts: Vec<String>,
}

impl<'a> Play<'a> {
    fn begin(target: Target<'a>, scenario: &'a Scenario) -> Play<'a> {
        let mut play = Play { target, scenario, next: 0, texts: Vec::new() };
        if let Err(error) = create_databases(&play.target, scenario) {
            play.fail(&error);
        }
        play
    }

    fn is_done(&self) -> bool {
        self.next >= self.scenario.steps.len()
    }

    /// Plays the steps up to the next query.
    fn mutate(&mut self, hook: &mut Hook<'_>) {
        while !self.is_done() && self.scenario.steps[self.next].is_mutation() {
            self.step();
            self.call(hook, Moment::Wrote);
        }
    }

    /// Plays the queries up to the next step that may change data.
    fn read(&mut self) {
        while !self.is_done() && !self.scenario.steps[self.next].is_mutation() {
            self.step();
        }
    }

    fn step(&mut self) {
        let step = &self.scenario.steps[self.next];
        self.next += 1;
        let place = format!("{}:{}", self.scenario.name, step.line);
        let input = step.action.summary();
        match (answer_of(&self.target, self.scenario, step), step.expected()) {
            (Ok(actual), Some(expected)) if actual == expected => {}
            (Ok(actual), Some(expected)) => {
                self.texts.push(format!("{place}\n{input}\n{}", difference(expected, &actual)))
            }
            (Ok(actual), None) => {
                self.texts.push(format!("{place}\n{input}\nno answer was recorded; got\n{actual}"))
            }
            (Err(error), _) => self.texts.push(format!("{place}\n{input}\n{error}")),
        }
    }

    fn call(&mut self, hook: &mut Hook<'_>, moment: Moment) {
        if let Err(error) = hook(moment) {
            self.fail(&error);
        }
    }

    /// Notes an error outside of any step and ends the file: what follows would only repeat it.
    fn fail(&mut self, error: &str) {
        self.texts.push(format!("{}: {error}", self.scenario.name));
        self.next = self.scenario.steps.len();
    }

    fn end(mut self) -> Result<(), Mismatches> {
        if let Err(error) = drop_databases(&self.target, self.scenario) {
            self.texts.push(format!("{}: {error}", self.scenario.name));
        }
        if self.texts.is_empty() {
            return Ok(());
        }
        Err(Mismatches { scenario: self.scenario.name.clone(), texts: self.texts })
    }
}

/// Both texts in one: `-` expected only, `+` got only, by their longest common sequence of lines.
pub(crate) fn difference(expected: &str, actual: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), actual.lines().collect());
    let mut common = vec![vec![0_usize; new.len() + 1]; old.len() + 1];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            common[i][j] = if old[i] == new[j] {
                common[i + 1][j + 1] + 1
            } else {
                common[i + 1][j].max(common[i][j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut out = String::new();
    while i < old.len() || j < new.len() {
        let (mark, line) = if i < old.len() && j < new.len() && old[i] == new[j] {
            (i, j) = (i + 1, j + 1);
            (' ', new[j - 1])
        } else if i < old.len() && (j == new.len() || common[i + 1][j] >= common[i][j + 1]) {
            i += 1;
            ('-', old[i - 1])
        } else {
            j += 1;
            ('+', new[j - 1])
        };
        let _infallible = writeln!(out, "  {mark} {line}");
    }
    out
}
