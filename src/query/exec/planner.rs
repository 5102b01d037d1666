//! From logical plans to physical ones: DataFusion's planner, and what it lacks for this folder's nodes.

use super::gap_fill::GapFill;
use super::group_aggregate::GroupAggregate;
use super::neighbours::Neighbours;
use super::row_merge::RowMerge;
use super::series_limit::SeriesLimit;
use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::context::QueryPlanner;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{LogicalPlan, UserDefinedLogicalNode};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_planner::{DefaultPhysicalPlanner, ExtensionPlanner, PhysicalPlanner};
use std::sync::Arc;

/// DataFusion's planner with the nodes of this folder.
#[must_use]
pub fn physical_planner() -> DefaultPhysicalPlanner {
    DefaultPhysicalPlanner::with_extension_planners(vec![Arc::new(InfluxExtensionPlanner)])
}

/// [`physical_planner`] as a session wants it.
#[derive(Debug)]
pub struct InfluxQueryPlanner;

#[async_trait]
impl QueryPlanner for InfluxQueryPlanner {
    async fn create_physical_plan(
        &self,
        plan: &LogicalPlan,
        session: &dyn Session,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        physical_planner().create_physical_plan(plan, session).await
    }
}

/// Plans [`GroupAggregate`], [`GapFill`], [`SeriesLimit`], [`Neighbours`] and [`RowMerge`], and knows no other node.
#[derive(Debug, Default)]
pub struct InfluxExtensionPlanner;

#[async_trait]
impl ExtensionPlanner for InfluxExtensionPlanner {
    async fn plan_extension(
        &self,
        _planner: &dyn PhysicalPlanner,
        node: &dyn UserDefinedLogicalNode,
        _logical_inputs: &[&LogicalPlan],
        physical_inputs: &[Arc<dyn ExecutionPlan>],
        session: &dyn Session,
        context: &PhysicalPlanningContext,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let input = || {
            let none = || DataFusionError::Internal(format!("{} was planned without input", node.name()));
            physical_inputs.first().cloned().ok_or_else(none)
        };
        if let Some(node) = node.as_any().downcast_ref::<GroupAggregate>() {
            return Ok(Some(node.plan(input()?, session, context)?));
        }
        if let Some(node) = node.as_any().downcast_ref::<GapFill>() {
            return Ok(Some(Arc::new(node.plan(input()?)?)));
        }
        if let Some(node) = node.as_any().downcast_ref::<SeriesLimit>() {
            return Ok(Some(Arc::new(node.plan(input()?)?)));
        }
        if let Some(node) = node.as_any().downcast_ref::<Neighbours>() {
            return Ok(Some(Arc::new(node.plan(input()?)?)));
        }
        if let Some(node) = node.as_any().downcast_ref::<RowMerge>() {
            return Ok(Some(Arc::new(node.plan(physical_inputs.to_vec())?)));
        }
        Ok(None)
    }
}
