//! Flight and Flight SQL through real sockets, over an engine with a store in memory.

use super::router;
use crate::catalog::PolicySpec;
use crate::clock::ManualClock;
use crate::engine::{Engine, EngineOptions, WriteRequest};
use crate::line_protocol::Precision;
use crate::object::Store;
use crate::query::{QueryEngine, QueryOptions};
use crate::server::{AppState, HttpSettings, Port, Server};
use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::util::pretty::pretty_format_batches;
use arrow_flight::decode::FlightRecordBatchStream;
use arrow_flight::error::FlightError;
use arrow_flight::flight_service_client::FlightServiceClient;
use arrow_flight::sql::client::FlightSqlServiceClient;
use arrow_flight::sql::{
    CommandGetDbSchemas, CommandGetPrimaryKeys, CommandGetTables, CommandGetXdbcTypeInfo,
    CommandStatementQuery, ProstMessageExt, SqlInfo,
};
use arrow_flight::{Action, Empty, FlightDescriptor, FlightInfo, SchemaResult, Ticket};
use futures::TryStreamExt;
use prost::Message;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::sync::oneshot;
use tonic::codec::CompressionEncoding;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};

const CPU: &str = "cpu,host=a load=1.5,cores=4i 1000000000\n\
                   cpu,host=b load=2.5,cores=8i 2000000000\n\
                   cpu,host=a load=3.5,cores=4i,note=\"warm\" 3000000000\n";

/// A server with the databases `t` (table `cpu`, and `cpu` in policy `year`) and `other` (table `disk`).
struct Running {
    channel: Channel,
    _stop: oneshot::Sender<()>,
    _folder: TempDir,
}

async fn start() -> Running {
    let folder = tempfile::tempdir().unwrap();
    let mut options = EngineOptions::new(folder.path().join("wal"));
    options.wal.disk_low_water_bytes = 0;
    let clock = Arc::new(ManualClock::new(10_000_000_000));
    let engine = Engine::open(options, Store::in_memory(), clock).await.unwrap();
    engine.create_database("t", None).await.unwrap();
    engine.create_policy("t", "year", PolicySpec::default(), false).await.unwrap();
    engine.create_database("other", None).await.unwrap();
    for (database, policy, body) in
        [("t", None, CPU), ("t", Some("year"), "cpu,host=y load=9 1\n"), ("other", None, "disk used=1u 1\n")]
    {
        let outcome = engine.write(WriteRequest {
            database: database.into(),
            policy: policy.map(Into::into),
            precision: Precision::Nanosecond,
            body: body.into(),
        });
        assert!(outcome.await.unwrap().rejections.is_empty());
    }
    let options = QueryOptions { threads: 2, ..QueryOptions::default() };
    let query = Arc::new(QueryEngine::new(engine.clone(), options).unwrap());
    let state = AppState::new(engine, query, HttpSettings::default());
    let grpc = router(state.clone());
    let port = Port::take("127.0.0.1:0".parse().unwrap()).unwrap();
    let server = Server::listen(port, state, Some(grpc)).unwrap();
    let url = format!("http://{}", server.local_address());
    let (stop, stopped) = oneshot::channel::<()>();
    tokio::spawn(server.run(async move {
        let _ = stopped.await;
    }));
    let channel = Endpoint::from_shared(url).unwrap().connect().await.unwrap();
    Running { channel, _stop: stop, _folder: folder }
}

impl Running {
    fn sql(&self, database: &str) -> FlightSqlServiceClient<Channel> {
        let mut client = self.client_without_database();
        client.set_header("database", database);
        client
    }

    fn client_without_database(&self) -> FlightSqlServiceClient<Channel> {
        FlightSqlServiceClient::new(self.channel.clone())
    }

    /// The rows of a JSON ticket.
    async fn json(&self, ticket: &str) -> Result<(SchemaRef, Vec<RecordBatch>), Status> {
        let mut client = FlightServiceClient::new(self.channel.clone());
        let messages = client.do_get(Ticket::new(ticket.to_owned())).await?.into_inner();
        let mut batches = FlightRecordBatchStream::new_from_flight_data(messages.map_err(FlightError::from));
        let mut found = Vec::new();
        while let Some(batch) = batches.try_next().await? {
            found.push(batch);
        }
        Ok((batches.schema().expect("the schema comes first").clone(), found))
    }

