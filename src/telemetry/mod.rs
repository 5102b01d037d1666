//! Layer 0: where log lines go and in which form.
//!
//! In: the level and the form. Out: a subscriber that writes to standard error, and the lines that other
//! programs wait for. It knows no metrics: those belong to whoever counts.

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::{LevelFilter, ParseError};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

/// The form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// For people: time, level, module, message, values.
    Text,
    /// One JSON object for each line.
    Json,
}

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The level is none.
    #[error("setting log.level: \"{level}\" is no level: {source}")]
    Level {
        /// The text given.
        level: String,
        /// What is wrong with it.
        source: ParseError,
    },
    /// A word of it is none.
    #[error(
        "setting log.level: \"{word}\" is no level: use error, warn, info, debug, trace or off, or module=level"
    )]
    Word {
        /// The word.
        word: String,
    },
    /// This process logs already.
    #[error("logging is set up already: {0}")]
    Twice(#[from] TryInitError),
}

/// Sends log lines of this process, from `level` upwards, to standard error. `level` may differ by module:
/// `info,tidegauge::engine=debug`.
///
/// # Errors
///
/// When the level cannot be read or logging was set up before.
pub fn start(level: &str, form: Form) -> Result<(), TelemetryError> {
    let filter = filter_of(level)?;
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let registry = tracing_subscriber::registry().with(filter);
    match form {
        // Colours only where somebody looks: programs read these lines too.
        Form::Text => {
            use std::io::IsTerminal;
            registry.with(lines.with_ansi(std::io::stderr().is_terminal())).try_init()?;
        }
        Form::Json => registry.with(lines.json().flatten_event(true)).try_init()?,
    }
    Ok(())
}

/// Whether [`start`] would take this level.
///
/// # Errors
///
/// When it cannot be read.
pub fn check(level: &str) -> Result<(), TelemetryError> {
    filter_of(level).map(|_| ())
}

fn filter_of(level: &str) -> Result<EnvFilter, TelemetryError> {
    // A word alone that is no level is taken for a module of which everything is logged, and nothing else: a mistyped level would
    // silence the server. Commas stand within the brackets of spans, too.
    let is_known = |word: &str| word.contains(['=', ':']) || word.parse::<LevelFilter>().is_ok();
    let mut words = level.split(',').map(str::trim);
    match words.find(|word| !is_known(word)).filter(|_| !level.contains('[')) {
        Some(word) => Err(TelemetryError::Word { word: word.to_owned() }),
        None => EnvFilter::try_new(level)
            .map_err(|source| TelemetryError::Level { level: level.to_owned(), source }),
    }
}

/// Says which address is served, once connections are accepted. Scripts and tests that start the server on
/// port 0 read this line, so its text is part of the interface.
pub fn announce(address: SocketAddr) {
    tracing::info!("listening on http://{address}");
}
