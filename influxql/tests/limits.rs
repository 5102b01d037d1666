//! Hostile texts: deep, long, expensive. Each runs on a 2 MiB stack, what a worker thread has.

use influxql::ast::{BinaryOp, Expr, Statement};
use influxql::{NESTING_DEPTH_MAX, Params, parse};

/// Runs a test on a small stack, in whatever build.
fn on_small_stack(test: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(2 << 20).spawn(test).expect("a thread");
    thread.join().expect("no panic");
}

fn nested(open: &str, core: &str, close: &str, depth: usize) -> String {
    format!("select {}{core}{} from m", open.repeat(depth), close.repeat(depth))
}

/// Parses, and does everything with the tree that could recurse.
fn check_deep(text: &str) {
    let statements = parse(text, &Params::new()).unwrap_or_else(|e| panic!("{e}"));
    let printed = statements[0].to_string();
    let again = parse(&printed, &Params::new()).expect("parses again");
    assert!(again == statements);
    assert!(statements.clone() == statements);
    assert!(!format!("{statements:?}").is_empty());
    assert!(!statements[0].required_privileges().is_empty());
}

fn check_too_deep(text: &str) {
    let error = parse(text, &Params::new()).expect_err("too deep").to_string();
    assert!(error.starts_with("nested too deeply: more than 256 levels at line 1, char "), "{error}");
}

#[test]
fn nesting_is_bounded() {
    on_small_stack(|| {
        let shapes = [
            ("(", "f", ")"),
            ("-(", "f", ")"),
            ("f(", "g", ")"),
            ("f(1, ", "g", ")"),
            ("distinct(", "g", ")"),
            ("1 + (2 * ", "g", ")"),
        ];
        for (open, core, close) in shapes {
            check_deep(&nested(open, core, close, NESTING_DEPTH_MAX));
            check_too_deep(&nested(open, core, close, NESTING_DEPTH_MAX + 1));
            check_too_deep(&nested(open, core, close, 100_000));
            check_too_deep(&format!("select {}", open.repeat(100_000)));
        }
    });
}

#[test]
fn nesting_of_subqueries_is_bounded() {
    let text = |depth: usize| {
        format!("{}m{}", "select f from (".repeat(depth) + "select f from ", ")".repeat(depth))
    };
    on_small_stack(move || {
        check_deep(&text(NESTING_DEPTH_MAX));
        check_too_deep(&text(NESTING_DEPTH_MAX + 1));
        check_too_deep(&text(50_000));
    });
}

#[test]
fn nesting_of_conditions_is_bounded() {
    let text = |depth: usize| {
        let (open, close) = ("a = 1 or (b = 2 and ".repeat(depth), ")".repeat(depth));
        format!("select f from m where {open}c = 3{close}")
    };
    on_small_stack(move || {
        check_deep(&text(NESTING_DEPTH_MAX));
        check_too_deep(&text(NESTING_DEPTH_MAX + 1));
    });
}

#[test]
fn chains_may_be_as_long_as_the_text() {
    on_small_stack(|| {
        let sum = "1+".repeat(500_000);
        check_deep(&format!("select {sum}f from m"));
        let any_of = "host = 'a' or ".repeat(30_000);
        let text = format!("select f from m where {any_of} host = 'b'");
        check_deep(&text);
        let statements = parse(&text, &Params::new()).expect("parses");
        let [Statement::Select(select)] = statements.as_slice() else { panic!("one SELECT") };
        let condition = select.condition.as_ref().expect("a condition");
        assert_eq!(condition.chain(BinaryOp::Or).len(), 30_001);
        assert!(!condition.any(|expr| matches!(expr, Expr::Call { .. })));
        check_deep(&format!("select f{} from m", " + 1 * 2".repeat(30_000)));
    });
}

#[test]
fn long_lists_and_literals_are_read() {
    on_small_stack(|| {
        check_deep(&format!("select {}g from m", "f,".repeat(50_000)));
        check_deep(&format!("select f({}g) from m", "f,".repeat(50_000)));
        check_deep(&format!("select f from {}m", "m,".repeat(50_000)));
        check_deep(&format!("select '{}' from m", "x".repeat(1 << 20)));
        check_deep(&format!("select \"{}\" from m", "x".repeat(1 << 20)));
        check_deep(&format!("select f{}from m", " ".repeat(1 << 20)));
        check_deep(&format!("select f /*{}*/ from m", "*".repeat(1 << 20)));
        let databases: Vec<String> = (0..20_000).map(|i| format!("d{i}..m")).collect();
        check_deep(&format!("select f from {}", databases.join(",")));
        let many = parse(&"select f from m;".repeat(10_000), &Params::new()).expect("parses");
        assert_eq!(many.len(), 10_000);
    });
}

#[test]
fn endless_tokens_are_refused() {
    for text in [
        "select ".to_owned() + &"9".repeat(1 << 20),
        "select ".to_owned() + &"1h".repeat(1 << 19),
        "select f from ".to_owned() + &"a.".repeat(1 << 19) + "b",
        "select ".to_owned() + &"- ".repeat(1 << 19),
        "/*".repeat(1 << 19),
        "select '".to_owned() + &"\\'".repeat(1 << 19),
        "select /".to_owned() + &"\\/".repeat(1 << 19),
        format!("select /[{}]/ from m", "[:".repeat(1 << 19)),
        format!("select /{}/ from m", "[[:]".repeat(1 << 18)),
        format!("select /{}/ from m", r"\pL".repeat(1 << 18)),
        format!("select /{}/ from m", "(?P<a>".repeat(1 << 17)),
        format!("select /{}/ from m", "(?i)".repeat(1 << 18) + "*"),
        format!("select /{}/ from m", "{".repeat(1 << 20)),
    ] {
        assert!(parse(&text, &Params::new()).is_err());
    }
}

#[test]
fn regular_expressions_share_one_budget() {
    for pattern in [r"\pL{100}", "(a{30}){30}", "x*"] {
        let text = format!("select f from {}/z/", format!("/{pattern}/,").repeat(100_000));
        let error = parse(&text, &Params::new()).expect_err("too expensive").to_string();
        assert!(error.starts_with("error parsing regexp: expression too large"), "{error}");
    }
}
