//! How an answer is written down.
//!
//! In: a [`Response`] and the [`View`] of the step. Out: text that is equal exactly when the answers are.
//! JSON results become tables: `name:` and `tags:` lines where the series has them, the column names, one
//! line per row. Numbers stand as the JSON prints them; `null`, `true` and `false` are JSON's; a string
//! stands bare when it begins with a letter or is a timestamp and holds no blank, quote or other unusual
//! character, else it stands in JSON quotes. Further lines:
//!
//! | Line | Meaning |
//! |---|---|
//! | `(empty)` | a result without series |
//! | `(no results)` | `{}` |
//! | `statement 1` | the results of that statement follow; left out for a single statement 0 |
//! | `chunk` | the next JSON document of a chunked response |
//! | `message warning: …` | a message of the result |
//! | `error: …` | the error of a statement, or of the request when a `status` line stands above; its further lines are indented |
//! | `partial series`, `partial result` | the `partial` members |
//! | `status 400` | the HTTP status, when it is not the usual one |
//! | `Name: …` | a header that the step asked for |

use super::http::Response;
use super::json::{Json, parse_documents, quote};
use super::msgpack;
use super::request::{BodyView, View};

/// Writes `response` down. `prefix` is what the runner put before the file's database names.
pub(crate) fn render(response: &Response, view: &View, prefix: &str) -> String {
    let mut lines = Vec::new();
    if view.usual_status != Some(response.status) {
        lines.push(format!("status {}", response.status));
    }
    for name in &view.headers {
        let value = response.header(name).unwrap_or("(absent)");
        lines.push(format!("{name}: {}", value.replace(prefix, "")));
    }
    lines.extend(render_body(response, view.body, prefix));
    if !view.insertions.is_empty() {
        lines.iter_mut().for_each(|line| correct_position(line, view, prefix));
    }
    lines.join("\n")
}

/// Turns `at line L, char C` of a parse error into the place in the statement as the file has it.
fn correct_position(line: &mut String, view: &View, prefix: &str) {
    const LINE: &str = " at line ";
    const CHAR: &str = ", char ";
    let Some((before, place)) = line.rsplit_once(LINE) else { return };
    let Some((line_text, char_text)) = place.split_once(CHAR) else { return };
    let digits = char_text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let (Ok(line_number), Ok(char_number)) = (line_text.parse::<usize>(), digits.parse::<usize>()) else {
        return;
    };
    let earlier =
        view.insertions.iter().filter(|(line, char)| *line == line_number && *char < char_number).count();
    let corrected = char_number - earlier * prefix.chars().count();
    *line = format!("{before}{LINE}{line_number}{CHAR}{corrected}{}", &char_text[digits.len()..]);
}

fn render_body(response: &Response, view: BodyView, prefix: &str) -> Vec<String> {
    let raw = || raw_lines(&String::from_utf8_lossy(&response.body).replace(prefix, ""));
    match view {
        BodyView::Raw => raw(),
        BodyView::MessagePack => match msgpack::render(&response.body) {
            Ok(text) => text.replace(prefix, "").lines().map(str::to_owned).collect(),
            Err(error) => vec![format!("unreadable: {error}")],
        },
        BodyView::Table if response.body.is_empty() => Vec::new(),
        BodyView::Table => {
            let text = String::from_utf8_lossy(&response.body);
            match parse_documents(&text) {
                Ok(documents) => render_documents(documents, prefix),
                Err(error) => [vec![format!("unreadable: {error}")], raw()].concat(),
            }
        }
    }
}

/// A body line by line; what a text file would not show gets a name.
fn raw_lines(body: &str) -> Vec<String> {
    if body.is_empty() {
        return vec!["(empty body)".to_owned()];
    }
    let mut visible = String::new();
    for c in body.chars() {
        match c {
            '\n' => visible.push(c),
            '\r' => visible.push_str("\\r"),
            '\t' => visible.push_str("\\t"),
            c if c.is_control() => visible.push_str(&format!("\\x{:02x}", u32::from(c))),
            c => visible.push(c),
        }
    }
    let mut lines: Vec<String> = visible.split('\n').map(str::to_owned).collect();
    match lines.pop() {
        Some(last) if !last.is_empty() => lines.extend([last, "(no newline at the end)".to_owned()]),
        _ if lines.last().is_some_and(String::is_empty) => lines.push("(blank line at the end)".to_owned()),
        _ => {}
    }
    lines
}

