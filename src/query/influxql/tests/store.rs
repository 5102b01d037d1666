//! Data and catalog of a test: line protocol becomes `MemTable`s.

use crate::model::change::Change;
use crate::model::database::{DatabaseInfo, PolicyInfo, TableInfo};
use crate::model::ids::{DatabaseId, PolicyId, TableId};
use crate::model::schema::{Column, ColumnKind, SERIES_COLUMN, TIME_COLUMN, TableSchema, time_type};
use crate::model::series_key;
use crate::model::state::State;
use crate::model::value::FieldType;
use crate::query::error::QueryError;
use crate::query::tables::Tables;
use arrow::array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray, StringViewArray,
    TimestampNanosecondArray, UInt64Array,
};
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::catalog::TableProvider;
use datafusion::datasource::MemTable;
use influxdb_line_protocol::{FieldValue, parse_lines};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// What `now()` means, and the time of points that are written without one.
pub(super) const SCENARIO_NOW_NS: i64 = 1_800_000_000_000_000_000;

type Row = BTreeMap<String, FieldValueOwned>;

#[derive(Clone, Debug)]
enum FieldValueOwned {
    Float(f64),
    Integer(i64),
    Unsigned(u64),
    Text(String),
    Boolean(bool),
}

impl FieldValueOwned {
    fn field_type(&self) -> FieldType {
        match self {
            Self::Float(_) => FieldType::Float,
            Self::Integer(_) => FieldType::Integer,
            Self::Unsigned(_) => FieldType::Unsigned,
            Self::Text(_) => FieldType::String,
            Self::Boolean(_) => FieldType::Boolean,
        }
    }
}

/// Data and catalog of a test.
#[derive(Default)]
pub(super) struct Store {
    pub(super) state: State,
    rows: HashMap<TableId, BTreeMap<(String, i64), Row>>,
    providers: HashMap<TableId, Arc<dyn TableProvider>>,
}

impl Tables for Store {
    fn state(&self) -> &State {
        &self.state
    }

    fn provider(&self, table: TableId) -> Result<Arc<dyn TableProvider>, QueryError> {
        Ok(Arc::clone(&self.providers[&table]))
    }
}

impl Store {
    pub(super) fn apply(&mut self, change: Change) {
        self.state.apply(&change).expect("a test's change fits");
    }

    pub(super) fn create_database(&mut self, name: &str) {
        if self.state.database(name).is_some() {
            return;
        }
        let id = self.state.next_database_id();
        self.apply(Change::CreateDatabase(Arc::new(DatabaseInfo {
            id,
            name: name.into(),
            default_policy: "autogen".into(),
        })));
        self.create_policy(id, "autogen", 0);
    }

    pub(super) fn create_policy(&mut self, database: DatabaseId, name: &str, duration_ns: i64) -> PolicyId {
        let id = self.state.next_policy_id();
        let shard_duration_ns = PolicyInfo::default_shard_duration_ns(duration_ns);
        let info = PolicyInfo {
            id,
            database,
            name: name.into(),
            duration_ns,
            shard_duration_ns,
            replica_n: 1,
            future_limit_ns: 0,
            past_limit_ns: 0,
        };
        self.apply(Change::PutPolicy(Arc::new(info)));
        id
    }

