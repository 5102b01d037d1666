//! One table, as DataFusion asks for it.

use super::columns::{Projection, ScanColumn, arrow_schema, scan_columns};
use super::filter::{FilterKind, Predicate, ScanFilter, classify};
use super::layout::{FileSource, Source, partitions};
use super::metrics::{ScanCounters, ScanSummary};
use super::rows::{RowFilter, RunRows, RunSieve, fields_of};
use super::settled::Settled;
use super::source::SeriesSource;
use super::stream::ScanPlan;
use crate::engine::{Engine, ReadView};
use crate::model::time::TimeRange;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{DataFusionError, Result};
use datafusion::datasource::source::DataSourceExec;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use futures::{StreamExt, TryStreamExt};
use std::sync::Arc;

/// Files that are opened at the same time while a query is planned.
const OPENINGS_MAX: usize = 16;

/// Units whose first rows are fetched at the same time in each partition, where fetching takes a round trip over a network.
const UNITS_AHEAD_REMOTE: usize = 4;

/// A table has little when its rows are in no more files and buffered chunks than this, ...
const PARTS_FEW: usize = 64;

/// ... and have, counted in each of them, no more series than this.
const SERIES_FEW: u64 = 100_000;

/// Whether a table shows its series key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeriesColumn {
    /// As column `__series`, the first.
    Shown,
    /// Not at all, as users see the table.
    Hidden,
}

/// A table at one moment. Wide ones are large.
#[derive(Debug)]
pub struct TableMoment {
    engine: Arc<Engine>,
    view: ReadView,
    columns: Vec<ScanColumn>,
    schema: SchemaRef,
}

impl TableMoment {
    /// The rows of `view`, which `engine` made.
    #[must_use]
    pub fn new(engine: Arc<Engine>, view: ReadView, series: SeriesColumn) -> Self {
        let columns = scan_columns(&view.table.schema, series == SeriesColumn::Shown);
        let schema = arrow_schema(&columns);
        Self { engine, view, columns, schema }
    }
}

/// A table at one moment, as one scan sees it.
#[derive(Clone, Debug)]
pub struct TableSource {
    table: Arc<TableMoment>,
    run_rows: Option<RunRows>,
}

impl TableSource {
    /// The rows of `view`, which `engine` made.
    #[must_use]
    pub fn new(engine: Arc<Engine>, view: ReadView, series: SeriesColumn) -> Self {
        Self::of(Arc::new(TableMoment::new(engine, view, series)))
    }

    /// All rows of a table.
    #[must_use]
    pub fn of(table: Arc<TableMoment>) -> Self {
        Self { table, run_rows: None }
    }

    /// The same table for a reader who needs no other rows of a run than these.
    #[must_use]
    pub fn of_runs(&self, rows: RunRows) -> Self {
        Self { run_rows: Some(rows), ..self.clone() }
    }

    /// Whether the table has so few files and series that it takes no more than some milliseconds to look at all of them, whatever the
    /// condition. The rows may be many.
    pub fn has_little(&self) -> bool {
        let ReadView { files, chunks, .. } = &self.table.view;
        let in_files = files.iter().map(|file| file.series_count);
        let in_chunks = chunks.iter().map(|chunk| chunk.rows().runs.len() as u64);
        files.len() + chunks.len() <= PARTS_FEW && in_files.chain(in_chunks).sum::<u64>() <= SERIES_FEW
    }

    /// The rows to read: those of the moment when the table was looked up. A writer keeps the files of a view as long as it lives; an engine
    /// that only reads cannot, so that it takes the newest files there are. The table has every column still that it had.
    fn view_to_read(&self) -> Result<ReadView> {
        let TableMoment { engine, view, .. } = &*self.table;
        if !engine.is_read_only() {
            return Ok(view.clone());
        }
        let table = &view.table;
        let view = engine.read_view(table.id).map_err(|e| DataFusionError::External(Box::new(e)))?;
        view.ok_or_else(|| {
            DataFusionError::Plan(format!("measurement {:?} was dropped while it was read", table.name))
        })
    }

    /// What may hold matching rows.
    async fn sources(&self, view: &ReadView, filter: &ScanFilter) -> Result<Vec<Source>> {
        let numbered = view.chunks.iter().enumerate();
        let chunks = numbered.filter(|(_, chunk)| chunk.time_range().overlaps(&filter.times));
        let mut sources: Vec<Source> =
            chunks.map(|(number, chunk)| Source::Chunk(chunk.clone(), number)).collect();
        let mut files = Vec::new();
        for file in view.files.iter() {
            let is_deleted = view.tombstones.iter().any(|tombstone| tombstone.covers(file));
            if !is_deleted && filter.may_match(file)? {
                files.push(file.clone());
            }
        }
        let open = |file| async {
            let external = |e| DataFusionError::External(Box::new(e));
            let file = self.table.engine.open_file(file).await.map_err(external)?;
            let row_groups = filter.row_groups(&file).await.map_err(external)?;
            FileSource::new(file, row_groups, filter)
        };
        let opened = futures::stream::iter(files.into_iter().map(open))
            .buffered(OPENINGS_MAX)
            .try_collect::<Vec<_>>()
            .await?;
        for source in opened {
            if !source.row_groups.is_empty() {
                sources.push(Source::File(source));
            }
        }
        Ok(sources)
    }
}

#[async_trait]
impl TableProvider for TableSource {
    fn schema(&self) -> SchemaRef {
        self.table.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let support = |filter: &&Expr| match classify(filter, &self.table.columns) {
            FilterKind::Time(_) | FilterKind::Series | FilterKind::Row => TableProviderFilterPushDown::Exact,
            FilterKind::Other => TableProviderFilterPushDown::Unsupported,
        };
        Ok(filters.iter().map(support).collect())
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let columns = match projection {
            Some(wanted) => wanted.iter().map(|i| self.table.columns[*i].clone()).collect(),
            None => self.table.columns.clone(),
        };
        let mut filter = ScanFilter::new(filters, &self.table.columns, session)?;
        let view = self.view_to_read()?;
        if let Some(before_ns) = view.expired_before_ns {
            filter.times = filter.times.intersect(&TimeRange::new(before_ns, TimeRange::ALL.end_ns));
        }
        let sources = self.sources(&view, &filter).await?;
        let partitions_max = session.config_options().execution.target_partitions;
        let read = ScanSummary::of_sources(&view, &sources, &filter);
        let (tombstones, counters) = (view.tombstones.clone(), ScanCounters::default());
        let of_filter = filter.rows.as_ref().map_or(&[][..], Predicate::columns);
        let projection = Projection::new(&columns, fields_of(of_filter));
        let of_rows = filter.rows.clone().map(|rows| RowFilter::new(rows, &projection.fields)).transpose()?;
        let run_rows = self.run_rows.clone();
        let run_rows = run_rows.map(|rows| RunSieve::new(rows, &projection.fields)).transpose()?;
        let settled = run_rows.as_ref().and_then(Settled::of);
        let units = partitions(sources, &filter, settled.as_ref().map(Settled::end), partitions_max);
        let settled = settled.filter(|_| units.iter().map(Vec::len).sum::<usize>() > 1).map(Arc::new);
        let units_ahead = if self.table.engine.has_local_files() { 1 } else { UNITS_AHEAD_REMOTE };
        let plan =
            ScanPlan { projection, filter, of_rows, run_rows, settled, tombstones, counters, units_ahead };
        let source = SeriesSource::new(&view.table, plan, units, read);
        Ok(DataSourceExec::from_data_source(source))
    }
}