fn render_documents(documents: Vec<Json>, prefix: &str) -> Vec<String> {
    let is_chunked = documents.len() > 1;
    let mut lines = Vec::new();
    for document in documents {
        if is_chunked {
            lines.push("chunk".to_owned());
        }
        render_document(&own_names(document, prefix), &mut lines);
    }
    lines
}

/// Removes the runner's prefix from all strings, and other files' databases and users from lists of these.
fn own_names(value: Json, prefix: &str) -> Json {
    match value {
        Json::String(text) => Json::String(text.replace(prefix, "")),
        Json::Array(items) => Json::Array(items.into_iter().map(|item| own_names(item, prefix)).collect()),
        Json::Object(members) => {
            let lists_names = lists_databases(&members) || has_columns(&members, &["user", "admin"]);
            let own = members.into_iter().filter_map(|(key, value)| {
                Some(match value {
                    Json::Array(rows) if lists_names && key == "values" => {
                        let rows = rows.into_iter().filter(|row| is_own(row, prefix));
                        (key, Json::Array(rows.map(|row| own_names(row, prefix)).collect()))
                    }
                    Json::Array(all) if key == "series" && !all.is_empty() => {
                        let own: Vec<_> =
                            all.into_iter().filter(|series| !is_of_another_file(series, prefix)).collect();
                        if own.is_empty() {
                            return None; // without those of other files, the answer would have none
                        }
                        (key, Json::Array(own.into_iter().map(|series| own_names(series, prefix)).collect()))
                    }
                    value => (key, own_names(value, prefix)),
                })
            });
            Json::Object(own.collect())
        }
        other => other,
    }
}

fn lists_databases(series: &[(String, Json)]) -> bool {
    series.iter().any(|(key, value)| key == "name" && *value == Json::String("databases".to_owned()))
}

fn has_columns(series: &[(String, Json)], columns: &[&str]) -> bool {
    series.iter().any(|(key, value)| match value {
        Json::Array(found) if key == "columns" => {
            found.len() == columns.len()
                && found.iter().zip(columns).all(|(found, name)| *found == Json::String((*name).to_owned()))
        }
        _ => false,
    })
}

/// Whether a series is what SHOW CONTINUOUS QUERIES or SHOW SUBSCRIPTIONS says of another file's database.
fn is_of_another_file(series: &Json, prefix: &str) -> bool {
    let Json::Object(members) = series else { return false };
    let lists_databases = has_columns(members, &["name", "query"])
        || has_columns(members, &["retention_policy", "name", "mode", "destinations"]);
    lists_databases
        && members.iter().any(|(key, value)| match value {
            Json::String(name) => key == "name" && !name.starts_with(prefix),
            _ => false,
        })
}

fn is_own(row: &Json, prefix: &str) -> bool {
    matches!(row, Json::Array(cells) if matches!(cells.first(), Some(Json::String(name)) if name.starts_with(prefix)))
}

fn render_document(document: &Json, lines: &mut Vec<String>) {
    if let Some(error) = document.get("error") {
        check_members(document, &["error"], lines);
        push_error(error, lines);
        return;
    }
    check_members(document, &["results"], lines);
    let Some(Json::Array(results)) = document.get("results") else {
        lines.push("(no results)".to_owned());
        return;
    };
    for result in results {
        let id = match result.get("statement_id") {
            Some(Json::Number(id)) => id.as_str(),
            _ => "(without id)",
        };
        if results.len() > 1 || id != "0" {
            lines.push(format!("statement {id}"));
        }
        render_result(result, lines);
    }
}

