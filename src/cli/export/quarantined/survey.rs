//! What files of a write-ahead log hold. What cannot be read is told when it is found, and counted.

use super::Ids;
use super::names::Names;
use crate::cli::terminal;
use crate::model::batch::WriteBatch;
use crate::wal::salvage::{Salvaged, Source};
use std::collections::BTreeMap;
use std::fmt::Display;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// By database and retention policy.
    pub(super) contents: BTreeMap<Ids, Content>,
    /// Parts of which nothing can be read.
    pub(super) lost_count: u64,
}

/// What there is of a retention policy.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) row_count: u64,
    /// Those of measurements that the store has.
    pub(super) known_row_count: u64,
    /// The files that have some of it, as places in the list, in order.
    pub(super) files: Vec<usize>,
}

impl Survey {
    /// Reads all of the files.
    pub(super) fn of(sources: &[Source], names: &Names) -> Self {
        let mut survey = Self::default();
        for (at, source) in sources.iter().enumerate() {
            match source.read() {
                Ok(file) => survey.add(at, &file, names),
                Err(error) => survey.lose(error),
            }
        }
        survey
    }

    fn add(&mut self, at: usize, file: &Salvaged, names: &Names) {
        file.lost().iter().for_each(|part| self.lose(part));
        if let Some(part) = file.unfinished() {
            terminal::tell(format_args!(
                "{part}: at the end of a log it is a record that was never acknowledged"
            ));
        }
        for record in file.records() {
            match record.decode() {
                Ok(batch) => {
                    self.contents.entry((batch.database, batch.policy)).or_default().add(at, &batch, names)
                }
                Err(part) => self.lose(part),
            }
        }
    }

    fn lose(&mut self, part: impl Display) {
        self.lost_count += 1;
        terminal::tell(format_args!("cannot be read: {part}"));
    }
}

impl Content {
    fn add(&mut self, at: usize, batch: &WriteBatch, names: &Names) {
        if self.files.last() != Some(&at) {
            self.files.push(at);
        }
        for rows in &batch.tables {
            let row_count = rows.row_count() as u64;
            self.row_count += row_count;
            if names.know_table(batch.policy, &rows.table) {
                self.known_row_count += row_count;
            }
        }
    }
}
