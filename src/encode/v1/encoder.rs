//! The state of a response: documents, results, series, chunks and limits.
//!
//! Whether a series or result is `partial` depends on what follows it, so nothing is closed before the next
//! row, the end of the statement or an error tells. Only open brackets are held back, never rows.

use super::cells::{Columns, columns};
use super::csv::Csv;
use super::json::Json;
use super::message_pack::MessagePack;
use super::number::non_finite_text;
use super::series::{KeyColumns, SeriesKey};
use super::writer::{SeriesHead, UnsupportedValue, Writer};
use super::{Format, Options};
use crate::model::limits::MESSAGE_PACK_DOCUMENT_BYTES_MAX;
use crate::model::result::ResultShape;
use arrow::array::{Array, RecordBatch};
use arrow::datatypes::DataType;
use std::ops::Range;

/// A batch that does not suit its shape: a bug of whoever made it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a result column has the type {0}, which no response can show")]
pub struct EncodeError(DataType);

/// How a `chunked` response splits the rows of a statement into documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Split {
    /// One document per series and per chunk of rows, each marked `partial` when another one follows. SELECT, and
    /// what InfluxDB 1.x rewrites into a SELECT: SHOW SERIES, SHOW FIELD KEYS, cardinalities.
    #[default]
    Rows,
    /// One document per series, never `partial`: SHOW TAG KEYS and SHOW TAG VALUES.
    Series,
    /// One document for all: the other statements.
    Whole,
}

/// What the form of a statement's result depends on, besides its rows.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct StatementStyle {
    /// How a chunked response is split.
    pub split: Split,
    /// Show a series of this name (it may be empty) with columns and without values when there are no rows, as
    /// SHOW DATABASES and its like do.
    pub empty_series: Option<&'static str>,
    /// A row whose values are all null stands for a series without rows, as SHOW CONTINUOUS QUERIES has one for each
    /// database without any.
    pub null_row_is_no_row: bool,
}

/// Turns what happens to the statements of a request into the bytes of its response. See [`super`] for the
/// order of calls.
pub struct ResponseEncoder {
    writer: Box<dyn Writer>,
    is_binary_document: bool,
    chunk_rows: Option<usize>,
    row_limit: Option<usize>,
    out: Vec<u8>,
    taken_bytes: usize,
    /// Where the open document begins, counted from the first byte of the response.
    document_start: Option<usize>,
    has_statements: bool,
    /// Rows so far over all statements.
    row_count: usize,
    /// Nothing more is written: the row limit is reached, or an error took the place of the response.
    is_closed: bool,
    statement: Statement,
}

/// The statement that is being written.
#[derive(Default)]
struct Statement {
    id: usize,
    style: StatementStyle,
    messages: Vec<String>,
    shape: Option<ResultShape>,
    is_result_open: bool,
    series: Option<SeriesKey>,
    has_series: bool,
    /// Rows in the open document.
    document_rows: usize,
    error: Option<String>,
    /// Further rows are ignored: the statement has failed.
    ignores_rows: bool,
    /// The result was replaced by an error document.
    is_replaced: bool,
}

impl ResponseEncoder {
    /// An encoder for one response.
    #[must_use]
    pub fn new(options: &Options) -> Self {
        let writer: Box<dyn Writer> = match options.format {
            Format::Json => Box::new(Json::new(options)),
            Format::Csv => Box::new(Csv::new(options)),
            Format::MessagePack => Box::new(MessagePack::new(options)),
        };
        Self {
            is_binary_document: writer.patches_open_document(),
            writer,
            chunk_rows: options.chunk_rows.filter(|rows| *rows > 0),
            // As in InfluxDB 1.x the limit is for unchunked responses only.
            row_limit: options.row_limit.filter(|rows| *rows > 0 && options.chunk_rows.is_none()),
            out: Vec::new(),
            taken_bytes: 0,
            document_start: None,
            has_statements: false,
            row_count: 0,
            is_closed: false,
            statement: Statement::default(),
        }
    }

    /// Begins the result of the statement with this number.
    pub fn begin_statement(&mut self, id: usize, style: StatementStyle) {
        self.has_statements = true;
        self.statement = Statement { id, style, ..Statement::default() };
    }