fn render_result(result: &Json, lines: &mut Vec<String>) {
    check_members(result, &["statement_id", "series", "messages", "partial", "error"], lines);
    let mut is_empty = true;
    if let Some(Json::Array(all)) = result.get("series") {
        for (index, series) in all.iter().enumerate() {
            if index > 0 {
                lines.push(String::new());
            }
            render_series(series, lines);
            is_empty = false;
        }
    }
    if let Some(Json::Array(messages)) = result.get("messages") {
        for message in messages {
            lines.push(format!("message {}: {}", plain(message.get("level")), plain(message.get("text"))));
        }
    }
    if let Some(partial) = result.get("partial") {
        push_partial("result", partial, lines);
    }
    if let Some(error) = result.get("error") {
        push_error(error, lines);
        is_empty = false;
    }
    if is_empty {
        lines.push("(empty)".to_owned());
    }
}

fn render_series(series: &Json, lines: &mut Vec<String>) {
    check_members(series, &["name", "tags", "columns", "values", "partial"], lines);
    if let Some(name) = series.get("name") {
        lines.push(format!("name: {}", cell(name)));
    }
    if let Some(Json::Object(tags)) = series.get("tags") {
        let tags: Vec<String> =
            tags.iter().map(|(key, value)| format!("{}={}", text_cell(key), cell(value))).collect();
        lines.push(format!("tags: {}", tags.join(", ")));
    }
    let rows = series.get("columns").into_iter().chain(match series.get("values") {
        Some(Json::Array(rows)) => rows.as_slice(),
        _ => &[],
    });
    let table: Vec<Vec<String>> = rows
        .map(|row| match row {
            Json::Array(cells) => cells.iter().map(cell).collect(),
            other => vec![cell(other)],
        })
        .collect();
    push_table(&table, lines);
    if let Some(partial) = series.get("partial") {
        push_partial("series", partial, lines);
    }
}

fn push_table(table: &[Vec<String>], lines: &mut Vec<String>) {
    let column_count = table.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..column_count)
        .map(|column| {
            table.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
        })
        .collect();
    for row in table {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        lines.push(cells.join(" ").trim_end().to_owned());
    }
}

fn push_partial(what: &str, value: &Json, lines: &mut Vec<String>) {
    let value = if *value == Json::Bool(true) { String::new() } else { format!(" {}", cell(value)) };
    lines.push(format!("partial {what}{value}"));
}

fn push_error(error: &Json, lines: &mut Vec<String>) {
    let text = plain(Some(error));
    for (index, line) in text.split('\n').enumerate() {
        let lead = if index == 0 { "error:" } else { "      " };
        lines.push(format!("{lead} {line}"));
    }
}

/// Says so when an object has other members than `known`, or has them in another order: clients that stream
/// rely on it.
fn check_members(object: &Json, known: &[&str], lines: &mut Vec<String>) {
    let Json::Object(members) = object else {
        lines.push(format!("unexpected shape: {}", cell(object)));
        return;
    };
    let mut allowed = known.iter();
    for (key, _) in members {
        if !allowed.any(|name| name == key) {
            lines.push(format!("unexpected member: {key}"));
        }
    }
}

fn plain(value: Option<&Json>) -> String {
    match value {
        Some(Json::String(text)) => text.clone(),
        Some(other) => cell(other),
        None => "(absent)".to_owned(),
    }
}

/// One value as a table shows it.
fn cell(value: &Json) -> String {
    match value {
        Json::Null => "null".to_owned(),
        Json::Bool(value) => value.to_string(),
        Json::Number(digits) => digits.clone(),
        Json::String(text) => text_cell(text),
        Json::Array(items) => format!("[{}]", items.iter().map(cell).collect::<Vec<_>>().join(",")),
        Json::Object(members) => {
            let members: Vec<String> =
                members.iter().map(|(key, value)| format!("{}:{}", quote(key), cell(value))).collect();
            format!("{{{}}}", members.join(","))
        }
    }
}

fn text_cell(text: &str) -> String {
    let is_usual = |c: char| c.is_alphanumeric() || "_.:/+-,=%".contains(c);
    let begins_as_word = text.starts_with(|c: char| c.is_alphabetic() || c == '_');
    let is_bare = text.chars().all(is_usual)
        && (begins_as_word || is_timestamp(text))
        && !matches!(text, "null" | "true" | "false");
    if is_bare { text.to_owned() } else { quote(text) }
}

fn is_timestamp(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 20 && bytes[4] == b'-' && bytes[7] == b'-' && bytes[10] == b'T' && bytes[13] == b':'
}
