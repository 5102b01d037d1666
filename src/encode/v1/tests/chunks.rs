//! Responses in chunks, and those that a limit of rows cuts.

use super::{A_AND_B, Rows, check, check_split};
use crate::encode::v1::{Options, Split};

#[test]
fn chunks_end_with_series_and_rows() {
    let options = |rows| Options { chunk_rows: Some(rows), ..Options::default() };
    check(
        options(2),
        &["h"],
        &[A_AND_B, &[("n", &[""], &[(0, Some(5.0))])]],
        concat!(
            r#"{"results":[{"statement_id":0,"series":[{"name":"m","tags":{"h":"a"},"columns":["time","v"],"values":[[0,1],[1,2]],"partial":true}],"partial":true}]}"#,
            "\n",
            r#"{"results":[{"statement_id":0,"series":[{"name":"m","tags":{"h":"a"},"columns":["time","v"],"values":[[2,3]]}],"partial":true}]}"#,
            "\n",
            r#"{"results":[{"statement_id":0,"series":[{"name":"m","tags":{"h":"b"},"columns":["time","v"],"values":[[3,null]]}]}]}"#,
            "\n",
            r#"{"results":[{"statement_id":1,"series":[{"name":"n","tags":{"h":""},"columns":["time","v"],"values":[[0,5]]}]}]}"#,
            "\n"
        ),
    );
    check(
        options(3),
        &[],
        &[&[("m", &[], &[(0, Some(1.0)), (1, Some(2.0)), (2, Some(3.0))])]],
        concat!(
            r#"{"results":[{"statement_id":0,"series":[{"name":"m","columns":["time","v"],"values":[[0,1],[1,2],[2,3]]}]}]}"#,
            "\n"
        ),
    );
    check(options(3), &[], &[&[]], "{\"results\":[{\"statement_id\":0}]}\n");
}

#[test]
fn chunks_of_other_statements_are_not_partial() {
    let rows: Rows<'_> = &[("m", &[], &[(0, Some(1.0)), (1, Some(2.0))]), ("n", &[], &[(0, Some(3.0))])];
    let options = || Options { chunk_rows: Some(1), ..Options::default() };
    check_split(
        options(),
        Split::Series,
        &[],
        &[rows],
        concat!(
            r#"{"results":[{"statement_id":0,"series":[{"name":"m","columns":["time","v"],"values":[[0,1],[1,2]]}]}]}"#,
            "\n",
            r#"{"results":[{"statement_id":0,"series":[{"name":"n","columns":["time","v"],"values":[[0,3]]}]}]}"#,
            "\n"
        ),
    );
    check_split(
        options(),
        Split::Whole,
        &[],
        &[rows],
        concat!(
            r#"{"results":[{"statement_id":0,"series":[{"name":"m","columns":["time","v"],"values":[[0,1],[1,2]]},{"name":"n","columns":["time","v"],"values":[[0,3]]}]}]}"#,
            "\n"
        ),
    );
}

#[test]
fn row_limit_counts_over_statements_and_marks_the_cut_series() {
    let one: Rows<'_> = &[("m", &[], &[(0, Some(1.0)), (1, Some(2.0))])];
    let cut = r#"{"name":"m","columns":["time","v"],"values":[[0,1]],"partial":true}"#;
    let whole = r#"{"name":"m","columns":["time","v"],"values":[[0,1],[1,2]]}"#;
    let limited = |limit| Options { row_limit: Some(limit), ..Options::default() };
    check(
        limited(3),
        &[],
        &[one, one, one],
        &format!(
            "{{\"results\":[{{\"statement_id\":0,\"series\":[{whole}]}},{{\"statement_id\":1,\"series\":[{cut}]}}]}}\n"
        ),
    );
    check(limited(1), &[], &[one], &format!("{{\"results\":[{{\"statement_id\":0,\"series\":[{cut}]}}]}}\n"));
    check(
        limited(2),
        &[],
        &[one],
        &format!("{{\"results\":[{{\"statement_id\":0,\"series\":[{whole}]}}]}}\n"),
    );
}
