//! Conditions become conditions on series, or are refused.

use super::{delete, drop_series};
use crate::model::change::Change;
use crate::model::database::{DatabaseInfo, PolicyInfo, TableInfo};
use crate::model::ids::{DatabaseId, PolicyId, TableId};
use crate::model::schema::{ColumnKind, TableSchema};
use crate::model::state::State;
use crate::model::time::DAY_NS;
use crate::model::value::FieldType;
use crate::query::command::Command;
use crate::query::influxql::source::Defaults;
use crate::query::statement::StatementContext;
use influxql::ast::Statement;
use std::sync::Arc;

/// Database `d` with a table `m`: tags `g`, `h` and `both`, fields `f` and `both`.
fn state() -> State {
    let columns = [
        ("g", ColumnKind::Tag),
        ("h", ColumnKind::Tag),
        ("both", ColumnKind::Tag),
        ("f", ColumnKind::Field(FieldType::Float)),
        ("both", ColumnKind::Field(FieldType::Float)),
    ];
    let schema = TableSchema::default().with_columns(columns).unwrap().unwrap();
    let (database, policy) = (DatabaseId(0), PolicyId(0));
    let changes = [
        Change::CreateDatabase(Arc::new(DatabaseInfo {
            id: database,
            name: "d".into(),
            default_policy: "autogen".into(),
        })),
        Change::PutPolicy(Arc::new(PolicyInfo {
            id: policy,
            database,
            name: "autogen".into(),
            duration_ns: 0,
            shard_duration_ns: 7 * DAY_NS,
            replica_n: 1,
            future_limit_ns: 0,
            past_limit_ns: 0,
        })),
        Change::PutTable(Arc::new(TableInfo {
            id: TableId(0),
            database,
            policy,
            name: "m".into(),
            schema: Arc::new(schema),
        })),
    ];
    State::default().with_changes(&changes).unwrap()
}

/// What a statement deletes from `m`: `times series` as JSON, nothing, or an error.
fn deleted(text: &str) -> String {
    let statements = influxql::parse(text, &influxql::Params::new()).unwrap();
    let defaults = Defaults { database: Some("d"), policy: None };
    let context = StatementContext { defaults, now_ns: 1_000 };
    let command = match &statements[0] {
        Statement::Delete(statement) => delete(statement, &state(), context),
        Statement::DropSeries(statement) => drop_series(statement, &state(), context),
        other => panic!("no deletion: {other}"),
    };
    match command {
        Ok(Command::Delete { deletions }) => deletions
            .iter()
            .map(|d| {
                let end = if d.times.end_ns == i64::MAX { String::new() } else { d.times.end_ns.to_string() };
                let start = if d.times.start_ns == i64::MIN + 2 {
                    String::new()
                } else {
                    d.times.start_ns.to_string()
                };
                format!("{start}..{end} {}", serde_json::to_string(&d.series).unwrap())
            })
            .collect(),
        Ok(other) => panic!("no deletion: {other:?}"),
        Err(error) => format!("error: {error}"),
    }
}

#[test]
fn conditions_are_split_into_times_and_series() {
    for (condition, expected) in [
        ("time < 5", "..5 []"),
        ("time >= 5 AND time <= now()", "5..1001 []"),
        ("h = 'a'", r#".. [{"tag_in":{"tag":"h","values":["a"]}}]"#),
        ("'a' != h AND time = 5", r#"5..6 [{"tag_in":{"tag":"h","values":["a"]}},"not"]"#),
        (
            "h = 'a' OR (h = '' OR h = 'b')",
            r#".. [{"tag_in":{"tag":"h","values":["","b"]}},{"tag_in":{"tag":"h","values":["a"]}},"or"]"#,
        ),
        ("h = 'b' OR h = 'a'", r#".. [{"tag_in":{"tag":"h","values":["a","b"]}}]"#),
        (
            "h =~ /a/ AND nosuch !~ /b/",
            r#".. [{"tag_matches":{"tag":"h","pattern":"a"}},{"tag_matches":{"tag":"nosuch","pattern":"b"}},"not","and"]"#,
        ),
        ("h = g", r#".. [{"tags_equal":["h","g"]}]"#),
        ("both::tag = 'a'", r#".. [{"tag_in":{"tag":"both","values":["a"]}}]"#),
        ("_name = 'm'", ".. []"),
        ("_name != 'm'", ""),
        ("_name =~ /x/ OR true", ".. []"),
        ("false", ""),
        ("time > 5 AND time < 5", ""),
        ("h > 'a'", "error: invalid tag comparison operator: >"),
        ("time != 5", "error: invalid time comparison operator: !="),
    ] {
        assert_eq!(deleted(&format!("DELETE FROM m WHERE {condition}")), expected, "{condition}");
    }
    assert_eq!(deleted("DROP SERIES FROM m"), ".. []");
    assert_eq!(deleted("DELETE FROM autogen.m"), ".. []");
    assert_eq!(deleted("DELETE FROM nosuch WHERE f = 1"), "");
    let of_time = "error: DROP SERIES doesn't support time in WHERE clause";
    assert_eq!(deleted("DROP SERIES WHERE h = 'a' AND time > 0"), of_time);
}

#[test]
fn conditions_on_fields_are_refused() {
    for condition in [
        "f = 1",
        "f != 'x'",
        "f = ''",
        "f =~ /x/",
        "f = h",
        "h = f",
        "both = 'a'",
        "h::field = 'a'",
        "h = 1",
        "h = true",
        "h + 'a' = 'b'",
        "mean(f) = 1",
        "h = 'a' AND f > 1",
        "h = 'a' OR nosuch = 1",
    ] {
        let text = deleted(&format!("DELETE FROM m WHERE {condition}"));
        assert_eq!(text, "error: fields not supported in WHERE clause during deletion", "{condition}");
    }
}
