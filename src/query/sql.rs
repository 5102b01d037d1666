//! SQL over the measurements of one database.
//!
//! Each measurement is a table with the columns `time`, tags and fields. The tables of the context's retention policy,
//! without one of the default policy, stand in the schema `iox`, which is the default one; the tables of every policy
//! also stand in a schema of the policy's name. `information_schema` describes them, each once. Only queries are allowed.
//!
//! Values may stand outside the text: as `$1`, `?` or `$name`.

use super::error::QueryError;
use super::run::Language;
use super::scan::{SeriesColumn, TableSource};
use super::session::QueryEngine;
use super::{Batches, QueryContext};
use crate::engine::Engine;
use crate::model::ids::{DatabaseId, PolicyId};
use crate::model::state::State;
use arrow::array::RecordBatch;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use async_trait::async_trait;
use datafusion::catalog::information_schema::{INFORMATION_SCHEMA, InformationSchemaProvider};
use datafusion::catalog::{
    CatalogProvider, CatalogProviderList, MemoryCatalogProviderList, SchemaProvider, TableProvider,
};
use datafusion::error::DataFusionError;
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::context::{SQLOptions, SessionContext};
use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};
use futures::StreamExt;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// The schema of the default retention policy's tables, as InfluxDB 3 calls it.
pub const DEFAULT_SCHEMA: &str = "iox";

/// The catalog of every database's tables, as InfluxDB 3 calls it.
pub const CATALOG: &str = "public";

/// The values of a query's placeholders: by position for `$1` and `?`, or by name for `$name`.
pub type SqlParameters = datafusion::common::ParamValues;

/// The rows of a SQL query.
pub struct SqlResult {
    /// The schema of all batches. Strings are `Utf8`.
    pub schema: SchemaRef,
    /// The rows.
    pub batches: Batches,
}

/// What is known of a SQL query before it runs.
#[derive(Clone, Debug)]
pub struct SqlDescription {
    /// The schema of the rows, as [`SqlResult`] will have it.
    pub schema: SchemaRef,
    /// The values that the text leaves open, in order: name without `$`, and type, `Null` where any will do.
    pub parameters: SchemaRef,
}

/// A table or view that SQL sees.
#[derive(Clone, Debug)]
pub struct SqlTable {
    /// The schema that it stands in.
    pub schema_name: String,
    /// Its name.
    pub name: String,
    /// Whether it is made by the server, not by writes.
    pub is_view: bool,
    /// Its columns, as `SELECT *` gives them.
    pub columns: SchemaRef,
}

impl QueryEngine {
    /// Plans and starts a SQL query in the database of `context`.
    ///
    /// # Errors
    /// When the text is no query, or names what is not there.
    pub async fn sql(&self, text: &str, context: &QueryContext) -> Result<SqlResult, QueryError> {
        self.sql_with(text, None, context).await
    }

    /// [`QueryEngine::sql`] with the values that the text leaves open.
    ///
    /// # Errors
    /// As there, and when a value is missing.
    pub async fn sql_with(
        &self,
        text: &str,
        parameters: Option<SqlParameters>,
        context: &QueryContext,
    ) -> Result<SqlResult, QueryError> {
        let query = self.running_query(context, || text.to_owned())?;
        let plan = tokio::select! {
            biased;
            error = query.interrupted() => return Err(error),
            plan = self.sql_plan(text, parameters, context) => plan?,
        };
        let schema = plain_schema(plan.schema().as_arrow());
        let batches = self.run(vec![plan], Language::Sql, query);
        let target = schema.clone();
        let batches = batches.map(move |batch| {
            let batch = batch.map_err(QueryError::blaming_sql)?;
            plain_batch(&batch, &target).map_err(|e| QueryError::Internal(e.into()))
        });
        Ok(SqlResult { schema, batches: batches.boxed() })
    }

    /// What [`QueryEngine::sql_with`] would give, and which values it would need.
    ///
    /// # Errors
    /// As there, but a value may be missing.
    pub async fn sql_description(
        &self,
        text: &str,
        parameters: Option<SqlParameters>,
        context: &QueryContext,
    ) -> Result<SqlDescription, QueryError> {
        let plan = self.sql_plan(text, parameters, context).await?;
        let open = plan.get_parameter_types().map_err(QueryError::of_sql)?;
        let mut open: Vec<(&str, Option<DataType>)> =
            open.iter().map(|(id, data_type)| (id.trim_start_matches('$'), data_type.clone())).collect();
        open.sort_by_key(|(name, _)| (name.parse::<usize>().unwrap_or(usize::MAX), *name));
        let field = |(name, data_type): (&str, Option<DataType>)| {
            Field::new(name, data_type.map_or(DataType::Null, |t| plain_type(&t).unwrap_or(t)), true)
        };
        let parameters = Schema::new(open.into_iter().map(field).collect::<Vec<_>>());
        Ok(SqlDescription {
            schema: plain_schema(plan.schema().as_arrow()),
            parameters: Arc::new(parameters),
        })
    }

    /// All tables and views of the database of `context`.
    ///
    /// # Errors
    /// When there is no such database.
    pub async fn sql_tables(&self, context: &QueryContext) -> Result<Vec<SqlTable>, QueryError> {
        let tables: Arc<dyn CatalogProvider> = Arc::new(self.database_tables(context)?);
        let catalogs = Arc::new(MemoryCatalogProviderList::new());
        catalogs.register_catalog(CATALOG.to_owned(), tables.clone());
        let views: Arc<dyn SchemaProvider> = Arc::new(InformationSchemaProvider::new(catalogs));
        let schemas =
            tables.schema_names().into_iter().filter_map(|name| Some((tables.schema(&name)?, name)));
        let schemas = schemas.chain([(views, INFORMATION_SCHEMA.to_owned())]);
        let mut found = Vec::new();
        for (schema, schema_name) in schemas {
            for name in schema.table_names() {
                // A table may be dropped meanwhile.
                let Some(table) = schema.table(&name).await? else { continue };
                found.push(SqlTable {
                    schema_name: schema_name.clone(),
                    name,
                    is_view: schema_name == INFORMATION_SCHEMA,
                    columns: plain_schema(&table.schema()),
                });
            }
        }
        Ok(found)
    }

