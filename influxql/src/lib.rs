//! The InfluxQL language: text to syntax tree and back.
//!
//! This crate knows the language as InfluxDB 1.x defines it, with what 1.12 added, and nothing else:
//! no schema, no plan, no server. It accepts what 1.x accepts, refuses what 1.x refuses, and says so
//! in the same words at the same line and character, since clients and their users read those.
//!
//! The actors, in the order a text meets them:
//!
//! - [`parse`] takes a text and the values of its bind parameters ([`Params`]). Inside, a lexer makes
//!   tokens and a parser makes statements; every limit on hostile texts is kept here
//!   ([`NESTING_DEPTH_MAX`], [`PROGRAM_COST_MAX`]).
//! - [`ast`] is what comes out: one [`Statement`](ast::Statement) per statement, plain values all the
//!   way down. The planner reads them; [`required_privileges`](ast::Statement::required_privileges)
//!   and [`default_database`](ast::Statement::default_database) serve the server.
//! - [`Pattern`] is a regular expression literal: Go's syntax on the outside, the `regex` crate inside.
//! - [`ParseError`] is what comes out otherwise. It lacks the words `error parsing query: `, which are
//!   the server's.
//! - `Display` turns every node back into canonical text that parses to the same tree. Exceptions are
//!   passwords, which are never shown, and values that only a bind parameter can bring: strings with a
//!   carriage return or a NUL, a regular expression where the grammar has no place for one.
//!
//! ```
//! use influxql::ast::{Expr, Source, Statement};
//! use influxql::{ParamValue, Params, parse};
//!
//! let mut params = Params::new();
//! params.insert("host", ParamValue::String("web-1".into()));
//!
//! let text = "select mean(usage) as load from telegraf..cpu where host = $host \
//!             and time > now() - 90m group by time(5m), region fill(previous)";
//! let statements = parse(text, &params)?;
//! let [Statement::Select(select)] = statements.as_slice() else { panic!("one SELECT") };
//!
//! assert_eq!(select.fields[0].alias.as_deref(), Some("load"));
//! assert!(matches!(&select.fields[0].expr, Expr::Call { name, .. } if name == "mean"));
//! let Source::Measurement(cpu) = &select.sources[0] else { panic!("a measurement") };
//! assert_eq!(cpu.database.as_deref(), Some("telegraf"));
//!
//! assert_eq!(
//!     select.to_string(),
//!     "SELECT mean(usage) AS load FROM telegraf..cpu WHERE host = 'web-1' \
//!      AND time > now() - 90m GROUP BY time(5m), region fill(previous)"
//! );
//! # Ok::<(), influxql::ParseError>(())
//! ```
//!
//! The tests hold the crate against recordings of a real InfluxDB 1.6.7: see `tests/malformed.txt`,
//! `tests/valid.txt` and `tests/record.py`, which makes them.

pub mod ast;
mod duration;
mod error;
mod keyword;
mod lexer;
mod params;
mod parser;
mod pattern;
mod print;
mod time_zone;

pub use duration::parse_duration;
pub use error::{ParseError, Position};
pub use keyword::Keyword;
pub use params::{InvalidParam, ParamValue, Params};
pub use parser::{NESTING_DEPTH_MAX, parse};
pub use pattern::{PROGRAM_COST_MAX, Pattern, PatternError};
pub use print::{format_duration, format_go_duration, quote_ident, quote_string};
