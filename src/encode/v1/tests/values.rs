//! Numbers, strings and booleans in JSON and CSV.

use crate::encode::v1::{Format, Options, ResponseEncoder, StatementStyle};
use crate::model::result::ResultShape;
use arrow::array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray, StringViewArray, UInt64Array,
};
use std::sync::Arc;

/// A one-column result in each format, without the frame around the values.
fn values(column: ArrayRef) -> (Vec<String>, Vec<String>) {
    let rows = column.len();
    let batch = RecordBatch::try_from_iter([
        ("name", Arc::new(StringViewArray::from(vec!["m"; rows])) as ArrayRef),
        ("v", column),
    ])
    .expect("columns of one length");
    let shape = ResultShape {
        schema: batch.schema(),
        name: 0,
        group_tags: Vec::new(),
        columns: vec![("v".into(), 1)],
        time_zone: None,
    };
    let text = |format| {
        let mut encoder = ResponseEncoder::new(&Options { format, ..Options::default() });
        encoder.begin_statement(0, StatementStyle::default());
        encoder.rows(&shape);
        encoder.batch(&batch).expect("a batch of the shape");
        encoder.end_statement();
        encoder.finish();
        String::from_utf8(encoder.take()).expect("UTF-8")
    };
    let json = text(Format::Json);
    let json = json.split_once("\"values\":[[").and_then(|(_, rest)| rest.strip_suffix("]]}]}]}\n"));
    let csv = text(Format::Csv);
    let csv = csv.strip_prefix("name,tags,v\nm,,").and_then(|rest| rest.strip_suffix('\n'));
    (
        json.expect("a JSON frame").split("],[").map(str::to_owned).collect(),
        csv.expect("a CSV frame").split("\nm,,").map(str::to_owned).collect(),
    )
}

#[test]
fn floats_print_as_go_prints_them() {
    let cases: &[(f64, &str, &str)] = &[
        (0.0, "0", "0"),
        (-0.0, "-0", "-0"),
        (1.0, "1", "1"),
        (-1.0, "-1", "-1"),
        (1.5, "1.5", "1.5"),
        (100.0, "100", "100"),
        (1e-7, "1e-7", "0.0000001"),
        (-1e-7, "-1e-7", "-0.0000001"),
        (1e-6, "0.000001", "0.000001"),
        (0.000_001_234, "0.000001234", "0.000001234"),
        (9.99e-7, "9.99e-7", "0.000000999"),
        (1.234_567e-10, "1.234567e-10", "0.0000000001234567"),
        (1e20, "100000000000000000000", "100000000000000000000"),
        (1e21, "1e+21", "1000000000000000000000"),
        (123_456_789_012_345_678_901.0, "123456789012345680000", "123456789012345680000"),
        (-1e21, "-1e+21", "-1000000000000000000000"),
        (0.1, "0.1", "0.1"),
        (0.300_000_000_000_000_04, "0.30000000000000004", "0.30000000000000004"),
        (123_456_789.123_456_78, "123456789.12345678", "123456789.12345678"),
        (9_007_199_254_740_992.0, "9007199254740992", "9007199254740992"),
        (9_007_199_254_740_991.0, "9007199254740991", "9007199254740991"),
        (4_503_599_627_370_498.0, "4503599627370498", "4503599627370498"),
        (1e15, "1000000000000000", "1000000000000000"),
        (1e16, "10000000000000000", "10000000000000000"),
        (12_345_678_901_234_568.0, "12345678901234568", "12345678901234568"),
        (1e17, "100000000000000000", "100000000000000000"),
        (1e22, "1e+22", "10000000000000000000000"),
        (1.2345e25, "1.2345e+25", "12345000000000000000000000"),
        (1.5e-9, "1.5e-9", "0.0000000015"),
        (1e-10, "1e-10", "0.0000000001"),
        (0.00001, "0.00001", "0.00001"),
        (0.000_123_4, "0.0001234", "0.0001234"),
        (std::f64::consts::PI, "3.141592653589793", "3.141592653589793"),
        (f64::NAN, "null", ""),
    ];
    let column = Float64Array::from_iter_values(cases.iter().map(|(value, _, _)| *value));
    let (json, csv) = values(Arc::new(column));
    assert_eq!(json, cases.iter().map(|(_, json, _)| *json).collect::<Vec<_>>());
    assert_eq!(csv, cases.iter().map(|(_, _, csv)| *csv).collect::<Vec<_>>());

    let (json, csv) = values(Arc::new(Float64Array::from(vec![f64::MAX, 5e-324, f64::MIN_POSITIVE])));
    assert_eq!(json, ["1.7976931348623157e+308", "5e-324", "2.2250738585072014e-308"]);
    assert_eq!(csv[0], format!("17976931348623157{}", "0".repeat(292)));
    assert_eq!(csv[1], format!("0.{}5", "0".repeat(323)));
    assert_eq!(csv[2], format!("0.{}22250738585072014", "0".repeat(307)));
}

#[test]
fn strings_are_escaped_as_go_escapes_them() {
    let cases = [
        ("a\u{8}b\u{c}c", "\"a\\u0008b\\u000cc\"", "a\u{8}b\u{c}c"),
        ("\u{1}\u{1f}\u{7f}", "\"\\u0001\\u001f\u{7f}\"", "\u{1}\u{1f}\u{7f}"),
        ("tab\ttab", "\"tab\\ttab\"", "tab\ttab"),
        ("cr\rcr", "\"cr\\rcr\"", "\"cr\rcr\""),
        ("\u{2028}\u{2029}", "\"\\u2028\\u2029\"", "\"\u{2028}\u{2029}\""),
        ("\u{2027}x\u{20ac}", "\"\u{2027}x\u{20ac}\"", "\u{2027}x\u{20ac}"),
        ("<>&'\"\\/", "\"\\u003c\\u003e\\u0026'\\\"\\\\/\"", "\"<>&'\"\"\\/\""),
        ("é漢😀", "\"é漢😀\"", "é漢😀"),
        (" lead", "\" lead\"", "\" lead\""),
        ("\u{b}", "\"\\u000b\"", "\"\u{b}\""),
        ("\\.", "\"\\\\.\"", "\"\\.\""),
        ("a,b", "\"a,b\"", "\"a,b\""),
        ("", "\"\"", ""),
    ];
    for column in [
        Arc::new(StringArray::from_iter_values(cases.map(|(text, _, _)| text))) as ArrayRef,
        Arc::new(StringViewArray::from_iter_values(cases.map(|(text, _, _)| text))),
    ] {
        let (json, csv) = values(column);
        assert_eq!(json, cases.map(|(_, json, _)| json));
        assert_eq!(csv, cases.map(|(_, _, csv)| csv));
    }
}

#[test]
fn other_values() {
    let (json, csv) = values(Arc::new(Int64Array::from(vec![Some(i64::MIN), None, Some(i64::MAX)])));
    assert_eq!(json, ["-9223372036854775808", "null", "9223372036854775807"]);
    assert_eq!(csv, ["-9223372036854775808", "", "9223372036854775807"]);
    let (json, _) = values(Arc::new(UInt64Array::from(vec![u64::MAX])));
    assert_eq!(json, ["18446744073709551615"]);
    let (json, csv) = values(Arc::new(BooleanArray::from(vec![Some(true), Some(false), None])));
    assert_eq!(json, ["true", "false", "null"]);
    assert_eq!(csv, ["true", "false", ""]);
    let (json, csv) = values(arrow::array::new_null_array(&arrow::datatypes::DataType::Null, 1));
    assert_eq!((json, csv), (vec!["null".to_owned()], vec![String::new()]));
}
