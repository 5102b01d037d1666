//! Any bytes: the parser must not panic, and what it accepts must parse to the same tree from its
//! own text.

#![no_main]

use influxql::ast::Statement;
use influxql::{Params, parse};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let Ok(statements) = parse(&text, &Params::new()) else { return };
    let printed: Vec<String> = statements.iter().map(Statement::to_string).collect();
    let printed = printed.join("; ");
    if printed.contains("[REDACTED]") {
        // Passwords are not printed, so this text says something else.
        return;
    }
    match parse(&printed, &Params::new()) {
        Ok(again) => assert!(again == statements, "{text:?} printed as {printed:?}"),
        Err(error) => panic!("{text:?} printed as {printed:?}: {error}"),
    }
});
