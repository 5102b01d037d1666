//! `EXPLAIN` and `EXPLAIN ANALYZE`: what a query would do, and what it did.
//!
//! In: a SELECT. Out: one column of text, one line a row, for people: InfluxDB 1.x's columns and the form of its lines, but about
//! files, row groups and operators instead of shards, blocks and cursors.
//!
//! ```text
//! EXPLAIN SELECT …                      EXPLAIN ANALYZE SELECT …
//! QUERY PLAN                            EXPLAIN ANALYZE
//! STATEMENT: SELECT …                   .
//! NUMBER OF FILES: 1 of 3               └── select
//! …                                         ├── planning_time: 1.2ms
//! ProjectionExec: …                         └── operator: ProjectionExec: …
//!   DataSourceExec: …                           ├── output_rows: 3
//! ```
//!
//! EXPLAIN ANALYZE runs the query to its end and throws its rows away.

use super::error::QueryError;
use super::influxql::plan_select;
use super::scan::ScanSummary;
use super::session::QueryEngine;
use super::show::Listing;
use super::statement::StatementContext;
use super::tables::Tables;
use crate::model::time::go_duration;
use datafusion::physical_plan::display::DisplayableExecutionPlan;
use datafusion::physical_plan::metrics::{MetricValue, MetricsSet};
use datafusion::physical_plan::{ExecutionPlan, displayable, execute_stream};
use futures::TryStreamExt;
use influxql::ast::{Explain, Select};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The metrics that are shown without VERBOSE, besides those that a scan counts.
const METRICS_SHOWN: [&str; 8] = [
    "output_rows",
    "elapsed_compute",
    "row_groups_read",
    "row_groups_skipped",
    "rows_selected",
    "bytes_read",
    "spill_count",
    "spilled_bytes",
];

impl QueryEngine {
    /// The answer to an EXPLAIN.
    pub(super) async fn explain(
        &self,
        explain: &Explain,
        tables: &dyn Tables,
        context: StatementContext<'_>,
    ) -> Result<Listing, QueryError> {
        let start = Instant::now();
        let planned = plan_select(&explain.select, tables, context.defaults, context.now_ns)?;
        if !explain.analyze {
            let mut plans = Vec::with_capacity(planned.plans.len());
            for plan in &planned.plans {
                plans.push(self.physical_plan(plan).await?);
            }
            return Listing::lines("QUERY PLAN", plan_lines(&explain.select, &plans, explain.verbose));
        }
        let mut analysis = Analysis { planning: start.elapsed(), ..Analysis::default() };
        let task = self.limited_task_context();
        for plan in &planned.plans {
            let start = Instant::now();
            let plan = self.physical_plan(plan).await?;
            analysis.planning += start.elapsed();
            let start = Instant::now();
            let mut batches = execute_stream(Arc::clone(&plan), Arc::clone(&task))?;
            while let Some(batch) = batches.try_next().await? {
                analysis.rows += batch.num_rows();
                analysis.bytes += batch.get_array_memory_size();
            }
            analysis.execution += start.elapsed();
            analysis.plans.push(plan);
        }
        let tree = analysis.tree(&explain.select, explain.verbose);
        Listing::lines("EXPLAIN ANALYZE", tree.lines())
    }
}

/// What is to be read, as in InfluxDB's `NUMBER OF …: n`.
fn summary_lines(summary: &ScanSummary) -> Vec<(&'static str, String)> {
    let ScanSummary { files_known, files, file_bytes, row_groups, chunks_known, chunks, rows, .. } = summary;
    vec![
        ("number of files", format!("{files} of {files_known}")),
        ("size of files", file_bytes.to_string()),
        ("number of row groups", row_groups.to_string()),
        ("number of chunks", format!("{chunks} of {chunks_known}")),
        ("number of rows", rows.to_string()),
    ]
}

