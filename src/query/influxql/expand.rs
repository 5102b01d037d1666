//! Wildcards and regexes become names: in SELECT, inside functions, in GROUP BY. And columns get their names.
//!
//! In: a [`Compiled`] statement and the [`Names`] of its tables. Out: fields and tags without wildcards.

use super::compile::{Compiled, CompiledField};
use super::error::{Result, err};
use super::function;
use super::names::Names;
use super::types::Type;
use influxql::ast::{Expr, WildcardKind};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// Whether the statement has a wildcard or a regex in SELECT or GROUP BY.
#[must_use]
pub(super) fn has_wildcard(compiled: &Compiled) -> bool {
    has_field_wildcard(compiled) || has_tag_wildcard(compiled)
}

fn has_field_wildcard(compiled: &Compiled) -> bool {
    compiled.fields.iter().any(|field| wildcard_in(&field.expr).is_some())
}

fn has_tag_wildcard(compiled: &Compiled) -> bool {
    compiled.dimensions.iter().any(|d| !matches!(d, Expr::VarRef { .. }))
}

/// The statement's columns and grouping tags without wildcards.
pub(super) fn expand(compiled: &Compiled, names: &Names) -> Result<(Vec<CompiledField>, Vec<Arc<str>>)> {
    let has_tag_wildcard = has_tag_wildcard(compiled);
    let fields = if has_field_wildcard(compiled) {
        expand_fields(compiled, &candidates(compiled, names, has_tag_wildcard))?
    } else {
        compiled.fields.clone()
    };
    Ok((fields, expand_dimensions(&compiled.dimensions, names)))
}

/// What a wildcard in SELECT may stand for.
struct Candidate {
    name: Arc<str>,
    ty: Type,
    /// Whether it counts as a field, not as a tag.
    is_field: bool,
}

/// What a wildcard in SELECT may stand for, sorted by name, a field before a tag of the same name. Tags of GROUP BY are
/// left out; with a wildcard in GROUP BY these are all tags.
fn candidates(compiled: &Compiled, names: &Names, has_tag_wildcard: bool) -> Vec<Candidate> {
    let field = |(name, ty)| Candidate { name, ty, is_field: ty != Type::Tag };
    let mut all: Vec<_> = names.fields().into_iter().map(field).collect();
    if all.is_empty() {
        return all;
    }
    if !has_tag_wildcard {
        let is_grouped = |tag: &str| {
            compiled.dimensions.iter().any(|d| matches!(d, Expr::VarRef { name, .. } if name == tag))
        };
        let tags = names.tags().into_iter().filter(|tag| !is_grouped(tag));
        all.extend(tags.map(|name| Candidate { name, ty: Type::Tag, is_field: false }));
    }
    all.sort_by(|a, b| a.name.cmp(&b.name).then((a.ty == Type::Tag).cmp(&(b.ty == Type::Tag))));
    all
}

fn expand_fields(compiled: &Compiled, candidates: &[Candidate]) -> Result<Vec<CompiledField>> {
    let mut fields = Vec::new();
    for field in &compiled.fields {
        let name = |Candidate { name, ty, .. }: &Candidate| CompiledField {
            expr: Expr::VarRef { name: name.to_string(), cast: ty.to_cast() },
            alias: None,
            is_argument: false,
        };
        match &field.expr {
            Expr::Wildcard(kind) => fields.extend(
                candidates
                    .iter()
                    .filter(|candidate| match kind {
                        WildcardKind::All => true,
                        WildcardKind::Field => candidate.is_field,
                        WildcardKind::Tag => !candidate.is_field,
                    })
                    .map(name),
            ),
            Expr::Regex(pattern) => {
                fields.extend(
                    candidates.iter().filter(|candidate| pattern.is_match(&candidate.name)).map(name),
                );
            }
            call @ Expr::Call { .. } if wildcard_in(call).is_some() => {
                expand_call(field, candidates, &mut fields)?
            }
            _ => fields.push(field.clone()),
        }
    }
    Ok(fields)
}

