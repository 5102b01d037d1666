//! SQL over the measurements of one database.
//!
//! Each measurement is a table with the columns `time`, tags and fields. The tables of the default retention policy
//! stand in the schema `iox`, which is the default one; the tables of every policy also stand in a schema of the
//! policy's name. `information_schema` describes them. Only queries are allowed.

use super::error::QueryError;
use super::scan::{SeriesColumn, TableSource};
use super::session::QueryEngine;
use super::{Batches, QueryContext};
use crate::engine::Engine;
use crate::model::ids::PolicyId;
use crate::model::state::State;
use arrow::array::RecordBatch;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use async_trait::async_trait;
use datafusion::catalog::{
    CatalogProvider, CatalogProviderList, MemoryCatalogProviderList, SchemaProvider, TableProvider,
};
use datafusion::error::DataFusionError;
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::context::{SQLOptions, SessionContext};
use datafusion::logical_expr::LogicalPlan;
use futures::StreamExt;
use std::fmt;
use std::sync::Arc;

/// The schema of the default retention policy's tables, as InfluxDB 3 calls it.
pub const DEFAULT_SCHEMA: &str = "iox";

/// The catalog of every database's tables, as InfluxDB 3 calls it.
pub const CATALOG: &str = "public";

/// The rows of a SQL query.
pub struct SqlResult {
    /// The schema of all batches. Strings are `Utf8`.
    pub schema: SchemaRef,
    /// The rows.
    pub batches: Batches,
}

impl QueryEngine {
    /// Plans and starts a SQL query in the database of `context`.
    ///
    /// # Errors
    /// When the text is no query, or names what is not there.
    pub async fn sql(&self, text: &str, context: &QueryContext) -> Result<SqlResult, QueryError> {
        let plan = self.sql_plan(text, context).await?;
        let schema = plain_schema(plan.schema().as_arrow());
        let batches = self.run(vec![plan], context);
        let target = schema.clone();
        let batches = batches
            .map(move |batch| plain_batch(&batch?, &target).map_err(|e| QueryError::Internal(e.into())));
        Ok(SqlResult { schema, batches: batches.boxed() })
    }

    /// The schema that [`QueryEngine::sql`] would give.
    ///
    /// # Errors
    /// As there.
    pub async fn sql_schema(&self, text: &str, context: &QueryContext) -> Result<SchemaRef, QueryError> {
        let plan = self.sql_plan(text, context).await?;
        Ok(plain_schema(plan.schema().as_arrow()))
    }

    async fn sql_plan(&self, text: &str, context: &QueryContext) -> Result<LogicalPlan, QueryError> {
        let state = self.engine().state();
        let name = context.database.as_deref().unwrap_or_default();
        if name.is_empty() {
            return Err(QueryError::Query("database name required".to_owned()));
        }
        let found = state.database(name).cloned();
        let database = found.ok_or_else(|| QueryError::Query(format!("database not found: {name}")))?;
        let tables = DatabaseTables { engine: self.engine().clone(), database: database.id, state };
        let (session, text) = (self.session().clone(), text.to_owned());
        let planning = self.runtime().spawn(async move {
            let list = MemoryCatalogProviderList::new();
            list.register_catalog(CATALOG.to_owned(), Arc::new(tables));
            let state =
                SessionStateBuilder::new_from_existing(session).with_catalog_list(Arc::new(list)).build();
            let session = SessionContext::new_with_state(state);
            let plan = session.state().create_logical_plan(&text).await?;
            let queries_only =
                SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
            queries_only.verify_plan(&plan)?;
            session.state().optimize(&plan)
        });
        planning.await.map_err(|panic| QueryError::panicked(&panic))?.map_err(QueryError::of_sql)
    }
}

/// The tables of one database.
struct DatabaseTables {
    engine: Arc<Engine>,
    database: crate::model::ids::DatabaseId,
    state: Arc<State>,
}

impl fmt::Debug for DatabaseTables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseTables({})", self.database)
    }
}

impl CatalogProvider for DatabaseTables {
    fn schema_names(&self) -> Vec<String> {
        let policies = self.state.policies_of(self.database).into_iter().map(|p| p.name.to_string());
        std::iter::once(DEFAULT_SCHEMA.to_owned()).chain(policies.filter(|p| p != DEFAULT_SCHEMA)).collect()
    }

    fn schema(&self, name: &str) -> Option<Arc<dyn SchemaProvider>> {
        let policy = match name {
            DEFAULT_SCHEMA => self.state.default_policy(self.database),
            name => self.state.policy(self.database, name),
        };
        let (engine, state) = (self.engine.clone(), self.state.clone());
        Some(Arc::new(PolicyTables { engine, policy: policy?.id, state }))
    }
}

/// The tables of one retention policy.
struct PolicyTables {
    engine: Arc<Engine>,
    policy: PolicyId,
    state: Arc<State>,
}

impl fmt::Debug for PolicyTables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PolicyTables({})", self.policy)
    }
}

#[async_trait]
impl SchemaProvider for PolicyTables {
    fn table_names(&self) -> Vec<String> {
        self.state.tables_of(self.policy).map(|t| t.name.to_string()).collect()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>, DataFusionError> {
        let Some(table) = self.state.table(self.policy, name) else { return Ok(None) };
        let view = self.engine.read_view(table.id).map_err(|e| DataFusionError::External(Box::new(e)))?;
        Ok(view.map(|view| {
            Arc::new(TableSource::new(self.engine.clone(), view, SeriesColumn::Hidden))
                as Arc<dyn TableProvider>
        }))
    }

    fn table_exist(&self, name: &str) -> bool {
        self.state.table(self.policy, name).is_some()
    }
}

/// The schema with strings and bytes in the types that every client knows.
fn plain_schema(schema: &Schema) -> SchemaRef {
    let plain = |field: &Arc<Field>| match plain_type(field.data_type()) {
        None => field.clone(),
        Some(data_type) => Arc::new(field.as_ref().clone().with_data_type(data_type)),
    };
    Arc::new(Schema::new(schema.fields().iter().map(plain).collect::<Vec<_>>()))
}

fn plain_type(data_type: &DataType) -> Option<DataType> {
    match data_type {
        DataType::Utf8View | DataType::LargeUtf8 => Some(DataType::Utf8),
        DataType::Dictionary(_, value) if value.is_string() => Some(DataType::Utf8),
        DataType::BinaryView | DataType::LargeBinary => Some(DataType::Binary),
        _ => None,
    }
}

/// The batch in the types of `schema`.
fn plain_batch(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let columns = batch.columns().iter().zip(schema.fields());
    let columns = columns.map(|(column, field)| {
        if column.data_type() == field.data_type() {
            Ok(column.clone())
        } else {
            cast(column, field.data_type())
        }
    });
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(schema.clone(), columns.collect::<Result<_, _>>()?, &options)
}
