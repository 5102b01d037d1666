//! The interactive shell. A line is a command of the shell or a part of a statement; statements end with `;`.

use super::session::{Format, Language, PRECISIONS, Session};
use crate::cli::error::CliError;
use crate::cli::terminal;
use clap::ValueEnum;
use rustyline::DefaultEditor;
use rustyline::error::ReadlineError;
use std::path::PathBuf;

const HELP: &str = "\
Statements end with `;` and may span several lines; an empty line runs what was typed so far.
  use DATABASE[.POLICY]        the database that names without one mean
  format table|csv|json        how results are printed
  precision rfc3339|ns|u|ms|s|m|h   how InfluxQL's times are printed
  language influxql|sql        the language of statements
  help                         this list
  exit                         leave (also Ctrl-D); Ctrl-C drops what was typed or cancels a query
";

/// What a line means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// Nothing.
    Empty,
    /// A part of a statement.
    Statement,
    /// Show the commands.
    Help,
    /// Leave.
    Exit,
    /// The database, and the policy, of names without one.
    Use(String, Option<String>),
    /// How results are printed.
    Format(Format),
    /// How times are printed.
    Precision(String),
    /// The language of statements.
    Language(Language),
    /// A command with a wrong argument; what it takes.
    Wrong(&'static str),
}

pub(super) fn run(session: &mut Session) -> Result<(), CliError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|source| CliError::io("start the threads", source))?;
    let mut editor =
        DefaultEditor::new().map_err(|error| CliError::failed(format!("no terminal: {error}")))?;
    let history = history_file();
    if let Some(file) = &history {
        // The first session has none.
        let _ = editor.load_history(file);
    }
    terminal::print(&format!(
        "Tidegauge {} at {}; `help` lists the commands.\n",
        env!("CARGO_PKG_VERSION"),
        session.server.host
    ))?;
    let mut statement = String::new();
    loop {
        let line = match editor.readline(&prompt(session, !statement.is_empty())) {
            Ok(line) => line,
            Err(ReadlineError::Interrupted) => {
                statement.clear();
                continue;
            }
            Err(ReadlineError::Eof) => break,
            Err(error) => return Err(CliError::failed(format!("cannot read a line: {error}"))),
        };
        if !line.trim().is_empty() && !names_password(&line) {
            let _ = editor.add_history_entry(line.trim_end());
        }
        // Within a statement a word such as `format` is a part of it.
        let meaning = if statement.is_empty() { read_line(&line) } else { Line::Statement };
        match meaning {
            Line::Exit => break,
            Line::Statement => {
                statement.push_str(&line);
                statement.push('\n');
                if is_complete(&statement) {
                    run_statement(&runtime, session, &std::mem::take(&mut statement));
                }
            }
            command => apply(session, command)?,
        }
    }
    if let Some(file) = &history
        && let Err(error) = editor.save_history(file)
    {
        terminal::tell(format_args!("tidegauge: cannot keep the history in {}: {error}", file.display()));
    }
    Ok(())
}

/// Runs a statement; Ctrl-C cancels it by hanging up.
fn run_statement(runtime: &tokio::runtime::Runtime, session: &Session, text: &str) {
    let outcome = runtime.block_on(async {
        tokio::select! {
            outcome = session.run(text) => outcome,
            _ = tokio::signal::ctrl_c() => Err(CliError::failed("cancelled")),
        }
    });
    if let Err(error) = outcome {
        terminal::tell(format_args!("error: {error}"));
    }
}

fn apply(session: &mut Session, command: Line) -> Result<(), CliError> {
    match command {
        Line::Help => terminal::print(HELP)?,
        Line::Use(database, policy) => {
            session.database = Some(database);
            session.policy = policy;
        }
        Line::Format(format) => session.format = format,
        Line::Precision(precision) => session.precision = precision,
        Line::Language(language) => session.language = language,
        Line::Wrong(usage) => terminal::tell(format_args!("usage: {usage}")),
        Line::Empty | Line::Statement | Line::Exit => {}
    }
    Ok(())
}

fn prompt(session: &Session, continued: bool) -> String {
    if continued {
        return "   … ".to_owned();
    }
    let language = match session.language {
        Language::Influxql => "",
        Language::Sql => " sql",
    };
    format!("{}{language}> ", session.database.as_deref().unwrap_or("tidegauge"))
}

/// Whether a line may hold a password, which no file should: CREATE USER and SET PASSWORD have the word before it.
pub(super) fn names_password(line: &str) -> bool {
    line.to_ascii_lowercase().contains("password")
}

/// Whether a statement can be run: it ends with `;`, or with an empty line.
pub(super) fn is_complete(statement: &str) -> bool {
    statement.trim_end().ends_with(';') || statement.ends_with("\n\n")
}

/// What the first line of an input means.
pub(super) fn read_line(line: &str) -> Line {
    let line = line.trim().trim_end_matches(';').trim_end();
    let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let rest = rest.trim();
    match word.to_ascii_lowercase().as_str() {
        "" => Line::Empty,
        "help" | "?" | "\\h" => Line::Help,
        "exit" | "quit" | "\\q" if rest.is_empty() => Line::Exit,
        "use" => read_use(rest).unwrap_or(Line::Wrong("use DATABASE[.POLICY]")),
        "format" => Format::from_str(rest, true).map_or(Line::Wrong("format table|csv|json"), Line::Format),
        "precision" if PRECISIONS.contains(&rest) => Line::Precision(rest.to_owned()),
        "precision" => Line::Wrong("precision rfc3339|ns|u|ms|s|m|h"),
        "language" => match rest.to_ascii_lowercase().as_str() {
            "influxql" => Line::Language(Language::Influxql),
            "sql" => Line::Language(Language::Sql),
            _ => Line::Wrong("language influxql|sql"),
        },
        _ => Line::Statement,
    }
}

/// `name`, `"name"`, `name.policy`; quotes allow dots in names.
fn read_use(text: &str) -> Option<Line> {
    let (database, rest) = read_name(text)?;
    let policy = match rest.strip_prefix('.') {
        Some(rest) => match read_name(rest)? {
            (policy, "") => Some(policy),
            _ => return None,
        },
        None if rest.is_empty() => None,
        None => return None,
    };
    Some(Line::Use(database, policy))
}

fn read_name(text: &str) -> Option<(String, &str)> {
    let (name, rest) = match text.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"')?,
        None => text.split_at(text.find(['.', ' ']).unwrap_or(text.len())),
    };
    (!name.is_empty()).then(|| (name.to_owned(), rest))
}

fn history_file() -> Option<PathBuf> {
    let home = std::env::var_os("HOME").filter(|home| !home.is_empty())?;
    Some(PathBuf::from(home).join(".tidegauge_history"))
}