    async fn check_json(&self, ticket: &str, expected: &[&str]) {
        check_rows(&self.json(ticket).await.unwrap().1, expected);
    }

    async fn check_json_error(&self, ticket: &str, code: Code, text: &str) {
        check_status(&self.json(ticket).await.unwrap_err(), code, text);
    }

    /// What `GetSchema` says of a command.
    async fn described(&self, command: &impl ProstMessageExt) -> Schema {
        let mut request = Request::new(FlightDescriptor::new_cmd(command.as_any().encode_to_vec()));
        request.metadata_mut().insert("database", "t".parse().unwrap());
        let result: SchemaResult =
            FlightServiceClient::new(self.channel.clone()).get_schema(request).await.unwrap().into_inner();
        Schema::try_from(result).unwrap()
    }
}

/// Fetches what `info` announces, through its only endpoint, and holds the schemas against each other.
async fn fetch(
    client: &mut FlightSqlServiceClient<Channel>,
    info: FlightInfo,
) -> Result<Vec<RecordBatch>, FlightError> {
    let [endpoint] = info.endpoint.as_slice() else { panic!("one endpoint") };
    let mut stream = client.do_get(endpoint.ticket.clone().unwrap()).await?;
    let mut batches = Vec::new();
    while let Some(batch) = stream.try_next().await? {
        batches.push(batch);
    }
    let announced = info.try_decode_schema().unwrap();
    assert_eq!(*stream.schema().unwrap().as_ref(), announced);
    Ok(batches)
}

fn check_rows(batches: &[RecordBatch], expected: &[&str]) {
    let printed = pretty_format_batches(batches).unwrap().to_string();
    let rows: Vec<&str> = printed.lines().filter(|line| !line.starts_with('+')).collect();
    assert_eq!(rows, expected);
}

#[track_caller]
fn check_status(status: &Status, code: Code, text: &str) {
    assert_eq!((status.code(), status.message()), (code, text));
}

#[track_caller]
fn check_flight_error(error: FlightError, code: Code, text: &str) {
    let status = Status::from(error);
    assert_eq!(status.code(), code, "{status}");
    assert!(status.message().contains(text), "{status}");
}

#[tokio::test]
async fn a_statement_is_announced_and_streamed_with_the_same_schema() {
    let running = start().await;
    let mut client = running.sql("t");
    let text = "SELECT time, host, load, cores, note FROM cpu ORDER BY time";
    let info = client.execute(text.to_owned(), None).await.unwrap();
    let schema = info.clone().try_decode_schema().unwrap();
    assert_eq!(schema.field_with_name("host").unwrap(), &Field::new("host", DataType::Utf8, true));
    assert!(!schema.field_with_name("time").unwrap().is_nullable());
    let statement = CommandStatementQuery { query: text.to_owned(), transaction_id: None };
    assert_eq!(running.described(&statement).await, schema);
    check_rows(
        &fetch(&mut client, info).await.unwrap(),
        &[
            "| time                | host | load | cores | note |",
            "| 1970-01-01T00:00:01 | a    | 1.5  | 4     |      |",
            "| 1970-01-01T00:00:02 | b    | 2.5  | 8     |      |",
            "| 1970-01-01T00:00:03 | a    | 3.5  | 4     | warm |",
        ],
    );
    // No rows: the schema comes all the same.
    let info = client.execute("SELECT host FROM cpu WHERE load > 100".to_owned(), None).await.unwrap();
    assert_eq!(fetch(&mut client, info).await.unwrap().iter().map(RecordBatch::num_rows).sum::<usize>(), 0);
    let info = client.execute("SELECT 1 AS one, 'x' AS x".to_owned(), None).await.unwrap();
    check_rows(&fetch(&mut client, info).await.unwrap(), &["| one | x |", "| 1   | x |"]);
}

