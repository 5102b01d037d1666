use super::influxql::Answer;
use super::session::{Format, Language};
use super::shell::{Line, is_complete, names_password, read_line};
use super::sql::to_texts;
use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray, TimestampNanosecondArray};
use std::sync::Arc;

#[test]
fn an_answer_becomes_tables() {
    let answer: Answer = serde_json::from_str(
        r#"{"results":[{"statement_id":0,"messages":[{"level":"warning","text":"deprecated"}],"series":[
            {"name":"weather","tags":{"origin":"EWR"},"columns":["time","max","note"],
             "values":[["2013-01-01T00:00:00Z",39.02,null],["2013-01-02T00:00:00Z",4,"a\nb"]]},
            {"name":"weather","tags":{"origin":"JFK"},"columns":["time","max","note"],"values":[["x",1,true]],"partial":true}],
            "partial":true},
            {"statement_id":1,"error":"database not found: x"}]}"#,
    )
    .unwrap();
    assert_eq!(
        answer.to_tables(),
        "\
warning: deprecated

name: weather
tags: origin=EWR
┌──────────────────────┬───────┬──────┐
│ time                 ┆   max ┆ note │
╞══════════════════════╪═══════╪══════╡
│ 2013-01-01T00:00:00Z ┆ 39.02 ┆      │
│ 2013-01-02T00:00:00Z ┆     4 ┆ a b  │
└──────────────────────┴───────┴──────┘

name: weather
tags: origin=JFK
┌──────┬─────┬──────┐
│ time ┆ max ┆ note │
╞══════╪═════╪══════╡
│ x    ┆   1 ┆ true │
└──────┴─────┴──────┘
(there are more rows; the server cut the answer)
"
    );
    assert_eq!(answer.failure().unwrap(), "database not found: x");
}

#[test]
fn a_batch_becomes_texts() {
    let columns: [(&str, ArrayRef); 3] = [
        ("time", Arc::new(TimestampNanosecondArray::from(vec![0, 1_500_000_000]))),
        ("origin", Arc::new(StringArray::from(vec![Some("EWR"), None]))),
        ("temp", Arc::new(Float64Array::from(vec![None, Some(1.5)]))),
    ];
    let batch = RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, column)| (name, column, true)),
    )
    .unwrap();
    assert_eq!(
        to_texts(&batch).unwrap(),
        [["1970-01-01T00:00:00", "EWR", ""], ["1970-01-01T00:00:01.500", "", "1.5"]]
    );
}

#[test]
fn lines_of_the_shell() {
    let check = |line: &str, expected: Line| assert_eq!(read_line(line), expected, "{line:?}");
    let used =
        |database: &str, policy: Option<&str>| Line::Use(database.to_owned(), policy.map(ToOwned::to_owned));
    check("", Line::Empty);
    check(" ; ", Line::Empty);
    check("use nyc", used("nyc", None));
    check("USE nyc.autogen;", used("nyc", Some("autogen")));
    check("use \"a.b\".\"c d\"", used("a.b", Some("c d")));
    check("use", Line::Wrong("use DATABASE[.POLICY]"));
    check("use a b", Line::Wrong("use DATABASE[.POLICY]"));
    check("format csv", Line::Format(Format::Csv));
    check("format xml", Line::Wrong("format table|csv|json"));
    check("precision ms", Line::Precision("ms".to_owned()));
    check("language SQL", Line::Language(Language::Sql));
    check("exit", Line::Exit);
    check("help", Line::Help);
    check("SELECT 1", Line::Statement);
}

#[test]
fn statements_end_with_a_semicolon_or_an_empty_line() {
    assert!(is_complete("SELECT 1;\n"));
    assert!(is_complete("SELECT 1\n; \n"));
    assert!(is_complete("SELECT 1\n\n"));
    assert!(!is_complete("SELECT 1\n"));
}

#[test]
fn lines_with_a_password_are_not_kept() {
    assert!(names_password("create user u with Password 'secret'"));
    assert!(names_password("SET PASSWORD FOR u = 'secret';"));
    assert!(!names_password("SHOW USERS"));
}
