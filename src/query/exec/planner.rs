//! From this folder's logical nodes to its physical ones. Knows no other node.

use super::gap_fill::GapFill;
use super::group_aggregate::GroupAggregate;
use super::neighbours::Neighbours;
use super::row_merge::RowMerge;
use super::series_limit::SeriesLimit;
use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{LogicalPlan, UserDefinedLogicalNode};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_planner::{ExtensionPlanner, PhysicalPlanner};
use std::sync::Arc;

/// Plans [`GroupAggregate`], [`GapFill`], [`SeriesLimit`], [`Neighbours`] and [`RowMerge`]. Give it to `DefaultPhysicalPlanner::with_extension_planners`.
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