fn plan_lines(select: &Select, plans: &[Arc<dyn ExecutionPlan>], is_verbose: bool) -> Vec<String> {
    let summary = plans.iter().map(ScanSummary::of_plan).fold(ScanSummary::default(), ScanSummary::plus);
    let mut lines = vec![format!("STATEMENT: {select}"), format!("NUMBER OF MEASUREMENTS: {}", plans.len())];
    let upper = |(name, value): (&str, String)| format!("{}: {value}", name.to_uppercase());
    lines.extend(summary_lines(&summary).into_iter().map(upper));
    for plan in plans {
        lines.push(String::new());
        let display = displayable(plan.as_ref()).set_show_schema(is_verbose);
        lines.extend(display.indent(is_verbose).to_string().lines().map(str::to_owned));
    }
    lines
}

/// What running the plans came to.
#[derive(Default)]
struct Analysis {
    planning: Duration,
    execution: Duration,
    rows: usize,
    bytes: usize,
    plans: Vec<Arc<dyn ExecutionPlan>>,
}

impl Analysis {
    fn tree(&self, select: &Select, is_verbose: bool) -> Node {
        let duration = |d: Duration| go_duration(i64::try_from(d.as_nanos()).unwrap_or(i64::MAX));
        let mut root = Node::new("select");
        root.add("execution_time", duration(self.execution));
        root.add("planning_time", duration(self.planning));
        root.add("total_time", duration(self.execution + self.planning));
        root.add("rows", self.rows);
        root.add("bytes", self.bytes);
        let mut labels = Node::new("labels");
        labels.add("statement", select);
        root.children.push(labels);
        for plan in &self.plans {
            let mut node = Node::new("plan");
            for (name, value) in summary_lines(&ScanSummary::of_plan(plan)) {
                node.add(&name.replace(' ', "_"), value);
            }
            node.children.push(operator(plan, is_verbose));
            root.children.push(node);
        }
        root
    }
}

/// An operator with what it counted, and the operators below it.
fn operator(plan: &Arc<dyn ExecutionPlan>, is_verbose: bool) -> Node {
    let line = DisplayableExecutionPlan::new(plan.as_ref()).one_line().to_string();
    let mut node = Node::new(format!("operator: {}", line.trim_end()));
    let metrics = plan.metrics().unwrap_or_default();
    add_metrics(&mut node, &metrics, is_verbose);
    node.children.extend(plan.children().into_iter().map(|child| operator(child, is_verbose)));
    node
}

fn add_metrics(node: &mut Node, metrics: &MetricsSet, is_verbose: bool) {
    for metric in metrics.aggregate_by_name().sorted_for_display().timestamps_removed().iter() {
        let value = metric.value();
        let is_spill = value.name().starts_with("spill");
        if is_verbose || (METRICS_SHOWN.contains(&value.name()) && !(is_spill && value.as_usize() == 0)) {
            match value {
                MetricValue::ElapsedCompute(time) | MetricValue::Time { time, .. } => {
                    node.add(value.name(), nanoseconds(time.value()));
                }
                other => node.add(value.name(), other.as_usize()),
            }
        }
    }
}

fn nanoseconds(ns: usize) -> String {
    go_duration(i64::try_from(ns).unwrap_or(i64::MAX))
}

/// A tree of texts.
struct Node {
    text: String,
    children: Vec<Node>,
}

impl Node {
    fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), children: Vec::new() }
    }

    fn add(&mut self, name: &str, value: impl std::fmt::Display) {
        self.children.push(Self::new(format!("{name}: {value}")));
    }

    /// The tree below a dot, and an empty line, as InfluxDB 1.x draws it.
    fn lines(&self) -> Vec<String> {
        let mut lines = vec![".".to_owned()];
        self.draw("", true, &mut lines);
        lines.push(String::new());
        lines
    }

    fn draw(&self, indent: &str, is_last: bool, lines: &mut Vec<String>) {
        let (branch, below) = if is_last { ("└── ", "    ") } else { ("├── ", "│   ") };
        lines.push(format!("{indent}{branch}{}", self.text));
        let indent = format!("{indent}{below}");
        for (i, child) in self.children.iter().enumerate() {
            child.draw(&indent, i + 1 == self.children.len(), lines);
        }
    }
}
