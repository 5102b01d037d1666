//! End-to-end tests: scenarios on in-memory tables.
//!
//! A scenario is text: writes as line protocol, queries, and the answers that InfluxDB 1.6.7 gave. Here the writes
//! become `MemTable`s, and the queries are planned and run by DataFusion without an engine or a server.

use crate::model::change::Change;
use crate::model::database::{DatabaseInfo, PolicyInfo, TableInfo};
use crate::model::ids::{DatabaseId, PolicyId, TableId};
use crate::model::result::ResultShape;
use crate::model::schema::{Column, ColumnKind, SERIES_COLUMN, TIME_COLUMN, TableSchema, time_type};
use crate::model::series_key;
use crate::model::shard::Shard;
use crate::model::state::State;
use crate::model::time::DAY_NS;
use crate::model::value::FieldType;
use crate::query::command::Command;
use crate::query::error::QueryError;
use crate::query::exec::planner::InfluxExtensionPlanner;
use crate::query::influxql::source::Defaults;
use crate::query::show::SeriesSource;
use crate::query::statement::{Planned, StatementContext, plan_statement};
use crate::query::tables::Tables;
use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray,
    StringViewArray, TimestampNanosecondArray, UInt64Array,
};
use arrow::datatypes::{
    DataType, Field, Float64Type, Int64Type, Schema, TimestampNanosecondType, UInt64Type,
};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::datasource::MemTable;
use datafusion::execution::context::QueryPlanner;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_planner::{DefaultPhysicalPlanner, PhysicalPlanner};
use datafusion::prelude::{SessionConfig, SessionContext};
use futures::future::BoxFuture;
use influxdb_line_protocol::{FieldValue, parse_lines};
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::sync::Arc;

const SCENARIO_NOW_NS: i64 = 1_800_000_000_000_000_000;

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
struct Store {
    state: State,
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
    fn apply(&mut self, change: Change) {
        self.state.apply(&change).expect("a test's change fits");
    }

