//! What drivers ask about the server itself (`CommandGetSqlInfo`) and its types (`CommandGetXdbcTypeInfo`).

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow_flight::error::Result;
use arrow_flight::sql::metadata::{SqlInfoData, SqlInfoDataBuilder, XdbcTypeInfo, XdbcTypeInfoDataBuilder};
use arrow_flight::sql::{
    CommandGetSqlInfo, CommandGetXdbcTypeInfo, Nullable, Searchable, SqlInfo, SqlNullOrdering,
    SqlSupportedCaseSensitivity, SqlSupportedTransaction, XdbcDataType, XdbcDatetimeSubcode,
};
use std::sync::Arc;

/// The answers to the questions of `wanted`; all when it asks none.
pub(super) fn sql_info(wanted: CommandGetSqlInfo) -> Result<RecordBatch> {
    wanted.into_builder(&facts()?).build()
}

/// The schema of [`sql_info`]'s rows.
pub(super) fn sql_info_schema() -> SchemaRef {
    Arc::new(SqlInfoDataBuilder::schema().clone())
}

fn facts() -> Result<SqlInfoData> {
    let mut facts = SqlInfoDataBuilder::new();
    facts.append(SqlInfo::FlightSqlServerName, "Tidegauge");
    facts.append(SqlInfo::FlightSqlServerVersion, env!("CARGO_PKG_VERSION"));
    // The version of Arrow's format, not of a library.
    facts.append(SqlInfo::FlightSqlServerArrowVersion, "1.5");
    facts.append(SqlInfo::FlightSqlServerReadOnly, true);
    facts.append(SqlInfo::FlightSqlServerSql, true);
    facts.append(SqlInfo::FlightSqlServerSubstrait, false);
    facts.append(SqlInfo::FlightSqlServerTransaction, SqlSupportedTransaction::None as i32);
    facts.append(SqlInfo::FlightSqlServerCancel, false);
    facts.append(SqlInfo::FlightSqlServerBulkIngestion, false);
    facts.append(SqlInfo::FlightSqlServerStatementTimeout, 0_i32);
    facts.append(SqlInfo::FlightSqlServerTransactionTimeout, 0_i32);
    facts.append(SqlInfo::SqlDdlCatalog, false);
    facts.append(SqlInfo::SqlDdlSchema, false);
    facts.append(SqlInfo::SqlDdlTable, false);
    let case = SqlSupportedCaseSensitivity::SqlCaseSensitivityLowercase as i32;
    facts.append(SqlInfo::SqlIdentifierCase, case);
    facts.append(SqlInfo::SqlIdentifierQuoteChar, "\"");
    let case = SqlSupportedCaseSensitivity::SqlCaseSensitivityCaseInsensitive as i32;
    facts.append(SqlInfo::SqlQuotedIdentifierCase, case);
    facts.append(SqlInfo::SqlAllTablesAreSelectable, true);
    facts.append(SqlInfo::SqlNullOrdering, SqlNullOrdering::SqlNullsSortedHigh as i32);
    facts.append(SqlInfo::SqlKeywords, &[][..]);
    facts.append(SqlInfo::SqlNumericFunctions, &["abs", "ceil", "floor", "ln", "power", "round", "sqrt"][..]);
    facts.append(
        SqlInfo::SqlStringFunctions,
        &["concat", "length", "lower", "replace", "substr", "upper"][..],
    );
    facts.append(SqlInfo::SqlSystemFunctions, &["arrow_typeof", "coalesce", "nullif"][..]);
    facts.append(SqlInfo::SqlDatetimeFunctions, &["date_bin", "date_part", "date_trunc", "now"][..]);
    facts.append(SqlInfo::SqlSearchStringEscape, "\\");
    facts.append(SqlInfo::SqlExtraNameCharacters, "");
    facts.append(SqlInfo::SqlSupportsColumnAliasing, true);
    facts.append(SqlInfo::SqlNullPlusNullIsNull, true);
    facts.append(SqlInfo::SqlSupportsTableCorrelationNames, true);
    facts.append(SqlInfo::SqlSupportsDifferentTableCorrelationNames, false);
    facts.append(SqlInfo::SqlSupportsExpressionsInOrderBy, true);
    facts.append(SqlInfo::SqlSupportsOrderByUnrelated, true);
    facts.append(SqlInfo::SqlSupportsLikeEscapeClause, true);
    facts.append(SqlInfo::SqlSupportsNonNullableColumns, true);
    facts.append(SqlInfo::SqlSchemaTerm, "schema");
    facts.append(SqlInfo::SqlCatalogTerm, "catalog");
    facts.append(SqlInfo::SqlCatalogAtStart, true);
    facts.append(SqlInfo::SqlSelectForUpdateSupported, false);
    facts.append(SqlInfo::SqlStoredProceduresSupported, false);
    facts.append(SqlInfo::SqlCorrelatedSubqueriesSupported, true);
    facts.append(SqlInfo::SqlTransactionsSupported, false);
    facts.append(SqlInfo::SqlBatchUpdatesSupported, false);
    facts.append(SqlInfo::SqlSavepointsSupported, false);
    facts.append(SqlInfo::SqlNamedParametersSupported, true);
    facts.build()
}

/// The types of columns; the one of `wanted`, if it names one.
pub(super) fn types(wanted: CommandGetXdbcTypeInfo) -> Result<RecordBatch> {
    let quoted = || Some("'".to_owned());
    let mut types = XdbcTypeInfoDataBuilder::new();
    types.append(XdbcTypeInfo {
        literal_prefix: quoted(),
        literal_suffix: quoted(),
        case_sensitive: true,
        ..column_type("VARCHAR", XdbcDataType::XdbcVarchar, None)
    });
    for (name, is_unsigned) in [("BIGINT", false), ("BIGINT UNSIGNED", true)] {
        types.append(XdbcTypeInfo {
            unsigned_attribute: Some(is_unsigned),
            num_prec_radix: Some(10),
            ..column_type(name, XdbcDataType::XdbcBigint, Some(if is_unsigned { 20 } else { 19 }))
        });
    }
    types.append(XdbcTypeInfo {
        unsigned_attribute: Some(false),
        num_prec_radix: Some(2),
        ..column_type("DOUBLE", XdbcDataType::XdbcDouble, Some(53))
    });
    types.append(column_type("BOOLEAN", XdbcDataType::XdbcBit, Some(1)));
    types.append(XdbcTypeInfo {
        literal_prefix: quoted(),
        literal_suffix: quoted(),
        datetime_subcode: Some(XdbcDatetimeSubcode::XdbcSubcodeTimestamp),
        // 2013-01-01T00:00:00.000000000
        ..column_type("TIMESTAMP", XdbcDataType::XdbcTimestamp, Some(29))
    });
    wanted.into_builder(&types.build()?).build()
}

fn column_type(name: &str, data_type: XdbcDataType, size: Option<i32>) -> XdbcTypeInfo {
    XdbcTypeInfo {
        type_name: name.to_owned(),
        data_type,
        sql_data_type: data_type,
        column_size: size,
        nullable: Nullable::NullabilityNullable,
        searchable: Searchable::Full,
        ..XdbcTypeInfo::default()
    }
}