    pub(super) fn write(&mut self, database: &str, policy: Option<&str>, precision_ns: i64, body: &str) {
        let database = Arc::clone(self.state.database(database).expect("the database exists"));
        let policy = policy.unwrap_or(&database.default_policy);
        let policy = Arc::clone(self.state.policy(database.id, policy).expect("the policy exists"));
        for line in parse_lines(body) {
            let Ok(line) = line else { continue };
            let name = line.series.measurement.to_string();
            let mut tags: Vec<(String, String)> =
                line.series.tag_set.iter().flatten().map(|(k, v)| (k.to_string(), v.to_string())).collect();
            tags.sort();
            let mut schema = match self.state.table(policy.id, &name) {
                Some(table) => table.schema.as_ref().clone(),
                None => TableSchema::default(),
            };
            let mut row = Row::new();
            for (key, value) in &line.field_set {
                row.insert(
                    key.to_string(),
                    match value {
                        FieldValue::F64(x) => FieldValueOwned::Float(*x),
                        FieldValue::I64(n) => FieldValueOwned::Integer(*n),
                        FieldValue::U64(n) => FieldValueOwned::Unsigned(*n),
                        FieldValue::String(text) => FieldValueOwned::Text(text.to_string()),
                        FieldValue::Boolean(b) => FieldValueOwned::Boolean(*b),
                    },
                );
            }
            let wanted = tags
                .iter()
                .map(|(k, _)| (k.as_str(), ColumnKind::Tag))
                .chain(row.iter().map(|(k, v)| (k.as_str(), ColumnKind::Field(v.field_type()))));
            match schema.with_columns(wanted) {
                Ok(Some(wider)) => schema = wider,
                Ok(None) => {}
                Err(_) => continue,
            }
            let id = self.state.table(policy.id, &name).map_or_else(|| self.state.next_table_id(), |t| t.id);
            self.apply(Change::PutTable(Arc::new(TableInfo {
                id,
                database: database.id,
                policy: policy.id,
                name: name.as_str().into(),
                schema: Arc::new(schema),
            })));
            let time_ns = line.timestamp.map_or(SCENARIO_NOW_NS, |t| t.saturating_mul(precision_ns));
            let key = (series_key::encode(tags), time_ns);
            self.rows.entry(id).or_default().entry(key).or_default().extend(row);
        }
        let tables: Vec<_> = self.state.tables().cloned().collect();
        self.providers = tables.iter().map(|table| (table.id, self.mem_table(table))).collect();
    }

    fn mem_table(&self, table: &TableInfo) -> Arc<dyn TableProvider> {
        let empty = BTreeMap::new();
        let rows = self.rows.get(&table.id).unwrap_or(&empty);
        let mut fields = vec![
            Field::new(SERIES_COLUMN, DataType::Utf8View, false),
            Field::new(TIME_COLUMN, time_type(), false),
        ];
        let mut arrays: Vec<ArrayRef> = vec![
            Arc::new(StringViewArray::from_iter_values(rows.keys().map(|(series, _)| series))),
            Arc::new(TimestampNanosecondArray::from_iter_values(rows.keys().map(|(_, time)| *time))),
        ];
        for column in table.schema.columns() {
            let array = column_of(column, rows);
            fields.push(Field::new(column.stored_name.as_ref(), array.data_type().clone(), true));
            arrays.push(array);
        }
        let schema = Arc::new(Schema::new(fields));
        let batch = RecordBatch::try_new(Arc::clone(&schema), arrays).expect("columns fit");
        Arc::new(MemTable::try_new(schema, vec![vec![batch]]).expect("a batch fits its schema"))
    }
}

fn column_of(column: &Column, rows: &BTreeMap<(String, i64), Row>) -> ArrayRef {
    use FieldValueOwned::{Boolean, Float, Integer, Text, Unsigned};
    let values = rows.values().map(|row| row.get(column.name.as_ref()));
    match column.kind {
        ColumnKind::Tag => {
            let values = rows.keys().map(|(series, _)| series_key::tag_value(series, &column.name));
            Arc::new(values.collect::<StringViewArray>())
        }
        ColumnKind::Field(FieldType::Float) => Arc::new(
            values.map(|v| if let Some(Float(x)) = v { Some(*x) } else { None }).collect::<Float64Array>(),
        ),
        ColumnKind::Field(FieldType::Integer) => Arc::new(
            values.map(|v| if let Some(Integer(x)) = v { Some(*x) } else { None }).collect::<Int64Array>(),
        ),
        ColumnKind::Field(FieldType::Unsigned) => Arc::new(
            values.map(|v| if let Some(Unsigned(x)) = v { Some(*x) } else { None }).collect::<UInt64Array>(),
        ),
        ColumnKind::Field(FieldType::String) => Arc::new(
            values.map(|v| if let Some(Text(x)) = v { Some(x) } else { None }).collect::<StringArray>(),
        ),
        ColumnKind::Field(FieldType::Boolean) => Arc::new(
            values.map(|v| if let Some(Boolean(x)) = v { Some(*x) } else { None }).collect::<BooleanArray>(),
        ),
    }
}
