//! Properties of random bodies: the two readings agree, lines read back as printed, another parser agrees, and
//! nothing panics.

use super::{Schemas, convert, point};
use crate::line_protocol::{Field, Line, LineFault, Parser, Precision, SeriesText, Value};
use proptest::collection::{btree_map, vec};
use proptest::prelude::{Just, Strategy, any, prop_assert_eq, prop_oneof, proptest};
use std::collections::BTreeMap;

/// Everything that a body says, printed, lines and refusals with their places: each line by itself, or with what
/// is kept from line to line.
fn read_all(body: &[u8], strictly: bool) -> Vec<String> {
    let mut parser = Parser::new(body, Precision::Millisecond);
    let (mut line, mut series) = (Line::default(), SeriesText::default());
    let mut out = Vec::new();
    loop {
        let next = if strictly {
            (line, series) = (Line::default(), SeriesText::default());
            parser.next_line_strictly(&mut line)
        } else {
            parser.next_line(&mut line)
        };
        out.push(match next {
            None => return out,
            Some(Err(refused)) => format!("{:?} {:?}", refused.bytes, refused.fault),
            Some(Ok(())) => match series.read(line.series) {
                Err(fault) => format!("{:?} {fault:?}", line.bytes),
                Ok(()) => format!("{line:?} {:?} {:?}", series.measurement, series.tags),
            },
        });
    }
}

/// Bodies that are nearly line protocol.
fn bodies() -> impl Strategy<Value = String> {
    let tokens = [
        "m",
        "cpu",
        "f",
        "t",
        "a",
        "b",
        "é",
        " ",
        " ",
        " ",
        "  ",
        ",",
        ",",
        "=",
        "=",
        "\\",
        "\"",
        "\"",
        "\n",
        "\n",
        "\r",
        "\t",
        "\0",
        "#",
        "1",
        "1i",
        "2u",
        "-7",
        "0.5",
        "1e3",
        "1.5e-3",
        "true",
        "F",
        "-",
        ".",
        "e",
        "i",
        "u",
        "9223372036854775807",
        "9223372036854775808i",
        "18446744073709551616u",
        "123456789012345678",
        "time",
        "1.7976931348623159e308",
        "m f=1 1\n",
        "m,a=b f=1i,g=\"x\" 2\n",
        "m,t=v",
        " f=1",
        ",g=2i",
        "f=\"",
        "\\\"",
        "\\\\",
        "=\"s\"",
        " 1465839830100400200\n",
        "m,b=1,a=2 ",
    ];
    vec(proptest::sample::select(tokens.to_vec()), 0..24).prop_map(|tokens| tokens.concat())
}

fn names() -> impl Strategy<Value = String> {
    "[a-c,= é\"][a-d,= é\"#\t]{0,4}"
}

#[derive(Clone, Debug)]
enum Owned {
    Float(f64),
    Integer(i64),
    Unsigned(u64),
    Boolean(bool),
    String(String),
}

fn values() -> impl Strategy<Value = Owned> {
    prop_oneof![
        any::<f64>().prop_filter("finite", |x| x.is_finite()).prop_map(Owned::Float),
        (-1_000_000i32..1_000_000, 0i32..8)
            .prop_map(|(digits, scale)| Owned::Float(f64::from(digits) / 10f64.powi(scale))),
        any::<i64>().prop_map(Owned::Integer),
        any::<u64>().prop_map(Owned::Unsigned),
        any::<bool>().prop_map(Owned::Boolean),
        "[a-c,= é\"\\\\\n\t#]{0,6}".prop_map(Owned::String),
    ]
}

impl Owned {
    fn print(&self) -> String {
        match self {
            Self::Float(x) => format!("{x:?}"),
            Self::Integer(x) => format!("{x}i"),
            Self::Unsigned(x) => format!("{x}u"),
            Self::Boolean(x) => x.to_string(),
            Self::String(x) => format!("\"{}\"", x.replace('\\', "\\\\").replace('"', "\\\"")),
        }
    }

    /// As [`super::Point`] prints it.
    fn stored(&self) -> String {
        match self {
            Self::String(x) => format!("{x:?}"),
            other => other.print(),
        }
    }
}

#[derive(Clone, Debug)]
struct Printed {
    measurement: String,
    tags: BTreeMap<String, String>,
    fields: BTreeMap<String, Owned>,
    time_ns: i64,
}

fn printed() -> impl Strategy<Value = Printed> {
    let time = prop_oneof![any::<i64>(), Just(0), Just(-1)]
        .prop_map(|t| t.clamp(-9_223_372_036_854_775_806, 9_223_372_036_854_775_806));
    (names(), btree_map(names(), names(), 0..4), btree_map(names(), values(), 1..5), time)
        .prop_map(|(measurement, tags, fields, time_ns)| Printed { measurement, tags, fields, time_ns })
}

fn escape(name: &str) -> String {
    name.replace(',', "\\,").replace('=', "\\=").replace(' ', "\\ ")
}

impl Printed {
    fn print(&self) -> String {
        let mut out = self.measurement.replace(',', "\\,").replace(' ', "\\ ");
        // Not in the order of names, so that sorting has something to do.
        for (key, value) in self.tags.iter().rev() {
            out += &format!(",{}={}", escape(key), escape(value));
        }
        let fields: Vec<_> =
            self.fields.iter().map(|(name, value)| format!("{}={}", escape(name), value.print())).collect();
        format!("{out} {} {}", fields.join(","), self.time_ns)
    }
}

