//! Layer 1: rows sorted by (series key, time), and how several such sources become one without duplicates.
//!
//! Flush, compaction and queries all merge with this module, so that a point has the same value wherever
//! its writes lie. Two rows are the same point when series key and time are equal; then each field takes
//! its newest value that is not null.
//!
//! * [`SortedRows`] is the form rows have between storage and plan: one entry per series instead of one
//!   per row, one array for the time and one per field.
//! * [`seal`] sorts rows as they were written into [`SortedRows`].
//! * [`Merge`] merges any number of sources. It does no I/O: it says which source it needs next, and the
//!   caller brings the rows from memory or from files.
//!
//! Nothing here knows tables, files or plans.

mod columns;
mod seal;
mod sorted_rows;
mod stream;
mod without;

pub use columns::{series_column, tag_columns, tag_values};
pub use seal::{FieldSlot, seal};
pub use sorted_rows::{SeriesRun, SortedRows};
pub use stream::{Merge, Step};

#[cfg(test)]
mod tests;
