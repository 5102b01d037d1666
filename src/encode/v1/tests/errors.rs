//! Messages and errors, alone and after rows.

use super::{Rows, batches, epoch_s};
use crate::encode::v1::{Options, ResponseEncoder, StatementStyle};

#[test]
fn messages_and_errors_end_a_result() {
    let mut encoder = ResponseEncoder::new(&Options::default());
    encoder.begin_statement(0, StatementStyle::default());
    encoder.message("deprecated");
    encoder.end_statement();
    encoder.begin_statement(1, StatementStyle::default());
    encoder.error("undefined function foo()");
    encoder.end_statement();
    encoder.finish();
    assert_eq!(
        String::from_utf8_lossy(&encoder.take()),
        concat!(
            r#"{"results":[{"statement_id":0,"messages":[{"level":"warning","text":"deprecated"}]},"#,
            r#"{"statement_id":1,"error":"undefined function foo()"}]}"#,
            "\n"
        )
    );
}

#[test]
fn an_error_after_rows_stands_beside_them() {
    let (shape, batches) = batches(&[], &[("m", &[], &[(0, Some(1.0))])], 10);
    let run = |chunk_rows| {
        let mut encoder = ResponseEncoder::new(&epoch_s(Options { chunk_rows, ..Options::default() }));
        encoder.begin_statement(0, StatementStyle::default());
        encoder.rows(&shape);
        encoder.batch(&batches[0]).expect("a batch of the shape");
        encoder.error("query interrupted");
        encoder.batch(&batches[0]).expect("a batch of the shape");
        encoder.end_statement();
        encoder.finish();
        String::from_utf8(encoder.take()).expect("JSON is UTF-8")
    };
    let series = r#"{"name":"m","columns":["time","v"],"values":[[0,1]]}"#;
    assert_eq!(
        run(None),
        format!(
            "{{\"results\":[{{\"statement_id\":0,\"series\":[{series}],\"error\":\"query interrupted\"}}]}}\n"
        )
    );
    assert_eq!(
        run(Some(10)),
        format!(
            "{{\"results\":[{{\"statement_id\":0,\"series\":[{series}],\"partial\":true}}]}}\n{{\"results\":[{{\"statement_id\":0,\"error\":\"query interrupted\"}}]}}\n"
        )
    );
}

/// The form of 1.12; 1.6 sends the message as plain text.
#[test]
fn infinity_takes_the_place_of_the_document() {
    let rows: Rows<'_> = &[("m", &[], &[(0, Some(1.0)), (1, Some(f64::INFINITY)), (2, Some(2.0))])];
    let after: Rows<'_> = &[("m", &[], &[(0, Some(f64::NAN))])];
    let (shape, whole) = batches(&[], rows, 10);
    let (_, next) = batches(&[], after, 10);
    let run = |chunk_rows, takes_early: bool| {
        let mut encoder = ResponseEncoder::new(&epoch_s(Options { chunk_rows, ..Options::default() }));
        let mut out = Vec::new();
        for (id, batch) in [&whole[0], &next[0]].into_iter().enumerate() {
            encoder.begin_statement(id, StatementStyle::default());
            encoder.rows(&shape);
            for row in 0..batch.num_rows() {
                encoder.batch(&batch.slice(row, 1)).expect("a batch of the shape");
                if takes_early {
                    out.extend(encoder.take());
                }
            }
            encoder.end_statement();
        }
        encoder.finish();
        out.extend(encoder.take());
        String::from_utf8(out).expect("JSON is UTF-8")
    };
    let error = r#""error":"json: unsupported value: +Inf""#;
    let null = r#"{"statement_id":1,"series":[{"name":"m","columns":["time","v"],"values":[[0,null]]}]}"#;
    assert_eq!(run(None, false), format!("{{{error}}}\n"));
    assert_eq!(run(Some(10), false), format!("{{{error}}}\n{{\"results\":[{null}]}}\n"));
    let first = r#"{"statement_id":0,"series":[{"name":"m","columns":["time","v"],"values":[[0,1]]}]"#;
    assert_eq!(run(None, true), format!("{{\"results\":[{first},{error}}},{null}]}}\n"));
}
