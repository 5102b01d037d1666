//! Exports and imports: what comes out of one server and goes into another gives the same answers.

use super::command::{Folder, Server, files_below, must, must_fail, run};
use serde_json::Value;
use std::io::Read;

/// Names and values that have to be escaped, every type, several policies, several files, deletions.
const LINES: &str = r#"cpu,host=a\ b,dc=x\,y usage=0.5,count=7i,big=18446744073709551615u,up=true,note="say \"hi\" \\ there" 10
cpu,host=c usage=-1e-300 20
cpu usage=1e21,count=-9223372036854775808i -30
cpu,host=both host="a field",usage=3 40
we\ ather\,1,ta\=g=v\=1 fi\ eld=1,"q"=2 50
back\slash,t=a\b v="c\d" 60
line v="two
lines" 70
"#;

fn source(folder: &Folder) -> Server {
    let server = Server::start(&folder.path("source"));
    server.query("", "CREATE DATABASE \"my db\"; CREATE DATABASE empty; CREATE DATABASE nyc");
    server.query(
        "",
        "CREATE RETENTION POLICY \"long one\" ON \"my db\" DURATION 520w REPLICATION 1 SHARD DURATION 2w",
    );
    server.write("my db", LINES);
    server.flush();
    // Older versions of points, and points that are gone.
    server.write("my db", "cpu,host=c usage=2 20\ngone v=1 1\ncpu,dc=deleted usage=1 1");
    server.flush();
    server.query("my db", "DROP MEASUREMENT gone; DELETE FROM cpu WHERE dc = 'deleted'");
    server.write("my db", "cpu,host=c usage=-1e-300 20\ncpu,host=new usage=4 99999999999999");
    let now_ns = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
    server.write_to("my db", "long one", &format!("cpu,host=z usage=1 {now_ns}"));
    let weather = include_bytes!("../../../testdata/weather/weather.lp");
    server.write("nyc", std::str::from_utf8(weather).unwrap());
    server
}

/// What both servers must answer alike.
const QUESTIONS: [(&str, &str); 9] = [
    ("my db", "SELECT * FROM cpu GROUP BY *"),
    ("my db", "SELECT * FROM /.*/"),
    ("my db", "SELECT * FROM \"long one\".cpu"),
    ("my db", "SHOW FIELD KEYS"),
    ("my db", "SHOW SERIES"),
    ("my db", "SHOW RETENTION POLICIES"),
    ("my db", "SHOW MEASUREMENTS"),
    ("nyc", "SELECT count(*), sum(temp), last(pressure) FROM weather GROUP BY origin"),
    ("nyc", "SELECT * FROM weather WHERE time < '2013-01-03'"),
];

fn answers(server: &Server) -> Vec<Value> {
    QUESTIONS.iter().map(|(database, question)| server.query(database, question)).collect()
}

fn check_same(server: &Server, expected: &[Value]) {
    for ((ours, expected), question) in answers(server).iter().zip(expected).zip(QUESTIONS) {
        assert_eq!(ours, expected, "{question:?}");
    }
}

#[test]
fn an_export_gives_the_same_answers_elsewhere() {
    let folder = Folder::new();
    let server = source(&folder);
    let expected = answers(&server);
    let out = |name: &str| folder.text(name);
    must(&["export", &server.url(), "--out", &out("plain.lp")]);
    must(&["export", &server.url(), "--out", &out("packed.lp.gz"), "--compress"]);
    let said = must(&["export", &server.url(), "--out", &out("parquet"), "--format", "parquet"]);
    assert!(said.contains("26124 points written"), "{said}");
    let said = must_fail(&["export", &server.url(), "--out", &out("parquet"), "--format", "parquet"]);
    assert!(said.contains("is not empty"), "{said}");
    assert!(!folder.path("plain.lp.partial").exists());

    for (number, exported) in ["plain.lp", "packed.lp.gz", "parquet"].into_iter().enumerate() {
        let target = Server::start(&folder.path(&format!("target {number}")));
        let said = must(&["import", &target.url(), &out(exported)]);
        assert!(said.contains("26124 points written"), "{exported}: {said}");
        check_same(&target, &expected);
        target.flush();
        check_same(&target, &expected);
        // Once more: nothing changes.
        must(&["import", &target.url(), &out(exported)]);
        check_same(&target, &expected);
    }
}

