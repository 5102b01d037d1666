//! Which questions are answered on the thread that asks them.
//!
//! A panel of a few hosts over an hour takes half a millisecond. To wake a thread of queries, and to be woken by it, takes a fifth of
//! that, and more where the processor has gone to sleep meanwhile. So a question that cannot take long is answered where it is asked.
//! Others have threads of their own: they would hold up the requests that share the thread.

use super::influxql::source::{self, Defaults};
use super::scan::{ScanSummary, TableSource};
use crate::engine::Engine;
use crate::model::database::TableInfo;
use datafusion::common::Result;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::datasource::source_as_provider;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};
use influxql::ast::{Expr, MeasurementName, Name, Select, Source, Statement};
use std::sync::Arc;

/// What is known of a statement before it is planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Size {
    /// It [`is_small`].
    Small,
    /// It may take long.
    Any,
}

/// Names, literals, operators and calls in a small statement. Planning takes time and stack in proportion to them.
const TERMS_MAX: usize = 100;

/// Whether planning a statement takes little, and its functions take little per row: a SELECT of a few named columns of one measurement.
pub(super) fn is_small(statement: &Statement) -> bool {
    let Statement::Select(select) = statement else { return false };
    let Select { fields, target: None, sources, condition, dimensions, .. } = &**select else { return false };
    let [Source::Measurement(MeasurementName { name: Name::Name(_), .. })] = sources.as_slice() else {
        return false;
    };
    let exprs =
        fields.iter().map(|field| &field.expr).chain(dimensions.iter().map(|d| &d.expr)).chain(condition);
    let mut terms = 0;
    let mut is_small = true;
    for expr in exprs {
        expr.walk(&mut |expr| {
            terms += 1;
            is_small &= match expr {
                // They become any number of columns, or look at the text of every series.
                Expr::Wildcard(_) | Expr::Regex(_) => false,
                // It looks for parameters, however few the points.
                Expr::Call { name, .. } => !name.starts_with("holt_winters"),
                _ => true,
            };
        });
    }
    is_small && terms <= TERMS_MAX
}

/// Columns of a table that takes little to plan over.
const COLUMNS_FEW: usize = 1_000;

/// Cells of buffered rows that are sorted in about a millisecond: 3,000 rows of twenty columns.
const UNSEALED_CELLS_FEW: usize = 1 << 16;

/// Whether it takes little to look at the tables of a statement that [`is_small`]: wide ones have large schemas, and rows that nobody has
/// read yet are sorted for the first who does. A statement that names none that there is ends soon.
pub(super) fn is_at_hand(statement: &Statement, defaults: Defaults<'_>, engine: &Engine) -> bool {
    let Statement::Select(select) = statement else { return false };
    let state = engine.state();
    let is_slim = |table: &TableInfo| table.schema.columns().len() <= COLUMNS_FEW;
    let is_sealed = |table: &TableInfo| {
        engine.unsealed_cells(table).is_some_and(|cell_count| cell_count <= UNSEALED_CELLS_FEW)
    };
    select.sources.iter().all(|from| match from {
        Source::Measurement(measurement) => match source::tables_of(&state, measurement, defaults) {
            Ok(tables) => tables.into_iter().all(|table| is_slim(table) && is_sealed(table)),
            Err(_) => true,
        },
        Source::Subquery(_) => false,
    })
}

/// Whether it takes little to find out what a plan reads.
///
/// # Errors
/// None of its own.
pub(super) fn looks_at_little(plan: &LogicalPlan) -> Result<bool> {
    let mut looks_at_little = true;
    plan.apply(|node| {
        if let LogicalPlan::TableScan(scan) = node {
            let table = source_as_provider(&scan.source)?;
            looks_at_little &= table.downcast_ref::<TableSource>().is_some_and(TableSource::has_little);
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(looks_at_little)
}

/// Whether a plan reads so few rows that none of them are read beside others; see the scan's partitions. Where there is one thread of
/// queries, that there is one partition says nothing about the rows.
pub(super) fn reads_little(plan: &Arc<dyn ExecutionPlan>) -> bool {
    ScanSummary::of_plan(plan).expects_little() && has_one_partition(plan)
}

fn has_one_partition(plan: &Arc<dyn ExecutionPlan>) -> bool {
    plan.output_partitioning().partition_count() == 1 && plan.children().into_iter().all(has_one_partition)
}

#[cfg(test)]
mod tests {
    use super::is_small;
    use influxql::parse;

    fn is_small_text(text: &str) -> bool {
        let statements = parse(text, &influxql::Params::default()).unwrap();
        is_small(&statements[0])
    }

    #[test]
    fn panels_are_small() {
        assert!(is_small_text(
            "SELECT max(f) FROM m WHERE h = 'a' AND time > now() - 1h GROUP BY time(1m), h fill(0)"
        ));
        assert!(is_small_text("SELECT f, g * 2 FROM db.rp.m LIMIT 10"));
    }

    #[test]
    fn what_may_take_long_is_not() {
        for text in [
            "SELECT * FROM m",
            "SELECT mean(/f/) FROM m",
            "SELECT f FROM /m/",
            "SELECT f FROM m, n",
            "SELECT f FROM (SELECT f FROM m)",
            "SELECT f FROM m WHERE h =~ /a/",
            "SELECT f FROM m GROUP BY *",
            "SELECT f INTO n FROM m",
            "SELECT holt_winters(mean(f), 2, 2) FROM m GROUP BY time(1m)",
            "SHOW SERIES",
        ] {
            assert!(!is_small_text(text), "{text}");
        }
        let hosts: Vec<String> = (0..40).map(|host| format!("h = '{host}'")).collect();
        assert!(!is_small_text(&format!("SELECT f FROM m WHERE {}", hosts.join(" OR "))));
    }
}
