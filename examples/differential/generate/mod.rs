//! Statements by chance: SELECT by clause, SHOW, changes of data, and mistakes.
//!
//! In: a schema, its points and chance. Out: a [`Generated`] statement. Literals come from the points and names from the schema, so
//! that most answers are not empty.
//!
//! | File | What it generates |
//! |---|---|
//! | [`select`] | a SELECT, its sources and clauses |
//! | [`columns`] | what stands between SELECT and FROM |
//! | [`functions`], [`windows`] | calls of functions |
//! | [`condition`] | WHERE |
//! | [`grouping`] | GROUP BY, fill, ORDER BY, limits, tz |
//! | [`show`] | SHOW |
//! | [`change`] | INTO, DELETE, DROP SERIES, DROP MEASUREMENT |
//! | [`mistake`] | statements that are wrong |

mod change;
mod columns;
mod condition;
mod functions;
mod grouping;
mod mistake;
mod names;
mod select;
mod show;
mod windows;

use crate::points::Point;
use crate::random::Choices;
use crate::schema::{Kind, Schema};
use crate::statement::Statement;
use fastrand::Rng;
use std::collections::BTreeSet;

pub(crate) use names::quote_name;

/// A statement and what the report counts it as.
#[derive(Debug, Clone)]
pub(crate) struct Generated {
    pub(crate) statement: Statement,
    pub(crate) kind: &'static str,
}

/// A name that a query can use, and literals that occur among its values.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) literals: Vec<String>,
}

/// What a FROM offers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scope {
    pub(crate) tags: Vec<Column>,
    pub(crate) fields: Vec<Column>,
}

/// The generator of one round.
pub(crate) struct Generator<'a> {
    pub(crate) random: &'a mut Rng,
    pub(crate) schema: &'a Schema,
    pub(crate) points: &'a [Point],
    /// How deep queries in FROM may nest.
    pub(crate) depth_max: usize,
}

/// How many literals of a column are remembered.
const LITERALS_MAX: usize = 20;

impl Generator<'_> {
    /// A statement that changes nothing.
    pub(crate) fn reading(&mut self) -> Generated {
        match self.random.weighted(&[80, 14, 6]) {
            0 => {
                let (select, kind, _) = self.select(0);
                Generated { statement: Statement::Select(select), kind }
            }
            1 => Generated { statement: self.show(), kind: "show" },
            _ => Generated { statement: self.mistake(), kind: "mistake" },
        }
    }

    /// A statement that changes data.
    pub(crate) fn changing(&mut self) -> Generated {
        self.change()
    }

    /// What the table `number` offers.
    fn scope_of(&self, number: usize) -> Scope {
        let table = &self.schema.tables[number];
        let points = || self.points.iter().filter(|point| point.table == number);
        let limited = |literals: BTreeSet<String>| literals.into_iter().take(LITERALS_MAX).collect();
        let tags = table.tags.iter().map(|tag| Column {
            name: tag.name.clone(),
            kind: Kind::String,
            literals: tag.values.iter().map(|value| crate::points::quote_string(value)).collect(),
        });
        let fields = table.fields.iter().map(|field| {
            let values = points().flat_map(|point| &point.fields).filter(|(name, _)| *name == field.name);
            Column {
                name: field.name.clone(),
                kind: field.kind,
                literals: limited(values.map(|(_, value)| value.literal()).collect()),
            }
        });
        Scope { tags: tags.collect(), fields: fields.collect() }
    }
}