    /// Adds a warning to the statement. Call it before its rows.
    pub fn message(&mut self, text: impl Into<String>) {
        self.statement.messages.push(text.into());
    }

    /// Says how the batches that follow are to be read.
    pub fn rows(&mut self, shape: &ResultShape) {
        self.close_series(false);
        self.statement.shape = Some(shape.clone());
    }

    /// Appends rows.
    ///
    /// # Errors
    /// When the batch does not suit the shape. The caller should end the statement with an error.
    pub fn batch(&mut self, batch: &RecordBatch) -> Result<(), EncodeError> {
        let Some(shape) = self.statement.shape.take() else { return Ok(()) };
        let result = self.batch_of(&shape, batch);
        self.statement.shape = Some(shape);
        if self.is_binary_document && self.out.len() > MESSAGE_PACK_DOCUMENT_BYTES_MAX {
            self.error("the response is too large for one MessagePack document, use chunked=true");
        }
        result
    }

    fn batch_of(&mut self, shape: &ResultShape, batch: &RecordBatch) -> Result<(), EncodeError> {
        if self.is_closed || self.statement.ignores_rows || batch.num_rows() == 0 {
            return Ok(());
        }
        let keys = KeyColumns::new(shape, batch).map_err(EncodeError)?;
        let columns = columns(shape, batch).map_err(EncodeError)?;
        let mut row = 0;
        while row < batch.num_rows() {
            let end = keys.run_end(row, batch.num_rows());
            let continues = self.statement.series.as_ref().is_some_and(|key| keys.is_of(row, key));
            if !continues && !self.next_series(shape, keys.key(row)) {
                return Ok(());
            }
            let is_null = || shape.columns.iter().all(|(_, column)| batch.column(*column).is_null(row));
            let is_no_row = self.statement.style.null_row_is_no_row && end - row == 1 && is_null();
            if !is_no_row && !self.append(shape, &columns, row..end) {
                return Ok(());
            }
            row = end;
        }
        Ok(())
    }

    /// Ends the statement with an error, which stands beside the rows written so far.
    pub fn error(&mut self, text: impl Into<String>) {
        if self.statement.is_replaced || self.statement.error.is_some() {
            return;
        }
        if self.chunk_rows.is_some() && self.close_series(false).is_some() {
            self.close_chunk(true);
        }
        self.statement.error = Some(text.into());
        self.statement.ignores_rows = true;
    }

    /// Ends the result of the statement.
    pub fn end_statement(&mut self) {
        if self.statement.is_replaced {
            return;
        }
        // A statement that the row limit cut through is closed; one that begins after it does not appear.
        if self.is_closed && !self.statement.is_result_open {
            return;
        }
        self.open_result();
        self.close_series(false);
        self.empty_series();
        self.end_result(false);
        if self.chunk_rows.is_some() {
            self.end_document();
        }
    }

    /// Ends the response. One in chunks without statements is empty.
    pub fn finish(&mut self) {
        if self.document_start.is_some() {
            self.end_document();
        } else if !self.has_statements && self.chunk_rows.is_none() {
            self.writer.empty_document(&mut self.out);
        }
    }

    /// Whether nothing of further rows or statements will appear, so that they need not be computed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// How many bytes [`Self::take`] would give.
    #[must_use]
    pub fn ready_bytes(&self) -> usize {
        if self.is_binary_document && self.document_start.is_some() { 0 } else { self.out.len() }
    }

    /// Takes the bytes that are ready to be sent.
    pub fn take(&mut self) -> Vec<u8> {
        let ready = self.ready_bytes();
        if ready == 0 {
            return Vec::new();
        }
        self.taken_bytes += ready;
        let capacity = self.out.len();
        std::mem::replace(&mut self.out, Vec::with_capacity(capacity))
    }

    // ---- documents, results, series

    fn open_result(&mut self) {
        if self.document_start.is_none() {
            self.document_start = Some(self.taken_bytes + self.out.len());
            self.writer.begin_document(&mut self.out, self.chunk_rows.is_some());
        }
        if !self.statement.is_result_open {
            self.writer.begin_result(&mut self.out, self.statement.id, &self.statement.messages);
            self.statement.is_result_open = true;
        }
    }

