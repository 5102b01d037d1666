//! Statements as trees of text: fine enough to take a clause away, no finer.
//!
//! In: what the generator put together. Out: the text (`Display`), and every statement that is one step smaller, for the
//! shrinker. It does not know what the texts in its leaves mean.

use std::fmt;

/// A statement.
#[derive(Debug, Clone)]
pub(crate) enum Statement {
    Select(Select),
    /// Anything else: what it begins with, and the clauses that may be left out.
    Other {
        head: String,
        clauses: Vec<String>,
    },
    /// A SELECT of which a word was lost, doubled, exchanged or cut: what it has become, and what it was.
    Broken {
        text: String,
        select: Box<Select>,
    },
}

/// A SELECT.
#[derive(Debug, Clone, Default)]
pub(crate) struct Select {
    /// Each with its alias.
    pub(crate) columns: Vec<String>,
    pub(crate) into: Option<String>,
    pub(crate) sources: Vec<Source>,
    /// The tree of WHERE, and time comparisons that it is joined to with AND.
    pub(crate) condition: Option<Condition>,
    pub(crate) bounds: Vec<String>,
    pub(crate) group: Vec<String>,
    /// The clauses after GROUP BY in their order: fill, ORDER BY, LIMIT, OFFSET, SLIMIT, SOFFSET, tz.
    pub(crate) tail: Vec<String>,
}

/// An entry of FROM.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    Table(String),
    Query(Box<Select>),
}

/// A condition.
#[derive(Debug, Clone)]
pub(crate) enum Condition {
    Leaf(String),
    Both(Box<Condition>, &'static str, Box<Condition>),
    Paren(Box<Condition>),
}

impl Statement {
    /// A statement without clauses that may be left out.
    pub(crate) fn text(text: impl Into<String>) -> Statement {
        Statement::Other { head: text.into(), clauses: Vec::new() }
    }

    /// The SELECT that it is, or was.
    pub(crate) fn select(&self) -> Option<&Select> {
        match self {
            Statement::Select(select) => Some(select),
            Statement::Broken { select, .. } => Some(select),
            Statement::Other { .. } => None,
        }
    }

    /// Every statement that lacks one part of this one.
    pub(crate) fn smaller(&self) -> Vec<Statement> {
        match self {
            Statement::Select(select) => {
                let mut all = Vec::new();
                select.inner_queries(&mut all);
                all.extend(select.smaller());
                all.into_iter().map(Statement::Select).collect()
            }
            Statement::Broken { .. } => Vec::new(),
            Statement::Other { head, clauses } => without_each(clauses)
                .map(|clauses| Statement::Other { head: head.clone(), clauses })
                .collect(),
        }
    }
}

impl Select {
    /// This query and those inside it that `test` accepts: whether there are any.
    pub(crate) fn any(&self, test: &dyn Fn(&Select) -> bool) -> bool {
        test(self)
            || self.sources.iter().any(|source| match source {
                Source::Query(query) => query.any(test),
                Source::Table(_) => false,
            })
    }

    /// Whether there is a clause of `word` that limits something: `LIMIT 0` does not.
    pub(crate) fn has(&self, word: &str) -> bool {
        self.tail.iter().any(|clause| clause.strip_prefix(word).is_some_and(|value| value != " 0"))
    }

    fn inner_queries(&self, out: &mut Vec<Select>) {
        for source in &self.sources {
            if let Source::Query(query) = source {
                out.push((**query).clone());
            }
        }
    }

