//! Whatever tree the parser can yield, its text parses to the same tree.

mod trees;

use influxql::ast::Statement;
use influxql::{Params, parse};
use proptest::prelude::{ProptestConfig, Strategy, any, prop_assert_eq, proptest};
use proptest::{collection, sample};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_tree_comes_back_from_its_text(statement in trees::statement()) {
        let text = statement.to_string();
        let again = parse(&text, &Params::new()).map_err(|e| format!("{text}: {e}"));
        prop_assert_eq!(again, Ok(vec![statement]), "{}", text);
    }

    #[test]
    fn any_text_is_parsed_or_refused(text in any::<String>()) {
        check_text(&text);
    }

    #[test]
    fn any_words_are_parsed_or_refused(text in words()) {
        check_text(&text);
    }

    #[test]
    fn mutated_statements_are_parsed_or_refused(text in mutated()) {
        check_text(&text);
    }
}

/// Statements of the corpora with some bytes changed, and the beginning of one before the end of another.
fn mutated() -> impl Strategy<Value = String> {
    let corpora = concat!(include_str!("valid.txt"), include_str!("malformed.txt"));
    let statements: Vec<&[u8]> = corpora
        .lines()
        .filter(|line| !line.starts_with(['#', ' ']) && !line.is_empty())
        .map(str::as_bytes)
        .collect();
    let statement = || (sample::select(statements.clone()), any::<sample::Index>());
    let bytes = collection::vec((any::<sample::Index>(), any::<u8>()), 0..4);
    (statement(), statement(), bytes).prop_map(|((start, end_of_start), (end, start_of_end), bytes)| {
        let start = &start[..end_of_start.index(start.len() + 1)];
        let end = &end[start_of_end.index(end.len() + 1)..];
        let mut text = [start, end].concat();
        for (at, byte) in bytes {
            if !text.is_empty() {
                let at = at.index(text.len());
                text[at] = byte;
            }
        }
        String::from_utf8_lossy(&text).into_owned()
    })
}

/// Parses a text, and if it is valid parses it again from what it prints.
fn check_text(text: &str) {
    let Ok(statements) = parse(text, &Params::new()) else { return };
    let printed: Vec<String> = statements.iter().map(Statement::to_string).collect();
    let printed = printed.join(";");
    if printed.contains("[REDACTED]") {
        return;
    }
    let again = parse(&printed, &Params::new()).unwrap_or_else(|e| panic!("{printed}: {e}"));
    assert_eq!(again, statements, "{text}\n{printed}");
}

/// Something like a query: words of the language in any order.
fn words() -> impl Strategy<Value = String> {
    const WORDS: &[&str] = &[
        "select ",
        "f",
        "\"g h\"",
        "m",
        " from ",
        "a.b",
        "..",
        ".",
        ", ",
        "(",
        ")",
        "mean(",
        "*",
        " + ",
        "-",
        " - ",
        " / ",
        "/re/",
        " =~ ",
        " = ",
        " != ",
        "'x'",
        "'\\''",
        "1",
        "2.5",
        "90m",
        "::",
        "field",
        "tag",
        "float",
        " where ",
        " and ",
        " or ",
        " group by ",
        "time(1m)",
        " fill(",
        "none",
        "0)",
        " order by ",
        "time",
        " desc",
        " limit ",
        "10",
        " tz('UTC')",
        " into ",
        ":measurement",
        ";",
        " as ",
        "distinct ",
        "show ",
        "tag values ",
        "with key ",
        "in ",
        "series ",
        "exact ",
        "cardinality ",
        "on ",
        "/* c */",
        "-- c\n",
        "$p",
        "%",
        "\\",
    ];
    let text = collection::vec(sample::select(WORDS), 0..24).prop_map(|words| words.concat());
    (any::<bool>(), text).prop_map(|(select, text)| match select {
        true => format!("select {text}"),
        false => text,
    })
}
