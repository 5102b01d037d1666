//! From a step to the HTTP request that is sent.
//!
//! In: a [`Step`] and the prefix under which the file's databases live on the server. Out: a [`Request`] and
//! the [`View`] in which its answer is to be written down. Database names are replaced as whole words in
//! statements and paths; nothing else of what the file says is changed.

use super::file::{Action, Options, Scenario, Step};
use super::http::{Request, percent_encode};

/// How an answer is written down.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct View {
    /// The form of the body.
    pub(crate) body: BodyView,
    /// Headers that belong to the answer.
    pub(crate) headers: Vec<String>,
    /// The status that goes without saying.
    pub(crate) usual_status: Option<u16>,
    /// Where the prefix was put into the statement: line and character, from 1. Positions in errors are
    /// corrected by these.
    pub(crate) insertions: Vec<(usize, usize)>,
}

impl View {
    /// A view without headers and insertions.
    pub(crate) fn of(body: BodyView) -> View {
        View { body, headers: Vec::new(), usual_status: None, insertions: Vec::new() }
    }
}

/// The form in which a body is written down.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum BodyView {
    /// JSON results as tables.
    Table,
    /// The bytes themselves.
    Raw,
    /// MessagePack, decoded.
    MessagePack,
}

/// Builds the request of `step`.
pub(crate) fn build(scenario: &Scenario, step: &Step, prefix: &str) -> (Request, View) {
    match &step.action {
        Action::Write { options, body } => {
            let parameters = parameters(scenario, options, &["rp", "precision", "consistency"], prefix);
            let request = Request {
                method: "POST".to_owned(),
                target: target("/write", &parameters),
                headers: Vec::new(),
                body: body.clone().into_bytes(),
            };
            (request, View::of(BodyView::Table))
        }
        Action::Query { options, text, .. } => query(scenario, options, text, prefix),
        Action::Request { method, target, options, body } => {
            let mut headers = accept(options);
            headers.extend(options.get("type").map(|kind| ("Content-Type".to_owned(), kind.to_owned())));
            let request = Request {
                method: method.clone(),
                target: rename(target, &scenario.own_names(), prefix),
                headers,
                body: rename(body.trim_end_matches('\n'), &scenario.own_names(), prefix).into_bytes(),
            };
            (request, View { headers: shown(options), ..View::of(BodyView::Raw) })
        }
    }
}

fn query(scenario: &Scenario, options: &Options, text: &str, prefix: &str) -> (Request, View) {
    const PASSED: &[&str] = &["rp", "epoch", "time_format", "chunked", "chunk_size", "pretty", "params"];
    let mut parameters = parameters(scenario, options, PASSED, prefix);
    let mut headers = accept(options);
    let (q, insertions) = rename_with_positions(text, &scenario.own_names(), prefix);
    let method = options.get("method").unwrap_or("POST");
    let mut body = Vec::new();
    if method == "POST" {
        headers.push(("Content-Type".to_owned(), "application/x-www-form-urlencoded".to_owned()));
        if !options.has("no_q") {
            body = format!("q={}", percent_encode(&q)).into_bytes();
        }
    } else if !options.has("no_q") {
        parameters.push(("q".to_owned(), q));
    }
    let view = match options.get("accept") {
        _ if options.has("raw") => BodyView::Raw,
        Some("application/x-msgpack") => BodyView::MessagePack,
        Some("text/csv" | "application/csv") => BodyView::Raw,
        _ if options.has("pretty") => BodyView::Raw,
        _ => BodyView::Table,
    };
    let request = Request { method: method.to_owned(), target: target("/query", &parameters), headers, body };
    let view = View { body: view, headers: shown(options), usual_status: Some(200), insertions };
    (request, view)
}

fn parameters(
    scenario: &Scenario,
    options: &Options,
    passed: &[&str],
    prefix: &str,
) -> Vec<(String, String)> {
    let default = scenario.databases.first().map_or("", |database| &database.name);
    let db = options.get("db").unwrap_or(default);
    let mut parameters = Vec::new();
    if !db.is_empty() {
        parameters.push(("db".to_owned(), rename(db, &scenario.own_names(), prefix)));
    }
    for (name, value) in options.0.iter().filter(|(name, _)| passed.contains(&name.as_str())) {
        let value =
            if name == "params" { rename(value, &scenario.own_names(), prefix) } else { value.clone() };
        parameters.push((name.clone(), value));
    }
    parameters
}

fn target(path: &str, parameters: &[(String, String)]) -> String {
    let pairs: Vec<String> =
        parameters.iter().map(|(name, value)| format!("{name}={}", percent_encode(value))).collect();
    if pairs.is_empty() { path.to_owned() } else { format!("{path}?{}", pairs.join("&")) }
}

fn accept(options: &Options) -> Vec<(String, String)> {
    options.get("accept").map(|value| ("Accept".to_owned(), value.to_owned())).into_iter().collect()
}

fn shown(options: &Options) -> Vec<String> {
    options.get("show").map(|names| names.split(',').map(str::to_owned).collect()).unwrap_or_default()
}

/// Puts `prefix` before every whole-word occurrence of one of the file's own names.
pub(crate) fn rename(text: &str, names: &[&str], prefix: &str) -> String {
    rename_with_positions(text, names, prefix).0
}

/// As [`rename`]; also tells line and character (from 1, in the result) of each prefix.
fn rename_with_positions(text: &str, names: &[&str], prefix: &str) -> (String, Vec<(usize, usize)>) {
    let mut out = String::new();
    let mut insertions = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let is_inside_word = out.chars().next_back().is_some_and(is_word);
        // The longest name wins, so that `mydb` does not cut `mydb two`.
        let name = names.iter().copied().filter(|name| {
            !is_inside_word && rest.strip_prefix(*name).is_some_and(|after| !after.starts_with(is_word))
        });
        if let Some(name) = name.max_by_key(|name| name.len()) {
            let line = out.rsplit('\n').next().unwrap_or_default();
            insertions.push((out.matches('\n').count() + 1, line.chars().count() + 1));
            out.push_str(prefix);
            out.push_str(name);
            rest = &rest[name.len()..];
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    (out, insertions)
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}
