//! Scenario files: text to steps and back.
//!
//! In: the text of one file (the notation is described in the parent module). Out: a [`Scenario`], whose
//! [`Step`]s keep their source lines, so that writing a file back changes nothing but the recorded answers.
//! It knows nothing of HTTP.

use std::path::{Path, PathBuf};

/// One file.
#[derive(Debug, Clone)]
pub(crate) struct Scenario {
    /// Path below the scenario folder without `.txt`, such as `select/fields`.
    pub(crate) name: String,
    /// Databases that the file owns; the first is the default of its requests.
    pub(crate) databases: Vec<Database>,
    /// Users that the file owns; its steps create them.
    pub(crate) users: Vec<String>,
    /// What is sent, in order.
    pub(crate) steps: Vec<Step>,
    /// Lines after the last step.
    tail: Vec<String>,
}

impl Scenario {
    /// The names that are other ones on the server.
    pub(crate) fn own_names(&self) -> Vec<&str> {
        let databases = self.databases.iter().map(|database| database.name.as_str());
        databases.chain(self.users.iter().map(String::as_str)).collect()
    }
}

/// A database name that belongs to one file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Database {
    /// The name as the file writes it.
    pub(crate) name: String,
    /// Whether the runner creates it before the first step.
    pub(crate) is_created: bool,
}

/// One request and its answer.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    /// Line of the file, from 1, on which the request begins.
    pub(crate) line: usize,
    /// The comment above it, without `# `.
    pub(crate) comment: String,
    /// What is sent.
    pub(crate) action: Action,
    /// Why our answer is deliberately another one.
    pub(crate) differs: Option<String>,
    /// InfluxDB 1.6's answer; `None` where the file has none.
    pub(crate) recorded: Option<String>,
    /// Our answer where it differs.
    pub(crate) ours: Option<String>,
    /// Lines from the end of the previous step to the end of this request.
    source: Vec<String>,
}

/// The request of a step, names and values as the file writes them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Action {
    /// Line protocol for `/write`.
    Write { options: Options, body: String },
    /// Text for `/query`; `exec` steps have no options.
    Query { options: Options, text: String, is_exec: bool },
    /// Any other request.
    Request { method: String, target: String, options: Options, body: String },
}

impl Action {
    /// The request as messages and pages show it.
    pub(crate) fn summary(&self) -> String {
        match self {
            Action::Write { options, body } => format!("write{options}\n{}", body.trim_end()),
            Action::Query { options, text, .. } if options.0.is_empty() => text.clone(),
            Action::Query { options, text, .. } => format!("query{options}\n{text}"),
            Action::Request { method, target, options, body } => {
                format!("{method} {target}{options}\n{body}").trim_end().to_owned()
            }
        }
    }
}

/// `key=value` words of a step's first line, in order; a word without `=` has the value `true`.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Options(pub(crate) Vec<(String, String)>);

impl std::fmt::Display for Options {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|(key, value)| write!(out, " {key}={value}"))
    }
}

impl Options {
    /// The value of `key`.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// Whether `key` is given at all.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }
}

const WRITE_OPTIONS: &[&str] = &["db", "rp", "precision", "consistency", "escaped"];
const QUERY_OPTIONS: &[&str] = &[
    "db",
    "rp",
    "epoch",
    "time_format",
    "chunked",
    "chunk_size",
    "pretty",
    "params",
    "accept",
    "method",
    "raw",
    "show",
    "no_q",
];
const REQUEST_OPTIONS: &[&str] = &["accept", "show", "type"];

impl Step {
    /// The answer a server has to give: ours where it differs, else the recorded one.
    pub(crate) fn expected(&self) -> Option<&str> {
        self.ours.as_deref().or(self.recorded.as_deref()).or(self.default_answer())
    }

    /// What the oracle answered, also where the file leaves the usual answer out.
    pub(crate) fn oracle_answer(&self) -> Option<&str> {
        self.recorded.as_deref().or(self.default_answer())
    }

    /// The answer that need not be written down.
    pub(crate) fn default_answer(&self) -> Option<&'static str> {
        match &self.action {
            Action::Write { .. } => Some("status 204"),
            Action::Query { is_exec: true, .. } => Some("(empty)"),
            Action::Query { .. } | Action::Request { .. } => None,
        }
    }

    /// Whether the request may change data: the states of the data alternate with these.
    pub(crate) fn is_mutation(&self) -> bool {
        match &self.action {
            Action::Write { .. } => true,
            Action::Query { text, is_exec, .. } => *is_exec || text.split(';').any(is_mutating_statement),
            Action::Request { method, target, .. } => method == "POST" && target.contains("write"),
        }
    }
}

