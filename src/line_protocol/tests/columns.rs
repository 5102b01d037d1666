//! Rows and columns: what is refused, what is null, how sparse tables come out.

use super::{NOW_NS, Schemas, check_lp, convert, point, schemas_of, texts};
use crate::line_protocol::{Precision, WriteOptions, WriteWindow, to_batches};
use arrow::array::Array;
use std::collections::BTreeSet;

const LP: Precision = Precision::Nanosecond;

#[test]
fn rows_keep_the_order_of_the_body() {
    check_lp("m,t=b f=1 3\nm,t=a f=2 1\nm,t=b f=3 2", "m,t=b f=1.0 3\nm,t=a f=2.0 1\nm,t=b f=3.0 2", &[]);
}

#[test]
fn tags_sort_and_series_are_shared_however_they_are_written() {
    let converted = convert(b"m,b=2,a=1 f=1 1\nm,a=1,b=2 f=2 2\nm,a=1 f=3 3\nm f=4 4", LP, &Schemas::new());
    let table = &converted.tables[0];
    assert_eq!(
        table.series.iter().map(AsRef::as_ref).collect::<Vec<_>>(),
        ["a\x011\x01b\x012\x01", "a\x011\x01", ""]
    );
    assert_eq!(table.series_index, [0, 0, 1, 2]);
}

#[test]
fn values_of_every_type() {
    check_lp(
        "m f=1.5,i=-2i,u=3u,b=T,s=\"x \\\" \\\\ y\" 1",
        "m b=true,f=1.5,i=-2i,s=\"x \\\" \\\\ y\",u=3u 1",
        &[],
    );
}

#[test]
fn missing_fields_are_null() {
    let body = "m a=1,s=\"x\",t=t 1\nm b=2i 2\nm a=3,s=\"\",t=f 3\nm a=4,b=5i 4\nm u=1u,c=t 5\nm s=\"yz\" 6";
    check_lp(
        body,
        "m a=1.0,s=\"x\",t=true 1\nm b=2i 2\nm a=3.0,s=\"\",t=false 3\nm a=4.0,b=5i 4\nm c=true,u=1u 5\nm s=\"yz\" 6",
        &[],
    );
    let converted = convert(body.as_bytes(), LP, &Schemas::new());
    for field in &converted.tables[0].fields {
        assert_eq!(field.values.len(), 6);
        assert!(field.values.null_count() > 0, "{}", field.name);
        field.values.to_data().validate_full().unwrap();
    }
    let dense = convert(b"m a=1 1\nm a=2 2", LP, &Schemas::new());
    assert!(dense.tables[0].fields[0].values.nulls().is_none());
}

#[test]
fn the_last_of_two_values_wins() {
    check_lp("m f=1,f=2 1", "m f=2.0 1", &[]);
    check_lp("m s=\"long\",s=\"x\" 1\nm s=\"y\" 2", "m s=\"x\" 1\nm s=\"y\" 2", &[]);
    check_lp("m g=1 1\nm f=1,f=2,f=3 2", "m g=1.0 1\nm f=3.0 2", &[]);
}

#[test]
fn fields_called_time_are_left_out() {
    let stripped =
        "invalid field name: input field \"time\" on measurement \"m\" has been stripped from point.";
    check_lp("m time=1,f=2 1", "m f=2.0 1", &[stripped]);
    check_lp(
        "m f=2,time=1,g=3 1\nm f=4,time=1,g=5 2",
        "m f=2.0,g=3.0 1\nm f=4.0,g=5.0 2",
        &[stripped, stripped],
    );
    let only = "invalid field name: input field \"time\" on measurement \"m\" is invalid";
    check_lp("m time=1,time=2 1", "", &[only]);
    let converted = convert(b"m time=1,f=2 1\nm time=1 2\nm,time=a f=1 1\nbad", LP, &Schemas::new());
    assert_eq!((converted.points_accepted, converted.points_dropped, converted.lines_refused), (1, 2, 1));
}

