//! A body to rows by table. It joins parser, series texts and tables, and collects what is refused.
//!
//! The series text is looked up as it stands: parsing, sorting and encoding tags happens once per distinct text
//! and body.

use super::parser::{Line, Parser, RefusedLine};
use super::precision::Precision;
use super::rejection::{LineFault, PointFault, Reason, Rejection};
use super::series::SeriesText;
use super::table::{Table, has_time_tag};
use super::window::{OutsideWindow, WriteWindow};
use crate::model::batch::TableRows;
use crate::model::schema::TableSchema;
use ahash::RandomState;
use memchr::memchr;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

/// Most series that room is made for before they are seen, so that a body of short lines costs no more than 1 MB.
const SERIES_RESERVED_MAX: usize = 8_192;

/// How to read a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriteOptions {
    /// The unit of the timestamps.
    pub precision: Precision,
    /// The time of points without timestamp, in nanoseconds; cut to the precision, as InfluxDB 1.x does.
    pub default_time_ns: i64,
    /// Points before this time are refused, in nanoseconds: what the retention policy no longer keeps. `None` =
    /// it keeps all.
    pub oldest_ns: Option<i64>,
    /// Points outside these times are refused too: what the retention policy's PAST and FUTURE LIMIT leave.
    pub window: WriteWindow,
    /// Longest string in bytes; InfluxDB 1.12 takes 1 MiB.
    pub string_bytes_max: usize,
    /// Bytes of refused lines that are kept for their texts. Lines past it are refused and counted all the same.
    pub rejection_bytes_max: usize,
}

impl WriteOptions {
    /// Longest string in bytes (InfluxDB 1.12 `MaxFieldValueLength`).
    pub const STRING_BYTES_MAX: usize = 1 << 20;
    /// A body full of bad lines is answered with as much of them as a reader could want.
    pub const REJECTION_BYTES_MAX: usize = 1 << 20;

    /// Options with the limits of this type.
    #[must_use]
    pub const fn new(precision: Precision, default_time_ns: i64) -> Self {
        Self {
            precision,
            default_time_ns,
            oldest_ns: None,
            window: WriteWindow { oldest_ns: None, newest_ns: None },
            string_bytes_max: Self::STRING_BYTES_MAX,
            rejection_bytes_max: Self::REJECTION_BYTES_MAX,
        }
    }
}

/// What a body holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Converted {
    /// The good points by table, in the order of the body within a table. A table whose fields differ much from
    /// row to row comes in several parts, in order, each with the fields of its rows; else in one.
    pub tables: Vec<TableRows>,
    /// What was refused, in the order of the body, as far as it fits the limit. The first line and the first point are always there.
    pub rejections: Vec<Rejection>,
    /// Further rejections, past the limit.
    pub rejections_omitted: usize,
    /// Lines that did not parse.
    pub lines_refused: usize,
    /// Points that parsed and were refused: InfluxDB 1.x's `dropped=N`.
    pub points_dropped: usize,
    /// Those of them that lie outside the write window.
    pub outside_window: Option<OutsideWindow>,
    /// Points in `tables`.
    pub points_accepted: usize,
}

/// Converts `body`. `schema_of` tells the schema of a table by its name, or `None` when there is no such table.
#[must_use]
pub fn to_batches(
    body: &[u8],
    options: &WriteOptions,
    schema_of: impl Fn(&str) -> Option<Arc<TableSchema>>,
) -> Converted {
    let mut parser = Parser::new(body, options.precision);
    let mut conversion = Conversion::new(body, options, schema_of);
    let mut line = Line::default();
    while let Some(parsed) = parser.next_line(&mut line) {
        match parsed {
            Ok(()) => conversion.add(&line, &mut parser),
            Err(RefusedLine { bytes, fault }) => {
                line.bytes = bytes;
                conversion.refuse(&line, Reason::Line(fault), &mut parser);
            }
        }
    }
    conversion.finish()
}

struct Conversion<'a, F> {
    body: &'a [u8],
    options: &'a WriteOptions,
    default_time_ns: i64,
    schema_of: F,
    tables: Vec<Table>,
    table_by_name: HashMap<Arc<str>, u32, RandomState>,
    /// Per series text where its points go.
    targets: HashMap<&'a str, Target, RandomState>,
    series_by_key: HashMap<(u32, Arc<str>), u32, RandomState>,
    /// Reused for every new series text.
    series_text: SeriesText<'a>,
    series_key: String,
    rejection_bytes: usize,
    out: Converted,
}

/// Where the points of a series go.
#[derive(Clone)]
enum Target {
    Series { table: u32, series: u32 },
    TimeTag { measurement: Arc<str> },
    Bad(LineFault),
}

