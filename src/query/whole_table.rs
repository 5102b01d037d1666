//! All rows of a table in a range of times, as they lie: what an export reads.
//!
//! The rows are those of one moment, merged and without what was deleted, in no certain order. They are read slice by slice of
//! time, so that only the files of one slice are open, however many the table has.
//!
//! ```text
//! files   |──a──|  |─b─|    |──────c──────|
//!                               |─d─|
//! slices  └───── a, b ─────┘└──── c, d ───┘      cut where nothing lies across, after some files
//! ```

use super::error::QueryError;
use super::run::Language;
use super::scan::{SeriesColumn, TableSource};
use super::session::QueryEngine;
use super::sql::{plain_batch, plain_schema};
use super::{Batches, QueryContext};
use crate::engine::ReadView;
use crate::model::database::TableInfo;
use crate::model::schema::TIME_COLUMN;
use crate::model::time::TimeRange;
use arrow::datatypes::SchemaRef;
use datafusion::catalog::TableProvider;
use datafusion::common::{Column, ScalarValue};
use datafusion::datasource::provider_as_source;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use futures::StreamExt;
use std::sync::Arc;

/// Files and chunks of a slice, after which it ends as soon as it can.
const SLICE_SOURCES: usize = 32;

/// The rows of a table.
pub struct TableRows {
    /// The table.
    pub table: Arc<TableInfo>,
    /// The schema of all batches: `time`, then tags and fields under their stored names. Strings are `Utf8`.
    pub schema: SchemaRef,
    /// The rows.
    pub batches: Batches,
}

impl QueryEngine {
    /// The rows of the measurement `name` of the context's database and policy with times in `times`.
    ///
    /// # Errors
    /// When there is no such database, policy or measurement.
    pub fn whole_table(
        &self,
        name: &str,
        times: TimeRange,
        context: &QueryContext,
    ) -> Result<TableRows, QueryError> {
        let table = self.table_of(name, context)?;
        let gone = || QueryError::Query(format!("measurement not found: {name}"));
        let view = self.engine().read_view(table.id).map_err(QueryError::storage)?.ok_or_else(gone)?;
        let slices = slices(sources_of(&view), times);
        let table = view.table.clone();
        let source: Arc<dyn TableProvider> =
            Arc::new(TableSource::new(self.engine().clone(), view, SeriesColumn::Hidden));
        let schema = plain_schema(&source.schema());
        let plans = slices.into_iter().map(|slice| scan(&source, slice)).collect::<Result<Vec<_>, _>>()?;
        let query = self.running_query(context, || format!("export of {name}"))?;
        let target = schema.clone();
        let batches = self.run(plans, Language::Influxql, query).map(move |batch| {
            plain_batch(&batch?, &target).map_err(|error| QueryError::Internal(error.into()))
        });
        Ok(TableRows { table, schema, batches: batches.boxed() })
    }

    fn table_of(&self, name: &str, context: &QueryContext) -> Result<Arc<TableInfo>, QueryError> {
        let state = self.engine().state();
        let not_found = |kind: &str, name: &str| QueryError::Query(format!("{kind} not found: {name}"));
        let database = context.database.as_deref().unwrap_or_default();
        let id = state.database(database).ok_or_else(|| not_found("database", database))?.id;
        let policy = match context.policy.as_deref() {
            Some(policy) => state.policy(id, policy).ok_or_else(|| not_found("retention policy", policy))?,
            None => state.default_policy(id).ok_or_else(|| not_found("retention policy", ""))?,
        };
        state.table(policy.id, name).cloned().ok_or_else(|| not_found("measurement", name))
    }
}

fn sources_of(view: &ReadView) -> Vec<TimeRange> {
    let chunks = view.chunks.iter().map(|chunk| chunk.time_range());
    chunks.chain(view.files.iter().map(|file| file.time_range)).collect()
}

/// Ranges that hold all times of `sources` within `times`, each with few sources and none of them in two, if that can be.
fn slices(sources: Vec<TimeRange>, times: TimeRange) -> Vec<TimeRange> {
    let mut sources: Vec<TimeRange> =
        sources.iter().map(|source| source.intersect(&times)).filter(|source| !source.is_empty()).collect();
    sources.sort_unstable_by_key(|source| source.start_ns);
    let mut slices: Vec<TimeRange> = Vec::new();
    let mut source_count = 0;
    for source in sources {
        match slices.last_mut() {
            Some(last) if source_count < SLICE_SOURCES || source.start_ns < last.end_ns => {
                last.end_ns = last.end_ns.max(source.end_ns);
                source_count += 1;
            }
            _ => {
                slices.push(source);
                source_count = 1;
            }
        }
    }
    slices
}

/// The plan that reads the rows of `slice`.
fn scan(source: &Arc<dyn TableProvider>, slice: TimeRange) -> Result<LogicalPlan, DataFusionError> {
    let time = || Expr::Column(Column::new_unqualified(TIME_COLUMN));
    let at = |time_ns| Expr::Literal(ScalarValue::TimestampNanosecond(Some(time_ns), None), None);
    let filters = vec![time().gt_eq(at(slice.start_ns)), time().lt(at(slice.end_ns))];
    LogicalPlanBuilder::scan_with_filters("t", provider_as_source(source.clone()), None, filters)?.build()
}

#[cfg(test)]
mod tests {
    use super::{SLICE_SOURCES, slices};
    use crate::model::time::TimeRange;

    fn check(sources: &[(i64, i64)], times: (i64, i64), expected: &[(i64, i64)]) {
        let range = |(start, end): &(i64, i64)| TimeRange::new(*start, *end);
        let found = slices(sources.iter().map(range).collect(), range(&times));
        assert_eq!(found, expected.iter().map(range).collect::<Vec<_>>());
    }

    #[test]
    fn slices_end_where_nothing_lies_across() {
        check(&[], (0, 100), &[]);
        check(&[(30, 40), (0, 10), (50, 60)], (5, 55), &[(5, 55)]);
        check(&[(0, 10)], (10, 20), &[]);
        let many = |count: usize| (0..count as i64).map(|n| (10 * n, 10 * n + 5)).collect::<Vec<_>>();
        let limit = 10 * SLICE_SOURCES as i64;
        check(&many(SLICE_SOURCES + 2), (0, 9_999), &[(0, limit - 5), (limit, limit + 15)]);
        // One file across all of them: no cut is possible.
        let mut across = many(SLICE_SOURCES + 2);
        across.push((0, 9_000));
        check(&across, (0, 9_999), &[(0, 9_000)]);
    }
}