#[test]
fn a_refused_point_fixes_no_type() {
    check_lp(
        "m f=1 1\nm g=1,f=t 2\nm g=\"s\" 3",
        "m f=1.0 1\nm g=\"s\" 3",
        &[
            "field type conflict: input field \"f\" on measurement \"m\" is type boolean, already exists as type float",
        ],
    );
}

#[test]
fn the_schema_of_the_table_counts() {
    let converted = convert(b"m f=1i 1\nm f=2 2\nn f=3i 3", LP, &schemas_of("m f=1 1"));
    assert_eq!(converted.points_accepted, 2);
    assert_eq!(
        texts(&converted),
        [
            "field type conflict: input field \"f\" on measurement \"m\" is type integer, already exists as type float"
        ]
    );
    assert_eq!(converted.rejections[0].bytes, 0..8);
}

#[test]
fn escaped_names_are_not_mistaken_for_plain_ones() {
    check_lp(
        "m a\\\\\"b=1 1\nm a\\\"b=2 2\nm a\"b=3 3\nm x\\ y=4 4\nm x\\ y=5 5",
        "m a\\\"b=1.0 1\nm a\"b=2.0 2\nm a\"b=3.0 3\nm x y=4.0 4\nm x y=5.0 5",
        &[],
    );
}

#[test]
fn long_strings_are_refused() {
    let options = WriteOptions { string_bytes_max: 3, ..WriteOptions::new(LP, NOW_NS) };
    let converted = to_batches(b"m s=\"abc\" 1\nm s=\"abcd\" 2\nm s=\"a\\\"b\" 3", &options, |_| None);
    assert_eq!(texts(&converted), ["input field \"s\" on measurement \"m\" is too long, 4 > 3"]);
    assert_eq!(converted.tables[0].times_ns, [1, 3]);
}

#[test]
fn points_that_are_not_kept_are_dropped_and_fix_no_types() {
    let options = WriteOptions { oldest_ns: Some(10), ..WriteOptions::new(LP, NOW_NS) };
    let converted = to_batches(b"m f=1i 9\nm,time=a f=1 9\nm f=2 10\nm f=3", &options, |_| None);
    assert_eq!(texts(&converted), ["points beyond retention policy"; 2]);
    assert_eq!((converted.points_dropped, converted.points_accepted), (2, 2));
    assert_eq!(converted.tables[0].times_ns, [10, NOW_NS]);
}

#[test]
fn points_outside_the_write_window_are_dropped_and_named() {
    let (oldest_ns, newest_ns) = (Some(10_000_000_000), Some(20_500_000_000));
    let both = WriteWindow { oldest_ns, newest_ns };
    let check = |window, body: &str, expected: Option<&str>| {
        let options = WriteOptions { window, ..WriteOptions::new(LP, NOW_NS) };
        let converted = to_batches(body.as_bytes(), &options, |_| None);
        let text = converted.outside_window.as_ref().map(ToString::to_string);
        assert_eq!(text.as_deref(), expected);
        converted
    };
    let inside = "m f=1i 10000000000\nm f=1i 20500000000";
    check(both, inside, None);
    // What is not taken fixes no type.
    let converted = check(
        both,
        &format!("m,t=a f=1 9999999999\nm f=1 20500000001\nm f=1 0\n{inside}"),
        Some(
            "dropped 3 points outside write window (from 1970-01-01T00:00:10Z to 1970-01-01T00:00:20.500Z) - oldest \
             point m at 1970-01-01T00:00:00Z dropped because it violates a Write Window Lower Bound at \
             1970-01-01T00:00:10Z, newest point m at 1970-01-01T00:00:20.500000001Z dropped because it violates a \
             Write Window Upper Bound at 1970-01-01T00:00:20.500Z",
        ),
    );
    assert_eq!((converted.points_dropped, converted.points_accepted), (3, 2));
    assert_eq!(texts(&converted), ["points outside write window"; 3]);
    check(
        WriteWindow { oldest_ns, newest_ns: None },
        "m,t=a f=1 9\nm f=1 99000000000",
        Some(
            "dropped 1 points outside write window (from 1970-01-01T00:00:10Z) - oldest point m,t=a at \
             1970-01-01T00:00:00.000000009Z dropped because it violates a Write Window Lower Bound at \
             1970-01-01T00:00:10Z, newest point m,t=a at 1970-01-01T00:00:00.000000009Z dropped because it violates a \
             Write Window Lower Bound at 1970-01-01T00:00:10Z",
        ),
    );
    let converted =
        check(WriteWindow { oldest_ns: None, newest_ns: None }, "m f=1 9\nm f=1 99000000000", None);
    assert_eq!(converted.points_accepted, 2);
}

