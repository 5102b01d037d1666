//! Puts [`RunAggregateExec`] in the place of partial aggregations over rows that come in order of series.
//!
//! ```text
//! AggregateExec: mode=FinalPartitioned          AggregateExec: mode=FinalPartitioned
//!   RepartitionExec: Hash                         RepartitionExec: Hash
//!     AggregateExec: mode=Partial          →        RunAggregateExec
//!       ProjectionExec                                ProjectionExec
//!         DataSourceExec: order=[__series, time]        DataSourceExec: order=[__series, time]
//! ```
//!
//! It does not apply where [`RunAggregateExec::replacing`] says no, and where between the aggregation and the node that is
//! ordered by series there is one that mixes rows (a sort, a join, a union, a hash repartitioning).

use super::run_aggregate::RunAggregateExec;
use crate::model::schema::SERIES_COLUMN;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::error::Result;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};
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

/// Whether rows of a series lie together in the output of `plan`, by and large.
fn comes_in_series(plan: &Arc<dyn ExecutionPlan>) -> bool {
    let by_series = plan.output_ordering().is_some_and(|order| {
        order.first().expr.downcast_ref::<Column>().is_some_and(|column| column.name() == SERIES_COLUMN)
    });
    let children = plan.children();
    let [child] = children.as_slice() else { return by_series };
    by_series || (plan.maintains_input_order().first() == Some(&true) && comes_in_series(child))
}
