//! The layers of the crate, enforced: a module imports only modules of lower layers.
//!
//! Every `crate::module` in `src/`, in a `use` line or inline, is an edge from the module of the file to
//! that module. Comments, strings and the test files beside the code (`tests.rs`, `tests/`) make no edges:
//! a test may use whatever helps it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The layers from the lowest to the highest. Siblings of one layer do not import each other.
const LAYERS: [&[&str]; 7] = [
    &["model", "clock", "config", "telemetry"],
    &["line_protocol", "merge", "encode", "object"],
    &["catalog", "wal", "buffer", "parquet_file", "manifest", "auth", "outbox"],
    &["engine"],
    &["query", "backup", "subscriber"],
    &["server"],
    &["main", "app", "cli"],
];

/// Edges within a layer that are meant: the command line starts the application.
const ALLOWED: [(&str, &str); 2] = [("cli", "app"), ("main", "cli")];

fn layer_of(module: &str) -> Option<usize> {
    LAYERS.iter().position(|modules| modules.contains(&module))
}

/// What is wrong with an import of `to` in `from`, if anything.
fn objection(from: &str, to: &str) -> Option<String> {
    if from == to || ALLOWED.contains(&(from, to)) {
        return None;
    }
    let (Some(lower), Some(higher)) = (layer_of(to), layer_of(from)) else {
        let stranger = if layer_of(to).is_none() { to } else { from };
        return Some(format!("`{stranger}` belongs to no layer; add it to tests/it/layers.rs"));
    };
    (lower >= higher).then(|| format!("`{from}` (L{higher}) must not import `{to}` (L{lower})"))
}

/// The modules that Rust code names by `crate::…`, as (line from 1, module).
fn imports(code: &str) -> BTreeSet<(usize, String)> {
    const START: &str = "crate::";
    let code = without_comments_and_strings(code);
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices(START) {
        let is_whole_word = !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        if !is_whole_word {
            continue;
        }
        let line = code[..at].matches('\n').count() + 1;
        let rest = &code[at + START.len()..];
        for name in first_names(rest) {
            found.insert((line, name));
        }
    }
    found
}

/// The first segment of a path, or of each path of a group `{a::b, c}`.
fn first_names(path: &str) -> Vec<String> {
    let name = |text: &str| -> String {
        text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
    };
    let Some(group) = path.trim_start().strip_prefix('{') else { return vec![name(path)] };
    let mut depth = 0;
    let mut names = vec![name(group)];
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => names.push(name(&group[at + 1..])),
            _ => {}
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

/// Code with comments and the contents of strings blanked; lines stay where they are.
fn without_comments_and_strings(code: &str) -> String {
    let mut out = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(c) = rest.chars().next() {
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if let Some(hashes) = raw_string_hashes(rest, &out) {
            let end = format!("\"{}", "#".repeat(hashes));
            let start = hashes + 2;
            rest[start..].find(&end).map_or(rest.len(), |at| start + at + end.len())
        } else if c == '"' {
            quoted_length(rest)
        } else if let Some(length) = char_length(rest) {
            length
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
            continue;
        };
        out.push(' ');
        out.extend(rest[..length].chars().filter(|c| *c == '\n'));
        rest = &rest[length..];
    }
    out
}

/// The number of `#` of a raw string that starts here.
fn raw_string_hashes(rest: &str, before: &str) -> Option<usize> {
    let is_word = before.ends_with(|c: char| (c.is_alphanumeric() && c != 'b') || c == '_');
    let hashes = rest.strip_prefix('r').filter(|_| !is_word)?;
    let count = hashes.len() - hashes.trim_start_matches('#').len();
    hashes[count..].starts_with('"').then_some(count)
}

fn quoted_length(rest: &str) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// A character such as `'"'` or `'\''`, which is no lifetime.
fn char_length(rest: &str) -> Option<usize> {
    let inner = rest.strip_prefix('\'')?;
    let first = inner.chars().next()?;
    let content = if first == '\\' { 1 + inner[1..].chars().next()?.len_utf8() } else { first.len_utf8() };
    inner[content..].starts_with('\'').then_some(content + 2)
}

/// The top-level module of a file below `src/`; `lib.rs` only declares.
fn module_of(file: &Path) -> Option<String> {
    let first = file.components().next()?.as_os_str().to_str()?;
    let module = first.strip_suffix(".rs").unwrap_or(first);
    (module != "lib").then(|| module.to_owned())
}

fn source_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() && name != "tests" {
            source_files(&path, found);
        } else if name.ends_with(".rs") && name != "tests.rs" {
            found.push(path);
        }
    }
}

#[test]
fn modules_import_only_lower_layers() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    source_files(&root, &mut files);
    files.sort();
    assert!(files.len() > 20, "the sources are found");
    let mut objections = Vec::new();
    for file in files {
        let name = file.strip_prefix(&root).unwrap();
        let Some(from) = module_of(name) else { continue };
        for (line, to) in imports(&std::fs::read_to_string(&file).unwrap()) {
            objections
                .extend(objection(&from, &to).map(|why| format!("src/{}:{line}: {why}", name.display())));
        }
    }
    assert!(objections.is_empty(), "edges that the layers forbid:\n{}", objections.join("\n"));
}

fn check_imports(code: &str, expected: &[(usize, &str)]) {
    let expected = expected.iter().map(|(line, module)| (*line, (*module).to_owned())).collect();
    assert_eq!(imports(code), expected, "{code}");
}

#[test]
fn imports_are_found_wherever_they_stand() {
    check_imports(
        "use crate::model::ids::TableId;\nfn f() -> crate::wal::Wal {}",
        &[(1, "model"), (2, "wal")],
    );
    check_imports("use crate::{a, b::{c, d}, e as f};", &[(1, "a"), (1, "b"), (1, "e")]);
    check_imports("pub(in crate::a) use $crate::b;", &[(1, "a"), (1, "b")]);
    check_imports("// crate::a\n/* crate::b\n */ let x = \"crate::c \\\" crate::d\"; crate::e", &[(3, "e")]);
    check_imports(
        "let q = '\"'; crate::a; let s = r#\"crate::b\"#; fn f<'a>() { crate::c }",
        &[(1, "a"), (1, "c")],
    );
    check_imports("use other_crate::a;", &[]);
}

#[test]
fn what_the_layers_forbid() {
    assert_eq!(objection("engine", "wal"), None);
    assert_eq!(objection("wal", "wal"), None);
    assert_eq!(objection("cli", "app"), None);
    assert_eq!(objection("wal", "buffer").unwrap(), "`wal` (L2) must not import `buffer` (L2)");
    assert_eq!(objection("engine", "query").unwrap(), "`engine` (L3) must not import `query` (L4)");
    assert_eq!(objection("app", "cli").unwrap(), "`app` (L6) must not import `cli` (L6)");
    assert!(objection("engine", "helpers").unwrap().contains("`helpers` belongs to no layer"));
}