#[tokio::test]
async fn calls_see_the_database_that_their_metadata_names() {
    let running = start().await;
    let count = "SELECT count(*) AS n FROM cpu";
    let mut client = running.sql("t/year");
    let info = client.execute(count.to_owned(), None).await.unwrap();
    check_rows(&fetch(&mut client, info).await.unwrap(), &["| n |", "| 1 |"]);
    let mut client = running.sql("t");
    let info = client.execute("SELECT host FROM year.cpu".to_owned(), None).await.unwrap();
    check_rows(&fetch(&mut client, info).await.unwrap(), &["| host |", "| y    |"]);
    // Named twice, the same.
    client.set_header("bucket-name", "t");
    client.execute(count.to_owned(), None).await.unwrap();
    client.set_header("bucket", "other");
    let error = client.execute(count.to_owned(), None).await.unwrap_err();
    check_flight_error(error, Code::InvalidArgument, "name different databases");

    let mut client = running.sql("other");
    let info = client.execute("SELECT used FROM disk".to_owned(), None).await.unwrap();
    check_rows(&fetch(&mut client, info).await.unwrap(), &["| used |", "| 1    |"]);
    let error = client.execute(count.to_owned(), None).await.unwrap_err();
    check_flight_error(error, Code::InvalidArgument, "table 'public.iox.cpu' not found");

    let mut client = running.client_without_database();
    let error = client.execute(count.to_owned(), None).await.unwrap_err();
    check_flight_error(error, Code::InvalidArgument, "no 'database' header in request");
    for missing in ["nowhere", "t/month", "nowhere/year"] {
        let error = running.sql(missing).execute(count.to_owned(), None).await.unwrap_err();
        check_flight_error(error, Code::NotFound, &format!("database not found: {missing}"));
    }
}

#[tokio::test]
async fn sql_joins_tables_and_compares_sets_of_rows() {
    let running = start().await;
    let mut client = running.sql("t");
    let queries: [(&str, &[&str]); 7] = [
        (
            "SELECT a.time, a.load, b.cores FROM cpu a JOIN cpu b ON a.time = b.time ORDER BY a.time",
            &[
                "| time                | load | cores |",
                "| 1970-01-01T00:00:01 | 1.5  | 4     |",
                "| 1970-01-01T00:00:02 | 2.5  | 8     |",
                "| 1970-01-01T00:00:03 | 3.5  | 4     |",
            ],
        ),
        (
            "SELECT a.load, b.note FROM cpu a LEFT JOIN cpu b ON a.host = b.host AND b.note = 'warm' \
             ORDER BY a.load",
            &["| load | note |", "| 1.5  | warm |", "| 2.5  |      |", "| 3.5  | warm |"],
        ),
        (
            "SELECT load FROM cpu WHERE host IN (SELECT host FROM cpu WHERE cores > 4)",
            &["| load |", "| 2.5  |"],
        ),
        (
            "SELECT a.load FROM cpu a WHERE EXISTS (SELECT 1 FROM cpu b WHERE b.host = a.host AND b.load > 3) \
             ORDER BY a.load",
            &["| load |", "| 1.5  |", "| 3.5  |"],
        ),
        ("SELECT host FROM cpu INTERSECT SELECT host FROM cpu WHERE load > 3", &["| host |", "| a    |"]),
        ("SELECT host FROM cpu EXCEPT SELECT host FROM cpu WHERE load > 3", &["| host |", "| b    |"]),
        (
            "SELECT a.host, sum(b.load) AS s FROM cpu a JOIN year.cpu b ON b.host <> a.host \
             GROUP BY a.host ORDER BY a.host",
            &["| host | s    |", "| a    | 18.0 |", "| b    | 9.0  |"],
        ),
    ];
    for (text, expected) in queries {
        let info = client.execute(text.to_owned(), None).await.expect(text);
        check_rows(&fetch(&mut client, info).await.expect(text), expected);
    }
}

#[tokio::test]
async fn bad_sql_is_its_authors_fault() {
    let running = start().await;
    let mut client = running.sql("t");
    for (text, why) in [
        ("SELEC 1", "Expected: an SQL statement, found: SELEC"),
        ("SELECT nothing FROM cpu", "nothing"),
        ("DROP TABLE cpu", "DDL"),
        ("INSERT INTO cpu VALUES (1)", ""),
        ("SET a = 1", ""),
        ("", ""),
    ] {
        let error = client.execute(text.to_owned(), None).await.unwrap_err();
        check_flight_error(error, Code::InvalidArgument, why);
    }
    for text in ["SELECT CAST(host AS BIGINT) FROM cpu", "SELECT cores / 0 FROM cpu", "SELECT $1 + 1 AS n"] {
        let info = client.execute(text.to_owned(), None).await.unwrap();
        let error = fetch(&mut client, info).await.unwrap_err();
        check_flight_error(error, Code::InvalidArgument, "");
    }
    // The server lives on.
    let info = client.execute("SELECT 1 AS one".to_owned(), None).await.unwrap();
    fetch(&mut client, info).await.unwrap();
}

