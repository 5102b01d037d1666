//! MessagePack.

use super::{Rows, encode};
use crate::encode::v1::{Format, Options, ResponseEncoder, Split, StatementStyle, error_body};
use crate::model::result::ResultShape;
use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringViewArray};
use std::sync::Arc;

#[test]
fn message_pack_is_the_map_of_the_json_form() {
    let options = Options { format: Format::MessagePack, ..Options::default() };
    let rows: Rows<'_> = &[("fl", &[], &[(0, Some(0.0)), (-1, Some(1.5))])];
    // As recorded, but for the lengths of results, series and values, which take the 32-bit form here.
    let recorded: &[u8] = b"\x81\xa7results\xdd\0\0\0\x02\x82\xacstatement_id\x00\xa6series\xdd\0\0\0\x01\x83\xa4name\xa2fl\xa7columns\x92\xa4time\xa1v\xa6values\xdd\0\0\0\x02\x92\xc7\x0c\x05\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xcb\x00\x00\x00\x00\x00\x00\x00\x00\x92\xc7\x0c\x05\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00\x82\xacstatement_id\x01\xa6series\xdd\0\0\0\0";
    assert_eq!(encode(&options, Split::Rows, &[], &[rows, &[]]), recorded);
    assert_eq!(encode(&options, Split::Rows, &[], &[]), b"\x81\xa7results\x90");
    assert_eq!(
        error_body(Format::MessagePack, false, "missing required parameter \"q\""),
        b"\x81\xa5error\xbemissing required parameter \"q\""
    );

    let mut encoder = ResponseEncoder::new(&options);
    encoder.begin_statement(0, StatementStyle::default());
    encoder.error("undefined function foo()");
    encoder.end_statement();
    assert_eq!(encoder.ready_bytes(), 0, "the length of `results` is not known yet");
    encoder.finish();
    assert_eq!(encoder.take(), b"\x81\xa7results\xdd\0\0\0\x01\x81\xa5error\xb8undefined function foo()");
}

#[test]
fn message_pack_integers_are_short() {
    let column = Int64Array::from(vec![-200, 255, 40_000, -33, i64::MAX, -1, 127, 128]);
    let batch = RecordBatch::try_from_iter([
        ("name", Arc::new(StringViewArray::from(vec!["m"; 8])) as ArrayRef),
        ("i", Arc::new(column)),
    ])
    .expect("columns of one length");
    let shape = ResultShape {
        schema: batch.schema(),
        name: 0,
        group_tags: Vec::new(),
        columns: vec![("i".into(), 1)],
        time_zone: None,
    };
    let mut encoder = ResponseEncoder::new(&Options { format: Format::MessagePack, ..Options::default() });
    encoder.begin_statement(0, StatementStyle::default());
    encoder.rows(&shape);
    encoder.batch(&batch).expect("a batch of the shape");
    encoder.end_statement();
    encoder.finish();
    let recorded: &[u8] = b"\x91\xd1\xff8\x91\xd1\x00\xff\x91\xd2\x00\x00\x9c@\x91\xd0\xdf\x91\xd3\x7f\xff\xff\xff\xff\xff\xff\xff\x91\xff\x91\x7f\x91\xd1\x00\x80";
    assert!(encoder.take().ends_with(recorded));
}
