//! Any bytes as the query string of a request to `/query`: no panic, from the percent escapes over the bind parameters to
//! the syntax tree; and what a bound query is printed as parses to itself.

#![no_main]

use influxql::{Params, parse};
use libfuzzer_sys::fuzz_target;

/// A query that uses parameters in most of the places where they may stand.
const QUERY: &str = "SELECT mean($a) FROM $m WHERE host = $a AND f > $b AND h =~ $r AND time > now() - $d \
                     GROUP BY time($d) LIMIT $b";

fuzz_target!(|bytes: &[u8]| {
    let values = tidegauge::parameters(bytes, &["q", "params"]);
    let [query, json] = values.as_slice() else { unreachable!("two names, two values") };
    check(query, json);
    // And the bytes as they are, since escapes are rarely hit upon.
    let text = String::from_utf8_lossy(bytes);
    check(QUERY, &text);
    if let Some((json, query)) = text.split_once('\n') {
        check(query, json);
    }
});

fn check(query: &str, json: &str) {
    let Ok(params) = tidegauge::query_params(json) else { return };
    let Ok(statements) = parse(query, &params) else { return };
    for statement in &statements {
        let printed = statement.to_string();
        if printed.contains("[REDACTED]") {
            continue;
        }
        match parse(&printed, &Params::new()) {
            Ok(again) => assert_eq!(again.as_slice(), std::slice::from_ref(statement), "{printed:?}"),
            Err(error) => panic!("{query:?} with {json:?} printed as {printed:?}: {error}"),
        }
    }
}