    /// The names of the schemas of the database of `context`.
    ///
    /// # Errors
    /// When there is no such database.
    pub fn sql_schema_names(&self, context: &QueryContext) -> Result<Vec<String>, QueryError> {
        let mut names = self.database_tables(context)?.schema_names();
        names.push(INFORMATION_SCHEMA.to_owned());
        Ok(names)
    }

    async fn sql_plan(
        &self,
        text: &str,
        parameters: Option<SqlParameters>,
        context: &QueryContext,
    ) -> Result<LogicalPlan, QueryError> {
        if text.trim().is_empty() {
            return Err(QueryError::Query("the query is empty".to_owned()));
        }
        let tables = self.database_tables(context)?;
        let (session, text) = (self.session().clone(), numbered_placeholders(text).into_owned());
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
            let plan = match parameters {
                Some(parameters) => plan.with_param_values(parameters)?,
                None => plan,
            };
            session.state().optimize(&plan)
        });
        planning.await.map_err(|panic| QueryError::panicked(&panic))?.map_err(QueryError::of_sql)
    }

    /// The catalog of the database of `context` at this moment.
    fn database_tables(&self, context: &QueryContext) -> Result<DatabaseTables, QueryError> {
        let state = self.engine().state();
        let name = context.database.as_deref().unwrap_or_default();
        if name.is_empty() {
            return Err(QueryError::Query("database name required".to_owned()));
        }
        let found = state.database(name).map(|database| database.id);
        let database = found.ok_or_else(|| QueryError::Query(format!("database not found: {name}")))?;
        let policy = match context.policy.as_deref() {
            None => None,
            Some(name) => {
                let policy = state.policy(database, name).map(|policy| policy.id);
                let missing = || QueryError::Query(format!("retention policy not found: {name}"));
                Some(policy.ok_or_else(missing)?)
            }
        };
        Ok(DatabaseTables { engine: self.engine().clone(), database, policy, state })
    }
}

impl QueryError {
    /// The same error; what a query's own data and expressions bring about while it runs is its author's fault.
    fn blaming_sql(self) -> Self {
        let Self::Internal(error) = self else { return self };
        match error.find_root() {
            DataFusionError::Execution(_) => Self::Query(error.strip_backtrace()),
            DataFusionError::ArrowError(cause, _) if is_of_values(cause) => {
                Self::Query(error.strip_backtrace())
            }
            _ => Self::of_sql(error),
        }
    }
}

fn is_of_values(error: &ArrowError) -> bool {
    matches!(
        error,
        ArrowError::DivideByZero
            | ArrowError::ArithmeticOverflow(_)
            | ArrowError::CastError(_)
            | ArrowError::ParseError(_)
            | ArrowError::ComputeError(_)
            | ArrowError::InvalidArgumentError(_)
    )
}

/// The text with `$1`, `$2` … in place of its `?`s, which DataFusion does not count.
fn numbered_placeholders(text: &str) -> Cow<'_, str> {
    if !text.contains('?') {
        return text.into();
    }
    // A text that has no tokens has no plan either; planning says why.
    let Ok(mut tokens) = Tokenizer::new(&GenericDialect {}, text).with_unescape(false).tokenize() else {
        return text.into();
    };
    let open = tokens.iter_mut().filter_map(|token| match token {
        Token::Placeholder(name) if name == "?" => Some(name),
        _ => None,
    });
    let mut count = 0;
    for name in open {
        count += 1;
        *name = format!("${count}");
    }
    if count == 0 {
        return text.into();
    }
    tokens.iter().map(Token::to_string).collect::<String>().into()
}

/// The tables of one database.
struct DatabaseTables {
    engine: Arc<Engine>,
    database: DatabaseId,
    /// The policy that the default schema shows; the database's default policy without one.
    policy: Option<PolicyId>,
    state: Arc<State>,
}

impl fmt::Debug for DatabaseTables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseTables({})", self.database)
    }
}

impl CatalogProvider for DatabaseTables {
    fn schema_names(&self) -> Vec<String> {
        // The policy behind the default schema is not listed a second time, or tools would show its tables twice.
        let shown = self.policy.or_else(|| self.state.default_policy(self.database).map(|p| p.id));
        let others = self.state.policies_of(self.database).into_iter();
        let others = others.filter(|p| Some(p.id) != shown && *p.name != *DEFAULT_SCHEMA);
        std::iter::once(DEFAULT_SCHEMA.to_owned()).chain(others.map(|p| p.name.to_string())).collect()
    }

    fn schema(&self, name: &str) -> Option<Arc<dyn SchemaProvider>> {
        let policy = match (name, self.policy) {
            (DEFAULT_SCHEMA, Some(policy)) => policy,
            (DEFAULT_SCHEMA, None) => self.state.default_policy(self.database)?.id,
            (name, _) => self.state.policy(self.database, name)?.id,
        };
        let (engine, state) = (self.engine.clone(), self.state.clone());
        Some(Arc::new(PolicyTables { engine, policy, state }))
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
pub(super) fn plain_schema(schema: &Schema) -> SchemaRef {
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
pub(super) fn plain_batch(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
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