    fn smaller(&self) -> Vec<Select> {
        let mut out = Vec::new();
        let base = || self.clone();
        if self.into.is_some() {
            out.push(Select { into: None, ..base() });
        }
        if self.condition.is_some() {
            out.push(Select { condition: None, ..base() });
        }
        out.extend(without_each(&self.tail).map(|tail| Select { tail, ..base() }));
        out.extend(without_each(&self.group).map(|group| Select { group, ..base() }));
        // Without bounds, windows are rows from the first point until now.
        if !self.group.iter().any(|entry| entry.starts_with("time(")) {
            out.extend(without_each(&self.bounds).map(|bounds| Select { bounds, ..base() }));
        }
        if self.columns.len() > 1 {
            out.extend(without_each(&self.columns).map(|columns| Select { columns, ..base() }));
        }
        if self.sources.len() > 1 {
            out.extend(without_each(&self.sources).map(|sources| Select { sources, ..base() }));
        }
        let conditions = self.condition.iter().flat_map(Condition::smaller);
        out.extend(conditions.map(|condition| Select { condition: Some(condition), ..base() }));
        for (number, source) in self.sources.iter().enumerate() {
            let Source::Query(query) = source else { continue };
            let mut replacements: Vec<Source> =
                query.smaller().into_iter().map(|query| Source::Query(Box::new(query))).collect();
            replacements.extend(query.sources.iter().cloned());
            for replacement in replacements {
                let mut sources = self.sources.clone();
                sources[number] = replacement;
                out.push(Select { sources, ..base() });
            }
        }
        out
    }
}

impl Condition {
    /// Calls `visit` with the text of every comparison.
    pub(crate) fn leaves(&self, visit: &mut dyn FnMut(&str)) {
        match self {
            Condition::Leaf(text) => visit(text),
            Condition::Paren(inner) => inner.leaves(visit),
            Condition::Both(left, _, right) => {
                left.leaves(visit);
                right.leaves(visit);
            }
        }
    }

    fn smaller(&self) -> Vec<Condition> {
        match self {
            Condition::Leaf(_) => Vec::new(),
            Condition::Paren(inner) => {
                let mut out = vec![(**inner).clone()];
                out.extend(inner.smaller().into_iter().map(|inner| Condition::Paren(Box::new(inner))));
                out
            }
            Condition::Both(left, word, right) => {
                let mut out = vec![(**left).clone(), (**right).clone()];
                out.extend(
                    left.smaller()
                        .into_iter()
                        .map(|left| Condition::Both(Box::new(left), word, right.clone())),
                );
                let rights = right.smaller().into_iter();
                out.extend(rights.map(|right| Condition::Both(left.clone(), word, Box::new(right))));
                out
            }
        }
    }
}

/// `items` without the first, without the second, and so on.
fn without_each<T: Clone>(items: &[T]) -> impl Iterator<Item = Vec<T>> + '_ {
    (0..items.len()).map(|left_out| {
        let kept = items.iter().enumerate().filter(|(index, _)| *index != left_out);
        kept.map(|(_, item)| item.clone()).collect()
    })
}

impl fmt::Display for Statement {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Statement::Select(select) => select.fmt(out),
            Statement::Broken { text, .. } => out.write_str(text),
            Statement::Other { head, clauses } => {
                out.write_str(head)?;
                clauses.iter().try_for_each(|clause| write!(out, " {clause}"))
            }
        }
    }
}

impl fmt::Display for Select {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "SELECT {}", self.columns.join(", "))?;
        if let Some(target) = &self.into {
            write!(out, " INTO {target}")?;
        }
        let sources: Vec<String> = self.sources.iter().map(Source::to_string).collect();
        write!(out, " FROM {}", sources.join(", "))?;
        let mut conditions: Vec<String> = self.bounds.clone();
        match &self.condition {
            Some(condition @ Condition::Both(_, "OR", _)) if !conditions.is_empty() => {
                conditions.push(format!("({condition})"));
            }
            Some(condition) => conditions.push(condition.to_string()),
            None => {}
        }
        if !conditions.is_empty() {
            write!(out, " WHERE {}", conditions.join(" AND "))?;
        }
        if !self.group.is_empty() {
            write!(out, " GROUP BY {}", self.group.join(", "))?;
        }
        self.tail.iter().try_for_each(|clause| write!(out, " {clause}"))
    }
}

impl fmt::Display for Source {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Table(name) => out.write_str(name),
            Source::Query(query) => write!(out, "({query})"),
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Condition::Leaf(text) => out.write_str(text),
            Condition::Both(left, word, right) => write!(out, "{left} {word} {right}"),
            Condition::Paren(inner) => write!(out, "({inner})"),
        }
    }
}
