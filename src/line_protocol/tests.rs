//! Tests of line protocol.

use super::{Converted, Precision, WriteOptions, to_batches};

fn convert(body: &str) -> Converted {
    to_batches(body.as_bytes(), &WriteOptions::new(Precision::Nanosecond, 77), |_| None)
}

#[test]
fn smoke() {
    let got = convert(
        "cpu,host=a usage=1i,idle=2.5 10\ncpu,host=b usage=3i 11\nbad\n m,t=\\ x s=\"q\\\"\n\",u=7u,b=T\n",
    );
    assert_eq!(
        got.rejections.iter().map(super::Rejection::text).collect::<Vec<_>>(),
        ["unable to parse 'bad': missing fields"]
    );
    assert_eq!(got.points_accepted, 3, "{got:#?}");
}