#[test]
fn the_text_is_that_of_influx_inspect() {
    let folder = Folder::new();
    let server = source(&folder);
    let out = folder.text("out.lp");
    must(&[
        "export",
        &server.url(),
        "-d",
        "my db",
        "--measurement",
        "cpu",
        "--start",
        "1970-01-01T00:00:00Z",
        "--out",
        &out,
    ]);
    let text = std::fs::read_to_string(&out).unwrap();
    let head = text.lines().take(7).collect::<Vec<_>>();
    assert_eq!(
        head,
        [
            "# INFLUXDB EXPORT: 1970-01-01T00:00:00Z - 2262-04-11T23:47:16.854775807Z",
            "# DDL",
            "CREATE DATABASE \"my db\" WITH DURATION INF REPLICATION 1 SHARD DURATION 1w NAME autogen",
            "CREATE RETENTION POLICY \"long one\" ON \"my db\" DURATION 520w REPLICATION 1 SHARD DURATION 2w",
            "# DML",
            "# CONTEXT-DATABASE:my db",
            "# CONTEXT-RETENTION-POLICY:autogen",
        ]
    );
    let mut points: Vec<&str> = text.lines().skip(7).take_while(|line| !line.starts_with('#')).collect();
    points.sort_unstable();
    assert_eq!(
        points,
        [
            "cpu,dc=x\\,y,host=a\\ b big=18446744073709551615u,count=7i,note=\"say \\\"hi\\\" \\\\ there\",up=true,usage=0.5 10",
            "cpu,host=both host=\"a field\",usage=3.0 40",
            "cpu,host=c usage=-1e-300 20",
            "cpu,host=new usage=4.0 99999999999999",
        ]
    );
    assert_eq!(text.matches("# CONTEXT-RETENTION-POLICY:long one\n").count(), 1);

    let said = run(&[
        "export",
        &server.url(),
        "-d",
        "my db",
        "--rp",
        "autogen",
        "--measurement",
        "line",
        "--lponly",
        "--out",
        "-",
    ]);
    assert_eq!(said.output, "line v=\"two\nlines\" 70\n");
    let said = run(&[
        "export",
        &server.url(),
        "-d",
        "my db",
        "--end",
        "1970-01-01T00:00:00.00000002Z",
        "--lponly",
        "--compress",
        "--out",
        "-",
    ]);
    assert!(said.succeeded && said.errors.contains("2 points written"), "{}", said.errors);
    for (arguments, error) in [
        (["-d", "nodb"], "there is no database \"nodb\""),
        (["--rp", "norp"], "there is no retention policy \"norp\""),
        (["--measurement", "gone"], "there is no measurement \"gone\""),
    ] {
        let mut all = vec!["export", "--out", &out];
        let url = server.url();
        all.push(&url);
        all.extend(arguments);
        let said = must_fail(&all);
        assert!(said.contains(error), "{said}");
    }
}

#[test]
fn parquet_files_are_of_one_measurement_and_can_go_elsewhere() {
    let folder = Folder::new();
    let server = source(&folder);
    let out = folder.text("out");
    must(&["export", &server.url(), "-d", "my db", "--rp", "autogen", "--format", "parquet", "--out", &out]);
    let names: Vec<String> =
        files_below(&folder.path("out")).iter().map(|path| path.to_str().unwrap().to_owned()).collect();
    assert_eq!(
        names,
        [
            "ddl.txt",
            "my%20db/autogen/back%5Cslash/00000.parquet",
            "my%20db/autogen/cpu/00000.parquet",
            "my%20db/autogen/line/00000.parquet",
            "my%20db/autogen/we%20ather%2C1/00000.parquet",
        ]
    );
    let target = Server::start(&folder.path("target"));
    target.query("", "CREATE DATABASE elsewhere");
    // A single file, under another database: no statements, its default policy.
    must(&["import", &target.url(), "-d", "elsewhere", &format!("{out}/my%20db/autogen/cpu/00000.parquet")]);
    let question = "SELECT * FROM cpu GROUP BY *";
    assert_eq!(target.query("elsewhere", question), server.query("my db", question));
    assert!(!target.query("", "SHOW DATABASES").to_string().contains("my db"));
    // The data files of a server say nothing of measurements.
    server.stop();
    let data = files_below(&folder.path("source"))
        .into_iter()
        .find(|p| p.extension().is_some_and(|e| e == "parquet"));
    let said =
        must_fail(&["import", &target.url(), folder.path("source").join(data.unwrap()).to_str().unwrap()]);
    assert!(said.contains("it says nothing of a measurement"), "{said}");
}

