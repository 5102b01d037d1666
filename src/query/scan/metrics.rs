//! What a scan has to read, known when it is planned, and what it did read, counted while it runs.

use super::filter::ScanFilter;
use super::layout::{FileSource, PARTITION_ROWS_MIN, Source};
use super::source::SeriesSource;
use crate::engine::ReadView;
use crate::parquet_file::ParquetFile;
use datafusion::datasource::source::DataSourceExec;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::metrics::{Count, ExecutionPlanMetricsSet, Metric, MetricValue};
use std::borrow::Cow;
use std::sync::Arc;

/// What the scans of a plan have to read. The manifest has excluded the rest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScanSummary {
    /// Data files that the table has.
    pub files_known: usize,
    /// Data files that may hold matching rows.
    pub files: usize,
    /// Their size in bytes.
    pub file_bytes: u64,
    /// Those of their row groups that may hold matching rows.
    pub row_groups: usize,
    /// Parts of the buffer that the table has.
    pub chunks_known: usize,
    /// Parts of the buffer that may hold matching rows.
    pub chunks: usize,
    /// Rows of these row groups and chunks.
    pub rows: usize,
    /// About how many of them match.
    pub rows_expected: usize,
}

impl ScanSummary {
    pub(super) fn of_sources(view: &ReadView, sources: &[Source], filter: &ScanFilter) -> Self {
        let known =
            Self { files_known: view.files.len(), chunks_known: view.chunks.len(), ..Self::default() };
        sources.iter().fold(known, |all, source| {
            let all = Self {
                rows: all.rows.saturating_add(source.row_count()),
                rows_expected: all.rows_expected.saturating_add(source.rows_expected(filter)),
                ..all
            };
            match source {
                Source::Chunk(..) => Self { chunks: all.chunks + 1, ..all },
                Source::File(FileSource { file, row_groups, .. }) => Self {
                    files: all.files + 1,
                    file_bytes: all.file_bytes + file.meta().size_bytes,
                    row_groups: all.row_groups + row_groups.len(),
                    ..all
                },
            }
        })
    }

    /// The sum over all scans of a plan.
    #[must_use]
    pub fn of_plan(plan: &Arc<dyn ExecutionPlan>) -> Self {
        let own = plan
            .downcast_ref::<DataSourceExec>()
            .and_then(|exec| exec.data_source().downcast_ref::<SeriesSource>())
            .map_or_else(Self::default, |source| source.summary);
        plan.children().into_iter().map(Self::of_plan).fold(own, Self::plus)
    }

    /// Whether so few rows are expected that they would not be split over partitions, however many threads there are.
    #[must_use]
    pub fn expects_little(&self) -> bool {
        self.rows_expected < 2 * PARTITION_ROWS_MIN
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            files_known: self.files_known + other.files_known,
            files: self.files + other.files,
            file_bytes: self.file_bytes + other.file_bytes,
            row_groups: self.row_groups + other.row_groups,
            chunks_known: self.chunks_known + other.chunks_known,
            chunks: self.chunks + other.chunks,
            rows: self.rows.saturating_add(other.rows),
            rows_expected: self.rows_expected.saturating_add(other.rows_expected),
        }
    }
}

/// What the units of a scan did.
#[derive(Clone, Debug, Default)]
pub(super) struct ScanCounters {
    row_groups_read: Count,
    row_groups_skipped: Count,
    rows_selected: Count,
    bytes_read: Count,
}

impl ScanCounters {
    /// Shows the counts among the metrics of a plan's leaf.
    pub(super) fn register(&self, metrics: &ExecutionPlanMetricsSet) {
        for (name, count) in [
            ("row_groups_read", &self.row_groups_read),
            ("row_groups_skipped", &self.row_groups_skipped),
            ("rows_selected", &self.rows_selected),
            ("bytes_read", &self.bytes_read),
        ] {
            let value = MetricValue::Count { name: Cow::Borrowed(name), count: count.clone() };
            metrics.register(Arc::new(Metric::new(value, None)));
        }
    }

    /// A row group whose series were looked at: so many of its rows are of matching series.
    pub(super) fn row_group(&self, file: &ParquetFile, rows_selected: usize) {
        if rows_selected == 0 { &self.row_groups_skipped } else { &self.row_groups_read }.add(1);
        self.rows_selected.add(rows_selected);
        self.bytes(file);
    }

    /// What was read of a file since this was last called.
    pub(super) fn bytes(&self, file: &ParquetFile) {
        self.bytes_read.add(usize::try_from(file.take_bytes_read()).unwrap_or(usize::MAX));
    }
}