    fn create_database(&mut self, name: &str) {
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

    fn create_policy(&mut self, database: DatabaseId, name: &str, duration_ns: i64) -> PolicyId {
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

    fn write(&mut self, database: &str, policy: Option<&str>, precision_ns: i64, body: &str) {
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

#[derive(Debug)]
struct Planner;

#[async_trait]
impl QueryPlanner for Planner {
    async fn create_physical_plan(
        &self,
        plan: &LogicalPlan,
        session: &dyn Session,
    ) -> datafusion::error::Result<Arc<dyn ExecutionPlan>> {
        DefaultPhysicalPlanner::with_extension_planners(vec![Arc::new(InfluxExtensionPlanner)])
            .create_physical_plan(plan, session)
            .await
    }
}

struct Runner(SessionContext);

impl Runner {
    fn new() -> Self {
        // Plans are typed through and pushed down when they are made, and must do without any rule.
        let state = SessionStateBuilder::new()
            .with_config(SessionConfig::new().with_target_partitions(2))
            .with_default_features()
            .with_analyzer_rules(Vec::new())
            .with_optimizer_rules(Vec::new())
            .with_query_planner(Arc::new(Planner))
            .build();
        Self(SessionContext::new_with_state(state))
    }

    async fn run(&self, plan: LogicalPlan) -> Result<Vec<RecordBatch>, QueryError> {
        Ok(self.0.execute_logical_plan(plan).await?.collect().await?)
    }
}

impl SeriesSource for Runner {
    fn texts(&self, plan: LogicalPlan) -> BoxFuture<'_, Result<Vec<String>, QueryError>> {
        Box::pin(async {
            let batches = self.run(plan).await?;
            let texts =
                batches.iter().flat_map(|b| b.column(0).as_string_view().iter().flatten().map(str::to_owned));
            Ok(texts.collect())
        })
    }

    fn shards(&self, _: PolicyId) -> BoxFuture<'_, Result<Vec<Shard>, QueryError>> {
        Box::pin(async { Ok(Vec::new()) })
    }
}

/// Runs one statement and writes its answer down.
async fn answer(store: &mut Store, runner: &Runner, text: &str, options: &Options<'_>) -> String {
    let statements = match influxql::parse(text, &influxql::Params::new()) {
        Ok(statements) => statements,
        Err(error) => return format!("status 400\nerror: error parsing query: {error}"),
    };
    let mut out = String::new();
    for statement in &statements {
        let context = StatementContext {
            defaults: Defaults {
                database: Some(options.database).filter(|d| !d.is_empty()),
                policy: options.policy,
            },
            now_ns: SCENARIO_NOW_NS,
        };
        match plan_statement(statement, store, runner, context).await {
            Err(error) => writeln!(out, "error: {error}").expect("writes to a string"),
            Ok(Planned::Listing(listing)) => out.push_str(&table(&listing.shape, &[listing.batch], options)),
            Ok(Planned::Command(command)) => execute(store, command),
            Ok(Planned::Select(plan)) => {
                let mut batches = Vec::new();
                for plan in plan.plans {
                    match runner.run(plan.clone()).await {
                        Ok(rows) => batches.extend(rows),
                        Err(error) => return format!("failed: {error}\n{}", plan.display_indent()),
                    }
                }
                if let Some(shape) = plan.shape {
                    out.push_str(&table(&shape, &batches, options));
                }
            }
        }
    }
    if out.trim().is_empty() { "(empty)".into() } else { out }
}

fn execute(store: &mut Store, command: Command) {
    match command {
        Command::CreateDatabase { name, .. } => store.create_database(&name),
        Command::CreatePolicy { database, name, spec, .. } => {
            let database = store.state.database(&database).expect("the database exists").id;
            store.create_policy(database, &name, spec.duration_ns.unwrap_or_default());
        }
        Command::DropDatabase { name } => {
            if let Some(id) = store.state.database(&name).map(|d| d.id) {
                store.apply(Change::DropDatabase(id));
            }
        }
        _ => {}
    }
}

/// Rows as the scenarios write them.
fn table(shape: &ResultShape, batches: &[RecordBatch], options: &Options<'_>) -> String {
    let mut out = String::new();
    let mut before: Option<Vec<String>> = None;
    for batch in batches {
        for (i, field) in shape.schema.fields().iter().enumerate() {
            assert_eq!(batch.column(i).data_type(), field.data_type(), "type of column {}", field.name());
        }
        for row in 0..batch.num_rows() {
            let text = |column: usize| match batch.column(column) {
                array if array.is_null(row) => String::new(),
                array => array.as_string_view().value(row).to_owned(),
            };
            let series: Vec<String> = std::iter::once(text(shape.name))
                .chain(shape.group_tags.iter().map(|(_, c)| text(*c)))
                .collect();
            if before.as_ref() != Some(&series) {
                if !series[0].is_empty() {
                    let _ = writeln!(out, "name: {}", quoted(&series[0]));
                }
                if !shape.group_tags.is_empty() {
                    let tags = shape.group_tags.iter().zip(&series[1..]);
                    let tags: Vec<_> =
                        tags.map(|((k, _), v)| format!("{}={}", quoted(k), quoted(v))).collect();
                    let _ = writeln!(out, "tags: {}", tags.join(", "));
                }
                let names: Vec<_> = shape.columns.iter().map(|(name, _)| quoted(name)).collect();
                let _ = writeln!(out, "{}", names.join(" "));
                before = Some(series);
            }
            let cells: Vec<_> = shape
                .columns
                .iter()
                .map(|(_, c)| cell(batch.column(*c).as_ref(), row, shape, options))
                .collect();
            let _ = writeln!(out, "{}", cells.join(" "));
        }
    }
    out
}

fn cell(array: &dyn Array, row: usize, shape: &ResultShape, options: &Options<'_>) -> String {
    if array.is_null(row) {
        return "null".into();
    }
    match array.data_type() {
        DataType::Timestamp(..) => {
            let time = array.as_primitive::<TimestampNanosecondType>().value(row);
            match options.epoch {
                Some("s") => (time / 1_000_000_000).to_string(),
                Some("ms") => (time / 1_000_000).to_string(),
                Some(_) => time.to_string(),
                None => {
                    let zone = shape.time_zone.unwrap_or(chrono_tz::Tz::UTC);
                    let time = chrono::DateTime::from_timestamp_nanos(time).with_timezone(&zone);
                    time.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
                }
            }
        }
        DataType::Float64 => {
            let value = array.as_primitive::<Float64Type>().value(row);
            match value.abs() {
                none if none.is_nan() => "null".into(),
                large if large >= 1e21 => format!("{value:e}").replace('e', "e+"),
                small if small != 0.0 && small < 1e-6 => format!("{value:e}"),
                _ => value.to_string(),
            }
        }
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::UInt64 => array.as_primitive::<UInt64Type>().value(row).to_string(),
        DataType::Boolean => array.as_boolean().value(row).to_string(),
        DataType::Utf8 => quoted(array.as_string::<i32>().value(row)),
        DataType::Utf8View => quoted(array.as_string_view().value(row)),
        DataType::Null => "null".into(),
        other => panic!("a result of type {other}"),
    }
}

fn quoted(text: &str) -> String {
    let is_usual = |c: char| c.is_alphanumeric() || "_.:/+-,=%".contains(c);
    let begins_as_word = text.starts_with(|c: char| c.is_alphabetic() || c == '_');
    let is_bare = text.chars().all(is_usual) && begins_as_word && !matches!(text, "null" | "true" | "false");
    if is_bare { text.to_owned() } else { serde_json::to_string(text).expect("text is JSON") }
}

struct Options<'a> {
    database: &'a str,
    policy: Option<&'a str>,
    epoch: Option<&'a str>,
}

/// Plays a scenario and returns what differs.
async fn play(text: &str) -> Vec<String> {
    let mut store = Store::default();
    let runner = Runner::new();
    let mut default_database = "";
    let mut differences = Vec::new();
    let mut lines = text.lines().enumerate().peekable();
    while let Some((number, line)) = lines.next() {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let option =
            |key: &str| rest.split(' ').find_map(|option| option.strip_prefix(key)?.strip_prefix('='));
        match word {
            "database" => {
                if default_database.is_empty() {
                    default_database = rest.split(' ').next().unwrap_or_default();
                }
                if !rest.ends_with(" absent") {
                    store.create_database(rest);
                }
            }
            "write" => {
                let mut body = String::new();
                while let Some((_, line)) = lines.next_if(|(_, line)| line.starts_with("  ")) {
                    body.push_str(&line[2..]);
                    body.push('\n');
                }
                let precision_ns = match option("precision") {
                    Some("s") => 1_000_000_000,
                    Some("ms") => 1_000_000,
                    Some("u" | "µ") => 1_000,
                    Some("m") => 60_000_000_000,
                    Some("h") => 3_600_000_000_000,
                    Some("d") => DAY_NS,
                    _ => 1,
                };
                store.write(option("db").unwrap_or(default_database), option("rp"), precision_ns, &body);
            }
            "exec" | "query" => {
                let mut query = String::new();
                if word == "exec" {
                    query.push_str(rest);
                }
                while let Some((_, line)) = lines
                    .next_if(|(_, line)| word == "query" && !line.is_empty() && !line.starts_with("----"))
                {
                    query.push_str(if query.is_empty() { "" } else { "\n" });
                    query.push_str(line);
                }
                let mut expected = if word == "exec" { Some("(empty)".to_owned()) } else { None };
                while let Some((_, marker)) = lines.next_if(|(_, line)| line.starts_with("----")) {
                    let _ = marker;
                    let mut answer = String::new();
                    while let Some((_, line)) = lines.next_if(|(_, line)| {
                        let word = line.split(' ').next().unwrap_or_default();
                        !(line.starts_with('#')
                            || line.starts_with("----")
                            || matches!(
                                word,
                                "database" | "differs:" | "write" | "exec" | "query" | "request"
                            ))
                    }) {
                        answer.push_str(line.strip_prefix('\\').unwrap_or(line));
                        answer.push('\n');
                    }
                    expected = Some(answer);
                }
                let options = Options {
                    database: option("db").unwrap_or(default_database),
                    policy: option("rp"),
                    epoch: option("epoch"),
                };
                let actual = answer(&mut store, &runner, &query, &options).await;
                // The form of a body is not this module's.
                let has_form =
                    ["raw", "pretty", "chunked"].iter().any(|word| rest.split(' ').any(|o| o == *word));
                let Some(expected) = expected.filter(|_| !has_form) else { continue };
                if normal(&expected) != normal(&actual) {
                    differences.push(format!(
                        "line {}: {query}\nexpected:\n{}\ngot:\n{}",
                        number + 1,
                        normal(&expected),
                        normal(&actual)
                    ));
                }
            }
            _ => {}
        }
    }
    differences
}

/// Runs of blanks count as one, empty lines do not count.
fn normal(answer: &str) -> String {
    let lines = answer.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

/// Plays every scenario of a folder. `known` are files and how many of their answers differ for reasons that lie
/// outside of this module.
async fn check_folder(folder: &str, known: &[(&str, usize)]) {
    let path = format!("{}/testdata/scenarios/{folder}", env!("CARGO_MANIFEST_DIR"));
    let mut paths: Vec<_> = std::fs::read_dir(&path)
        .expect("the folder is there")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    let mut failures = String::new();
    for path in paths {
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let differences = play(&std::fs::read_to_string(&path).expect("reads")).await;
        let allowed = known.iter().find(|(file, _)| *file == name).map_or(0, |(_, count)| *count);
        if differences.len() > allowed {
            let _ = writeln!(failures, "==== {folder}/{name}\n{}", differences.join("\n\n"));
        }
    }
    assert!(failures.is_empty(), "{failures}");
}

#[tokio::test]
async fn scenarios_of_select() {
    check_folder("select", &[]).await;
}

#[tokio::test]
async fn scenarios_of_where() {
    // An offset over a change of the clock.
    check_folder("where", &[("time_zone", 1)]).await;
}

#[tokio::test]
async fn scenarios_of_group_by() {
    check_folder("group_by", &[]).await;
}

#[tokio::test]
async fn scenarios_of_fill() {
    check_folder("fill", &[]).await;
}

#[tokio::test]
async fn scenarios_of_functions() {
    // The last digit of stddev, and which of equal values percentile takes.
    check_folder("functions", &[("stddev", 8), ("several", 1), ("float_results", 1), ("ties", 1)]).await;
}

#[tokio::test]
async fn scenarios_of_subqueries() {
    check_folder("subqueries", &[]).await;
}

#[tokio::test]
async fn scenarios_of_show() {
    // CSV, and what is answered before a statement is planned: KILL QUERY, EXPLAIN, SHOW STATS, SHOW DIAGNOSTICS.
    check_folder("show", &[("cardinality_forms", 1), ("server", 11)]).await;
}

#[tokio::test]
async fn scenarios_of_errors() {
    check_folder("errors", &[("several", 10), ("parse", 3)]).await;
}

/// A store with some hosts' cpu usage.
fn cpu() -> Store {
    let mut store = Store::default();
    store.create_database("db");
    store.write(
        "db",
        None,
        1_000_000_000,
        "cpu,hostname=a,region=x usage_user=1,usage_system=5 0\n\
         cpu,hostname=b usage_user=3 10\n\
         cpu,hostname=b usage_user=4,usage_system=6i 20\n",
    );
    store
}

/// Checks the logical plan of a SELECT on [`cpu`].
fn check_plan(text: &str, expected: &str) {
    let store = cpu();
    let statements = influxql::parse(text, &influxql::Params::new()).expect("parses");
    let influxql::ast::Statement::Select(select) = &statements[0] else { panic!("no SELECT: {text}") };
    let defaults = Defaults { database: Some("db"), policy: None };
    let plan = super::plan_select(select, &store, defaults, SCENARIO_NOW_NS).expect("plans");
    let plans: Vec<_> = plan.plans.iter().map(|plan| plan.display_indent().to_string()).collect();
    let lines =
        |text: &str| text.lines().map(|l| l.trim().to_owned()).filter(|l| !l.is_empty()).collect::<Vec<_>>();
    assert_eq!(lines(&plans.join("\n")), lines(expected), "{}", plans.join("\n"));
}

/// Only the columns that are needed are read, and everything above the aggregate is small.
#[test]
fn mean_by_hour_and_host_reads_three_columns() {
    check_plan(
        "SELECT mean(usage_user) FROM cpu WHERE time >= 0 AND time < 12h GROUP BY time(1h), hostname",
        "Projection: Utf8View(\"cpu\") AS iox::measurement, tag_0 AS hostname, window AS time, call_0 AS mean
           GapFill: group=[tag_0], fill=[call_0: Null]
             Sort: tag_0 ASC NULLS FIRST, window ASC NULLS FIRST
               Projection: tag_0, window, result_0 AS call_0
                 Filter: result_0 IS NOT NULL
                   Aggregate: groupBy=[[t.hostname AS tag_0, influx_bucket(t.time, Int64(3600000000000), Int64(0)) AS window]], aggr=[[influx_mean(t.usage_user) AS result_0]]
                     Filter: t.time >= TimestampNanosecond(0, None) AND t.time <= TimestampNanosecond(43199999999999, None)
                       TableScan: t projection=[time, hostname, usage_user]",
    );
}

/// The limit reaches into the sort, so that only so many rows are kept.
#[test]
fn newest_rows_are_a_top_k() {
    check_plan(
        "SELECT usage_user FROM cpu WHERE hostname = 'a' ORDER BY time DESC LIMIT 5 OFFSET 2",
        "Projection: Utf8View(\"cpu\") AS iox::measurement, t.time AS time, t.usage_user AS usage_user
           Limit: skip=2, fetch=5
             Sort: t.time DESC NULLS LAST, t.__series DESC NULLS LAST, fetch=7
               Filter: t.hostname = Utf8View(\"a\") AND t.usage_user IS NOT NULL
                 TableScan: t projection=[__series, time, hostname, usage_user]",
    );
}

#[test]
fn conditions_are_plain_comparisons() {
    for (condition, expected) in [
        ("hostname = 'a'", "t.hostname = Utf8View(\"a\")"),
        ("hostname != 'a'", "t.hostname IS NULL OR t.hostname != Utf8View(\"a\")"),
        ("hostname = ''", "t.hostname IS NULL"),
        ("hostname != ''", "t.hostname IS NOT NULL"),
        ("hostname = 'a' OR hostname = 'b'", "t.hostname IN ([Utf8View(\"a\"), Utf8View(\"b\")])"),
        ("usage_user > 1", "t.usage_user > Float64(1)"),
        (
            "hostname = 'a' AND usage_user = 1.5",
            "t.hostname = Utf8View(\"a\") AND t.usage_user = Float64(1.5)",
        ),
    ] {
        let store = cpu();
        let text = format!("SELECT * FROM cpu WHERE {condition}");
        let statements = influxql::parse(&text, &influxql::Params::new()).expect("parses");
        let influxql::ast::Statement::Select(select) = &statements[0] else { panic!("no SELECT: {text}") };
        let defaults = Defaults { database: Some("db"), policy: None };
        let plan = super::plan_select(select, &store, defaults, SCENARIO_NOW_NS).expect("plans");
        let plan = plan.plans[0].display_indent().to_string();
        assert!(plan.contains(&format!("Filter: {expected}\n")), "{condition}\n{plan}");
    }
}

/// Long and deep conditions neither overflow the stack nor take long.
#[test]
fn absurd_conditions_are_planned_or_refused() {
    let store = cpu();
    let chain = vec!["hostname = 'a'"; 60_000].join(" OR ");
    let mixed = vec!["hostname != 'a' AND usage_user > 1"; 10_000].join(" OR ");
    let sum = format!("usage_user {} > 0", "+ 1 ".repeat(100_000));
    let sums = format!("{} > 0", vec!["usage_user"; 100_000].join(" + "));
    for condition in [chain, mixed, sum, sums] {
        let text = format!("SELECT usage_user FROM cpu WHERE {condition}");
        let statements = influxql::parse(&text, &influxql::Params::new()).expect("parses");
        let influxql::ast::Statement::Select(select) = &statements[0] else { panic!("no SELECT") };
        let defaults = Defaults { database: Some("db"), policy: None };
        let _ = super::plan_select(select, &store, defaults, SCENARIO_NOW_NS);
    }
    let text = format!("SELECT {} FROM cpu", vec!["usage_user"; 100_000].join(" + "));
    let statements = influxql::parse(&text, &influxql::Params::new()).expect("parses");
    let influxql::ast::Statement::Select(select) = &statements[0] else { panic!("no SELECT") };
    let defaults = Defaults { database: Some("db"), policy: None };
    let error = super::plan_select(select, &store, defaults, SCENARIO_NOW_NS).expect_err("is refused");
    assert_eq!(error.to_string(), "an expression may have at most 100 operators");
}

/// As many levels as there may be run on an ordinary stack; of more, however many, the statement is refused.
#[tokio::test]
async fn subqueries_nest_to_a_bounded_depth() {
    let nested = |depth: usize| {
        let mut text = "SELECT usage_user FROM cpu".to_owned();
        for level in 0..depth {
            text = match level % 3 {
                0 => format!("SELECT usage_user FROM ({text} WHERE usage_user != 0 GROUP BY hostname)"),
                1 => format!("SELECT usage_user FROM ({text})"),
                _ => format!("SELECT max(usage_user) AS usage_user FROM ({text} GROUP BY hostname)"),
            };
        }
        text
    };
    let options = Options { database: "db", policy: None, epoch: Some("s") };
    let (mut store, runner) = (cpu(), Runner::new());
    let deepest = answer(&mut store, &runner, &nested(super::subquery::DEPTH_MAX), &options).await;
    assert!(deepest.starts_with("name: cpu\n"), "{deepest}");
    for depth in [super::subquery::DEPTH_MAX + 1, 200] {
        let refused = answer(&mut store, &runner, &nested(depth), &options).await;
        assert_eq!(refused, "error: subqueries may be nested at most 32 levels deep\n");
    }
}

#[test]
fn what_is_not_built_yet_says_so() {
    let store = cpu();
    let runner = Runner::new();
    for (text, expected) in [
        (
            "SELECT sample(usage_user, 2), mean(usage_user) FROM cpu",
            "sample() beside mean() is not supported yet",
        ),
        ("SHOW STATS", "SHOW STATS is not supported yet"),
    ] {
        let statements = influxql::parse(text, &influxql::Params::new()).expect("parses");
        let context = StatementContext {
            defaults: Defaults { database: Some("db"), policy: None },
            now_ns: SCENARIO_NOW_NS,
        };
        let planned = futures::executor::block_on(plan_statement(&statements[0], &store, &runner, context));
        assert_eq!(planned.expect_err("is refused").to_string(), expected, "{text}");
    }
}
