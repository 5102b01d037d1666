//! What Flight SQL lists: catalogs, schemas, tables and keys.
//!
//! The one catalog is the database that the call names; keys do not exist, since tables have none that SQL knows.

use super::command::name;
use super::database::Database;
use super::service::Flight;
use super::{server_info, status};
use crate::query::QueryContext;
use crate::query::sql::CATALOG;
use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow_flight::error::FlightError;
use arrow_flight::sql::{Command, CommandGetDbSchemas, CommandGetTables};
use std::sync::Arc;
use tonic::Status;
use tonic::metadata::MetadataMap;

/// The types of tables, sorted.
const TABLE_TYPES: [&str; 2] = ["BASE TABLE", "VIEW"];

impl Flight {
    /// The rows that a `CommandGet…` asks for.
    pub(super) async fn listing(
        &self,
        command: Command,
        metadata: &MetadataMap,
    ) -> Result<RecordBatch, Status> {
        match command {
            Command::CommandGetSqlInfo(wanted) => server_info::sql_info(wanted).map_err(unexpected),
            Command::CommandGetXdbcTypeInfo(wanted) => server_info::types(wanted).map_err(unexpected),
            Command::CommandGetTableTypes(_) => table_types(),
            Command::CommandGetCatalogs(wanted) => {
                self.database(metadata)?;
                let mut catalogs = wanted.into_builder();
                catalogs.append(CATALOG);
                catalogs.build().map_err(unexpected)
            }
            Command::CommandGetDbSchemas(wanted) => self.schemas(wanted, metadata),
            Command::CommandGetTables(wanted) => self.tables(wanted, metadata).await,
            Command::CommandGetPrimaryKeys(_) => Ok(RecordBatch::new_empty(primary_keys())),
            Command::CommandGetExportedKeys(_)
            | Command::CommandGetImportedKeys(_)
            | Command::CommandGetCrossReference(_) => Ok(RecordBatch::new_empty(foreign_keys())),
            other => Err(status::not_supported(name(&other))),
        }
    }

    /// The schema of [`Flight::listing`]'s rows.
    pub(super) fn listing_schema(&self, command: &Command) -> Result<SchemaRef, Status> {
        Ok(match command {
            Command::CommandGetSqlInfo(_) => server_info::sql_info_schema(),
            Command::CommandGetXdbcTypeInfo(wanted) => {
                server_info::types(*wanted).map_err(unexpected)?.schema()
            }
            Command::CommandGetTableTypes(_) => table_types()?.schema(),
            Command::CommandGetCatalogs(wanted) => wanted.into_builder().schema(),
            Command::CommandGetDbSchemas(wanted) => wanted.clone().into_builder().schema(),
            Command::CommandGetTables(wanted) => wanted.clone().into_builder().schema(),
            Command::CommandGetPrimaryKeys(_) => primary_keys(),
            Command::CommandGetExportedKeys(_)
            | Command::CommandGetImportedKeys(_)
            | Command::CommandGetCrossReference(_) => foreign_keys(),
            other => return Err(status::not_supported(name(other))),
        })
    }

    fn schemas(&self, wanted: CommandGetDbSchemas, metadata: &MetadataMap) -> Result<RecordBatch, Status> {
        let context = self.listing_context(metadata)?;
        let mut schemas = wanted.into_builder();
        for schema in self.state.query.sql_schema_names(&context).map_err(status::of_query)? {
            schemas.append(CATALOG, schema);
        }
        schemas.build().map_err(unexpected)
    }

    async fn tables(&self, wanted: CommandGetTables, metadata: &MetadataMap) -> Result<RecordBatch, Status> {
        let context = self.listing_context(metadata)?;
        let mut tables = wanted.into_builder();
        for table in self.state.query.sql_tables(&context).await.map_err(status::of_query)? {
            let kind = TABLE_TYPES[usize::from(table.is_view)];
            tables
                .append(CATALOG, table.schema_name, table.name, kind, &table.columns)
                .map_err(unexpected)?;
        }
        tables.build().map_err(unexpected)
    }

    fn database(&self, metadata: &MetadataMap) -> Result<Database, Status> {
        Database::of_metadata(metadata, &self.state.engine.state()).map_err(|e| status::of_database(&e))
    }

    fn listing_context(&self, metadata: &MetadataMap) -> Result<QueryContext, Status> {
        let Database { name, policy } = self.database(metadata)?;
        Ok(QueryContext { database: Some(name), policy, ..QueryContext::default() })
    }
}

/// Rows of the server's own could not be made.
fn unexpected(error: FlightError) -> Status {
    match error {
        FlightError::Arrow(error) => status::of_arrow(&error),
        other => other.into(),
    }
}

fn table_types() -> Result<RecordBatch, Status> {
    let schema = Arc::new(Schema::new(vec![Field::new("table_type", DataType::Utf8, false)]));
    let types: ArrayRef = Arc::new(StringArray::from(TABLE_TYPES.to_vec()));
    RecordBatch::try_new(schema, vec![types]).map_err(|e| status::of_arrow(&e))
}

/// The schema of primary keys, as Flight SQL defines it.
fn primary_keys() -> SchemaRef {
    Arc::new(Schema::new(vec![
        text("catalog_name", true),
        text("db_schema_name", true),
        text("table_name", false),
        text("column_name", false),
        Field::new("key_sequence", DataType::Int32, false),
        text("key_name", true),
    ]))
}

/// The schema of foreign keys, as Flight SQL defines it.
fn foreign_keys() -> SchemaRef {
    Arc::new(Schema::new(vec![
        text("pk_catalog_name", true),
        text("pk_db_schema_name", true),
        text("pk_table_name", false),
        text("pk_column_name", false),
        text("fk_catalog_name", true),
        text("fk_db_schema_name", true),
        text("fk_table_name", false),
        text("fk_column_name", false),
        Field::new("key_sequence", DataType::Int32, false),
        text("fk_key_name", true),
        text("pk_key_name", true),
        Field::new("update_rule", DataType::UInt8, false),
        Field::new("delete_rule", DataType::UInt8, false),
    ]))
}

fn text(name: &str, is_nullable: bool) -> Field {
    Field::new(name, DataType::Utf8, is_nullable)
}