#[test]
fn line_numbers_count_every_newline() {
    let converted = convert(b"# c\n\nbad\nm s=\"a\nb\" 1\nworse\n", LP, &Schemas::new());
    assert_eq!(converted.rejections.iter().map(|r| r.line_number).collect::<Vec<_>>(), [3, 6]);
    assert_eq!(converted.rejections.iter().map(|r| r.bytes.clone()).collect::<Vec<_>>(), [5..8, 21..26]);
}

#[test]
fn a_body_of_bad_lines_is_not_kept_whole() {
    let options = WriteOptions { rejection_bytes_max: 1_000, ..WriteOptions::new(LP, NOW_NS) };
    let converted = to_batches("é\n".repeat(5_000).as_bytes(), &options, |_| None);
    assert_eq!(converted.lines_refused, 5_000);
    assert_eq!(converted.rejections.len() + converted.rejections_omitted, 5_000);
    assert!(!converted.rejections.is_empty() && converted.rejections.len() < 100);
    let converted = to_batches("é".repeat(5_000).as_bytes(), &options, |_| None);
    assert_eq!((converted.rejections.len(), converted.rejections[0].line.len()), (1, 1_000));
    // The first of each kind is kept, wherever it stands.
    let body = format!("{}m f=1 1\nm f=t 2\nm f=t 3\n", "é\n".repeat(5_000));
    let converted = to_batches(body.as_bytes(), &options, |_| None);
    assert_eq!((converted.lines_refused, converted.points_dropped), (5_000, 2));
    assert_eq!(converted.rejections.iter().filter(|r| r.counts_as_dropped()).count(), 1);
    let body = format!("m f=1 1\n{}é\né\n", "m f=t 2\n".repeat(5_000));
    let converted = to_batches(body.as_bytes(), &options, |_| None);
    assert_eq!((converted.lines_refused, converted.points_dropped), (2, 5_000));
    assert_eq!(converted.rejections.iter().filter(|r| !r.counts_as_dropped()).count(), 1);
}

#[test]
fn sparse_tables_come_in_parts() {
    let body: String = (0..20_000).map(|i| format!("m,t={} f{}={i},g=1i {i}\n", i % 3, i % 5_000)).collect();
    let converted = convert(body.as_bytes(), LP, &Schemas::new());
    assert_eq!(converted.points_accepted, 20_000);
    assert!(converted.tables.len() > 1);
    let cells: usize = converted.tables.iter().map(|t| t.row_count() * t.fields.len()).sum();
    assert!(cells < 20_000 * 2 * 200, "{cells} cells");
    let mut times = Vec::new();
    for table in &converted.tables {
        assert_eq!(table.series.iter().collect::<BTreeSet<_>>().len(), table.series.len());
        for row in 0..table.row_count() {
            let (point, time) = (point(table, row), table.times_ns[row]);
            assert_eq!(point.tags["t"], (time % 3).to_string());
            assert_eq!(point.fields[&format!("f{}", time % 5_000)], format!("{:?}", time as f64));
            assert_eq!(point.fields.len(), 2);
        }
        times.extend_from_slice(&table.times_ns);
    }
    assert_eq!(times, (0..20_000).collect::<Vec<_>>());
}

#[test]
fn half_empty_tables_stay_in_one_part() {
    let body: String = (0..5_000).map(|i| format!("m f{}={i} {i}\n", i % 10)).collect();
    assert_eq!(convert(body.as_bytes(), LP, &Schemas::new()).tables.len(), 1);
}