    fn end_result(&mut self, partial: bool) {
        let error = self.statement.error.as_deref();
        self.writer.end_result(&mut self.out, &self.statement.messages, partial, error);
        self.statement.is_result_open = false;
        self.statement.messages.clear();
        self.statement.document_rows = 0;
    }

    fn end_document(&mut self) {
        self.writer.end_document(&mut self.out);
        self.document_start = None;
    }

    /// Closes the open document, because more of the statement follows in another one.
    fn close_chunk(&mut self, partial: bool) {
        self.end_result(partial);
        self.end_document();
    }

    /// Closes the open series if there is one, and gives its key.
    fn close_series(&mut self, partial: bool) -> Option<SeriesKey> {
        let key = self.statement.series.take();
        if key.is_some() {
            self.writer.end_series(&mut self.out, partial);
        }
        key
    }

    /// Closes the open series and opens the next. False when the row limit leaves no room for it.
    fn next_series(&mut self, shape: &ResultShape, key: SeriesKey) -> bool {
        if self.row_limit.is_some_and(|limit| self.row_count >= limit) {
            self.is_closed = true;
            return false;
        }
        if self.close_series(false).is_some() {
            match (self.chunk_rows, self.statement.style.split) {
                (None, _) | (_, Split::Whole) => {}
                (Some(_), Split::Series) => self.close_chunk(false),
                (Some(_), Split::Rows) => self.close_chunk(true),
            }
        }
        self.open_series(shape, key);
        true
    }

    fn open_series(&mut self, shape: &ResultShape, key: SeriesKey) {
        self.open_result();
        let head = SeriesHead { shape, name: &key.name, tag_values: &key.tag_values };
        self.writer.begin_series(&mut self.out, &head);
        self.statement.series = Some(key);
        self.statement.has_series = true;
    }

    fn empty_series(&mut self) {
        let statement = &self.statement;
        let (Some(name), Some(shape)) = (statement.style.empty_series, &statement.shape) else { return };
        if statement.has_series || statement.error.is_some() {
            return;
        }
        self.writer.begin_series(&mut self.out, &SeriesHead { shape, name, tag_values: &[] });
        self.writer.end_series(&mut self.out, false);
    }

    /// Appends rows of the open series. False when no more rows are wanted.
    fn append(&mut self, shape: &ResultShape, columns: &Columns<'_>, mut rows: Range<usize>) -> bool {
        while !rows.is_empty() {
            let room = self.room();
            if room == 0 {
                if self.row_limit.is_some() {
                    self.is_closed = true;
                    self.close_series(true);
                    return false;
                }
                let key = self.close_series(true).expect("rows are appended to an open series");
                self.close_chunk(true);
                self.open_series(shape, key);
                continue;
            }
            let count = room.min(rows.len());
            if let Err(value) = self.writer.rows(&mut self.out, columns, rows.start..rows.start + count) {
                self.refuse(value);
                return false;
            }
            self.row_count += count;
            self.statement.document_rows += count;
            rows.start += count;
        }
        true
    }

    /// Rows that fit before a chunk or the limit is full.
    fn room(&self) -> usize {
        match (self.chunk_rows, self.row_limit) {
            (Some(rows), _) if self.statement.style.split == Split::Rows => {
                rows.saturating_sub(self.statement.document_rows)
            }
            (None, Some(limit)) => limit.saturating_sub(self.row_count),
            _ => usize::MAX,
        }
    }

    /// An infinite value in JSON. InfluxDB 1.12 fails to encode the document and sends the error in its place; so does
    /// this, as long as nothing of the document is sent. Later the error ends the statement.
    fn refuse(&mut self, value: UnsupportedValue) {
        let text = format!("json: unsupported value: {}", non_finite_text(value.0));
        let start = self.document_start.and_then(|start| start.checked_sub(self.taken_bytes));
        let Some(start) = start else { return self.error(text) };
        self.out.truncate(start);
        self.writer.error_document(&mut self.out, &text);
        self.document_start = None;
        self.statement.series = None;
        self.statement.is_result_open = false;
        self.statement.ignores_rows = true;
        self.statement.is_replaced = true;
        self.is_closed = self.chunk_rows.is_none();
    }
}
