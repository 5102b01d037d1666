//! Tests of the scenario machinery itself, without a server.

use std::path::Path;

use super::answer;
use super::differences;
use super::file::{self, Scenario};
use super::http::Response;
use super::request::{BodyView, View, build, rename};
use super::{json, msgpack, run};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn all() -> Vec<Scenario> {
    let files = file::load_folder(&Path::new(ROOT).join("testdata/scenarios"), &[]);
    files.expect("every scenario file is well formed").into_iter().map(|(_, scenario)| scenario).collect()
}

fn parse(text: &str) -> Scenario {
    file::parse("test", text).expect("the test's own text is well formed")
}

/// Writing a file back with the answers that it holds changes nothing.
fn check_unchanged(text: &str) {
    let scenario = parse(text);
    let answers: Vec<String> =
        scenario.steps.iter().map(|step| step.oracle_answer().unwrap_or("?").to_owned()).collect();
    assert_eq!(file::render(&scenario, &answers), text);
}

/// `body` of a JSON answer reads as `expected`.
fn check_answer(body: &str, expected: &str) {
    let response = Response { status: 200, headers: Vec::new(), body: body.as_bytes().to_vec() };
    let view = View { usual_status: Some(200), ..View::of(BodyView::Table) };
    assert_eq!(answer::render(&response, &view, "zq_"), expected);
}

#[test]
fn a_file_survives_being_written_back() {
    check_unchanged(
        "# about\ndatabase mydb\ndatabase other absent\n\nwrite precision=s\n  m f=1 0\n  m f=2 1\n\n# rule\nexec DROP MEASUREMENT n\n\
         query epoch=s\nSELECT f\nFROM m\n----\nname: m\ntime f\n0    1\n\n\\query x\n\\\\y\n\nquery params='{\"a\": 1}' chunked\nSELECT 1\n----\nerror: x\n",
    );
}

#[test]
fn a_difference_keeps_both_answers() {
    let text = "differs: because\nquery\nSELECT 1\n----\nerror: a\n---- tidegauge\nerror: b\n\nquery\nSELECT 2\n----\n(empty)\n";
    check_unchanged(text);
    let scenario = parse(text);
    assert_eq!(scenario.steps[0].expected(), Some("error: b"));
    assert_eq!(scenario.steps[0].oracle_answer(), Some("error: a"));
    let page = differences::page(&[&scenario]);
    assert!(page.contains("## because") && page.contains("error: a") && page.contains("error: b"), "{page}");
}

#[test]
fn the_page_of_differences_begins_with_links_to_all_reasons() {
    let step = |reason: &str| {
        format!("differs: {reason}\nquery\nSELECT 1\n----\nerror: a\n---- tidegauge\nerror: b\n\n")
    };
    let parse = |name: &str, text: &str| file::parse(name, text).expect("the test's own text is well formed");
    let odd = "LIMIT of `top(f, 2)` differs; 1.6 is a_b-c, \"so\"";
    let scenarios = [
        parse("data_changes/a", &(step("one") + &step(odd))),
        parse("data_changes/b", &step("one")),
        parse("select/c", &(step("two") + &step("one"))),
    ];
    let page = differences::page(&scenarios.each_ref());
    let expected = format!(
        "\nThere are 3 reasons, for 5 answers. Behind each reason stands how many of them it is for.\n\n\
         **data changes**\n\n- [one](#one) (3)\n- [{odd}](#limit-of-topf-2-differs-16-is-a_b-c-so) (1)\n\n\
         **select**\n\n- [two](#two) (1)\n\n## one\n"
    );
    assert!(page.contains(&expected), "{page}");
}

#[test]
fn answers_need_not_be_written_for_writes_and_exec() {
    let scenario = parse("write\n  m f=1 0\nexec CREATE DATABASE a\nquery\nSELECT 1\n");
    let expected: Vec<Option<&str>> = scenario.steps.iter().map(|step| step.expected()).collect();
    assert_eq!(expected, [Some("status 204"), Some("(empty)"), None]);
    let mutations: Vec<bool> = scenario.steps.iter().map(|step| step.is_mutation()).collect();
    assert_eq!(mutations, [true, true, false]);
}

#[test]
fn mistakes_in_a_file_name_the_line() {
    assert_eq!(file::parse("t", "\nqeury\n").err().as_deref(), Some("line 2: unknown word 'qeury'"));
    assert_eq!(
        file::parse("t", "query eopch=s\nSELECT").err().as_deref(),
        Some("line 1: unknown option 'eopch'")
    );
}

#[test]
fn tables_tell_numbers_strings_and_null_apart() {
    check_answer(
        r#"{"results":[{"statement_id":0,"series":[{"name":"m","tags":{"h":"","r":"a b"},"columns":["time","v"],"values":[["1970-01-01T00:00:00Z",1.50],[0,"1.5"],[1,null],[2,"null"],[3,"x"]]}]}]}"#,
        "name: m\ntags: h=\"\", r=\"a b\"\ntime                 v\n1970-01-01T00:00:00Z 1.50\n0                    \"1.5\"\n1                    null\n2                    \"null\"\n3                    x",
    );
}

