//! Tests of requests and bind parameters. Error texts are InfluxDB 1.6.7's.

use super::params::bind_parameters;
use super::request::{QueryRequest, wants_text_times};
use super::style::{read_only_warning, style_of};
use crate::encode::v1::{Options, Split};
use crate::server::parameters::Parameters;
use influxql::{InvalidParam, ParamValue, Params};
use proptest::prelude::*;

fn check_params_error(text: &str, expected: &str) {
    assert_eq!(bind_parameters(text).expect_err(text).to_string(), expected, "{text}");
}

#[test]
fn broken_params_are_told_as_go_tells_them() {
    for (text, expected) in [
        ("x", "invalid character 'x' looking for beginning of value"),
        ("{\"h\":", "unexpected EOF"),
        ("{\"a\":01}", "invalid character '1' after object key:value pair"),
        ("{\"a\":tru}", "invalid character '}' in literal true (expecting 'e')"),
        ("\"x\"", "json: cannot unmarshal string into Go value of type map[string]interface {}"),
        ("1", "json: cannot unmarshal number into Go value of type map[string]interface {}"),
        ("1.5", "json: cannot unmarshal number into Go value of type map[string]interface {}"),
        ("true", "json: cannot unmarshal bool into Go value of type map[string]interface {}"),
        ("[1]", "json: cannot unmarshal array into Go value of type map[string]interface {}"),
        ("{\"a\":1", "unexpected EOF"),
        ("{\"a\"1}", "invalid character '1' after object key"),
        ("{a:1}", "invalid character 'a' looking for beginning of object key string"),
        ("{\"a\":\"", "unexpected EOF"),
        ("{\"a\":\"\\x\"}", "invalid character 'x' in string escape code"),
        ("[1", "unexpected EOF"),
        ("{\"a\":1,}", "invalid character '}' looking for beginning of object key string"),
        ("{\"a\" ", "unexpected EOF"),
        ("{\"a\":[1 2]}", "invalid character '2' after array element"),
        ("{\"a\":-}", "invalid character '}' in numeric literal"),
        ("{\"a\":\"\u{1}\"}", "invalid character '\\x01' in string literal"),
        ("{\"a\":1.}", "invalid character '}' after decimal point in numeric literal"),
    ] {
        check_params_error(text, &format!("error parsing query parameters: {expected}"));
    }
    let deep = format!("{{\"a\":{}", "[".repeat(100_000));
    check_params_error(&deep, "error parsing query parameters: exceeded max depth");
    for (text, expected) in [
        ("{\"h\":1e400}", "strconv.ParseInt: parsing \"1e400\": invalid syntax"),
        ("{\"v\":1e0}", "strconv.ParseInt: parsing \"1e0\": invalid syntax"),
        (
            "{\"h\":99999999999999999999}",
            "strconv.ParseInt: parsing \"99999999999999999999\": value out of range",
        ),
        ("{\"h\":1.0e400}", "strconv.ParseFloat: parsing \"1.0e400\": value out of range"),
    ] {
        check_params_error(text, &format!("error parsing json value: {expected}"));
    }
}

#[test]
fn params_become_values_of_the_language() {
    let check = |json: &str, expected: ParamValue| {
        let params = bind_parameters(&format!("{{\"p\":{json}}}")).expect(json);
        assert_eq!(params.get("p"), Some(&expected), "{json}");
    };
    check("\"a\\u00e9\\ud83d\\ude00\\n\"", ParamValue::String("aé😀\n".into()));
    check("\"\\ud83d\"", ParamValue::String("\u{fffd}".into()));
    check("1", ParamValue::Integer(1));
    check("-7", ParamValue::Integer(-7));
    check("1.5e3", ParamValue::Float(1500.0));
    check("true", ParamValue::Boolean(true));
    check("{\"ident\":\"m\"}", ParamValue::Identifier("m".into()));
    check("{\"regex\":\"^m$\"}", ParamValue::Regex("^m$".into()));
    check("{\"float\":1}", ParamValue::Float(1.0));
    check("{\"int\":2}", ParamValue::Integer(2));
    check("{\"duration\":\"10s\"}", ParamValue::DurationText("10s".into()));
    check("{\"duration\":10}", ParamValue::Duration(10));
    check("{\"int\":1.5,\"int\":2}", ParamValue::Integer(2));
    for (json, why) in [
        ("null", InvalidParam::Null),
        ("[1,[2],{}]", InvalidParam::Array),
        ("{}", InvalidParam::NotOneEntry),
        ("{\"string\":\"a\",\"int\":1}", InvalidParam::NotOneEntry),
        ("{\"string\":\"a\",\"int\":1,\"string\":\"b\"}", InvalidParam::NotOneEntry),
        ("{\"foo\":1}", InvalidParam::UnknownType("foo".into())),
        ("{\"string\":null}", InvalidParam::String),
        ("{\"int\":1.5}", InvalidParam::Integer),
        ("{\"int\":{\"a\":1}}", InvalidParam::Integer),
        ("{\"duration\":1.5}", InvalidParam::Duration),
    ] {
        check(json, ParamValue::Invalid(why));
    }
    assert_eq!(bind_parameters(""), Ok(Params::new()));
    assert_eq!(bind_parameters("null"), Ok(Params::new()));
    let last = bind_parameters("{\"a\":1e400,\"a\":2} x").expect("what follows is not looked at");
    assert_eq!(last.get("a"), Some(&ParamValue::Integer(2)));
}

