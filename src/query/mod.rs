//! Queries: text to plans to streams of record batches. Never writes.
//!
//! [`functions`] and [`exec`] are what DataFusion lacks for InfluxQL: aggregates, selectors, scalar
//! functions and plan nodes. They know Arrow and DataFusion; they know neither statements nor schemas
//! of tables.

pub mod error;
pub mod exec;
pub mod functions;
pub mod scan;
pub mod influxql;
pub mod tables;