proptest! {
    #[test]
    fn quick_and_strict_agree(body in bodies()) {
        prop_assert_eq!(read_all(body.as_bytes(), false), read_all(body.as_bytes(), true));
    }

    #[test]
    fn any_bytes_are_answered(body in vec(any::<u8>(), 0..200)) {
        convert(&body, Precision::Second, &Schemas::new());
        prop_assert_eq!(read_all(&body, false), read_all(&body, true));
    }

    #[test]
    fn printed_lines_read_back(lines in vec(printed(), 1..4)) {
        for line in lines {
            let body = line.print();
            let converted = convert(body.as_bytes(), Precision::Nanosecond, &Schemas::new());
            prop_assert_eq!(&converted.rejections, &[], "{}", body);
            let point = point(&converted.tables[0], 0);
            let fields: BTreeMap<_, _> = line.fields.iter().map(|(k, v)| (k.clone(), v.stored())).collect();
            prop_assert_eq!(point.table, line.measurement);
            prop_assert_eq!(point.tags, line.tags);
            prop_assert_eq!(point.time_ns, line.time_ns);
            prop_assert_eq!(point.fields, fields);
        }
    }

    #[test]
    fn another_parser_agrees(lines in vec(printed(), 1..6)) {
        // Tabs end names for the other parser, which they do not in 1.x.
        let body: String = lines.iter().map(|line| line.print().replace('\t', "_") + "\n").collect();
        prop_assert_eq!(ours(&body), theirs(&body));
    }
}

/// What a body of good lines says, in an order of its own; values in `Debug`.
type Said = Vec<(String, BTreeMap<String, String>, Vec<(String, String)>, Option<i64>)>;

fn ours(body: &str) -> Said {
    let mut parser = Parser::new(body.as_bytes(), Precision::Nanosecond);
    let mut line = Line::default();
    let mut out = Said::new();
    while let Some(parsed) = parser.next_line(&mut line) {
        parsed.unwrap();
        let series = SeriesText::parse(line.series).unwrap();
        let value = |field: &Field<'_>| match field.value {
            Value::Float(x) => format!("{x:?}"),
            Value::Integer(x) => format!("{x}i"),
            Value::Unsigned(x) => format!("{x}u"),
            Value::Boolean(x) => x.to_string(),
            Value::String(x) => format!("{:?}", Value::unescape_string(x)),
        };
        out.push((
            series.measurement.into_owned(),
            series.tags.into_iter().map(|(k, v)| (k.into_owned(), v.into_owned())).collect(),
            line.fields.iter().map(|f| (f.name().into_owned(), value(f))).collect(),
            line.time_ns,
        ));
    }
    out
}

fn theirs(body: &str) -> Said {
    use influxdb_line_protocol::FieldValue;
    let value = |value: &FieldValue<'_>| match value {
        FieldValue::F64(x) => format!("{x:?}"),
        FieldValue::I64(x) => format!("{x}i"),
        FieldValue::U64(x) => format!("{x}u"),
        FieldValue::Boolean(x) => x.to_string(),
        FieldValue::String(x) => format!("{:?}", x.as_str()),
    };
    influxdb_line_protocol::parse_lines(body)
        .map(|line| {
            let line = line.unwrap();
            let tags = line.series.tag_set.unwrap_or_default();
            (
                line.series.measurement.to_string(),
                tags.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect(),
                line.field_set.iter().map(|(k, v)| (k.to_string(), value(v))).collect(),
                line.timestamp,
            )
        })
        .collect()
}

#[test]
fn no_flipped_byte_panics() {
    let body = "cpu,host=a\\ b,région=é usage=1i,load=2.5e1,s=\"q\\\"\n,\",u=7u,b=T 1465839830100400200\n# c\n x f=.5\n";
    for at in 0..body.len() {
        for byte in 0..=u8::MAX {
            let mut body = body.as_bytes().to_vec();
            body[at] = byte;
            convert(&body, Precision::Nanosecond, &Schemas::new());
            assert_eq!(read_all(&body, false), read_all(&body, true));
        }
    }
    for end in 0..body.len() {
        assert_eq!(read_all(&body.as_bytes()[..end], false), read_all(&body.as_bytes()[..end], true));
    }
}

#[test]
fn bytes_that_are_not_text_cost_only_their_line() {
    let converted =
        convert(b"m f=1 1\nm,t=\xff f=2 2\nm f=\"\xc3\" 3\nm f=4 4", Precision::Nanosecond, &Schemas::new());
    assert_eq!(converted.tables[0].times_ns, [1, 4]);
    let refused: Vec<_> = converted.rejections.iter().map(|r| (r.line_number, r.text())).collect();
    assert_eq!(
        refused,
        [
            (2, "unable to parse 'm,t=\u{fffd} f=2 2': invalid UTF-8".to_owned()),
            (3, "unable to parse 'm f=\"\u{fffd}\" 3': invalid UTF-8".to_owned()),
        ]
    );
    assert_eq!(LineFault::InvalidUtf8.to_string(), "invalid UTF-8");
}
