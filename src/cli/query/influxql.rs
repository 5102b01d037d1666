//! InfluxQL over HTTP: the answer of `/query` and how it is printed.

use super::session::{Format, Session};
use crate::cli::client::{ClientError, cause_of};
use crate::cli::error::CliError;
use crate::cli::terminal;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::io::Write as _;

/// The answer of `/query`.
#[derive(Debug, Deserialize)]
pub(super) struct Answer {
    #[serde(default)]
    results: Vec<StatementResult>,
    error: Option<String>,
}

#[derive(Debug, Deserialize)]
struct StatementResult {
    #[serde(default)]
    series: Vec<Series>,
    #[serde(default)]
    messages: Vec<Message>,
    #[serde(default)]
    partial: bool,
    error: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Series {
    #[serde(default)]
    name: String,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    columns: Vec<String>,
    #[serde(default)]
    values: Vec<Vec<Value>>,
}

#[derive(Debug, Deserialize)]
struct Message {
    level: String,
    text: String,
}

pub(super) async fn run(session: &Session, text: &str) -> Result<(), CliError> {
    let mut parameters = Vec::new();
    parameters.extend(session.database.as_deref().map(|database| ("db", database)));
    parameters.extend(session.policy.as_deref().map(|policy| ("rp", policy)));
    if session.precision != "rfc3339" {
        parameters.push(("epoch", session.precision.as_str()));
    }
    let accept = match session.format {
        Format::Csv => "application/csv",
        Format::Table | Format::Json => "application/json",
    };
    if session.format == Format::Json {
        parameters.push(("pretty", "true"));
    }
    let mut response = session.client.query(text, &parameters, accept).await?;
    let broken = |error: reqwest::Error| ClientError::Answer(cause_of(&error));
    if session.format == Format::Csv {
        let mut out = std::io::stdout().lock();
        while let Some(part) = response.chunk().await.map_err(broken)? {
            out.write_all(&part).map_err(CliError::output)?;
        }
        return out.flush().map_err(CliError::output);
    }
    let body = response.bytes().await.map_err(broken)?;
    let answer: Answer =
        serde_json::from_slice(&body).map_err(|error| ClientError::Answer(error.to_string()))?;
    let text = match session.format {
        Format::Json => String::from_utf8_lossy(&body).into_owned(),
        _ => answer.to_tables(),
    };
    terminal::print(&text)?;
    answer.failure().map_or(Ok(()), |error| Err(CliError::Failed(error)))
}

impl Answer {
    /// The first error of a statement.
    pub(super) fn failure(self) -> Option<String> {
        self.error.or_else(|| self.results.into_iter().find_map(|result| result.error))
    }

    /// One table for each series, below its name and tags.
    pub(super) fn to_tables(&self) -> String {
        let mut out = String::new();
        for result in &self.results {
            for message in &result.messages {
                let _ = writeln!(out, "{}: {}", message.level, message.text);
            }
            for series in &result.series {
                series.write_to(&mut out);
            }
            if result.partial {
                out.push_str("(there are more rows; the server cut the answer)\n");
            }
        }
        out
    }
}

impl Series {
    fn write_to(&self, out: &mut String) {
        if !out.is_empty() {
            out.push('\n');
        }
        if !self.name.is_empty() {
            let _ = writeln!(out, "name: {}", self.name);
        }
        if !self.tags.is_empty() {
            let tags: Vec<_> = self.tags.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let _ = writeln!(out, "tags: {}", tags.join(", "));
        }
        let is_number =
            |column: usize| self.values.iter().any(|row| row.get(column).is_some_and(Value::is_number));
        let rows = self.values.iter().map(|row| row.iter().map(shown).collect());
        out.push_str(&terminal::table(&self.columns, rows, is_number));
    }
}

/// A value without JSON's quotes; null is empty.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
