//! Times as text and as numbers.

use super::{Rows, encode};
use crate::encode::v1::timestamp::Rfc3339;
use crate::encode::v1::{Epoch, Format, Options, Split};

fn check_time(zone: Option<chrono_tz::Tz>, time_ns: i64, expected: &str) {
    let mut out = Vec::new();
    let mut printer = Rfc3339::new();
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
fn times_are_text_in_every_format_if_that_is_wanted() {
    let rows: Rows<'_> = &[("m", &[], &[(1, Some(2.0))])];
    for (format, expected) in [
        (Format::Csv, "m,,1970-01-01T00:00:01Z,2"),
        (Format::Json, r#"[["1970-01-01T00:00:01Z",2]]"#),
        (Format::MessagePack, "\u{b4}1970-01-01T00:00:01Z"),
    ] {
        let options = Options { format, epoch: Some(Epoch::Seconds), text_times: true, ..Options::default() };
        // Every byte as a character, as MessagePack is no text.
        let encoded = encode(&options, Split::Rows, &[], &[rows]);
        let text: String = encoded.into_iter().map(char::from).collect();
        assert!(text.contains(expected), "{format:?}: {text}");
    }
}
