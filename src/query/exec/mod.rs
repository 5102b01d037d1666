//! Plan nodes that DataFusion lacks.
//!
//! | node | what |
//! |---|---|
//! | [`gap_fill`] | a row for every bucket of `GROUP BY time`, and values for missing cells: `fill(…)` |
//! | [`series_limit`] | `LIMIT`, `OFFSET`, `SLIMIT` and `SOFFSET`, which count rows per series |
//! | [`neighbours`] | functions of neighbouring points: `derivative(…)` |
//! | [`row_merge`] | several inputs side by side, row by row of one series and time |
//! | [`group_aggregate`] | aggregates of groups, with a condition, columns and an order |
//! | [`run_aggregate`] | partial aggregation of rows that come in runs of one group |
//!
//! All but the last are logical nodes, planned by [`planner::InfluxExtensionPlanner`]; that one replaces a node
//! of DataFusion by the rule [`run_aggregate_rule::RunAggregateRule`]. All stream: dropping a stream cancels its work.
//!
//! Series come in the order of their group columns: ascending with nulls first, or all
//! descending with nulls last.

mod accumulate;
mod contiguous;
pub mod fill;
pub mod gap_fill;
mod gap_fill_output;
mod gap_fill_queue;
mod gap_fill_stream;
pub mod group_aggregate;
pub mod group_aggregate_exec;
mod groups;
pub mod neighbours;
mod neighbours_call;
mod neighbours_output;
mod neighbours_stream;
mod node;
pub mod planner;
pub mod row_merge;
mod row_merge_stream;
pub mod run_aggregate;
pub mod run_aggregate_rule;
mod runs;
pub mod series_limit;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_of_group_aggregate;
#[cfg(test)]
mod tests_of_neighbours;
