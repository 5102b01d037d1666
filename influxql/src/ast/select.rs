//! SELECT and its clauses.

use super::{Expr, Source, Target};

/// A SELECT statement, also the one inside a subquery, a continuous query or EXPLAIN.
#[derive(Clone, Debug, PartialEq)]
pub struct Select {
    /// The columns; never empty.
    pub fields: Vec<Field>,
    /// INTO.
    pub target: Option<Target>,
    /// FROM; never empty.
    pub sources: Vec<Source>,
    /// WHERE, with the conditions on time still in it.
    pub condition: Option<Expr>,
    /// GROUP BY, as written and unchecked.
    pub dimensions: Vec<Dimension>,
    /// What an empty bucket holds.
    pub fill: Fill,
    /// ORDER BY time.
    pub order: Order,
    /// LIMIT; 0 means none.
    pub limit: u64,
    /// OFFSET.
    pub offset: u64,
    /// SLIMIT; 0 means none.
    pub slimit: u64,
    /// SOFFSET.
    pub soffset: u64,
    /// `tz('…')`: a name of the IANA database, checked.
    pub time_zone: Option<String>,
}

/// `EXPLAIN [ANALYZE] [VERBOSE] SELECT …`.
#[derive(Clone, Debug, PartialEq)]
pub struct Explain {
    /// Run the query and report what it did.
    pub analyze: bool,
    /// More detail.
    pub verbose: bool,
    /// The query explained.
    pub select: Box<Select>,
}

/// One column of SELECT.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// What the column computes.
    pub expr: Expr,
    /// The name after AS.
    pub alias: Option<String>,
}

/// One entry of GROUP BY: a name, a wildcard, a regex or a call, unchecked. (`GROUP BY time()` with
/// wrong arguments is an error of the statement, not of the text.)
#[derive(Clone, Debug, PartialEq)]
pub struct Dimension {
    /// The expression.
    pub expr: Expr,
}

/// What fills a bucket without points.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Fill {
    /// Null, or 0 for a count; also when nothing is said.
    #[default]
    Null,
    /// No row.
    None,
    /// This whole number.
    Integer(i64),
    /// This number.
    Float(f64),
    /// The value of the bucket before.
    Previous,
    /// On the line between the neighbours.
    Linear,
}

/// The direction of ORDER BY time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Order {
    /// Oldest first; also when nothing is said.
    #[default]
    Ascending,
    /// Newest first.
    Descending,
}