#[test]
fn errors_empty_results_and_several_statements() {
    check_answer(r#"{"results":[{"statement_id":0}]}"#, "(empty)");
    check_answer("{}", "(no results)");
    check_answer(
        r#"{"results":[{"statement_id":0},{"statement_id":1,"error":"a\nb"}]}"#,
        "statement 0\n(empty)\nstatement 1\nerror: a\n       b",
    );
    check_answer(
        "{\"results\":[{\"statement_id\":0,\"partial\":true}]}\n{\"results\":[{\"statement_id\":0}]}\n",
        "chunk\npartial result\n(empty)\nchunk\n(empty)",
    );
    check_answer(
        r#"{"results":[{"error":"x","statement_id":0}]}"#,
        "unexpected member: statement_id\nerror: x",
    );
}

#[test]
fn lists_of_databases_show_only_the_files_own() {
    check_answer(
        r#"{"results":[{"statement_id":0,"series":[{"name":"databases","columns":["name"],"values":[["_internal"],["zq_mydb"],["zr_mydb"]]}]}]}"#,
        "name: databases\nname\nmydb",
    );
}

#[test]
fn database_names_are_replaced_as_whole_words() {
    let databases = ["mydb", "mydb two"];
    assert_eq!(
        rename(r#"SHOW SERIES ON mydb; SELECT mydb2 FROM mydb..m, "mydb two".rp.m, amydb"#, &databases, "p_"),
        r#"SHOW SERIES ON p_mydb; SELECT mydb2 FROM p_mydb..m, "p_mydb two".rp.m, amydb"#
    );
}

#[test]
fn positions_in_errors_do_not_count_the_prefix() {
    let scenario = parse("database mydb\nquery\nSHOW SERIES ON mydb\nFROM x ON mydb y\n");
    for prefix in ["p_", "longer_"] {
        let (_, view) = build(&scenario, &scenario.steps[0], prefix);
        let body = format!("{{\"error\":\"found y at line 2, char {}\"}}", 16 + prefix.len());
        let response = Response { status: 400, headers: Vec::new(), body: body.into_bytes() };
        assert_eq!(answer::render(&response, &view, prefix), "status 400\nerror: found y at line 2, char 16");
    }
}

#[test]
fn json_keeps_order_digits_and_text() {
    let text = r#"{"b":1.0,"a":[1e3,"\u003c\ud83d\ude00\n",true,null,{}]}"#;
    let documents = json::parse_documents(text).expect("the test's own text is JSON");
    assert_eq!(
        format!("{documents:?}"),
        "[Object([(\"b\", Number(\"1.0\")), (\"a\", Array([Number(\"1e3\"), String(\"<😀\\n\"), Bool(true), Null, Object([])]))])]"
    );
    assert!(json::parse_documents("{\"a\":").is_err() && json::parse_documents(&"[".repeat(1000)).is_err());
}

#[test]
fn msgpack_shows_types() {
    let bytes = b"\x82\xa1a\x93\x01\xcb\x3f\xf0\0\0\0\0\0\0\xc0\xa1b\xc7\x0c\x05\0\0\0\0\0\0\0\x01\0\0\0\x02";
    assert_eq!(msgpack::render(bytes).as_deref(), Ok("{\"a\": [1, 1.0, null], \"b\": time(1.000000002)}"));
    assert!(msgpack::render(b"\xa5ab").is_err());
}

#[test]
fn differences_between_answers_are_shown_by_line() {
    assert_eq!(run::difference("a\nb\nc", "a\nx\nc"), "    a\n  - b\n  + x\n    c\n");
}

#[test]
fn every_step_has_an_answer_and_every_difference_a_second_one() {
    for scenario in all() {
        for step in &scenario.steps {
            let place = format!("{}:{}", scenario.name, step.line);
            assert!(step.expected().is_some(), "{place} has no recorded answer: run `make golden`");
            assert_eq!(
                step.differs.is_some(),
                step.ours.is_some(),
                "{place}: `differs:` and `---- tidegauge` belong together"
            );
            assert_ne!(step.ours.as_deref(), step.oracle_answer(), "{place}: both answers are equal");
        }
    }
}

#[test]
fn the_corpus_is_as_large_as_it_should_be() {
    let queries = all()
        .iter()
        .filter(|scenario| !scenario.name.starts_with("later/"))
        .map(|scenario| scenario.steps.len())
        .sum::<usize>();
    assert!(queries >= 2000, "only {queries} steps were found: is the folder complete?");
}

#[test]
fn the_page_of_differences_is_up_to_date() {
    let scenarios = all();
    let path = Path::new(ROOT).join("docs/differences.md");
    let page = std::fs::read_to_string(&path).expect("docs/differences.md exists");
    let scenarios: Vec<&Scenario> = scenarios.iter().collect();
    assert_eq!(
        page,
        differences::page(&scenarios),
        "run `make golden` or `cargo run --example golden -- differences`"
    );
}
