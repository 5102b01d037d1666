//! The physical rules of DataFusion that plans of InfluxQL need.
//!
//! Each rule walks the plan and may build its nodes anew, which together takes longer than answering a small query. InfluxQL's
//! plans have no joins, and what could be pushed down is where it belongs when they are made; so of DataFusion's rules
//! only these are left, in its order. SQL has them all.

use super::exec::run_aggregate_rule::RunAggregateRule;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::combine_partial_final_agg::CombinePartialFinalAggregate;
use datafusion::physical_optimizer::ensure_coop::EnsureCooperative;
use datafusion::physical_optimizer::ensure_requirements::EnsureRequirements;
use datafusion::physical_optimizer::limit_pushdown::LimitPushdown;
use datafusion::physical_optimizer::output_requirements::OutputRequirements;
use std::sync::Arc;

/// The rules for plans of InfluxQL.
pub(super) fn influxql_rules() -> Vec<Arc<dyn PhysicalOptimizerRule + Send + Sync>> {
    vec![
        // Keeps the order of the rows from being taken for superfluous, until the last of these two.
        Arc::new(OutputRequirements::new_add_mode()),
        // Sorts, and moves rows between partitions, where a node needs it.
        Arc::new(EnsureRequirements::new()),
        // One step of aggregation where there is one partition.
        Arc::new(CombinePartialFinalAggregate::new()),
        Arc::new(OutputRequirements::new_remove_mode()),
        // Sorts that keep no more rows than are wanted.
        Arc::new(LimitPushdown::new()),
        // Lets go of the thread now and then, so that a query can be killed.
        Arc::new(EnsureCooperative::new()),
        Arc::new(RunAggregateRule),
    ]
}