/// `mean(*)`: one column per field that the function takes, named `mean_field`.
fn expand_call(field: &CompiledField, candidates: &[Candidate], out: &mut Vec<CompiledField>) -> Result<()> {
    let Some((function, wildcard)) = wildcard_in(&field.expr) else { return Ok(()) };
    if matches!(wildcard, Expr::Wildcard(WildcardKind::Tag)) {
        return err(format!("unable to use tag wildcard in {function}()"));
    }
    let prefix = field.alias.clone().unwrap_or_else(|| default_name(&field.expr));
    for Candidate { name, ty, .. } in candidates {
        let matches = match wildcard {
            Expr::Regex(pattern) => pattern.is_match(name),
            _ => true,
        };
        if matches && function::wildcard_takes(function, *ty) {
            let argument = Expr::VarRef { name: name.to_string(), cast: ty.to_cast() };
            out.push(CompiledField {
                expr: with_innermost_argument(&field.expr, &argument),
                alias: Some(format!("{prefix}_{name}")),
                is_argument: false,
            });
        }
    }
    Ok(())
}

/// The innermost first argument of a call when it is a wildcard or a regex, with the name of the function it
/// stands in; for a wildcard outside of calls the name is empty.
fn wildcard_in(expr: &Expr) -> Option<(&str, &Expr)> {
    let (mut function, mut node) = ("", expr);
    while let Expr::Call { name, args } = node {
        function = name;
        node = args.first()?;
    }
    matches!(node, Expr::Wildcard(_) | Expr::Regex(_)).then_some((function, node))
}

fn with_innermost_argument(expr: &Expr, argument: &Expr) -> Expr {
    match expr {
        Expr::Call { name, args } => {
            let mut args = args.clone();
            if let Some(first) = args.first_mut() {
                *first = with_innermost_argument(first, argument);
            }
            Expr::Call { name: name.clone(), args }
        }
        _ => argument.clone(),
    }
}

/// The tags of GROUP BY, sorted, each once.
#[must_use]
pub(in crate::query) fn expand_dimensions(dimensions: &[Expr], names: &Names) -> Vec<Arc<str>> {
    let mut tags: BTreeSet<Arc<str>> = BTreeSet::new();
    for dimension in dimensions {
        match dimension {
            Expr::VarRef { name, .. } => {
                tags.insert(name.as_str().into());
            }
            Expr::Regex(pattern) => tags.extend(names.tags().into_iter().filter(|tag| pattern.is_match(tag))),
            _ => tags.extend(names.tags()),
        }
    }
    tags.into_iter().collect()
}

/// The names of the result's columns: aliases first; a name that is taken gets `_1`, `_2`, ….
#[must_use]
pub(super) fn column_names(fields: &[CompiledField]) -> Vec<String> {
    let mut taken: HashMap<String, usize> = HashMap::new();
    for alias in fields.iter().filter_map(|field| field.alias.as_ref()) {
        taken.insert(alias.clone(), 1);
    }
    let mut names = Vec::with_capacity(fields.len());
    for field in fields {
        names.push(match &field.alias {
            Some(alias) => alias.clone(),
            None => free_name(default_name(&field.expr), &mut taken),
        });
    }
    names
}

fn free_name(name: String, taken: &mut HashMap<String, usize>) -> String {
    let Some(mut count) = taken.get(&name).copied() else {
        taken.insert(name.clone(), 1);
        return name;
    };
    loop {
        let numbered = format!("{name}_{count}");
        count += 1;
        if !taken.contains_key(&numbered) {
            taken.insert(name, count);
            taken.insert(numbered.clone(), 1);
            return numbered;
        }
    }
}

/// The name of a column without an alias: the names and functions in it, joined by `_`.
pub(super) fn default_name(expr: &Expr) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let mut pending = vec![expr];
    while let Some(expr) = pending.pop() {
        match expr {
            Expr::VarRef { name, .. } | Expr::Call { name, .. } => parts.push(name),
            Expr::Paren(inner) => pending.push(inner),
            Expr::Binary { left, right, .. } => {
                pending.push(right);
                pending.push(left);
            }
            _ => {}
        }
    }
    parts.join("_")
}