/// As `influx_inspect export` of InfluxDB 1.8 writes it: a line for each value, one version of a point after the other, a database created for
/// each of its policies.
const INSPECTED: &str = r#"# INFLUXDB EXPORT: 1677-09-21T00:12:43Z - 2262-04-11T23:47:16Z
# DDL
CREATE DATABASE old WITH NAME autogen
CREATE DATABASE old WITH NAME "one week"
# DML
# CONTEXT-DATABASE:old
# CONTEXT-RETENTION-POLICY:autogen
# writing tsm data
cpu,host=a\ b usage=0.5 1500000000000000000
cpu,host=a\ b usage=1.5 1500000010000000000
cpu,host=a\ b note="say \"hi\"" 1500000000000000000
cpu,host=a\ b count=7i 1500000000000000000
cpu,host=a\ b usage=2.5 1500000000000000000
# writing wal data
cpu,host=a\ b usage=3.5 1500000000000000000
# CONTEXT-DATABASE:old
# CONTEXT-RETENTION-POLICY:one week
# writing tsm data
mem,host=c free=1i 1500000000000000000
"#;

#[test]
fn a_file_of_influx_inspect_is_imported() {
    let folder = Folder::new();
    let mut packed = Vec::new();
    flate2::read::GzEncoder::new(INSPECTED.as_bytes(), flate2::Compression::default())
        .read_to_end(&mut packed)
        .unwrap();
    std::fs::write(folder.path("plain.txt"), INSPECTED).unwrap();
    std::fs::write(folder.path("packed.gz"), packed).unwrap();
    for (number, file) in ["plain.txt", "packed.gz"].into_iter().enumerate() {
        let server = Server::start(&folder.path(&format!("data {number}")));
        // One line a request: only their order keeps the newest version of a point the last.
        let said = must(&["import", &server.url(), "--batch-lines", "1", &folder.text(file)]);
        assert!(said.contains("7 points written"), "{said}");
        let rows = server.rows("old", "SELECT count, note, usage FROM cpu GROUP BY host");
        let expected = serde_json::json!([
            ["a b", 1_500_000_000_000_000_000_i64, 7, "say \"hi\"", 3.5],
            ["a b", 1_500_000_010_000_000_000_i64, null, null, 1.5]
        ]);
        assert_eq!(serde_json::json!(rows), expected);
        assert_eq!(server.rows("old", "SELECT free FROM \"one week\".mem").len(), 1);
    }
}

#[test]
fn a_statement_that_fails_does_not_keep_the_points_out() {
    let folder = Folder::new();
    let file = "# DDL\nCREATE DATABASE there WITH DURATION 1d NAME x\nCREATE NONSENSE\n# DML\n# CONTEXT-DATABASE: there\nm v=1 1\n";
    std::fs::write(folder.path("file.txt"), file).unwrap();
    let server = Server::start(&folder.path("data"));
    server.query("", "CREATE DATABASE there");
    let said = must_fail(&["import", &server.url(), &folder.text("file.txt")]);
    assert!(said.contains("line 3: CREATE NONSENSE: error parsing query"), "{said}");
    assert!(said.contains("1 point written, 1 statement failed"), "{said}");
    assert_eq!(server.rows("there", "SELECT v FROM m").len(), 1);
}
