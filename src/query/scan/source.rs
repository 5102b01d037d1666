//! The leaf of a physical plan.

use super::layout::Unit;
use super::limits::ReadLimits;
use super::metrics::ScanSummary;
use super::stream::{Bound, ScanPlan};
use crate::model::database::TableInfo;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, Statistics};
use datafusion::datasource::source::DataSource;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::EquivalenceProperties;
use datafusion::physical_expr::projection::ProjectionExprs;
use datafusion::physical_plan::coop::cooperative;
use datafusion::physical_plan::execution_plan::SchedulingType;
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayFormatType, Partitioning, PhysicalExpr};
use futures::StreamExt;
use std::fmt;
use std::sync::Arc;

/// Units of one table, by partition.
#[derive(Clone, Debug)]
pub(super) struct SeriesSource {
    table: Arc<TableInfo>,
    plan: Arc<ScanPlan>,
    partitions: Vec<Vec<Unit>>,
    metrics: ExecutionPlanMetricsSet,
    pub(super) summary: ScanSummary,
}

impl SeriesSource {
    pub(super) fn new(
        table: &Arc<TableInfo>,
        plan: ScanPlan,
        partitions: Vec<Vec<Unit>>,
        summary: ScanSummary,
    ) -> Self {
        assert!(!partitions.is_empty(), "a plan has at least one partition");
        let metrics = ExecutionPlanMetricsSet::new();
        plan.counters.register(&metrics);
        Self { table: Arc::clone(table), plan: Arc::new(plan), partitions, metrics, summary }
    }
}

impl DataSource for SeriesSource {
    fn open(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let metrics = BaselineMetrics::new(&self.metrics, partition);
        let bound =
            Bound { table: self.table.id, limits: context.session_config().get_extension::<ReadLimits>() };
        let batches = self.plan.clone().batches(self.partitions[partition].clone(), bound);
        let counted = batches.inspect(move |batch| {
            if let Ok(batch) = batch {
                metrics.record_output(batch.num_rows());
            }
        });
        // Lets go of the thread now and then, so that a query can be killed.
        let counted =
            cooperative(RecordBatchStreamAdapter::new(self.plan.projection.schema.clone(), counted));
        Ok(Box::pin(counted))
    }

    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = || self.partitions.iter().flatten();
        let groups = units().filter(|u| matches!(u, Unit::RowGroup(_, _, rows) if rows.start == 0)).count();
        let chunks = units().filter(|u| matches!(u, Unit::Chunk(_))).count();
        let merges = units().filter(|u| matches!(u, Unit::Merge(..))).count();
        write!(f, "table={}, row_groups={groups}, chunks={chunks}, merges={merges}", self.table.name)?;
        let ScanSummary { files, files_known, .. } = self.summary;
        write!(f, ", files={files}/{files_known}")?;
        if !self.plan.filter.takes_all_series() {
            write!(f, ", predicate on series")?;
        }
        Ok(())
    }

    fn output_partitioning(&self) -> Partitioning {
        Partitioning::UnknownPartitioning(self.partitions.len())
    }

    fn eq_properties(&self) -> EquivalenceProperties {
        EquivalenceProperties::new(self.plan.projection.schema.clone())
    }

    fn scheduling_type(&self) -> SchedulingType {
        SchedulingType::Cooperative
    }

    fn partition_statistics(&self, _partition: Option<usize>) -> Result<Arc<Statistics>> {
        Ok(Arc::new(Statistics::new_unknown(&self.plan.projection.schema)))
    }

    fn with_fetch(&self, _limit: Option<usize>) -> Option<Arc<dyn DataSource>> {
        None
    }

    fn fetch(&self) -> Option<usize> {
        None
    }

    fn metrics(&self) -> ExecutionPlanMetricsSet {
        self.metrics.clone()
    }

    fn try_swapping_with_projection(&self, _: &ProjectionExprs) -> Result<Option<Arc<dyn DataSource>>> {
        Ok(None)
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }
}
