//! From tree to canonical text: the `Display` of every node.
//!
//! In: any tree, also one built by hand. Out: text that parses to the same tree, in the form
//! InfluxDB 1.x prints. Where a hand-built tree needs parentheses that are not in it, they are
//! added, so that the text always means what the tree means.

mod ddl;
mod expr;
mod quote;
mod select;
mod show;
mod statement;

pub(crate) use quote::quote_segments;
pub use quote::{format_duration, format_go_duration, quote_ident, quote_string};
