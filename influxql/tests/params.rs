//! Bind parameters, with the errors a real InfluxDB 1.6.7 gave for the same requests.

use influxql::{InvalidParam, ParamValue, Params, parse};

fn check(text: &str, params: &[(&str, ParamValue)], expected: &str) {
    let params: Params = params.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let result = match parse(text, &params) {
        Ok(statements) => statements.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
        Err(e) => e.to_string(),
    };
    assert_eq!(result, expected, "{text}");
}

#[test]
fn values_stand_where_literals_and_names_may() {
    let string = ParamValue::String("a'b".to_owned());
    check("select $x from m", &[("x", string.clone())], r"SELECT 'a\'b' FROM m");
    check("select f from m where h = $\"x y\"", &[("x y", string)], r"SELECT f FROM m WHERE h = 'a\'b'");
    check("select -$x from m", &[("x", ParamValue::Integer(5))], "SELECT -5 FROM m");
    check(
        "select -$x from m",
        &[("x", ParamValue::Integer(i64::MIN))],
        &format!("SELECT {} FROM m", i64::MIN),
    );
    check("select $x from m", &[("x", ParamValue::Float(-1.5))], "SELECT -1.500 FROM m");
    check(
        "select f from m where b = $x",
        &[("x", ParamValue::Boolean(true))],
        "SELECT f FROM m WHERE b = true",
    );
    let ident = ParamValue::Identifier("a b".to_owned());
    check("select $x from $x.$x", &[("x", ident.clone())], "SELECT \"a b\" FROM \"a b\".\"a b\"");
    check(
        "select $x(f) from m",
        &[("x", ParamValue::Identifier("Mean".to_owned()))],
        "SELECT mean(f) FROM m",
    );
    check("create database $x", &[("x", ident)], "CREATE DATABASE \"a b\"");
    check("select f from m limit $x", &[("x", ParamValue::Integer(5))], "SELECT f FROM m LIMIT 5");
    let duration = ParamValue::Duration(5_400_000_000_000);
    check(
        "select mean(f) from m group by time($x)",
        &[("x", duration)],
        "SELECT mean(f) FROM m GROUP BY time(90m)",
    );
    let duration = ParamValue::DurationText("1h30m".to_owned());
    check(
        "select mean(f) from m group by time($x)",
        &[("x", duration)],
        "SELECT mean(f) FROM m GROUP BY time(90m)",
    );
    let regex = ParamValue::Regex("a/b".to_owned());
    check("select f from m where h =~ $x", &[("x", regex.clone())], r"SELECT f FROM m WHERE h =~ /a\/b/");
    check(
        "select $x from $x group by $x",
        &[("x", regex.clone())],
        r"SELECT /a\/b/ FROM /a\/b/ GROUP BY /a\/b/",
    );
    check("select mean($x) from m", &[("x", regex)], r"SELECT mean(/a\/b/) FROM m");
}

#[test]
fn values_that_do_not_fit_are_named() {
    check("select $x from m", &[], "missing parameter: x");
    check("select $ from m", &[], "empty bound parameter");
    check(
        "select f from m limit $y",
        &[("y", ParamValue::Integer(-5))],
        "LIMIT must be >= 0 at line 1, char 23",
    );
    check(
        "select f from m limit $y",
        &[("y", ParamValue::String("a".to_owned()))],
        "found a, expected integer at line 1, char 23",
    );
    check(
        "select f from m limit $y",
        &[("y", ParamValue::Boolean(true))],
        "found TRUE, expected integer at line 1, char 23",
    );
    check(
        "select f from m limit $y",
        &[("y", ParamValue::Float(1.5))],
        "found 1.5, expected integer at line 1, char 23",
    );
    check(
        "select 1 from m limit $y",
        &[("y", ParamValue::Duration(5_400_000_000_000))],
        "found 90m, expected integer at line 1, char 23",
    );
    check(
        "select 1 from m limit $y",
        &[("y", ParamValue::DurationText("1h30m".to_owned()))],
        "found 1h30m, expected integer at line 1, char 23",
    );
    check(
        "select f from m limit $y",
        &[("y", ParamValue::Invalid(InvalidParam::Array))],
        "found unable to bind parameter with type []interface {}, expected integer at line 1, char 23",
    );
    check(
        "create database $gg",
        &[("gg", ParamValue::String("gg".to_owned()))],
        "found gg, expected identifier at line 1, char 17",
    );
    check("select $x from m", &[("x", ParamValue::DurationText("a".to_owned()))], "invalid duration");
    check(
        "select $x from m",
        &[("x", ParamValue::Regex("(".to_owned()))],
        "error parsing regexp: missing closing ): `(` at line 1, char 8",
    );
    check(
        "select f from m where f =~ $x",
        &[("x", ParamValue::Regex("(".to_owned()))],
        "error parsing regexp: missing closing ): `(` at line 1, char 28",
    );
    check(
        "select $x from m",
        &[("x", ParamValue::Float(f64::NAN))],
        "unable to parse number at line 1, char 8",
    );
}

#[test]
fn values_that_cannot_be_bound_are_reported_where_they_are_used() {
    let reasons = [
        (InvalidParam::Array, "unable to bind parameter with type []interface {}"),
        (InvalidParam::Null, "unable to bind parameter with type <nil>"),
        (InvalidParam::NotOneEntry, "bound object parameter value must have exactly one entry"),
        (InvalidParam::UnknownType("foo".to_owned()), "unknown bind object type: foo"),
        (InvalidParam::Identifier, "identifier must be a string value"),
        (InvalidParam::Regex, "regex literal must be a string value"),
        (InvalidParam::String, "string literal must be a string value"),
        (InvalidParam::Number, "number literal must be a float value"),
        (InvalidParam::Integer, "integer literal must be an integer value"),
        (InvalidParam::Duration, "duration literal must be a string or integer value"),
    ];
    for (reason, text) in reasons {
        let params = [("x", ParamValue::Invalid(reason))];
        check("select $x from m", &params, &format!("missing parameter: {text}"));
        check("select f from m", &params, "SELECT f FROM m");
    }
}