fn is_mutating_statement(statement: &str) -> bool {
    let upper = statement.trim_start().to_ascii_uppercase();
    let first = upper.split_whitespace().next().unwrap_or_default();
    matches!(first, "CREATE" | "DROP" | "ALTER" | "DELETE" | "SET" | "GRANT" | "REVOKE")
        || (first == "SELECT" && upper.contains(" INTO "))
}

/// Reads every `*.txt` below `folder`, sorted by name. Folders named in `skipped` are left out.
pub(crate) fn load_folder(folder: &Path, skipped: &[&str]) -> Result<Vec<(PathBuf, Scenario)>, String> {
    let mut scenarios = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(current) = folders.pop() {
        let entries = std::fs::read_dir(&current)
            .map_err(|error| format!("cannot read {}: {error}", current.display()))?;
        for entry in entries {
            let path = entry.map_err(|error| format!("cannot read {}: {error}", current.display()))?.path();
            let relative = path.strip_prefix(folder).unwrap_or(&path).with_extension("");
            let name = relative.to_string_lossy().replace('\\', "/");
            if path.is_dir() {
                if !skipped.contains(&name.as_str()) {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|extension| extension == "txt") {
                let text = std::fs::read_to_string(&path)
                    .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
                let scenario = parse(&name, &text).map_err(|error| format!("{}: {error}", path.display()))?;
                scenarios.push((path, scenario));
            }
        }
    }
    scenarios.sort_by(|(_, a), (_, b)| a.name.cmp(&b.name));
    Ok(scenarios)
}

/// Reads one file. The error names the line.
pub(crate) fn parse(name: &str, text: &str) -> Result<Scenario, String> {
    let mut scenario = Scenario {
        name: name.to_owned(),
        databases: Vec::new(),
        users: Vec::new(),
        steps: Vec::new(),
        tail: Vec::new(),
    };
    let mut lines = Lines { all: text.lines().collect(), next: 0 };
    let mut source = Vec::new();
    let mut comment = Vec::new();
    let mut differs = None;
    while let Some(line) = lines.take() {
        let number = lines.next;
        source.push(line.to_owned());
        if line.is_empty() {
            comment.clear();
        } else if let Some(rest) = line.strip_prefix('#') {
            comment.push(rest.trim().to_owned());
        } else if let Some(rest) = line.strip_prefix("differs: ") {
            differs = Some(rest.trim().to_owned());
        } else if let Some(rest) = line.strip_prefix("database ") {
            scenario.databases.push(parse_database(rest));
        } else if let Some(rest) = line.strip_prefix("users: ") {
            scenario.users.extend(rest.split(", ").map(str::to_owned));
        } else {
            let action = parse_action(line, &mut lines, &mut source)
                .map_err(|error| format!("line {number}: {error}"))?;
            scenario.steps.push(Step {
                line: number,
                comment: std::mem::take(&mut comment).join(" "),
                action,
                differs: differs.take(),
                recorded: lines.answer("----"),
                ours: lines.answer("---- tidegauge"),
                source: std::mem::take(&mut source),
            });
        }
    }
    scenario.tail = source;
    Ok(scenario)
}

/// Writes a file back, with `recorded` as the oracle's answers, one per step.
pub(crate) fn render(scenario: &Scenario, recorded: &[String]) -> String {
    assert_eq!(scenario.steps.len(), recorded.len(), "one answer per step");
    let mut out: Vec<String> = Vec::new();
    let mut ends_with_answer = false;
    for (step, answer) in scenario.steps.iter().zip(recorded) {
        if ends_with_answer && step.source.first().is_some_and(|line| !line.is_empty()) {
            out.push(String::new());
        }
        out.extend(step.source.iter().cloned());
        ends_with_answer = step.default_answer() != Some(answer.as_str()) || step.differs.is_some();
        if ends_with_answer {
            push_answer(&mut out, "----", answer);
        }
        if step.differs.is_some() {
            push_answer(&mut out, "---- tidegauge", step.ours.as_deref().unwrap_or(answer));
        }
    }
    out.extend(scenario.tail.iter().cloned());
    out.join("\n").trim_end_matches('\n').to_owned() + "\n"
}

fn push_answer(out: &mut Vec<String>, marker: &str, answer: &str) {
    out.push(marker.to_owned());
    for line in answer.lines() {
        let escape = if is_directive(line) || line.starts_with('\\') { "\\" } else { "" };
        out.push(format!("{escape}{line}"));
    }
}

/// Whether `line` ends the answer above it.
fn is_directive(line: &str) -> bool {
    let word = line.split(' ').next().unwrap_or_default();
    line.starts_with('#')
        || matches!(
            word,
            "database" | "users:" | "differs:" | "write" | "exec" | "query" | "request" | "----"
        )
}

fn parse_database(rest: &str) -> Database {
    match rest.strip_suffix(" absent") {
        Some(name) => Database { name: name.trim().to_owned(), is_created: false },
        None => Database { name: rest.trim().to_owned(), is_created: true },
    }
}

fn parse_action(line: &str, lines: &mut Lines<'_>, source: &mut Vec<String>) -> Result<Action, String> {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    match word {
        "write" => {
            let options = parse_options(rest, WRITE_OPTIONS)?;
            let body = lines.indented(source);
            let body = if options.has("escaped") { unescape(&body)? } else { body };
            Ok(Action::Write { options, body })
        }
        "exec" => Ok(Action::Query { options: Options::default(), text: rest.to_owned(), is_exec: true }),
        "query" => {
            let options = parse_options(rest, QUERY_OPTIONS)?;
            Ok(Action::Query { options, text: lines.paragraph(source), is_exec: false })
        }
        "request" => {
            let (method, rest) = rest.split_once(' ').ok_or("request needs a method and a path")?;
            let (target, rest) = rest.split_once(' ').unwrap_or((rest, ""));
            let options = parse_options(rest, REQUEST_OPTIONS)?;
            let body = lines.indented(source);
            Ok(Action::Request { method: method.to_owned(), target: target.to_owned(), options, body })
        }
        _ => Err(format!("unknown word '{word}'")),
    }
}

