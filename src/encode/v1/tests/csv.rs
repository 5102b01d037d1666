//! CSV, statement by statement.

use super::{Rows, check};
use crate::encode::v1::{Format, Options, error_body};

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