/// A comparison of each with all others would take minutes.
#[test]
fn params_may_have_many_members() {
    let members: Vec<String> = (0..200_000).map(|number| format!("\"m{number}\":{number}")).collect();
    let members = members.join(",");
    let top = bind_parameters(&format!("{{{members}}}")).expect("many parameters");
    assert_eq!(top.get("m199999"), Some(&ParamValue::Integer(199_999)));
    let typed = bind_parameters(&format!("{{\"p\":{{{members}}}}}")).expect("one parameter");
    assert_eq!(typed.get("p"), Some(&ParamValue::Invalid(InvalidParam::NotOneEntry)));
}

/// The request, or status and text of the refusal.
fn request(parameters: &str, file: Option<&str>) -> Result<QueryRequest, (u16, String)> {
    let parameters = Parameters::parse(parameters.as_bytes());
    QueryRequest::checked(&parameters, file, Options::default(), true).map_err(|error| {
        let (status, text) = error.status_and_text();
        (status, text.to_owned())
    })
}

#[test]
fn a_request_needs_a_text() {
    let missing = Err((400, "missing required parameter \"q\"".to_owned()));
    assert_eq!(request("db=t", None).map(|_| ()), missing);
    assert_eq!(request("q=%20", None).map(|_| ()), missing);
    assert_eq!(request("q=%zz", None).map(|_| ()), missing);
    let of_file = request("db=t", Some("show databases; show databases")).expect("two statements");
    assert_eq!(of_file.statements.len(), 2);
    assert_eq!(of_file.database.as_deref(), Some("t"));
    assert_eq!(request("q=%3B", None).expect("no statement").statements.len(), 0);
}

#[test]
fn the_format_of_times_is_one_of_two() {
    let wanted = |parameters: &str| {
        wants_text_times(&Parameters::parse(parameters.as_bytes())).map_err(|error| error.status_and_text().0)
    };
    assert_eq!(wanted("q=x"), Ok(false));
    assert_eq!(wanted("time_format=epoch&epoch=s"), Ok(false));
    assert_eq!(wanted("time_format=rfc3339&epoch=s"), Ok(true));
    assert_eq!(wanted("time_format=RFC3339"), Err(400));
}

#[test]
fn a_text_that_is_not_influxql_is_refused_whole() {
    let refused = |parameters| request(parameters, None).map(|_| ()).expect_err(parameters);
    assert_eq!(
        refused("q=DROP+MEASUREMENT+m;SELECT+FROM+m"),
        (400, "missing required parameter \"q\"".to_owned()),
        "Go drops a pair with a semicolon"
    );
    assert_eq!(
        refused("q=DROP+MEASUREMENT+m%3BSELECT+FROM+m"),
        (
            400,
            "error parsing query: found FROM, expected identifier, string, number, bool at line 1, char 27"
                .to_owned()
        )
    );
    assert_eq!(
        refused("q=SELECT+f+FROM+m+WHERE+h+%3D+%24h"),
        (400, "error parsing query: missing parameter: h".to_owned())
    );
    assert_eq!(refused("q=x&params=%7B").1, "error parsing query parameters: unexpected EOF");
    assert_eq!(refused("q=%ff%fe").0, 400);
    let deep = format!("q=SELECT+{}f{}+FROM+m", "(".repeat(10_000), ")".repeat(10_000));
    assert_eq!(refused(&deep).0, 400);
}

fn check_style(text: &str, split: Split, empty_series: Option<&str>, is_change: bool) {
    let statements = influxql::parse(text, &Params::new()).expect(text);
    let style = style_of(&statements[0]);
    assert_eq!((style.split, style.empty_series), (split, empty_series), "{text}");
    let warning = is_change.then(|| {
        format!("deprecated use of '{text}' in a read only context, please use a POST request instead")
    });
    assert_eq!(read_only_warning(&statements[0]), warning);
}

#[test]
fn statements_differ_in_the_form_of_their_results() {
    check_style("SELECT f FROM m", Split::Rows, None, false);
    check_style("SELECT f INTO n FROM m", Split::Rows, None, true);
    check_style("SHOW SERIES", Split::Rows, None, false);
    check_style("SHOW FIELD KEYS", Split::Rows, None, false);
    check_style("SHOW TAG KEYS", Split::Series, None, false);
    check_style("SHOW TAG VALUES WITH KEY = k", Split::Series, None, false);
    check_style("SHOW DATABASES", Split::Whole, Some("databases"), false);
    check_style("SHOW MEASUREMENTS", Split::Whole, None, false);
    check_style("SHOW RETENTION POLICIES", Split::Whole, Some(""), false);
    check_style("CREATE DATABASE new", Split::Whole, None, true);
    check_style("DELETE FROM m", Split::Whole, None, false);
    check_style("CREATE RETENTION POLICY rp2 ON new DURATION 1d REPLICATION 1", Split::Whole, None, true);
}

/// Something like JSON: its tokens in any order, with some text between.
fn tokens() -> impl Strategy<Value = String> {
    let token = prop_oneof![
        8 => prop::sample::select(vec![
            "{", "}", "[", "]", ":", ",", "\"", "\\", "\\u", "\\ud83d", "dead", "null", "true", "-", "0", "17",
            "1.5", "e", "E+", "\"p\"", "\"regex\"", "\"duration\"", "\"ident\"", "{\"p\":", " ",
        ]).prop_map(str::to_owned),
        1 => any::<String>(),
    ];
    prop::collection::vec(token, 0..12).prop_map(|tokens| tokens.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_params_are_bound_or_refused(json in tokens()) {
        if let Ok(params) = bind_parameters(&json) {
            // Whatever was bound may stand anywhere, or is refused there.
            let _ = influxql::parse("SELECT $p FROM $p WHERE h =~ $p AND time > $p GROUP BY time($p)", &params);
        }
    }
}
