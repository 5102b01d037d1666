//! Patterns: what matches, and Go's error texts (recorded from InfluxDB 1.6.7).

use super::Pattern;

fn check_match(source: &str, matching: &[&str], other: &[&str]) {
    let pattern = Pattern::new(source).unwrap_or_else(|e| panic!("{source}: {e}"));
    for text in matching {
        assert!(pattern.is_match(text), "{source} should match {text:?} ({})", pattern.regex());
    }
    for text in other {
        assert!(!pattern.is_match(text), "{source} should not match {text:?} ({})", pattern.regex());
    }
}

fn check_error(source: &str, error: &str) {
    match Pattern::new(source) {
        Ok(pattern) => panic!("{source} compiled to {}", pattern.regex()),
        Err(e) => assert_eq!(e.to_string(), format!("error parsing regexp: {error}"), "{source}"),
    }
}

#[test]
fn matches_as_go_does() {
    check_match("b", &["abc"], &["ac"]);
    check_match(r"^\d+$", &["12"], &["١٢", ""]);
    check_match(r"\w\b", &["é a"], &["é"]);
    check_match(r"a\Bb", &["ab"], &["a b"]);
    check_match(r"é\B", &["éé"], &["éa"]);
    check_match("[[=a=]]", &["a]", "=]", "[]"], &["a"]);
    check_match("^[a&&b]$", &["&", "a", "b"], &["ab"]);
    check_match(r"^\Qa.b\E*$", &["a.", "a.bbb"], &["axb"]);
    check_match("^a{,2}$", &["a{,2}"], &["aa"]);
    check_match("^(?i)k$", &["K", "\u{212a}"], &["l"]);
    check_match("^(?)a(?i)*b$", &["aaB"], &["Ab"]);
    check_match("^(?U)(?s)a.$", &["a\n"], &["a"]);
    check_match(r"^\x{1F600}\x41\101\012$", &["\u{1F600}AA\n"], &[]);
    check_match(r"^[\x{D7FF}-\x{E000}]$", &["\u{D7FF}", "\u{E000}"], &["a"]);
    check_match(r"\x{D800}|\p{Cs}", &[], &["a", ""]);
    check_match(r"^[^\x{D800}]$", &["a"], &[""]);
    check_match(r"^\p{Greek}\PL\p{^Lu}$", &["α1a"], &["a1a"]);
    check_match(r"^[\p{Greek}\d-]+$", &["α1-"], &["b"]);
    check_match("(?P<0>a)(?P<0>b)", &["ab"], &["ba"]);
    check_match("^$", &[""], &["a", "\n"]);
    check_match("^a$|(?m)^b$", &["a", "x\nb\ny"], &["x\na\ny"]);
    check_match(r"^[\d\-a&&b]+$", &["1-a&b"], &["c"]);
    check_match(r"^\s$", &[" "], &["\u{b}"]);
    check_match(r"^\<a\>$", &["<a>"], &["a"]);
    check_match("^a{2,}b{1,2}$", &["aaabb"], &["ab"]);
    check_match("a{0}|x{2,}?", &["", "xx"], &[]);
}

#[test]
fn errors_as_go_gives_them() {
    let recorded = include_str!("tests_errors.txt");
    for line in recorded.lines().filter(|line| !line.is_empty()) {
        let (source, error) = line.split_once('\t').expect("a tab between source and error");
        check_error(source, error);
    }
}

#[test]
fn hostile_expressions_are_refused_quickly() {
    check_error(&"(".repeat(100_000), &format!("expression nests too deeply: `{}`", "(".repeat(100_000)));
    for source in [r"\pL{1000}", "(a{10}|[^b]{90}){10}", &"a".repeat(300_000)] {
        match Pattern::new(source) {
            Ok(_) => assert!(source.len() < 100, "{} characters compiled", source.len()),
            Err(e) => assert!(e.to_string().contains("expression too large"), "{e}"),
        }
    }
}
