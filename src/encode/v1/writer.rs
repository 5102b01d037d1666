//! What the encoder asks of a format.
//!
//! The encoder calls in this order, as deep as there is something to say:
//!
//! ```text
//! begin_document ( begin_result ( begin_series rows* end_series )* end_result )* end_document
//! ```
//!
//! A document is never empty but may have results without series.

use super::cells::Columns;
use crate::model::result::ResultShape;
use std::ops::Range;

/// A value that the format cannot express. The rows before its row are written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct UnsupportedValue(pub(super) f64);

/// One series as a format sees it.
pub(super) struct SeriesHead<'a> {
    pub(super) shape: &'a ResultShape,
    pub(super) name: &'a str,
    /// One value per group tag of the shape; empty where the series lacks the tag.
    pub(super) tag_values: &'a [String],
}

/// A format.
pub(super) trait Writer: Send {
    /// Opens a document of one result (`is_chunk`) or of any number of them.
    fn begin_document(&mut self, out: &mut Vec<u8>, is_chunk: bool);
    /// Opens the result of a statement. `messages` are all that the result will have.
    fn begin_result(&mut self, out: &mut Vec<u8>, statement_id: usize, messages: &[String]);
    /// Opens a series.
    fn begin_series(&mut self, out: &mut Vec<u8>, head: &SeriesHead<'_>);
    /// Appends rows to the open series.
    fn rows(
        &mut self,
        out: &mut Vec<u8>,
        columns: &Columns<'_>,
        rows: Range<usize>,
    ) -> Result<(), UnsupportedValue>;
    /// Closes the series; `partial` when it has more rows than the document shows.
    fn end_series(&mut self, out: &mut Vec<u8>, partial: bool);
    /// Closes the result; `partial` when another document continues it.
    fn end_result(&mut self, out: &mut Vec<u8>, messages: &[String], partial: bool, error: Option<&str>);
    /// Closes the document.
    fn end_document(&mut self, out: &mut Vec<u8>);
    /// The whole of a response to a text without statements.
    fn empty_document(&mut self, out: &mut Vec<u8>);
    /// A document that is nothing but an error.
    fn error_document(&mut self, out: &mut Vec<u8>, text: &str);
    /// Whether bytes of an open document may change until it is closed.
    fn patches_open_document(&self) -> bool {
        false
    }
}
