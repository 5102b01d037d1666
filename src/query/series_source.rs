//! How SHOW statements read series: by a plan, or from the lists that scans keep.

use super::error::QueryError;
use super::scan::series_lists;
use super::session::QueryEngine;
use super::show::{SeriesSource, TagValues};
use crate::model::ids::{PolicyId, TableId};
use crate::model::shard::Shard;
use arrow::array::AsArray;
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::collect;
use futures::FutureExt;
use futures::future::BoxFuture;
use std::sync::Arc;

impl SeriesSource for QueryEngine {
    fn texts(&self, plan: LogicalPlan) -> BoxFuture<'_, Result<Vec<String>, QueryError>> {
        async move {
            let plan = self.physical_plan(&plan).await?;
            let batches = collect(plan, self.task_context()).await?;
            let mut texts = Vec::new();
            for batch in &batches {
                let column =
                    cast(batch.column(0), &DataType::Utf8).map_err(|e| QueryError::Internal(e.into()))?;
                texts.extend(column.as_string::<i32>().iter().flatten().map(str::to_owned));
            }
            Ok(texts)
        }
        .boxed()
    }

    fn shards(&self, policy: PolicyId) -> BoxFuture<'_, Result<Vec<Shard>, QueryError>> {
        async move { self.engine().shards(policy).await.map_err(QueryError::storage) }.boxed()
    }

    fn tag_values(
        &self,
        table: TableId,
        tags: Vec<Arc<str>>,
    ) -> BoxFuture<'_, Result<Option<Vec<TagValues>>, QueryError>> {
        async move {
            match self.engine().read_view(table).map_err(QueryError::storage)? {
                Some(view) => series_lists::tag_values(self.engine(), &view, &tags).await,
                None => Ok(None),
            }
        }
        .boxed()
    }

    fn series_count(&self, table: TableId) -> BoxFuture<'_, Result<Option<usize>, QueryError>> {
        async move {
            match self.engine().read_view(table).map_err(QueryError::storage)? {
                Some(view) => series_lists::series_count(self.engine(), &view).await,
                None => Ok(None),
            }
        }
        .boxed()
    }

    fn series_keys(
        &self,
        table: TableId,
        count_max: Option<usize>,
    ) -> BoxFuture<'_, Result<Option<Vec<Arc<str>>>, QueryError>> {
        async move {
            match self.engine().read_view(table).map_err(QueryError::storage)? {
                Some(view) => series_lists::series_keys(self.engine(), &view, count_max).await,
                None => Ok(None),
            }
        }
        .boxed()
    }
}
