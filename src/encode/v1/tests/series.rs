//! Where series begin and end, and those without rows.

use super::{encode, epoch_s};
use crate::encode::v1::{Format, Options, ResponseEncoder, Split, StatementStyle};
use crate::model::result::ResultShape;
use arrow::array::{ArrayRef, RecordBatch, StringViewArray};
use arrow::datatypes::{Field, Schema};
use std::sync::Arc;

#[test]
fn runs_are_found_at_any_length() {
    for lengths in [vec![1, 1, 1], vec![7, 1, 9], vec![64, 3], vec![1, 100, 2, 5]] {
        let names = ["a", "b", "c", "d"];
        let rows: Vec<(i64, Option<f64>)> = (0..100).map(|i| (i, Some(1.0))).collect();
        let statement: Vec<_> = lengths
            .iter()
            .zip(names)
            .map(|(length, name)| (name, &[] as &[&str], &rows[..*length]))
            .collect();
        let encoded = encode(
            &epoch_s(Options { format: Format::Csv, ..Options::default() }),
            Split::Rows,
            &[],
            &[&statement],
        );
        let text = String::from_utf8(encoded).expect("UTF-8");
        let counts: Vec<usize> = names[..lengths.len()]
            .iter()
            .map(|name| text.lines().filter(|line| line.starts_with(&format!("{name},"))).count())
            .collect();
        assert_eq!(counts, lengths);
    }
}

#[test]
fn empty_series_shows_its_columns() {
    let shape = ResultShape {
        schema: Arc::new(Schema::new(vec![Field::new("name", arrow::datatypes::DataType::Utf8View, false)])),
        name: 0,
        group_tags: Vec::new(),
        columns: vec![("user".into(), 0), ("admin".into(), 0)],
        time_zone: None,
    };
    let run = |format| {
        let mut encoder = ResponseEncoder::new(&Options { format, ..Options::default() });
        encoder.begin_statement(
            0,
            StatementStyle { split: Split::Whole, empty_series: Some(""), ..StatementStyle::default() },
        );
        encoder.rows(&shape);
        encoder.end_statement();
        encoder.finish();
        String::from_utf8(encoder.take()).expect("UTF-8")
    };
    assert_eq!(
        run(Format::Json),
        "{\"results\":[{\"statement_id\":0,\"series\":[{\"columns\":[\"user\",\"admin\"]}]}]}\n"
    );
    assert_eq!(run(Format::Csv), "name,tags,user,admin\n");
}

/// As InfluxDB 1.6.7 answers SHOW CONTINUOUS QUERIES.
#[test]
fn a_row_of_nulls_stands_for_a_series_without_rows() {
    let text = |values: &[Option<&str>]| Arc::new(StringViewArray::from(values.to_vec())) as ArrayRef;
    let batch = RecordBatch::try_from_iter_with_nullable([
        ("database", text(&[Some("a"), Some("b"), Some("c")]), false),
        ("name", text(&[None, Some("q"), None]), true),
        ("query", text(&[None, Some("CREATE"), None]), true),
    ])
    .expect("columns of one length");
    let shape = ResultShape {
        schema: batch.schema(),
        name: 0,
        group_tags: Vec::new(),
        columns: vec![("name".into(), 1), ("query".into(), 2)],
        time_zone: None,
    };
    let run = |null_row_is_no_row| {
        let mut encoder = ResponseEncoder::new(&Options::default());
        let style = StatementStyle { split: Split::Whole, null_row_is_no_row, ..StatementStyle::default() };
        encoder.begin_statement(0, style);
        encoder.rows(&shape);
        encoder.batch(&batch).expect("a batch of the shape");
        encoder.end_statement();
        encoder.finish();
        String::from_utf8(encoder.take()).expect("UTF-8")
    };
    let series = |name: &str, values: &str| {
        format!("{{\"name\":\"{name}\",\"columns\":[\"name\",\"query\"]{values}}}")
    };
    let whole = |series: [String; 3]| {
        format!("{{\"results\":[{{\"statement_id\":0,\"series\":[{}]}}]}}\n", series.join(","))
    };
    let query = ",\"values\":[[\"q\",\"CREATE\"]]";
    assert_eq!(run(true), whole([series("a", ""), series("b", query), series("c", "")]));
    let nulls = ",\"values\":[[null,null]]";
    assert_eq!(run(false), whole([series("a", nulls), series("b", query), series("c", nulls)]));
}
