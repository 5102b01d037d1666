//! The InfluxQL language: text to syntax tree and back.

pub mod ast;
mod keyword;
mod pattern;
mod print;

pub use keyword::Keyword;
pub use pattern::Pattern;
pub use print::{format_duration, format_go_duration, quote_ident, quote_string};