fn parse_options(text: &str, known: &[&str]) -> Result<Options, String> {
    let mut options = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let key_end = rest.find(['=', ' ']).unwrap_or(rest.len());
        let key = &rest[..key_end];
        if !known.contains(&key) {
            return Err(format!("unknown option '{key}'"));
        }
        let after = &rest[key_end..];
        let (value, after) = match after.strip_prefix('=') {
            None => ("true", after),
            Some(quoted) if quoted.starts_with('\'') => {
                quoted[1..].split_once('\'').ok_or_else(|| format!("option '{key}' has no closing quote"))?
            }
            Some(plain) => plain.split_at(plain.find(' ').unwrap_or(plain.len())),
        };
        options.push((key.to_owned(), value.to_owned()));
        rest = after.trim_start();
    }
    Ok(Options(options))
}

fn unescape(text: &str) -> Result<String, String> {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('r') => out.push('\r'),
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('\\') => out.push('\\'),
            Some('x') => {
                let digits: String = chars.by_ref().take(2).collect();
                let code =
                    u8::from_str_radix(&digits, 16).map_err(|_| format!("bad escape '\\x{digits}'"))?;
                out.push(char::from(code));
            }
            other => return Err(format!("bad escape '\\{}'", other.unwrap_or(' '))),
        }
    }
    Ok(out)
}

struct Lines<'a> {
    all: Vec<&'a str>,
    next: usize,
}

impl<'a> Lines<'a> {
    fn peek(&self) -> Option<&'a str> {
        self.all.get(self.next).copied()
    }

    fn take(&mut self) -> Option<&'a str> {
        let line = self.peek()?;
        self.next += 1;
        Some(line)
    }

    /// The lines that begin with two spaces, without these.
    fn indented(&mut self, source: &mut Vec<String>) -> String {
        let mut body = String::new();
        while let Some(text) = self.peek().and_then(|line| line.strip_prefix("  ")) {
            body.push_str(text);
            body.push('\n');
            source.extend(self.take().map(str::to_owned));
        }
        body
    }

    /// The lines up to an empty one or the next directive.
    fn paragraph(&mut self, source: &mut Vec<String>) -> String {
        let mut text = Vec::new();
        while let Some(line) = self.peek().filter(|line| !line.is_empty() && !is_directive(line)) {
            text.push(line);
            source.push(line.to_owned());
            self.next += 1;
        }
        text.join("\n")
    }

    /// The answer below `marker`, if that is the next line.
    fn answer(&mut self, marker: &str) -> Option<String> {
        if self.peek() != Some(marker) {
            return None;
        }
        self.next += 1;
        let mut answer = Vec::new();
        while let Some(line) = self.peek().filter(|line| !is_directive(line)) {
            answer.push(line.strip_prefix('\\').unwrap_or(line));
            self.next += 1;
        }
        // The empty lines before the next directive belong to what follows, not to the answer.
        while answer.last().is_some_and(|line| line.is_empty()) {
            answer.pop();
            if self.peek() != Some("---- tidegauge") {
                self.next -= 1;
            }
        }
        Some(answer.join("\n"))
    }
}
