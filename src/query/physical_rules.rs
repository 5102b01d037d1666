//! The physical optimiser rules of DataFusion that plans of InfluxQL need.
//!
//! Each rule walks the plan and may rebuild its nodes, and all rules together take longer than answering a small query.
//! InfluxQL's plans have no joins, are made with filters, limits and projections pushed down already, and their leaves
//! yield to other tasks by themselves. That leaves few rules that matter; a plan of one partition, as that of a small
//! query, mostly needs none. SQL goes through all rules: `QueryEngine::sql_physical_plan`.

use super::exec::run_aggregate_rule::RunAggregateRule;
use datafusion::common::config::ConfigOptions;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::combine_partial_final_agg::CombinePartialFinalAggregate;
use datafusion::physical_optimizer::ensure_requirements::EnsureRequirements;
use datafusion::physical_optimizer::limit_pushdown::LimitPushdown;
use datafusion::physical_optimizer::output_requirements::OutputRequirements;
use datafusion::physical_optimizer::sanity_checker::SanityCheckPlan;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};
use std::sync::Arc;

type Rules = Vec<Arc<dyn PhysicalOptimizerRule + Send + Sync>>;

/// The rules for plans of InfluxQL that are spread over partitions, or want an order that their nodes do not make.
pub(super) fn rules_of_many_partitions() -> Rules {
    vec![
        // This rule and its counterpart below keep those between them from removing the order of the result as superfluous.
        Arc::new(OutputRequirements::new_add_mode()),
        // Sorts, and moves rows between partitions, where a node needs it.
        Arc::new(EnsureRequirements::new()),
        // One step of aggregation where there is one partition.
        Arc::new(CombinePartialFinalAggregate::new()),
        Arc::new(OutputRequirements::new_remove_mode()),
        // Sorts that keep no more rows than are wanted.
        Arc::new(LimitPushdown::new()),
        Arc::new(RunAggregateRule),
    ]
}

/// Whether a plan, made without rules, has one partition, and every node gets its rows in the partitions and in the order that it
/// needs.
pub(super) fn runs_as_it_is(plan: &Arc<dyn ExecutionPlan>, config: &ConfigOptions) -> bool {
    plan.output_partitioning().partition_count() == 1
        && SanityCheckPlan::new().optimize(Arc::clone(plan), config).is_ok()
}
