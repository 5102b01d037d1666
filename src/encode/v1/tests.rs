//! Tests of the v1 formats. Expected texts are InfluxDB 1.6.7's answers to the same data unless said.

use super::{Epoch, Format, Options, ResponseEncoder, Split, StatementStyle, error_body};
use crate::model::result::ResultShape;
use arrow::array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray, StringViewArray,
    TimestampNanosecondArray, UInt64Array,
};
use arrow::datatypes::{Field, Schema};
use std::sync::Arc;

/// A statement's rows: name and tag values of each series, then its rows of (time in seconds, value).
type Rows<'a> = &'a [(&'a str, &'a [&'a str], &'a [(i64, Option<f64>)])];

/// The rows as batches of `batch_rows` with the columns name, tags, time, v.
fn batches(tags: &[&str], rows: Rows<'_>, batch_rows: usize) -> (ResultShape, Vec<RecordBatch>) {
    let flat: Vec<_> = rows
        .iter()
        .flat_map(|(name, values, rows)| rows.iter().map(move |row| (*name, *values, *row)))
        .collect();
    let mut fields: Vec<(String, ArrayRef)> = Vec::new();
    let text = |values: Vec<&str>| Arc::new(StringViewArray::from(values)) as ArrayRef;
    fields.push(("name".into(), text(flat.iter().map(|(name, _, _)| *name).collect())));
    for (i, tag) in tags.iter().enumerate() {
        fields.push(((*tag).into(), text(flat.iter().map(|(_, values, _)| values[i]).collect())));
    }
    let times: Vec<i64> = flat.iter().map(|(_, _, (time, _))| time * 1_000_000_000).collect();
    fields.push(("time".into(), Arc::new(TimestampNanosecondArray::from(times))));
    let values: Vec<Option<f64>> = flat.iter().map(|(_, _, (_, value))| *value).collect();
    fields.push(("v".into(), Arc::new(Float64Array::from(values))));
    let batch = RecordBatch::try_from_iter(fields).expect("columns of one length");
    let shape = ResultShape {
        schema: batch.schema(),
        name: 0,
        group_tags: tags.iter().enumerate().map(|(i, tag)| (Arc::from(*tag), i + 1)).collect(),
        columns: vec![("time".into(), tags.len() + 1), ("v".into(), tags.len() + 2)],
        time_zone: None,
    };
    let starts = (0..batch.num_rows()).step_by(batch_rows.max(1));
    let slices = starts.map(|start| batch.slice(start, batch_rows.min(batch.num_rows() - start))).collect();
    (shape, slices)
}

fn epoch_s(options: Options) -> Options {
    Options { epoch: Some(Epoch::Seconds), ..options }
}

/// What statements with these rows look like, whatever the size of the batches.
fn encode(options: &Options, split: Split, tags: &[&str], statements: &[Rows<'_>]) -> Vec<u8> {
    let all: Vec<Vec<u8>> = [1, 2, 3, 1000]
        .into_iter()
        .map(|batch_rows| {
            let mut encoder = ResponseEncoder::new(options);
            let mut out = Vec::new();
            for (id, rows) in statements.iter().enumerate() {
                let (shape, batches) = batches(tags, rows, batch_rows);
                encoder.begin_statement(id, StatementStyle { split, ..StatementStyle::default() });
                encoder.rows(&shape);
                for batch in &batches {
                    encoder.batch(batch).expect("a batch of the shape");
                    out.extend(encoder.take());
                }
                encoder.end_statement();
            }
            encoder.finish();
            out.extend(encoder.take());
            out
        })
        .collect();
    assert!(all.windows(2).all(|pair| pair[0] == pair[1]), "the size of batches shows");
    all.into_iter().next().expect("four runs")
}

fn check(options: Options, tags: &[&str], statements: &[Rows<'_>], expected: &str) {
    check_split(options, Split::Rows, tags, statements, expected);
}

fn check_split(options: Options, split: Split, tags: &[&str], statements: &[Rows<'_>], expected: &str) {
    let encoded = encode(&epoch_s(options), split, tags, statements);
    assert_eq!(String::from_utf8_lossy(&encoded), expected);
}

const A_AND_B: Rows<'_> =
    &[("m", &["a"], &[(0, Some(1.0)), (1, Some(2.0)), (2, Some(3.0))]), ("m", &["b"], &[(3, None)])];

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

fn check_time(zone: Option<chrono_tz::Tz>, time_ns: i64, expected: &str) {
    let mut out = Vec::new();
    let mut printer = super::timestamp::Rfc3339::new();
    printer.set_zone(zone);
    printer.push(&mut out, time_ns);
    assert_eq!(String::from_utf8_lossy(&out), expected);
}

#[test]
fn times_print_as_rfc_3339() {
    for (time_ns, expected) in [
        (0, "1970-01-01T00:00:00Z"),
        (-1_000_000, "1969-12-31T23:59:59.999Z"),
        (1_000_000_003, "1970-01-01T00:00:01.000000003Z"),
        (-1_500_000_000, "1969-12-31T23:59:58.5Z"),
        (-9_223_372_036_854_000_000, "1677-09-21T00:12:43.146Z"),
        (i64::MIN + 2, "1677-09-21T00:12:43.145224194Z"),
        (i64::MAX - 1, "2262-04-11T23:47:16.854775806Z"),
        (951_782_400_000_000_000, "2000-02-29T00:00:00Z"),
    ] {
        check_time(None, time_ns, expected);
    }
    // Central European Time is an hour ahead in winter, two in summer; London had British Standard Time in 1969.
    check_time(Some(chrono_tz::Europe::Berlin), -1_000_000_000, "1970-01-01T00:59:59+01:00");
    check_time(Some(chrono_tz::Europe::London), -1_000_000_000, "1970-01-01T00:59:59+01:00");
    check_time(Some(chrono_tz::Europe::Berlin), 1_372_636_800_000_000_000, "2013-07-01T02:00:00+02:00");
    check_time(Some(chrono_tz::Europe::London), 1_357_000_000_000_000_000, "2013-01-01T00:26:40Z");
    check_time(Some(chrono_tz::America::St_Johns), 1_357_000_000_000_000_000, "2012-12-31T20:56:40-03:30");
}

#[test]
fn epochs_round_towards_zero() {
    for (name, expected) in [
        ("ns", Some(-1_500_000_000)),
        ("us", Some(-1_500_000_000)),
        ("u", Some(-1_500_000)),
        ("µ", Some(-1_500_000)),
        ("ms", Some(-1_500)),
        ("s", Some(-1)),
        ("m", Some(0)),
        ("h", Some(0)),
        ("", None),
    ] {
        assert_eq!(Epoch::from_parameter(name).map(|epoch| epoch.scale(-1_500_000_000)), expected);
    }
}

#[test]
fn csv_has_a_header_per_statement() {
    let csv = || Options { format: Format::Csv, ..Options::default() };
    let one: Rows<'_> = &[("m", &["a", "x,y"], &[(0, Some(1.5))]), ("m", &["b", ""], &[(1, None)])];
    check(
        csv(),
        &["h", "r"],
        &[one, &[], one],
        "name,tags,time,v\nm,\"h=a,r=x\\,y\",0,1.5\nm,h=b,1,\n\nname,tags,time,v\nm,\"h=a,r=x\\,y\",0,1.5\nm,h=b,1,\n",
    );
    check(
        Options { chunk_rows: Some(1), ..csv() },
        &["h", "r"],
        &[one],
        "name,tags,time,v\nm,\"h=a,r=x\\,y\",0,1.5\nm,h=b,1,\n",
    );
    check(csv(), &[], &[], "");
    check(csv(), &[], &[&[]], "");
    assert_eq!(
        error_body(Format::Csv, false, "missing required parameter \"q\""),
        b"error\n\"missing required parameter \"\"q\"\"\"\n"
    );
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