#[tokio::test]
async fn prepared_statements_take_values() {
    let running = start().await;
    let mut client = running.sql("t");
    let one_row = |columns: Vec<(&str, ArrayRef)>| RecordBatch::try_from_iter(columns).unwrap();
    let text: ArrayRef = Arc::new(StringArray::from(vec!["a"]));
    let number: ArrayRef = Arc::new(Int64Array::from(vec![2]));
    for (query, row) in [
        (
            "SELECT load FROM cpu WHERE host = $1 AND load > $2",
            one_row(vec![("0", text.clone()), ("1", number.clone())]),
        ),
        (
            "SELECT load FROM cpu WHERE load > ? AND host = ? -- what?",
            one_row(vec![("x", number.clone()), ("y", text.clone())]),
        ),
        (
            "SELECT load FROM cpu WHERE host = $host AND load > $least",
            one_row(vec![("least", number.clone()), ("host", text.clone())]),
        ),
    ] {
        let mut prepared = client.prepare(query.to_owned(), None).await.unwrap();
        assert_eq!(prepared.parameter_schema().unwrap().fields().len(), 2, "{query}");
        assert_eq!(prepared.dataset_schema().unwrap().field(0).data_type(), &DataType::Float64);
        prepared.set_parameters(row).unwrap();
        let info = prepared.execute().await.unwrap();
        check_rows(&fetch(&mut client, info).await.unwrap(), &["| load |", "| 3.5  |"]);
        prepared.close().await.unwrap();
    }
    let mut prepared = client.prepare("SELECT max(load) AS m FROM cpu".to_owned(), None).await.unwrap();
    let info = prepared.execute().await.unwrap();
    check_rows(&fetch(&mut client, info).await.unwrap(), &["| m   |", "| 3.5 |"]);

    let mut prepared = client.prepare("SELECT $1 AS a".to_owned(), None).await.unwrap();
    prepared.set_parameters(one_row(vec![("0", Arc::new(Int64Array::from(vec![1, 2])))])).unwrap();
    check_flight_error(prepared.execute().await.unwrap_err(), Code::InvalidArgument, "one row is supported");
}

#[tokio::test]
async fn drivers_are_told_what_there_is() {
    let running = start().await;
    let mut client = running.sql("t");
    let info = client.get_catalogs().await.unwrap();
    check_rows(&fetch(&mut client, info).await.unwrap(), &["| catalog_name |", "| public       |"]);
    let info = client.get_db_schemas(CommandGetDbSchemas::default()).await.unwrap();
    check_rows(
        &fetch(&mut client, info).await.unwrap(),
        &[
            "| catalog_name | db_schema_name     |",
            "| public       | information_schema |",
            "| public       | iox                |",
            "| public       | year               |",
        ],
    );
    let wanted = CommandGetTables {
        db_schema_filter_pattern: Some("i%".to_owned()),
        table_types: vec!["BASE TABLE".to_owned()],
        ..CommandGetTables::default()
    };
    let info = client.get_tables(wanted.clone()).await.unwrap();
    check_rows(
        &fetch(&mut client, info).await.unwrap(),
        &[
            "| catalog_name | db_schema_name | table_name | table_type |",
            "| public       | iox            | cpu        | BASE TABLE |",
        ],
    );
    let wanted = CommandGetTables { include_schema: true, ..wanted };
    assert_eq!(running.described(&wanted).await.fields().len(), 5);
    let info = client.get_tables(wanted).await.unwrap();
    let batches = fetch(&mut client, info).await.unwrap();
    let bytes = batches[0].column(4).as_any().downcast_ref::<arrow::array::BinaryArray>().unwrap().value(0);
    let schema = Schema::try_from(arrow_flight::IpcMessage(bytes.to_vec().into())).unwrap();
    let names: Vec<_> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let statement = CommandStatementQuery { query: "SELECT * FROM cpu".to_owned(), transaction_id: None };
    assert_eq!(running.described(&statement).await, schema);
    assert!(names.contains(&"host") && names.contains(&"load") && !names.contains(&"__series"), "{names:?}");

    let keys = CommandGetPrimaryKeys { table: "cpu".to_owned(), ..CommandGetPrimaryKeys::default() };
    let info = client.get_primary_keys(keys).await.unwrap();
    fetch(&mut client, info).await.unwrap();

    // These need no database.
    let mut client = running.client_without_database();
    let info = client.get_table_types().await.unwrap();
    check_rows(
        &fetch(&mut client, info).await.unwrap(),
        &["| table_type |", "| BASE TABLE |", "| VIEW       |"],
    );
    let info = client.get_sql_info(vec![SqlInfo::FlightSqlServerName]).await.unwrap();
    check_rows(
        &fetch(&mut client, info).await.unwrap(),
        &["| info_name | value                    |", "| 0         | {string_value=Tidegauge} |"],
    );
    let info = client.get_sql_info(Vec::new()).await.unwrap();
    assert!(fetch(&mut client, info).await.unwrap()[0].num_rows() > 20);
    let info = client.get_xdbc_type_info(CommandGetXdbcTypeInfo { data_type: Some(-5) }).await.unwrap();
    assert_eq!(fetch(&mut client, info).await.unwrap()[0].num_rows(), 2);
    let payload = client.handshake("user", "secret").await.unwrap();
    assert_eq!((payload.as_ref(), client.token().map(String::as_str)), (&b"secret"[..], Some("secret")));
}

