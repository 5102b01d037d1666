//! Puts [`RunAggregateExec`] in the place of partial aggregations over rows that come in order of series.
//!
//! ```text
//! AggregateExec: mode=FinalPartitioned          AggregateExec: mode=FinalPartitioned
//!   RepartitionExec: Hash                         RepartitionExec: Hash
//!     AggregateExec: mode=Partial          →        RunAggregateExec
//!       ProjectionExec                                ProjectionExec
//!         DataSourceExec: rows by series                DataSourceExec: rows by series
//! ```
//!
//! A leaf says so by [`ROW_ORDER_KEY`] in its schema's metadata, a node also by an ordering that begins with `__series`.
//! The rule does not apply where [`RunAggregateExec::replacing`] says no, and where between the aggregation and the node that is
//! ordered by series there is one that mixes rows (a sort, a join, a union, a hash repartitioning).

use super::run_aggregate::RunAggregateExec;
use crate::model::schema::SERIES_COLUMN;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::error::Result;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties, Partitioning};
use std::sync::Arc;

/// The rule; see the module. To be added after DataFusion's own rules.
#[derive(Debug, Default)]
pub struct RunAggregateRule;

impl PhysicalOptimizerRule for RunAggregateRule {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let replace = |node: Arc<dyn ExecutionPlan>| {
            let aggregate = node.downcast_ref::<AggregateExec>();
            let aggregate = aggregate.filter(|aggregate| comes_in_series(aggregate.input()));
            Ok(match aggregate.and_then(RunAggregateExec::replacing) {
                Some(replacement) => Transformed::yes(Arc::new(replacement) as Arc<dyn ExecutionPlan>),
                None => Transformed::no(node),
            })
        };
        plan.transform_up(replace).data()
    }

    fn name(&self) -> &str {
        "run_aggregate"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// Key of the schema metadata in which a leaf says how its rows are ordered. DataFusion's orderings are not enough: they
/// name columns, and are lost when a query does not read `__series`.
pub const ROW_ORDER_KEY: &str = "tidegauge.row_order";
/// Value of [`ROW_ORDER_KEY`]: within each partition rows of a series lie together, in order of time.
pub const ROW_ORDER_SERIES: &str = "series";

/// Whether rows of a series mostly lie together in the output of `plan`.
pub(super) fn comes_in_series(plan: &Arc<dyn ExecutionPlan>) -> bool {
    let by_series = plan.output_ordering().is_some_and(|order| {
        order.first().expr.downcast_ref::<Column>().is_some_and(|column| column.name() == SERIES_COLUMN)
    });
    let children = plan.children();
    match children.as_slice() {
        [] => {
            by_series
                || plan.schema().metadata().get(ROW_ORDER_KEY).is_some_and(|order| order == ROW_ORDER_SERIES)
        }
        [child] => by_series || (keeps_runs(plan) && comes_in_series(child)),
        _ => by_series,
    }
}

/// Whether a node of one input keeps rows together that lie together in its input. Dealing whole batches out to partitions
/// does.
fn keeps_runs(plan: &Arc<dyn ExecutionPlan>) -> bool {
    let deals_batches = plan
        .downcast_ref::<RepartitionExec>()
        .is_some_and(|node| matches!(node.partitioning(), Partitioning::RoundRobinBatch(_)));
    deals_batches || plan.maintains_input_order().first() == Some(&true)
}
