//! Layer 1: line protocol to columns. Bytes of a write request come in; rows by table and the
//! rejections go out. It knows no catalog (a function tells it the schemas), no clock (the request's
//! default time comes in) and no HTTP: what rejections mean for a status code is the server's.
//!
//! ```text
//! body ─ Parser ─▶ Line (series text | fields | time) ─ to_batches ─▶ TableRows per table
//!          │                     │ series text, once per text and body      ▲
//!          │                     └─▶ SeriesText (measurement, sorted tags) ─┘
//!          └─▶ LineFault                 PointFault ─▶ Rejection
//! ```
//!
//! | file | part |
//! |---|---|
//! | `parser` | walks a body line by line; joins the two readings below |
//! | `quick` | reads the lines that everybody writes, at the speed of the machine; gives up on all others |
//! | `strict` | reads any line exactly as InfluxDB 1.x does, and names what is wrong with it |
//! | `number` | numbers: a quick reading and an exact one |
//! | `series` | the text before the first space: measurement and tags |
//! | `escape` | what a backslash means in each position |
//! | `convert` | lines to rows, with the checks that need to know a table's fields |
//! | `window` | which times a policy takes, and what is said of the others |
//! | `table`, `column` | rows of one table, values of one field, on their way into arrays |
//!
//! `quick` accepts a subset of what `strict` accepts and reads it the same way; a property test holds
//! them together, and `testdata/line_protocol` holds `strict` to a recorded InfluxDB 1.6.7.
//!
//! # Deliberate differences from InfluxDB 1.x
//!
//! - `123u` is an unsigned integer; 1.6.7 refuses it unless built for it.
//! - A line that is not UTF-8 is refused; 1.x stores the bytes.
//! - A string with text after its closing quote (`f="a"b"`, or a carriage return) is refused; 1.x stores a
//!   garbled value, or more of the body.
//! - A measurement that ends in an escaped backslash before a separator is stored; 1.x stores a point that no
//!   query finds.
//! - A field whose name is empty by way of a tab (`m <tab>=1`), or whose `=` follows two backslashes, is refused.
//! - Points of one body that disagree about a new field's type: the first fixes it and the others are refused,
//!   as if they came one by one; 1.x refuses the whole body.

mod column;
mod convert;
mod escape;
mod number;
mod parser;
mod precision;
mod quick;
mod rejection;
mod series;
mod strict;
mod table;
#[cfg(test)]
mod tests;
mod window;

pub use convert::{Converted, WriteOptions, to_batches};
pub use parser::{Field, Line, Parser, RefusedLine, Value};
pub use precision::Precision;
pub use rejection::{LineFault, PointFault, Reason, Rejection};
pub use series::SeriesText;
pub use window::{OutsidePoint, OutsideWindow, WriteWindow};