#[tokio::test]
async fn json_tickets_carry_sql() {
    let running = start().await;
    let expected = ["| load |", "| 2.5  |"];
    for key in ["database", "namespace_name", "bucket", "bucket-name"] {
        let ticket = format!(
            r#"{{"{key}":"t","sql_query":"SELECT load FROM cpu WHERE host = 'b'","query_type":"sql"}}"#
        );
        running.check_json(&ticket, &expected).await;
    }
    let ticket = r#" {"database":"t","sql_query":"SELECT load FROM cpu WHERE host = $host AND load > $least",
        "params":{"host":"b","least":2},"is_debug":false,"later":1}"#;
    running.check_json(ticket, &expected).await;

    let check = |ticket, code, text| running.check_json_error(ticket, code, text);
    let missing = "no 'database' header in request";
    check(r#"{"sql_query":"SELECT 1"}"#, Code::InvalidArgument, missing).await;
    let not_found = "database not found: nowhere";
    check(r#"{"database":"nowhere","sql_query":"SELECT 1"}"#, Code::NotFound, not_found).await;
    let language = "cannot read the query language: 'flux' is not known";
    check(r#"{"database":"t","sql_query":"SELECT 1","query_type":"flux"}"#, Code::InvalidArgument, language)
        .await;
    let array = "the parameter 'a' is of type array, which is not supported";
    check(r#"{"database":"t","sql_query":"SELECT $a","params":{"a":[1]}}"#, Code::InvalidArgument, array)
        .await;
    for ticket in ["{", "{}", r#"{"database":1}"#, "", "\u{1}", "hello"] {
        assert_eq!(running.json(ticket).await.unwrap_err().code(), Code::InvalidArgument, "{ticket:?}");
    }
}

#[tokio::test]
async fn influxql_comes_as_one_table() {
    let running = start().await;
    let ticket = |query: &str| {
        serde_json::json!({"database": "t", "sql_query": query, "query_type": "influxql"}).to_string()
    };
    let query = "SELECT load, note FROM cpu GROUP BY host";
    let (schema, batches) = running.json(&ticket(query)).await.unwrap();
    check_rows(
        &batches,
        &[
            "| iox::measurement | time                | host | load | note |",
            "| cpu              | 1970-01-01T00:00:01 | a    | 1.5  |      |",
            "| cpu              | 1970-01-01T00:00:03 | a    | 3.5  | warm |",
            "| cpu              | 1970-01-01T00:00:02 | b    | 2.5  |      |",
        ],
    );
    let kinds: Vec<_> =
        schema.fields().iter().map(|f| f.metadata().get("iox::column::type").map(String::as_str)).collect();
    assert_eq!(
        kinds,
        [
            None,
            Some("iox::column_type::timestamp"),
            Some("iox::column_type::tag"),
            Some("iox::column_type::field::float"),
            Some("iox::column_type::field::string"),
        ]
    );
    assert_eq!(
        schema.metadata()["iox::influxql::group_key::metadata"],
        r#"{"measurement_column_index":0,"tag_key_columns":[{"tag_key":"host","column_index":2,"is_projected":false}]}"#
    );
    assert!(schema.fields().iter().all(|field| *field.data_type() != DataType::Utf8View));

    running
        .check_json(
            &ticket("  SELECT mean(load) FROM cpu;\n"),
            &[
                "| iox::measurement | time                | mean |",
                "| cpu              | 1970-01-01T00:00:00 | 2.5  |",
            ],
        )
        .await;
    running
        .check_json(
            &ticket("SHOW MEASUREMENTS"),
            &["| iox::measurement | name |", "| measurements     | cpu  |"],
        )
        .await;
    let with_params = r#"{"database":"t/year","query_type":"influxql",
        "sql_query":"SELECT load FROM cpu WHERE host = $host","params":{"host":"y"}}"#;
    let (_, batches) = running.json(with_params).await.unwrap();
    assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 1);
    // Nothing to be had: no rows, but a schema.
    let (schema, batches) = running.json(&ticket("SELECT x FROM nothing")).await.unwrap();
    assert_eq!((schema.field(0).name().as_str(), batches.len()), ("iox::measurement", 0));

    for query in ["SELECT", "SELECT load FROM cpu; SELECT load FROM cpu", "", "DROP MEASUREMENT cpu"] {
        let status = running.json(&ticket(query)).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{query}: {status}");
    }

    let mut client = running.sql("t");
    client.set_header("x-influxdata-query-language", "influxql");
    let info = client.execute("SELECT load FROM cpu WHERE time < 2s".to_owned(), None).await.unwrap();
    check_rows(
        &fetch(&mut client, info).await.unwrap(),
        &[
            "| iox::measurement | time                | load |",
            "| cpu              | 1970-01-01T00:00:01 | 1.5  |",
        ],
    );
}

#[tokio::test]
async fn what_is_not_offered_says_so() {
    let running = start().await;
    let mut client = FlightServiceClient::new(running.channel.clone());
    let begin = client.do_action(Action::new("BeginTransaction", Vec::new())).await;
    let text = "the action 'BeginTransaction' is not supported";
    check_status(&begin.map(|_| ()).unwrap_err(), Code::Unimplemented, text);
    let path = client.get_flight_info(FlightDescriptor::new_path(vec!["cpu".to_owned()])).await;
    check_status(&path.unwrap_err(), Code::Unimplemented, "a descriptor that is a path is not supported");
    let actions = client.list_actions(Empty {}).await.unwrap().into_inner();
    assert_eq!(actions.try_collect::<Vec<_>>().await.unwrap().len(), 2);
    let update = running.sql("t").execute_update("DELETE FROM cpu".to_owned(), None).await.unwrap_err();
    check_flight_error(update, Code::Unimplemented, "CommandStatementUpdate is not supported");
    // Garbage where a message should be.
    for bytes in [&b"\xff\xff\xff"[..], &[], &b"\x0a\x03abc"[..]] {
        let info = client.get_flight_info(FlightDescriptor::new_cmd(bytes.to_vec())).await;
        assert!(info.is_err());
        assert!(client.do_get(Ticket::new(bytes.to_vec())).await.is_err());
        assert!(client.do_action(Action::new("CreatePreparedStatement", bytes.to_vec())).await.is_err());
    }
}

#[tokio::test]
async fn requests_may_be_compressed_and_are_bounded() {
    let running = start().await;
    let mut client = FlightServiceClient::new(running.channel.clone())
        .send_compressed(CompressionEncoding::Gzip)
        .accept_compressed(CompressionEncoding::Gzip);
    let ticket = |query: &str| {
        Ticket::new(serde_json::json!({"database": "t", "sql_query": query}).to_string().into_bytes())
    };
    client.do_get(ticket("SELECT 1")).await.unwrap();
    let bomb = ticket(&" ".repeat(super::REQUEST_BYTES_MAX + 1));
    let status = client.do_get(bomb).await.map(|_| ()).unwrap_err();
    assert!(matches!(status.code(), Code::OutOfRange | Code::ResourceExhausted), "{status}");
}
