//! The InfluxQL language: text to syntax tree and back.

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