impl<'a, F: Fn(&str) -> Option<Arc<TableSchema>>> Conversion<'a, F> {
    fn new(body: &'a [u8], options: &'a WriteOptions, schema_of: F) -> Self {
        // A guess, from the length of the first line: growing the maps step by step hashes every key again.
        let line_bytes = memchr(b'\n', body).map_or(body.len(), |newline| newline + 1);
        let series_count = (body.len() / line_bytes.max(1)).min(SERIES_RESERVED_MAX);
        Self {
            body,
            options,
            default_time_ns: options.precision.truncate_ns(options.default_time_ns),
            schema_of,
            tables: Vec::new(),
            table_by_name: HashMap::default(),
            targets: HashMap::with_capacity_and_hasher(series_count, RandomState::new()),
            series_by_key: HashMap::with_capacity_and_hasher(series_count, RandomState::new()),
            series_text: SeriesText::default(),
            series_key: String::new(),
            rejection_bytes: 0,
            out: Converted::default(),
        }
    }

    #[inline]
    fn add(&mut self, line: &Line<'a>, parser: &mut Parser<'a>) {
        let target = match self.targets.get(line.series) {
            Some(target) => target,
            None => {
                let target = self.new_target(line.series);
                self.targets.entry(line.series).or_insert(target)
            }
        };
        let time_ns = line.time_ns.unwrap_or(self.default_time_ns);
        let added = match target {
            Target::Bad(fault) => Err(Reason::Line(fault.clone())),
            // Before all else of a point, as in InfluxDB 1.x: what is not kept fixes no field's type.
            _ if self.options.oldest_ns.is_some_and(|oldest_ns| time_ns < oldest_ns) => {
                Err(Reason::Point(PointFault::BeyondRetention))
            }
            _ if !self.options.window.contains(time_ns) => {
                let window = self.options.window;
                OutsideWindow::add(&mut self.out.outside_window, window, line.series, time_ns);
                Err(Reason::Point(PointFault::OutsideWriteWindow))
            }
            Target::Series { table, series } => {
                let (table, series) = (&mut self.tables[*table as usize], *series);
                match table.add_row(series, time_ns, &line.fields, self.options.string_bytes_max) {
                    Ok(false) => Ok(()),
                    Ok(true) => Err(Reason::Point(PointFault::TimeFieldStripped(table.name().clone()))),
                    Err(fault) => Err(Reason::Point(fault)),
                }
            }
            Target::TimeTag { measurement } => {
                Err(Reason::Point(PointFault::TagNamedTime(measurement.clone())))
            }
        };
        if let Err(reason) = added {
            self.refuse(line, reason, parser);
        }
    }

    fn new_target(&mut self, text: &'a str) -> Target {
        if let Err(fault) = self.series_text.read(text) {
            return Target::Bad(fault);
        }
        let table = self.table();
        if has_time_tag(&self.series_text.tags) {
            return Target::TimeTag { measurement: self.tables[table as usize].name().clone() };
        }
        self.series_key.clear();
        self.series_text.encode_key_into(&mut self.series_key);
        let key: Arc<str> = self.series_key.as_str().into();
        let series = match self.series_by_key.entry((table, key)) {
            Entry::Occupied(entry) => *entry.get(),
            Entry::Vacant(entry) => {
                let key = entry.key().1.clone();
                *entry.insert(self.tables[table as usize].add_series(key))
            }
        };
        Target::Series { table, series }
    }

    /// The table of the series text at hand.
    fn table(&mut self) -> u32 {
        let name = self.series_text.measurement.as_ref();
        if let Some(last) = self.tables.last()
            && **last.name() == *name
        {
            return (self.tables.len() - 1) as u32;
        }
        if let Some(table) = self.table_by_name.get(name) {
            return *table;
        }
        let table = self.tables.len() as u32;
        let name: Arc<str> = name.into();
        self.tables.push(Table::new(name.clone(), (self.schema_of)(&name)));
        self.table_by_name.insert(name, table);
        table
    }

    #[cold]
    fn refuse(&mut self, line: &Line<'a>, reason: Reason, parser: &mut Parser<'a>) {
        let text = String::from_utf8_lossy(&self.body[line.bytes.clone()]);
        let mut end = text.len().min(self.options.rejection_bytes_max.saturating_sub(self.rejection_bytes));
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        // A rejection costs its own size too: a body of one-byte lines must not cost a hundred times its size.
        self.rejection_bytes += end + size_of::<Rejection>();
        let rejection = Rejection {
            line_number: parser.line_number(line.bytes.start),
            bytes: line.bytes.clone(),
            line: text[..end].into(),
            reason,
        };
        let mut is_first = self.out.rejections.is_empty();
        if rejection.counts_as_dropped() {
            self.out.points_dropped += 1;
            is_first |= self.out.points_dropped == 1;
        } else if !rejection.is_stored() {
            self.out.lines_refused += 1;
            is_first |= self.out.lines_refused == 1;
        }
        if self.rejection_bytes <= self.options.rejection_bytes_max || is_first {
            self.out.rejections.push(rejection);
        } else {
            self.out.rejections_omitted += 1;
        }
    }

    fn finish(mut self) -> Converted {
        self.out.tables = self.tables.into_iter().flat_map(Table::finish).collect();
        self.out.points_accepted = self.out.tables.iter().map(TableRows::row_count).sum();
        self.out
    }
}
