//! Reading a table: a [`ReadView`](crate::engine::ReadView) as a leaf of a DataFusion plan.
//!
//! ```text
//! TableSource (TableProvider)
//!   scan: filters ─ filter.rs, key_filter.rs ─▶ times + predicate over tags
//!         chunks + files, pruned by the manifest, footers and indexes of tags ─ layout.rs ─▶ partitions of units
//!                                                       a unit: one row group | one chunk | a merge
//!         ─ source.rs ─▶ DataSourceExec
//! execute: unit ─ stream.rs ─▶ SortedRows of series that match ─ (merge) ─ rows.rs ─ columns.rs ─▶ RecordBatch
//!                      └─ settled.rs: of which series no more is needed
//! ```
//!
//! `series_lists` answers what SHOW asks of whole tables, without a plan. `limits` bounds what a query reads, `metrics` counts it for EXPLAIN.
//!
//! Rows lie in runs of one series each, and tags are constant within a run. So a predicate over tags is evaluated
//! once per series instead of once per row, selects ranges of rows before anything else is read, and tag
//! columns are made by repeating a value. Sources whose (time × series) rectangles overlap are merged; all others
//! are read as they are. Rows of files that a tombstone deletes are left out before that, so that a merge
//! meets only rows that live. A predicate over fields is evaluated after merging, on the columns that it needs, before
//! tags are repeated for the rows that it leaves.

mod columns;
mod filter;
mod key_filter;
mod layout;
mod limits;
mod metrics;
mod provider;
mod rows;
pub(super) mod series_lists;
mod settled;
mod source;
mod stream;

pub use limits::ReadLimits;
pub use metrics::ScanSummary;
pub use provider::{SeriesColumn, TableMoment, TableSource};
pub use rows::{RunEnd, RunRows};

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_of_partial_points;
