//! JSON, on one line and pretty.

use super::{A_AND_B, check};
use crate::encode::v1::{Format, Options, error_body};

#[test]
fn json_groups_rows_into_series() {
    check(
        Options::default(),
        &["h"],
        &[A_AND_B],
        concat!(
            r#"{"results":[{"statement_id":0,"series":[{"name":"m","tags":{"h":"a"},"columns":["time","v"],"#,
            r#""values":[[0,1],[1,2],[2,3]]},{"name":"m","tags":{"h":"b"},"columns":["time","v"],"values":[[3,null]]}]}]}"#,
            "\n"
        ),
    );
}

#[test]
fn json_without_statements_rows_or_name() {
    check(Options::default(), &[], &[], "{}\n");
    check(Options::default(), &[], &[&[]], "{\"results\":[{\"statement_id\":0}]}\n");
    check(
        Options::default(),
        &[],
        &[&[("", &[], &[(0, Some(1.5))])]],
        "{\"results\":[{\"statement_id\":0,\"series\":[{\"columns\":[\"time\",\"v\"],\"values\":[[0,1.5]]}]}]}\n",
    );
}

#[test]
fn pretty_json_is_indented_by_four() {
    check(
        Options { pretty: true, ..Options::default() },
        &["h"],
        &[&[("m", &["a"], &[(0, Some(1.5))])]],
        r#"{
    "results": [
        {
            "statement_id": 0,
            "series": [
                {
                    "name": "m",
                    "tags": {
                        "h": "a"
                    },
                    "columns": [
                        "time",
                        "v"
                    ],
                    "values": [
                        [
                            0,
                            1.5
                        ]
                    ]
                }
            ]
        }
    ]
}
"#,
    );
    assert_eq!(error_body(Format::Json, true, "a<b"), b"{\n    \"error\": \"a\\u003cb\"\n}\n");
}
